"""What the Train page says of all chosen models together."""

from __future__ import annotations

from core.ui.train.start import total_words


def test_the_total_names_the_models_it_leaves_out() -> None:
    """A sum that lacks a model is a floor, and says whose time is missing."""
    said = total_words({"EASE": 2.0, "ALS": 24.0, "Two-tower": None})
    assert said == "more than 26 s: Two-tower not timed yet"


def test_the_total_of_timed_models_is_one_sum() -> None:
    """No sum for one model, nor where nothing was timed."""
    assert total_words({"EASE": 2.0, "ALS": 24.0}) == "about 26 s"
    assert total_words({"EASE": 2.0}) is None
    assert total_words({"EASE": None, "ALS": None}) is None
