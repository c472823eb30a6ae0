from dataclasses import replace
from pathlib import Path
from shutil import copytree

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.basics.columns import COUNT, ITEM, PART, TARGET, TEST, TIME, TRAIN, USER, VALID
from core.basics.errors import DataError
from core.data.build_pair import build_pair
from core.data.database import in_memory
from core.data.pair_folder import (
    DISLIKED,
    PairInputs,
    PairSettings,
    read_disliked,
    read_rows,
    rows_file,
)
from core.data.reading.ingest import import_file
from core.data.reading.preview import guess_options
from core.data.snapshot import DISLIKED as SEEN
from core.data.snapshot import NEW_ITEMS, PARTS, read_info, read_snapshot
from core.data.splitting import (
    COLD_FOLD,
    COLD_USERS,
    KINDS,
    LATEST,
    LEAVE_K_OUT,
    RANDOM,
    ROW_FOLD,
    TEMPORAL,
    TEST_ROW,
    TRAIN_ROW,
    VALID_ROW,
    SplitSettings,
    assign_parts,
    split_counts,
    split_folds,
    split_pair,
    training_rows,
)
from tests.core.data.small_files import random_rows

SOURCE_ROWS, TARGET_ROWS = random_rows(1, "b"), random_rows(2, "f")
SAMPLE = Path(__file__).resolve().parents[3] / "sample_data" / "books_films"
RECORDED = {  # hashes of the sample pair, seed 2022, from before ids were numbered by column
    RANDOM: "0b99fc14e4baaccb",
    LEAVE_K_OUT: "66eac852c1e75271",
    TEMPORAL: "67ca2c939e1ef93d",
    COLD_USERS: "68b04e0c54992dbe",
    COLD_FOLD: "6f2b0921b0f88bb6",
    NEW_ITEMS: "d844e2dfa881bda1",
}


@pytest.fixture
def pair(connection, inputs, tmp_path):
    return build_pair(connection, inputs, PairSettings(rating_threshold=0), tmp_path / "pairs")


@pytest.fixture
def liked_pair(connection, inputs, tmp_path):
    """With a threshold, so that low ratings are left; users of the source stay without a core."""
    return build_pair(connection, inputs, PairSettings(target_core=2), tmp_path / "pairs")


@pytest.fixture(scope="session")
def sample_pair(tmp_path_factory):
    work = tmp_path_factory.mktemp("sample")
    files = [SAMPLE / "books.csv", SAMPLE / "films.csv"]
    imported = [import_file(file, guess_options(file), work / "datasets") for file in files]
    inputs = PairInputs(
        *(done.folder / "interactions.parquet" for done in imported),
        source_name="books",
        target_name="films",
    )
    with in_memory(work, threads=1) as connection:
        return build_pair(connection, inputs, PairSettings(), work / "pairs")


@pytest.mark.parametrize(("kind", "split_hash"), RECORDED.items())
def test_a_split_made_by_an_older_version_is_found_again(sample_pair, tmp_path, kind, split_hash):
    """The hash is over every row's part: another way of numbering or drawing would change it."""
    assert sample_pair.name == "d4063a4624ea5fdf"
    older = copytree(sample_pair, tmp_path / "pairs" / sample_pair.name)
    rows_file(older, DISLIKED).unlink()  # which older versions did not keep
    made = split_pair(older, SplitSettings(kind=kind), 2022, tmp_path)
    assert made.name == split_hash
    assert not read_snapshot(made).disliked
    assert split_pair(sample_pair, SplitSettings(kind=kind), 2022, tmp_path).name != split_hash


@pytest.mark.parametrize("kind", KINDS)
def test_low_ratings_are_dealt_as_the_liked_rows_are(liked_pair, tmp_path, kind):
    split = read_snapshot(split_pair(liked_pair, SplitSettings(kind=kind), 2022, tmp_path))
    low = split.disliked
    together = low[TRAIN] + low[VALID] + low[TEST]
    liked = split.train.target + split.valid + split.test
    assert together.max() == 1
    assert not together.multiply(liked).nnz
    assert places_of(split, together) == places(read_disliked(liked_pair))
    assert low[TRAIN].nnz > low[TEST].nnz > 0
    # What may not be listed: the parts before the one that is asked for, and no other
    for part, before in ((VALID, [TRAIN]), (TEST, [TRAIN, VALID])):
        known = split.train.target + sum(low[one] for one in before)
        known = known + split.valid if part == TEST else known
        np.testing.assert_array_equal(split.masked(part).rows.toarray() > 0, known.toarray() > 0)
        one = split.masked(part, [3]).rows
        np.testing.assert_array_equal(one.toarray(), split.masked(part).rows[[3]].toarray())
    if kind in (COLD_USERS, COLD_FOLD):  # a hidden history is hidden whole
        assert not low[TRAIN][split.users(TEST)].nnz
        assert not low[TEST][np.setdiff1d(np.arange(len(split.train.users)), split.users(TEST))].nnz
    if kind == NEW_ITEMS:
        assert set(low[TEST].indices) <= set(split.test.indices)
    if kind == LATEST:  # a low rating lies where the user's own moments put it
        rows = read_timed(split, SEEN, "target_test")
        assert (rows[TIME][rows[PART] == TEST_ROW] >= rows["begins"][rows[PART] == TEST_ROW]).all()
        assert (rows[TIME][rows[PART] != TEST_ROW] < rows["begins"][rows[PART] != TEST_ROW]).all()
    if kind == TEMPORAL:
        rows = pd.read_parquet(split.folder / f"{SEEN}.parquet")
        latest, earliest = rows.groupby(PART)[TIME].max(), rows.groupby(PART)[TIME].min()
        assert latest[TRAIN_ROW] < earliest[VALID_ROW]
        assert latest[VALID_ROW] < earliest[TEST_ROW]


def read_timed(split, part: str, later: str) -> pd.DataFrame:
    """Rows of a part of users with held-out rows, with the moment at which `later` begins."""
    begins = pd.read_parquet(split.folder / f"{later}.parquet").groupby(USER)[TIME].min()
    rows = pd.read_parquet(split.folder / f"{part}.parquet")
    return rows.assign(begins=rows[USER].map(begins)).dropna(subset=["begins"])


def test_leave_latest_cuts_every_user_at_moments_of_their_own(pair, tmp_path):
    chosen = SplitSettings(kind=LATEST, held_out=2)
    split = read_snapshot(split_pair(pair, chosen, 1, tmp_path))
    for part, later in (
        ("target_train", "target_valid"),
        ("target_valid", "target_test"),
        ("source_train", "target_valid"),  # nothing of the user's own future
    ):
        rows = read_timed(split, part, later)
        assert len(rows) > 50
        assert (rows[TIME] < rows["begins"]).all()
    for held_out in (split.test, split.valid):
        assert set(np.diff(held_out.indptr)) <= {0, 2}
    assert split.info.counts["source_train"] < len(read_rows(pair, "source"))
    first = pd.read_parquet(split.folder / "target_test.parquet")[TIME].min()
    assert pd.read_parquet(split.folder / "target_train.parquet")[TIME].max() > first  # of others


def test_a_temporal_split_may_begin_its_test_on_a_day(pair, tmp_path):
    day = pd.Timestamp("2020-09-25", tz="UTC").timestamp()
    chosen = SplitSettings(kind=TEMPORAL, test_from="2020-09-25", valid_share=0.2)
    folder = split_pair(pair, chosen, 1, tmp_path)
    times = {
        part: pd.read_parquet(folder / f"target_{part}.parquet")[TIME]
        for part in ("train", "valid", "test")
    }
    assert times["test"].min() >= day > times["valid"].max()
    assert times["valid"].min() > times["train"].max()
    n_before = len(times["train"]) + len(times["valid"])
    assert len(times["valid"]) == pytest.approx(0.2 * n_before, abs=1)
    with pytest.raises(DataError, match="from before 1999-01-01"):
        split_pair(pair, replace(chosen, test_from="1999-01-01"), 1, tmp_path)
    with pytest.raises(DataError, match="is from 9999-12-31 or later") as said:
        split_pair(pair, replace(chosen, test_from="9999-12-31"), 1, tmp_path)
    assert "earlier day" in said.value.hint


def places_of(split, matrix) -> set:
    """Names of user and item of every entry."""
    user, item = matrix.nonzero()
    names = split.train.users.names(user), split.train.target_items.names(item)
    return set(zip(*names, strict=True))


def places(frame: pd.DataFrame) -> set:
    return set(zip(frame[USER], frame[ITEM], strict=True))


def per_user(codes: np.ndarray, target: pd.DataFrame) -> pd.DataFrame:
    """Rows of each user in train, valid and test."""
    return pd.crosstab(target[USER].to_numpy(), codes).reindex(columns=[0, 1, 2], fill_value=0)


@pytest.mark.parametrize("kind", KINDS)
def test_the_parts_of_a_snapshot_are_disjoint_and_together_everything(pair, tmp_path, kind):
    split = read_snapshot(split_pair(pair, SplitSettings(kind=kind), 2022, tmp_path / "splits"))
    together = split.train.target + split.valid + split.test
    assert together.max() == 1
    user, item = together.nonzero()
    names = split.train.users.names(user), split.train.target_items.names(item)
    assert set(zip(*names, strict=True)) == places(read_rows(pair, TARGET))
    assert split.info.kind == kind
    assert split.info.dataset_hash == pair.name


@settings(deadline=None, max_examples=30)
@given(
    kind=st.sampled_from(KINDS),
    seed=st.integers(0, 5),
    order=st.randoms(use_true_random=False),
    users=st.integers(12, 30),
)
def test_row_order_changes_no_part(kind, seed, order, users):
    source, target = random_rows(seed, "b", users=users), random_rows(seed + 9, "f", users=users)
    shuffled = list(range(len(target)))
    order.shuffle(shuffled)
    chosen = SplitSettings(kind=kind)
    once = assign_parts(source, target, chosen, seed).target
    again = assign_parts(source, target.iloc[shuffled], chosen, seed).target
    assert np.array_equal(once[shuffled], again)
    assert set(np.unique(once)) == {TRAIN_ROW, VALID_ROW, TEST_ROW}


@settings(deadline=None, max_examples=20)
@given(kind=st.sampled_from(KINDS), seed=st.integers(0, 50))
def test_relabelled_ids_keep_the_sizes_of_all_parts(kind, seed):
    names = np.random.default_rng(seed).permutation(40)
    relabelled = [
        frame.assign(**{USER: frame[USER].map(lambda u: f"person-{names[int(u[1:])]}")})
        for frame in (SOURCE_ROWS, TARGET_ROWS)
    ]
    chosen = SplitSettings(kind=kind)
    once = assign_parts(SOURCE_ROWS, TARGET_ROWS, chosen, seed).target
    again = assign_parts(*relabelled, chosen, seed).target
    if kind in (COLD_USERS, COLD_FOLD):
        users = [
            TARGET_ROWS[USER][codes == part].nunique() for codes in (once, again) for part in (1, 2)
        ]
        assert users[:2] == users[2:]
    elif kind == ROW_FOLD:  # a user begins at a fold drawn by place: a row more or less in each
        assert np.abs(np.bincount(once) - np.bincount(again)).max() <= TARGET_ROWS[USER].nunique()
    else:
        assert np.array_equal(np.bincount(once), np.bincount(again))


def test_a_random_split_takes_a_tenth_of_each_user_twice():
    counts = [1, 2, 3, 9, 10, 19, 20, 35]
    target = pd.DataFrame({USER: np.repeat([f"u{n:02}" for n in counts], counts)})
    target[ITEM] = [f"t{n}" for n in range(len(target))]
    parts = assign_parts(SOURCE_ROWS, target, SplitSettings(kind=RANDOM), 1)
    assert per_user(parts.target, target).to_numpy().tolist() == [
        [1, 0, 0],
        [2, 0, 0],
        [1, 1, 1],
        [7, 1, 1],
        [8, 1, 1],
        [17, 1, 1],
        [16, 2, 2],
        [29, 3, 3],
    ]
    assert parts.source.all()


def test_another_seed_gives_another_split_and_the_same_seed_the_same():
    once, again, other = (
        assign_parts(SOURCE_ROWS, TARGET_ROWS, SplitSettings(), seed).target for seed in (1, 1, 2)
    )
    assert np.array_equal(once, again)
    assert not np.array_equal(once, other)


def test_leave_k_out_takes_k_rows_twice_where_one_is_left():
    counts = [3, 4, 5, 30]
    target = pd.DataFrame({USER: np.repeat([f"u{n:02}" for n in counts], counts)})
    target[ITEM] = [f"t{n}" for n in range(len(target))]
    chosen = SplitSettings(kind=LEAVE_K_OUT, held_out=2)
    codes = assign_parts(SOURCE_ROWS, target, chosen, 1).target
    assert per_user(codes, target).to_numpy().tolist() == [
        [3, 0, 0],
        [4, 0, 0],
        [1, 2, 2],
        [26, 2, 2],
    ]


def test_a_temporal_split_trains_on_nothing_from_the_future():
    parts = assign_parts(SOURCE_ROWS, TARGET_ROWS, SplitSettings(kind=TEMPORAL), 1)
    times = TARGET_ROWS[TIME].to_numpy()
    first = times[parts.target == VALID_ROW].min()
    assert times[parts.target == TRAIN_ROW].max() < first
    assert times[parts.target == VALID_ROW].max() < times[parts.target == TEST_ROW].min()
    assert SOURCE_ROWS[TIME][parts.source].max() < first <= SOURCE_ROWS[TIME][~parts.source].min()
    assert abs(np.mean(parts.target == TEST_ROW) - 0.1) < 0.01


def test_cold_users_lose_their_whole_target_history_and_keep_the_source():
    chosen = SplitSettings(kind=COLD_USERS, cold_share=0.5)
    target = TARGET_ROWS[TARGET_ROWS[USER] != "u000"]
    source = SOURCE_ROWS[SOURCE_ROWS[USER] != "u001"]
    parts = assign_parts(source, target, chosen, 3)
    table = per_user(parts.target, target)
    assert ((table > 0).sum(axis=1) == 1).all()
    assert (table[VALID_ROW] > 0).sum() == 9
    assert (table[TEST_ROW] > 0).sum() == 10  # half of the 38 shared users are cold
    assert table.loc["u001", TRAIN_ROW] > 0  # no source history, so never cold
    assert parts.source.all()


def test_folds_test_every_shared_user_once(pair, tmp_path):
    folders = split_folds(pair, SplitSettings(kind=COLD_FOLD, folds=4), 2022, tmp_path / "splits")
    tested = [split.train.users.names(split.users("test")) for split in map(read_snapshot, folders)]
    shared = np.intersect1d(read_rows(pair, "source")[USER], read_rows(pair, TARGET)[USER])
    assert sorted(np.concatenate(tested)) == sorted(shared)
    assert all(len(read_snapshot(folder).users(VALID)) > 0 for folder in folders)


@pytest.mark.parametrize("folds", [2, 5])
def test_folds_of_rows_test_every_row_of_a_user_once_and_leave_some_to_train_on(folds):
    given = SplitSettings(kind=ROW_FOLD, folds=folds)
    codes = np.stack(
        [
            assign_parts(SOURCE_ROWS, TARGET_ROWS, replace(given, fold=fold), 7).target
            for fold in range(1, folds + 1)
        ]
    )  # (folds, n_rows)
    rows = TARGET_ROWS[USER].map(TARGET_ROWS[USER].value_counts()).to_numpy()
    np.testing.assert_array_equal((codes == TEST_ROW).sum(axis=0), rows >= 3)
    sizes = (codes == TEST_ROW).sum(axis=1)
    assert sizes.max() < 1.3 * sizes.min()  # users of few rows do not all begin at one fold
    for fold in codes:
        assert (per_user(fold, TARGET_ROWS)[TRAIN_ROW] > 0).all()
        assert 0.3 < (fold == VALID_ROW).sum() / (fold == TEST_ROW).sum() < 0.8  # half, or one


@pytest.mark.parametrize("kind", [COLD_FOLD, ROW_FOLD])
def test_a_fold_that_does_not_exist_is_refused(kind):
    chosen = SplitSettings(kind=kind, folds=3, fold=4)
    with pytest.raises(DataError, match="no fold 4 of 3"):
        assign_parts(SOURCE_ROWS, TARGET_ROWS, chosen, 1)


def periods(rows: pd.DataFrame) -> pd.DataFrame:
    """Every row says in which of forty periods it was given, as in Epinions."""
    return rows.assign(**{TIME: np.arange(len(rows)) % 40 + 1})


def test_periods_in_both_files_make_no_split_by_time(connection, write, tmp_path):
    """Quality called them no times; the split was made, and its light was green."""
    inputs = PairInputs(write("s", periods(SOURCE_ROWS)), write("t", periods(TARGET_ROWS)))
    everything = PairSettings(rating_threshold=0, target_core=0)
    pair = build_pair(connection, inputs, everything, tmp_path / "pairs")
    said = "cannot be split by time: the times are numbers of periods, 40 different ones up to 40"
    with pytest.raises(DataError, match=said):
        split_pair(pair, SplitSettings(kind=TEMPORAL), 1, tmp_path / "splits")
    assert split_pair(pair, SplitSettings(), 1, tmp_path / "splits").exists()


def test_rows_at_the_moment_of_a_cut_are_counted_by_hand():
    """Ten rows of four days: the cuts at .8 and .9 are the third day and the last."""
    days = np.repeat([0, 1, 2, 3], [4, 2, 3, 1]) * 86_400 + 1_600_000_000
    rows = pd.DataFrame({USER: "u", ITEM: [f"f{n}" for n in range(10)], TIME: days})
    chosen = SplitSettings(kind=TEMPORAL)
    counts = split_counts(rows, rows, chosen, 1)
    assert counts.rows[1:] == (6, 3, 1)
    assert counts.on_a_cut == 4


@pytest.mark.parametrize(
    ("kind", "rows", "said"),
    [
        (TEMPORAL, TARGET_ROWS.drop(columns=TIME), "has no times"),
        (TEMPORAL, TARGET_ROWS.assign(**{TIME: 7}), "in the target all rows have one and the same"),
        (TEMPORAL, periods(TARGET_ROWS), "in the target the times are numbers of periods, 40"),
        (TEMPORAL, TARGET_ROWS.assign(**{TIME: TARGET_ROWS[TIME] * 1000}), "in the future"),
        (COLD_USERS, TARGET_ROWS[TARGET_ROWS[USER] < "u003"], "too few"),
        (LEAVE_K_OUT, TARGET_ROWS.drop_duplicates(USER), "no target rows for validation"),
    ],
)
def test_a_split_that_cannot_be_made_says_why(kind, rows, said, connection, write, tmp_path):
    inputs = PairInputs(write("s", SOURCE_ROWS), write("t", rows))
    everything = PairSettings(rating_threshold=0, target_core=0)
    pair = build_pair(connection, inputs, everything, tmp_path / "pairs")
    with pytest.raises(DataError, match=said):
        split_pair(pair, SplitSettings(kind=kind), 1, tmp_path / "splits")


def test_a_row_without_a_time_is_trained_on():
    target = TARGET_ROWS.astype({TIME: "Int64"})
    target.loc[:4, TIME] = pd.NA
    codes = assign_parts(SOURCE_ROWS, target, SplitSettings(kind=TEMPORAL), 1).target
    assert (codes[:5] == TRAIN_ROW).all()


def test_a_split_knows_from_which_rating_its_rows_were_liked(connection, inputs, tmp_path):
    """A rating told for the file is kept as stars of five: models of ratings are warned by it."""
    kept = {}
    for told in ("", "4", " 2.5 "):
        settings = PairSettings(target_core=0, target_liked_from=told, rating_threshold=0)
        pair = build_pair(connection, inputs, settings, tmp_path / "pairs")
        kept[told] = read_info(split_pair(pair, SplitSettings(), 1, tmp_path / "splits")).liked_from
    assert kept == {"": 0.0, "4": 4.0, " 2.5 ": 2.5}


def test_the_training_rows_of_a_check_leave_test_rows_alone():
    held_out = assign_parts(SOURCE_ROWS, TARGET_ROWS, SplitSettings(), 2022).target
    rows = training_rows(SOURCE_ROWS, TARGET_ROWS)
    assert places(rows) == places(TARGET_ROWS[held_out == TRAIN_ROW])


def test_the_same_split_is_written_once(pair, tmp_path):
    once, again = (split_pair(pair, SplitSettings(), 1, tmp_path / "splits") for _ in range(2))
    assert once == again
    assert len(list((tmp_path / "splits").iterdir())) == 1
    assert {f"{part}.parquet" for part in PARTS} <= {file.name for file in once.iterdir()}


@pytest.mark.parametrize("kind", KINDS)
def test_live_counts_are_those_of_the_snapshot(pair, tmp_path, kind):
    chosen = replace(SplitSettings(), kind=kind)
    counts = split_counts(read_rows(pair, "source"), read_rows(pair, TARGET), chosen, 5)
    split = read_snapshot(split_pair(pair, chosen, 5, tmp_path / "splits"))
    assert counts.rows == tuple(split.info.counts[part] for part in PARTS)
    assert counts.valid_users == len(split.users("valid"))
    assert counts.test_users == len(split.users("test"))
    tested = split.users("test")
    assert counts.cold_test_users == int((split.train.target_history[tested] == 0).sum())
    unseen = np.diff(split.train.target.tocsc().indptr)[split.test.tocsr().indices] == 0
    assert counts.unseen_test_rows == int(unseen.sum())


@pytest.mark.parametrize("kind", KINDS)
def test_every_training_row_keeps_its_count(connection, write, tmp_path, kind):
    def counted(frame):
        return frame.assign(**{COUNT: np.arange(1.0, len(frame) + 1)})

    books, films = counted(SOURCE_ROWS), counted(TARGET_ROWS)
    inputs = PairInputs(write("books", books), write("films", films))
    pair = build_pair(connection, inputs, PairSettings(rating_threshold=0), tmp_path / "pairs")
    train = read_snapshot(split_pair(pair, SplitSettings(kind=kind), 3, tmp_path / "splits")).train
    for frame, items, ones, counts in (
        (books, train.source_items, train.source, train.source_counts),
        (films, train.target_items, train.target, train.target_counts),
    ):
        entries, known = counts.tocoo(), frame.set_index([USER, ITEM])[COUNT]
        names = zip(train.users.names(entries.row), items.names(entries.col), strict=True)
        assert known.loc[list(names)].tolist() == entries.data.tolist()
        np.testing.assert_array_equal(ones.indices, counts.indices)
        np.testing.assert_array_equal(ones.indptr, counts.indptr)
