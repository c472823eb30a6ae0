import numpy as np
import pytest

from core.basics.columns import SOURCE, TARGET
from core.models.registry import card_of
from core.runs.explain.what_if import Edit, edited_histories, read_edits, write_edits
from tests.worlds import pair_of

SOURCE_TABLE = [[5, 3, 0, 0], [0, 0, 0, 0]]
TARGET_TABLE = [[0, 4, 0], [1, 0, 0]]
PAIR = pair_of(np.array(SOURCE_TABLE), np.array(TARGET_TABLE))
RANKS, RATES, ORDERS = card_of("ease"), card_of("cmf_rating"), card_of("sasrec")


def adds(domain, item, rating=None):
    return Edit(domain, item, True, rating)


def removes(domain, item):
    return Edit(domain, item, False)


IDS = ["m1", "a,b", "+x@3", "-", "%2C", "飞狐外传", "a b/c?d=e&f#g", "t@@"]
NONSENSE = ["x", "+", "+s", "*sm1", "+qm1", "+sm1@many", "+sm1@nan", "+sm1,?"]


@pytest.mark.parametrize("item", IDS)
def test_any_id_comes_back_from_the_address_as_it_was(item):
    edits = [adds(SOURCE, item), removes(TARGET, item), adds(TARGET, item, 4.5)]
    text = write_edits(edits)
    assert read_edits(text) == edits
    assert " " not in text


@pytest.mark.parametrize("text", NONSENSE)
def test_nonsense_in_the_address_is_refused(text):
    with pytest.raises(ValueError):
        read_edits(text)


def test_without_edits_the_histories_are_those_trained_on():
    rows = edited_histories(PAIR, RANKS, 0, [])
    np.testing.assert_array_equal(rows.source.toarray(), PAIR.source[[0]].toarray())
    np.testing.assert_array_equal(rows.target.toarray(), PAIR.target[[0]].toarray())
    assert len(rows.removed) == 0


def test_a_later_edit_of_an_item_wins():
    edits = [
        removes(SOURCE, "s0000"),
        adds(SOURCE, "s0000"),
        adds(SOURCE, "s0003"),
        removes(SOURCE, "s0003"),
        removes(TARGET, "t0001"),
    ]
    rows = edited_histories(PAIR, RANKS, 0, edits)
    assert rows.source.indices.tolist() == [0, 1]
    assert rows.target.nnz == 0
    assert rows.removed.tolist() == [1]


def test_items_nobody_knows_here_are_named_once_and_change_nothing():
    stranger = adds(SOURCE, "gone")
    rows = edited_histories(PAIR, RANKS, 0, [stranger, removes(TARGET, "t9"), stranger])
    assert [edit.item for edit in rows.unknown] == ["gone", "t9"]
    assert rows.source.nnz == 2


def test_a_visitor_starts_from_nothing():
    rows = edited_histories(PAIR, RANKS, None, [adds(TARGET, "t0002")])
    assert rows.source.nnz == 0
    assert rows.target.toarray().tolist() == [[0, 0, 1]]


def test_an_added_item_counts_one_or_its_rating_or_comes_last():
    edits = [adds(SOURCE, "s0002"), adds(SOURCE, "s0003", 4.0)]
    assert edited_histories(PAIR, RANKS, 0, edits).source.data[2:].tolist() == [1, 1]
    mean_of_domain = (5 + 3) / 2
    assert edited_histories(PAIR, RATES, 0, edits).source.data[2:].tolist() == [mean_of_domain, 4]
    assert edited_histories(PAIR, ORDERS, 0, edits).source.data.tolist() == [5, 3, 6, 7]


def test_a_rating_beyond_the_scale_of_the_data_is_brought_to_its_end():
    rows = edited_histories(PAIR, RATES, 0, [adds(SOURCE, "s0003", 99.0)])
    assert rows.source.data.max() == 5


def test_a_twin_knows_no_source_item():
    rows = edited_histories(PAIR.target_only(), RANKS, 0, [adds(SOURCE, "s0000")])
    assert rows.source.shape == (1, 0)
    assert [edit.item for edit in rows.unknown] == ["s0000"]
