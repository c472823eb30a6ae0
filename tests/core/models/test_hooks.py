"""What a model or a network may also say: written in the promise, with what holds otherwise."""

import re
from pathlib import Path

import numpy as np
import pytest

from core.basics.errors import RunError
from core.models.protocol import CrossDomainModel, Network
from core.models.registry import CARDS, build
from tests.worlds import twin_tastes

ROOMS = Path(__file__).resolve().parents[3] / "core" / "models"
PAIR = twin_tastes(n_users=40, n_cold=10).pair
BY_NAME = re.compile(r"getattr\((self\.)?(model|network)\b")


@pytest.mark.parametrize("name", CARDS)
def test_every_model_extends_the_promise_and_every_network_its_own(name):
    model = build(name)
    assert CrossDomainModel in type(model).__mro__
    if CARDS[name].gradient:
        assert Network in type(model.network).__mro__


def test_no_hook_is_looked_up_by_its_name():
    found = [path for path in ROOMS.rglob("*.py") if BY_NAME.search(path.read_text("utf-8"))]
    assert found == []
    assert BY_NAME.search('getattr(self.network, "explain", None)')


@pytest.mark.parametrize("name", ["ease", "two_tower"])
def test_a_model_that_says_nothing_of_itself_has_the_defaults(name):
    model = build(name, {} if name == "ease" else {"epochs": 1, "factors": 4}, device="cpu")
    list(model.fit_epochs(PAIR, 3))
    assert model.findings() == []
    assert model.preparation == 0
    assert not model.weighs_features
    users = np.arange(5)
    np.testing.assert_array_equal(
        model.score_own(users).own_scores(), model.score(users).own_scores()
    )


def test_a_network_that_cannot_weigh_histories_says_so():
    model = build("two_tower", {"epochs": 1, "factors": 4}, device="cpu")
    list(model.fit_epochs(PAIR, 3))
    with pytest.raises(RunError, match="does not weigh histories before they meet"):
        model.score_weighted(PAIR.source[:5], PAIR.target[:5], 0.5, 0.5)
