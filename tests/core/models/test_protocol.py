"""What every model promises, tested for each card that claims it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from core.basics.errors import RunError, SettingsError
from core.basics.types import DomainScores
from core.data.pair import DomainPair
from core.models.protocol import PairSizes
from core.models.registry import CARDS, build, card_of
from tests.worlds import World, categorised, pair_of, rated_tastes, twin_tastes

QUICK = {  # enough for the planted world
    "emcdr": {"epochs": 20},
    "ptupcdr": {"epochs": 8},
    "lightgcn": {"epochs": 20},
    "bitgcf": {"epochs": 20},
    "kgat": {"epochs": 20},
    "neumf": {"learning_rate": 0.01, "epochs": 15},
    "conet": {"batch_size": 32, "epochs": 15},
    "sasrec": {"epochs": 8},
    "text_tower": {"epochs": 10},
    "text_fusion": {"epochs": 10},
    "neumf_rating": {"epochs": 25},
    "fine_tuned": {"epochs": 3, "source_epochs": 1, "factors": 16},
}
# Top-10 shared by fold-in and score, where fold-in is approximate.
AGREEMENT = {"lightgcn": 0.8, "bitgcf": 0.8, "cmf": 0.8}

CARD_NAMES = list(CARDS)
CROSS_DOMAIN = [card.name for card in CARDS.values() if card.cross_domain and card.source_speaks]
SILENT = [card.name for card in CARDS.values() if not card.source_speaks]
TWINS = [card.name for card in CARDS.values() if card.has_twin]
ADDITIVE = [card.name for card in CARDS.values() if card.additive]
EXACT = [card.name for card in CARDS.values() if card.fold_in == "exact"]
APPROXIMATE = [card.name for card in CARDS.values() if card.fold_in == "approximate"]
GRADIENT = [card.name for card in CARDS.values() if card.gradient]

WORLD, RATED = (  # of equal sizes, with the same cold users
    replace(world, pair=categorised(world.pair)) for world in (twin_tastes(), rated_tastes())
)
EVERYBODY = np.arange(len(WORLD.pair.users))


def world_of(name: str) -> World:
    """The planted world of the model's task: ones, or ratings."""
    return RATED if card_of(name).task == "rating" else WORLD


def settings_of(name: str, **more) -> dict:
    known = {info.name for info in card_of(name).settings.infos()}
    return QUICK.get(name, {}) | {key: value for key, value in more.items() if key in known}


def fitted(name: str, train: DomainPair | None = None, seed: int = 5, **more):
    model = build(name, settings_of(name, **more))
    for _ in model.fit_epochs(world_of(name).pair if train is None else train, seed):
        pass
    return model


@pytest.fixture(scope="module")
def fits():
    """Every model fitted once on the planted world, with the steps it told."""
    found = {}
    for name in CARDS:
        model = build(name, settings_of(name))
        found[name] = model, list(model.fit_epochs(world_of(name).pair, 5))
    return found


@pytest.fixture(scope="module")
def models(fits):
    """Every model fitted once on the planted world."""
    return {name: model for name, (model, _) in fits.items()}


def same_scores(first: DomainScores, second: DomainScores, tolerance: float = 0.0) -> None:
    for field in ("source", "target", "base", "own"):
        ours, theirs = getattr(first, field), getattr(second, field)
        if ours is None:
            assert theirs is None
        else:
            np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance)
    np.testing.assert_array_equal(first.has_source, second.has_source)
    np.testing.assert_array_equal(first.has_target, second.has_target)


def ndcg_at_5(scores: np.ndarray, liked: np.ndarray) -> float:
    """Mean nDCG@5 where every user likes at least five items."""
    top = np.argsort(-scores, axis=1, kind="stable")[:, :5]
    discounts = 1 / np.log2(np.arange(5) + 2)
    return float((np.take_along_axis(liked, top, 1) * discounts).sum(1).mean() / discounts.sum())


@pytest.mark.parametrize("name", [name for name in CARD_NAMES if name not in GRADIENT])
def test_the_same_seed_gives_the_same_scores(name, models):
    """A network is fitted twice where it is resumed: each epoch draws its chance anew."""
    same_scores(fitted(name).score(EVERYBODY), models[name].score(EVERYBODY))


@pytest.mark.parametrize("name", CARD_NAMES)
def test_parts_are_finite_float32_tables_of_users_by_target_items(name, models):
    users = np.array([3, 150, 0])
    scores = models[name].score(users)
    for part in (scores.source, scores.target, scores.own_scores()):
        assert part.dtype == np.float32
        assert part.shape == (3, len(world_of(name).pair.target_items))
        assert np.isfinite(part).all()
    assert scores.has_source.dtype == scores.has_target.dtype == bool
    assert scores.has_source.shape == scores.has_target.shape == (3,)


@pytest.mark.parametrize("name", CARD_NAMES)
def test_a_part_without_evidence_is_zero(name, models):
    scores = models[name].score(EVERYBODY)
    assert not scores.source[~scores.has_source].any()
    assert not scores.target[~scores.has_target].any()
    assert not scores.has_target[world_of(name).pair.cold_users].any()


@pytest.mark.parametrize("name", CARD_NAMES)
def test_a_fit_stopped_after_its_first_step_leaves_a_usable_model(name):
    model = build(name, settings_of(name))
    steps = model.fit_epochs(world_of(name).pair, 5)
    first = next(steps)
    steps.close()
    assert 1 <= first.done <= first.total
    assert np.isfinite(model.score(EVERYBODY).own_scores()).all()
    assert all(isinstance(array, np.ndarray) for array in model.state().values())


@pytest.mark.parametrize("name", CARD_NAMES)
def test_progress_counts_every_step_to_the_end(name, fits):
    _, steps = fits[name]
    assert [step.done for step in steps] == list(range(1, len(steps) + 1))
    assert {step.total for step in steps} == {len(steps)}


@pytest.mark.parametrize("name", CARD_NAMES)
def test_a_restored_state_gives_equal_scores_even_from_read_only_arrays(name, models, tmp_path):
    kept = {}
    for key, array in models[name].state().items():
        np.save(tmp_path / f"{key}.npy", array)
        kept[key] = np.load(tmp_path / f"{key}.npy", mmap_mode="r")
    again = build(name, settings_of(name))
    again.restore(world_of(name).pair, kept)
    same_scores(again.score(EVERYBODY), models[name].score(EVERYBODY))
    rows = world_of(name).pair.source[:3], world_of(name).pair.target[:3]
    same_scores(again.fold_in(*rows), models[name].fold_in(*rows))


@pytest.mark.parametrize("name", EXACT)
def test_fold_in_of_a_training_user_is_their_score_where_exact(name, models):
    users = EVERYBODY[::7]
    folded = models[name].fold_in(
        world_of(name).pair.source[users], world_of(name).pair.target[users]
    )
    same_scores(folded, models[name].score(users), tolerance=1e-5)


@pytest.mark.parametrize("name", APPROXIMATE)
def test_fold_in_shares_most_of_the_top_10_where_approximate(name, models):
    folded = (
        models[name].fold_in(world_of(name).pair.source, world_of(name).pair.target).own_scores()
    )
    own = models[name].score(EVERYBODY).own_scores()
    ours, theirs = (np.argsort(-scores, axis=1)[:, :10] for scores in (folded, own))
    shared = [len(np.intersect1d(a, b)) / 10 for a, b in zip(ours, theirs, strict=True)]
    assert np.mean(shared) > AGREEMENT[name]


@pytest.mark.parametrize("name", ADDITIVE)
def test_the_parts_of_an_additive_model_are_its_own_score(name, models):
    scores = models[name].score(EVERYBODY)
    assert scores.own is None
    np.testing.assert_allclose(
        scores.own_scores(), scores.base + scores.source + scores.target, rtol=1e-6
    )


@pytest.mark.parametrize("name", ADDITIVE)
def test_contributions_of_an_additive_model_sum_to_both_parts(name, models):
    for user, item in ((4, 7), (9, 0), (159, 3)):
        source, target = world_of(name).pair.source[[user]], world_of(name).pair.target[[user]]
        scores = models[name].score(np.array([user]))
        why = models[name].explain(source, target, item)
        assert np.isclose(why.source_amounts.sum(), scores.source[0, item], atol=1e-4)
        assert np.isclose(why.target_amounts.sum(), scores.target[0, item], atol=1e-4)


@pytest.mark.parametrize("name", CARD_NAMES)
def test_every_history_item_gets_one_finite_amount(name, models):
    source, target = world_of(name).pair.source[[5]], world_of(name).pair.target[[5]]
    why = models[name].explain(source, target, 2)
    assert sorted(why.source_items) == sorted(source.indices)
    assert sorted(why.target_items) == sorted(target.indices)
    assert why.source_amounts.shape == why.source_items.shape
    assert why.target_amounts.shape == why.target_items.shape
    assert np.isfinite(why.source_amounts).all()
    assert np.isfinite(why.target_amounts).all()


@pytest.mark.parametrize("name", CROSS_DOMAIN)
def test_source_history_alone_serves_cold_users(name, models):
    """Popularity gets about 0.5 here."""
    cold = world_of(name).pair.cold_users
    scores = models[name].score(cold)
    assert scores.has_source.all()
    assert ndcg_at_5(scores.source, world_of(name).liked[cold]) > 0.95
    assert ndcg_at_5(scores.own_scores(), world_of(name).liked[cold]) > 0.95


@pytest.mark.parametrize("name", SILENT)
def test_a_model_whose_source_only_shapes_it_claims_no_source_evidence(name, models):
    scores = models[name].score(EVERYBODY)
    assert not scores.has_source.any()
    assert not scores.source.any()
    twin = fitted(name, world_of(name).pair.target_only()).score(EVERYBODY)
    assert not np.array_equal(twin.own_scores(), scores.own_scores())


def test_popularity_finds_about_half_of_what_cold_users_like(models):
    cold = WORLD.pair.cold_users
    scores = models["popularity"].score(cold)
    assert not scores.has_evidence.any()
    popular = np.broadcast_to(scores.own_scores(), WORLD.liked[cold].shape)
    assert 0.3 < ndcg_at_5(popular, WORLD.liked[cold]) < 0.7


@pytest.mark.parametrize("name", TWINS)
def test_a_twin_trains_without_the_source_and_says_nothing_from_it(name):
    train = world_of(name).pair.target_only()
    scores = fitted(name, train).score(EVERYBODY)
    assert not scores.source.any()
    assert not scores.has_source.any()
    warm = EVERYBODY[world_of(name).pair.target_history > 0]
    assert ndcg_at_5(scores.own_scores()[warm], world_of(name).liked[warm]) > 0.9


@pytest.mark.parametrize("name", GRADIENT)
def test_two_epochs_and_two_after_a_resume_are_four(name):
    """And the same seed gives the same scores: chance comes from it and the epoch's number."""
    whole = fitted(name, epochs=4)
    first = build(name, settings_of(name, epochs=4))
    steps = first.fit_epochs(world_of(name).pair, 5)
    for _ in range(2):
        next(steps)
    kept = {key: array.copy() for key, array in first.checkpoint().items()}
    second = build(name, settings_of(name, epochs=4))
    second.resume(world_of(name).pair, kept)
    assert [step.done for step in second.fit_epochs(world_of(name).pair, 5)] == [3, 4]
    same_scores(second.score(EVERYBODY), whole.score(EVERYBODY))


@pytest.mark.parametrize("name", CARD_NAMES)
def test_vectors_of_a_map_share_one_space(name, models):
    vectors = models[name].vectors()
    if vectors is None:
        return
    pair = world_of(name).pair
    counts = {
        "source_items": len(pair.source_items),
        "target_items": len(pair.target_items),
        "source_users": len(pair.users),
        "target_users": len(pair.users),
    }
    found = {key: getattr(vectors, key) for key in counts}
    assert {key: len(table) for key, table in found.items() if table is not None} == {
        key: count for key, count in counts.items() if found[key] is not None
    }
    assert len({table.shape[1] for table in found.values() if table is not None}) == 1


@pytest.mark.parametrize("name", CARD_NAMES)
def test_an_unknown_setting_is_refused(name):
    with pytest.raises(SettingsError, match="There is no setting colour"):
        build(name, {"colour": 1})


@pytest.mark.parametrize("name", CARD_NAMES)
def test_every_setting_has_a_help_text_and_bounds_or_choices(name):
    for info in card_of(name).settings.infos():
        assert info.help.endswith("."), info.name
        assert info.kind is bool or info.choices or (info.low is not None and info.high is not None)


@pytest.mark.parametrize("name", CARD_NAMES)
def test_a_card_says_what_a_page_shows(name):
    card = card_of(name)
    for field in ("title", "family", "line", "paper", "when", "words"):
        assert getattr(card, field), field
    assert card.name == name
    default = card.settings()
    small = card.memory(PairSizes.of(world_of(name).pair), default)
    large = card.memory(PairSizes(50_000, 20_000, 20_000, 10**6, 10**6), default)
    assert 0 < small < large


def test_an_unknown_model_is_refused():
    with pytest.raises(SettingsError, match="There is no model 'oracle'"):
        build("oracle")


def test_listing_the_cards_loads_no_heavy_library():
    heavy = "{'torch', 'sklearn', 'umap', 'numba', 'streamlit', 'plotly'}"
    code = f"import sys, core.models.registry; print(sorted({heavy} & set(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert answer.stdout.strip() == "[]", answer.stderr


def test_scoring_from_a_state_loads_no_torch(models, tmp_path):
    for name, model in models.items():
        np.savez(tmp_path / f"{name}.npz", **model.state())
    code = (
        "import sys, numpy as np\n"
        "from core.models.registry import CARDS, build\n"
        "from tests.worlds import rated_tastes, twin_tastes\n"
        "worlds = {'ranking': twin_tastes(), 'rating': rated_tastes()}\n"
        "for name in CARDS:\n"
        "    model = build(name)\n"
        f"    state = dict(np.load({str(tmp_path)!r} + f'/{{name}}.npz'))\n"
        "    model.restore(worlds[CARDS[name].task].pair, state)\n"
        "    model.score(np.arange(5)); model.vectors()\n"
        "print('torch' in sys.modules)\n"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert answer.stdout.strip() == "False", answer.stderr


def edge_pairs() -> dict[str, DomainPair]:
    """Small pairs that break careless code."""
    one, zeros = np.ones((1, 1)), np.zeros
    lonely = np.vstack([np.eye(4), zeros((2, 4))])
    apart_source, apart_target = zeros((6, 4)), zeros((6, 4))
    apart_source[:3, :2], apart_target[3:, 1:3] = 1, 1
    pairs = {
        "one interaction each": pair_of(one, one),
        "one item, many users": pair_of(np.ones((5, 1)), np.ones((5, 1))),
        "users without any history": pair_of(lonely, lonely),
        "no shared users": pair_of(apart_source, apart_target),
        "an empty source": pair_of(np.zeros((5, 3)), np.ones((5, 4))),
    }
    return {edge: categorised(pair) for edge, pair in pairs.items()}


@pytest.mark.parametrize("edge", edge_pairs())
@pytest.mark.parametrize("name", CARD_NAMES)
def test_a_tiny_pair_is_fitted_or_refused_in_two_sentences(name, edge):
    pair = edge_pairs()[edge]
    if "shared users" in card_of(name).needs and not pair.shared.any():
        with pytest.raises(RunError) as refusal:
            fitted(name, pair, epochs=2)
        assert refusal.value.what.endswith(".")
        assert refusal.value.hint.endswith(".")
        return
    model = fitted(name, pair, epochs=2)
    scores = model.score(np.arange(len(pair.users)))
    assert np.isfinite(scores.own_scores()).all()
    assert not scores.source[pair.source_history == 0].any()
    assert not scores.target[pair.target_history == 0].any()
    tables = pair.source, pair.target
    nothing = [csr_matrix((1, table.shape[1]), dtype=np.float32) for table in tables]
    nobody = model.fold_in(*nothing)
    assert not nobody.has_evidence.any()
    why = model.explain(*nothing, 0)
    assert len(why.source_amounts) == len(why.target_amounts) == 0
    assert np.isfinite(nobody.own_scores()).all()
