"""Presets and search grids of every card are settings its model takes."""

from dataclasses import replace

import pytest

from core.models.presets import BALANCED, FAST, PRESETS, THOROUGH, preset_of
from core.models.registry import CARDS, card_of


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
    for setting, values in card.grid.items():
        for value in values:
            assert card.settings.of({setting: value}).to_dict()[setting] == value
        assert len(set(values)) == len(values) >= 2
        assert own[setting] in values
        combinations *= len(values)
    assert combinations <= 12


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
