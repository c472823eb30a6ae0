"""All figures of the lists of a run and its twin: `python tests/benchmarks/list_figures.py`.

5,000 users × 10,000 items in 40 categories, 200,000 interactions: every figure of lists with
intervals and differences, groups of users and items, and the classification view, beside a plain
loop over the pairs of one run's lists for intra-list diversity alone. Prints one JSON object; the
bar is 1 CPU s at k = 10.
"""

from __future__ import annotations

import json
import sys
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "core" / "evaluation")]

from measuring import measured, report  # noqa: I001

import numpy as np
import pandas as pd
from list_worlds import features
from scipy.sparse import csr_matrix

from core.basics.types import IdMap
from core.basics.types import Masked
from core.basics.types import Lists
from core.data.pair import DomainPair
from core.evaluation.groups import delta_gap_rows, gaps, group_rows
from core.evaluation.groups import category_rows, head_tail_rows
from core.metrics.card import Seen
from core.evaluation.list_figures import catalogue_figures, compared, list_figures, overlap_with
from core.evaluation.lists import ListWorld, judge
from core.evaluation.segments import user_segments
from core.evaluation.yes_no import answers_of_lists, figures

N_USERS, N_ITEMS, HISTORY, WANTED, K = 5_000, 10_000, 40, 4, 10


def main() -> None:
    """Judge both lists of every user, then everything the tabs show."""
    pair, wanted, lists = a_world(np.random.default_rng(0))

    def ours() -> dict[str, float]:
        world = ListWorld(pair, wanted, Masked(pair.target))  # nothing kept from the call before
        judged = {name: judge(one, world) for name, one in lists.items()}
        frames = {name: list_figures(Seen(one, world, K)) for name, one in judged.items()}
        rows = compared(frames, "twin")
        for one in judged.values():
            catalogue_figures(one, world, K)
            head_tail_rows(one, world, K)
            category_rows(one, world, K)
            figures(answers_of_lists(one, K))
        overlap_with(judged["run"], judged["twin"], K)
        groups = user_segments(pair)["target_history"]
        column = f"intra_list_diversity@{K}"
        gaps(frames, groups, column, group_rows(frames, groups, column))
        delta_gap_rows(judged, world, groups, K)
        means: pd.Series = rows.set_index(["run", "metric"])["mean"]
        return {"diversity": float(means["run", column]), "rows": len(rows)}

    found, our_times = measured(ours, repeats=3)
    expected, their_times = measured(lambda: loop(pair.target, lists["run"].items[:, :K]), 1)
    difference = abs(found["diversity"] - expected)
    print(
        json.dumps(
            report(
                "list_figures",
                1000.0,
                our_times,
                their_times,
                users=N_USERS,
                items=N_ITEMS,
                rows=found["rows"],
                difference=difference,
            )
        )
    )


def a_world(generator: np.random.Generator) -> tuple[DomainPair, csr_matrix, dict[str, Lists]]:
    """A pair with categories in both domains, what is to be found, and lists by popularity."""
    chance = 1 / np.arange(1, N_ITEMS + 1) ** 0.8
    source, target, wanted = (
        drawn(generator, chance / chance.sum(), n) for n in (HISTORY, HISTORY, WANTED)
    )
    kinds = [f"kind {item % 40}|kind {item % 7}" for item in range(N_ITEMS)]
    users, items = (IdMap(np.arange(n).astype(str).astype(object)) for n in (N_USERS, N_ITEMS))
    pair = DomainPair(users, items, items, source, target, features(kinds), features(kinds))
    shown = np.log(chance[:2_000])
    lists = {}
    for name in ("run", "twin"):
        scores = shown + generator.gumbel(size=(N_USERS, len(shown)))
        lists[name] = Lists(np.arange(N_USERS), np.argsort(-scores, axis=1)[:, :50])
    return pair, wanted, lists


def drawn(generator: np.random.Generator, chance: np.ndarray, n: int) -> csr_matrix:
    """About n different items of every user, as ones."""
    rows = np.repeat(np.arange(N_USERS), n)
    places = rows, generator.choice(N_ITEMS, N_USERS * n, p=chance)
    found = csr_matrix((np.ones(len(rows), np.float32), places), shape=(N_USERS, N_ITEMS))
    found.data[:] = 1.0
    return found


def loop(target: csr_matrix, lists: np.ndarray) -> float:
    """Mean intra-list diversity, user by user, each pair of items by the sets of their users."""
    columns = target.tocsc()
    takers = [set(columns.indices[a:b]) for a, b in pairwise(columns.indptr)]
    means = []
    for items in lists:
        known = [takers[item] for item in items if takers[item]]
        pairs = [(a, b) for place, a in enumerate(known) for b in known[place + 1 :]]
        means.append(np.mean([1 - len(a & b) / (len(a) * len(b)) ** 0.5 for a, b in pairs]))
    return float(np.mean(means))


if __name__ == "__main__":
    main()
