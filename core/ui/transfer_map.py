"""Start page: several domains, and which of them helps which."""

from __future__ import annotations

import streamlit as st

from core.basics.formatting import count, signed, signed_with_interval
from core.data.reading.options import INTERACTIONS, Dataset, list_datasets
from core.runs.answer.transfer_map import MOST_DOMAINS, Cell, transfer_cells
from core.ui import cached
from core.ui.data.checks import LIGHTS
from core.ui.shell import Task, draw_task, workspace
from core.ui.state import choose_pair
from core.ui.widgets import plain

FEWEST = 3  # domains from which there is anything to choose between


def draw_transfer_map() -> None:
    """A grid of every domain for every other; nothing where fewer than three were imported."""
    datasets = list_datasets(workspace(), INTERACTIONS)
    if len(datasets) < FEWEST:
        return
    st.subheader("Which domain helps which?", anchor=False)
    named = {dataset.hash: dataset for dataset in datasets[::-1]}
    chosen = [*named]
    if len(datasets) > FEWEST:
        chosen = st.multiselect(
            "Domains",
            chosen,
            default=chosen[:MOST_DOMAINS],
            max_selections=MOST_DOMAINS,
            format_func=lambda one: named[one].name,
            key="transfer_domains",
        )
    if len(chosen) < 2:
        st.caption("Choose at least two domains.")
        return
    domains = [named[one] for one in chosen]
    cells = transfer_cells(workspace(), domains, cached.runs())
    _draw_grid(domains, cells)
    if missing := sum(not cell.made for cell in cells):
        draw_task(
            Task(
                "transfer",
                ({"datasets": chosen},),
                f"Transfer map of {count(len(chosen), 'domain')}",
                f"Fill {count(missing, 'cell')}",
                "Pair, checks, two splits and EASE with its twin for every cell; what is there is "
                "kept, and a map that was stopped goes on where it was.",
                icon=":material/grid_on:",
            ),
            "transfer_fill",
        )


def _draw_grid(domains: list[Dataset], cells: list[Cell]) -> None:
    """Sources down the side, targets across; a cell opens its pair."""
    widths = [1.2, *[1] * len(domains)]
    head = st.columns(widths, vertical_alignment="center")
    head[0].caption("source ↓ target →")
    for place, domain in zip(head[1:], domains, strict=True):
        place.markdown(f":blue[**{plain(domain.name, 30)}**]")
    found = {(cell.source, cell.target): cell for cell in cells}
    for source in domains:
        row = st.columns(widths, vertical_alignment="center")
        row[0].markdown(f":orange[**{plain(source.name, 30)}**]")
        for place, target in zip(row[1:], domains, strict=True):
            if source is target:
                place.markdown("·")
                continue
            _draw_cell(place, found[source.name, target.name])
    st.caption(
        "nDCG@10 of EASE minus its twin without the source: of everybody, and of people whose "
        "target history is hidden. Green helps, red harms, grey may be chance. The sign in front "
        "is the worst of the pair's trust checks. A click opens the pair."
    )


def _draw_cell(place: st.delta_generator.DeltaGenerator, cell: Cell) -> None:
    if not cell.made:
        place.markdown(":gray[–]")
        return
    told = [f"{name} {_coloured(lift)}" for name, lift in _parts(cell)]
    intervals = [
        f"{name} {signed_with_interval(lift['mean'], lift['low'], lift['high'])}, "
        f"{count(int(lift['users']), 'test user')}"
        for name, lift in _parts(cell)
    ]
    place.button(
        f"{LIGHTS[cell.light]} {' · '.join(told)}",
        key=f"transfer_{cell.pair}",
        type="tertiary",
        help=f"{count(cell.shared or 0, 'shared user')}. {'; '.join(intervals)}.",
        on_click=choose_pair,
        args=(cell.pair,),
    )


def _parts(cell: Cell) -> list[tuple[str, dict]]:
    both = (("all", cell.warm), ("cold", cell.cold))
    return [(name, lift) for name, lift in both if lift and lift["mean"] is not None]


def _coloured(lift: dict) -> str:
    """Green or red where the interval leaves zero out."""
    figure = signed(lift["mean"])
    if lift["low"] > 0:
        return f":green[**{figure}**]"
    return f":red[**{figure}**]" if lift["high"] < 0 else f":gray[{figure}]"
