"""Re-ranking by hand: the next item of a varied list, and of one in the mix of a history."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from core.basics.errors import SettingsError
from core.fusion.rerank import CALIBRATED, MMR, Rerank, calibrated, varied

POOL = np.array([[3, 0, 1, 2]])
SCORES = np.array([[4.0, 3.0, 1.0, 0.0]])  # from 0 to 1: 1, 3/4, 1/4, 0
# Items 3 and 0 are the same, 1 is half like them, 2 is like nothing
ALIKE = csr_matrix(np.array([[1, 0, 0], [0.5, 0.75**0.5, 0], [0, 0, 1], [1, 0, 0]]))


def items(places: np.ndarray, pool: np.ndarray = POOL) -> list[int]:
    return [int(pool[0, place]) for place in places[0]]


@pytest.mark.parametrize(
    ("strength", "wanted"),
    [
        (0.0, [3, 0, 1, 2]),
        # After 3: item 0 has .6 * .75 - .4, item 1 .6 * .25 - .4 * .5, item 2 nothing: 0 it is
        (0.4, [3, 0, 2, 1]),
        (0.5, [3, 2, 0, 1]),  # 3/8 - 1/2, 1/8 - 1/4, 0; then -1/8 for both: by score
        (1.0, [3, 2, 1, 0]),
    ],
)
def test_the_next_item_of_a_varied_list_weighs_score_against_the_nearest_above(strength, wanted):
    assert items(varied(POOL, SCORES, ALIKE, strength, 4)) == wanted


def test_a_short_pool_gives_a_short_list():
    pool, scores = np.array([[2, 1, -1, -1]]), np.array([[1.0, 0.0, -np.inf, -np.inf]])
    assert varied(pool, scores, ALIKE, 0.5, 3).tolist() == [[0, 1, -1]]
    mix, shares = np.array([[0.0, 1.0]]), csr_matrix(np.eye(4)[:, :2])
    assert calibrated(pool, scores, mix, shares, 0.5, 3).tolist() == [[1, 0, -1]]


def test_users_do_not_meddle_with_each_other_beyond_a_block():
    pools, scores = np.repeat(POOL, 150, axis=0), np.repeat(SCORES, 150, axis=0)
    scores[::2] = [1.0, 0.9, 0.1, 0.0]
    alone = [varied(pools[[row]], scores[[row]], ALIKE, 0.5, 4)[0].tolist() for row in range(150)]
    assert varied(pools, scores, ALIKE, 0.5, 4).tolist() == alone


def test_a_calibrated_list_takes_the_categories_in_the_shares_of_the_history():
    """Half drama, half war; the four best are dramas, and two wars stand behind them."""
    pool, scores = np.arange(6)[None], np.array([[6.0, 5, 4, 3, 2, 1]])
    shares = csr_matrix(np.array([[1.0, 0]] * 4 + [[0, 1]] * 2))
    even = np.array([[0.5, 0.5]])
    assert items(calibrated(pool, scores, even, shares, 0.0, 4), pool) == [0, 1, 2, 3]
    assert sorted(items(calibrated(pool, scores, even, shares, 0.9, 4), pool)) == [0, 1, 4, 5]
    # A mix of drama alone, or of nothing, leaves the order as it is
    for mix in ([[1.0, 0.0]], [[0.0, 0.0]]):
        assert items(calibrated(pool, scores, np.array(mix), shares, 0.9, 4), pool) == [0, 1, 2, 3]


def test_what_cannot_be_is_refused():
    with pytest.raises(SettingsError, match="mmr"):
        Rerank("backwards")
    with pytest.raises(SettingsError, match="outside its range"):
        Rerank(MMR, 1.5)
    assert not Rerank(CALIBRATED, 0.0).acts
