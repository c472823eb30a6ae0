"""A snapshot holds a split exactly, under a name made from its content."""

import numpy as np
import pandas as pd
import pytest

from core.basics.columns import COUNT, ITEM, RATING, TEST, TIME, TITLE, USER, VALID
from core.basics.errors import DataError
from core.data.snapshot import SplitTables, rating_facts, read_snapshot, write_snapshot


def rows(*pairs: str) -> pd.DataFrame:
    """ "u1 a" becomes a row of user u1 and item a."""
    split = [pair.split() for pair in pairs]
    return pd.DataFrame({USER: [p[0] for p in split], ITEM: [p[1] for p in split]}, dtype="str")


def tables(**changes) -> SplitTables:
    parts = {
        "source_train": rows("u1 x", "u2 y", "u1 y"),
        "target_train": rows("u1 a", "u3 b"),
        "target_valid": rows("u1 b"),
        "target_test": rows("u1 c", "u3 a"),
        "items_source": None,
        "items_target": pd.DataFrame({ITEM: ["a", "zz"], TITLE: ["Alpha", "Unused"]}),
    }
    return SplitTables(**parts | changes)


def write(root, split_tables):
    return write_snapshot(
        root,
        split_tables,
        source_name="books",
        target_name="films",
        kind="given files",
        seed=1,
        settings={},
        dataset_hash="d" * 16,
    )


def test_the_split_comes_back_as_matrices(tmp_path):
    split = read_snapshot(write(tmp_path, tables()))
    assert list(split.train.users.ids) == ["u1", "u2", "u3"]
    np.testing.assert_array_equal(split.train.source.toarray(), [[1, 1], [0, 1], [0, 0]])
    np.testing.assert_array_equal(split.train.target.toarray(), [[1, 0, 0], [0, 0, 0], [0, 1, 0]])
    np.testing.assert_array_equal(split.valid.toarray()[0], [0, 1, 0])
    assert list(split.users(TEST)) == [0, 2]
    assert list(split.train.cold_users) == [1]


def test_target_items_are_the_union_of_all_parts(tmp_path):
    assert list(read_snapshot(write(tmp_path, tables())).train.target_items.ids) == ["a", "b", "c"]


def test_validation_items_are_masked_at_test_time_only(tmp_path):
    split = read_snapshot(write(tmp_path, tables()))
    np.testing.assert_array_equal(split.masked(VALID).toarray()[0], [1, 0, 0])
    np.testing.assert_array_equal(split.masked(TEST).toarray()[0], [1, 1, 0])


def test_row_order_does_not_change_the_name(tmp_path):
    reversed_rows = tables(source_train=rows("u1 y", "u2 y", "u1 x"))
    assert write(tmp_path, tables()) == write(tmp_path, reversed_rows)


def test_another_row_changes_the_name(tmp_path):
    other = tables(target_test=rows("u1 c", "u3 c"))
    assert write(tmp_path, tables()) != write(tmp_path, other)


def test_titles_stand_in_item_order_and_ids_where_there_are_none(tmp_path):
    train = read_snapshot(write(tmp_path, tables())).train
    assert list(train.target_features.names(train.target_items)) == ["Alpha", "b", "c"]


def test_ratings_and_times_are_kept(tmp_path):
    rated = rows("u1 a", "u3 b").assign(**{RATING: [4.5, 2.0], TIME: [100, 200]})
    folder = write(tmp_path, tables(target_train=rated))
    kept = pd.read_parquet(folder / "target_train.parquet")
    assert list(kept[RATING]) == [4.5, 2.0]
    assert list(kept[TIME]) == [100, 200]


def test_a_missing_snapshot_says_what_to_do(tmp_path):
    with pytest.raises(DataError, match="not in this workspace"):
        read_snapshot(tmp_path / "feedfeedfeedfeed")


def test_a_split_with_nothing_to_learn_from_is_refused(tmp_path):
    with pytest.raises(DataError, match="target train"):
        write(tmp_path, tables(target_train=rows()))


COUNTED = rows("u1 x", "u1 y", "u2 y").assign(**{COUNT: [1.0, 9079.0, 3.0]})


def test_counts_stand_beside_the_ones_in_the_same_places(tmp_path):
    target = rows("u1 a", "u3 b").assign(**{COUNT: [2.0, None]})
    split = read_snapshot(write(tmp_path, tables(source_train=COUNTED, target_train=target)))
    train = split.train
    np.testing.assert_array_equal(train.source_counts.toarray(), [[1, 9079], [0, 3], [0, 0]])
    np.testing.assert_array_equal(train.source.toarray(), [[1, 1], [0, 1], [0, 0]])
    np.testing.assert_array_equal(train.source.indices, train.source_counts.indices)
    np.testing.assert_array_equal(train.source.indptr, train.source_counts.indptr)
    assert train.target_counts.toarray().tolist() == [[2, 0, 0], [0, 0, 0], [0, 1, 0]]
    assert rating_facts(split.folder).counted
    assert train.target_only().source_counts is None
    assert train.target_only().target_counts is train.target_counts


def test_a_split_without_counts_has_none_and_keeps_its_name(tmp_path):
    folder = write(tmp_path, tables())
    train = read_snapshot(folder).train
    assert (train.source_counts, train.target_counts) == (None, None)
    assert not rating_facts(folder).counted
    assert folder.name == "c49ac49d8fd556e6"  # what versions without counts called it


def test_another_count_changes_the_name(tmp_path):
    other = COUNTED.assign(**{COUNT: [1.0, 9078.0, 3.0]})
    assert write(tmp_path, tables(source_train=COUNTED)) != write(
        tmp_path, tables(source_train=other)
    )


def test_a_rated_split_has_no_counts(tmp_path):
    split = read_snapshot(write(tmp_path, tables(source_train=COUNTED)))
    assert split.rated.train.source_counts is None


@pytest.mark.parametrize("part", ["target_test", "users", "source_train"])
def test_a_split_with_a_file_gone_or_half_written_says_so(tmp_path, part):
    """Seen: Recommendations met "a problem it does not know", and commands a traceback."""
    path = write(tmp_path, tables()) / f"{part}.parquet"
    path.write_bytes(path.read_bytes()[:40])
    for _ in range(2):
        with pytest.raises(DataError, match=f"split {path.parent.name} cannot be read") as said:
            read_snapshot(path.parent)
        assert said.value.hint.startswith("Split its pair again")
        path.unlink(missing_ok=True)
