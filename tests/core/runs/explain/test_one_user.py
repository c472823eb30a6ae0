import numpy as np
import pytest
from scipy.sparse import csr_matrix

from core.basics.columns import TEST, VALID
from core.data.snapshot import Split, SplitInfo
from core.fusion.combine import KINDS, PRODUCT, SCALES, Fusion
from core.models.registry import build
from core.runs.explain.one_user import effective_weights, reasons, reordered, user_list
from tests.worlds import twin_tastes

MIXED = Fusion(0.7, 0.4)


@pytest.fixture(scope="module")
def split(tmp_path_factory):
    world = twin_tastes()
    pair = world.pair
    held = csr_matrix(world.liked & ~(pair.target.toarray() > 0)).astype(np.float32)
    info = SplitInfo("books", "films", "random", 0, {}, "0" * 16, "1" * 16, {})
    return Split(
        info, pair, csr_matrix(pair.target.shape, dtype=np.float32), held, tmp_path_factory
    )


@pytest.fixture(scope="module")
def ease(split):
    model = build("ease", {"regularization": 10.0})
    for _ in model.fit_epochs(split.train, 0):
        pass
    return model


def test_the_list_holds_no_training_item_and_marks_exactly_the_held_out_ones(split, ease):
    listed = user_list(ease, split, TEST, 3, Fusion(), 10)
    assert len(listed.items) == 10
    assert not set(listed.items) & set(split.train.target[[3]].indices)
    np.testing.assert_array_equal(listed.hits, np.isin(listed.items, split.test[[3]].indices))
    assert listed.hits.mean() > 0.9  # a planted world


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("user", [3, 159])  # a user of both domains, and a cold one
def test_base_and_both_weighted_parts_sum_to_the_fused_score(split, ease, kind, scale, user):
    listed = user_list(ease, split, TEST, user, Fusion(0.7, 0.4, kind, scale), 10)
    total = listed.base + listed.source_weighted + listed.target_weighted
    np.testing.assert_allclose(total, listed.fused, rtol=1e-4, atol=1e-6)


def test_ranks_of_held_out_items_agree_with_the_list(split, ease):
    listed = user_list(ease, split, TEST, 3, MIXED, 10)
    for item, rank in zip(listed.held_out, listed.held_out_ranks, strict=True):
        assert (rank <= 10) == (item in listed.items)
        if rank <= 10:
            assert listed.items[rank - 1] == item


def test_reasons_sum_to_the_score_with_the_weights_in_them(split, ease):
    listed = user_list(ease, split, TEST, 3, MIXED, 5)
    for place in range(5):
        why = reasons(ease, split.train, listed, place, MIXED)
        total = why.base + why.source_amounts.sum() + why.target_amounts.sum()
        assert why.weighted
        assert abs(why.rest) < 1e-5
        np.testing.assert_allclose(total, listed.fused[place], rtol=1e-4)


@pytest.mark.parametrize("name", ["item_knn", "cmf_als", "two_tower", "neumf"])
@pytest.mark.parametrize("fusion", [MIXED, Fusion(0.7, 0.4, scale="z-score")])
@pytest.mark.parametrize("as_twin", [False, True])
def test_reasons_of_every_kind_of_model_add_up_to_what_it_says(split, name, fusion, as_twin):
    small = {"two_tower": {"epochs": 1}, "neumf": {"epochs": 1, "factors": 4}}
    train = split.train.target_only() if as_twin else split.train
    model = build(name, small.get(name, {}))
    for _ in model.fit_epochs(train, 0):
        pass
    listed = user_list(model, split, TEST, 3, fusion, 3)
    why = reasons(model, train, listed, 1, fusion)
    said = listed.fused[1] if why.weighted else listed.own[1]
    total = why.base + why.source_amounts.sum() + why.target_amounts.sum() + why.rest
    np.testing.assert_allclose([total, why.score], [said, said], rtol=1e-4, atol=1e-6)
    if name in ("item_knn", "cmf_als"):
        assert abs(why.rest) < 1e-4 * max(1, abs(why.score))
    if as_twin:
        assert len(why.source_items) == 0


def test_reasons_of_another_fusion_are_the_models_own(split, ease):
    fusion = Fusion(0.7, 0.4, PRODUCT)
    listed = user_list(ease, split, TEST, 3, fusion, 5)
    why = reasons(ease, split.train, listed, 0, fusion)
    assert not why.weighted
    np.testing.assert_allclose(why.score, listed.source[0] + listed.target[0], rtol=1e-5)


def test_a_twin_explains_by_the_target_alone(split):
    twin_train = split.train.target_only()
    twin = build("ease", {"regularization": 10.0})
    for _ in twin.fit_epochs(twin_train, 0):
        pass
    listed = user_list(twin, split, TEST, 3, Fusion(), 5)
    why = reasons(twin, twin_train, listed, 0, Fusion())
    assert len(why.source_items) == 0
    assert not listed.source_weighted.any()
    np.testing.assert_allclose(why.target_amounts.sum(), listed.fused[0], rtol=1e-4)


def test_a_user_nobody_knows_gets_popular_items(split):
    twin = build("ease", {"regularization": 10.0})
    for _ in twin.fit_epochs(split.train.target_only(), 0):
        pass
    listed = user_list(twin, split, TEST, 159, Fusion(), 5)
    popularity = split.train.popularity
    np.testing.assert_array_equal(listed.fused, np.sort(popularity)[::-1][:5])
    assert not listed.has_source
    assert not listed.has_target


def test_validation_has_its_own_hits(split, ease):
    assert not user_list(ease, split, VALID, 3, Fusion(), 10).hits.any()


def test_evidence_from_one_domain_alone_counts_in_full():
    assert effective_weights(True, True, MIXED) == (0.7, 0.4)
    assert effective_weights(True, False, MIXED) == (1.0, 0.0)
    assert effective_weights(False, True, MIXED) == (0.0, 1.0)
    assert effective_weights(False, False, MIXED) == (0.0, 0.0)


def test_a_reordered_list_keeps_scores_parts_and_reasons_and_moves_ranks(split, ease):
    pool = user_list(ease, split, TEST, 3, MIXED, 20)
    chosen = np.array([4, 0, 17])
    listed = reordered(pool, chosen)
    np.testing.assert_array_equal(listed.items, pool.items[chosen])
    np.testing.assert_array_equal(listed.fused, pool.fused[chosen])
    np.testing.assert_array_equal(listed.hits, pool.hits[chosen])
    assert listed.places[listed.items].tolist() == [1, 2, 3]
    # Every item that is not masked has a rank of its own, the others in the order they had
    ranked = np.flatnonzero(pool.places)
    assert sorted(listed.places[ranked]) == list(range(1, len(ranked) + 1))
    rest = np.setdiff1d(ranked, listed.items)
    np.testing.assert_array_equal(
        rest[np.argsort(listed.places[rest])], rest[np.argsort(pool.places[rest])]
    )
    assert (listed.places[pool.places == 0] == 0).all()
    why = reasons(ease, split.train, listed, 0, MIXED)
    total = why.base + why.source_amounts.sum() + why.target_amounts.sum()
    np.testing.assert_allclose(total, listed.fused[0], rtol=1e-4)
