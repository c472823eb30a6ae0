"""How many planted faults the trust gate catches, and how often it cries wolf: `python …/gate.py`.

Makes pairs with one planted fault each and clean pairs of many shapes, writes them as files, and
takes each as a user would: import, pair, checks, split. Prints one row per fault and per kind of
clean pair. `--each` pairs of every fault, `--clean` pairs in all; `--only` names some faults or
clean kinds.

Caught: the light of the check that is meant is amber or red, or the files are refused. A false
alarm is a red light, or an amber one, of any check of a clean pair. Where it cannot be told whether
shared ids are the same people the light is grey: no alarm, and no catch; that is counted apart.
Bars: 99 % caught, 1 % false alarms, 10 CPU s per million rows (of the larger pairs: below 100,000
rows the start of each step is most of it).
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

import measuring  # noqa: F401, I001  (before NumPy: it sets the threads)

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from core.basics.columns import ITEM, RATING, TIME, TITLE, USER
from core.basics.errors import CrosswalkError
from core.basics.workspace import Workspace
from core.cli.from_files import Account, PairFiles, pair_snapshot
from core.data.checks.check import (
    CROSS_LISTED,
    DOUBLE_USERS,
    EXCHANGED,
    GIVEN,
    RATINGS,
    SAME_PEOPLE,
    SAME_ROWS,
    TIME_LEAK,
    TIMES,
    TITLES,
    Check,
)

FACTORS = 6
FIRST, YEARS = 1_400_000_000, 5 * 365 * 86_400
LARGE = 100_000  # rows from which the cost per row is told


@dataclass(frozen=True)
class Shape:
    """Size of a world; strength: how much taste decides; shared: of the smaller domain's users."""

    users: int = 800
    items: int = 500
    rows: float = 25.0  # of a user in each domain
    strength: float = 1.2
    shared: float = 1.0
    ratings: bool = True
    times: bool = True
    given: str = ""  # "random" or "temporal": the files are those of a split


@dataclass(frozen=True)
class World:
    """Two tables of rows, item tables where titles matter, and what else the case needs."""

    source: pd.DataFrame
    target: pd.DataFrame
    shape: Shape
    items_target: pd.DataFrame | None = None
    split: str = ""  # another kind of split than the default
    leak: float = 0.0  # share of the held-out period's source rows that stay in training


CLEAN = {
    "small": Shape(users=100, rows=20),
    "sparse": Shape(users=2_000, items=800, rows=6),
    "dense": Shape(users=400, items=250, rows=70),
    "no ratings": Shape(ratings=False),
    "no times": Shape(times=False, users=600),
    "5 % shared": Shape(users=2_500, shared=0.05, rows=15),
    "25 % shared": Shape(users=1_500, shared=0.25),
    "60 % shared": Shape(users=1_000, shared=0.6),
    "strong taste": Shape(strength=2.5),
    "weak taste": Shape(strength=0.5),
    "no taste": Shape(strength=0.0),
    "given, random": Shape(given="random"),
    "given, by time": Shape(given="temporal"),
    "as movielens": Shape(users=670, items=2_500, rows=45, strength=1.0),
    "as douban": Shape(users=1_600, items=4_000, rows=45, strength=0.8, times=False),
    "as ciao": Shape(users=3_000, items=2_800, rows=8, shared=0.7, strength=1.2),
    "as food, kitchen": Shape(users=5_000, items=6_000, rows=7, shared=0.6, ratings=False),
}
BASES = (
    Shape(),
    Shape(users=1_500, items=900, rows=18, shared=0.6),
    Shape(users=500, items=350, rows=45, strength=1.6),
    Shape(users=2_000, items=1_200, rows=12, strength=1.8),
)


def made(shape: Shape, draw: np.random.Generator) -> World:
    """A world whose people like in both domains what their one taste says."""
    taste = draw.normal(size=(shape.users, FACTORS))
    bias = draw.normal(scale=0.4, size=shape.users)
    n = round(shape.users * shape.shared)
    tables = []
    for domain in "st":
        # People of one domain only: other tastes and other ids
        own = np.concatenate([np.arange(n), np.full(shape.users - n, -1)])
        mine = np.where(own[:, None] >= 0, taste, draw.normal(size=taste.shape))
        ids = np.array([f"u{k:05}" if k < n else f"{domain}u{k:05}" for k in range(shape.users)])
        tables.append(_rows(shape, mine, bias, ids, domain, draw))
    return World(*tables, shape)


def _rows(
    shape: Shape,
    taste: np.ndarray,
    bias: np.ndarray,
    ids: np.ndarray,
    domain: str,
    draw: np.random.Generator,
) -> pd.DataFrame:
    item = draw.normal(size=(FACTORS, shape.items)) / np.sqrt(FACTORS)
    quality = draw.normal(scale=0.35, size=shape.items)
    fame = -0.8 * np.log(draw.permutation(shape.items) + 5.0) + 0.5 * quality
    sizes = np.clip(draw.lognormal(np.log(shape.rows), 0.6, shape.users), 4, shape.items // 3)
    users, items, liking = [], [], []
    for user in range(shape.users):
        like = taste[user] @ item
        score = shape.strength * like + fame + draw.gumbel(size=shape.items)
        taken = np.argpartition(-score, int(sizes[user]))[: int(sizes[user])]
        users.append(np.full(len(taken), user))
        items.append(taken)
        liking.append(like[taken])
    user, taken = np.concatenate(users), np.concatenate(items)
    names = np.array([f"{domain}{k:05}" for k in draw.permutation(shape.items)])
    frame = pd.DataFrame({USER: ids[user], ITEM: names[taken]})
    if shape.ratings:
        told = 3.7 + bias[user] + quality[taken] + 0.3 * np.concatenate(liking)
        frame[RATING] = np.clip(np.rint(told + draw.normal(scale=0.8, size=len(user))), 1, 5)
    if shape.times:
        frame[TIME] = FIRST + draw.integers(0, YEARS, size=len(user))
    return frame.sample(frac=1, random_state=int(draw.integers(2**31)), ignore_index=True)


# One planted fault each.


def twins(world: World, draw: np.random.Generator) -> World:
    """A twentieth of the target's items, or at least three, stand in the source too."""
    items = world.target[ITEM].value_counts().index
    chosen = draw.choice(items[: len(items) // 2], max(3, len(items) // 20), replace=False)
    copies = world.target[world.target[ITEM].isin(chosen)].sample(frac=0.95, random_state=1)
    copies = copies.assign(**{ITEM: "x" + copies[ITEM]})
    return replace(world, source=pd.concat([world.source, copies], ignore_index=True))


def others(share: float) -> Callable[[World, np.random.Generator], World]:
    """Only this share of the shared ids are the same people."""

    def plant(world: World, draw: np.random.Generator) -> World:
        ids = np.intersect1d(world.source[USER].unique(), world.target[USER].unique())
        wrong = draw.permutation(ids)[: round((1 - share) * len(ids))]
        renamed = dict(zip(wrong, np.roll(wrong, 1), strict=True))
        return replace(world, target=_renamed(world.target, renamed))

    return plant


def _renamed(rows: pd.DataFrame, names: dict[str, str]) -> pd.DataFrame:
    return rows.assign(**{USER: rows[USER].map(lambda user: names.get(user, user))})


def shifted(world: World, draw: np.random.Generator) -> World:
    """Every id of the target stands one line too low."""
    ids = np.sort(world.target[USER].unique())
    return replace(
        world, target=_renamed(world.target, dict(zip(ids, np.roll(ids, 1), strict=True)))
    )


def numbered(world: World, draw: np.random.Generator) -> World:
    """Both files number their users 1, 2, 3 … in an order of their own."""
    tables = []
    for rows in (world.source, world.target):
        ids = draw.permutation(rows[USER].unique())
        tables.append(_renamed(rows, {user: str(k + 1) for k, user in enumerate(ids)}))
    return replace(world, source=tables[0], target=tables[1])


def swapped(world: World, draw: np.random.Generator) -> World:
    """User and item are exchanged in the source."""
    return replace(world, source=world.source.rename(columns={USER: ITEM, ITEM: USER}))


def leaking(world: World, draw: np.random.Generator) -> World:
    """A split by time that keeps a twentieth of the source rows from after the cut."""
    return replace(world, shape=replace(world.shape, given="temporal"), leak=0.05)


def twice(world: World, draw: np.random.Generator) -> World:
    """A twentieth of the target's people have a second id with nearly the same rows."""
    ids = draw.choice(world.target[USER].unique(), max(5, world.shape.users // 20), replace=False)
    rows = world.target[world.target[USER].isin(ids)].sample(frac=0.95, random_state=1)
    again = rows.assign(**{USER: "again" + rows[USER]})
    return replace(world, target=pd.concat([world.target, again], ignore_index=True))


def cut(world: World, draw: np.random.Generator) -> World:
    """One table, its rows dealt to two files."""
    first = draw.random(len(world.target)) < 0.5
    return replace(world, source=world.target[first], target=world.target[~first])


def copied(world: World, draw: np.random.Generator) -> World:
    """A third of the target's rows, test rows among them, stand in the source."""
    rows = world.target.sample(frac=1 / 3, random_state=1)
    return replace(world, source=pd.concat([world.source, rows], ignore_index=True))


def titled(world: World, draw: np.random.Generator) -> World:
    """A tenth of the target's items have two ids, with nearly the same title."""
    items = world.target[ITEM].unique()
    half = draw.choice(items, max(5, len(items) // 10), replace=False)
    moved = world.target[ITEM].isin(half) & (draw.random(len(world.target)) < 0.5)
    target = world.target.assign(
        **{ITEM: world.target[ITEM].where(~moved, "b" + world.target[ITEM])}
    )
    plain = pd.DataFrame({ITEM: items, TITLE: [f"The tale of {name}" for name in items]})
    again = pd.DataFrame({ITEM: "b" + half, TITLE: [f"THE TALE of {n} (Paperback)" for n in half]})
    return replace(world, target=target, items_target=pd.concat([plain, again]))


def turned(world: World, draw: np.random.Generator) -> World:
    """In the target 1 is the best rating."""
    return replace(world, target=world.target.assign(**{RATING: 6 - world.target[RATING]}))


def periods(world: World, draw: np.random.Generator) -> World:
    """Times are numbers of weeks, years, or the firsts of months, and a split by time is wanted."""
    way = int(draw.integers(3))
    tables = []
    for rows in (world.source, world.target):
        moments = pd.to_datetime(rows[TIME], unit="s")
        said = (
            moments.dt.isocalendar().week,
            moments.dt.year,
            moments.dt.strftime("%Y-%m-01"),
        )[way]
        tables.append(rows.assign(**{TIME: said.to_numpy()}))
    return replace(world, source=tables[0], target=tables[1], split="temporal")


FAULTS: dict[str, tuple[Callable[[World, np.random.Generator], World], tuple[str, ...]]] = {
    "cross-listed items": (twins, (CROSS_LISTED,)),
    "75 % the same people": (others(0.75), (SAME_PEOPLE,)),
    "50 % the same people": (others(0.5), (SAME_PEOPLE,)),
    "25 % the same people": (others(0.25), (SAME_PEOPLE,)),
    "10 % the same people": (others(0.1), (SAME_PEOPLE,)),
    "nobody the same": (others(0.0), (SAME_PEOPLE,)),
    "ids shifted by a line": (shifted, (SAME_PEOPLE,)),
    "ids numbered anew": (numbered, (SAME_PEOPLE,)),
    "columns exchanged": (swapped, (EXCHANGED,)),
    "future in training": (leaking, (TIME_LEAK,)),
    "people twice": (twice, (DOUBLE_USERS,)),
    "one table cut in two": (cut, (SAME_ROWS,)),
    "target rows in the source": (copied, (SAME_ROWS, CROSS_LISTED, GIVEN)),
    "titles twice": (titled, (TITLES,)),
    "ratings turned round": (turned, (RATINGS,)),
    "periods for times": (periods, (TIMES,)),
}
REFUSED = "refused"


def taken(world: World, work: Path) -> tuple[list[Check], float, str]:
    """Checks of a world taken as files by the command line, CPU seconds, and why it was refused."""
    folder = work / "files"
    folder.mkdir()
    if world.shape.given:
        for name, rows in _split(world).items():
            rows.to_csv(folder / f"{name}.csv", index=False)
        files = PairFiles(splits=folder)
    else:
        paths = {name: folder / f"{name}.csv" for name in ("source", "target")}
        for name, path in paths.items():
            getattr(world, name).to_csv(path, index=False)
        if world.items_target is not None:
            world.items_target.to_csv(folder / "items.csv", index=False)
            paths["items_target"] = folder / "items.csv"
        files = PairFiles(**paths, split={"kind": world.split} if world.split else {})
    account, why = Account(lambda said: None), ""
    begun = time.process_time()
    try:
        pair_snapshot(files, Workspace(work / "space"), 2022, account)
    except CrosswalkError as error:
        why = f"{error.what} {error.hint}"
    return account.checks, time.process_time() - begun, why


def _split(world: World) -> dict[str, pd.DataFrame]:
    source, target = world.source, world.target
    draw = np.random.default_rng(3)
    if world.shape.given == "temporal":
        first, second = target[TIME].quantile([0.8, 0.9])
        part = (target[TIME] >= first).astype(int) + (target[TIME] >= second)
        late = source[TIME] >= first
        source = source[~late | (draw.random(len(source)) < world.leak)]
    else:
        part = pd.Series(np.digitize(draw.random(len(target)), [0.8, 0.9]), index=target.index)
    known = target[ITEM].isin(target[ITEM][part == 0]) & target[USER].isin(target[USER][part == 0])
    return {
        "source_train": source,
        "target_train": target[part == 0],
        "target_valid": target[(part == 1) & known],
        "target_test": target[(part == 2) & known],
    }


def tried(world: World) -> tuple[dict[str, Check], float, str]:
    """Checks by key, CPU seconds, and why the files were refused."""
    with tempfile.TemporaryDirectory() as work:
        checks, cpu, why = taken(world, Path(work))
    return {check.key: check for check in checks}, cpu, why


def main() -> None:
    options = _options()
    cost = {"rows": 0, "cpu": 0.0}
    print("| planted | pairs | caught | not seen |\n|---|---|---|---|", flush=True)
    caught, planted = 0, 0
    for kind, (plant, keys) in FAULTS.items():
        if not options.each or (options.only and kind not in options.only):
            continue
        seen, missed = 0, Counter[str]()
        for number in range(options.each):
            draw = np.random.default_rng([options.seed, number, len(kind)])
            world = plant(made(BASES[number % len(BASES)], draw), draw)
            checks, cpu, why = tried(world)
            _add(cost, world, cpu)
            lights = [checks[key].light for key in keys if key in checks]
            if why or {"amber", "red"} & set(lights):
                seen += 1
            else:
                missed[", ".join(lights)] += 1
        caught, planted = caught + seen, planted + options.each
        lost = "; ".join(f"{n} × {light}" for light, n in missed.items())
        print(f"| {kind} | {options.each} | {seen} | {lost} |", flush=True)
    if planted:
        print(f"| **all** | {planted} | **{caught / planted:.1%}** | |")
    _clean(options, cost)
    per = 1e6 * cost["cpu"] / cost["rows"] if cost["rows"] else float("nan")
    print(f"{per:.1f} CPU s per million rows, of pairs with {LARGE:,} rows or more")


def _clean(options: argparse.Namespace, cost: dict[str, float]) -> None:
    print("\n| clean | pairs | red | amber | people not told | which |\n|---|---|---|---|---|---|")
    every = [0, 0, 0, 0]
    for place, (kind, shape) in enumerate(CLEAN.items()):
        if options.only and kind not in options.only:
            continue
        found, which = [0, 0, 0, 0], Counter[str]()
        for number in range(place, options.clean, len(CLEAN)):
            world = made(shape, np.random.default_rng([options.seed, number]))
            checks, cpu, why = tried(world)
            _add(cost, world, cpu)
            found[0] += 1
            alarms = {
                key: one.light for key, one in checks.items() if one.light in ("amber", "red")
            }
            people = checks.get(SAME_PEOPLE)
            found[3] += people is not None and people.light == "grey"
            if why:
                alarms[REFUSED] = "red"
            found[1] += "red" in alarms.values()
            found[2] += "amber" in alarms.values() and "red" not in alarms.values()
            which.update(f"{key} {light}" for key, light in alarms.items())
        if found[0]:
            told = ", ".join(f"{n} × {what}" for what, n in which.items())
            print(f"| {kind} | {' | '.join(map(str, found))} | {told} |", flush=True)
        every = [one + other for one, other in zip(every, found, strict=True)]
    print(f"| **all** | {' | '.join(map(str, every))} | |")


def _add(cost: dict[str, float], world: World, cpu: float) -> None:
    rows = len(world.source) + len(world.target)
    if rows >= LARGE:
        cost["rows"] += rows
        cost["cpu"] += cpu


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--each", type=int, default=13, help="pairs of every fault")
    parser.add_argument("--clean", type=int, default=200, help="clean pairs in all")
    parser.add_argument("--only", nargs="+", default=[], help="faults and clean kinds by name")
    parser.add_argument("--seed", type=int, default=2022)
    return parser.parse_args()


if __name__ == "__main__":
    main()
