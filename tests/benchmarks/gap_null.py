"""Does the gap of two domains stay silent where nothing is there, and speak where something is?

`python tests/benchmarks/gap_null.py [--worlds 300]`. Null worlds, a third of each kind:
- one law: both spaces draw the same people's vectors from one law, tied to each other or not, so
  that there is no gap before or after and none has changed;
- pairs: interactions at random, through the page's own road, each domain alone against both joined:
  no taste is shared, so that nobody is recognised;
- strangers: as pairs, with a taste in either domain that says nothing of the other.
A view that claims what is not so has a confident sentence. Then worlds with something planted, of
growing size, and how often it is found. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)]

import measuring  # noqa: F401, I001

import numpy as np

from core.embedding.gap import ALIKE, APART
from core.models.kernel.coordinates import normalised
from core.models.kernel.domain_gap import (
    UserVectors,
    held_out_users,
    joined_vectors,
    separate_vectors,
    user_vectors,
)
from core.runs.studies.gap import AFTER, BEFORE, CHANGE, Figures, gap_figures
from tests.worlds import pair_of


def main() -> None:
    """Null worlds, then planted ones."""
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--worlds", type=int, default=300)
    worlds = options.parse_args().worlds
    began = time.process_time()
    each = worlds // 3
    answer = {"worlds": 3 * each}
    false = 0
    for name, world in (("one law", one_law), ("pairs", pairs), ("strangers", strangers)):
        said = [world(seed).beyond() for seed in range(each)]
        wrong = [_claims(one, gaps=name == "one law") for one in said]
        false += sum(map(bool, wrong))
        answer[name] = {
            "confident": sum(map(bool, wrong)),
            "of": each,
            "claims": _counted(wrong),
            "gaps shown": sum(bool(one[AFTER] & set(APART)) for one in said),
        }
        print(name, answer[name], flush=True)
    answer["share confident"] = round(false / (3 * each), 3)
    print(json.dumps(answer), flush=True)
    answer["found"] = {
        name: {str(size): _share(plant, size, claim) for size in sizes}
        for name, plant, sizes, claim in PLANTED
    }
    answer["cpu seconds"] = round(time.process_time() - began, 1)
    print(json.dumps(answer))


def _claims(said: dict[str, frozenset[str]], *, gaps: bool) -> list[str]:
    """What is claimed that is not so: of pairs at random, that people are recognised."""
    names = (*APART, *ALIKE) if gaps else ALIKE
    return [f"{name} {when}" for when, found in said.items() for name in names if name in found]


def _counted(wrong: list[list[str]]) -> dict[str, int]:
    names = [name for one in wrong for name in one]
    return {name: names.count(name) for name in sorted(set(names))}


def _share(plant, size: float, claim: tuple[str, tuple[str, ...]], worlds: int = 20) -> float:
    when, names = claim
    found = [bool(plant(seed, size).beyond()[when] & set(names)) for seed in range(worlds)]
    return round(float(np.mean(found)), 3)


# Vectors of one law, before and after.


def _vectors(source: np.ndarray, target: np.ndarray) -> UserVectors:
    return UserVectors(np.arange(len(source)), normalised(source), normalised(target))


def _figures(before: UserVectors, after: UserVectors) -> Figures:
    return gap_figures(before, after, held_out_users(before.users)[1], trained=False)


def one_law(seed: int) -> Figures:
    """Strangers' vectors of one law in both spaces, of another width and shape in each."""
    rng = np.random.default_rng(seed)
    n = int(rng.choice([60, 200, 670]))
    return _figures(*(_vectors(*tied(rng, n, int(rng.choice([8, 32, 64])), 0.0)) for _ in "ba"))


def tied(rng: np.random.Generator, n: int, d: int, tie: float) -> tuple[np.ndarray, np.ndarray]:
    """Two samples of one law, (n, d) each; tie: correlation of a person's two vectors."""
    spread = rng.gamma(1.0, 1.0, d)
    first, other = rng.normal(size=(2, n, d)) * spread
    return first, tie * first + np.sqrt(1 - tie**2) * other


# Pairs of interactions, through the page's own road.


def _through_the_page(source: np.ndarray, target: np.ndarray) -> Figures:
    train = pair_of(source, target)
    before = separate_vectors(train)
    _, asked = held_out_users(before.users)
    others = np.setdiff1d(np.arange(len(train.users)), asked)
    after = user_vectors(joined_vectors(train, others))
    return gap_figures(before, after, asked, trained=False)


def pairs(seed: int) -> Figures:
    """Interactions by popularity alone."""
    rng = np.random.default_rng(1000 + seed)
    n = int(rng.choice([80, 300, 600]))
    return _through_the_page(*(_taken(rng, np.ones((n, 1)), rng.integers(60, 160)) for _ in "st"))


def strangers(seed: int) -> Figures:
    """A taste in either domain, drawn apart from the other's."""
    rng = np.random.default_rng(2000 + seed)
    n = int(rng.choice([80, 300, 600]))
    return _through_the_page(*(_taken(rng, _tastes(rng, n), rng.integers(60, 160)) for _ in "st"))


def _tastes(rng: np.random.Generator, n: int) -> np.ndarray:
    return rng.dirichlet(np.full(4, 0.2), n)  # (n, 4)


def _taken(rng: np.random.Generator, tastes: np.ndarray, items: int) -> np.ndarray:
    """Who took what, (n, items): each item is of one taste and more or less popular."""
    popularity = rng.gamma(0.7, 1.0, items) + 0.05
    kinds = rng.integers(0, tastes.shape[1], items)
    odds = popularity * (0.2 + tastes.shape[1] * tastes[:, kinds])
    activity = rng.gamma(2.0, 0.5, (len(tastes), 1)) + 0.2
    return rng.random(odds.shape) < np.clip(0.06 * activity * odds / odds.mean(), 0, 0.9)


# What is planted: a shift, another spread, a gap that closes, people who are recognised.


def shifted(seed: int, size: float) -> Figures:
    """All vectors of one domain moved by `size` standard deviations of a coordinate."""
    rng = np.random.default_rng(3000 + seed)
    before, after = (tied(rng, 670, 32, 0.5) for _ in "ba")
    moved = after[0] + size * after[0].std(axis=0) * rng.choice([-1, 1], 32)
    return _figures(_vectors(*before), _vectors(moved, after[1]))


def closing(seed: int, size: float) -> Figures:
    """A shift as above before, and none after."""
    rng = np.random.default_rng(4000 + seed)
    first, second = tied(rng, 670, 32, 0.5)
    moved = first + size * first.std(axis=0) * rng.choice([-1, 1], 32)
    return _figures(_vectors(moved, second), _vectors(first, second))


def spread(seed: int, size: float) -> Figures:
    """Half of the coordinates of one domain wider by the share `size`."""
    rng = np.random.default_rng(5000 + seed)
    before, after = (tied(rng, 670, 32, 0.5) for _ in "ba")
    wider = after[0] * np.where(np.arange(32) < 16, 1 + size, 1.0)
    return _figures(_vectors(*before), _vectors(wider, after[1]))


def recognised(seed: int, size: float) -> Figures:
    """A person's two vectors correlate by `size` after, and not at all before."""
    rng = np.random.default_rng(6000 + seed)
    before, after = tied(rng, 670, 32, 0.0), tied(rng, 670, 32, size)
    return _figures(_vectors(*before), _vectors(*after))


def shared_taste(seed: int, size: float) -> Figures:
    """Pairs whose tastes are one in both domains for a share `size` of the people."""
    rng = np.random.default_rng(7000 + seed)
    ours, theirs = _tastes(rng, 670), _tastes(rng, 670)
    same = rng.random((670, 1)) < size
    both = (_taken(rng, tastes, 120) for tastes in (ours, np.where(same, ours, theirs)))
    return _through_the_page(*both)


PLANTED = (
    ("a shift", shifted, (0.1, 0.2), (AFTER, APART)),
    ("a gap that closes", closing, (0.2, 0.4), (CHANGE, APART)),
    ("another spread", spread, (0.5, 1.0), (AFTER, APART)),
    ("people recognised", recognised, (0.1, 0.2), (AFTER, ALIKE)),
    ("people recognised better", recognised, (0.2, 0.4), (CHANGE, ALIKE)),
    ("a shared taste", shared_taste, (0.5, 1.0), (BEFORE, ALIKE)),
)


if __name__ == "__main__":
    main()
