"""What the source adds: lift over the twin by segment, and how many users it helps and harms."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.basics.columns import MEAN, RUN, SEGMENT, USERS
from core.basics.formatting import number, signed
from core.charts.intervals import DETAIL, draw_forest
from core.charts.theme import CATEGORY_COLOURS, FUSED_COLOUR, TWIN_COLOUR
from core.evaluation.lift import EFFECT, HOLM, NOISE, SEEDS, SURE
from core.evaluation.segments import FEWEST, TARGET_HISTORY
from core.evaluation.verdict import Lifts
from core.metrics.registry import metric_card, metric_title
from core.store.run_folder import Run
from core.ui.metrics.evidence import lifts_of, sentence_of
from core.ui.metrics.figures import floor_name
from core.ui.metrics.groups import draw_upload, missing_words, titles_of
from core.ui.metrics.layers import show_layers
from core.ui.metrics.trust import show_trust
from core.ui.metrics.versions import show_versions
from core.ui.metrics.view import View
from core.ui.shell import show_chart
from core.ui.state import linked, one_of
from core.ui.texts import plain

TWIN_NAME = "over its twin"
SEED_COLOUR = CATEGORY_COLOURS[1]


def show_lift(run: Run, view: View) -> None:
    """Sentence and forest plot on the left; counts, noise floor and seeds on the right."""
    if run.twin is None and run.floor is None:
        st.caption(f"This run is {floor_name(run)} itself: there is nothing to compare it with.")
        return
    show_trust(run)
    left, right = st.columns([3, 1.2], gap="large")
    with left:
        by = _pick_segments(run)
        lifts = lifts_of(run, view.part, view.column, by)
        st.markdown(plain(sentence_of(run, view.part, view.column, by), 1000))
        rows = _rows(run, lifts)
        show_chart(
            draw_forest(
                rows, x=f"difference in {metric_title(view.column)}", colours=_colours(run, lifts)
            ),
            _caption(run, view, lifts) + missing_words(run, view.part, by),
            "lift",
        )
        show_versions(run, view)
    with right:
        show_layers(run, view)


def _pick_segments(run: Run) -> str:
    titles = titles_of(run)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        by = st.segmented_control(
            "Segments by",
            list(titles),
            format_func=lambda name: titles.get(name, name),
            required=True,
            **linked("by", TARGET_HISTORY, one_of(list(titles))),
        )
        draw_upload(run)
    return str(by)


def _rows(run: Run, lifts: Lifts) -> pd.DataFrame:
    """Lift over the twin everywhere; over the floor for cold users, or where there is no twin."""
    parts = [
        table.assign(**{RUN: name, DETAIL: _details(table)})
        for name, table in (
            (TWIN_NAME, lifts.over_twin),
            (_over_floor(run), lifts.over_floor),
        )
        if table is not None
    ]
    if lifts.over_seeds is not None:
        sure = (lifts.over_seeds["low"] > 0) | (lifts.over_seeds["high"] < 0)
        parts.append(lifts.over_seeds.assign(**{RUN: _over_seeds(lifts), SURE: sure, DETAIL: ""}))
    return pd.concat(parts, ignore_index=True)


def _details(table: pd.DataFrame) -> list[str]:
    return [
        ""
        if pd.isna(row[MEAN])
        else f"effect size {signed(row[EFFECT], 2)} standard deviations, "
        f"p {number(row[HOLM])} (Holm)"
        for _, row in table.iterrows()
    ]


def _over_floor(run: Run) -> str:
    return f"over {floor_name(run)}"


def _over_seeds(lifts: Lifts) -> str:
    assert lifts.over_seeds is not None
    return f"over its twin, mean of {int(lifts.over_seeds[SEEDS].max())} seeds"


def _colours(run: Run, lifts: Lifts) -> dict[str, str]:
    colours = {TWIN_NAME: FUSED_COLOUR, _over_floor(run): TWIN_COLOUR}
    return colours if lifts.over_seeds is None else colours | {_over_seeds(lifts): SEED_COLOUR}


def _caption(run: Run, view: View, lifts: Lifts) -> str:
    """For whom does the source help: what right of zero, a filled dot and a grey band mean."""
    card = metric_card(view.column)
    side = "Right" if card.higher_is_better else "Left"
    if lifts.over_twin is None:
        return f"{side} of zero: better than {floor_name(run)}. " + _filled(lifts.over_floor, "")
    speaks = "history in " if run.card.source_speaks else "what it learns from "
    source = f"{speaks}{plain(run.record['source_name'])}"
    words = f"{side} of zero: {source} helps."
    if card.neutral:
        words = f"Right of zero: more with {source}; whether more is better depends on the purpose."
    words += " The twin is the same model without the source. "
    if lifts.over_seeds is not None:
        words += f"Violet: mean and 95 % interval over {int(lifts.over_seeds[SEEDS].max())} seeds. "
    if lifts.over_floor is not None and len(lifts.over_floor) and not card.neutral:
        words += (
            f"Users without target history stand beside {floor_name(run)} too: only where both "
            "dots are filled is it help. "
        )
    banded = lifts.over_twin[NOISE].notna().any()
    return words + _filled(lifts.over_twin, ", and it lies outside the grey band" if banded else "")


def _filled(table: pd.DataFrame | None, more: str) -> str:
    assert table is not None
    tests = int(table[MEAN].notna().sum())
    words = (
        "Filled dots: the 95 % interval over users excludes zero and a sign-flip test rejects "
        f"after Holm's correction for the {tests} shown{more}."
    )
    if more:
        words += " Grey band: how far the twin, trained again, comes from itself."
    if (table[USERS] < FEWEST).any():
        few = ", ".join(plain(name) for name in table.loc[table[USERS] < FEWEST, SEGMENT])
        words += f" Under {FEWEST} users ({few}) is too few to say."
    return words
