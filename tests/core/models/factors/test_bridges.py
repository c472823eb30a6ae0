"""Embedding mapping: the bridge is what serves cold users, and what it claims is measured."""

from __future__ import annotations

import numpy as np
import pytest

from core.models.factors.domain_maps import held_out, mapping_findings
from core.models.registry import build
from tests.worlds import World, pair_of

N_COLD = 40


def four_tastes(flipped_by_mark: bool = False) -> World:
    """Four groups of users; a group's taste has another number in the target than in the source.

    flipped_by_mark: half of the users also took marks in the source, and these users like what the
    opposite group likes: nothing that is linear in a history can know that.
    """
    rng = np.random.default_rng(0)
    n, n_source, n_target = 400, 64, 40
    group, marked = np.arange(n) % 4, np.arange(n) // 4 % 2
    wanted = (3 * group + 1) % 4
    if flipped_by_mark:
        wanted = (wanted + 2 * marked) % 4
    source = np.zeros((n, n_source + 8))
    liked = wanted[:, None] == np.arange(n_target)[None, :] % 4
    target = np.zeros((n, n_target))
    for user in range(n):
        source[user, rng.choice(np.arange(group[user], n_source, 4), 8, replace=False)] = 1
        if flipped_by_mark:
            source[user, n_source + 4 * marked[user] + np.arange(4)] = 1
        target[user, rng.choice(np.flatnonzero(liked[user]), 6, replace=False)] = 1
    target[n - N_COLD :] = 0
    return World(pair_of(source, target), liked)


PLAIN, FLIPPED = four_tastes(), four_tastes(flipped_by_mark=True)
SETTINGS = {
    "linear_map": {"factors": 8},
    "emcdr": {"factors": 8, "epochs": 30},
    "ptupcdr": {"factors": 8, "epochs": 10},
}


def fitted(name: str, world: World, **more):
    model = build(name, SETTINGS[name] | more)
    list(model.fit_epochs(world.pair, 3))
    return model


def hits(model, world: World) -> float:
    """Share of the cold users' first five items that they like; chance is a quarter."""
    cold = world.pair.cold_users
    top = np.argsort(-model.score(cold).own_scores(), axis=1, kind="stable")[:, :5]
    return float(np.take_along_axis(world.liked[cold], top, 1).mean())


@pytest.mark.parametrize("factors_from", ["als", "bpr", "lightgcn", "pca"])
def test_any_factors_can_be_mapped(factors_from):
    assert hits(fitted("linear_map", PLAIN, factors_from=factors_from), PLAIN) > 0.95


@pytest.mark.parametrize("name", SETTINGS)
def test_cold_users_are_served_and_without_the_map_they_are_not(name):
    model = fitted(name, PLAIN)
    assert hits(model, PLAIN) > 0.95
    if name == "linear_map":
        model.bridge = np.eye(8, dtype=np.float32)
    else:
        model.network.bridge.mapped = lambda weights, vectors, rows, items: vectors
    assert hits(model, PLAIN) < 0.7


def test_warm_users_keep_their_own_vector():
    model = fitted("emcdr", PLAIN)
    warm = np.flatnonzero(PLAIN.pair.shared)[:20]
    scores = model.score(warm)
    np.testing.assert_array_equal(scores.own, scores.target)
    assert not np.allclose(scores.own, scores.source)


@pytest.mark.parametrize("loss", ["task", "mapping"])
def test_a_bridge_of_ones_own_knows_what_no_shared_linear_map_can(loss):
    model = fitted("ptupcdr", FLIPPED, epochs=40, learning_rate=0.01, loss=loss)
    assert hits(model, FLIPPED) > 0.9
    assert hits(fitted("linear_map", FLIPPED), FLIPPED) < 0.7
    model.weights["bridge.weight"] = np.zeros_like(model.weights["bridge.weight"])
    assert hits(model, FLIPPED) < 0.7


def test_a_layered_map_knows_what_no_linear_map_can():
    assert hits(fitted("emcdr", FLIPPED, epochs=60), FLIPPED) > 0.9


def test_attention_reads_some_items_more_than_others():
    model = fitted("ptupcdr", FLIPPED, epochs=40, learning_rate=0.01)
    maps = model.network._maps(model.weights).source
    rows = FLIPPED.pair.source
    character = model.network.bridge.character(model.weights, rows, maps.items)
    means = rows @ maps.items / FLIPPED.pair.source_history[:, None]
    assert character.shape == means.shape
    assert np.abs(character - means).max() > 0.01


def test_source_items_are_explained_by_what_the_part_loses_without_them():
    model = fitted("emcdr", PLAIN)
    pair = PLAIN.pair
    why = model.explain(pair.source[[5]], pair.target[[5]], 7)
    without = pair.source[[5]].copy()
    without.data[2] = 0
    without.eliminate_zeros()
    whole, less = (
        model.fold_in(rows, pair.target[[5]]).source[0, 7] for rows in (pair.source[[5]], without)
    )
    assert np.isclose(why.source_amounts[2], whole - less, atol=1e-5)
    part = model.score(np.array([5])).target[0, 7]
    assert np.isclose(why.target_amounts.sum(), part, atol=1e-5)


def test_findings_of_an_exact_map_and_of_a_map_to_the_average():
    true = np.array([[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]])
    exact = {one.title: one.value for one in mapping_findings(true, true, np.zeros(2))}
    assert exact == {
        "Mapping error, cosine": pytest.approx(0),
        "Mapping error, relative L2": 0.0,
        "Mapping R²": 1.0,
        "Retrieval MRR": 1.0,
    }
    average = true.mean(axis=0)
    flat = mapping_findings(np.tile(average, (3, 1)), true, average)
    found = {one.title: one.value for one in flat}
    assert found["Mapping R²"] == pytest.approx(0)
    # cosines of (2/3, 1) with the three: .555, .832, .981, so ranks are 3, 2 and 1
    assert found["Retrieval MRR"] == pytest.approx((1 / 3 + 1 / 2 + 1) / 3)


@pytest.mark.parametrize("name", SETTINGS)
def test_a_map_is_judged_on_users_it_was_not_learned_on(name):
    found = {one.title: one for one in fitted(name, PLAIN).findings()}
    assert "on 36 shared users" in found["Retrieval MRR"].help
    assert found["Mapping error, cosine"].value < 0.3
    rng = np.random.default_rng(1)
    warm = np.flatnonzero(PLAIN.pair.shared)
    target = PLAIN.pair.target.toarray()
    target[warm] = target[rng.permutation(warm)]  # nothing crosses: a memory could still fit it
    lost = World(pair_of(PLAIN.pair.source.toarray(), target), PLAIN.liked)
    nothing = {one.title: one.value for one in fitted(name, lost).findings()}
    assert nothing["Mapping error, cosine"] > found["Mapping error, cosine"].value + 0.1
    assert nothing["Mapping R²"] < 0.1


def test_a_tenth_of_the_shared_users_is_held_out_always_the_same():
    shared = np.arange(200) % 2 == 0
    judged = held_out(shared)
    assert judged.sum() == 10
    assert not judged[~shared].any()
    np.testing.assert_array_equal(judged, held_out(shared))
    assert not held_out(shared[:12]).any()
