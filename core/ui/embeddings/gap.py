"""How far apart the domains are, before and after alignment: two linked maps and the figures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from core.basics.columns import DOMAIN, HIGH, LOW, MEAN, RUN
from core.basics.formatting import count, number, signed, signed_with_interval
from core.basics.types import BoolArray, FloatArray
from core.charts.fusion import draw_trade_off
from core.charts.maps import Shade, draw_before_after
from core.embedding.distinct import LIFT as LIFT_OF
from core.embedding.distinct import facts_of_people
from core.embedding.gap import A_DISTANCE, AGREEMENT, ALIKE, APART, CKA, CORAL, MMD, MRR
from core.runs.studies.gap import (
    AFTER,
    BEFORE,
    CHANGE,
    BeforeAfter,
    Figures,
    after_gap,
    before_after,
)
from core.store.run_folder import Run
from core.ui import cached
from core.ui.embeddings.data import user_lifts
from core.ui.embeddings.map import draw_titled
from core.ui.embeddings.selection import show_traits
from core.ui.keeping import kept_data, kept_resource
from core.ui.state import linked, one_of, run_names
from core.ui.widgets import download_button, plain, show_table

LINES = (0, 25, 50, 100, 250)
DISTANCE = "distance"  # between a person's two places
_ASKED = "gaps_of_split"


def show_before_after(run: Run) -> None:
    """Question and answer, two linked maps, the figures, and the gap against all runs' lifts."""
    found = _before_after(run)
    _show_maps(found, run)
    st.table(gap_table(found.figures), border="horizontal", hide_index=True)
    st.markdown(f":small[{figures_caption(found)}]")
    with st.expander("What the figures are, and what they stand on", key="gap_help"):
        st.markdown("\n".join(f"- **{one.title}**: {one.help}" for one in MEASURES))
        st.markdown(f":small[{_CHANCE_HELP} {content_caption(found)}]")
        download_button(gap_frame(found.figures), "gap.csv", "gap_csv")
    with st.expander("Does a smaller gap go with a larger lift? All runs of this split"):
        split = run.record.split_hash
        st.button("Measure the gap of every run", key="measure_gaps", on_click=_ask, args=(split,))
        if st.session_state.get(_ASKED) == split:
            show_gap_against_lift(run)


def _ask(split_hash: str) -> None:
    st.session_state[_ASKED] = split_hash


@kept_resource(show_spinner="Comparing the two domains …", max_entries=4)
def _before_after(run: Run) -> BeforeAfter:
    return before_after(cached.split_of(run), cached.model(run))


def _show_maps(found: BeforeAfter, run: Run) -> None:
    """Both maps, coloured alike, with who was selected on either standing out on both."""
    kept = f"gap_people_{run.id}"
    lift = user_lifts(run)
    chosen = np.isin(found.users, st.session_state.get(kept, []))
    colour, lines = _pick_looks(kept if chosen.any() else None, lift)
    longest = np.argsort(-found.lengths[AFTER], kind="stable")
    longest = (longest[chosen[longest]] if chosen.any() else longest)[:lines]
    shade = _shade(found, colour, lift)
    figure = draw_before_after(
        found.places[BEFORE],
        found.places[AFTER],
        _hover(found, run, lift),
        (run.record.source_name, run.record.target_name),
        longest,
        title="After: both domains joined" if found.from_interactions else "After: this model",
        chosen=chosen,
        shade=shade,
    )
    answer = draw_titled(
        figure,
        lambda name: sentence(found, (name(run.record.source_name), name(run.record.target_name))),
        "before_after",
        note=f"{count(len(found.users), 'shared user')}, each once by either history"
        f"{'' if shade is None else ' (dots by the first, diamonds by the second)'}, in one layout"
        " (principal components) · a lasso on either map selects people on both · distances "
        "between clusters mean little",
        on_select="rerun",
    )
    points = answer["selection"]["points"] if answer else []
    rows = [int(point["customdata"]) for point in points if "customdata" in point]
    picked = sorted(set(found.users[rows].tolist()))
    if picked and picked != st.session_state.get(kept):
        _keep(kept, picked)
        st.rerun()  # who was selected on one map stands out on the other
    if chosen.any():
        _show_people(found, run, chosen, lift)


def _pick_looks(kept: str | None, lift: FloatArray | None) -> tuple[str, int]:
    """Colour and number of lines; kept: where those who are selected are kept, if anybody is."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        colour = st.segmented_control(
            "Colour",
            (DOMAIN, DISTANCE, *([] if lift is None else [LIFT_OF])),
            required=True,
            format_func=str.capitalize,
            **linked("gap_colour", DOMAIN, one_of((DOMAIN, DISTANCE, LIFT_OF)), key="gap_colour"),
            help="Domain: orange by their history in the source, blue in the target. Distance: "
            "between a person's two places in either space. Lift: test nDCG@10 against the twin. "
            "One scale for both maps.",
        )
        lines = st.segmented_control(
            "Lines between a person's two places, longest first",
            LINES,
            required=True,
            **linked("lines", 50, one_of(LINES), key="gap_lines"),
            help="Longest in the space after, not on the map.",
        )
        if kept is not None:
            st.button(
                "Everybody", icon=":material/close:", key="gap_all", on_click=_keep, args=(kept, [])
            )
    return str(colour), int(lines or 0)


def _keep(key: str, users: list[int]) -> None:
    st.session_state[key] = users


def _hover(found: BeforeAfter, run: Run, lift: FloatArray | None) -> list[str]:
    ids = cached.split_of(run).train.users.names(found.users)
    lifts = np.full(len(ids), np.nan) if lift is None else lift[found.users]
    both = zip(found.lengths[BEFORE], found.lengths[AFTER], strict=True)
    return [
        f"{user} · distance {before:.2f} before, {after:.2f} after"
        + (f" · lift {signed(gained)}" if np.isfinite(gained) else "")
        for user, (before, after), gained in zip(ids, both, lifts, strict=True)
    ]


def _shade(found: BeforeAfter, colour: str, lift: FloatArray | None) -> Shade | None:
    if colour == DISTANCE:
        return Shade("distance", found.lengths[BEFORE], found.lengths[AFTER])
    if colour == LIFT_OF and lift is not None:
        return Shade("lift in nDCG@10", lift[found.users], lift[found.users], signed=True)
    return None


def _show_people(found: BeforeAfter, run: Run, chosen: BoolArray, lift: FloatArray | None) -> None:
    """How far apart the selected people are drawn, and what sets them apart from all others."""
    before, after = (float(np.median(found.lengths[name][chosen])) for name in (BEFORE, AFTER))
    known = facts_of_people(cached.split_of(run).train, found.users, lift)
    show_traits(known, chosen, "selected person", "gap_traits", "selected people")
    st.markdown(
        f":small[Median distance between their two places: {number(before, 2)} before, "
        f"{number(after, 2)} after.]"
    )


# What the figures of a domain gap are called and mean, and the sentences made from them.


@dataclass(frozen=True)
class Measure:
    """One figure of a gap as the table shows it."""

    name: str
    title: str
    help: str
    up: str  # what is said of a figure that rises, and of one that falls
    down: str


_CLOSER, _APART = "closer", "further apart"
_FOUND, _LOST = "found better", "found worse"
MEASURES = (
    Measure(
        MRR,
        "Retrieval MRR",
        "How high up the source-drawn vector of a user finds the same user's target-drawn one: 1 "
        "is always first. It falls when vectors collapse, so no gap is good without it.",
        _FOUND,
        _LOST,
    ),
    Measure(
        AGREEMENT,
        "Neighbours in common",
        "Share of a user's ten nearest users that both domains name.",
        "more alike",
        "less alike",
    ),
    Measure(
        CKA,
        "CKA",
        "Whether both domains arrange users alike, whatever the rotation: 1 is the same "
        "arrangement, 0 none in common (Kornblith et al. 2019, debiased by Song et al. 2012).",
        "more alike",
        "less alike",
    ),
    Measure(
        A_DISTANCE,
        "A-distance",
        "Proxy A-distance: how well a linear classifier tells the domains apart, 0 not at all, 2 "
        "always (Ben-David et al. 2007).",
        _APART,
        _CLOSER,
    ),
    Measure(
        MMD,
        "MMD²",
        "Squared maximum mean discrepancy of both domains' vectors, unbiased for pairs (Gretton et "
        "al. 2012): around 0 where they are alike.",
        _APART,
        _CLOSER,
    ),
    Measure(
        CORAL,
        "CORAL",
        "Squared distance of the covariances over 4 d² (Sun and Saenko 2016), unbiased: around 0 "
        "where they are alike.",
        _APART,
        _CLOSER,
    ),
)
_TITLES = {measure.name: measure.title for measure in MEASURES}
_TRAINED = "trained on them"
_CHANCE_HELP = (
    "Chance is what 19 of 20 exchanges stay below: of distances a user's two vectors are swapped, "
    "of likenesses target vectors are dealt to other users, 999 times. A change is told by leaving "
    "out a twentieth of the users at a time. All figures here are corrected together (Holm)."
)


def gap_table(figures: Figures) -> pd.DataFrame:
    """A row per figure: both spaces, chance in brackets, bold where it is left, and the change."""
    beyond = _beyond(figures)
    rows = []
    for measure in MEASURES:
        row = {"figure": measure.title}
        for when, gap in ((BEFORE, figures.before), (AFTER, figures.after)):
            one = gap.figures[measure.name]
            value = number(one.value)
            bold = f"**{value}**" if measure.name in beyond[when] else value
            row[when] = f"{bold} :small[:gray[(chance {number(max(one.chance, 0.0))})]]"
        if measure.name in beyond[CHANGE]:
            rose = figures.changes[measure.name].value > 0
            row["says"] = measure.up if rose else measure.down
        elif figures.trained and measure.name in ALIKE:
            row["says"] = _TRAINED
        else:
            row["says"] = "no change shown"
        rows.append(row)
    return pd.DataFrame(rows)


def gap_frame(figures: Figures) -> pd.DataFrame:
    """The same as plain numbers, with every chance, for a file."""
    return pd.DataFrame(
        [
            {"figure": measure.title}
            | {
                f"{when}_{key}": getattr(gap.figures[measure.name], key)
                for when, gap in ((BEFORE, figures.before), (AFTER, figures.after))
                for key in ("value", "chance", "p")
            }
            | {"change_p": figures.changes[measure.name].p}
            for measure in MEASURES
        ]
    )


def sentence(found: BeforeAfter, names: tuple[str, str]) -> str:
    """Question and answer: what leaves chance, and nothing else.

    Closeness and recognition must be read together: vectors that have become alike are close.
    """
    figures, beyond = found.figures, _beyond(found.figures)
    where = "With both domains' interactions joined" if found.from_interactions else "In this model"
    ways = {
        way: [
            name
            for name in APART
            if name in beyond[CHANGE] and (figures.changes[name].value > 0) == (way == _APART)
        ]
        for way in (_CLOSER, _APART)
    }
    told = [
        f"{_told(found, titles)} say{_s(titles)} {way}" for way, titles in ways.items() if titles
    ]
    left = [name for name in APART if name in beyond[AFTER]]
    if all(ways.values()):
        answer = "The figures disagree"
    elif told:
        answer = "Closer than before" if ways[_CLOSER] else "Further apart than before"
    else:
        answer = "As far apart as before" if left else "No gap shows"
    if not told:
        told = [
            f"{_told(found, left)} still tell{_s(left)} the domains apart"
            if left
            else "no distance leaves what chance gives"
        ]
    bought = ways[_CLOSER] and not ways[_APART] and _lost(figures, beyond)
    return (
        f"**Are a person's two histories drawn to one place? {answer}.** "
        f"{where}, {'; '.join(told)}; {_recognised(figures, beyond, names)}"
        f"{': closeness may be bought by making users alike' if bought else ''}."
    )


def _beyond(figures: Figures) -> dict[str, frozenset[str]]:
    """What leaves chance, less changes too small to be seen in the figures as printed."""
    beyond = figures.beyond()
    seen = {
        name
        for name in figures.changes
        if number(figures.before.figures[name].value) != number(figures.after.figures[name].value)
    }
    return beyond | {CHANGE: beyond[CHANGE] & seen}


def _lost(figures: Figures, beyond: dict[str, frozenset[str]]) -> bool:
    """Whether people are found worse than before."""
    return MRR in beyond[CHANGE] and figures.changes[MRR].value < 0


def _s(titles: list[str]) -> str:
    return "s" if len(titles) == 1 else ""


def _told(found: BeforeAfter, names: list[str]) -> str:
    """Figures by name with both values."""
    both = [
        f"{_TITLES[name]} ({number(found.figures.before.figures[name].value)} → "
        f"{number(found.figures.after.figures[name].value)})"
        for name in names
    ]
    return " and ".join([", ".join(both[:-1])] * (len(both) > 1) + both[-1:])


def _recognised(figures: Figures, beyond: dict[str, frozenset[str]], names: tuple[str, str]) -> str:
    """Whether the same person is found in the other domain, where that is evidence."""
    person = f"the same person in {names[1]}"
    before, after = (gap.figures[MRR].value for gap in (figures.before, figures.after))
    shown = f"(MRR {number(before)} → {number(after)})"
    if _lost(figures, beyond):
        although = ", although it trained on who is who" if figures.trained else ""
        return f"from {names[0]} {person} is found worse {shown}{although}"
    if figures.trained:
        return f"that it finds {person} is no evidence, as it trained on who is who"
    if MRR in beyond[CHANGE]:
        return f"from {names[0]} {person} is found better {shown}"
    if MRR in beyond[AFTER]:
        return f"from {names[0]} {person} is found beyond chance, no better than before {shown}"
    return f"from {names[0]} {person} is not found beyond chance"


def figures_caption(found: BeforeAfter) -> str:
    """On whom the figures stand, and how to read them."""
    return (
        f"{count(found.figures.after.users, 'shared user')} that neither “before” nor a joint "
        "space learned from. Bold: beyond chance. A small gap does not imply a good transfer."
    )


def content_caption(found: BeforeAfter) -> str:
    """How the domains differ before any model."""
    content = found.content
    categories = (
        "categories are unknown in a domain"
        if np.isnan(content.categories)
        else f"categories {number(content.categories)} "
        f"({count(content.shared_categories, 'name')} in common)"
    )
    return (
        "How the domains differ before any model, as Jensen-Shannon divergence in bits (0 alike, 1 "
        f"nothing in common): {categories}, popularity {number(content.popularity)}."
    )


# Whether runs whose domains lie closer gain more: a dot per run.

MOST_RUNS = 12  # whose gaps are measured for one picture
LIFT = "ndcg@10"
COLUMNS = (A_DISTANCE, MMD, MRR)


def show_gap_against_lift(run: Run) -> None:
    """A dot per run: its gap across, its lift up."""
    frame, lifts = _gaps_and_lifts(run)
    if len(frame) < 2:
        st.markdown("Fewer than two runs of this split have user vectors and a lift to compare.")
        return
    across = frame.assign(**{MEAN: frame[A_DISTANCE], LOW: np.nan, HIGH: np.nan})
    draw_titled(
        draw_trade_off(
            across,
            lifts,
            x="proxy A-distance after (0 alike, 2 apart)",
            y="lift in nDCG@10",
        ),
        lambda name: _gap_and_lift(frame, lifts),
        "gap_against_lift",
        note="Lift is over the target-only twin, or over popularity for models without one; bars "
        "are 95 % intervals over users.",
    )
    shown = frame.rename(columns=_TITLES).assign(
        lift=[
            signed_with_interval(*row)
            for row in lifts[[MEAN, LOW, HIGH]].itertuples(index=False, name=None)
        ]
    )
    show_table(shown, "gap_runs", download="gap_of_runs.csv")


def _gap_and_lift(frame: pd.DataFrame, lifts: pd.DataFrame) -> str:
    """Question and answer; a few runs are no sample, so that nothing is tested."""
    order = np.argsort(frame[A_DISTANCE].to_numpy(), kind="stable")
    near, far = (plain(lifts[RUN].iloc[order[place]], 60) for place in (0, -1))
    gains = [number(lifts[MEAN].iloc[order[place]]) for place in (0, -1)]
    return (
        "**Do runs whose domains lie closer gain more?** "
        f"Closest: {near}, lift {gains[0]}. Furthest: {far}, lift {gains[1]}."
    )


def _gaps_and_lifts(run: Run) -> tuple[pd.DataFrame, pd.DataFrame]:
    runs = [
        other
        for other in cached.runs()
        if other.record.split_hash == run.record.split_hash and _lift(other)
    ][:MOST_RUNS]
    names, gaps, lifts = run_names(runs), [], []
    for other in runs:
        gap = _gap(other)
        if gap is None:
            continue
        gaps.append({RUN: names[other.id]} | {key: gap[key] for key in COLUMNS})
        lift = _lift(other)
        assert lift is not None
        lifts.append({RUN: names[other.id]} | {key: lift[key] for key in (MEAN, LOW, HIGH)})
    return pd.DataFrame(gaps), pd.DataFrame(lifts)


def _lift(run: Run) -> dict | None:
    found = run.record.lift or run.record.lift_over_popularity or {}
    return found.get(LIFT)


@kept_data(show_spinner="Reading vectors …", max_entries=100)
def _gap(run: Run) -> dict[str, float] | None:
    gap = after_gap(cached.split_of(run), cached.model(run))
    if gap is None:
        return None
    return {name: figure.value for name, figure in gap.figures.items()}
