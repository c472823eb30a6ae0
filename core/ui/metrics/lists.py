"""The runs of the Metrics page that kept lists, for the users it is about."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle

import numpy as np
import pandas as pd
import streamlit as st

from core.basics.columns import (
    HIGH,
    KIND,
    LOW,
    MEAN,
    METRIC,
    RUN,
    SHARE,
    SOURCE,
    TARGET,
    USER,
    USERS,
)
from core.basics.formatting import count, number, percent, signed_with_interval
from core.charts.intervals import FLOORS, OTHERS, OWN, TWIN, Styles, draw_lorenz
from core.charts.recommendations import draw_rerank_curves
from core.evaluation.lift import segment_names
from core.evaluation.list_figures import (
    DIFFERENCE,
    RBO,
    catalogue_figures,
    compared,
    gauc,
    half_share,
    lorenz_points,
    overlap_with,
)
from core.evaluation.lists import ListWorld
from core.evaluation.reranked import COST, rerank_curve
from core.evaluation.segments import FEWEST, who
from core.fusion.candidates import pick_users
from core.fusion.combine import Fusion
from core.metrics.card import Judged
from core.metrics.registry import METRICS
from core.runs.explain.recommend import scale_of
from core.store.run_folder import Run
from core.ui import cached
from core.ui.keeping import kept_data, known_by
from core.ui.metrics.figures import Contender
from core.ui.metrics.table import show_against_twin, show_figures
from core.ui.metrics.view import View, frame_of, judged_of, segments_of, too_few, users_of, world_of
from core.ui.navigation import link_to
from core.ui.shell import show_chart
from core.ui.state import linked, one_of
from core.ui.widgets import plain


@known_by(lambda found: (found.lines, found.view.part, found.view.who))
@dataclass(frozen=True)
class Listed:
    """The runs that kept lists, the current one first, and what they are judged by.

    Kept figures tell two apart by runs, part and users: what depends on k too is asked with it.
    """

    lines: list[Contender]
    twin: str | None  # name of the first run's twin, where it has lists
    world: ListWorld
    view: View
    users: np.ndarray | None  # numbers of the users of the view's segment, None for everybody

    @property
    def own(self) -> str:
        """Name of the run the page is about."""
        return self.lines[0].name

    def judged(self) -> dict[str, Judged]:
        """By name, the lists of the segment's users with their hits."""
        return {
            line.name: self._of_segment(judged_of(line.run, self.view.part)) for line in self.lines
        }

    def frames(self, k: int) -> dict[str, pd.DataFrame]:
        """By name, every figure of lists of length k for the segment's users."""
        found = {line.name: frame_of(line.run, self.view.part, k) for line in self.lines}
        if self.users is None:
            return found
        return {name: frame[frame[USER].isin(self.users)] for name, frame in found.items()}

    def large_groups(self, by: str) -> dict[str, str]:
        """Groups of one kind with enough evaluated users to say something of, in words."""
        run = self.lines[0].run
        users = self.judged()[self.own].users
        groups = segments_of(run)[by].iloc[users].astype("str")
        sizes, record = groups.value_counts(), run.record
        return {
            name: who(by, [name], record.name_of(SOURCE), record.name_of(TARGET))
            for name in segment_names(segments_of(run), by)
            if sizes.get(name, 0) >= FEWEST
        }

    def styles(self) -> Styles:
        """How each run is drawn: the current one green, what is there to compare with grey."""
        return styles_of(self.lines, self.twin)

    def _of_segment(self, judged: Judged) -> Judged:
        return judged if self.users is None else judged.of(np.isin(judged.users, self.users))


def styles_of(lines: list[Contender], twin: str | None) -> Styles:
    """Styles of the runs by name, all different up to six others; twin: name of the first's."""
    others, floors = cycle(OTHERS), cycle(FLOORS)
    return {
        line.name: OWN
        if line is lines[0]
        else TWIN
        if line.name == twin
        else next(floors)
        if line.reference
        else next(others)
        for line in lines
    }


def twin_name(lines: list[Contender]) -> str | None:
    """Name of the first run's twin among the runs."""
    twin = lines[0].run.twin
    return next((line.name for line in lines if twin and line.run.folder == twin.folder), None)


def listed(lines: list[Contender], view: View) -> Listed | None:
    """The lists of the runs; None, with a word to the person, where there is nothing to look at.

    That is where the current run kept none, or too few users of the segment were evaluated.
    """
    current = lines[0].run
    if not current.has_lists:
        st.info("This run is of an older version, which kept no lists. Train it again to see this.")
        link_to("train", "Train it again")
        return None
    if too_few(current, view.part, view.segment):
        return None
    users = users_of(current, view.segment)
    kept = [line for line in lines if line.run.has_lists]
    if missing := [line.name for line in lines if not line.run.has_lists]:
        names = ", ".join(plain(name, 60) for name in missing)
        st.caption(f"Left out, since they kept no lists: {names}. Train them again to see them.")
    return Listed(kept, twin_name(kept), world_of(current, view.part), view, users)


# Beyond accuracy: variety, popularity, categories and further ranking metrics of the lists.

ITS_TWIN = "its twin"


# What re-ranking is looked at by, in the order of the panels
RERANK_PANELS = {
    "ndcg": "nDCG",
    "category_distance": "Variety of categories",
    "intra_list_diversity": "Variety by who takes it",
    "calibration": "Miscalibration, bits",
    "exposure_share": "Share of head items",
    "coverage": "Coverage of the catalogue",
}

# Groups of the cards in the order of the page, each with what it is called
GROUPS = {
    "diversity": "Variety",
    "surprise": "Surprise",
    "popularity": "Popularity and exposure",
    "mix": "Categories and change",
    "further": "Further ranking metrics",
    "area": "Areas under the curve",
}


def show_beyond(lines: list[Contender], view: View) -> None:
    """One table of differences to the twin, then a group of figures of every run by choice."""
    found = listed(lines, view)
    if found is None:
        return
    rows = _rows(found, view.k)
    users = int(rows[USERS].max())
    groups = {
        title: metrics
        for group, title in GROUPS.items()
        if (metrics := _columns(group, rows, found))
    }
    st.caption(
        f"Lists of {users:,} users at k = {view.k}; 95 % intervals, not corrected for the number "
        "of figures. Figures of the whole catalogue have none."
    )
    show_against_twin(rows, found.own, found.twin, groups, "beyond")
    looks = [*groups, RERANKED] if can_be_reranked(found.lines[0].run) else list(groups)
    shown = st.segmented_control(
        "Every run, in detail",
        looks,
        wrap=True,
        **linked("look", None, one_of(looks), key="beyond_look"),
    )
    if shown is None:
        return
    if shown == RERANKED:
        show_reranked(found)
        return
    group = next(key for key, title in GROUPS.items() if title == shown)
    words = {"diversity": _variety_words, "popularity": _exposure_words, "mix": _mix_words}
    if group in words:
        st.markdown(words[group](rows, found))
    show_figures(rows, groups[str(shown)], f"beyond_{group}")
    if group == "popularity":
        show_chart(
            draw_lorenz(_curves(found, view.k), found.styles(), k=view.k),
            "How evenly do lists share out the catalogue? On the diagonal every item is shown as "
            "often; the further below it, the fewer items take all the places.",
            "lorenz",
        )


RERANKED = "Re-ranked"


def can_be_reranked(run: Run) -> bool:
    """Whether the run kept what its lists are chosen from: ratings and given lists have not."""
    return run.has_model and not run.card.task.rates


def show_reranked(found: Listed) -> None:
    """What varied and calibrated lists of the current run bring and cost, over their strength."""
    k = found.view.k
    curve = _reranked(found, k)
    panels = {
        f"{name}@{k}": title
        for name, title in RERANK_PANELS.items()
        if f"{name}@{k}" in set(curve[METRIC])
    }
    title = "What does more variety cost, or the mix of the history, and what does it bring?"
    show_chart(
        draw_rerank_curves(curve, panels),
        f"{title} Lists of {k} from the best 50 by score, of "
        f"{int(curve[USERS].max()):,} users; 0 is the score alone.",
        "reranked",
    )
    st.markdown(_cost_words(curve))
    st.caption(
        "Head items are the most popular fifth. MMR (Carbonell and Goldstein 1998) puts items "
        "lower that are like those above, by categories where there are any; calibrated (Steck "
        "2018) wants the categories in the shares of the history. One user's list takes either "
        "under “Order of the list”."
    )
    link_to("recommendations", "See it in one user's list")


def _cost_words(curve: pd.DataFrame) -> str:
    """Per kind the largest strength whose cost in nDCG is within the noise."""
    words = []
    for kind, rows in curve[curve[METRIC] == COST].groupby(KIND, sort=False):
        free = rows[rows[HIGH] >= 0]
        most = free[SHARE].max()
        dear = rows.iloc[-1]
        cost = signed_with_interval(dear[MEAN], dear[LOW], dear[HIGH])
        words.append(
            f"**{kind}**: up to strength {number(most, 1)} no loss of nDCG is shown; at "
            f"{number(dear[SHARE], 1)} it is {cost}"
        )
    return ". ".join(words) + "."


@kept_data(show_spinner="Re-ranking every list …", max_entries=10)
def _reranked(found: Listed, k: int) -> pd.DataFrame:
    run, part = found.lines[0].run, found.view.part
    kept = cached.candidates(run, part)
    if found.users is not None:
        kept = pick_users(kept, np.flatnonzero(np.isin(kept.users, found.users)))
    return rerank_curve(kept, found.world, Fusion(scale=scale_of(run.card)), k)


def with_list_figures(figures: pd.DataFrame, lines: list[Contender], view: View) -> pd.DataFrame:
    """The figures of the runs with those of their lists below; as they are if one kept none."""
    found = listed(lines, view) if all(line.run.has_lists for line in lines) else None
    if found is None:
        return figures
    rows = _rows(found, view.k)
    rows = rows[rows[RUN] != DIFFERENCE]
    everywhere = rows.groupby(METRIC)[RUN].nunique() == len(lines)  # not RBO, which has no own
    return pd.concat([figures, rows[rows[METRIC].map(everywhere)]], ignore_index=True)


def _columns(group: str, rows: pd.DataFrame, found: Listed) -> list[str]:
    """Columns of a group's figures that the rows have, in the order of the cards."""
    k, there = found.view.k, set(rows[METRIC])
    columns = [f"{c.name}@{k}" if c.at_k else c.name for c in METRICS.values() if c.group == group]
    extra = [f"coverage@{k}"] if group == "popularity" else []
    return [column for column in columns + extra if column in there and not _told(rows, column)]


def _told(rows: pd.DataFrame, column: str) -> bool:
    """Whether every run gives every user a full list, or any: then a sentence says it shorter."""
    part = rows[(rows[METRIC] == column) & (rows[RUN] != DIFFERENCE)]
    return column.split("@")[0] in ("full_list", "user_coverage") and bool((part[MEAN] == 1).all())


def _variety_words(rows: pd.DataFrame, found: Listed) -> str:
    column = f"personalisation@{found.view.k}"
    own = _mean(rows, found.own, column)
    words = f"Two users' lists have {percent(1 - own)} of their items in common on average"
    if found.twin:
        words += f", {percent(1 - _mean(rows, found.twin, column))} with {ITS_TWIN}"
    if _told(rows, f"full_list@{found.view.k}"):
        words += "; every run gives everybody a full list"
    return f"{words}."


def _exposure_words(rows: pd.DataFrame, found: Listed) -> str:
    judged = found.judged()
    halves = {name: half_share(one, found.world, found.view.k) for name, one in judged.items()}
    items, share = halves[found.own]
    words = (
        f"Half of all places in lists go to {items:,} items ({percent(share, 1)} of the catalogue)"
    )
    if found.twin:
        words += f", {halves[found.twin][0]:,} with {ITS_TWIN}"
    return f"{words}."


def _mix_words(rows: pd.DataFrame, found: Listed) -> str:
    words = []
    if found.world.categories is None:
        words.append("The target's items have no categories, so nothing is said of their mix.")
    own = rows[(rows[RUN] == found.own) & (rows[METRIC] == f"domain_mix@{found.view.k}")]
    if len(own) and own[USERS].iloc[0] >= FEWEST:
        words.append(
            f"{percent(own[MEAN].iloc[0])} of the scores in the run's lists come from the source, "
            f"of {count(int(own[USERS].iloc[0]), 'user')} with evidence in both domains."
        )
    if found.twin:
        overlap = _mean(rows, found.twin, f"{RBO}@{found.view.k}")
        words.append(f"A user's list and the one of {ITS_TWIN} overlap by {number(overlap)} (RBO).")
    return " ".join(words)


def _mean(rows: pd.DataFrame, run: str, metric: str) -> float:
    return float(rows[(rows[RUN] == run) & (rows[METRIC] == metric)][MEAN].iloc[0])


@kept_data(show_spinner="Looking at every list …", max_entries=20)
def _rows(found: Listed, k: int) -> pd.DataFrame:
    judged, frames = found.judged(), found.frames(k)
    for name in list(frames)[1:]:
        overlap = overlap_with(judged[name], judged[found.own], k)
        frames[name] = frames[name].merge(overlap, on=USER, how="left")
    rows = compared(frames, found.twin)
    catalogue = [
        (name, metric, value, float("nan"), float("nan"), len(one.users))
        for name, one in judged.items()
        for metric, value in catalogue_figures(one, found.world, k).items()
    ]
    whole = pd.DataFrame(catalogue, columns=[RUN, METRIC, MEAN, LOW, HIGH, USERS])
    every = pd.concat([rows, whole, _pooled(found)], ignore_index=True)
    few = every[USERS] < FEWEST  # of the segment those who have this figure at all
    return every.assign(**{name: every[name].mask(few) for name in (MEAN, LOW, HIGH)})


def _pooled(found: Listed) -> pd.DataFrame:
    """GAUC of every run whose users' AUC was kept."""
    rows = []
    for line, judged in zip(found.lines, found.judged().values(), strict=True):
        kept = cached.per_user(line.run, found.view.part).set_index(USER)
        if "auc" in kept:
            auc = kept["auc"].reindex(judged.users).to_numpy()
            said = gauc(judged, auc)
            rows.append((line.name, "gauc", said.mean, said.low, said.high, said.users))
    return pd.DataFrame(rows, columns=[RUN, METRIC, MEAN, LOW, HIGH, USERS])


@kept_data(max_entries=20)
def _curves(found: Listed, k: int) -> dict[str, pd.DataFrame]:
    return {name: lorenz_points(one, found.world, k) for name, one in found.judged().items()}
