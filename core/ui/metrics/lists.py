"""Lists of the runs on the Metrics page, judged once and kept by folders."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle

import numpy as np
import pandas as pd
import streamlit as st

from core.basics.columns import USER
from core.charts.lines import FLOORS, OTHERS, OWN, TWIN, Styles
from core.evaluation.list_columns import Seen
from core.evaluation.list_figures import list_figures
from core.evaluation.list_world import Judged, ListWorld, judge
from core.evaluation.segments import FEWEST
from core.evaluation.side_by_side import users_in
from core.store.run_folder import RUN, Run
from core.ui import cached
from core.ui.metrics.figures import Contender
from core.ui.metrics.view import EVERYBODY, View
from core.ui.navigation import link_to
from core.ui.texts import count, plain


@dataclass(frozen=True)
class Listed:
    """The runs that kept lists, the current one first, and what they are judged by."""

    lines: list[Contender]
    twin: str | None  # name of the first run's twin, where it has lists
    world: ListWorld
    view: View
    users: np.ndarray | None  # numbers of the users of the view's segment, None for everybody

    @property
    def folders(self) -> tuple[tuple[str, str], ...]:
        """Name and folder of every run: what a cache is keyed by."""
        return tuple((line.name, str(line.run.folder)) for line in self.lines)

    @property
    def own(self) -> str:
        """Name of the run the page is about."""
        return self.lines[0].name

    def judged(self) -> dict[str, Judged]:
        """By name, the lists of the segment's users with their hits."""
        return {line.name: self._of_segment(_judged_of(line.run, self)) for line in self.lines}

    def frames(self, k: int) -> dict[str, pd.DataFrame]:
        """By name, every figure of lists of length k for the segment's users."""
        found = {line.name: _frame_of(line.run, self, k) for line in self.lines}
        if self.users is None:
            return found
        return {name: frame[frame[USER].isin(self.users)] for name, frame in found.items()}

    def styles(self) -> Styles:
        """How each run is drawn: the current one green, what is there to compare with grey."""
        return styles_of(self.lines, self.twin)

    def _of_segment(self, judged: Judged) -> Judged:
        return judged if self.users is None else judged.of(np.isin(judged.users, self.users))


def styles_of(lines: list[Contender], twin: str | None) -> Styles:
    """Styles of the runs by name, all different up to six others; twin: name of the first's."""
    others, floors = cycle(OTHERS), cycle(FLOORS)
    return {
        line.name: OWN if line is lines[0]
        else TWIN if line.name == twin
        else next(floors) if line.reference
        else next(others)
        for line in lines
    }  # fmt: skip


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
    users = segment_users(current, view)
    if too_few(current, view, users):
        return None
    kept = [line for line in lines if line.run.has_lists]
    if missing := [line.name for line in lines if not line.run.has_lists]:
        names = ", ".join(plain(name, 60) for name in missing)
        st.caption(f"Left out, since they kept no lists: {names}. Train them again to see them.")
    return Listed(kept, twin_name(kept), _world_of(current, view.part), view, users)


def too_few(run: Run, view: View, users: np.ndarray | None) -> bool:
    """Whether under FEWEST of the users were evaluated; then a word to the person says so."""
    evaluated = cached.per_user(run, view.part)[USER].to_numpy()
    n = len(evaluated) if users is None else int(np.isin(evaluated, users).sum())
    if n < FEWEST:
        st.info(f"{count(n, 'user')} of this segment evaluated: too few to say.")
    return n < FEWEST


def segment_users(run: Run, view: View) -> np.ndarray | None:
    """Numbers of the users of the view's segment; None for everybody."""
    if view.segment == EVERYBODY:
        return None
    by, _, name = view.segment.partition(":")
    return users_in(cached.segments(run.record["split_hash"]), by, name)


def _world_of(run: Run, part: str) -> ListWorld:
    split = cached.split_of(run)
    return _world(str(split.folder), part, split)


@st.cache_resource(show_spinner=False, max_entries=2)
def _world(folder: str, part: str, _split) -> ListWorld:  # type: ignore[no-untyped-def]
    return ListWorld.of(_split, part)


def _judged_of(run: Run, of: Listed) -> Judged:
    return _judged(str(run.folder), of.view.part, run, of.world)


@st.cache_resource(show_spinner=False, max_entries=12)
def _judged(folder: str, part: str, _run: Run, _world: ListWorld) -> Judged:
    return judge(_run.lists(part), _world)


def _frame_of(run: Run, of: Listed, k: int) -> pd.DataFrame:
    return _frame(str(run.folder), of.view.part, k, run, of.world)


@st.cache_data(show_spinner=False, max_entries=30)
def _frame(folder: str, part: str, k: int, _run: Run, _world: ListWorld) -> pd.DataFrame:
    judged = _judged(folder, part, _run, _world)
    kept = cached.per_user(_run, part)
    auc = kept.set_index(USER)["auc"].reindex(judged.users).to_numpy() if "auc" in kept else None
    parts = cached.candidates(_run, part) if _keeps_parts(_run) else None
    return list_figures(Seen(judged, _world, k, auc, parts))


def _keeps_parts(run: Run) -> bool:
    """Whether what each domain adds to a score was kept, and both together are the score."""
    ranks = run.card.task == "ranking"
    return bool(ranks and run.card.additive and run.record["role"] == RUN)
