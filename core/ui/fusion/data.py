"""What the Fusion page computes once per run, kind, scale and k, and then only blends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from scipy.sparse import csr_matrix

from core.basics.columns import CHOSEN, SEGMENT, TEST, VALID
from core.basics.types import Candidates, FloatArray
from core.charts.fusion import draw_best_ratios, draw_fusion_curve
from core.evaluation.segments import SEGMENTS
from core.evaluation.weightings import (
    GAIN,
    GAIN_HIGH,
    GAIN_LOW,
    RatioPicture,
    prepared_per_user,
    ratio_picture,
)
from core.fusion.candidates import pick_users
from core.fusion.fused import FusedLists, Prepared, prepare, ratio_curve
from core.store.run_folder import Run
from core.ui import cached

MOST_USERS = 5_000  # validation users that move with the slider; beyond it a seeded sample


@dataclass(frozen=True)
class Recipe:
    """How the parts are put together, apart from the weights."""

    kind: str
    scale: str
    k: int


@dataclass(frozen=True)
class Board:
    """Validation users ready for any weights, and the picture over all ratios."""

    prepared: Prepared
    relevant: csr_matrix
    n_rankable: int  # items that may be listed to anybody
    curve: FloatArray  # (n_users, shares) nDCG@k
    equal_lists: FusedLists  # at 1 : 1, with their metrics
    equal: pd.DataFrame
    all_users: int  # validation users in all, of which these may be a sample

    @property
    def both(self) -> int:
        """Users with evidence from both domains, whose lists the weights can change."""
        return int((self.prepared.has_source & self.prepared.has_target).sum())


def board(run: Run, recipe: Recipe) -> Board:
    """Prepared validation candidates with their curve."""
    return _board(str(run.folder), recipe.kind, recipe.scale, recipe.k, run)


@st.cache_resource(show_spinner="Weighing every ratio", max_entries=3)
def _board(folder: str, kind: str, scale: str, k: int, _run: Run) -> Board:
    candidates = cached.candidates(_run, VALID)
    n_users = len(candidates.users)
    if n_users > MOST_USERS:
        rows = np.random.default_rng(0).choice(n_users, MOST_USERS, replace=False)
        candidates = pick_users(candidates, np.sort(rows))
    prepared = prepare(candidates, kind, scale, k)
    split = cached.split_of(_run)
    relevant, n_rankable = split.held_out(VALID), split.masked(VALID).n_rankable
    equal = prepared_per_user(prepared, relevant, 1.0, 1.0)
    curve = ratio_curve(prepared, relevant, k)
    return Board(prepared, relevant, n_rankable, curve, *equal, n_users)


def picture(run: Run, recipe: Recipe, by: str) -> RatioPicture:
    """The curve with its intervals, a line per segment of a kind, and the best ratio of each."""
    return _picture(str(run.folder), recipe.kind, recipe.scale, recipe.k, by, run)


@st.cache_resource(show_spinner=False, max_entries=6)
def _picture(folder: str, kind: str, scale: str, k: int, by: str, _run: Run) -> RatioPicture:
    of = board(_run, Recipe(kind, scale, k))
    segment = cached.segments(_run.record["split_hash"])[by].astype("str").to_numpy()
    return ratio_picture(of.curve, segment[of.prepared.users], SEGMENTS[by])


@dataclass(frozen=True)
class Charts:
    """Charts that stay the same while the sliders move."""

    curve: go.Figure
    best: go.Figure | None  # None where no segment is large enough
    gains: tuple[tuple[str, float, float, float, float], ...]  # segment, share, gain, low, high


def charts(run: Run, recipe: Recipe, by: str) -> Charts:
    """The curve without the sliders' line, and the best ratio of each segment."""
    return _charts(str(run.folder), recipe.kind, recipe.scale, recipe.k, by, run)


@st.cache_resource(show_spinner=False, max_entries=6)
def _charts(folder: str, kind: str, scale: str, k: int, by: str, _run: Run) -> Charts:
    of = picture(_run, Recipe(kind, scale, k), by)
    curve = draw_fusion_curve(of.curve, of.lines, of.best, metric=f"nDCG@{k}")
    rows = of.best[[SEGMENT, CHOSEN, GAIN, GAIN_LOW, GAIN_HIGH]]
    gains = tuple(rows.itertuples(index=False, name=None))
    return Charts(curve, None if of.best.empty else draw_best_ratios(of.best), gains)


def best_share(run: Run, recipe: Recipe, by: str) -> float | None:
    """The share of source evidence to choose by validation; None without users to choose by."""
    overall = picture(run, recipe, by).overall
    return overall.share if overall else None


def candidates_of(run: Run, user: int) -> Candidates | None:
    """One validation user's candidates; None for a user without any."""
    candidates = cached.candidates(run, VALID)
    place = np.flatnonzero(candidates.users == user)
    return pick_users(candidates, place) if len(place) else None


def test_candidates(run: Run) -> tuple[Candidates, csr_matrix]:
    """Candidates of every test user and what is held out for them."""
    return cached.candidates(run, TEST), cached.split_of(run).held_out(TEST)
