"""How far apart the domains are, before and after alignment: two linked maps and the figures."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
import streamlit as st

from core.basics.columns import HIGH, LOW, MEAN, RUN
from core.basics.formatting import count, number, signed_with_interval
from core.charts.fusion import draw_trade_off
from core.charts.maps import draw_before_after
from core.embedding.gap import Gap, chance_agreement
from core.runs.studies.gap import BeforeAfter, after_gap, before_after
from core.store.run_folder import Run
from core.ui import cached
from core.ui.keeping import kept_data, kept_resource
from core.ui.shell import show_chart
from core.ui.state import linked, one_of, run_names
from core.ui.widgets import download_button, plain, show_table

LINES = (0, 25, 50, 100, 250)
_ASKED = "gaps_of_split"


def show_before_after(run: Run) -> None:
    """A sentence, two linked maps, the figures, and the gap against the lift of all runs."""
    found = _before_after(run)
    names = plain(run.record.source_name, 40), plain(run.record.target_name, 40)
    st.markdown(sentence(found, names))
    if found.from_interactions:
        st.caption(
            "This model has no vectors of users; “after” shows vectors from the interactions of "
            "both domains together."
        )
    _show_maps(found, run)
    rows = [
        {
            "figure": f"**{measure.title}**",
            "before": number(getattr(found.before, measure.name)),
            "after": number(getattr(found.after, measure.name)),
            "closer is": measure.closer,
            "what it is": f":small[{measure.help}]",
        }
        for measure in MEASURES
    ]
    table = pd.DataFrame(rows)
    st.table(table, border="horizontal", hide_index=True)
    st.caption(figures_caption(found))
    figures = {
        name: asdict(gap) for name, gap in (("before", found.before), ("after", found.after))
    }
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
    lines = st.segmented_control(
        "Lines between a user's two places, longest first",
        LINES,
        required=True,
        help="Longest in the model's own space, not on the map.",
        **linked("lines", 50, one_of(LINES), key="gap_lines"),
    )
    longest = np.argsort(-found.lengths, kind="stable")[:lines]
    ids = cached.split_of(run).train.users.names(found.users)
    hover = [
        f"{user} · distance {length:.2f}" for user, length in zip(ids, found.lengths, strict=True)
    ]
    names = run.record.source_name, run.record.target_name
    show_chart(
        draw_before_after(found.places["before"], found.places["after"], hover, names, longest),
        f"Do both domains draw a person to the same place? {count(len(found.users), 'shared user')}"
        ", each once by either history; both maps are one layout (principal components), so places "
        "can be compared. Distances between clusters mean little.",
        "before_after",
    )


# What the figures of a domain gap are called and mean, and the sentences made from them.

_DISTANCE = {1: "closer together", 0: "as far apart as before", -1: "further apart"}
_FINDS = {1: "better", 0: "as well as before", -1: "worse"}
_NEVER = 0.05  # a permutation p above which no difference shows


@dataclass(frozen=True)
class Measure:
    """One figure of a gap as the table shows it."""

    name: str
    title: str
    closer: str  # which way is closer
    help: str


MEASURES = (
    Measure(
        "retrieval_mrr",
        "Retrieval MRR",
        "higher",
        "How high up the source-drawn vector of a user finds the same user's target-drawn one: 1 "
        "is always first. It falls when vectors collapse, so no gap is good without it.",
    ),
    Measure(
        "mmd",
        "MMD²",
        "lower",
        "Squared maximum mean discrepancy of both domains' vectors, unbiased (Gretton et al. "
        "2012): around 0 where they are alike.",
    ),
    Measure(
        "mmd_p",
        "MMD², p",
        "higher",
        "Share of 200 random exchanges of a user's two vectors that give as large a discrepancy.",
    ),
    Measure(
        "a_distance",
        "Proxy A-distance",
        "lower",
        "How well a linear classifier tells the domains apart: 0 not at all, 2 always (Ben-David "
        "et al. 2007).",
    ),
    Measure(
        "coral",
        "CORAL distance",
        "lower",
        "Squared distance of the covariances over 4 d² (Sun and Saenko 2016).",
    ),
    Measure(
        "cka",
        "CKA",
        "higher",
        "Whether both domains arrange users alike, whatever the rotation: 1 is the same "
        "arrangement (Kornblith et al. 2019).",
    ),
    Measure(
        "agreement",
        "Neighbours in common",
        "higher",
        "Share of a user's ten nearest users that both domains name.",
    ),
)


def sentence(found: BeforeAfter, names: tuple[str, str]) -> str:
    """What happened to the gap and to retrieval, which must be read together."""
    before, after = found.before, found.after
    closer = _sign(before.a_distance - after.a_distance)
    finds = _sign(after.retrieval_mrr - before.retrieval_mrr)
    gap = (
        f"the domains are {_DISTANCE[closer]} "
        f"(A-distance {number(before.a_distance)} → {number(after.a_distance)})"
    )
    people = (
        f"a user's vector from {names[0]} finds the same user in {names[1]} {_FINDS[finds]} "
        f"(MRR {number(before.retrieval_mrr)} → {number(after.retrieval_mrr)})"
    )
    verdict = {
        (1, 1): "both are what an alignment should do",
        (1, 0): "closeness alone recognises nobody better",
        (1, -1): "closeness was bought by making users alike",
        (0, 1): "people are recognised better at the same distance",
        (-1, 1): "the domains stay distinct, yet people are recognised better",
    }.get((closer, finds), "nothing was aligned")
    return f"**In this model {gap}, and {people}: {verdict}.**"


def _sign(change: float) -> int:
    """1, −1, or 0 for a change too small to be seen in the figures beside it."""
    return int(np.sign(round(change, 3)))


def figures_caption(found: BeforeAfter) -> str:
    """On whom the figures stand, what chance gives, and how the contents differ."""
    content, n = found.content, found.after.users
    categories = (
        "categories are unknown in a domain"
        if np.isnan(content.categories)
        else f"categories {number(content.categories)} "
        f"({count(content.shared_categories, 'name')} in common)"
    )
    return (
        f"Over {n:,} shared users whom the rotation of “before” never saw; a model may have "
        "trained on them. Chance level of neighbours in common: "
        f"{number(chance_agreement(n))}. {_p_words(found.after)} How the domains differ before "
        "any model, as Jensen-Shannon divergence in bits (0 alike, 1 nothing in common): "
        f"{categories}, popularity {number(content.popularity)}. "
        "A small gap does not imply a good transfer."
    )


def _p_words(gap: Gap) -> str:
    if gap.mmd_p > _NEVER:
        return "After alignment MMD² cannot tell the domains apart."
    return "After alignment MMD² still tells the domains apart beyond chance."


# Whether runs whose domains lie closer gain more: a dot per run.

MOST_RUNS = 12  # whose gaps are measured for one picture
LIFT = "ndcg@10"
TITLES = {"a_distance": "A-distance", "mmd": "MMD²", "retrieval_mrr": "retrieval MRR"}


def show_gap_against_lift(run: Run) -> None:
    """A dot per run: its gap across, its lift up."""
    frame, lifts = _gaps_and_lifts(run)
    if len(frame) < 2:
        st.caption("Fewer than two runs of this split have user vectors and a lift to compare.")
        return
    across = frame.assign(**{MEAN: frame["a_distance"], LOW: np.nan, HIGH: np.nan})
    show_chart(
        draw_trade_off(
            across,
            lifts,
            x="proxy A-distance after alignment (0 alike, 2 apart)",
            y="lift in nDCG@10",
        ),
        "Do runs whose domains lie closer gain more? Lift is over the target-only twin, or over "
        "popularity for models without one; bars are 95 % intervals over users.",
        "gap_against_lift",
    )
    shown = frame.rename(columns=TITLES).assign(
        lift=[
            signed_with_interval(*row)
            for row in lifts[[MEAN, LOW, HIGH]].itertuples(index=False, name=None)
        ]
    )
    show_table(shown, "gap_runs", download="gap_of_runs.csv")


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
