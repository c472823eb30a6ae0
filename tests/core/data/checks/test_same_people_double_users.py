"""Double users: planted copies are found, likely coincidences are not, whoever is asked."""

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix, vstack

from core.basics.types import IdMap
from core.data.checks import same_people
from core.data.checks.same_people import ENOUGH_JACCARD, FEWEST_ITEMS, find_double_users, spare_ids


def histories(seed, users=400, items=2_000, each=12):
    """Random histories, popular items more often."""
    draw = np.random.default_rng(seed)
    weights = 1 / np.arange(1, items + 1) ** 0.7
    rows = [
        draw.choice(items, each, replace=False, p=weights / weights.sum()) for _ in range(users)
    ]
    places = np.repeat(np.arange(users), each), np.concatenate(rows)
    return csr_matrix((np.ones(users * each, np.float32), places), shape=(users, items))


def numbered(matrix):
    return IdMap(np.array([f"u{n:04}" for n in range(matrix.shape[0])], dtype=object))


def pairs_of(matrix):
    found = find_double_users(matrix, numbered(matrix)).pairs
    return {
        (int(a[1:]), int(b[1:])) for a, b in zip(found["user"], found["other_user"], strict=True)
    }


def by_brute_force(matrix):
    """Every pair of users with a Jaccard of .8 over 5 items, chance aside."""
    common = (matrix @ matrix.T).toarray()
    sizes = np.diff(matrix.indptr)
    jaccard = common / (sizes[:, None] + sizes[None, :] - common)
    near = np.triu((jaccard >= ENOUGH_JACCARD) & (common >= FEWEST_ITEMS), 1)
    return set(zip(*(place.tolist() for place in np.nonzero(near)), strict=True))


def with_copies(matrix):
    """Users 0 to 19 once more: equal, without two rare items, with another one, cut in half."""
    copies = matrix[:20].tolil()
    for row in range(5, 20):
        items = copies.rows[row]
        gone = items[-2:] if row < 10 else items[: 1 if row < 15 else 6]
        copies[row, gone] = 0
        if 10 <= row < 15:
            copies[row, next(item for item in range(1_999, 0, -1) if item not in items)] = 1
    return vstack([matrix, copies.tocsr()]).tocsr()


def test_equal_and_nearly_equal_histories_are_found_as_by_comparing_all_with_all():
    matrix = with_copies(histories(1))
    found = pairs_of(matrix)
    assert found == by_brute_force(matrix)
    assert found == {(user, 400 + user) for user in range(15)}


def test_crowds_around_one_item_are_left_to_the_fingerprint(monkeypatch):
    matrix = with_copies(histories(2))
    monkeypatch.setattr(same_people, "_CROWD", 0)
    assert pairs_of(matrix) == {(user, 400 + user) for user in range(5)}


def test_equal_histories_are_no_doubles_where_chance_makes_them():
    """Everybody has 9 of the same 10 items: some are alike, and nobody has two ids."""
    draw = np.random.default_rng(3)
    rows = np.array([draw.permutation(10)[:9] for _ in range(60)])
    places = np.repeat(np.arange(60), 9), rows.ravel()
    matrix = csr_matrix((np.ones(540, np.float32), places), shape=(60, 10))
    assert by_brute_force(matrix)
    assert pairs_of(matrix) == set()


def test_short_histories_and_nobody_at_all_are_no_doubles():
    twice = vstack([histories(4, each=4)] * 2).tocsr()
    assert pairs_of(twice) == set()
    assert pairs_of(csr_matrix((0, 5), dtype=np.float32)) == set()


def test_of_every_group_all_ids_but_the_first_are_spare():
    pairs = pd.DataFrame({"user": ["b", "c", "x"], "other_user": ["c", "a", "y"]})
    assert spare_ids(pairs) == ["b", "c", "y"]
    assert spare_ids(pairs.head(0)) == []
