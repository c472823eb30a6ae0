"""The linear map: whose vector serves whom, and the regression behind it."""

from __future__ import annotations

import numpy as np
import pytest

from core.models.registry import build
from tests.worlds import twin_tastes

PAIR = twin_tastes().pair
EVERYBODY = np.arange(len(PAIR.users))


@pytest.fixture(scope="module")
def model():
    model = build("linear_map", {"factors": 8, "map_regularization": 2.0})
    list(model.fit_epochs(PAIR, 1))
    return model


def test_warm_users_keep_their_own_vector_and_cold_users_get_the_mapped_one(model):
    scores = model.score(EVERYBODY)
    cold = np.isin(EVERYBODY, PAIR.cold_users)
    np.testing.assert_array_equal(scores.own[cold], scores.source[cold])
    np.testing.assert_array_equal(scores.own[~cold], scores.target[~cold])


def test_the_map_is_the_ridge_regression_over_shared_users(model):
    vectors = model.vectors()
    target = vectors.target_users[PAIR.shared]
    source = model.maps.source.users(PAIR.source[PAIR.shared])
    left = source.T @ source + 2.0 * np.eye(8)
    np.testing.assert_allclose(model.bridge, np.linalg.inv(left) @ source.T @ target, atol=1e-4)


def test_reasons_sum_to_each_part(model):
    scores = model.score(EVERYBODY)
    for user, item in ((3, 4), (158, 0)):
        why = model.explain(PAIR.source[[user]], PAIR.target[[user]], item)
        assert np.isclose(why.source_amounts.sum(), scores.source[user, item], atol=1e-4)
        assert np.isclose(why.target_amounts.sum(), scores.target[user, item], atol=1e-4)


def test_source_vectors_of_the_map_give_the_source_part(model):
    vectors = model.vectors()
    scores = model.score(EVERYBODY)
    np.testing.assert_allclose(
        vectors.source_users @ vectors.target_items.T, scores.source, atol=1e-5
    )
