"""Everybody's lists as one CSV file: made by a job, downloaded when it is whole."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core.basics.formatting import count, number
from core.jobs.table import FAILED, list_jobs
from core.runs.explain.new_items import why_no_new_items
from core.runs.explain.recommend import ExportPlan
from core.ui.recommendations.view import View
from core.ui.shell import ask_job, draw_press, workspace
from core.ui.state import linked, one_of, recalled
from core.ui.widgets import plain

PROGRAM, SPREADSHEET = "A program", "A spreadsheet"
_FOR = "export_for"


def show_export(view: View) -> None:
    """A button that starts the job, or the file where it is made already."""
    fusion = view.fusion
    spreadsheet = recalled("opens", PROGRAM, str) == SPREADSHEET
    new_items = not why_no_new_items(view.run, view.split) and st.toggle(
        "New items too", key="export_new_items", help="Items nobody took yet, marked in a column."
    )
    plan = ExportPlan(
        view.run.id,
        view.k,
        fusion.alpha,
        fusion.beta,
        fusion.kind,
        fusion.scale,
        spreadsheet,
        new_items,
    )
    path = plan.file(workspace())
    users = count(len(view.split.train.users), "user")
    st.markdown(
        f"One line per recommendation: user, rank, item, title, score and both parts. "
        f"Top {view.k} of {users}, at alpha {number(plan.alpha, 2)} and beta "
        f"{number(plan.beta, 2)}; what is in training or validation does not stand in a list."
    )
    st.segmented_control(
        "Who opens it",
        [PROGRAM, SPREADSHEET],
        required=True,
        **linked("opens", PROGRAM, one_of([PROGRAM, SPREADSHEET]), key=_FOR),
    )
    st.caption(
        "Cells that a spreadsheet would run as a formula begin with a quote mark, ids too: do not "
        "join this file to others by its ids."
        if spreadsheet
        else "Ids stay exactly as they are, to be joined or uploaded again. Do not open a file of "
        "strangers' ids in a spreadsheet, which may run them as formulas."
    )
    if path.exists():
        _show_file(path)
        return
    active = [job for job in list_jobs(workspace(), kind="export", active=True)]
    waiting = any(job.payload == plan.to_dict() for job in active)
    draw_press(
        "Make the file",
        _start,
        (plan, f"Lists of {users} · {view.run.label}"),
        icon=":material/table_view:",
        disabled=waiting,
        key="make_export",
    )
    if waiting:
        st.caption("It is being made; the sidebar shows how far it is.")
    jobs = list_jobs(workspace(), kind="export", limit=5)
    last = next((job for job in jobs if job.payload == plan.to_dict()), None)
    if last is not None and last.status == FAILED:
        st.error(f"{plain(last.what, 400)} {plain(last.hint, 400)}")


def _start(plan: ExportPlan, title: str) -> None:
    ask_job("export", plan.to_dict(), title)


def _show_file(path: Path) -> None:
    megabytes = path.stat().st_size / 1e6
    st.download_button(
        f"Download the lists ({megabytes:.1f} MB)",
        data=path.read_bytes,
        file_name=path.name,
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
        key="download_export",
    )
