"""The runs of the Metrics page that kept lists, for the users it is about."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle

import numpy as np
import pandas as pd
import streamlit as st

from core.basics.columns import SOURCE, TARGET, USER
from core.charts.intervals import FLOORS, OTHERS, OWN, TWIN, Styles
from core.evaluation.lift import segment_names
from core.evaluation.lists import Judged, ListWorld
from core.evaluation.segments import FEWEST, who
from core.ui.metrics.figures import Contender
from core.ui.metrics.groups import segments_of
from core.ui.metrics.run_lists import frame_of, judged_of, world_of
from core.ui.metrics.segment import too_few, users_of
from core.ui.metrics.view import View
from core.ui.navigation import link_to
from core.ui.texts import plain


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
            name: who(by, [name], record[f"{SOURCE}_name"], record[f"{TARGET}_name"])
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
