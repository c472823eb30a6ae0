"""The encoder learns: stages and deltas, pairs worked by hand, and what is kept."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from core.basics.errors import RunError
from core.models.registry import build
from core.models.text.encoders import DEFAULT
from core.models.text.features import TextSettings, domain_vectors
from core.models.text.fine_tuned import base_of
from core.models.text.items import through_ridge
from core.models.text.tuning import (
    TUNED,
    Narrow,
    Readable,
    base_weights,
    few_of,
    first_deltas,
    info_nce,
    left_out,
    pair_batches,
    share_in_batch,
    tuned_weights,
)
from core.models.text.vectors import text_vectors
from core.runs.making.texts import RunEncoder
from tests.worlds import twin_tastes

WORLD = twin_tastes()
TEXTS = ["The old man and the sea", "", "Solar system for beginners", "太阳系入门"]


def fitted(**settings):
    model = build("fine_tuned", {"epochs": 2, "source_epochs": 1, "factors": 8} | settings, "cpu")
    list(model.fit_epochs(WORLD.pair, 3))
    return model


def deltas_of(model, stage):
    return {name: table for name, table in model.state().items() if f"{stage}.delta" in name}


@pytest.mark.parametrize("tuned", [None, *TUNED])
def test_an_encoder_nothing_was_added_to_reads_as_it_always_did(tuned):
    """The texts above among others, and nothing of the one that is empty."""
    rng = np.random.default_rng(0)
    weights = base_weights() | (first_deltas("target", tuned, 4, rng) if tuned else {})
    theta = tuned_weights(weights, ("target",), 0.1)
    found = Readable(TEXTS, tuned, None).all_encoded(theta)
    np.testing.assert_allclose(found, text_vectors(TEXTS, DEFAULT), atol=2e-6)
    assert not found[1].any()


@pytest.mark.parametrize("tuned", TUNED)
def test_the_target_learns_on_top_of_what_the_source_taught(tuned):
    """theta_target = theta_source + delta: the second stage leaves the first one's delta alone."""
    first, both = fitted(tuned=tuned, epochs=1), fitted(tuned=tuned)
    assert any(table.any() for table in deltas_of(first, "source").values())
    for name, table in deltas_of(first, "source").items():
        np.testing.assert_array_equal(both.state()[name], table)
    moved = {name for name, table in deltas_of(both, "target").items() if table.any()}
    assert any("deep2" in name for name in moved)
    below = {name for name in moved if "project" in name or "first" in name}
    assert bool(below) == (tuned == "all")


def test_a_frozen_encoder_adds_nothing_and_its_head_learns():
    model = fitted(freeze=True)
    assert not deltas_of(model, "source")
    assert not deltas_of(model, "target")
    again = fitted(freeze=True, epochs=1)
    assert not np.array_equal(model.state()["head"], again.state()["head"])


def test_what_is_asked_stands_between_the_encoder_as_it_came_and_as_it_was_tuned():
    none, half, whole = (fitted(share=share).state() for share in (0.0, 0.5, 1.0))
    source, target = through_ridge(*domain_vectors(WORLD.pair, TextSettings()), 100.0)
    same = fitted(freeze=True, share=0.0, factors=512).state()
    np.testing.assert_allclose(same["target.items"], target, atol=2e-4)
    np.testing.assert_allclose(same["source.items"], source, atol=2e-4)
    ways = [(state["target.items"] * none["target.items"]).sum(axis=1) for state in (half, whole)]
    assert ways[1].mean() < ways[0].mean() < 1 - 1e-4
    np.testing.assert_array_equal(half["head"], whole["head"])  # training is the same


def test_zero_shot_never_looks_at_the_target():
    model = fitted(zero_shot=True, epochs=3)
    assert not any(table.any() for name, table in deltas_of(model, "target").items())
    twin = build("fine_tuned", {"zero_shot": True, "epochs": 1, "factors": 8}, "cpu")
    list(twin.fit_epochs(WORLD.pair.target_only(), 3))
    assert any(table.any() for table in deltas_of(twin, "target").values())


def test_what_is_kept_holds_no_encoder():
    """It comes with the app; only what was added to it is a run's own."""
    names = set(fitted().state())
    assert not any(name.startswith("fixed.encoder") for name in names)
    assert {"source.items", "target.items", "head"} <= names


def test_the_encoder_below_is_the_packages_own():
    weights = base_weights()
    assert base_of(weights)["deep0"] is weights["fixed.encoder.deep0"]


def test_a_history_without_one_item_says_what_the_rest_and_the_other_domain_say():
    rows = csr_matrix(np.array([[1, 1, 1], [0, 0, 1]], dtype=np.float32))
    alike = np.array([[1, 0.5, 0], [0.5, 1, 0.2], [0, 0.2, 1]], dtype=np.float32)
    beside = np.array([[0, 0, 0], [5, 0, 0]], dtype=np.float32)
    scores, users, places = left_out(Narrow.of(rows), alike, beside)
    assert list(zip(users, places, strict=True)) == [(0, 0), (0, 1), (0, 2), (1, 2)]
    rest = [[0.5, 1.2, 1.2], [1, 0.7, 1], [1.5, 1.5, 0.2], [5, 0, 0]]
    np.testing.assert_allclose(scores, rest, atol=1e-6)


def test_a_pair_with_nothing_left_to_read_is_dropped():
    rows = csr_matrix(np.eye(2, dtype=np.float32))
    alike, beside = np.ones((2, 2), np.float32), np.zeros((2, 2), np.float32)
    assert not len(left_out(Narrow.of(rows), alike, beside)[1])


def test_a_score_is_the_sum_of_powers_of_cosines_over_both_histories():
    """Also where only some items are asked for, and as the reasons tell it."""
    model = fitted(power=3.0, source_weight=0.5)
    source, target = WORLD.pair.source[[4]], WORLD.pair.target[[4]]
    items = {domain: model.state()[f"{domain}.items"] for domain in ("source", "target")}
    wanted = items["target"][7]
    ours, theirs = (
        np.maximum(items[domain][row.indices] @ wanted, 0) ** 3
        for domain, row in (("source", source), ("target", target))
    )
    scores = model.fold_in(source, target)
    assert scores.source[0, 7] == pytest.approx(0.5 * ours.sum(), rel=1e-4)
    assert scores.target[0, 7] == pytest.approx(theirs.sum(), rel=1e-4)
    assert scores.own_scores()[0, 7] == pytest.approx(0.5 * ours.sum() + theirs.sum(), rel=1e-4)
    reasons = model.explain(source, target, 7)
    np.testing.assert_allclose(reasons.target_amounts, theirs, rtol=1e-4)


def test_a_run_of_an_older_version_says_to_train_it_again():
    """Recommendations said that the page met a problem it does not know."""
    old = {"source.read": np.ones((60, 8)), "target.found": np.ones((40, 8))}
    model = build("fine_tuned", {}, "cpu")
    model.restore(WORLD.pair, old)
    asked = (
        lambda: model.score(np.arange(2)),
        lambda: model.explain(WORLD.pair.source[[0]], WORLD.pair.target[[0]], 3),
        model.vectors,
    )
    for ask in asked:
        with pytest.raises(RunError, match="older version"):
            ask()


def test_a_history_without_a_text_says_nothing_of_its_user():
    """Cold users of a source without titles saw items in no order at all, not popular ones."""
    features = WORLD.pair.source_features
    silent = np.full(len(features.titles), "", dtype=object)
    pair = replace(WORLD.pair, source_features=replace(features, titles=silent))
    model = build("fine_tuned", {"epochs": 1, "source_epochs": 0, "factors": 8}, "cpu")
    list(model.fit_epochs(pair, 3))
    for scores in (model.score(pair.cold_users), model.score_own(pair.cold_users)):
        assert not scores.has_evidence.any()
    filled = model.score(pair.cold_users[:1]).filled(pair.popularity)
    assert np.argmax(filled.own_scores()[0]) == np.argmax(pair.popularity)


def test_a_frozen_encoder_starts_as_a_sum_over_the_texts_behind_the_ridge():
    pair = WORLD.pair
    model = fitted(freeze=True, learning_rate=1e-6, factors=512, epochs=1)
    source, target = through_ridge(*domain_vectors(pair, TextSettings()), 100.0)
    np.testing.assert_allclose(model.state()["target.items"], target, atol=2e-3)
    np.testing.assert_allclose(model.state()["source.items"], source, atol=2e-3)


def test_info_nce_leaves_out_what_else_the_user_took():
    """Item 0 against item 2 alone: item 1 was taken too. -log(e^1 / (e^1 + e^0))."""
    import torch

    rows = csr_matrix(np.array([[1, 1, 0]], dtype=np.float32))
    logits = torch.tensor([[1.0, 9.0, 0.0]])
    loss = info_nce(logits, rows, np.array([0]), np.array([0]))
    assert float(loss) == pytest.approx(-np.log(np.e / (np.e + 1)), rel=1e-6)


def test_the_share_of_batches_an_item_is_in_grows_with_its_popularity_up_to_all():
    shares = share_in_batch(np.array([0.0, 1.0, 99.0], dtype=np.float32), 10)
    np.testing.assert_allclose(shares, [1e-9, 1 - np.exp(-0.1), 1 - np.exp(-9.9)], rtol=1e-5)


def test_few_of_keeps_at_most_so_many_of_each_row_and_all_of_short_ones():
    rows = csr_matrix(np.array([[1, 1, 1, 1], [0, 1, 0, 0], [0, 0, 0, 0]], dtype=np.float32))
    found = few_of(rows, 2, np.random.default_rng(0)).toarray()
    np.testing.assert_array_equal(found.sum(axis=1), [2, 1, 0])
    assert found[1, 1] == 1


def test_an_epoch_ends_with_the_batch_that_brings_enough_pairs():
    asked = {"size": 10, "most": 4, "n_pairs": 50}
    rng = np.random.default_rng(0)
    batches = list(pair_batches(WORLD.pair, rng, 1, from_source=True, **asked))
    assert [batch.source_shown.nnz for batch in batches] == [40, 40]
    assert not any(batch.target_shown.nnz for batch in batches)


def test_words_count_as_an_item_of_the_same_text_in_the_target_history():
    """Asked by the run's own encoder: title 2 in words adds what item 2 adds in a history."""
    for settings in ({}, {"tuned": "all"}, {"freeze": True}, {"tuned": "low rank"}):
        model = fitted(**settings)
        title = WORLD.pair.target_features.titles[2]
        encoded = RunEncoder(model.settings, model.state()).encode([title])
        source, target = WORLD.pair.source[[4]], csr_matrix(WORLD.pair.target[[4]])
        assert 2 not in target.indices
        more = target.copy().tolil()
        more[0, 2] = 1.0
        by_words = model.fold_in_words(model.words_as_items(encoded)[1], source, target)
        by_item = model.fold_in(source, csr_matrix(more, dtype=np.float32))
        np.testing.assert_allclose(by_words.own_scores(), by_item.own_scores(), atol=2e-4)
        np.testing.assert_array_equal(by_words.source, by_item.source)
        assert by_words.has_target.all()


def test_words_that_say_nothing_are_no_evidence():
    model = fitted()
    source, target = WORLD.pair.source[[4]] * 0, WORLD.pair.target[[4]] * 0
    said = model.fold_in_words(np.zeros((1, 8), dtype=np.float32), source, target)
    assert not said.has_evidence.any()


def test_an_item_without_text_is_near_nothing():
    """Away from the centre of the others it would stand somewhere."""
    features = WORLD.pair.target_features
    titles = ["" if item % 5 == 0 else title for item, title in enumerate(features.titles)]
    pair = replace(WORLD.pair, target_features=replace(features, titles=titles))
    model = build("fine_tuned", {"epochs": 1, "source_epochs": 0, "factors": 8}, "cpu")
    list(model.fit_epochs(pair, 3))
    items = model.state()["target.items"]
    assert not items[::5].any()
    assert np.abs(items[1::5]).sum(axis=1).all()


def test_the_layer_above_a_frozen_encoder_is_asked_too():
    """Part of the way from where it began, as far as the share says."""
    began, learned = (fitted(freeze=True, share=share).state() for share in (0.0, 1.0))
    assert np.abs(began["target.items"] - learned["target.items"]).max() > 1e-3


def test_what_an_older_version_kept_cannot_be_asked_in_words():
    model = fitted()
    assert model.hears
    state = {name: table for name, table in model.state().items() if name != "fixed.head"}
    older = build("fine_tuned", model.settings.to_dict(), "cpu")
    older.restore(WORLD.pair, state)
    assert not older.hears
    np.testing.assert_array_equal(
        older.score(np.arange(3)).target, model.score(np.arange(3)).target
    )
