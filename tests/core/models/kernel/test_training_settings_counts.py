"""Models that may learn from how often something was done: figures worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from core.basics.errors import RunError
from core.data.snapshot import RatingFacts
from core.models.kernel.training_settings import LOG, ONES, SETTING, SQRT, counts_words, weighted
from core.models.protocol import PairSizes
from core.models.readiness import check_readiness, readiness
from core.models.registry import CARDS, build, card_of
from tests.worlds import pair_of, twin_tastes

TAKING = ["popularity", "item_knn", "ease", "edlae", "cmf_als"]
COUNTS = np.array([[1, 3, 0], [7, 0, 1], [0, 1, 15]])
RATED, COUNTED = (RatingFacts(None, None, 0.0, counted=one) for one in (False, True))


def counted(table: np.ndarray) -> csr_matrix:
    return csr_matrix(table.astype(np.float32))


def counted_world(highest: int = 200):
    """The planted world with random counts beside its ones."""
    pair, rng = twin_tastes().pair, np.random.default_rng(3)

    def some(ones):
        counts = ones.copy()
        counts.data = rng.integers(1, highest + 1, ones.nnz).astype(np.float32)
        return counts

    return replace(pair, source_counts=some(pair.source), target_counts=some(pair.target))


def fitted(name, pair, **settings):
    model = build(name, settings)
    for _ in model.fit_epochs(pair, 5):
        pass
    return model


def test_the_logarithm_and_the_square_root_leave_a_count_of_1_as_it_is():
    pair = replace(pair_of(np.ones((3, 3)), COUNTS > 0), target_counts=counted(COUNTS))
    by_log, by_root = (weighted(pair, how) for how in (LOG, SQRT))
    np.testing.assert_allclose(by_log.target.toarray(), [[1, 2, 0], [3, 0, 1], [0, 1, 4]])
    roots = [[1, 3**0.5, 0], [7**0.5, 0, 1], [0, 1, 15**0.5]]
    np.testing.assert_allclose(by_root.target.toarray(), roots, rtol=1e-6)
    np.testing.assert_array_equal(by_log.source.toarray(), 1)  # a domain without counts
    assert weighted(pair, ONES) is pair
    assert by_log.target.dtype == np.float32
    np.testing.assert_array_equal(pair.target.data, 1)


def test_popularity_adds_up_what_interactions_weigh():
    pair = replace(pair_of(np.ones((3, 1)), COUNTS > 0), target_counts=counted(COUNTS))
    assert fitted("popularity", pair).counts.tolist() == [2, 2, 2]
    assert fitted("popularity", weighted(pair, LOG)).counts.tolist() == [4, 3, 5]


def test_likeness_is_the_cosine_of_what_interactions_weigh():
    pair = replace(pair_of(np.ones((3, 1)), COUNTS > 0), target_counts=counted(COUNTS))
    model = fitted("item_knn", weighted(pair, LOG), shrinkage=2.0, neighbours=10)
    weights = model.form.weights.toarray()[1:]  # target items alone
    x = np.array([[1, 2, 0], [3, 0, 1], [0, 1, 4]], dtype=float)
    norms = np.linalg.norm(x, axis=0)
    expected = (x.T @ x) / (np.outer(norms, norms) + 2.0)
    np.fill_diagonal(expected, 0.0)
    np.testing.assert_allclose(weights, expected, rtol=1e-5)


@pytest.mark.parametrize("solver", ["primal", "dual"])
@pytest.mark.parametrize("name", ["ease", "edlae"])
def test_ease_predicts_weighed_interactions_from_weighed_histories(name, solver):
    train = weighted(counted_world(), SQRT)
    model = fitted(name, train, solver=solver, regularization=50.0, source_weight=0.5)
    x = np.hstack([0.5 * train.source.toarray(), train.target.toarray()]).astype(np.float64)
    squares = (x**2).sum(axis=0)
    ridge = 50.0 + (0.25 * squares if name == "edlae" else 0.0)
    inverse = np.linalg.inv(x.T @ x + np.diag(np.broadcast_to(ridge, x.shape[1])))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0.0)
    expected = (x @ weights)[:, train.source.shape[1] :]
    said = model.score(np.arange(len(x))).own_scores()
    np.testing.assert_allclose(said, expected, rtol=2e-3, atol=2e-3)


def test_a_count_is_the_confidence_of_an_interaction_in_collective_ials():
    """Hu et al. 2008, eq. 4, with the weight of silence apart, written out for one user."""
    train = weighted(counted_world(), LOG)
    model = fitted("cmf_als", train, factors=6, epochs=2)
    user = int(np.flatnonzero(train.shared)[0])
    rows = train.source[[user]], train.target[[user]]
    weight = model.settings.source_loss_weight
    left, right = np.zeros((6, 6)), np.zeros(6)
    for row, items, penalty, share in (
        (rows[0], model.source_items, model.in_source, weight),
        (rows[1], model.target_items, model.in_target, 1.0),
    ):
        vectors = items[row.indices].astype(np.float64)
        confidence = row.data.astype(np.float64)
        left += share * (penalty.cell_weight * items.T @ items)
        ridge = penalty.regularization * (confidence.sum() + penalty.cell_weight * len(items))
        left += share * ((vectors.T * confidence) @ vectors + ridge * np.eye(6))
        right += share * (vectors.T @ confidence)
    expected = np.linalg.solve(left, right) @ model.target_items.T
    said = model.score(np.array([user])).own_scores()[0]
    np.testing.assert_allclose(said, expected, rtol=1e-3, atol=1e-4)
    cells = (train.target_history > 0).sum() * train.target.shape[1]
    confidences = float(train.target.data.sum())
    assert model.in_target.cell_weight == pytest.approx(5.0 * confidences / cells)


@pytest.mark.parametrize("name", TAKING)
@pytest.mark.parametrize("how", [LOG, SQRT])
def test_counts_of_1_change_nothing(name, how):
    pair = counted_world(highest=1)
    ours, plain = fitted(name, weighted(pair, how)), fitted(name, pair)
    users = np.arange(len(pair.users))
    np.testing.assert_array_equal(ours.score(users).own_scores(), plain.score(users).own_scores())


@pytest.mark.parametrize("name", TAKING)
@pytest.mark.parametrize("how", [LOG, SQRT])
class TestThePromiseWithCounts:
    def test_it_learns_something_else(self, name, how):
        pair, users = counted_world(), np.arange(40)
        ours, plain = fitted(name, weighted(pair, how)), fitted(name, pair)
        assert not np.allclose(ours.score(users).own_scores(), plain.score(users).own_scores())

    def test_fold_in_of_a_weighed_history_is_the_users_score(self, name, how):
        train = weighted(counted_world(), how)
        model, users = fitted(name, train), np.arange(len(train.users))
        folded = model.fold_in(train.source, train.target)
        np.testing.assert_allclose(
            folded.own_scores(), model.score(users).own_scores(), rtol=1e-5, atol=1e-5
        )
        ones = model.fold_in(train.source > 0, train.target > 0)  # nobody said how often
        assert np.isfinite(ones.source).all()

    def test_amounts_add_up_to_both_parts(self, name, how):
        train = weighted(counted_world(), how)
        model = fitted(name, train)
        for user in (0, 5, int(train.cold_users[0])):
            said = model.score(np.array([user]))
            why = model.explain(train.source[[user]], train.target[[user]], 3)
            assert why.source_amounts.sum() == pytest.approx(float(said.source[0, 3]), abs=1e-3)
            assert why.target_amounts.sum() == pytest.approx(float(said.target[0, 3]), abs=1e-3)

    def test_a_state_brings_it_back(self, name, how):
        train = weighted(counted_world(), how)
        model, again = fitted(name, train), build(name)
        again.restore(train, model.state())
        users = np.arange(30)
        np.testing.assert_array_equal(
            again.score(users).own_scores(), model.score(users).own_scores()
        )

    def test_its_twin_learns_from_the_targets_counts_alone(self, name, how):
        train = weighted(counted_world(), how).target_only()
        said = fitted(name, train).score(np.arange(20))
        assert not said.source.any()


def test_cards_say_what_they_take():
    taking = [name for name, card in CARDS.items() if hasattr(card.settings, SETTING)]
    assert taking == TAKING
    assert counts_words(card_of("ridge").settings) == "counts as ones"
    assert "logarithm" in counts_words(card_of("ease").settings)
    for name in TAKING:
        (info,) = (one for one in card_of(name).settings.infos() if one.name == SETTING)
        assert (info.default, info.choices) == (ONES, (ONES, LOG, SQRT))


@pytest.mark.parametrize("name", TAKING)
def test_a_split_without_counts_is_refused_in_two_sentences(name):
    card, pair = card_of(name), twin_tastes().pair
    settings = card.settings.of({SETTING: LOG})
    with pytest.raises(
        RunError, match=r"no row of this split has one\. Set counts to ones"
    ) as said:
        check_readiness(card, pair, settings, None, RATED)
    assert "told to learn from counts" in said.value.what
    check_readiness(card, pair, settings, None, COUNTED)
    check_readiness(card, pair, card.settings(), None, RATED)
    assert readiness(card, PairSizes.of(pair), 500, ratings=RATED).light == "green"
