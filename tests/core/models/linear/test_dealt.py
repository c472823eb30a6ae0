"""Fits of dealt pairs that share their work are the fits that each deal would get by itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.data.pair import deal
from core.models.registry import CARDS, build
from tests.worlds import pair_of


def world(users: int, n_source: int, n_target: int):
    """A fifth of the users has no source rows, a fifth no target rows."""
    rng = np.random.default_rng(users)
    source, target = (rng.random((users, n)) < 0.2 for n in (n_source, n_target))
    source[::5] = False
    target[1::5] = False
    pair = pair_of(source, target)
    return replace(pair, source_counts=3 * pair.source, target_counts=2 * pair.target)


FEW_USERS, MANY_USERS, FEW_TARGETS = world(60, 90, 80), world(150, 30, 40), world(90, 120, 25)
CASES = [
    ("ease", FEW_USERS, {"regularization": 3.0}),  # inverts users
    ("ease", MANY_USERS, {"regularization": 3.0}),  # inverts items, the source by items
    ("ease", FEW_TARGETS, {"regularization": 3.0}),  # users for the run, target items for the twin
    ("ease", FEW_USERS, {"regularization": 3.0, "solver": "primal"}),  # the source by people
    ("edlae", MANY_USERS, {"regularization": 3.0, "dropout": 0.4, "source_weight": 0.7}),
    ("edlae", FEW_TARGETS, {"regularization": 3.0, "dropout": 0.4}),
    ("ridge", FEW_USERS, {"regularization": 3.0, "solver": "dual"}),
    ("ridge", MANY_USERS, {"regularization": 3.0, "solver": "primal"}),
    ("item_knn", MANY_USERS, {"neighbours": 7}),
    ("feature_map", FEW_USERS, {"factors": 4}),
    ("feature_map", FEW_USERS, {"factors": 4, "features": "pca"}),
    ("feature_map", FEW_USERS, {"factors": 4, "features": "nmf"}),
]


@pytest.mark.parametrize(("name", "pair", "settings"), CASES)
def test_shared_work_finds_what_a_fit_of_its_own_finds(name, pair, settings):
    deals, everybody = [deal(pair, seed) for seed in (1, 2)], np.arange(len(pair.users))
    found = list(build(name, settings).fit_dealt(pair, deals, 5))
    assert len(found) == len(deals)
    for model, givers in zip(found, deals, strict=True):
        dealt, plain = pair.with_source_of(givers), build(name, settings)
        for _ in plain.fit_epochs(dealt, 5):
            pass
        ours, theirs = model.score(everybody), plain.score(everybody)
        for part in ("source", "target"):
            expected = getattr(theirs, part)
            size = np.abs(expected).max()
            np.testing.assert_allclose(getattr(ours, part), expected, atol=2e-4 * size)
        again = build(name, settings)
        again.restore(dealt, model.state())  # a whole model, that can be kept
        np.testing.assert_array_equal(again.score(everybody).source, ours.source)


def test_a_ridge_keeps_nothing_where_a_deal_mixes_shared_users_with_others():
    pair = world(30, 12, 12)
    mixed = deal(pair, 1)
    if pair.shared[mixed[pair.shared]].all():  # cold people of this world are too few to be alone
        pytest.fail("the world does not mix them")
    assert build("ridge").fit_dealt(pair, [mixed], 0) is None


def test_models_that_say_nothing_are_fitted_one_by_one():
    said = {name for name in CARDS if type(build(name)).fit_dealt is not _default()}
    assert said == {"ease", "edlae", "ridge", "item_knn", "feature_map"}


def _default():
    from core.models.protocol import CrossDomainModel

    return CrossDomainModel.fit_dealt
