"""Data page, Pair: put two files together, and see what they share."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from core.basics.formatting import count
from core.data.build_pair import WITHOUT_SHARED
from core.data.pair_folder import (
    PairInfo,
    PairInputs,
    PairSettings,
    damaged_pairs,
    delete_pair,
    inputs_of,
)
from core.runs.jobs.data_jobs import pair_payload
from core.ui.data.pair_choice import pick_inputs
from core.ui.data.pair_filters import draw_counts, pick_settings, rows_of
from core.ui.data.pair_view import draw_overlap_of, draw_profile_of, draw_steps_of
from core.ui.data.shared import current_pair, pick_pair, set_pair
from core.ui.data.work import ask_for, attempt, do_or_enqueue, draw_failed_attempt, draw_work
from core.ui.press import draw_press
from core.ui.shell import guarded, workspace
from core.ui.texts import plain


def show_pair_tab() -> None:
    """The current pair with its overlap and profile, over the form that makes another one."""
    draw_failed_attempt()
    draw_work("pair")
    pair = current_pair()
    _say_damaged()
    if pair is None:
        _draw_form()
        return
    _draw_head()
    with st.expander("Make another pair", icon=":material/add:"):
        _draw_form()
    for warning in pair.warnings:
        unshared = WITHOUT_SHARED in warning
        icon = ":material/dangerous:" if unshared else ":material/info:"
        (st.error if unshared else st.warning)(plain(warning, 600), icon=icon)
    draw_steps_of(pair)
    draw_overlap_of(pair)
    draw_profile_of(pair)


def _say_damaged() -> None:
    """Pairs that are left out because their record cannot be read, and a button that clears up."""
    if damaged := damaged_pairs(workspace()):
        words, button = st.columns([5, 2], vertical_alignment="center")
        words.warning(
            f"{count(len(damaged), 'pair')} cannot be read any more and "
            f"{'is' if len(damaged) == 1 else 'are'} left out. Delete what is left and make it "
            "again from its files."
        )
        button.button(
            "Delete what is left",
            key="pair_delete_damaged",
            icon=":material/delete:",
            width="stretch",
            on_click=attempt,
            args=(lambda: _delete_damaged(damaged),),
        )


def _delete_damaged(hashes: list[str]) -> None:
    for dataset_hash in hashes:
        delete_pair(workspace(), dataset_hash)


def make_pair(inputs: PairInputs, settings: PairSettings, rows: int) -> None:
    """Make a pair and have it checked; it becomes the current one."""
    title = f"Pair {inputs.source_name} and {inputs.target_name}"
    made = do_or_enqueue("pair", pair_payload(workspace(), inputs, settings), title, rows)
    set_pair(made["pair"] if made else None)
    if made:
        ask_for(
            "quality",
            {"pair": made["pair"]},
            f"Check {inputs.source_name} and {inputs.target_name}",
        )


def remake_pair(pair: PairInfo, **changes: Any) -> None:
    """Make another version of a pair with some settings changed; it becomes the current one.

    Raises DataError where a file it was made from has been deleted.
    """
    settings = replace(PairSettings.of(pair.settings), **changes)
    rows = pair.before.source.rows + pair.before.target.rows
    make_pair(inputs_of(workspace(), pair), settings, rows)


def _draw_head() -> None:
    choice, swap, delete = st.columns([5, 2, 2], vertical_alignment="bottom")
    with choice:
        pair = pick_pair("pair_of_pair_tab")
    if pair is None:
        return
    swap.button(
        "Swap direction",
        icon=":material/swap_horiz:",
        key="pair_swap",
        width="stretch",
        help="Make the pair again with source and target exchanged, filters kept by role.",
        on_click=attempt,
        args=(lambda: remake_pair(pair, swap=not pair.settings["swap"]),),
    )
    with delete.popover("Delete", icon=":material/delete:", width="stretch"):
        st.write("The imported files, and splits and runs made from this pair, stay.")
        st.button(
            "Delete this pair",
            key="pair_delete",
            type="primary",
            on_click=attempt,
            args=(lambda: _delete(pair.dataset_hash),),
        )


def _delete(dataset_hash: str) -> None:
    delete_pair(workspace(), dataset_hash)
    set_pair(None)


def _draw_form() -> None:
    with guarded():
        inputs = pick_inputs()
        if inputs is None:
            return
        settings = pick_settings()
        possible, rows = draw_counts(inputs, settings), rows_of(inputs)
        draw_press(
            "Make this pair",
            attempt,
            (lambda: make_pair(inputs, settings, rows),),
            type="primary",
            key="pair_make",
            icon=":material/join_inner:",
            disabled=not possible,
        )
