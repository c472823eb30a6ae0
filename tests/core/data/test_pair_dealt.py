"""A deal gives the source rows of a pair to other people, and changes nothing else."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from core.basics.errors import DataError
from core.data.pair import FEWEST_DEALT, DomainPair, bin_places, deal
from tests.worlds import pair_of


def rows_of(matrix: csr_matrix) -> list[tuple]:
    return [tuple(row) for row in matrix.toarray()]


@st.composite
def pairs(draw) -> DomainPair:
    """Users of all lengths of history, some without source rows; values are ratings."""
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    users = draw(st.integers(2, 80))
    full = rng.random((users, 1)) ** 2
    source = np.where(rng.random((users, 12)) < full, rng.integers(1, 6, (users, 12)), 0)
    source[:2, 0] = 1  # two people at least
    pair = pair_of(source, rng.random((users, 25)) < rng.random((users, 1)) ** 2)
    return replace(pair, source_counts=2 * pair.source)


@given(pairs(), st.integers(0, 100))
@settings(max_examples=40, deadline=None)
def test_rows_travel_whole_to_other_people_and_nothing_else_changes(pair, seed):
    dealt, givers = pair.dealt(seed), deal(pair, seed)
    assert Counter(rows_of(dealt.source)) == Counter(rows_of(pair.source))
    assert dealt.source.indices.size == pair.source.indices.size
    counts = [np.bincount(one.indices, minlength=12) for one in (dealt.source, pair.source)]
    np.testing.assert_array_equal(*counts)
    np.testing.assert_array_equal(dealt.source_counts.toarray(), 2 * dealt.source.toarray())
    without = pair.source_history == 0
    np.testing.assert_array_equal(dealt.source_history == 0, without)
    np.testing.assert_array_equal(givers == np.arange(len(pair.users)), without)
    np.testing.assert_array_equal(givers, deal(pair, seed))
    for name in ("users", "source_items", "target_items", "target", "source_features"):
        assert getattr(dealt, name) is getattr(pair, name)


@given(pairs(), st.integers(0, 100))
@settings(max_examples=20, deadline=None)
def test_people_of_a_bin_that_holds_enough_are_dealt_among_themselves(pair, seed):
    givers, known = deal(pair, seed), pair.source_history > 0
    bins = bin_places(pair.target_history)
    if all(n >= FEWEST_DEALT for n in np.bincount(bins[known]) if n):
        np.testing.assert_array_equal(bins[givers][known], bins[known])


def test_lengths_stay_alike_and_another_seed_is_another_deal():
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 60, 200)
    source = np.arange(60) < lengths[:, None]
    pair = pair_of(source, np.ones((200, 3)))
    dealt = pair.dealt(1).source_history
    assert np.corrcoef(dealt, lengths)[0, 1] > 0.9
    assert (deal(pair, 1) != deal(pair, 2)).mean() > 0.9


def test_one_person_alone_has_nobody_to_deal_with():
    pair = pair_of(np.eye(3, 4) * [[1], [0], [0]], np.ones((3, 3)))
    with pytest.raises(DataError, match="Fewer than two people"):
        pair.dealt(0)
