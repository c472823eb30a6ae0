"""The Start page: the answer of the current pair, or the way to one: sample, or two own files."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.basics.formatting import count, signed_with_interval
from core.charts.report import draw_lifts
from core.data.checks.check import Check, checks_of
from core.data.snapshot import PARTS
from core.evaluation.segments import BINS, FEWEST
from core.jobs.table import DONE, FAILED, KILLED, Job, list_jobs, request_cancel
from core.metrics.registry import metric_title
from core.runs.answer.groups import Answer, group_rows
from core.runs.answer.kept import kept_answer
from core.runs.answer.next_steps import (
    ANSWER,
    CHECKS,
    PEOPLE,
    REPORT,
    SERVE,
    WEIGHTS,
    Next,
    next_steps,
)
from core.runs.answer.words import answer_words, use_words
from core.store.record import few_to_choose_by
from core.store.run_folder import Run
from core.ui import cached
from core.ui.cached import Question
from core.ui.keeping import kept_resource
from core.ui.navigation import link_to
from core.ui.shell import (
    Task,
    ask_job,
    draw_press,
    draw_task,
    guarded,
    safely,
    show_chart,
    tend_jobs,
    workspace,
)
from core.ui.state import (
    current_pair,
    current_run,
    current_split_hash,
    current_split_info,
    runs_of_pair,
)
from core.ui.widgets import plain, show_table

LINKS = {CHECKS: "data", WEIGHTS: "fusion", PEOPLE: "recommendations", REPORT: "report"}


def answering() -> Job | None:
    """The demo or answer that is waiting or at work; None where there is none."""
    jobs = [job for kind in KINDS for job in list_jobs(workspace(), kind=kind, active=True)]
    return max(jobs, key=lambda job: job.created, default=None)


# The answer: a sentence, a picture, what to use, what to do next.


def draw_answer(so_far: bool) -> None:
    """What is known of the current pair; so_far: more is on its way."""
    pair = current_pair()
    if pair is None:
        return
    found = _answer(pair.dataset_hash)
    if found is None:
        if not so_far:
            _draw_unanswered(pair)
        return
    if red := [check for check in _checks_of(pair) if check.light == "red"]:
        st.error(
            f"Do not believe a lift on this pair yet. {plain(red[0].question)} "
            f"{plain(red[0].answer, 400)}",
            icon=":material/dangerous:",
        )
    if so_far:
        st.badge("So far", icon=":material/hourglass_top:", color="violet")
    headline, *others = answer_words(found)
    st.markdown(f"## {plain(headline, 400)}")
    if others:
        st.markdown(plain(" ".join(others), 800))
    _draw_groups(found)
    if use := use_words(found):
        st.markdown(f"**What to use.** {plain(use, 600)}")
    first = _first(pair.dataset_hash)
    if first and (few := few_to_choose_by(first.record.choosers, "the best model")):
        st.warning(few)
    if not so_far:
        _draw_next(found, pair)
    _draw_facts(pair)


def _first(dataset_hash: str) -> Run | None:
    """The run that stands for the pair, else the one looked at where that has another task."""
    found, now = cached.standing(dataset_hash), current_run()
    first = found.run if found else None
    if first and now and first.card.task != now.card.task:
        return now
    return first


def _answer_stamps(dataset_hash: str) -> tuple:
    """Changes when a run comes or goes, or another one stands for the pair."""
    first = _first(dataset_hash)
    return first and first.id, tuple(run.id for run in cached.runs())


@kept_resource(
    show_spinner="Comparing models by groups of people", max_entries=8, also=_answer_stamps
)
def _answer(dataset_hash: str) -> Answer | None:
    runs = [run for run in cached.runs() if run.record.dataset_hash == dataset_hash]
    reading = cached.per_user, cached.segments
    return kept_answer(workspace(), dataset_hash, runs, _first(dataset_hash), *reading)


def _draw_groups(found: Answer) -> None:
    """A row per group of people: what the source adds for them, and by which model."""
    metric = metric_title(found.everybody.metric)
    show_chart(
        draw_lifts(group_rows(found), x=f"{metric} with {found.source} minus without"),
        f"Whom does history in {plain(found.source, 40)} help? By groups of people, by what they "
        f"have in {plain(found.target, 40)}; behind each its number of test users and how many "
        "more of 100 find something they like. Filled: sure, also when corrected for the number "
        f"of groups; hollow: may be chance. Groups below {FEWEST} are not judged.",
        key="answer_groups",
    )
    with st.expander("Every model, group by group", on_change="rerun", key="answer_models") as more:
        if more.open:
            show_table(_every_model(found), key="answer_every_model", download="answer.csv")


def _every_model(found: Answer) -> pd.DataFrame:
    """Lift over the twin with its interval, a row per group and a column per run."""
    metric = found.everybody.metric
    table: dict[str, dict[str, str]] = {}
    for run in sorted(runs_of_pair(), key=lambda run: run.record.created):
        for row in run.record.segments:
            lift = row.get("lift")
            if (row["by"], row["metric"]) == ("target_history", metric) and lift:
                name = f"{row['segment']} in {found.target}"
                said = signed_with_interval(lift["mean"], lift["low"], lift["high"])
                table.setdefault(name, {})[run.label] = said
    frame = pd.DataFrame.from_dict(table, orient="index").fillna("–")
    order = [name for name in (f"{one} in {found.target}" for one in BINS) if name in frame.index]
    return frame.loc[order].rename_axis("People with").reset_index()


def _draw_next(found: Answer, pair: Question) -> None:
    """What is worth doing now, each with a button."""
    info = current_split_info()
    shared = cached.shared_users(info.split_hash) if info else 0
    steps = next_steps(found, runs_of_pair(), _checks_of(pair), shared)
    if not steps:
        return
    st.subheader("What next", anchor=False)
    for place, step in enumerate(steps):
        words, button = st.columns([3, 1.3], vertical_alignment="center")
        words.markdown(plain(step.why, 400))
        with button:
            _draw_step(step, pair, place)


def _checks_of(pair: Question) -> list[Check]:
    """What was found in the pair, as far as it was looked at."""
    split_hash = current_split_hash() or ""
    return checks_of(workspace(), pair.dataset_hash, split_hash) or []


def _draw_step(step: Next, pair: Question, place: int) -> None:
    if step.act == ANSWER:
        draw_press(
            step.label,
            _ask_again,
            (pair, step.minutes),
            key=f"next_{place}",
            width="stretch",
            type="primary" if place == 0 else "secondary",
            disabled=not (workspace().pairs / pair.dataset_hash).exists(),
        )
    elif step.act == SERVE:
        payload = {"pair": pair.dataset_hash}
        title = f"One run for {pair.source_name} → {pair.target_name}"
        draw_task(Task("serve", (payload,), title, step.label, ""), "next_serve")
    elif step.act == CHECKS:
        link_to("data", step.label, tab="Quality")
    else:
        link_to(LINKS[step.act], step.label)


def _ask_again(pair: Question, minutes: int) -> None:
    payload = {"pair": pair.dataset_hash, "minutes": minutes}
    ask_job("answer", payload, f"Answer: {pair.source_name} → {pair.target_name}", "training")


def _draw_unanswered(pair: Question) -> None:
    """A pair without a run that has a twin: what is there, and the button."""
    source, target = plain(pair.source_name, 60), plain(pair.target_name, 60)
    st.markdown(f"## Does history in {source} help in {target}?")
    if (workspace().pairs / pair.dataset_hash).exists():
        from core.ui.own_files import draw_get_answer

        draw_get_answer("pair_answer", {"pair": pair.dataset_hash}, pair)
    else:
        st.caption("Its split came as files of its own. Train a model that has a twin to see.")
        link_to("train", "Train a model")
    _draw_facts(pair)


def _draw_facts(pair: Question) -> None:
    """Data and runs behind the answer, in one quiet line with links."""
    info = current_split_info()
    with st.container(horizontal=True, vertical_alignment="center"):
        if info is not None:
            counts = info.counts
            rows = sum(counts[part] for part in PARTS)
            st.markdown(
                f":small[{count(counts['users'], 'user')}, "
                f"{cached.shared_users(info.split_hash):,} in both · "
                f"{count(counts['source_items'], 'source item')}, "
                f"{count(counts['target_items'], 'target item')} · "
                f"{count(rows, 'interaction')} · {count(pair.n_runs, 'run')}]",
                width="content",
            )
        link_to("data", "The data", tab="Pair")
        link_to("train", "The runs")
        link_to("metrics", "Every figure")


# The way to an answer: the sample pair at one click, or two files and one button.

POLL = 1.0  # seconds between two looks at the job while it runs
KINDS = ("demo", "answer")
_OPEN, _BUSY, _DONE = "radio_button_unchecked", "progress_activity", "check_circle"


def draw_choice() -> None:
    """Sample or own files side by side."""
    from core.ui.own_files import draw_own_files  # reads files, which the first paint need not

    if (n_files := sum(1 for _ in workspace().datasets.glob("*/dataset.json"))) and not (
        cached.questions()
    ):
        st.markdown(f"{count(n_files, 'file')} imported, no pair yet.")
        link_to("data", "Make the pair", tab="Pair")
    left, right = st.columns([1, 2], gap="large")
    with left.container(border=True, height="stretch"):
        st.subheader("See it work", anchor=False)
        st.markdown(
            "2,000 invented people read books and watch films. **About a minute** to the answer; a "
            "map and LightGCN go on behind it."
        )
        st.button(
            "Explore with the sample pair",
            on_click=safely(_ask_for_demo),
            type="primary",
            width="stretch",
            icon=":material/play_circle:",
        )
    with right.container(border=True, height="stretch"):
        st.subheader("Start with your data", anchor=False)
        st.markdown(
            "Two files, one per domain: a user and an item in every row, people named alike."
        )
        draw_own_files()


def _ask_for_demo() -> None:
    ask_job("demo", {}, "Sample pair and demo runs", "training")


def draw_checklist(job: Job) -> None:
    """The steps of the running job, kept up to date; the page reruns as each makes something."""
    st.subheader(plain(job.title, 80), anchor=False)
    tend_jobs()
    st.fragment(_draw_steps, run_every=POLL)(job.id, len(cached.runs()))


def _draw_steps(job_id: str, n_runs: int) -> None:
    from core.runs.answer.make_answer import titles_of
    from core.runs.jobs.demo import STEPS

    with guarded():
        job = answering()
        if job is None or job.id != job_id or len(cached.runs()) != n_runs:
            st.rerun()
        assert job is not None
        steps = STEPS if job.kind == "demo" else titles_of(workspace(), job.payload)
        reached = list(steps).index(job.stage) if job.stage in steps else -1
        for place, step in enumerate(steps):
            icon = _DONE if place < reached else _BUSY if place == reached else _OPEN
            st.markdown(f":material/{icon}: {step}")
        stopping = job.cancel_asked is not None
        st.button(
            "Stopping" if stopping else "Stop",
            disabled=stopping,
            on_click=safely(request_cancel),
            args=(workspace(), job.id),
            help="What is trained so far stays.",
        )


def draw_ending() -> None:
    """Why the last answer stopped before its end, and where it is gone on with: what stands below
    may look whole.
    """
    jobs = [job for kind in KINDS for job in list_jobs(workspace(), kind=kind, limit=1)]
    job = max(jobs, key=lambda job: job.created, default=None)
    if job is None or job.is_active or job.status == DONE:
        return
    say = st.error if job.status in (FAILED, KILLED) else st.info
    say(
        f"{plain(job.title, 80)} did not come to its end. {plain(job.what, 600)} "
        f"{plain(job.hint, 600)}"
    )
    link_to("train", "The job")


def draw_another() -> None:
    """The same choice again, closed, where there is an answer already."""
    with st.expander(
        "Ask about other data", icon=":material/add:", on_change="rerun", key="another"
    ) as box:
        if box.open:
            draw_choice()
