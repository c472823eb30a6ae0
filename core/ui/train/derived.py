"""Train page, beside ticked runs: blend two, compress one, and what runs made of runs are worth."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import streamlit as st

from core.basics.columns import TEST, USERS, VALID
from core.basics.formatting import count, number, percent, signed_with_interval
from core.data.reading.options import LISTS, ReadOptions
from core.data.snapshot import SplitInfo
from core.evaluation.given_lists import given_words, is_odd
from core.jobs.table import Job
from core.metrics.registry import metric_title
from core.models.made.blend import KINDS, STACKING, BlendSettings
from core.models.made.compress import INT8, PRUNED
from core.runs.making.blend import AUTO, BlendPlan
from core.runs.making.compress import MOST_LOST, STUDENT, CompressPlan, can_be_taught
from core.store.record import Record
from core.store.run_folder import Run
from core.ui import cached
from core.ui.data.preview import Staged
from core.ui.data.upload import Slot, draw_slot
from core.ui.navigation import link_to
from core.ui.shell import ask_job, draw_press
from core.ui.state import use_run
from core.ui.train.choose import split_line
from core.ui.widgets import info_of, plain, show_table

_KIND_WORDS = {
    INT8: "int8, a scale per row",
    PRUNED: "Keep the largest weights",
    STUDENT: "Student of the text encoder, int8",
}


def draw_blend(runs: list[Run]) -> None:
    """A popover that blends the two runs, or says why they cannot be blended."""
    with st.popover("Blend these two", icon=":material/merge:"):
        if reason := why_not_blended(runs):
            st.info(reason)
            return
        first, second = runs
        st.markdown(
            "A new run that asks both and adds up what they say, each made comparable per user. "
            "It keeps working when its two runs are deleted."
        )
        kind = str(
            st.selectbox(
                "How they become one",
                KINDS,
                key="blend_kind",
                help=info_of(BlendSettings, "kind").help,
            )
        )
        weight = AUTO if kind == STACKING else _pick_weight(first)
        plan = BlendPlan((first.id, second.id), kind, weight)
        draw_press(
            "Blend",
            _start_blend,
            (plan, first, second),
            type="primary",
            key="run_blend",
            icon=":material/play_arrow:",
        )


def why_not_blended(runs: list[Run]) -> str | None:
    """Why two runs cannot be blended; None where they can."""
    if len({run.record.split_hash for run in runs}) > 1:
        return "These runs stand on different splits. Train both on one split to blend them."
    for run in runs:
        if not run.has_model:
            return f"{plain(run.label)} has only lists, and a blend asks its models for scores."
        if run.card.task.rates:
            return f"{plain(run.label)} predicts ratings, and a blend ranks."
    return why_not_used(runs[0])


def why_not_used(run: Run) -> str | None:
    """Why no run can be made of this one for want of its data; None where they are here."""
    if run.record.split_hash not in cached.split_hashes():
        return f"The data of {plain(run.label)} is not in this workspace. Import it first."
    return None


def _pick_weight(first: Run) -> float | str:
    if st.toggle(
        "Find the weight on validation",
        value=True,
        key="blend_auto",
        help="Nine weights from .1 to .9 are tried; the nearest to equal shares within one "
        "standard error of the best validation nDCG@10 is taken. The twin gets the same search.",
    ):
        return AUTO
    info = info_of(BlendSettings, "weight")
    return float(
        st.slider(
            f"Weight of {plain(first.label, 60)}",
            0.0,
            1.0,
            0.5,
            0.05,
            key="blend_weight",
            help=info.help,
        )
    )


def draw_compress(run: Run) -> None:
    """A popover that makes a smaller run of this one, or says why not."""
    with st.popover("Compress", icon=":material/compress:"):
        if reason := why_not_compressed(run):
            st.info(reason)
            return
        st.markdown(
            "A new run with smaller tables of vectors, layers or weights; its size, speed, "
            "quality and lists are shown beside the original's. It takes less room, not less "
            "time: int8 is unpacked when a run is loaded."
        )
        kinds = [kind for kind in _KIND_WORDS if kind != STUDENT or can_be_taught(run)]
        kind = st.radio(
            "Kind",
            kinds,
            format_func=_KIND_WORDS.__getitem__,
            key="compress_kind",
            help="A student reads texts by their words and pieces of words, from one small table "
            "that it learned from the encoder."
            if STUDENT in kinds
            else None,
        )
        share = 10
        if kind == PRUNED:
            share = st.slider(
                "Weights kept in each table, %",
                1,
                60,
                10,
                key="compress_keep",
                help="The largest by magnitude; the rest become 0 and are not stored.",
            )
        anyway = st.toggle(
            f"Keep it even if more than {percent(MOST_LOST)} is lost",
            key="compress_anyway",
            help="Validation users are asked first: a run that loses a larger share of its quality "
            "there is refused, with both figures, unless this is on.",
        )
        plan = CompressPlan(run.id, str(kind), share / 100, anyway=anyway)
        draw_press(
            "Compress this run",
            _start_compress,
            (plan, run),
            type="primary",
            key="run_compress",
            icon=":material/play_arrow:",
        )


def why_not_compressed(run: Run) -> str | None:
    """Why a run cannot be compressed; None where it may."""
    if run.record.compression is not None:
        return "This run is compressed already. Compress the one it was made from."
    if not run.has_model:
        return f"{plain(run.label)} has only lists. There is no model to make smaller."
    return why_not_used(run)


def draw_derivation(run: Run) -> None:
    """What a run made of runs is worth beside them; compressed runs beside their original."""
    if (against := against_table(run.record)) is not None:
        st.markdown("**This run less those it was made of**")
        show_table(against, key=f"against_{run.id}", download="differences.csv")
        how = "" if run.record.blend is None else f"{plain(weight_words(run.record), 600)} "
        st.caption(
            f"{how}Paired over the same users, 95 % bootstrap; "
            "a difference is beyond user sampling where its interval leaves out 0."
        )
        if (weights := stacking_table(run.record)) is not None:
            show_table(weights, key=f"stacking_{run.id}")
    made = [run] if run.record.compression is not None else compressed_from(run, cached.runs())
    if made:
        st.markdown("**Compressed, beside the original**")
        show_table(compression_table(made), key=f"compression_{run.id}", download="compression.csv")
        st.caption(
            "Seconds are CPU seconds for scoring the same test users, the fastest of three passes. "
            "int8 is smaller and no faster: its tables are unpacked to full numbers when a run is "
            "loaded, and so are pruned ones; only pruned item-to-item weights are scored in their "
            "sparse form, which may take less."
        )
        if words := student_words(made):
            st.caption(words)


def _start_blend(plan: BlendPlan, first: Run, second: Run) -> None:
    ask_for("blend", plan.to_dict(), f"Blend · {first.label} + {second.label} · {plan.kind}")


def _start_compress(plan: CompressPlan, run: Run) -> None:
    ask_for("compress", plan.to_dict(), f"{run.label} · {plan.words}")


def ask_for(kind: str, payload: dict[str, Any], title: str) -> None:
    """Start a job that makes a run of runs, and say so."""
    ask_job(kind, payload, title, "training")
    st.toast(f"{plain(title)} is under way: its card is at the top of the page.")


# Tables on runs made from runs; a record may come from anywhere, so each figure is looked at.

DIGITS = 4


def against_table(record: Record) -> pd.DataFrame | None:
    """A row per run the blend is compared with; None for a run that is no blend."""
    entries = record.against
    if not isinstance(entries, list) or not entries:
        return None
    measure = "RMSE" if "rmse" in record.test else "nDCG@10"
    return pd.DataFrame([_against_row(entry, measure) for entry in entries])


def _against_row(entry: Any, measure: str) -> dict[str, Any]:
    return {
        "Less": _text(entry, "name"),
        f"{measure} on test": _difference(entry, TEST),
        "on validation": _difference(entry, VALID),
        "Users helped": _value(entry, TEST, "helped"),
        "harmed": _value(entry, TEST, "harmed"),
    }


def weight_words(record: Record) -> str:
    """How the weights of a blend were found, and which they are, in one or two sentences."""
    members = _members(record)
    chosen = _text(record.blend, "chosen")
    if _text(record.settings, "kind") == STACKING:
        return f"Weights: {chosen}."
    weight = _value(record.settings, "weight")
    shares = [weight, None if weight is None else 1 - weight]
    said = " and ".join(
        f"{name} {number(share, 2)}" for name, share in zip(members, shares, strict=False)
    )
    return f"Weights: {said} ({chosen})."


def stacking_table(record: Record) -> pd.DataFrame | None:
    """The six weights of a stacking, a row per member; None for other blends."""
    if _text(record.settings, "kind") != STACKING:
        return None
    table = _at(record.blend, "coefficients")
    rows = table if isinstance(table, list) and all(isinstance(row, list) for row in table) else []
    columns = ("own score", "source part", "target part")
    return pd.DataFrame(
        [
            {"Member": name} | {f"Weight of its {c}": v for c, v in zip(columns, row, strict=False)}
            for name, row in zip(_members(record), rows, strict=False)
        ]
    )


def compressed_from(run: Run, runs: list[Run]) -> list[Run]:
    """The runs that were made from this one by compressing it."""
    return [other for other in runs if _text(other.record.compression, "of", "run") == run.id]


def compression_table(made: list[Run]) -> pd.DataFrame:
    """The original, then what was made of it: size, seconds, quality and lists in common."""
    found = [run.record.compression for run in made]
    rows = [
        _row(found[0], "before", "the original") | {"Difference on test": "", "Same top 10": ""}
    ]
    return pd.DataFrame(rows + [_compressed_row(entry) for entry in found])


def student_words(made: list[Run]) -> str:
    """What a student is beside the encoder it learned from; "" where there is none."""
    entries = (run.record.compression for run in made)
    entry = next((entry for entry in entries if _at(entry, "encoder")), None)
    if entry is None:
        return ""
    size, speed = (
        [_value(entry, "encoder", what, when) for when in ("before", "after")]
        for what in ("bytes", "texts_per_cpu_second")
    )
    near, unseen = (_value(entry, "encoder", what) for what in ("cosine", "unseen"))
    sizes = " against ".join("–" if one is None else mebibytes(one) for one in reversed(size))
    speeds = " against ".join("–" if one is None else f"{one:,.0f}" for one in reversed(speed))
    words = f"The student is {sizes} of its encoder and reads {speeds} texts per CPU second."
    if near is None or unseen is None:
        return words
    return f"{words} On {unseen:,.0f} texts kept from it their vectors' cosine is {near:.2f}."


def compression_words(record: Record) -> str:
    """ "int8", "pruned to 10 %"; "" for a run that is not compressed."""
    return _text(record.compression, "words", missing="")


def _compressed_row(entry: Any) -> dict[str, Any]:
    shared = _value(entry, "agreement@10")
    return _row(entry, "after", _text(entry, "words")) | {
        "Difference on test": _difference(entry, "quality", TEST, "difference"),
        "Same top 10": "–" if shared is None else f"{100 * shared:.0f} %",
    }


def _row(entry: Any, when: str, name: str) -> dict[str, Any]:
    size, metric = _value(entry, "bytes", when), _text(entry, "metric", missing="ndcg@10")
    title = metric_title(metric) if metric in ("ndcg@10", "rmse") else "Quality"
    users = int(_value(entry, "score_cpu_seconds", "users") or 0)
    return {
        "Weights": name,
        "Size": "–" if size is None else mebibytes(size),
        f"Seconds for {count(users, 'user')}": number(_value(entry, "score_cpu_seconds", when)),
        f"{title} on validation": number(_value(entry, "quality", VALID, when), DIGITS),
        f"{title} on test": number(_value(entry, "quality", TEST, when), DIGITS),
    }


def mebibytes(size: float) -> str:
    """ "43.7 MiB", "0.2 MiB"."""
    return f"{size / 2**20:,.1f} MiB" if size >= 2**17 else f"{size / 2**10:,.1f} KiB"


def _difference(entry: Any, *path: str) -> str:
    mean, low, high = (_value(entry, *path, name) for name in ("mean", "low", "high"))
    return signed_with_interval(mean, low, high, DIGITS)


def _members(record: Record) -> list[str]:
    members = record.members
    return [_text(member, "label") for member in members] if isinstance(members, list) else []


def _at(entry: Any, *path: str) -> Any:
    """What stands at the end of the path of keys; None where it breaks off."""
    for name in path:
        entry = entry.get(name) if isinstance(entry, dict) else None
    return entry


def _text(entry: Any, *path: str, missing: str = "–") -> str:
    found = _at(entry, *path)
    return found if isinstance(found, str) else missing


def _value(entry: Any, *path: str) -> float | None:
    found = _at(entry, *path)
    is_number = isinstance(found, int | float) and not isinstance(found, bool)
    return found if is_number and math.isfinite(found) else None


# Train page, below: lists of another system taken up as a run, and what became of them.

SLOT = "lists"
_NAME = "lists_name"


def draw_upload(info: SplitInfo | None) -> None:
    """A drop zone for recommendation lists, measured on the chosen split."""
    if info is None:
        return
    drawer = st.expander(
        "Upload lists of another system",
        icon=":material/upload_file:",
        key="upload_box",
        on_change="rerun",
    )
    if not drawer.open:
        return
    with drawer:
        st.markdown(
            "Measured like any run: every target item could be recommended (of a split of new "
            "items, these alone), what is in training is masked, users without a list count with "
            "0. It has no model, so there is nothing to weigh or to explain."
        )
        st.caption(f"The split the lists must be made for: {split_line(info)}")
        st.text_input(
            "What to call it",
            key=_NAME,
            max_chars=120,
            placeholder="The name of the file",
            persist_state="session",
        )
        split = info.split_hash
        draw_slot(
            Slot(
                SLOT,
                LISTS,
                "Recommendation lists",
                lambda staged, options: _begin(split, staged, options),
                _draw_done,
                action="Measure these lists",
            )
        )


def draw_upload_notes(run: Run) -> None:
    """What became of an uploaded run's rows and users; nothing for other runs."""
    upload = run.record.upload
    words = given_words(upload, run.record.counts[TEST][USERS])
    if not upload or not words:
        return
    said = " ".join(plain(word, 300) for word in words)
    if is_odd(upload):
        st.warning(said, icon=":material/upload_file:")
    else:
        st.info(said, icon=":material/upload_file:")


def _begin(split: str, staged: Staged, options: ReadOptions) -> str:
    label = st.session_state.get(_NAME, "")
    payload = {
        "path": staged.path,
        "options": options.to_dict(),
        "name": staged.name,
        "split": split,
        "label": label,
    }
    return ask_job("upload", payload, f"Measure {label or staged.name}"[:80])


def _draw_done(slot: str, job: Job) -> None:
    run = next((run for run in cached.runs() if run.id == job.result["run"]), None)
    if run is None:
        st.info("This run was deleted since. Choose another file to measure it again.")
        return
    st.success(f"{plain(run.label)} is in the table of runs.", icon=":material/check:")
    draw_upload_notes(run)
    st.button(
        "Use it on every page",
        key="upload_use",
        icon=":material/visibility:",
        on_click=use_run,
        args=(run,),
    )
    link_to("metrics", "Compare it with other runs", run=run.id)
