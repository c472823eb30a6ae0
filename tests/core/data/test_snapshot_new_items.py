"""A split of new items holds out whole target items, and lists hold nothing else."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.basics.columns import ITEM, TARGET, USER, VALID
from core.basics.errors import DataError
from core.data.build_pair import build_pair
from core.data.pair_folder import PairInputs, PairSettings
from core.data.snapshot import NEW_ITEMS, read_snapshot
from core.data.splitting import (
    TEST_ROW,
    TRAIN_ROW,
    VALID_ROW,
    SplitSettings,
    assign_parts,
    split_pair,
)
from tests.core.data.small_files import random_rows

CHOSEN = SplitSettings(kind=NEW_ITEMS)


def held_out_items(target: pd.DataFrame, chosen: SplitSettings, seed: int) -> list[set[str]]:
    """Items of training, validation and test."""
    codes = assign_parts(target, target, chosen, seed).target
    return [set(target[ITEM][codes == part]) for part in (TRAIN_ROW, VALID_ROW, TEST_ROW)]


@settings(deadline=None, max_examples=30)
@given(
    data=st.integers(0, 20),
    seed=st.integers(0, 5),
    share=st.sampled_from([0.1, 0.2, 0.45]),
    fewest=st.integers(1, 16),
)
def test_every_item_is_in_one_part_and_rare_ones_are_trained_on(data, seed, share, fewest):
    target = random_rows(data, "f", users=30, items=40)
    chosen = replace(CHOSEN, new_share=share, new_rows=fewest)
    sizes = target.groupby(ITEM).size()
    enough = set(sizes.index[sizes >= fewest])
    if len(enough) < 10:
        return
    train, valid, test = held_out_items(target, chosen, seed)
    assert len(train) + len(valid) + len(test) == target[ITEM].nunique()
    assert train | valid | test == set(target[ITEM])
    assert valid | test <= enough
    assert len(test) == int(share * len(enough))
    assert len(valid) == int(0.1 * len(enough))


def test_the_same_seed_hides_the_same_items_and_another_seed_others():
    target = random_rows(1, "f", items=60)
    once, again, other = (held_out_items(target, CHOSEN, seed)[2] for seed in (1, 1, 2))
    assert once == again != other


def test_who_has_an_item_does_not_matter_nor_whether_users_are_shared():
    target = random_rows(1, "f", items=60)
    renamed = target.assign(**{USER: "only-" + target[USER]})
    assert held_out_items(target, CHOSEN, 1) == held_out_items(renamed, CHOSEN, 1)


def test_too_few_items_say_what_to_do():
    with pytest.raises(DataError, match="3 target items with 5 interactions or more are too few"):
        held_out_items(random_rows(1, "f", items=3), CHOSEN, 1)


@pytest.fixture
def made(connection, write, tmp_path):
    """The same split twice, by two seeds; u039 has nothing but one item, u900 only a source."""
    target = random_rows(2, "f", users=39, items=30)
    lone = pd.DataFrame({USER: ["u039"], ITEM: ["f3"]})
    source = random_rows(1, "b")
    source.loc[0, USER] = "u900"
    pair = build_pair(
        connection,
        PairInputs(write("s", source), write("t", pd.concat([target, lone], ignore_index=True))),
        PairSettings(rating_threshold=0, target_core=0),
        tmp_path / "pairs",
    )
    return [split_pair(pair, CHOSEN, seed, tmp_path / "splits") for seed in (1, 1, 2)]


def test_a_snapshot_lists_new_items_of_the_part_alone(made):
    split = read_snapshot(made[0])
    seen = np.diff(split.train.target.tocsc().indptr)
    for part in (VALID, "test"):
        masked = split.masked(part)
        held_out = np.diff(split.held_out(part).tocsc().indptr) > 0
        assert masked.rankable.tolist() == held_out.tolist()
        assert not seen[masked.rankable].any()
    assert split.masked("test").n_rankable == 6  # a fifth of 30 items
    assert split.masked(VALID).n_rankable == 3
    assert not (split.masked(VALID).rankable & split.masked("test").rankable).any()
    assert read_snapshot(made[0]).rated.masked(VALID).n_rankable == 3


def test_the_split_is_kept_under_its_own_name(made):
    once, again, other = made
    assert once == again != other
    info = read_snapshot(once).info
    assert (info.kind, info.settings["new_share"], info.seed) == (NEW_ITEMS, 0.2, 1)


def test_users_whose_rows_are_all_hidden_keep_their_source_history(made):
    for folder in made[1:]:
        split = read_snapshot(folder)
        user = split.train.users.numbers(["u039"])[0]
        assert split.train.source_history[user] > 0


def test_items_stand_in_a_drawn_order(made):
    """Lists of a model that cannot tell new items apart are in no order that means anything."""
    ids = [list(read_snapshot(folder).train.target_items.ids) for folder in made]
    assert ids[0] == ids[1] != ids[2]
    assert sorted(ids[0]) == sorted(ids[2]) != ids[0]
    split = read_snapshot(made[0])
    titles = split.train.target_features.names(split.train.target_items)
    assert list(titles) == ids[0]
    rows = pd.read_parquet(made[0] / f"{TARGET}_train.parquet")
    assert rows[ITEM].max() < len(ids[0])
