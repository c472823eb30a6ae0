from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from scipy.stats import rankdata

from core.basics.types import IdMap
from core.data.checks.same_people import SamePeople, match_users, shares_beaten
from core.data.pair import DomainPair


def taste_pair(users: int, seed: int, same: bool, items: int = 60, tastes: int = 2) -> DomainPair:
    """Users of some tastes; in both domains they mostly take items of their own taste."""
    draw = np.random.default_rng(seed)
    taste = np.arange(users) % tastes

    def likes(of_user: np.ndarray) -> csr_matrix:
        own = (np.arange(items)[None, :] % tastes) == of_user[:, None]
        return csr_matrix((draw.random((users, items)) < np.where(own, 0.3, 0.05)).astype("f4"))

    target = taste if same else draw.permutation(taste)
    ids = [
        IdMap(np.array([f"{p}{n:04}" for n in range(size)], dtype=object))
        for p, size in (("u", users), ("s", items), ("t", items))
    ]
    return DomainPair(*ids, likes(taste), likes(target))


def test_the_same_people_match_and_come_out_green():
    """Half of the others share the user's taste and are coin flips, so .75 is perfect."""
    found = match_users(taste_pair(400, 1, same=True))
    assert found.verdict == "green"
    assert 0.70 < found.auc < 0.80
    assert abs(found.control - 0.5) < 0.02
    assert found.tested == 400


def test_other_people_under_the_same_ids_come_out_red():
    for seed in range(5):
        found = match_users(taste_pair(400, seed, same=False))
        assert found.verdict == "red"
        assert abs(found.auc - 0.5) < 0.06


def test_the_same_seed_gives_the_same_figures():
    pair = taste_pair(100, 1, same=True)
    assert match_users(pair, seed=7) == match_users(pair, seed=7) != match_users(pair, seed=8)


def test_too_few_shared_users_tell_nothing():
    found = match_users(taste_pair(30, 1, same=True))
    assert found.verdict == "unknown"
    assert np.isnan(found.auc)


def test_only_users_of_both_domains_are_matched():
    pair = taste_pair(200, 1, same=True)
    target = pair.target.tolil()
    target[:80] = 0
    emptied = DomainPair(
        pair.users, pair.source_items, pair.target_items, pair.source, csr_matrix(target)
    )
    assert match_users(emptied).tested == 120


@pytest.mark.parametrize(
    ("auc", "share", "halves", "verdict"),
    [
        (0.7, (0.7, 0.9, 1.0), 1.0, "green"),
        (0.7, (0.7, 0.8, 0.9), 1.0, "amber"),  # not all
        (0.7, (0.2, 0.8, 1.0), 1.0, "unknown"),  # few or all
        (0.7, (0.1, 0.2, 0.4), 1.0, "red"),
        (0.5, (0.0, 0.0, 0.8), 1.0, "red"),  # no sign, and all would show
        (0.5, (0.0, 0.0, 0.8), 0.2, "unknown"),  # no taste in either domain
        (0.5, (0.0, 0.0, 1.0), 1.0, "unknown"),
    ],
)
def test_the_verdict_follows_the_interval_of_the_share(auc, share, halves, verdict):
    low, likeliest, high = share
    found = SamePeople(
        auc, auc - 0.02, auc + 0.02, 0.5, 0.48, 0.52, 900, likeliest, low, high, halves
    )
    assert found.verdict == verdict


def test_people_without_any_taste_are_accused_of_nothing():
    """Same people who take anything look like strangers: in one of six such pairs that was red."""
    draw = np.random.default_rng(5)
    for seed in range(3):
        pair = taste_pair(300, seed, same=True)
        anything = csr_matrix((draw.random((2, 300, 60)) < 0.17).astype("f4").reshape(600, 60))
        found = match_users(replace(pair, source=anything[:300], target=anything[300:]))
        assert found.verdict == "unknown"


@pytest.mark.parametrize(
    ("share", "verdicts"), [(1.0, ["green"]), (0.7, ["amber"]), (0.1, ["red"])]
)
def test_the_share_of_the_same_people_lies_in_its_interval(share, verdicts):
    """Of strangers who have the ids of others a tenth came out as "probably" the same people."""
    pair = taste_pair(500, 3, same=True, items=160, tastes=8)
    owner = np.arange(500)
    wrong = np.random.default_rng(1).permutation(500)[: round((1 - share) * 500)]
    owner[wrong] = np.roll(wrong, 1)
    found = match_users(replace(pair, target=pair.target[owner]))
    assert found.share_low - 1e-9 <= share <= found.share_high + 1e-9
    assert [found.verdict] == verdicts


@pytest.mark.parametrize("levels", [2, 5, 10_000])
def test_a_profile_beats_those_below_it_and_half_of_those_beside_it(levels):
    affinity = np.random.default_rng(0).integers(levels, size=(40, 40)).astype(float)
    expected = (rankdata(affinity, axis=1) - 1) / 39
    assert np.allclose(shares_beaten(affinity), expected, atol=1e-15)
