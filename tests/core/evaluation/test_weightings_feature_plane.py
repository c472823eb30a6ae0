"""Weights before a network: 1 and 1 is the model itself, and each history can be silenced."""

import numpy as np
import pytest

from core.evaluation.evaluate import evaluate
from core.evaluation.weightings import STEPS, feature_plane
from core.models.registry import build


@pytest.fixture(scope="module", params=["mult_vae", "feature_fusion"])
def model(request):
    from tests.core.evaluation.evaluation_worlds import split_of

    generator = np.random.default_rng(0)
    which = generator.choice([0, 1, 2, 3], p=[0.6, 0.2, 0.1, 0.1], size=(60, 40))
    source = generator.random((60, 30)) < 0.2
    split = split_of(source, which == 1, which == 2, which == 3)
    model = build(request.param, {"epochs": 3, "factors": 8, "batch_size": 16}, "cpu")
    list(model.fit_epochs(split.train, 1))
    return model, split


def test_at_one_and_one_the_plane_is_the_models_own_quality(model):
    model, split = model
    plane = feature_plane(model.score_weighted, split, "valid", 10)
    known = split.train.shared
    own = evaluate(model.score, split, "valid", ks=(10,)).per_user
    own = own[known[own["user_id"]]]
    assert plane.users == len(own)
    assert plane.ndcg[-1, -1] == pytest.approx(own["ndcg@10"].mean(), abs=1e-6)
    assert np.isnan(plane.ndcg[0, 0])
    assert np.nanmax(plane.ndcg) == plane.ndcg[tuple(np.searchsorted(STEPS, plane.highest[::-1]))]


def test_a_weight_of_zero_is_a_history_that_was_never_read(model):
    model, split = model
    users = np.flatnonzero(split.train.shared)
    source, target = split.train.source[users], split.train.target[users]
    silenced = model.fold_in(source * 0, target).target
    without = model.score_weighted(source, target, 0.0, 1.0)
    order = [np.argsort(-part, axis=1)[:, :5] for part in (silenced, without)]
    if hasattr(model.network.settings, "join"):  # a gate or bias reads an empty history as nothing
        assert (order[0] == order[1]).mean() > 0.9
    else:
        np.testing.assert_array_equal(*order)


def test_who_has_one_history_is_asked_in_full(model):
    model, split = model
    users = np.flatnonzero((split.train.source_history > 0) & ~split.train.shared)[:5]
    source, target = split.train.source[users], split.train.target[users]
    half, whole = (model.score_weighted(source, target, alpha, 1.0) for alpha in (0.5, 1.0))
    np.testing.assert_array_equal(half, whole)
