"""The report without a screen: what `python -m core report` does."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

from core.basics.workspace import Workspace
from core.store.run_folder import Run, read_run


def report(options: Namespace) -> dict[str, Any]:
    """Write the report of a run; answers the file, its size and the verdict."""
    from core.runs.report.html import report_html  # Plotly, which no other command needs
    from core.runs.report.story import ReportOptions, sections_without, tell_story, write_report

    sections = sections_without(options.without)
    chosen = ReportOptions(options.title, options.note, sections, options.hide_users)
    workspace, run = _run_of(options)
    story = tell_story(workspace, run)
    path = write_report(options.out.resolve(), report_html(story, chosen))
    return {"file": str(path), "bytes": path.stat().st_size, "verdict": story.verdict}


def _run_of(options: Namespace) -> tuple[Workspace, Run]:
    """A run by its folder, which tells its workspace, or by its id in the workspace."""
    folder = Path(options.run)
    if folder.is_dir():
        run = read_run(folder.resolve())
        return Workspace(run.folder.parent.parent), run
    given = options.workspace
    workspace = Workspace(given.resolve()) if given else Workspace.from_environment()
    return workspace, read_run(workspace.runs / folder.name)
