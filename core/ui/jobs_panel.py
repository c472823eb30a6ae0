"""The jobs that are queued or running, with progress and a cancel, in the sidebar."""

from __future__ import annotations

from core.ui.shell import workspace


def draw_jobs() -> None:
    """Draw nothing where nothing runs."""
    if not workspace().jobs.exists():
        return
