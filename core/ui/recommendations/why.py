"""Why one item has its score: a waterfall over the history items that carried it."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.basics.columns import SOURCE, TARGET
from core.charts.recommendations import draw_waterfall
from core.runs.explain.one_user import Reasons, UserList, reasons, user_list
from core.ui import cached
from core.ui.recommendations.view import View
from core.ui.shell import show_chart
from core.ui.texts import plain

STEPS = 12  # history items shown one by one; the others are one step per domain
TINY = 1e-7  # a rest below this share of the score is rounding


def list_of(view: View) -> UserList:
    """The user's list, computed now: weights are memory-mapped, so it takes milliseconds."""
    model = cached.model(view.run)
    return user_list(model, view.split, view.part, view.user, view.fusion, view.k)


def why_of(view: View, listed: UserList, place: int) -> Reasons | None:
    """Amounts behind the item at this place; None for an empty list."""
    if not len(listed.items):
        return None
    train = view.run.train_of(view.split)
    return reasons(cached.model(view.run), train, listed, place, view.fusion)


def show_why(view: View, why: Reasons | None) -> None:
    """The waterfall with its sentence."""
    if why is None:
        return
    title = str(cached.item_names(view.split, TARGET)[why.item])
    names, amounts, kinds = _steps(view, why)
    if not len(amounts):
        st.caption(f"No history item carries this score: it is the {_base_name(view)}.")
        return
    weighted = "alpha and beta included" if why.weighted else "the model's own, before fusion"
    show_chart(
        draw_waterfall(names, amounts, kinds, total=f"score of {title}", x=f"score ({weighted})"),
        f"Which history items carried {plain(title, 80)}? Orange comes from "
        f"{plain(view.run.record['source_name'], 30)}, blue from "
        f"{plain(view.run.record['target_name'], 30)}; the steps add up to the score.",
        "waterfall",
    )


def _steps(view: View, why: Reasons) -> tuple[list[str], np.ndarray, list[str]]:
    """Names, amounts and kinds: base, the largest amounts of both domains, then the others."""
    names, amounts, kinds = _amounts(view, why)
    order = np.argsort(-np.abs(amounts), kind="stable")
    shown = [place for place in order[:STEPS] if amounts[place] != 0]
    steps = [(names[place], float(amounts[place]), kinds[place]) for place in shown]
    for domain in (SOURCE, TARGET):
        others = [place for place in order[STEPS:] if kinds[place] == domain and amounts[place]]
        if others:
            name = plain(view.run.record[f"{domain}_name"], 30)
            steps.append((f"{len(others)} more in {name}", float(amounts[others].sum()), domain))
    if why.base:
        steps.insert(0, (_base_name(view), why.base, "other"))
    if abs(why.rest) > TINY * max(1.0, abs(why.score)) and abs(why.rest) > 1e-4 * abs(why.score):
        steps.append(("beyond what single items add", why.rest, "other"))
    return (
        [name for name, _, _ in steps],
        np.array([amount for _, amount, _ in steps]),
        [kind for _, _, kind in steps],
    )


def _base_name(view: View) -> str:
    """What is said about an item without any history."""
    rates = view.run.card.task == "rating"
    return "mean rating and bias of the item" if rates else "popularity of the item"


def _amounts(view: View, why: Reasons) -> tuple[list[str], np.ndarray, list[str]]:
    source = cached.item_names(view.split, SOURCE)[why.source_items]
    target = cached.item_names(view.split, TARGET)[why.target_items]
    names = [str(name) for name in np.concatenate([source, target])]
    kinds = [SOURCE] * len(source) + [TARGET] * len(target)
    return names, np.concatenate([why.source_amounts, why.target_amounts]), kinds
