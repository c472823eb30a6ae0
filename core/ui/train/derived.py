"""Train page, beside ticked runs: blend two, compress one, and what came of either."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.jobs.supervisor import ensure_supervisor
from core.jobs.table import enqueue
from core.models.made.blend import KINDS, STACKING, BlendSettings
from core.models.made.compress import INT8, PRUNED
from core.runs.making.blend import AUTO, BlendPlan
from core.runs.making.compress import STUDENT, CompressPlan, can_be_taught
from core.store.run_folder import Run
from core.ui import cached
from core.ui.press import draw_press
from core.ui.setting_widgets import info_of
from core.ui.shell import workspace
from core.ui.tables import show_table
from core.ui.texts import plain
from core.ui.train.derived_tables import (
    against_table,
    compressed_from,
    compression_table,
    stacking_table,
    student_words,
    weight_words,
)

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
    if len({run.record["split_hash"] for run in runs}) > 1:
        return "These runs stand on different splits. Train both on one split to blend them."
    for run in runs:
        if not run.has_model:
            return f"{plain(run.label)} has only lists, and a blend asks its models for scores."
        if run.card.task != "ranking":
            return f"{plain(run.label)} predicts ratings, and a blend ranks."
    return _why_not_used(runs[0])


def _why_not_used(run: Run) -> str | None:
    if run.record["split_hash"] not in cached.split_hashes():
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
            "quality and lists are shown beside the original's."
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
        plan = CompressPlan(run.id, str(kind), share / 100)
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
    if "compression" in run.record:
        return "This run is compressed already. Compress the one it was made from."
    if not run.has_model:
        return f"{plain(run.label)} has only lists. There is no model to make smaller."
    return _why_not_used(run)


def draw_derivation(run: Run) -> None:
    """What a blend is made of and is worth beside it; compressed runs beside their original."""
    if (against := against_table(run.record)) is not None:
        st.markdown("**The blend less what it is made of**")
        show_table(against, key=f"against_{run.id}", download="blend-differences.csv")
        st.caption(
            f"{plain(weight_words(run.record), 600)} Paired over the same users, 95 % bootstrap; "
            "a difference is beyond user sampling where its interval leaves out 0."
        )
        if (weights := stacking_table(run.record)) is not None:
            show_table(weights, key=f"stacking_{run.id}")
    made = [run] if "compression" in run.record else compressed_from(run, cached.runs())
    if made:
        st.markdown("**Compressed, beside the original**")
        show_table(compression_table(made), key=f"compression_{run.id}", download="compression.csv")
        st.caption(
            "Seconds are CPU seconds for scoring the same test users, the fastest of three passes. "
            "Tables are unpacked when a run is loaded, so a smaller file is not a faster one; "
            "pruned item-to-item weights are scored in their sparse form."
        )
        if words := student_words(made):
            st.caption(words)


def _start_blend(plan: BlendPlan, first: Run, second: Run) -> None:
    _enqueue("blend", plan.to_dict(), f"Blend · {first.label} + {second.label} · {plan.kind}")


def _start_compress(plan: CompressPlan, run: Run) -> None:
    _enqueue("compress", plan.to_dict(), f"{run.label} · {plan.words}")


def _enqueue(kind: str, payload: dict[str, Any], title: str) -> None:
    enqueue(workspace(), kind, payload, "training", title)
    ensure_supervisor(workspace())
    st.toast(f"{plain(title)} is under way: its card is at the top of the page.")
