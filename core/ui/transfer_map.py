"""Start page: several domains, and which of them helps which."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import streamlit as st

from core.basics.formatting import count, signed, signed_with_interval
from core.ui import cached
from core.ui.shell import Task, draw_task, workspace
from core.ui.state import choose_pair
from core.ui.widgets import plain

if TYPE_CHECKING:
    from core.runs.answer.transfer_map import Cell

FEWEST = 3  # domains from which there is anything to choose between


def draw_transfer_map() -> None:
    """A grid of every domain for every other; nothing where fewer than three were imported."""
    if sum(1 for _ in workspace().datasets.glob("*/dataset.json")) < FEWEST:
        return
    # What reads files is loaded where there are some: Start's first paint waits for it otherwise
    from core.data.reading.options import INTERACTIONS, list_datasets
    from core.runs.answer.transfer_map import MOST_DOMAINS, transfer_cells

    datasets = list_datasets(workspace(), INTERACTIONS)
    if len(datasets) < FEWEST:
        return
    named = {dataset.hash: dataset for dataset in datasets[::-1]}
    seen = Counter(dataset.name for dataset in datasets)
    names = {
        one: f"{dataset.name} {one[:4]}" if seen[dataset.name] > 1 else dataset.name
        for one, dataset in named.items()
    }
    with st.expander("Which of several domains helps which?", icon=":material/grid_on:"):
        chosen = st.multiselect(
            "Domains",
            [*named],
            default=[*named][:MOST_DOMAINS],
            max_selections=MOST_DOMAINS,
            format_func=lambda one: names.get(one, one),
            key="transfer_domains",
        )
        if len(chosen) < 2:
            st.caption("Choose at least two domains.")
            return
        cells = transfer_cells(workspace(), [named[one] for one in chosen], cached.runs())
        if any(cell.made for cell in cells):
            _draw_grid({one: names[one] for one in chosen}, cells)
        if missing := sum(not cell.made for cell in cells):
            draw_task(
                Task(
                    "transfer",
                    ({"datasets": chosen},),
                    f"Transfer map of {count(len(chosen), 'domain')}",
                    f"Fill {count(missing, 'cell')}",
                    "Pair, checks, two splits and EASE with its twin for every cell; what is there "
                    "is kept, and a map that was stopped goes on where it was.",
                    icon=":material/grid_on:",
                ),
                "transfer_fill",
            )


def _draw_grid(names: dict[str, str], cells: list[Cell]) -> None:
    """Sources down the side, targets across; a cell opens its pair. names: by dataset hash."""
    widths = [1.2, *[1] * len(names)]
    head = st.columns(widths, vertical_alignment="center")
    head[0].caption("source ↓ target →")
    for place, name in zip(head[1:], names.values(), strict=True):
        place.markdown(f":blue[**{plain(name, 30)}**]")
    following = iter(cells)
    for source, name in names.items():
        row = st.columns(widths, vertical_alignment="center")
        row[0].markdown(f":orange[**{plain(name, 30)}**]")
        for place, target in zip(row[1:], names, strict=True):
            if source == target:
                place.markdown("·")
            else:
                _draw_cell(place, next(following))
    st.caption(
        "nDCG@10 of EASE minus its twin without the source: of everybody, and of people whose "
        "target history is hidden. Green helps, red harms, grey may be chance. The sign in front "
        "is the worst of the pair's trust checks. A click opens the pair."
    )


def _draw_cell(place: st.delta_generator.DeltaGenerator, cell: Cell) -> None:
    if not cell.made:
        place.markdown(":gray[–]")
        return
    from core.ui.data.checks import LIGHTS

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
