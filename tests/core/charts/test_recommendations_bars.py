import re

import numpy as np

from core.charts.recommendations import two_part_rows
from core.charts.theme import FUSED_COLOUR, SOURCE_COLOUR, TARGET_COLOUR, TWIN_COLOUR


def drawn(source=(0.5, -0.25), target=(0.25, 1.0), names=("books", "films")):
    return two_part_rows(
        ["Dune", "<b>Up</b>"],
        np.array(source),
        np.array(target),
        [True, False],
        ["▲ from 3", "="],
        names,
    )


def bars(html):
    """(colour, left, width) of every piece in per cent, row after row."""
    found = re.findall(r"background:(#\w+);left:([\d.]+)%;width:([\d.]+)%", html)
    return [(colour, float(left), float(width)) for colour, left, width in found]


def test_both_parts_stand_behind_each_other_on_one_scale():
    assert bars(drawn(source=(0.5, 0.25), target=(0.25, 0.75))) == [
        (SOURCE_COLOUR, 0, 50),
        (TARGET_COLOUR, 50, 25),
        (SOURCE_COLOUR, 0, 25),
        (TARGET_COLOUR, 25, 75),
    ]


def test_a_part_below_zero_is_drawn_from_the_lowest_of_the_list():
    """Of log-sigmoids, which are all negative, the first place had the shortest bar."""
    assert bars(drawn(source=(-0.5, -1.0), target=(-0.25, -0.75))) == [
        (SOURCE_COLOUR, 0, 50),
        (TARGET_COLOUR, 50, 50),
        (SOURCE_COLOUR, 0, 0),
        (TARGET_COLOUR, 0, 0),
    ]


def test_the_better_item_has_the_longer_bar_whatever_the_signs():
    source, target = np.array([0.9, 0.2, -0.4]), np.array([-0.3, 0.3, 0.6])  # .6, .5, .2
    found = two_part_rows(["a", "b", "c"], source, target, [False] * 3, ["="] * 3)
    widths = np.array([width for _, _, width in bars(found)]).reshape(3, 2).sum(axis=1)
    assert (np.diff(widths) < 0).all()


def test_nothing_at_all_is_no_division_by_zero():
    assert {width for _, _, width in bars(drawn(source=(0, 0), target=(0, 0)))} == {0}


def test_titles_and_names_are_literal_text():
    html = drawn(names=("<i>", 'a"b'))
    assert "&lt;b&gt;Up&lt;/b&gt;" in html
    assert "<i>" not in html
    assert 'a"b' not in html


def test_long_titles_and_names_are_cut_and_stay_on_one_line():
    """A description in place of a title went to the browser twice a row, at every step."""
    none = np.zeros(1)
    html = two_part_rows(["word\n" * 5000], none, none, [False], ["="], ("n" * 5000, "films"))
    assert len(html) < 3000
    assert "word word" in html


def test_a_hit_is_marked_and_a_rise_is_green():
    """The check of a long title was cut off with the end of the title."""
    html = drawn()
    assert "<b>Dune</b></span><b>✓</b>" in html
    assert f'color:{FUSED_COLOUR};font-weight:600">▲ from 3' in html
    assert f'color:{TWIN_COLOUR};font-weight:600">=' in html
