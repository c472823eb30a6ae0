import numpy as np

from core.charts.bars import draw_two_part_bars
from core.charts.theme import SOURCE_COLOUR, TARGET_COLOUR


def drawn(**options):
    source, target = np.array([0.5, -0.25]), np.array([0.25, 1.0])
    return draw_two_part_bars(["Dune", "<b>Up</b>"], source, target, x="score", **options)


def test_the_source_part_is_orange_and_the_target_part_blue():
    source, target = drawn().data
    assert (source.marker.color, target.marker.color) == (SOURCE_COLOUR, TARGET_COLOUR)
    assert (list(source.x), list(target.x)) == ([0.5, -0.25], [0.25, 1.0])


def test_negative_parts_go_to_the_left():
    assert drawn().layout.barmode == "relative"


def test_marks_stand_behind_the_bars():
    marks = drawn(marks=["▲ 3", "new"]).data[2]
    assert list(marks.x) == [0.75, 1.0]  # where the positive parts of each row end
    assert list(marks.text) == ["▲ 3", "new"]


def test_titles_are_literal_and_the_first_row_is_on_top():
    axis = drawn().layout.yaxis
    assert list(axis.ticktext) == ["Dune", "&lt;b&gt;Up&lt;/b&gt;"]
    assert axis.range[0] > axis.range[1]
