"""The Report page: what a person chooses, the file that is made of it, and its preview."""

from __future__ import annotations

import time
from dataclasses import dataclass

import streamlit as st

from core.basics.files import fingerprint
from core.basics.formatting import duration
from core.data.checks.check import RESULT
from core.runs.report.blocks import Story
from core.runs.report.html import report_html
from core.runs.report.story import (
    LONGEST_NOTE,
    LONGEST_TITLE,
    SECTIONS,
    ReportOptions,
    default_title,
    tell_story,
)
from core.store.measured import LOOKS, PLACEBO_FOLDER, RESEED_FOLDER
from core.store.run_folder import Run
from core.ui import cached
from core.ui.keeping import kept_resource, known_by
from core.ui.shell import workspace
from core.ui.state import linked, some_of

CHOSEN, PRESENTING = "report_options", "report_presenting"
TITLE, NOTE, CHAPTERS, HIDE = "report_title", "report_note", "report_sections", "report_hide"


def pick_options(run: Run) -> ReportOptions:
    """Title, note, sections and whether users are named."""
    st.text_input(
        "Title",
        placeholder=default_title(run.record.source_name, run.record.target_name),
        max_chars=LONGEST_TITLE,
        **linked(TITLE, "", str, key=TITLE),
    )
    st.text_area(
        "Note",
        placeholder="For whom, for which decision, what to look at first",
        max_chars=LONGEST_NOTE,
        height=110,
        **linked(NOTE, "", str, key=NOTE),
        help="Stands below the title, as you type it.",
    )
    st.pills(
        "Sections",
        list(SECTIONS),
        format_func=SECTIONS.__getitem__,
        selection_mode="multi",
        wrap=True,
        help="Title, verdict and the six steps of the presentation are always there.",
        **linked("sections", list(SECTIONS), some_of(list(SECTIONS)), key=CHAPTERS),
    )
    st.toggle(
        "Hide user ids",
        help="The three people are called A, B and C. Their titles stay.",
        **linked("ids", False, lambda text: text == "True", key=HIDE),
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


# Stories and files of the Report page, made once per run and kept while nothing changes.


known_by(ascii)(ReportOptions)  # whatever a person typed


@dataclass(frozen=True)
class Made:
    """One file, and how long it took from the run to the last letter."""

    html: str
    seconds: float

    @property
    def megabytes(self) -> float:
        """Size of the file."""
        return len(self.html.encode("utf-8", "replace")) / 1e6


def _evidence(run: Run, *_: object, **__: object) -> str:
    """Changes with what a story depends on: the run, those beside it, data, checks, noise floor."""
    here, record = workspace(), run.record
    pair = here.pairs / record.dataset_hash
    files = (
        here.splits / record.split_hash / "split.json",
        pair / "pair.json",
        pair / RESULT,
        run.folder / RESEED_FOLDER,
        run.folder / PLACEBO_FOLDER,
        run.folder / LOOKS,
    )
    stamps = [file.stat().st_mtime_ns if file.exists() else 0 for file in files]
    beside = [(other.id, other.label) for other in cached.runs()]
    return fingerprint(run.label, stamps, beside)


@kept_resource(show_spinner="Writing the report", max_entries=3, also=_evidence)
def made(run: Run, options: ReportOptions, presenting: bool = False) -> Made:
    """The report of a run as one HTML file; presenting opens it at the first step."""
    story, told = _story(run)
    began = time.perf_counter()
    html = report_html(story, options, presenting)
    return Made(html, told + time.perf_counter() - began)


@kept_resource(
    show_spinner="Gathering figures and people for the report", max_entries=2, also=_evidence
)
def _story(run: Run) -> tuple[Story, float]:
    began = time.perf_counter()
    return tell_story(workspace(), run), time.perf_counter() - began


# The file itself inside the page: as a report to scroll, or as six steps.

HEIGHT = 900  # pixels
STEPS = "report_steps"
# Over sidebar and heading, to the edges of the window; the way back stays on top of it
FILLING = f"""<style>
.st-key-{STEPS} {{ position: fixed; inset: 0; z-index: 1000000; gap: 0; height: 100vh;
  background: #fff; }}
.st-key-{STEPS} iframe {{ height: calc(100vh - 3.2rem) !important; display: block; }}
.st-key-{STEPS}_back {{ padding: .3rem 1rem; background: #fff; color: #1C2530; }}
</style>"""


def show_report(run: Run) -> None:
    """Choices left, the file that would be downloaded right."""
    choices, preview = st.columns([1, 2.7], gap="large")
    with choices:
        options = pick_options(run)
        actions = st.container()
    file = made(run, options)
    with actions:
        show_actions(run, file)
    with preview, st.container(border=True, key="report_preview"):
        st.iframe(file.html, height=HEIGHT, alt="The report as it will be downloaded")


def show_steps(run: Run) -> None:
    """The six steps over the whole window; the arrow keys move them."""
    file = made(run, chosen_options(), presenting=True)
    st.html(FILLING)
    with st.container(key=STEPS):
        with st.container(key=f"{STEPS}_back"):
            st.button(
                "Back to the report",
                icon=":material/arrow_back:",
                key="stop_presenting",
                on_click=stop_presenting,
                type="tertiary",
            )
        st.iframe(file.html, height=HEIGHT, alt="The six steps of the presentation")
