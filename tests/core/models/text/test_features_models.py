"""Models that read titles: worked by hand, and what is lost without the text."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from core.models.registry import build
from core.models.text.encoders import tf_idf
from core.models.text.features import centred_vectors, domain_vectors
from core.models.text.items import through_ridge
from tests.worlds import described, twin_tastes

WORLD = twin_tastes()
NEW = np.arange(0, 40, 5)  # target items of either kind that nobody took in training


def fitted(name, pair, **settings):
    model = build(name, settings)
    list(model.fit_epochs(pair, 3))
    return model


def without(pair, items):
    """The pair with some target items nobody took."""
    target = pair.target.toarray()
    target[:, items] = 0
    return replace(pair, target=csr_matrix(target))


def found_new(pair, name, **settings):
    """AUC of the new items alone: does a user's liked one stand above one they do not like?"""
    scores = fitted(name, without(pair, NEW), **settings).score(np.arange(130)).own_scores()
    here, liked = scores[:, NEW], WORLD.liked[:130][:, NEW]
    pairs = [
        (here[user][liked[user]][:, None] > here[user][~liked[user]]).mean() for user in range(130)
    ]
    return float(np.mean(pairs))


def shuffled(pair):
    rng = np.random.default_rng(1)
    sides = (pair.source_features, pair.target_features)
    mixed = [replace(side, titles=rng.permutation(side.titles)) for side in sides]
    return replace(pair, source_features=mixed[0], target_features=mixed[1])


NETWORKS = {  # enough for the planted world
    "text_tower": {"epochs": 8, "factors": 16},
    "text_fusion": {"epochs": 10, "factors": 16, "learning_rate": 0.01},
    "fine_tuned": {"epochs": 3, "source_epochs": 1, "factors": 16},
}


@pytest.mark.parametrize("name", ["text_profile", "text_neighbours", *NETWORKS])
def test_items_nobody_took_are_found_by_their_text_and_not_by_a_shuffled_one(name):
    settings = NETWORKS.get(name, {})
    assert found_new(WORLD.pair, name, **settings) > 0.95
    assert found_new(shuffled(WORLD.pair), name, **settings) < 0.75


@pytest.mark.parametrize("name", NETWORKS)
def test_without_a_text_a_network_cannot_tell_new_items_apart(name):
    blank = replace(WORLD.pair.target_features, titles=np.full(40, "", dtype=object))
    pair = replace(WORLD.pair, target_features=blank)
    assert found_new(pair, name, **NETWORKS[name]) < 0.6


@pytest.mark.parametrize("name", ["text_tower", "text_fusion"])
def test_a_network_keeps_its_texts_and_trains_none_of_them(name):
    model = fitted(name, WORLD.pair, **NETWORKS[name] | {"epochs": 2})
    source, target = domain_vectors(WORLD.pair, model.settings)
    np.testing.assert_array_equal(model.state()["fixed.source.text"], source)
    np.testing.assert_array_equal(model.state()["fixed.target.text"], target)


@pytest.mark.parametrize("name", ["text_tower", "text_fusion"])
def test_the_id_of_an_item_nobody_took_says_nothing(name):
    """Its id was drawn at random and never learned."""
    model = fitted(name, without(WORLD.pair, NEW), **NETWORKS[name] | {"epochs": 2})
    before = model.score(np.arange(9)).own_scores()
    model.weights["target.found"] = model.weights["target.found"].copy()
    model.weights["target.found"][NEW] += 7.0
    np.testing.assert_array_equal(model.score(np.arange(9)).own_scores(), before)


@pytest.mark.parametrize("name", ["text_profile", "text_neighbours", "text_ridge", *NETWORKS])
def test_nobody_needs_to_be_shared(name):
    """The source's users are others than the target's: source texts alone serve them."""
    pair = WORLD.pair
    target = pair.target.toarray()
    target[:60] = 0  # these have a source history alone
    source = pair.source.toarray()
    source[60:] = 0
    apart = replace(pair, source=csr_matrix(source), target=csr_matrix(target))
    assert not apart.shared.any()
    scores = fitted(name, apart, **NETWORKS.get(name, {})).score(np.arange(60)).own_scores()
    liked = WORLD.liked[:60]
    assert (scores[liked].mean() - scores[~liked].mean()) / scores.std() > 0.5


def test_a_profile_is_a_plain_cosine_where_the_ridge_is_endless():
    model = fitted("text_profile", WORLD.pair, regularization=1e6, source_weight=1.0)
    source, target = domain_vectors(WORLD.pair, model.settings)
    rows = WORLD.pair.source[[4]] @ source + WORLD.pair.target[[4]] @ target
    expected = rows @ target.T
    np.testing.assert_allclose(
        model.score(np.array([4])).own_scores(), expected, rtol=1e-3, atol=1e-3
    )


def test_a_neighbours_weight_is_its_cosine_to_the_power_and_its_words():
    pair = WORLD.pair
    settings = {"power": 2.0, "word_weight": 0.5, "source_weight": 1.0}
    model = fitted("text_neighbours", pair, regularization=1e6, **settings)
    source, target = domain_vectors(pair, model.settings)
    words = tf_idf(list(pair.source_features.titles), list(pair.target_features.titles))
    cosine = float(source[3] @ target[5])
    expected = max(cosine, 0) ** 2 + 0.5 * float((words[0][3] @ words[1][5].T).toarray()[0, 0])
    assert model.form.towards(5, np.array([3]))[0] == pytest.approx(expected, rel=1e-4)


def test_likeness_is_a_cosine_under_the_ridges_inverse():
    rng = np.random.default_rng(0)
    target, source = (rng.normal(size=(n, 6)).astype(np.float32) for n in (30, 4))
    inner = np.linalg.inv(target.T @ target + 3.0 * np.eye(6))
    ours, theirs = through_ridge(source, target, 3.0)
    plain = source @ inner @ target.T
    lengths = [np.sqrt(np.einsum("id,de,ie->i", rows, inner, rows)) for rows in (source, target)]
    np.testing.assert_allclose(ours @ theirs.T, plain / np.outer(*lengths), rtol=1e-3, atol=1e-4)


def test_an_item_is_no_neighbour_of_itself():
    model = fitted("text_neighbours", WORLD.pair)
    n_source = WORLD.pair.source.shape[1]
    assert model.form.towards(7, np.array([n_source + 7]))[0] == 0


def test_a_ridge_learned_from_target_users_reads_source_texts_too():
    model = fitted("text_ridge", WORLD.pair, learn_from="target users")
    cold = WORLD.pair.cold_users
    scores, liked = model.score(cold).own_scores(), WORLD.liked[cold]
    assert scores[liked].mean() > scores[~liked].mean()


def test_items_without_a_text_have_no_vector_and_do_not_move_the_centre():
    some = described(10, 0)
    titles = some.titles.copy()
    titles[3] = ""
    settings = build("text_profile").settings
    found = centred_vectors(replace(some, titles=titles), settings)
    assert not found[3].any()
    lengths = np.linalg.norm(np.delete(found, 3, axis=0), axis=1)
    np.testing.assert_allclose(lengths, 1.0, rtol=1e-5)


@pytest.mark.parametrize("name", ["text_profile", "text_ridge"])
@pytest.mark.parametrize("taken", [[], [4, 9]])
def test_words_count_as_one_more_text_of_the_target_history(name, taken):
    """An item's own text, said in words, gives what the item in the history gives."""
    model = fitted(name, WORLD.pair)
    said, source = 7, WORLD.pair.source[[3]]
    before, after = (csr_matrix(_row(items)) for items in (taken, [*taken, said]))
    heard = model.fold_in_words(model.target[[said]], source, before)
    had = model.fold_in(source, after)
    np.testing.assert_allclose(heard.source, had.source, atol=1e-5)
    np.testing.assert_allclose(heard.target, had.target, atol=1e-5)
    assert heard.has_target.all()
    assert heard.target.dtype == heard.source.dtype == np.float32


def _row(items):
    row = np.zeros((1, WORLD.pair.target.shape[1]), dtype=np.float32)
    row[0, items] = 1
    return row


@pytest.mark.parametrize("name", ["text_profile", "text_neighbours"])
def test_a_history_whose_items_have_no_text_is_no_evidence(name):
    """Such users got a list in the order of item numbers, which made the twin look too weak."""
    pair = WORLD.pair
    titles = pair.target_features.titles.copy()
    titles[pair.target[[3]].indices] = ""
    some = replace(pair, target_features=replace(pair.target_features, titles=titles))
    scores = fitted(name, some.target_only()).score(np.array([3, 4]))
    assert not scores.has_target[0]
    assert not scores.own_scores()[0].any()
    assert scores.has_target[1]


def test_the_target_part_of_a_text_ridge_is_what_its_twin_says():
    """Its popularity was that of shared users alone, so the lift held more than the source."""
    source = WORLD.pair.source.toarray()
    source[105:130] = 0  # these took target items alone; 105 users are shared
    pair = replace(WORLD.pair, source=csr_matrix(source))
    model, twin = (fitted("text_ridge", of) for of in (pair, pair.target_only()))
    everybody = np.arange(160)
    np.testing.assert_allclose(
        model.score(everybody).target, twin.score(everybody).target, atol=1e-5
    )
