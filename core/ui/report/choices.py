"""What a person chooses for a report: title, note, sections, names of users."""

from __future__ import annotations

import streamlit as st

from core.basics.formatting import duration
from core.runs.report.story import (
    LONGEST_NOTE,
    LONGEST_TITLE,
    SECTIONS,
    ReportOptions,
    default_title,
)
from core.store.run_folder import Run
from core.ui.report.made import Made

CHOSEN, PRESENTING = "report_options", "report_presenting"
TITLE, NOTE, CHAPTERS, HIDE = "report_title", "report_note", "report_sections", "report_hide"


def pick_options(run: Run) -> ReportOptions:
    """Title, note, sections and whether users are named."""
    st.text_input(
        "Title",
        placeholder=default_title(run.record["source_name"], run.record["target_name"]),
        max_chars=LONGEST_TITLE,
        key=TITLE,
        persist_state="session",
    )
    st.text_area(
        "Note",
        placeholder="For whom, for which decision, what to look at first",
        max_chars=LONGEST_NOTE,
        height=110,
        key=NOTE,
        persist_state="session",
        help="Stands below the title, as you type it.",
    )
    st.pills(
        "Sections",
        list(SECTIONS),
        format_func=SECTIONS.__getitem__,
        selection_mode="multi",
        default=list(SECTIONS),
        key=CHAPTERS,
        persist_state="session",
        wrap=True,
        help="Title, verdict and the six steps of the presentation are always there.",
    )
    st.toggle(
        "Hide user ids",
        key=HIDE,
        persist_state="session",
        help="The three people are called A, B and C. Their titles stay.",
    )
    return _options_now()


def show_actions(run: Run, file: Made) -> None:
    """Download and Present, with size and time said."""
    st.download_button(
        "Download report",
        data=file.html.encode("utf-8", "replace"),
        file_name=f"report-{run.id}.html",
        mime="text/html",
        type="primary",
        on_click="ignore",
        icon=":material/download:",
        key="download_report",
        width="stretch",
    )
    st.button(
        "Present",
        icon=":material/slideshow:",
        key="present_report",
        width="stretch",
        on_click=_present,
        help="Six steps in large type, moved by the arrow keys; the file holds them too.",
    )
    st.caption(
        f"One file of {file.megabytes:.1f} MB, made in {_seconds(file.seconds)}. It opens in any "
        "browser without a network, prints on A4, and presents: press Present in it."
    )


def chosen_options() -> ReportOptions:
    """The options the presentation was started with."""
    return st.session_state.get(CHOSEN, ReportOptions())


def is_presenting() -> bool:
    """Whether the page shows the six steps in place of the report."""
    return bool(st.session_state.get(PRESENTING))


def stop_presenting() -> None:
    """Show the report again."""
    st.session_state[PRESENTING] = False


def _present() -> None:
    """Asked of the widgets, because a title may be typed and Present pressed in one go."""
    st.session_state[PRESENTING], st.session_state[CHOSEN] = True, _options_now()


def _options_now() -> ReportOptions:
    here = st.session_state
    kept = tuple(key for key in SECTIONS if key in here[CHAPTERS])
    return ReportOptions(here[TITLE] or "", here[NOTE] or "", kept, bool(here[HIDE]))


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 10 else duration(seconds)
