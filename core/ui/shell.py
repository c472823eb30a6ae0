"""What pages are made with: the workspace, errors in two sentences, charts, buttons, jobs."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from logging.handlers import RotatingFileHandler
from typing import TYPE_CHECKING, Any, Literal

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.scriptrunner_utils.exceptions import RerunException

from core.basics.errors import CrosswalkError
from core.basics.files import said_of_full
from core.basics.formatting import duration
from core.basics.workspace import Workspace
from core.jobs.supervisor import ensure_supervisor, sweep
from core.jobs.table import (
    CANCELLED,
    DONE,
    QUEUED,
    Job,
    Lane,
    enqueue,
    list_jobs,
    read_job,
    request_cancel,
)
from core.ui.keeping import kept_resource
from core.ui.widgets import plain

if TYPE_CHECKING:
    import duckdb
    import plotly.graph_objects as go


LOG = "app.log"
_TOLD_BY_BUTTONS = "told_by_buttons"
_TELLING_LATER = "telling_later"
NOT_DONE = "this could not be done"
FIGURE_FORMAT = "figure_format"
_LOG_BYTES = 2_000_000
# Up to a stop that is not escaped and has a new sentence after it, or nothing
_FIRST_SENTENCE = re.compile(r"(.+?(?<!\\)[.?!])(?:\s+(?=[^a-z])(.+))?", re.DOTALL)


@contextmanager
def guarded(*, whole_page: bool = False) -> Iterator[None]:
    """Show an error as two sentences; also for the inside of a fragment, which reruns alone.

    Anything that is not a CrosswalkError goes to the log with its traceback. Streamlit's own
    stop and rerun pass: they are no `Exception`. What went wrong in the work of a button, which
    is done before the page is drawn, stands above the page, however often the page begins anew.
    """
    context = get_script_run_ctx()
    tells = whole_page or bool(context and context.fragment_ids_this_run)
    told: list[str] = []
    if tells and (context is None or context.has_script_started):
        told = st.session_state.pop(_TOLD_BY_BUTTONS, [])
        for words in told:
            st.error(words)
    try:
        yield
    except CrosswalkError as error:
        show_error(said_of_full(error, NOT_DONE) or error)
    except RerunException:
        if told:
            st.session_state[_TOLD_BY_BUTTONS] = told
        raise
    except Exception as error:
        if full := said_of_full(error, NOT_DONE):
            show_error(full)
            return
        log().exception("A page stopped")
        _tell(
            "This page met a problem it does not know. "
            f"Reload it; if it stays, look at the end of logs/{LOG} in the workspace."
        )


def show_error(error: CrosswalkError) -> None:
    """Both sentences of an error, as plain text."""
    _tell(f"{plain(error.what, 600)} {plain(error.hint, 600)}")


def safely(work: Callable[..., object]) -> Callable[..., None]:
    """The work of a button with a guard of its own: it is done before the page is drawn."""

    @wraps(work)
    def done(*args: Any, **values: Any) -> None:
        with guarded():
            work(*args, **values)

    return done


@contextmanager
def told_later() -> Iterator[None]:
    """Around the work of a button after which the page begins anew: its errors are told then."""
    st.session_state[_TELLING_LATER] = True
    try:
        yield
    finally:
        del st.session_state[_TELLING_LATER]


def _tell(words: str) -> None:
    """Show it here; from the work of a button it waits until the page is drawn."""
    context = get_script_run_ctx()
    drawn = context is None or context.has_script_started
    if drawn and _TELLING_LATER not in st.session_state:
        st.error(words)
    else:
        st.session_state[_TOLD_BY_BUTTONS] = [*st.session_state.get(_TOLD_BY_BUTTONS, []), words]


@kept_resource(max_entries=None)
def workspace() -> Workspace:
    """The workspace of this process, its folder made and swept of what killed ones left."""
    here = Workspace.from_environment()
    here.make()
    sweep(here)
    return here


def database() -> duckdb.DuckDBPyConnection:
    """A cursor of its own on the one connection to the workspace's database."""
    return _connection().cursor()


@kept_resource(max_entries=None)
def _connection() -> duckdb.DuckDBPyConnection:
    from core.data.database import open_database

    return open_database(workspace().database)


@kept_resource(max_entries=None)
def log() -> logging.Logger:
    """The app's log, a file in the workspace that stays small."""
    path = workspace().logs / LOG
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = RotatingFileHandler(path, maxBytes=_LOG_BYTES, backupCount=1, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger = logging.getLogger(f"crosswalk.app.{path}")
    logger.handlers = [handler]
    logger.propagate = False
    return logger


def show_chart(
    figure: go.Figure,
    caption: str,
    key: str,
    on_select: Literal["ignore", "rerun"] | Callable[[], None] = "ignore",
    selection_mode: tuple[Literal["points", "box", "lasso"], ...] = ("points", "box", "lasso"),
) -> Any:
    """A chart between its title and what else there is to know; the selection where asked for.

    caption: its first sentence, the question or the answer, is the title; a reader who cannot see
    the chart hears all of it.
    on_select: "rerun", or what to call before the page is drawn again after a selection.
    The camera that shows over the chart saves it as PNG or SVG, whichever the sidebar says.
    """
    tools = on_select != "ignore" and selection_mode != ("points",)
    title, rest = title_and_rest(caption)
    st.markdown(f"**{title}**")
    answer = st.plotly_chart(
        figure,
        key=key,
        width="stretch",
        config=figure_config(key, tools=tools),
        on_select=on_select,
        selection_mode=selection_mode,
        alt=caption,
    )
    if rest:
        st.caption(rest)
    return answer


def title_and_rest(caption: str) -> tuple[str, str]:
    """The first sentence, its full stop left out, and all others; Markdown stays as it is."""
    found = _FIRST_SENTENCE.fullmatch(caption)
    title, rest = found.groups() if found else (caption, "")
    return title.removesuffix("."), rest or ""


def figure_config(name: str, *, tools: bool = False) -> dict[str, Any]:
    """Plotly's config of a chart that downloads as `name`, in the format chosen in the sidebar."""
    from core.charts.theme import chart_config

    image: Literal["png", "svg"] = "svg" if st.session_state.get(FIGURE_FORMAT) == "SVG" else "png"
    return chart_config(name, image, tools=tools)


def pick_figure_format() -> None:
    """Whether figures are saved as pixels or as lines; one choice for all pages."""
    st.segmented_control(
        "Figures download as",
        ("PNG", "SVG"),
        default="PNG",
        required=True,
        key=FIGURE_FORMAT,
        help="The camera over a chart saves it: PNG for slides, SVG for print.",
    )


# A button that acts on what the page's choices say now, not on what they said at its drawing.

_WAITING, _HEARD = "press_waiting", "press_heard"
_PLAIN = (bool, int, float, str, list, tuple, dict, type(None))  # what choices are made of


def draw_press(
    label: str, work: Callable[..., object], args: tuple[Any, ...], *, key: str, **looks: Any
) -> None:
    """A button that does `work(*args)` once when it is pressed; `looks` are those of `st.button`.

    Streamlit hands the work of a button the values of the last time the button was drawn. Who is
    faster than the page (two clicks in a row, a number typed and the button pressed at once)
    would start what stood there before. The work is done at once where no choice differs from
    that drawing, and otherwise when the page is drawn as far as the button again. So is a press of
    a button that was last drawn as disabled, of which Streamlit tells no callback.
    """
    pressed = st.button(
        label, key=key, on_click=_press, args=(key, _choices(key), work, args), **looks
    )
    unheard = st.session_state.pop(_HEARD, None) != key and pressed
    if unheard or st.session_state.get(_WAITING) == key:
        forget_press()
        if not looks.get("disabled"):
            with told_later(), guarded():
                work(*args)
            st.rerun()  # what stands above the button can show what was begun, or why it was not


def forget_press() -> None:
    """A press that a whole page was drawn without is not made up for on a later day."""
    st.session_state.pop(_WAITING, None)


def _press(
    key: str, seen: dict[str, Any], work: Callable[..., object], args: tuple[Any, ...]
) -> None:
    st.session_state[_HEARD] = key
    with guarded():
        now = _choices(key)
        if all(now.get(name, value) == value for name, value in seen.items()):
            work(*args)
        else:
            st.session_state[_WAITING] = key


def _choices(but: str) -> dict[str, Any]:
    state = st.session_state.to_dict()
    return {
        str(name): value
        for name, value in state.items()
        if name not in (but, _WAITING, _HEARD) and isinstance(value, _PLAIN)
    }


# Jobs: all that pages ask for is asked for here, and a look at one sees to who works on it.


def ask_job(kind: str, payload: dict[str, Any], title: str, lane: Lane = "short") -> str:
    """Id of a job that does this, new or under way already, and somebody takes it up."""
    return ask_jobs(kind, [(payload, title)], lane)[0]


def ask_jobs(
    kind: str, wanted: Sequence[tuple[dict[str, Any], str]], lane: Lane = "short"
) -> list[str]:
    """The same for several of one kind, each a payload and a title; their ids in that order."""
    ids = [enqueue(workspace(), kind, payload, lane, title) for payload, title in wanted]
    tend_jobs()
    return ids


def tend_jobs() -> None:
    """Have somebody at work on the jobs that wait: whoever ran them may have been ended."""
    ensure_supervisor(workspace())


# A job asked for with one click: its button, its progress while it runs, or why it failed.

POLL = 1.0  # seconds between two looks at a job


@dataclass(frozen=True)
class Task:
    """What a button asks for."""

    kind: str
    payloads: tuple[dict[str, Any], ...]  # a job each
    title: str
    label: str  # of the button
    help: str
    lane: Lane = "training"
    icon: str | None = None

    @property
    def is_active(self) -> bool:
        """Whether any of it is waiting or at work."""
        return any(job.is_active for job in self.jobs)

    @property
    def jobs(self) -> list[Job]:
        """The newest job of each payload that was ever asked for."""
        known = list_jobs(workspace(), kind=self.kind, limit=200)
        found = [[job for job in known if job.payload == payload] for payload in self.payloads]
        return [jobs[0] for jobs in found if jobs]


def draw_task(task: Task, key: str) -> None:
    """The button, or the progress of its jobs; the page reruns once when they have ended."""
    jobs = task.jobs
    active = [job for job in jobs if job.is_active]
    if active:
        tend_jobs()
        st.fragment(_watch, run_every=POLL)([job.id for job in active], key)
        return
    for job in jobs:
        if job.status not in (DONE, CANCELLED) and job.what:
            st.warning(f"{plain(job.what, 600)} {plain(job.hint, 600)}")
    draw_press(task.label, ask_task, (task,), key=key, help=task.help or None, icon=task.icon)


def ask_task(task: Task) -> None:
    """Ask for its jobs; those under way are not started twice."""
    with guarded():
        ask_jobs(task.kind, [(payload, task.title) for payload in task.payloads], task.lane)


def _watch(ids: list[str], key: str) -> None:
    with guarded():
        jobs = [job for job in (read_job(workspace(), id) for id in ids) if job.is_active]
        if not jobs:
            st.rerun()
        for job in jobs:
            bar, button = st.columns([4, 1], vertical_alignment="center")
            bar.progress(job.share, text=plain(f"{job.title}: {_stage(job)}"))
            button.button(
                "",
                icon=":material/close:",
                key=f"{key}_cancel_{job.id}",
                help="Cancel",
                disabled=job.cancel_asked is not None,
                on_click=safely(request_cancel),
                args=(workspace(), job.id),
            )


def _stage(job: Job) -> str:
    if job.cancel_asked is not None:
        return "stopping"
    if job.status == QUEUED:
        return "waiting for its turn"
    return f"{job.stage or 'starting'}, {duration(job.seconds(time.time()))} so far"
