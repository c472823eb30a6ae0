"""What a long piece of work says while it goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """One step of work that is done; `total` steps are expected in all."""

    done: int
    total: int
    stage: str = ""
    loss: float | None = None
    valid: float | None = None  # validation metric, filled in by the caller

    @property
    def share(self) -> float:
        """Share of the work done, 0 to 1."""
        return min(1.0, self.done / self.total) if self.total else 0.0


Report = Callable[[Progress], None]  # whoever works calls it; it may raise Cancelled


class Cancelled(Exception):
    """Raised inside a piece of work when a person asked for it to stop."""


def silent(progress: Progress) -> None:
    """A Report for callers who do not watch."""
