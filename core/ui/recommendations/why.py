"""Why one item has its score: a waterfall over the history items that carried it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import streamlit as st

from core.basics.columns import SOURCE, TARGET
from core.basics.formatting import count, number, signed
from core.charts.recommendations import draw_waterfall
from core.data.knowledge import KnowledgePath, attribute_paths, path_words
from core.data.pair import BOUNDS, bin_places
from core.models.linear.data_steps import Steps
from core.models.made.recorded import answering
from core.models.protocol import CrossDomainModel
from core.models.text.encoders import ENCODERS
from core.models.text.features import TextSettings
from core.models.text.vectors import BESIDE
from core.runs.explain.one_user import Reasons, UserList, reasons, reranked_user_list
from core.runs.explain.reasons import (
    ReadTexts,
    SharedText,
    reads_of,
    reads_text,
    reads_words,
    shared_texts,
)
from core.runs.making.texts import ItemTexts
from core.store.run_folder import Run
from core.ui import cached
from core.ui.keeping import kept_resource
from core.ui.metrics.view import world_of
from core.ui.recommendations.view import View, fusion_of
from core.ui.shell import show_chart
from core.ui.widgets import plain, show_table

STEPS = 8  # history items shown one by one; the others are one step per domain
CANCELLED = 0.2  # sum of amounts over their sizes below which they cancel
TINY = 1e-7  # a rest below this share of the score is rounding


def list_of(view: View) -> UserList:
    """The user's list, computed now: weights are memory-mapped, so it takes milliseconds."""
    return list_of_run(view, view.run)


def list_of_run(view: View, run: Run) -> UserList:
    """The same of any run on the split, in the order that the view asks for."""
    fusion = view.fusion if run is view.run else fusion_of(run)
    asked = (cached.model(run), view.split, view.part, view.user, fusion, view.k)
    world = world_of(view.run, view.part) if view.rule.acts else None
    return reranked_user_list(*asked, view.rule, world)


def why_of(view: View, listed: UserList, place: int) -> Reasons | None:
    """Amounts behind the item at this place; None for an empty list."""
    if not len(listed.items):
        return None
    train = view.run.train_of(view.split)
    return reasons(cached.model(view.run), train, listed, place, view.fusion)


def on_the_bar(why: Reasons | None, listed: UserList, place: int) -> Reasons | None:
    """The same amounts, so scaled that those of a domain add up to its part of the bar in the list.

    Where parts are brought to a common scale, the model's own amounts are on another one than the
    bar. They stay as they are where they nearly cancel or speak against the part: no scale tells
    what each of them is of it then.
    """
    if why is None or why.weighted:
        return why
    scaled = []
    for amounts, part in (
        (why.source_amounts, float(listed.source_weighted[place])),
        (why.target_amounts, float(listed.target_weighted[place])),
    ):
        total, size = float(amounts.sum()), float(np.abs(amounts).sum())
        if size and (abs(total) < CANCELLED * size or part * total < 0):
            return why
        scaled.append(amounts * (part / total) if size else amounts)
    score, base = float(listed.fused[place]), float(listed.base[place])
    rest = score - base - float(scaled[0].sum() + scaled[1].sum())
    source, target = scaled
    changed = replace(why, source_amounts=source, target_amounts=target)
    return replace(changed, base=base, rest=rest, score=score, weighted=True)


def show_why(view: View, why: Reasons | None) -> None:
    """The waterfall with its sentence."""
    if why is None:
        return
    title = str(cached.item_names(view.split, TARGET)[why.item])
    names, amounts, kinds = _steps(view, why)
    if not len(amounts):
        st.caption(f"No history item carries this score: it is the {_base_name(view)}.")
        return
    weighted = "as in the list" if why.weighted else "the model's own, before fusion"
    show_chart(
        draw_waterfall(names, amounts, kinds, total=f"score of {title}", x=f"score ({weighted})"),
        f"Which history items carried {plain(title, 80)}? The steps add up to its score.",
        "waterfall",
    )
    if Steps.of(view.run.record.settings).fill:
        st.caption(
            "This run reads source items that were filled in: some of these steps are what the "
            "person would probably take, not what they took."
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
            name = plain(view.run.record.name_of(domain), 30)
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
    rates = view.run.card.task.rates
    return "mean rating and bias of the item" if rates else "popularity of the item"


def _amounts(view: View, why: Reasons) -> tuple[list[str], np.ndarray, list[str]]:
    source = cached.item_names(view.split, SOURCE)[why.source_items]
    target = cached.item_names(view.split, TARGET)[why.target_items]
    names = [str(name) for name in np.concatenate([source, target])]
    kinds = [SOURCE] * len(source) + [TARGET] * len(target)
    return names, np.concatenate([why.source_amounts, why.target_amounts]), kinds


# Why an item is listed by a model that reads text: what its text shares with the history's.

MOST, SAID = 8, 3  # history items in the table, and in the sentence
ALIKE = 0.2  # cosine from which two texts are said to be alike
IN_COMMON = "both texts share"
_BESIDE = ", the uploaded ones beside them"
LEARNED = "text_ridge"
WITH_IDS = ("text_tower", "text_fusion")


def show_text_why(view: View, why: Reasons | None) -> None:
    """A sentence and a table; nothing for models that read no text, or without history items."""
    if why is None:
        return
    group = int(bin_places(np.array([len(why.target_items)]))[0])
    model, name = _answering(view.run, group)
    if not reads_text(model):
        return
    read = read_texts(view.run, group if model is not cached.model(view.run) else 0)
    shared = shared_texts(read, why, MOST)
    if not shared:
        return
    names = {domain: cached.item_names(view.split, domain) for domain in (SOURCE, TARGET)}
    listed = str(names[TARGET][why.item])
    if not reads_words(model):
        _show_alike(view, shared, names, listed)
        return
    beside, alike = reads_of(model).vectors == BESIDE, _likeness(reads_of(model))
    st.markdown(f"**What the texts share.** {_sentence(shared, names, listed, alike)}")
    show_table(_table(view, shared, names, alike), "text_why", column_config=_LOOKS)
    st.caption(
        "Words in both texts, the rarest in both domains first; words of one in twenty texts or "
        f"more are left out. Cosine of both texts' vectors{_BESIDE if beside else ''}, each from "
        f"the centre of its domain. {_how(name)}"
    )


def _likeness(settings: TextSettings) -> str:
    """What a high cosine says of two items; "" where it says no more than their words do."""
    if settings.vectors == BESIDE:
        return "alike"
    return "alike in meaning" if ENCODERS[settings.encoder].by_meaning else ""


def _show_alike(view: View, shared: list[SharedText], names: dict, listed: str) -> None:
    """Likeness is all there is to tell of vectors that were uploaded."""
    alike = [
        f"*{plain(names[row.domain][row.item], 60)}* (cosine {number(row.cosine, 2)})"
        for row in shared[:SAID]
        if row.cosine is not None and row.cosine >= ALIKE
    ]
    said = f"is alike to {'; '.join(alike)}" if alike else "is unlike what carries it most"
    st.markdown(
        "**How alike the vectors are.** This run reads uploaded vectors and no text, so its "
        f"reasons name no words: *{plain(listed, 60)}* {said}."
    )
    table = _table(view, shared, names, "").drop(columns=IN_COMMON)
    show_table(table, "text_why", column_config=_LOOKS)
    st.caption("Cosine of both items' vectors, each from the centre of its domain.")


def _answering(run: Run, group: int) -> tuple[CrossDomainModel, str]:
    """The model that answers people of a group, a place in BINS, and its name."""
    model, about = answering(run.record.untrained, cached.model(run), BOUNDS[group])
    return model, str(about["model"])


def _encoded(run: Run, group: int = 0) -> ItemTexts | None:
    return cached.item_texts(cached.split_of(run), reads_of(_answering(run, group)[0]))


@kept_resource(
    show_spinner="Counting words",
    max_entries=2,
    also=lambda run, group=0: _encoded(run, group) is not None,
)
def read_texts(run: Run, group: int = 0) -> ReadTexts:
    """The texts the run's model has read, with their vectors where they are encoded.

    group: of a routed run the group of people whose model it is; 0 for any other run.
    """
    model = _answering(run, group)[0]
    return ReadTexts.of(cached.split_of(run).train, model, _encoded(run, group))


_LOOKS = {
    "history item": st.column_config.TextColumn("History item", width="medium"),
    IN_COMMON: st.column_config.TextColumn(width="medium"),
    "adds": st.column_config.NumberColumn("Adds", format="%.4f", width=80),
    "cosine": st.column_config.NumberColumn("Cosine", format="%.2f", width=80),
}


def _table(view: View, shared: list[SharedText], names: dict, alike: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "history item": [str(names[row.domain][row.item]) for row in shared],
            "from": [view.run.record.name_of(row.domain) for row in shared],
            IN_COMMON: [_in_common(row, alike) for row in shared],
            "cosine": [row.cosine for row in shared],
            "adds": [row.amount for row in shared],
        }
    )


def _in_common(row: SharedText, alike: str) -> str:
    """Words, else likeness; no more than there is."""
    if row.words:
        return ", ".join(row.words)
    if row.cosine is None:
        return "no word"
    if alike and row.cosine >= ALIKE:
        return f"no word, but {alike}"
    return f"no word, and hardly {alike}" if alike else "no word"


def _sentence(shared: list[SharedText], names: dict, listed: str, alike: str) -> str:
    """`With *A* it shares “war”; *B* is alike in meaning (cosine .43).`"""
    parts = []
    for row in shared[:SAID]:
        name = f"*{plain(names[row.domain][row.item], 60)}*"
        if row.words:
            said = ", ".join(f"“{plain(word, 30)}”" for word in row.words)
            parts.append(f"shares {said} with {name}")
        elif alike and row.cosine is not None and row.cosine >= ALIKE:
            parts.append(f"is {alike} to {name} (cosine {number(row.cosine, 2)})")
    if not parts:
        return f"*{plain(listed, 60)}* shares no telling word with what carries it most."
    return f"*{plain(listed, 60)}* {'; '.join(parts)}."


def _how(name: str) -> str:
    """name: of the model that answers."""
    if name == LEARNED:
        return (
            "This model learned from other users what a text in a history says of an item, so an "
            "item can be carried by texts unlike its own."
        )
    if name in WITH_IDS:
        return (
            "This model learned how to read texts, and ids count beside them, so an item can be "
            "carried by texts unlike its own."
        )
    return "What a history item adds grows with how alike the texts are."


# What a recommended item has in common with the history: paths of the graph of attributes.

SHOWN = 3  # paths listed


def show_paths(view: View, why: Reasons | None) -> None:
    """The rarest things in common, each with the history items on the path; or that none is."""
    graph = cached.knowledge(view.split.info.split_hash)
    if why is None or not graph.names:
        return
    paths = attribute_paths(graph, why.source_items, why.target_items, why.item)
    st.markdown(
        "**What has it in common with this history?**",
        help="Facts of the item tables, the rarest first; behind each what its history items add "
        "to the score by the model's reasons.",
    )
    if not paths:
        st.caption("Nothing that the item tables know of.")
        return
    st.markdown("\n".join(f"- {line_of(view, why, path)}" for path in paths[:SHOWN]))
    if len(paths) > SHOWN:
        st.caption(f"{len(paths) - SHOWN:,} more are left out.")


def line_of(view: View, why: Reasons, path: KnowledgePath) -> str:
    """One path as Markdown, names escaped and in the colour of their domain."""
    names = [
        f":{colour}[{plain(cached.item_names(view.split, domain)[item], 60)}]"
        for domain, colour, items, amounts in (
            (SOURCE, "orange", path.source_items, _by_item(why.source_items, why.source_amounts)),
            (TARGET, "blue", path.target_items, _by_item(why.target_items, why.target_amounts)),
        )
        for item in sorted(items, key=lambda item: -amounts[item])
    ]
    via = [plain(name, 60) for name in path.via]
    said = path_words(plain(path.relation, 40), f"**{plain(path.entity, 60)}**", names, via)
    on_it = [
        *why.source_amounts[np.isin(why.source_items, path.source_items)],
        *why.target_amounts[np.isin(why.target_items, path.target_items)],
    ]
    held = count(path.holders, "item")
    return f"{said} · {held} have it · adds {signed(float(sum(on_it)))}"


def _by_item(items: np.ndarray, amounts: np.ndarray) -> dict[int, float]:
    return dict(zip(items.tolist(), amounts.tolist(), strict=True))
