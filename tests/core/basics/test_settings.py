"""Settings refuse what they do not know and keep what they are given."""

from dataclasses import dataclass

import pytest

from core.basics.errors import SettingsError
from core.basics.settings import Settings, setting


@dataclass(frozen=True)
class Sizes(Settings):
    factors: int = setting(64, low=2, high=512, help="Length of a vector.")
    rate: float = setting(0.1, low=0.0, high=1.0, help="Step size.")
    loss: str = setting("softmax", choices=("softmax", "bpr"), help="What is minimised.")
    dual: bool = setting(False, help="Which side.")


def test_text_values_become_the_right_kind():
    sizes = Sizes.of({"factors": "32", "rate": "0.5", "dual": "true"})
    assert sizes == Sizes(factors=32, rate=0.5, dual=True)


def test_values_survive_the_way_to_json_and_back():
    sizes = Sizes(factors=8, loss="bpr")
    assert Sizes.of(sizes.to_dict()) == sizes


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"factor": 3}, "factor"),
        ({"factors": 1}, "factors is 1"),
        ({"factors": 2.5}, "factors"),
        ({"rate": float("nan")}, "rate"),
        ({"rate": "fast"}, "rate"),
        ({"loss": "hinge"}, "loss"),
        ({"dual": "perhaps"}, "dual"),
        ({"factors": "1e400"}, "factors"),
    ],
)
def test_a_wrong_setting_is_named_with_what_would_be_right(values, named):
    with pytest.raises(SettingsError) as error:
        Sizes.of(values)
    assert named in error.value.what
    assert error.value.hint


def test_infos_carry_what_a_form_needs():
    info = Sizes.infos()[0]
    assert (info.name, info.kind, info.default, info.low, info.high) == ("factors", int, 64, 2, 512)
    assert info.help == "Length of a vector."
