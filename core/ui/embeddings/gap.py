"""How far apart the domains are, before and after alignment: two linked maps and the figures."""

from __future__ import annotations

from dataclasses import asdict, dataclass

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
from core.embedding.gap import chance_agreement
from core.runs.studies.gap import BeforeAfter, after_gap, before_after
from core.store.run_folder import Run
from core.ui import cached
from core.ui.embeddings.data import user_lifts
from core.ui.embeddings.map import draw_titled
from core.ui.embeddings.selection import show_traits
from core.ui.keeping import kept_data, kept_resource
from core.ui.state import linked, one_of, run_names
from core.ui.widgets import download_button, plain, show_table

LINES = (0, 25, 50, 100, 250)
APART = "distance"  # between a person's two places
_ASKED = "gaps_of_split"


def show_before_after(run: Run) -> None:
    """Question and answer, two linked maps, the figures, and the gap against all runs' lifts."""
    found = _before_after(run)
    _show_maps(found, run)
    rows = [
        {
            "figure": f"**{measure.title}**",
            "before": number(getattr(found.before, measure.name)),
            "after": number(getattr(found.after, measure.name)),
            "says": measure.says[measure.change(found)],
        }
        for measure in MEASURES
    ]
    st.table(pd.DataFrame(rows), border="horizontal", hide_index=True)
    figures = {
        name: asdict(gap) for name, gap in (("before", found.before), ("after", found.after))
    }
    with st.expander("What the figures are, and what they stand on", key="gap_help"):
        st.markdown("\n".join(f"- **{one.title}**: {one.help}" for one in MEASURES))
        st.markdown(f":small[{figures_caption(found)}]")
        download_button(pd.DataFrame(figures).T, "gap.csv", "gap_csv")
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
    longest = np.argsort(-found.lengths["after"], kind="stable")
    longest = (longest[chosen[longest]] if chosen.any() else longest)[:lines]
    shade = _shade(found, colour, lift)
    figure = draw_before_after(
        found.places["before"],
        found.places["after"],
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
            (DOMAIN, APART, *([] if lift is None else [LIFT_OF])),
            required=True,
            format_func=str.capitalize,
            **linked("gap_colour", DOMAIN, one_of((DOMAIN, APART, LIFT_OF)), key="gap_colour"),
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
    both = zip(found.lengths["before"], found.lengths["after"], strict=True)
    return [
        f"{user} · distance {before:.2f} before, {after:.2f} after"
        + (f" · lift {signed(gained)}" if np.isfinite(gained) else "")
        for user, (before, after), gained in zip(ids, both, lifts, strict=True)
    ]


def _shade(found: BeforeAfter, colour: str, lift: FloatArray | None) -> Shade | None:
    if colour == APART:
        return Shade("distance", found.lengths["before"], found.lengths["after"])
    if colour == LIFT_OF and lift is not None:
        return Shade("lift in nDCG@10", lift[found.users], lift[found.users], signed=True)
    return None


def _show_people(found: BeforeAfter, run: Run, chosen: BoolArray, lift: FloatArray | None) -> None:
    """How far apart the selected people are drawn, and what sets them apart from all others."""
    before, after = (float(np.median(found.lengths[name][chosen])) for name in ("before", "after"))
    known = facts_of_people(cached.split_of(run).train, found.users, lift)
    show_traits(known, chosen, "selected person", "gap_traits", "selected people")
    st.markdown(
        f":small[Median distance between their two places: {number(before, 2)} before, "
        f"{number(after, 2)} after.]"
    )


# What the figures of a domain gap are called and mean, and the sentences made from them.

_CLOSER = {1: "closer", 0: "no change", -1: "further apart"}
_FOUND = {1: "people found better", 0: "no change", -1: "people found worse"}
_ANSWERS = {1: "Closer than before", 0: "As before", -1: "Further apart than before"}
_FINDS = {1: "better", 0: "as well as before", -1: "worse"}
_VERDICTS = {
    (1, 1): ", as an alignment should",
    (1, 0): ": closeness alone recognises nobody better",
    (1, -1): ": closeness was bought by making users alike",
    (0, 1): ": people are recognised better at the same distance",
    (-1, 1): ": the domains stay distinct, yet people are recognised better",
}
_NEVER = 0.05  # a permutation p above which no difference shows


@dataclass(frozen=True)
class Measure:
    """One figure of a gap as the table shows it."""

    name: str
    title: str
    closer: int  # 1: higher is closer; -1: lower is
    help: str
    digits: int = 3  # at which a change is one

    def change(self, found: BeforeAfter) -> int:
        """1 closer, −1 further apart, 0 for a change too small to be seen in the figures."""
        before, after = found.before, found.after
        if self.name.startswith("mmd") and min(before.mmd_p, after.mmd_p) > _NEVER:
            return 0  # neither can be told from no discrepancy at all
        now, then = (round(getattr(gap, self.name), self.digits) for gap in (after, before))
        return 0 if np.isnan(now - then) else self.closer * int(np.sign(now - then))

    @property
    def says(self) -> dict[int, str]:
        """What a change says of the two domains."""
        return _FOUND if self.name == "retrieval_mrr" else _CLOSER


MEASURES = (
    Measure(
        "retrieval_mrr",
        "Retrieval MRR",
        1,
        "How high up the source-drawn vector of a user finds the same user's target-drawn one: 1 "
        "is always first. It falls when vectors collapse, so no gap is good without it.",
    ),
    Measure(
        "mmd",
        "MMD²",
        -1,
        "Squared maximum mean discrepancy of both domains' vectors, unbiased (Gretton et al. "
        "2012): around 0 where they are alike.",
    ),
    Measure(
        "mmd_p",
        "MMD², p",
        1,
        "Share of 200 random exchanges of a user's two vectors that give as large a discrepancy.",
    ),
    Measure(
        "a_distance",
        "A-distance",
        -1,
        "Proxy A-distance: how well a linear classifier tells the domains apart, 0 not at all, 2 "
        "always (Ben-David et al. 2007).",
    ),
    Measure(
        "coral",
        "CORAL",
        -1,
        "Squared distance of the covariances over 4 d² (Sun and Saenko 2016).",
    ),
    Measure(
        "cka",
        "CKA",
        1,
        "Whether both domains arrange users alike, whatever the rotation: 1 is the same "
        "arrangement (Kornblith et al. 2019).",
        2,
    ),
    Measure(
        "agreement",
        "neighbours in common",
        1,
        "Share of a user's ten nearest users that both domains name.",
        2,
    ),
)


def sentence(found: BeforeAfter, names: tuple[str, str]) -> str:
    """Question and answer: what the figures of the gap say, one by one where they disagree.

    Closeness and recognition must be read together: vectors that have become alike are close.
    """
    both = "With both domains' interactions joined"
    where = both if found.from_interactions else "In this model"
    said: dict[int, list[str]] = {-1: [], 0: [], 1: []}
    for measure in MEASURES:
        if measure.name not in ("retrieval_mrr", "mmd_p"):
            said[measure.change(found)].append(measure.title)
    split = bool(said[1] and said[-1])
    closer = 1 if said[1] else -1 if said[-1] else 0
    finds = MEASURES[0].change(found)
    answer = "The figures disagree" if split else _ANSWERS[closer]
    told = []
    for way, titles in said.items():
        if way and titles:
            named = " and ".join([", ".join(titles[:-1])] * (len(titles) > 1) + titles[-1:])
            told.append(f"{named} say{'s' if len(titles) == 1 else ''} {_CLOSER[way]}")
    before, after = number(found.before.retrieval_mrr), number(found.after.retrieval_mrr)
    verdict = "" if split else _VERDICTS.get((closer, finds), ": nothing was aligned")
    return (
        f"**Are a person's two histories drawn to one place? {answer}.** "
        f"{where}, {', '.join(told) or 'no figure changes'}; from {names[0]} the same person in "
        f"{names[1]} is found {_FINDS[finds]} (MRR {before} → {after}){verdict}."
    )


def figures_caption(found: BeforeAfter) -> str:
    """On whom the figures stand, what chance gives, and how the contents differ."""
    content, n = found.content, found.after.users
    categories = (
        "categories are unknown in a domain"
        if np.isnan(content.categories)
        else f"categories {number(content.categories)} "
        f"({count(content.shared_categories, 'name')} in common)"
    )
    still = "cannot tell" if found.after.mmd_p > _NEVER else "still tells"
    chance = " beyond chance" if still == "still tells" else ""
    return (
        f"Over {n:,} shared users whom the rotation of “before” never saw; a model may have "
        f"trained on them. Neighbours in common by chance: {number(chance_agreement(n))}. "
        f"After, MMD² {still} the domains apart{chance}. How the domains differ before "
        "any model, as Jensen-Shannon divergence in bits (0 alike, 1 nothing in common): "
        f"{categories}, popularity {number(content.popularity)}. "
        "A small gap does not imply a good transfer."
    )


# Whether runs whose domains lie closer gain more: a dot per run.

MOST_RUNS = 12  # whose gaps are measured for one picture
LIFT = "ndcg@10"
TITLES = {"a_distance": "A-distance", "mmd": "MMD²", "retrieval_mrr": "retrieval MRR"}


def show_gap_against_lift(run: Run) -> None:
    """A dot per run: its gap across, its lift up."""
    frame, lifts = _gaps_and_lifts(run)
    if len(frame) < 2:
        st.markdown("Fewer than two runs of this split have user vectors and a lift to compare.")
        return
    across = frame.assign(**{MEAN: frame["a_distance"], LOW: np.nan, HIGH: np.nan})
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
    shown = frame.rename(columns=TITLES).assign(
        lift=[
            signed_with_interval(*row)
            for row in lifts[[MEAN, LOW, HIGH]].itertuples(index=False, name=None)
        ]
    )
    show_table(shown, "gap_runs", download="gap_of_runs.csv")


def _gap_and_lift(frame: pd.DataFrame, lifts: pd.DataFrame) -> str:
    """Question and answer; a few runs are no sample, so that nothing is tested."""
    order = np.argsort(frame["a_distance"].to_numpy(), kind="stable")
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
        figures = {key: gap[key] for key in ("a_distance", "mmd", "retrieval_mrr")}
        gaps.append({RUN: names[other.id]} | figures)
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
    return None if gap is None else asdict(gap)
