"""What every model promises, kept by models made from others: blends and compressed tables."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from core.basics.errors import RunError, SettingsError
from core.data.pair import DomainPair
from core.models.made.blend import KINDS, PRODUCT, STACKING, SUM, Blend, BlendSettings
from core.models.made.compress import INT8, PRUNED, compressed, decompressed, is_compressed, size_of
from core.models.made.recorded import BLEND, build_recorded, card_of_record
from core.models.registry import CARDS, build, card_of
from tests.core.models.test_protocol import WORLD, fitted, ndcg_at_5, same_scores, settings_of

PAIR = WORLD.pair
EVERYBODY = np.arange(len(PAIR.users))
TABLE = np.array([[0.5, 0.2, 0.1], [0.3, 0.0, 0.4]], dtype=np.float32)  # of a stacking
MEMBERS = {"linear": ("ease", "cmf_als"), "graph": ("edlae", "lightgcn")}
CASES = [(kind, of) for kind in KINDS for of in MEMBERS]


def record_of(kind: str, names: tuple[str, str]) -> dict:
    members = [{"model": name, "settings": settings_of(name)} for name in names]
    return {"model": BLEND, "settings": {"kind": kind}, "members": members}


def blended(kind: str, names: tuple[str, str], train: DomainPair = PAIR, cache: dict | None = None):
    found = {} if cache is None else cache
    for name in names:
        found[name] = found.get(name) or fitted(name, train)
    blend = Blend(BlendSettings(kind), [found[name] for name in names])
    if kind == STACKING:
        blend.coefficients = TABLE
    return blend


@pytest.fixture(scope="module")
def fits() -> dict:
    return {}


@pytest.fixture(params=CASES, ids=lambda case: "-".join(case))
def case(request) -> tuple[str, tuple[str, str]]:
    kind, of = request.param
    return kind, MEMBERS[of]


@pytest.fixture
def blend(case, fits) -> Blend:
    return blended(*case, cache=fits)


def test_parts_are_finite_float32_tables_and_silent_without_evidence(blend):
    scores = blend.score(EVERYBODY)
    for part in (scores.source, scores.target, scores.own_scores()):
        assert part.dtype == np.float32
        assert part.shape == (len(EVERYBODY), len(PAIR.target_items))
        assert np.isfinite(part).all()
    np.testing.assert_array_equal(scores.has_source, PAIR.source_history > 0)
    np.testing.assert_array_equal(scores.has_target, PAIR.target_history > 0)
    assert not scores.target[~scores.has_target].any()
    assert scores.target[scores.has_target].any()


def test_the_same_members_give_the_same_scores(blend, fits):
    again = Blend(blend.settings, [blend.first, blend.second])
    again.coefficients = blend.coefficients
    same_scores(again.score(EVERYBODY), blend.score(EVERYBODY))


def test_a_sum_and_a_stacking_of_additive_members_are_additive_and_no_other_blend(case, blend):
    scores = blend.score(EVERYBODY)
    is_additive = case[0] != PRODUCT and case[1] == MEMBERS["linear"]
    assert card_of_record(record_of(*case)).additive == is_additive
    assert (scores.own is None) == is_additive
    if not is_additive:
        assert np.abs(scores.own - scores.source - scores.target).max() > 1e-3


@pytest.mark.parametrize("kind", [SUM, STACKING])
def test_contributions_of_an_additive_blend_sum_to_both_parts(kind, fits):
    blend = blended(kind, MEMBERS["linear"], cache=fits)
    for user, item in ((4, 7), (9, 0), (159, 3)):
        source, target = PAIR.source[[user]], PAIR.target[[user]]
        scores, why = blend.score(np.array([user])), blend.explain(source, target, item)
        assert np.isclose(why.source_amounts.sum(), scores.source[0, item], atol=1e-4)
        assert np.isclose(why.target_amounts.sum(), scores.target[0, item], atol=1e-4)


def test_a_blend_with_popularity_has_it_as_its_base(fits):
    blend = blended(SUM, ("ease", "popularity"), cache=fits)
    blend.coefficients = np.array([[0, 0, 0], [1, 0, 0]])
    scores = blend.score(EVERYBODY)
    popular = np.argsort(-PAIR.popularity, kind="stable")
    assert (np.argsort(-scores.own_scores(), axis=1, kind="stable") == popular).all()
    assert card_of_record(record_of(SUM, ("ease", "popularity"))).additive


def test_a_restored_state_gives_equal_scores_even_from_read_only_arrays(blend, case, tmp_path):
    kept = {}
    for place, (key, array) in enumerate(blend.state().items()):
        np.save(tmp_path / f"{place}.npy", array)
        kept[key] = np.load(tmp_path / f"{place}.npy", mmap_mode="r")
    again = build_recorded(record_of(*case))
    again.restore(PAIR, kept)
    same_scores(again.score(EVERYBODY), blend.score(EVERYBODY))
    rows = PAIR.source[:3], PAIR.target[:3]
    same_scores(again.fold_in(*rows), blend.fold_in(*rows))


@pytest.mark.parametrize("kind", KINDS)
def test_fold_in_is_exact_where_both_members_are(kind, fits):
    assert card_of_record(record_of(kind, MEMBERS["linear"])).fold_in == "exact"
    blend, users = blended(kind, MEMBERS["linear"], cache=fits), EVERYBODY[::7]
    folded = blend.fold_in(PAIR.source[users], PAIR.target[users])
    same_scores(folded, blend.score(users), tolerance=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_fold_in_is_as_close_as_the_approximate_member(kind, fits):
    assert card_of_record(record_of(kind, MEMBERS["graph"])).fold_in == "approximate"
    blend = blended(kind, MEMBERS["graph"], cache=fits)
    folded = blend.fold_in(PAIR.source, PAIR.target).own_scores()
    own = blend.score(EVERYBODY).own_scores()
    lists = [np.argsort(-scores, axis=1)[:, :10] for scores in (folded, own)]
    assert np.mean([len(np.intersect1d(a, b)) / 10 for a, b in zip(*lists, strict=True)]) > 0.8


def test_source_history_alone_serves_cold_users(blend):
    cold = PAIR.cold_users
    scores = blend.score(cold)
    assert ndcg_at_5(scores.source, WORLD.liked[cold]) > 0.95
    assert ndcg_at_5(scores.own_scores(), WORLD.liked[cold]) > 0.95


@pytest.mark.parametrize("kind", KINDS)
def test_a_blend_of_twins_says_nothing_from_the_source(kind):
    train = PAIR.target_only()
    scores = blended(kind, MEMBERS["linear"], train).score(EVERYBODY)
    assert not scores.source.any()
    assert not scores.has_source.any()
    warm = EVERYBODY[PAIR.target_history > 0]
    assert ndcg_at_5(scores.own_scores()[warm], WORLD.liked[warm]) > 0.9


def test_every_history_item_gets_the_members_amounts_in_the_blends_units(blend):
    source, target = PAIR.source[[5]], PAIR.target[[5]]
    why = blend.explain(source, target, 2)
    assert sorted(why.source_items) == sorted(source.indices)
    assert sorted(why.target_items) == sorted(target.indices)
    assert np.isfinite(why.source_amounts).all()
    assert np.abs(why.target_amounts).max() > 0


def test_a_sum_ranks_by_standard_scores_worked_by_hand(fits):
    """The blend leaves out the means, the same for all items of a user."""
    blend = blended(SUM, MEMBERS["linear"], cache=fits)
    blend.coefficients = np.array([[0.75, 0, 0], [0.25, 0, 0]])
    first, second = (
        member.score(np.array([5])).own_scores()[0].astype(float)
        for member in (blend.first, blend.second)
    )
    expected = 0.75 * (first - first.mean()) / first.std()
    expected += 0.25 * (second - second.mean()) / second.std()
    found = blend.score(np.array([5])).own_scores()[0]
    np.testing.assert_allclose(found - found.mean(), expected, atol=1e-5)


def test_a_product_is_the_log_of_both_sigmoids_multiplied(fits):
    blend = blended(PRODUCT, MEMBERS["linear"], cache=fits)
    both = [
        member.score(np.array([5])).own_scores()[0].astype(float)
        for member in (blend.first, blend.second)
    ]
    first, second = (1 / (1 + np.exp(-(s - s.mean()) / s.std())) for s in both)
    own = blend.score(np.array([5])).own[0]
    np.testing.assert_allclose(own, np.log(np.sqrt(first * second)), atol=1e-5)


def test_a_member_that_knows_nothing_of_a_user_leaves_the_list_to_the_other(fits):
    blend = blended(SUM, ("ridge", "ease"), PAIR, fits)
    warm = np.flatnonzero(PAIR.target_history > 0)[:1]
    no_source = PAIR.source[warm] * 0
    no_source.eliminate_zeros()
    scores = blend.fold_in(no_source, PAIR.target[warm])
    alone = blend.second.fold_in(no_source, PAIR.target[warm]).own_scores()
    np.testing.assert_array_equal(np.argsort(-scores.own_scores()[0]), np.argsort(-alone[0]))


def test_a_member_without_a_sense_of_time_gets_ones_where_the_other_reads_the_order(fits):
    """A restored blend once fed places in time to EASE as if they were strengths."""
    plain = blended(SUM, MEMBERS["linear"], cache=fits)
    timed = replace(PAIR, source=PAIR.source * 3, target=PAIR.target * 5)
    again = build_recorded(record_of(SUM, MEMBERS["linear"]))
    again.ordered = (False, True)
    again.restore(timed, plain.state())
    first = again.first.score(EVERYBODY)
    same_scores(first, plain.first.score(EVERYBODY))
    assert again.second.train.target is timed.target
    rows = timed.source[[5]], timed.target[[5]]
    folded, own = again.fold_in(*rows), again.first.fold_in(PAIR.source[[5]], PAIR.target[[5]])
    same_scores(again.first.fold_in(*again._rows(0, *rows)), own)
    assert np.isfinite(folded.own_scores()).all()


def test_a_blend_is_not_trained_and_not_listed():
    blend = Blend(BlendSettings(), [build("ease"), build("edlae")])
    with pytest.raises(RunError, match="not trained"):
        next(blend.fit_epochs(PAIR, 0))
    assert BLEND not in CARDS
    with pytest.raises(SettingsError):
        card_of(BLEND)


@pytest.mark.parametrize(
    "members",
    [None, [], [{"model": "ease", "settings": {}}], [{"model": "ease"}, {"model": "ease"}], "ease"],
)
def test_a_record_that_does_not_tell_the_members_is_refused(members):
    with pytest.raises(RunError, match="does not say what it is made of"):
        card_of_record({"model": BLEND, "settings": {}, "members": members})


def test_a_record_nested_too_deep_is_refused():
    record = {"model": "ease", "settings": {}}
    for _ in range(6):
        record = {"model": BLEND, "settings": {}, "members": [record, record]}
    with pytest.raises(RunError):
        card_of_record(record)


def test_the_card_follows_from_the_members():
    card = card_of_record(record_of(SUM, ("ease", "popularity")))
    assert (card.has_twin, card.cross_domain, card.fold_in) == (True, True, "exact")
    assert not card_of_record(record_of(SUM, ("ease", "ridge"))).has_twin
    assert card_of_record(record_of(SUM, ("ease", "ridge"))).needs == ("shared users",)
    assert card_of_record({"model": "ease", "settings": {}}) is CARDS["ease"]


@pytest.mark.parametrize("kind", [INT8, PRUNED])
@pytest.mark.parametrize("name", ["ease", "cmf_als", "lightgcn"])
def test_a_compressed_state_restores_a_model_that_still_knows_the_taste(kind, name, fits):
    model = fits[name] = fits.get(name) or fitted(name)
    small = compressed(model.state(), kind, keep=0.4)
    assert size_of(small) < 0.8 * size_of(model.state())
    again = build(name, settings_of(name))
    again.restore(PAIR, decompressed(small))
    cold = PAIR.cold_users
    assert ndcg_at_5(again.score(cold).own_scores(), WORLD.liked[cold]) > 0.9
    rows = PAIR.source[[5]], PAIR.target[[5]]
    assert np.isfinite(again.explain(*rows, 2).target_amounts).all()


def test_int8_is_within_half_a_step_of_every_weight():
    table = np.random.default_rng(0).normal(size=(20, 64)).astype(np.float32)
    table[3] = 0
    small = compressed({"items": table}, INT8)
    found = decompressed(small)["items"]
    step = np.abs(table).max(axis=1, keepdims=True) / 127
    assert (np.abs(found - table) <= step / 2 + 1e-7).all()
    assert small["items~int8"].dtype == np.int8
    assert found.dtype == np.float32


def test_pruning_keeps_the_largest_weights_and_nothing_else():
    table = np.arange(-50, 50, dtype=np.float32).reshape(10, 10)
    found = decompressed(compressed({"layer": table}, PRUNED, keep=0.09))["layer"]
    np.testing.assert_array_equal(found, np.where(np.abs(table) >= 46, table, 0))


def test_only_tables_of_floats_are_touched():
    state = {"bias": np.ones(50), "ids": np.ones((50, 50), dtype=np.int64)}
    assert not is_compressed(compressed(state, INT8))
    assert decompressed(state).keys() == state.keys()


def test_pruned_item_weights_are_scored_in_their_sparse_form_inside_a_blend_too(fits):
    blend = blended(SUM, MEMBERS["linear"], cache=fits)
    again = build_recorded(record_of(SUM, MEMBERS["linear"]))
    again.restore(PAIR, decompressed(compressed(blend.state(), PRUNED, keep=0.5)))
    assert "data" in again.first.state()
    assert np.isfinite(again.score(EVERYBODY).own_scores()).all()


def test_scoring_a_restored_blend_loads_no_torch(tmp_path, fits):
    blend = blended(SUM, MEMBERS["graph"], cache=fits)
    np.savez(tmp_path / "blend.npz", **blend.state())
    code = (
        "import sys, numpy as np\n"
        "from core.models.made.recorded import build_recorded\n"
        "from tests.worlds import twin_tastes\n"
        f"model = build_recorded({record_of(SUM, MEMBERS['graph'])!r})\n"
        f"model.restore(twin_tastes().pair, dict(np.load({str(tmp_path / 'blend.npz')!r})))\n"
        "model.score(np.arange(5)); model.vectors()\n"
        "print('torch' in sys.modules)\n"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert answer.stdout.strip() == "False", answer.stderr
