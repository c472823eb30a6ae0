"""What a recommended item has in common with the history: paths of the graph of attributes."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.basics.columns import SOURCE, TARGET
from core.basics.formatting import count, signed
from core.data.knowledge import KnowledgePath, attribute_paths, path_words
from core.runs.explain.one_user import Reasons
from core.ui import cached
from core.ui.recommendations.view import View
from core.ui.texts import plain

SHOWN = 5  # paths listed


def show_paths(view: View, why: Reasons | None) -> None:
    """The rarest things in common, each with the history items on the path; or that none is."""
    graph = cached.knowledge(view.split.info.split_hash)
    if why is None or not graph.names:
        return
    paths = attribute_paths(graph, why.source_items, why.target_items, why.item)
    st.markdown("**What has it in common with this history?**")
    if not paths:
        st.caption("Nothing that the item tables know of.")
        return
    st.markdown("\n".join(f"- {line_of(view, why, path)}" for path in paths[:SHOWN]))
    more = f" {len(paths) - SHOWN:,} more common things are left out." * (len(paths) > SHOWN)
    st.caption(
        "The rarest first. A path is a fact of the item tables, not of the model; behind it stands "
        f"what the history items on it add to the score together, by the model's reasons.{more}"
    )


def line_of(view: View, why: Reasons, path: KnowledgePath) -> str:
    """One path as Markdown, names escaped and in the colour of their domain."""
    names = [
        f":{colour}[{plain(cached.item_names(view.split, domain)[item], 60)}]"
        for domain, colour, items, amounts in (
            (SOURCE, "orange", path.source_items, _amounts(why.source_items, why.source_amounts)),
            (TARGET, "blue", path.target_items, _amounts(why.target_items, why.target_amounts)),
        )
        for item in sorted(items, key=lambda item: -amounts[item])
    ]
    said = path_words(plain(path.relation, 40), f"**{plain(path.entity, 60)}**", names)
    on_it = [
        *why.source_amounts[np.isin(why.source_items, path.source_items)],
        *why.target_amounts[np.isin(why.target_items, path.target_items)],
    ]
    held = count(path.holders, "item")
    return f"{said} · held by {held} of the catalogue · adds {signed(float(sum(on_it)))}"


def _amounts(items: np.ndarray, amounts: np.ndarray) -> dict[int, float]:
    return dict(zip(items.tolist(), amounts.tolist(), strict=True))
