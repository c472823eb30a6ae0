"""Stories and files of the Report page, made once per run and kept while nothing changes."""

from __future__ import annotations

import time
from dataclasses import astuple, dataclass

import streamlit as st

from core.basics.files import fingerprint
from core.data.checks.quality import RESULT
from core.runs.report.blocks import Story
from core.runs.report.html import report_html
from core.runs.report.story import ReportOptions, tell_story
from core.store.measured import LOOKS, RESEED_FOLDER
from core.store.run_folder import Run
from core.ui import cached
from core.ui.shell import workspace


@dataclass(frozen=True)
class Made:
    """One file, and how long it took from the run to the last letter."""

    html: str
    seconds: float

    @property
    def megabytes(self) -> float:
        """Size of the file."""
        return len(self.html.encode("utf-8", "replace")) / 1e6


def made(run: Run, options: ReportOptions, presenting: bool = False) -> Made:
    """The report of a run as one HTML file; presenting opens it at the first step."""
    key = _key(run)
    return _made(
        key, fingerprint(*map(str, astuple(options)), presenting), run, options, presenting
    )


@st.cache_resource(show_spinner="Writing the report", max_entries=3)
def _made(key: str, choice: str, _run: Run, _options: ReportOptions, _presenting: bool) -> Made:
    story, told = _story(key, _run)
    began = time.perf_counter()
    html = report_html(story, _options, _presenting)
    return Made(html, told + time.perf_counter() - began)


@st.cache_resource(show_spinner="Gathering figures and people for the report", max_entries=2)
def _story(key: str, _run: Run) -> tuple[Story, float]:
    began = time.perf_counter()
    return tell_story(workspace(), _run), time.perf_counter() - began


def _key(run: Run) -> str:
    """What a story depends on: this run, those beside it, its data, checks and noise floor."""
    here, record = workspace(), run.record
    pair = here.pairs / record["dataset_hash"]
    files = (
        here.splits / record["split_hash"] / "split.json",
        pair / "pair.json",
        pair / RESULT,
        run.folder / RESEED_FOLDER,
        run.folder / LOOKS,
    )
    stamps = [file.stat().st_mtime_ns if file.exists() else 0 for file in files]
    beside = [(other.id, other.label) for other in cached.runs()]
    return fingerprint(str(run.folder), run.label, stamps, beside)
