import numpy as np
import pytest

from core.ui.fusion.board import ratio_words
from core.ui.fusion.user import rank_marks


@pytest.mark.parametrize(
    ("alpha", "beta", "words"),
    [
        (1, 1, "1 : 1"),
        (0.8, 1, "0.8 : 1"),
        (0.5, 0.25, "1 : 0.5"),
        (0, 0.3, "target only"),
        (0.3, 0, "source only"),
    ],
)
def test_only_the_ratio_is_named(alpha, beta, words):
    assert f"**{words}**" in ratio_words(alpha, beta)


def test_two_zeros_are_not_called_a_ratio():
    assert "nothing is ranked" in ratio_words(0, 0)


def test_marks_say_where_each_item_came_from():
    before, after = np.array([7, 8, 9]), np.array([9, 7, 5])
    assert rank_marks(after, before) == ["▲ from 3", "▼ from 1", "▲ from beyond 3"]
    assert rank_marks(before, before) == ["="] * 3
