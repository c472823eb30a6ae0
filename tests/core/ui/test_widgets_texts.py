import math

import pytest

from core.basics.formatting import (
    count,
    duration,
    interval,
    number,
    signed,
    signed_interval,
    signed_with_interval,
    with_interval,
)
from core.ui.widgets import plain


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.012, ".012"),
        (-0.004, "−.004"),
        (1.5, "1.500"),
        (1566, "1,566"),
        (0.0, ".000"),
        (-0.0001, ".000"),
        (None, "–"),
        (math.nan, "–"),
        (math.inf, "–"),
        (1.0, "1.000"),
    ],
)
def test_numbers_are_short_and_lack_is_a_dash(value, shown):
    assert number(value) == shown


def test_a_mean_stands_with_its_interval():
    assert with_interval(0.012, 0.006, 0.018) == ".012 (95 % .006 to .018)"
    assert with_interval(0.012, None, None) == ".012"
    assert interval(math.nan, 0.2) == "–"


def test_a_difference_carries_signs():
    assert signed(0.012) == "+.012"
    assert signed_with_interval(0.01, -0.002, 0.02) == "+.010 (95 % −.002 to +.020)"


@pytest.mark.parametrize(
    "title",
    [
        "![x](http://evil.example/p.png)",
        "<img src=x>",
        "**bold** _it_ `code`",
        "$x^2$",
        ":red[x] :smile:",
        "# heading",
        "1. list",
        "[link](javascript:alert(1))",
        "a | b",
    ],
)
def test_titles_lose_every_meaning_but_their_letters(title):
    shown = plain(title)
    assert shown.replace("\\", "").replace("\u2060", "") == title
    unescaped = [c for i, c in enumerate(shown) if c in "*_`[]()<>#$!|" and shown[i - 1] != "\\"]
    assert not unescaped
    assert ":red" not in shown
    assert ":s" not in shown


def test_long_and_multi_line_titles_become_one_short_line():
    assert plain("a\nb\t c") == "a b c"
    assert len(plain("x" * 1000)) == 200


def test_counts_and_durations_read_as_words():
    assert count(1, "user") == "1 user"
    assert count(1566, "user") == "1,566 users"
    assert count(2, "copy", "copies") == "2 copies"
    assert [duration(s) for s in (40, 170, 4800)] == ["40 s", "3 min", "1 h 20 min"]


def test_an_end_of_an_interval_does_not_read_as_zero_where_it_is_none():
    assert interval(-0.0004, 0.0077) == "−.0004 to .0077"
    assert interval(0.00004, 0.0077) == ".00004 to .00770"
    assert interval(0.0, 0.0077) == ".000 to .008"
    assert signed_with_interval(0.0036, -0.0004, 0.0077) == "+.0036 (95 % −.0004 to +.0077)"
    assert signed_interval(-0.0004, 0.0077) == "−.0004 to +.0077"
    assert signed_interval(None, 0.0077) == "–"
    assert signed_with_interval(0.004, -1e-9, 0.008) == "+.004 (95 % .000 to +.008)"
