"""Presets and search grids of every card are settings its model takes."""

from dataclasses import replace

import numpy as np
import pytest

from core.models.readiness import BALANCED, FAST, PRESETS, THOROUGH, grid_of, preset_of
from core.models.registry import CARDS, build, card_of
from tests.worlds import twin_tastes


@pytest.mark.parametrize("name", CARDS)
@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_is_made_of_settings_the_model_takes(name, preset):
    card = card_of(name)
    assert set(card.presets) <= {FAST, THOROUGH}
    settings = preset_of(card, preset)
    assert card.settings.of(settings).to_dict().items() >= settings.items()


@pytest.mark.parametrize("name", CARDS)
def test_a_grid_holds_distinct_values_the_model_takes_and_few_combinations(name):
    card, combinations = card_of(name), 1
    own = card.settings().to_dict()
    for setting, values in grid_of(card).items():
        for value in values:
            assert card.settings.of({setting: value}).to_dict()[setting] == value
        assert len(set(values)) == len(values) >= 2
        assert own[setting] in values
        combinations *= len(values)
    assert combinations <= 16


def test_a_card_without_a_grid_gets_one_of_two_telling_settings():
    bare = replace(card_of("lightgcn"), grid={})
    own = card_of("lightgcn").settings().to_dict()
    assert set(grid_of(bare)) == {"learning_rate", "regularization"}
    low, middle, high = grid_of(bare)["learning_rate"]
    assert low < middle == own["learning_rate"] < high


def test_balanced_changes_nothing():
    assert preset_of(card_of("lightgcn"), BALANCED) == {}


def test_a_card_without_presets_gets_half_and_double_its_epochs_and_factors():
    bare = replace(card_of("lightgcn"), presets={})
    assert preset_of(bare, FAST) == {"factors": 32, "epochs": 20}
    assert preset_of(bare, THOROUGH) == {"factors": 128, "epochs": 80}


def test_fast_is_never_slower_than_thorough():
    for card in CARDS.values():
        fast, own, slow = (
            card.settings.of(preset_of(card, preset)).to_dict() for preset in PRESETS
        )
        for name in {"epochs", "factors", "layers"} & set(own):
            assert fast[name] <= own[name] <= slow[name]


def weighs_the_source(name: str) -> list[str]:
    names = card_of(name).settings().to_dict()
    return [setting for setting in names if setting.startswith("source_")]


@pytest.mark.parametrize(
    "name", [name for name, card in CARDS.items() if card.has_twin and weighs_the_source(name)]
)
def test_settings_that_weigh_the_source_change_no_twin(name):
    """A search leaves them out for the twin: trying them would waste its share of the budget."""
    card, train = card_of(name), twin_tastes(n_users=40, n_cold=4).pair.target_only()
    if card.task == "rating":
        train = rated(train)
    short = {"epochs": 1} if "epochs" in card.settings().to_dict() else {}
    bounds = {info.name: (info.low, info.high) for info in card.settings.infos()}
    scores = []
    for end in (0, 1):
        ends = {setting: bounds[setting][end] for setting in weighs_the_source(name)}
        model = build(name, short | ends)
        list(model.fit_epochs(train, 1))
        scores.append(model.score(np.arange(5)).own_scores())
    np.testing.assert_array_equal(*scores)


def rated(pair):
    """The pair with ratings of 1 to 5 in place of ones."""
    target = pair.target.copy()
    target.data = np.random.default_rng(0).integers(1, 6, target.nnz).astype(np.float32)
    return replace(pair, target=target)
