"""Split a pair into train, validation and test: seeded, disjoint, together everything."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from core.basics.columns import ITEM, PART, RATING, SOURCE, TARGET, TIME, USER
from core.basics.errors import DataError
from core.basics.settings import Settings, setting
from core.basics.types import BoolArray, IntArray
from core.data.checks.check import judge_times, times_in
from core.data.filters import seconds_of
from core.data.pair import read_entity_links
from core.data.pair_folder import (
    STARS,
    PairSettings,
    read_disliked,
    read_items,
    read_pair_info,
    read_rows,
    read_untaken_items,
)
from core.data.snapshot import NEW_ITEMS, SplitTables, write_snapshot

RANDOM, LEAVE_K_OUT, TEMPORAL = "random", "leave-k-out", "temporal"
LATEST = "leave-latest-k"
BY_TIME = (TEMPORAL, LATEST)
COLD_USERS, COLD_FOLD = "cold-start users", "cold-start fold"
ROW_FOLD = "fold of rows"
FOLDS = (COLD_FOLD, ROW_FOLD)  # kinds that hold out everything in turns
KINDS = (RANDOM, LEAVE_K_OUT, TEMPORAL, LATEST, COLD_USERS, COLD_FOLD, ROW_FOLD, NEW_ITEMS)
TRAIN_ROW, VALID_ROW, TEST_ROW = 0, 1, 2
FEWEST_ROWS = 3  # a user with fewer target rows gives none away


@dataclass(frozen=True)
class SplitSettings(Settings):
    """Which target rows are held out."""

    kind: str = setting(
        RANDOM,
        choices=KINDS,
        help="random: a share of each user's rows. leave-k-out: k rows of each user. temporal: "
        "the latest rows of all users, by two moments. leave-latest-k: the k latest rows of each "
        "user, by their own moments. cold-start users: all target rows of some shared users. "
        "cold-start fold: the same in turns, so that every shared user is tested once. fold of "
        "rows: rows of each user in turns, so that every row is tested once. new items: "
        "all rows of some target items, which alone are ranked.",
    )
    valid_share: float = setting(
        0.1, low=0.01, high=0.4, help="Share of rows held out for validation (random, temporal)."
    )
    test_share: float = setting(
        0.1, low=0.01, high=0.4, help="Share of rows held out for the test (random, temporal)."
    )
    held_out: int = setting(
        1,
        low=1,
        high=50,
        help="Rows of each user for validation, and as many for the test "
        "(leave-k-out, leave-latest-k); users with fewer than twice as many and one give none.",
    )
    test_from: str = setting(
        "",
        help="The day (2024-05-31, UTC) from which all rows are for the test (temporal); the "
        "validation share then lies before it. Empty: the test share decides.",
    )
    cold_share: float = setting(
        0.2,
        low=0.02,
        high=0.8,
        help="Share of the shared users who lose their target history (cold-start users); half "
        "become validation users, half test users.",
    )
    folds: int = setting(5, low=2, high=20, help="Number of folds (cold-start fold, fold of rows).")
    fold: int = setting(
        1, low=1, high=20, help="Which fold is tested (cold-start fold, fold of rows)."
    )
    new_share: float = setting(
        0.2,
        low=0.01,
        high=0.5,
        help="Share of the target items nobody is trained on, for the test (new items).",
    )
    new_valid_share: float = setting(
        0.1,
        low=0.01,
        high=0.4,
        help="A further share of the target items, for validation (new items).",
    )
    new_rows: int = setting(
        5,
        low=1,
        high=1000,
        help="Items with fewer interactions are always trained on (new items).",
    )


@dataclass(frozen=True)
class Parts:
    """Where every row goes."""

    target: IntArray  # (n_target_rows,) TRAIN_ROW, VALID_ROW or TEST_ROW
    source: BoolArray  # (n_source_rows,) whether the row is trained on


def assign_parts(
    source: pd.DataFrame, target: pd.DataFrame, settings: SplitSettings, seed: int
) -> Parts:
    """Where every row of both domains goes; row order does not matter to it.

    random, leave-k-out and fold of rows draw within each user. temporal cuts all users at the same
    two moments and trains on no source row from after the first cut, so that nothing comes from
    the future.
    leave-latest-k cuts each user at two moments of their own, in the source too; what others did
    later is trained on.
    The cold-start kinds hold out whole target histories of users who have a source history, new
    items whole target items, whoever has them.
    """
    if settings.kind == TEMPORAL:
        return _temporal(source, target, settings)
    if settings.kind == LATEST:
        return _latest(source, target, settings.held_out)
    if settings.kind in (COLD_USERS, COLD_FOLD):
        codes = _cold(source, target, settings, seed)
    elif settings.kind == NEW_ITEMS:
        shares = settings.new_valid_share, settings.new_share
        held_out = hold_out_items(target, shares, settings.new_rows, seed)
        codes = np.select(list(held_out), [VALID_ROW, TEST_ROW], TRAIN_ROW)
    elif settings.kind == ROW_FOLD:
        codes = _row_fold(target, settings, seed)
    else:
        # A draw per user; a user with n rows gives max(1, int(share * n)) to each held-out part
        users, place = _shuffled_places(target, seed)
        rows = np.bincount(users)[users]  # rows of the row's user
        if settings.kind == LEAVE_K_OUT:
            valid = test = np.where(rows > 2 * settings.held_out, settings.held_out, 0)
        else:
            enough = rows >= FEWEST_ROWS
            valid = np.where(enough, np.maximum(1, (settings.valid_share * rows).astype(int)), 0)
            test = np.where(enough, np.maximum(1, (settings.test_share * rows).astype(int)), 0)
        codes = np.select([place < valid, place < valid + test], [VALID_ROW, TEST_ROW], TRAIN_ROW)
    return Parts(codes, np.ones(len(source), dtype=bool))


def deal_disliked(
    disliked: pd.DataFrame | None,
    target: pd.DataFrame,
    codes: IntArray,
    settings: SplitSettings,
    seed: int,
) -> pd.DataFrame | None:
    """The rows below the threshold with the PART that the split gives them; None where none are.

    codes: (n_target_rows,) where the liked rows went. Low ratings are dealt as those were: cut at
    the same moments by a split by time, hidden with the whole history of a held-out user and with
    a held-out item, and drawn else, in the shares in which the user's liked rows were. Whoever
    liked nothing has them in training.
    """
    if disliked is None or disliked.empty:
        return None
    disliked = disliked.sort_values([USER, ITEM], ignore_index=True)  # row order draws nothing
    if settings.kind in BY_TIME:
        times = disliked[TIME].astype("Float64").fillna(-np.inf).to_numpy(dtype=np.float64)
        if settings.kind == TEMPORAL:
            first, second = _cuts(_times(target, TARGET), settings)
        else:
            first, second = (
                _begins(target, codes, part).reindex(disliked[USER]).fillna(np.inf).to_numpy()
                for part in (VALID_ROW, TEST_ROW)
            )
        places = np.select([times >= second, times >= first], [TEST_ROW, VALID_ROW], TRAIN_ROW)
        return disliked.assign(**{PART: places})
    by = ITEM if settings.kind == NEW_ITEMS else USER
    names = pd.Index(target[by].unique())
    rows = np.bincount(names.get_indexer(target[by]), minlength=len(names))
    owner = names.get_indexer(disliked[by])
    draw = np.random.default_rng([seed, len(disliked)]).random(len(disliked))
    shares = []  # (n_disliked,) of the owner's liked rows in a part
    for part in (VALID_ROW, TEST_ROW):
        held = np.bincount(names.get_indexer(target[by][codes == part]), minlength=len(names))
        shares.append(np.where(owner >= 0, (held / rows)[owner], 0.0))
    valid, test = shares
    places = np.select([draw < valid, draw < valid + test], [VALID_ROW, TEST_ROW], TRAIN_ROW)
    return disliked.assign(**{PART: places})


def hold_out_items(
    target: pd.DataFrame, shares: tuple[float, float], fewest: int, seed: int
) -> tuple[BoolArray, BoolArray]:
    """Which rows have an item of validation, and which one of the test, (n_rows,) each.

    shares: of the items with `fewest` rows or more, for validation and the test. Row order and
    users do not matter. Raises DataError where a part gets no item.
    """
    items, names = pd.factorize(target[ITEM], sort=True)
    enough = np.flatnonzero(np.bincount(items) >= fewest)
    drawn = np.random.default_rng(seed).permutation(enough)
    n_valid, n_test = (int(share * len(drawn)) for share in shares)
    if not n_test or not n_valid:
        raise DataError(
            what=f"{len(drawn):,} target items with {fewest} interactions or more are too few for "
            "a split of new items.",
            hint="Hide a larger share, ask for fewer interactions, or choose another kind.",
        )
    held_out = np.zeros((2, len(names)), dtype=bool)
    held_out[1, drawn[:n_test]] = True
    held_out[0, drawn[n_test : n_test + n_valid]] = True
    return held_out[0][items], held_out[1][items]


def split_pair(pair_folder: Path, settings: SplitSettings, seed: int, root: Path) -> Path:
    """Split a pair and write the snapshot under `root`, and return its folder.

    Raises DataError where the kind asks for times, shared users or rows the pair does not have.
    """
    info = read_pair_info(pair_folder)
    source, target = read_rows(pair_folder, SOURCE), read_rows(pair_folder, TARGET)
    if settings.kind in BY_TIME:
        check_times(times_in(pair_folder))
    parts = assign_parts(source, target, settings, seed)
    for code, part in ((VALID_ROW, "validation"), (TEST_ROW, "test"), (TRAIN_ROW, "training")):
        if not (parts.target == code).any():
            raise DataError(
                what=f"A {settings.kind} split leaves no target rows for {part}.",
                hint="Change its shares, or choose another kind of split.",
            )
    tables = SplitTables(
        source_train=source[parts.source],
        target_train=target[parts.target == TRAIN_ROW],
        target_valid=target[parts.target == VALID_ROW],
        target_test=target[parts.target == TEST_ROW],
        items_source=read_items(pair_folder, SOURCE, vectors=True),
        items_target=read_items(pair_folder, TARGET, vectors=True),
        disliked=deal_disliked(read_disliked(pair_folder), target, parts.target, settings, seed),
        untaken=read_untaken_items(pair_folder),
        entity_links=read_entity_links(pair_folder),
    )
    return write_snapshot(
        root,
        tables,
        source_name=info.source_name,
        target_name=info.target_name,
        kind=settings.kind,
        seed=seed,
        settings=settings.to_dict(),
        dataset_hash=info.dataset_hash,
        liked_from=_liked_stars(PairSettings.of(info.settings), target),
    )


def _liked_stars(settings: PairSettings, target: pd.DataFrame) -> float:
    """Stars of 5 below which target rows were filtered away; a value told is said as stars too."""
    told = settings.source_liked_from if settings.swap else settings.target_liked_from
    highest = target[RATING].max() if RATING in target else 0.0
    if not told.strip() or not highest > 0:
        return settings.rating_threshold
    return max(0.0, float(told) / float(highest) * STARS)


def check_times(times: dict[str, pd.Series]) -> None:
    """Refuse a split by time where the times of the two domains are none; raises DataError.

    times: by domain, (n_rows,) seconds.
    """
    for domain in (SOURCE, TARGET):
        if domain not in times:
            raise _no_times(domain)
    judged = judge_times(times)
    if judged.light == "red":
        raise DataError(
            what=f"The pair cannot be split by time: {judged.reason}",
            hint="Choose another kind of split, or import the file with a column of real times.",
        )


def split_folds(pair_folder: Path, settings: SplitSettings, seed: int, root: Path) -> list[Path]:
    """One snapshot per fold of the settings' kind, one of FOLDS.

    Every shared user is tested in exactly one cold-start fold, every row in one fold of rows.
    """
    return [
        split_pair(pair_folder, replace(settings, fold=fold), seed, root)
        for fold in range(1, settings.folds + 1)
    ]


def training_rows(source: pd.DataFrame, target: pd.DataFrame, seed: int = 2022) -> pd.DataFrame:
    """Target rows a standard random split trains on: what a check before any split may see."""
    codes = assign_parts(source, target, SplitSettings(), seed).target
    return target[codes == TRAIN_ROW]


def _shuffled_places(target: pd.DataFrame, seed: int) -> tuple[IntArray, IntArray]:
    """(n_rows,) number of the row's user, and the row's place 0, 1, ... in a draw of that user."""
    users, _ = pd.factorize(target[USER], sort=True)
    items, _ = pd.factorize(target[ITEM], sort=True)
    draw = np.empty(len(target))
    draw[np.argsort(_by(users, items))] = np.random.default_rng(seed).random(len(target))
    drawn = np.empty(len(target), dtype=np.int64)
    drawn[np.argsort(draw)] = np.arange(len(target))
    order = np.argsort(_by(users, drawn))
    starts = np.concatenate([[0], np.cumsum(np.bincount(users))[:-1]])
    place = np.empty(len(target), dtype=np.int64)
    place[order] = np.arange(len(target)) - starts[users[order]]
    return users, place


def _by(first: IntArray, second: IntArray) -> IntArray:
    """(n_rows,) one number per row that sorts by both: several times faster than `lexsort`."""
    return first.astype(np.int64) * (int(second.max(initial=0)) + 1) + second


def _temporal(source: pd.DataFrame, target: pd.DataFrame, settings: SplitSettings) -> Parts:
    times = _times(target, "target")
    first, second = _cuts(times, settings)
    codes = np.select([times >= second, times >= first], [TEST_ROW, VALID_ROW], TRAIN_ROW)
    return Parts(codes, _times(source, "source") < first)


def _latest(source: pd.DataFrame, target: pd.DataFrame, held_out: int) -> Parts:
    """The latest rows of each user for the test, those before them for validation.

    Rows of one moment stand by item. A user's source rows from their first held-out moment on are
    not trained on.
    """
    users, _ = pd.factorize(target[USER], sort=True)
    items, _ = pd.factorize(target[ITEM], sort=True)
    order = np.lexsort((items, -_times(target, TARGET), users))  # each user's latest first
    rows = np.bincount(users)
    place = np.empty(len(target), dtype=np.int64)
    place[order] = np.arange(len(target)) - (np.cumsum(rows) - rows)[users[order]]
    held = np.where(rows[users] > 2 * held_out, held_out, 0)
    codes = np.select([place < held, place < 2 * held], [TEST_ROW, VALID_ROW], TRAIN_ROW)
    begins = _begins(target, codes, VALID_ROW).reindex(source[USER]).fillna(np.inf).to_numpy()
    return Parts(codes, _times(source, SOURCE) < begins)


def _begins(target: pd.DataFrame, codes: IntArray, part: int) -> pd.Series:
    """When a held-out part begins, in seconds, by user; users without it are not there."""
    return (
        pd.Series(_times(target, TARGET)[codes == part])
        .groupby(target[USER].to_numpy()[codes == part])
        .min()
        .astype("float64")
    )


def _cuts(times: IntArray, settings: SplitSettings) -> tuple[float, float]:
    """The moments from which rows are for validation, and for the test."""
    if settings.test_from:
        day = seconds_of(settings.test_from)
        before = times[times < day]
        if not len(before):
            raise DataError(
                what=f"No target row is from before {settings.test_from}.",
                hint="Choose a later day for the test to begin.",
            )
        if len(before) == len(times):
            raise DataError(
                what=f"No target row is from {settings.test_from} or later.",
                hint="Choose an earlier day for the test to begin.",
            )
        return float(np.quantile(before, 1 - settings.valid_share, method="higher")), float(day)
    shares = 1 - settings.valid_share - settings.test_share, 1 - settings.test_share
    first, second = (np.quantile(times, share, method="higher") for share in shares)
    return first, second


def _times(frame: pd.DataFrame, domain: str) -> IntArray:
    """(n_rows,) seconds; a row without a time counts as the earliest."""
    if TIME not in frame or frame[TIME].isna().all():
        raise _no_times(domain)
    times = frame[TIME].astype("Int64")
    return times.fillna(times.min()).to_numpy(dtype=np.int64)


def _no_times(domain: str) -> DataError:
    return DataError(
        what=f"The {domain} has no times, so it cannot be split by time.",
        hint="Choose another kind of split, or import the file with its time column.",
    )


def rows_on_a_cut(target: pd.DataFrame, settings: SplitSettings) -> int:
    """Target rows whose moment is one of the two cuts: all of a moment go to the later part."""
    times = _times(target, TARGET)
    return int(np.isin(times, _cuts(times, settings)).sum())


def _cold(
    source: pd.DataFrame, target: pd.DataFrame, settings: SplitSettings, seed: int
) -> IntArray:
    both = set(source[USER].unique()) & set(target[USER].unique())
    shared = np.array(sorted(both), dtype=object)
    drawn = np.random.default_rng(seed).permutation(shared)
    valid, test = _cold_users(drawn, settings)
    if len(valid) == 0 or len(test) == 0:
        raise DataError(
            what=f"{len(shared)} shared users are too few for a {settings.kind} split.",
            hint="Hold out a larger share, use fewer folds, or choose another kind of split.",
        )
    held_out = [target[USER].isin(users).to_numpy() for users in (valid, test)]
    return np.select(held_out, [VALID_ROW, TEST_ROW], TRAIN_ROW)


def _cold_users(drawn: np.ndarray, settings: SplitSettings) -> tuple[np.ndarray, np.ndarray]:
    """Validation and test users; a fold validates on half of the fold after it."""
    if settings.kind == COLD_USERS:
        cold = drawn[: int(settings.cold_share * len(drawn))]
        return cold[: len(cold) // 2], cold[len(cold) // 2 :]
    _check_fold(settings)
    folds = np.array_split(drawn, settings.folds)
    after = folds[settings.fold % settings.folds]
    return after[: len(after) // 2], folds[settings.fold - 1]


def _check_fold(settings: SplitSettings) -> None:
    if settings.fold > settings.folds:
        raise DataError(
            what=f"There is no fold {settings.fold} of {settings.folds}.",
            hint=f"Choose one from 1 to {settings.folds}.",
        )


def _row_fold(target: pd.DataFrame, settings: SplitSettings, seed: int) -> IntArray:
    """(n_rows,) one fold of each user's rows for the test, half of the next for validation.

    A user of fewer rows than folds is tested in as many folds as they have rows, and each user
    begins at a fold that is drawn, so that folds are of like size. Users of fewer than FEWEST_ROWS
    give none; who would be left without any row to train on gives none for validation.
    """
    _check_fold(settings)
    users, place = _shuffled_places(target, seed)
    rows = np.bincount(users)
    begins = np.random.default_rng([seed, len(rows)]).integers(settings.folds, size=len(rows))
    fold = (place + begins[users]) % settings.folds
    test = (fold == settings.fold - 1) & (rows[users] >= FEWEST_ROWS)
    # Of the next fold every other row, the first included: half, and one where there is but one
    after = (fold == settings.fold % settings.folds) & (place // settings.folds % 2 == 0)
    valid = after & (rows[users] >= FEWEST_ROWS)
    left = rows - np.bincount(users, weights=test | valid, minlength=len(rows))
    valid &= left[users] > 0
    return np.select([valid, test], [VALID_ROW, TEST_ROW], TRAIN_ROW)


# What a split would hold, counted before it is written.


@dataclass(frozen=True)
class SplitCounts:
    """rows: source train, target train, target valid, target test."""

    rows: tuple[int, int, int, int]
    source_left_out: int  # source rows from after the first cut of a temporal split
    train_users: int  # with target rows to train on
    valid_users: int
    test_users: int
    cold_test_users: int  # test users without any target row to train on
    unseen_test_rows: int  # test rows whose item is in no training row: found by no id-based model
    on_a_cut: int  # target rows at one of the two cuts of a temporal split
    new_items: tuple[int, int, int]  # target items of validation and test alone, and of all rows


def split_counts(
    source: pd.DataFrame, target: pd.DataFrame, settings: SplitSettings, seed: int
) -> SplitCounts:
    """Sizes of every part of the split these settings make of the rows of a pair."""
    parts = assign_parts(source, target, settings, seed)
    train, valid, test = (target[parts.target == part] for part in (TRAIN_ROW, VALID_ROW, TEST_ROW))
    trained = pd.Index(train[USER].unique())
    tested = pd.Index(test[USER].unique())
    known = train[ITEM].unique()
    return SplitCounts(
        rows=(int(parts.source.sum()), len(train), len(valid), len(test)),
        source_left_out=int((~parts.source).sum()),
        train_users=len(trained),
        valid_users=valid[USER].nunique(),
        test_users=len(tested),
        cold_test_users=int((~tested.isin(trained)).sum()),
        unseen_test_rows=int((~test[ITEM].isin(known)).sum()),
        on_a_cut=rows_on_a_cut(target, settings) if settings.kind == TEMPORAL else 0,
        new_items=(_beyond(valid, known), _beyond(test, known), target[ITEM].nunique()),
    )


def _beyond(rows: pd.DataFrame, known: np.ndarray) -> int:
    """How many different items of the rows are not among the known ones."""
    return int((~pd.Index(rows[ITEM].unique()).isin(known)).sum())
