"""Data page, Pair: put two files together, and see what they share."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import streamlit as st

from core.basics.columns import SOURCE, TARGET
from core.basics.formatting import count
from core.data.build_pair import KNOWN_SHARE, WITHOUT_SHARED
from core.data.checks.item_match import other_item_column
from core.data.pair_folder import (
    PairInfo,
    PairInputs,
    PairSettings,
    damaged_pairs,
    delete_pair,
    inputs_of,
)
from core.data.reading.options import INTERACTIONS, ITEMS, LINKS, TRIPLES, Dataset, count_known
from core.runs.jobs.data_jobs import pair_payload
from core.ui.data.pair_filters import (
    draw_counts,
    draw_funnel_of,
    draw_overlap_of,
    draw_profile_of,
    pick_settings,
    rows_of,
)
from core.ui.data.shared import (
    attempt,
    datasets,
    do_or_enqueue,
    draw_failed_attempt,
    draw_next,
    draw_work,
    pair_of_page,
    pick_pair,
    short,
    splits_of,
)
from core.ui.data.upload import imported_in
from core.ui.keeping import kept_data
from core.ui.shell import ask_job, database, draw_press, guarded, workspace
from core.ui.state import NEWEST, choose_pair, set_current
from core.ui.widgets import plain


def show_pair_tab() -> None:
    """The current pair with its overlap and profile, over the form that makes another one."""
    draw_failed_attempt()
    draw_work("pair")
    pair = pair_of_page()
    # Pairs that are left out because their record cannot be read, and a button that clears up
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
    if pair is None:
        _draw_form()
        return
    _draw_head()
    if not splits_of(pair):
        draw_next("Split it", tab="Split", key="pair_next")
    drawer = st.expander(
        "Make another pair", icon=":material/add:", key="pair_another", on_change="rerun"
    )
    if drawer.open:
        with drawer:
            _draw_form()
    for warning in pair.warnings:
        unshared = WITHOUT_SHARED in warning
        icon = ":material/dangerous:" if unshared else ":material/info:"
        (st.error if unshared else st.warning)(plain(warning, 600), icon=icon)
    draw_funnel_of(pair)
    draw_overlap_of(pair)
    draw_profile_of(pair)


def _delete_damaged(hashes: list[str]) -> None:
    for dataset_hash in hashes:
        delete_pair(workspace(), dataset_hash)


def make_pair(inputs: PairInputs, settings: PairSettings, rows: int) -> None:
    """Make a pair and have it checked; it becomes the current one."""
    title = f"Pair {inputs.source_name} and {inputs.target_name}"
    made = do_or_enqueue("pair", pair_payload(workspace(), inputs, settings), title, rows)
    choose_pair(made["pair"] if made else NEWEST)
    if made:
        ask_job(
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
    set_current(pair=None, run=None, split=None)


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


# Data page, Pair: which imported files are the source, the target, their items and the links.


def pick_inputs() -> PairInputs | None:
    """The files a person chose; None where fewer than two are imported, and the page says so."""
    interactions = datasets(INTERACTIONS)
    if len(interactions) < 2:
        have = "Only one file is" if interactions else "No file is"
        st.info(
            f"{have} imported yet. A pair needs two files of interactions: "
            "import the source and the target first."
        )
        return None
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown(":orange[**Source**]: where taste is known")
        source, source_name, items_source = _pick_domain(SOURCE, interactions, place=1)
    with right:
        st.markdown(":blue[**Target**]: where items are recommended")
        target, target_name, items_target = _pick_domain(TARGET, interactions, place=0)
    links, triples = _pick_links(), _pick_triples()
    if source.hash == target.hash:
        st.warning("Source and target are the same file. Choose two different ones.")
        return None
    return PairInputs(
        source.file,
        target.file,
        items_source,
        items_target,
        links,
        triples,
        source_name,
        target_name,
    )


def _pick_domain(
    role: str, interactions: list[Dataset], place: int
) -> tuple[Dataset, str, Path | None]:
    """place: which of the newest files is proposed where none was imported for this role."""
    by_hash = {dataset.hash: dataset for dataset in interactions}
    proposed = imported_in(role)
    first = proposed if proposed in by_hash else interactions[place].hash
    chosen = by_hash[
        st.selectbox(
            "Interactions",
            list(by_hash),
            index=list(by_hash).index(first),
            format_func=lambda hash_: _describe(by_hash[hash_]),
            key=f"pair_{role}_{first}",
            persist_state="session",
        )
    ]
    name = st.text_input(
        "Called",
        value=chosen.name,
        max_chars=60,
        key=f"pair_{role}_name_{chosen.hash}",
        help="What the domain is called on every page.",
        persist_state="session",
    )
    return chosen, name.strip() or chosen.name, _pick_items(role, chosen)


def _pick_items(role: str, chosen: Dataset) -> Path | None:
    """Item tables with the share of the domain's items they know, the best one proposed."""
    tables = {table.hash: table for table in datasets(ITEMS)}
    if not tables:
        return None
    known = {hash_: _known(chosen.file, tables[hash_].file) for hash_ in tables}
    shares = {hash_: there / max(1, every) for hash_, (there, every) in known.items()}
    best = max(shares, key=lambda hash_: shares[hash_])
    options = [None, *sorted(tables, key=lambda hash_: -shares[hash_])]
    picked = st.selectbox(
        "Titles and categories",
        options,
        index=1 if shares[best] >= KNOWN_SHARE else 0,
        format_func=lambda hash_: (
            "none"
            if hash_ is None
            else "{} · knows {:,} of {:,} items".format(short(tables[hash_].name), *known[hash_])
        ),
        key=f"pair_{role}_items_{chosen.hash}_{best}",
        persist_state="session",
    )
    if picked and shares[picked] < KNOWN_SHARE:
        there, every = known[picked]
        hint = other_item_column(chosen.file, tables[picked].file)
        st.caption(
            f":orange[{there:,} of {count(every, 'item')} are in the item table.] "
            f"{plain(hint, 400)}"
        )
    return tables[picked].file if picked else None


def _pick_links() -> Path | None:
    tables = {table.hash: table for table in datasets(LINKS)}
    if not tables:
        return None
    picked = st.selectbox(
        "User link table",
        [None, *tables],
        key="pair_links",
        persist_state="session",
        format_func=lambda hash_: (
            "none: equal ids are the same user" if hash_ is None else short(tables[hash_].name)
        ),
        help="Says which target user is which source user; then equal ids alone mean nothing.",
    )
    return tables[picked].file if picked else None


def _pick_triples() -> Path | None:
    tables = {table.hash: table for table in datasets(TRIPLES)}
    if not tables:
        return None
    picked = st.selectbox(
        "Triples",
        [None, *tables],
        key="pair_triples",
        persist_state="session",
        format_func=lambda hash_: "none" if hash_ is None else short(tables[hash_].name),
        help="What items have in common beyond their tables; heads and tails are item ids or "
        "anything else.",
    )
    return tables[picked].file if picked else None


def _describe(dataset: Dataset) -> str:
    rows = dataset.record.get("counts", {}).get("kept")
    size = f" · {count(rows, 'row')}" if rows else ""
    return f"{short(dataset.name)}{size} · {dataset.hash[:6]}"


@kept_data(max_entries=200)
def _known(interactions: Path, items: Path) -> tuple[int, int]:
    with database() as cursor:
        return count_known(cursor, interactions, items)
