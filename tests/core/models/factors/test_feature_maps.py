"""Feature maps: every phi keeps the same promise, and the known ones agree with their library."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from scipy.special import digamma

from core.models.factors.domain_maps import fit_domain_maps, restored_maps
from core.models.factors.feature_map import FEATURES
from core.models.factors.feature_maps import (
    ALS,
    KINDS,
    LDA,
    NMF,
    PCA,
    MapOptions,
    Topics,
    map_steps,
)
from core.models.registry import build
from tests.worlds import pair_of, twin_tastes

WORLD = twin_tastes()
PAIR = WORLD.pair
EVERYBODY = np.arange(len(PAIR.users))


def maps_of(kind: str, factors: int = 6):
    return fit_domain_maps(kind, PAIR, MapOptions(factors), np.random.default_rng(1))


@pytest.fixture(scope="module", params=KINDS)
def maps(request):
    return request.param, maps_of(request.param)


def test_users_times_items_ranks_what_a_user_likes(maps):
    _, both = maps
    scores = both.source.users(PAIR.source) @ both.source.items.T
    top = np.argsort(-scores, axis=1)[:, :5]
    assert np.mean(top % 2 == (EVERYBODY % 2)[:, None]) > 0.95


def test_the_shares_of_a_history_sum_to_its_features(maps):
    _, both = maps
    for user in (0, 7, 159):
        row = PAIR.source[[user]]
        whole = both.source.users(row)[0]
        np.testing.assert_allclose(both.source.shares(row).sum(axis=0), whole, atol=1e-5)


def test_an_empty_history_has_no_features_and_no_shares(maps):
    _, both = maps
    empty = csr_matrix((1, len(PAIR.source_items)), dtype=np.float32)
    assert not both.source.users(empty).any()
    assert both.source.shares(empty).shape[0] == 0


def test_maps_brought_back_from_their_state_say_the_same(maps):
    kind, both = maps
    again = restored_maps(kind, both.state())
    for ours, theirs in zip(
        again.users(PAIR.source, PAIR.target), both.users(PAIR.source, PAIR.target), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)


def test_a_domain_without_interactions_gets_features_of_zero():
    pair = pair_of(np.zeros((5, 3)), np.ones((5, 4)))
    for kind in KINDS:
        *_, (_, found) = map_steps(kind, pair.source, MapOptions(4), np.random.default_rng(0))
        assert not found.users(pair.source).any()


def test_pca_spans_what_a_dense_svd_spans():
    found = maps_of(PCA).source
    rows = PAIR.source.toarray()
    rows /= np.sqrt(rows.sum(axis=1, keepdims=True))
    axes = np.linalg.svd(rows, full_matrices=False)[2][:2]  # the two that a taste world has
    np.testing.assert_allclose(axes @ found.items @ found.items.T, axes, atol=0.05)


def test_nmf_mixtures_agree_with_scikit_learn():
    from sklearn.decomposition import non_negative_factorization

    found = maps_of(NMF).source
    theirs, _, _ = non_negative_factorization(
        PAIR.source.toarray(),
        H=found.items.T,
        update_H=False,
        init="custom",
        n_components=6,
        W=None,
        max_iter=2000,
        tol=1e-8,
    )
    ours = found.users(PAIR.source)
    assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] > 0.95


def test_lda_mixtures_agree_with_scikit_learn():
    from sklearn.decomposition import LatentDirichletAllocation

    theirs = LatentDirichletAllocation(6, max_iter=5, random_state=0).fit(PAIR.source)
    counts = theirs.components_
    table = np.exp(digamma(counts) - digamma(counts.sum(axis=1, keepdims=True))).T
    found = Topics(counts.T.astype(np.float32), table.astype(np.float32))
    lengths = PAIR.source_history[:, None]
    ours = (found.users(PAIR.source) * lengths + 1 / 6) / (lengths + 1)  # with the prior's counts
    apart = np.abs(ours - theirs.transform(PAIR.source))
    assert np.quantile(apart, 0.95) < 0.001  # a few users stand between two topics


@pytest.mark.parametrize("features", FEATURES)
def test_parts_and_reasons_are_exact_whatever_the_features(features):
    model = build("feature_map", {"features": features, "factors": 6})
    list(model.fit_epochs(PAIR, 1))
    scores = model.score(EVERYBODY)
    assert scores.own is None
    for user, item in ((3, 4), (158, 0)):
        why = model.explain(PAIR.source[[user]], PAIR.target[[user]], item)
        assert np.isclose(why.source_amounts.sum(), scores.source[user, item], atol=1e-4)
        assert np.isclose(why.target_amounts.sum(), scores.target[user, item], atol=1e-4)


@pytest.mark.parametrize("features", FEATURES)
def test_every_kind_of_features_serves_cold_users(features):
    model = build("feature_map", {"features": features, "factors": 6, "regularization": 10.0})
    list(model.fit_epochs(PAIR, 1))
    assert hits(model) > 0.9
    model.weights = (np.zeros_like(model.weights[0]), model.weights[1])  # without the way across
    assert hits(model) < 0.7


def hits(model) -> float:
    """Share of the cold users' first five items that they like; chance is one half."""
    cold = PAIR.cold_users
    top = np.argsort(-model.score(cold).own_scores(), axis=1, kind="stable")[:, :5]
    return float(np.take_along_axis(WORLD.liked[cold], top, 1).mean())


def test_only_implicit_als_learns_in_several_steps():
    for kind in (ALS, PCA, LDA):
        steps = list(map_steps(kind, PAIR.source, MapOptions(4, 3), np.random.default_rng(0)))
        assert [total for total, _ in steps] == ([3, 3, 3] if kind == ALS else [1])
