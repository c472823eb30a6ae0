"""Two files of one's own: dropped, read as they are plainly written, answered by one button."""

from __future__ import annotations

import streamlit as st

from core.basics.columns import SOURCE
from core.basics.formatting import count
from core.data.build_pair import pair_hash
from core.data.pair_folder import PairInputs, PairSettings
from core.data.reading.options import INTERACTIONS, ITEMS, LABELS, Dataset, read_dataset
from core.jobs.table import DONE
from core.runs.answer.make_answer import BUDGETS
from core.runs.jobs.data_jobs import pair_payload
from core.ui.cached import Question
from core.ui.data.shared import counts_of, ids_of
from core.ui.data.upload import (
    clear_slot,
    draw_import,
    draw_uploader,
    imported_in,
    job_of,
    read_as_guessed,
    slot_of,
    staged_in,
    start_import,
)
from core.ui.navigation import link_to
from core.ui.shell import ask_job, draw_press, guarded, tend_jobs, workspace
from core.ui.state import choose_pair
from core.ui.widgets import plain

POLL = 1.0  # seconds between two looks at an import
_NEEDS = (("source", INTERACTIONS), ("target", INTERACTIONS))
_TITLES = (("items_source", ITEMS), ("items_target", ITEMS))


def draw_own_files() -> None:
    """Two drop zones; once both are read, how, and the button that answers them."""
    for side, (name, kind) in zip(st.columns(2, gap="medium"), _NEEDS, strict=True):
        with side, guarded():
            _draw_file(name, kind)
    with st.expander("Titles of the items (optional)", icon=":material/library_add:"):
        for side, (name, kind) in zip(st.columns(2, gap="medium"), _TITLES, strict=True):
            with side, guarded():
                _draw_file(name, kind)
    files = {name: _imported(name) for name, _ in (*_NEEDS, *_TITLES)}
    source, target = files["source"], files["target"]
    if source is not None and target is not None:
        with guarded():
            _draw_card(files, source, target)


def _draw_file(name: str, kind: str) -> None:
    """A drop zone; then the file's import, begun by itself where nothing has to be asked."""
    domain = ":orange[source]" if SOURCE in name else ":blue[target]"
    of = "where taste is known" if SOURCE in name else "where items are recommended"
    st.markdown(f"**{domain}**: {of}" if kind == INTERACTIONS else f"Items of the {domain}")
    slot, staged, job = slot_of(name, kind, f"File of the {name}"), staged_in(name), job_of(name)
    if staged is None:
        draw_uploader(slot)
        return
    if job is not None and job.is_active:
        tend_jobs()
        st.fragment(draw_import, run_every=POLL)(name, job.id)
        return
    try:
        if job is not None and job.status == DONE:
            _draw_read(read_dataset(workspace(), job.result["hash"]))
            link_to("data", "See how it was read", tab="Import")
            return
        options, asked = read_as_guessed(staged)
        if options is None or job is not None:
            why = [job.what, job.hint] if job is not None and job.what else asked
            st.warning(plain(" ".join(why), 400), icon=":material/help:")
            link_to("data", "See how it is read", tab="Import")
            return
        start_import(slot, staged, options)
        st.rerun()
    finally:
        st.button(
            "Another file",
            key=f"own_{name}_clear",
            type="tertiary",
            on_click=clear_slot,
            args=(name,),
        )


def _draw_read(dataset: Dataset) -> None:
    """How a file was read: `books.csv: user, item, rating, time · 27,595 rows, 2 rejected`."""
    counts, roles = dataset.record["counts"], dataset.record["options"]["roles"]
    read = ", ".join(LABELS[role] for role in roles.values() if role != "ignore")
    lost = [f"{counts[what]:,} {what}" for what in ("rejected", "merged") if counts[what]]
    said = ", ".join([f"{counts['rows']:,} rows", *(lost or ["none rejected"])])
    st.markdown(f":material/check: **{plain(dataset.name, 60)}**  \n{plain(read)}  \n{said}")


def _imported(name: str) -> Dataset | None:
    found = imported_in(name)
    return read_dataset(workspace(), found) if found else None


def _draw_card(files: dict[str, Dataset | None], source: Dataset, target: Dataset) -> None:
    """How many people the files share, and the button."""
    left, right = st.columns(2, gap="medium")
    names = (
        left.text_input("Call the source", source.name, max_chars=60, key="own_source_name"),
        right.text_input("Call the target", target.name, max_chars=60, key="own_target_name"),
    )
    source_name, target_name = (
        name.strip() or dataset.name for name, dataset in zip(names, (source, target), strict=True)
    )
    tables = {name: found.file for name, _ in _TITLES if (found := files[name]) is not None}
    inputs = PairInputs(
        source.file,
        target.file,
        **tables,
        source_name=source_name,
        target_name=target_name,
    )
    settings = PairSettings()
    before, after = counts_of(inputs, settings)
    if not before.shared:
        ids = ids_of(inputs)
        why = "Name people alike, or link their ids by a third file."
        if ids.exchanged:
            why = f"Read the other way round, users and items exchanged, {ids.found:,} are."
        elif ids.loosely:
            why = f"Spelt alike, without blanks, case and zeros in front, {ids.loosely:,} are."
        st.error(f"No user is in both files. {why}")
        link_to("data", "Mend it on the Data page", tab="Pair")
        return
    if source.hash == target.hash:
        st.warning(
            "Source and target are the same file, so everything is known already and a lift says "
            "nothing. Choose another file."
        )
    st.markdown(
        f"**{count(before.shared, 'shared person', 'shared people')}**, {after.shared:,} of them "
        "with enough that they liked."
    )
    pair = Question(pair_hash(inputs, settings), source_name, target_name, 0)
    draw_get_answer("files_answer", pair_payload(workspace(), inputs, settings), pair)


def draw_get_answer(key: str, payload: dict, pair: Question) -> None:
    """How many minutes, and the button; payload: of the job, all but the minutes."""
    minutes, button = st.columns([1, 1], vertical_alignment="bottom")
    budget = minutes.segmented_control(
        "Minutes for more models",
        BUDGETS,
        default=BUDGETS[0],
        required=True,
        key=f"{key}_minutes",
        help="A first verdict comes in less than a minute; the rest of the time goes to EDLAE, "
        "iALS, feature maps, and with 30 minutes networks. The best so far is always there.",
    )
    with button:
        draw_press(
            "Get the answer",
            _ask_for_answer,
            (payload | {"minutes": budget}, pair),
            key=key,
            type="primary",
            width="stretch",
            icon=":material/bolt:",
        )


def _ask_for_answer(payload: dict, pair: Question) -> None:
    ask_job("answer", payload, f"Answer: {pair.source_name} → {pair.target_name}", "training")
    choose_pair(pair.dataset_hash)
