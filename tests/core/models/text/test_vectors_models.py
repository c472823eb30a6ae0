"""Models on uploaded vectors in place of titles: what is found, lost by a shuffle, and promised."""

from dataclasses import replace

import numpy as np
import pytest

from core.basics.errors import SettingsError
from core.models.protocol import PairSizes
from core.models.registry import build, card_of
from core.models.text.vectors import ALONE, BESIDE, NOT_USED
from tests.core.models.test_protocol import EVERYBODY, ndcg_at_5, same_scores
from tests.core.models.text.test_features_models import NETWORKS, WORLD, fitted, found_new
from tests.worlds import pictured

WORLD_OF_PICTURES = pictured(WORLD.pair)
QUICK = {name: NETWORKS[name] for name in ("text_tower", "text_fusion")}
MODELS = ["text_profile", "text_neighbours", *QUICK]
ADDITIVE = ["text_profile", "text_neighbours", "text_ridge"]


def shuffled(pair):
    rng = np.random.default_rng(1)
    sides = (pair.source_features, pair.target_features)
    mixed = [replace(side, vectors=rng.permutation(side.vectors)) for side in sides]
    return replace(pair, source_features=mixed[0], target_features=mixed[1])


def pictured_model(name, **more):
    return fitted(name, WORLD_OF_PICTURES, vectors=ALONE, **QUICK.get(name, {}), **more)


@pytest.mark.parametrize("name", MODELS)
def test_items_nobody_took_are_found_by_their_vector_and_not_by_a_shuffled_one(name):
    settings = {"vectors": ALONE} | QUICK.get(name, {})
    assert found_new(WORLD_OF_PICTURES, name, **settings) > 0.95
    assert found_new(shuffled(WORLD_OF_PICTURES), name, **settings) < 0.75


@pytest.mark.parametrize("name", ["text_profile", "text_neighbours"])
def test_beside_texts_that_say_nothing_vectors_are_heard_and_unused_they_are_not(name):
    same = np.full(40, "thing", dtype=object)
    sides = {
        "source_features": replace(
            WORLD_OF_PICTURES.source_features, titles=np.full(60, "thing", dtype=object)
        ),
        "target_features": replace(WORLD_OF_PICTURES.target_features, titles=same),
    }
    pair = replace(WORLD_OF_PICTURES, **sides)
    assert found_new(pair, name, vectors=BESIDE) > 0.95
    assert found_new(pair, name, vectors=NOT_USED) < 0.6


def test_words_count_nothing_where_vectors_stand_alone():
    titled = pictured(WORLD.pair, titled=True)
    models = [
        fitted("text_neighbours", pair, vectors=ALONE) for pair in (titled, WORLD_OF_PICTURES)
    ]
    ours, theirs = (model.score(EVERYBODY).own_scores() for model in models)
    np.testing.assert_array_equal(ours, theirs)


def test_popularity_is_told_from_the_vector():
    """Even items are taken most; a new even one is expected to be, too."""
    target = WORLD.pair.target.toarray()
    target[:, 1::2] *= np.random.default_rng(0).random((len(target), 20)) < 0.2
    target[:, [4, 5]] = 0
    pair = replace(WORLD_OF_PICTURES, target=type(WORLD.pair.target)(target))
    counts = fitted("text_popularity", pair, vectors=ALONE).counts
    assert counts[4] > counts[5] + 0.3
    without_source = replace(pair, source_features=replace(pair.source_features, vectors=None))
    np.testing.assert_array_equal(
        fitted("text_popularity", without_source, vectors=ALONE).counts, counts
    )
    with pytest.raises(SettingsError, match="target has none"):
        fitted("text_popularity", WORLD.pair, vectors=ALONE)


@pytest.mark.parametrize("name", [*ADDITIVE, *QUICK])
def test_source_vectors_alone_serve_cold_users(name):
    cold = WORLD.pair.cold_users
    scores = pictured_model(name).score(cold)
    assert scores.has_source.all()
    assert ndcg_at_5(scores.source, WORLD.liked[cold]) > 0.95


@pytest.mark.parametrize("name", [*ADDITIVE, *QUICK])
def test_what_is_kept_answers_alike_without_the_vectors(name):
    model = pictured_model(name)
    again = build(name, {"vectors": ALONE} | QUICK.get(name, {}))
    again.restore(WORLD.pair, {key: value.copy() for key, value in model.state().items()})
    same_scores(again.score(EVERYBODY), model.score(EVERYBODY))
    rows = WORLD.pair.source[:3], WORLD.pair.target[:3]
    same_scores(again.fold_in(*rows), model.score(np.arange(3)), tolerance=1e-5)


@pytest.mark.parametrize("name", ADDITIVE)
def test_contributions_of_vectors_sum_to_the_score(name):
    model, pair = pictured_model(name), WORLD_OF_PICTURES
    scores = model.score(np.array([4]))
    why = model.explain(pair.source[[4]], pair.target[[4]], 7)
    assert np.isclose(why.source_amounts.sum(), scores.source[0, 7], atol=1e-4)
    assert np.isclose(why.target_amounts.sum(), scores.target[0, 7], atol=1e-4)


@pytest.mark.parametrize("name", [*ADDITIVE, *QUICK])
def test_a_twin_of_vectors_says_nothing_from_the_source(name):
    settings = {"vectors": ALONE} | QUICK.get(name, {})
    scores = fitted(name, WORLD_OF_PICTURES.target_only(), **settings).score(EVERYBODY)
    assert not scores.source.any()
    assert scores.target.any()


def test_wide_vectors_are_part_of_the_memory_a_run_needs():
    card, sizes = card_of("text_profile"), PairSizes(100, 10_000, 10_000, 100, 100)
    wide = replace(sizes, vector_width=4096)
    read = card.settings.of({"vectors": ALONE})
    assert card.memory(wide, read) - card.memory(sizes, read) == 2 * 4 * 4096 * 30_000
    assert card.memory(wide, card.settings()) == card.memory(sizes, card.settings())
    assert PairSizes.of(WORLD_OF_PICTURES).vector_width == 6
