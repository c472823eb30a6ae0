import numpy as np
import pytest

from core.charts.maps import (
    FADED,
    LARGEST,
    SMALLEST,
    Layer,
    Shade,
    dot_size,
    draw_before_after,
    draw_map,
    interleaved,
    mark_point,
    place_labels,
)
from core.charts.theme import SOURCE_COLOUR, TARGET_COLOUR


@pytest.fixture
def places():
    return np.array([[0.0, 1], [2, 3], [4, 5]], dtype=np.float32)


@pytest.fixture
def layers():
    return [Layer("books", np.array([0, 2]), SOURCE_COLOUR), Layer("<films>", np.array([1]))]


def test_every_layer_draws_its_own_points_with_what_they_say(places, layers):
    figure = draw_map(places, ["a", "b", "c"], layers, true_to_scale=True)
    books, films = figure.data
    assert (list(books.x), list(books.y), list(books.text)) == ([0, 4], [1, 5], ["a", "c"])
    assert (books.marker.color, books.name) == (SOURCE_COLOUR, "books")
    assert films.name == "&lt;films&gt;"


def test_the_map_has_no_axes_and_is_true_to_scale_where_asked(places, layers):
    for true_to_scale, anchor in ((True, "x"), (False, None)):
        layout = draw_map(places, list("abc"), layers, true_to_scale=true_to_scale).layout
        assert (layout.xaxis.visible, layout.yaxis.visible, layout.height) == (False, False, 650)
        assert layout.yaxis.scaleanchor == anchor


def test_counts_are_coloured_on_a_log_scale_with_readable_ticks(places):
    layer = Layer("items", np.arange(3), counts=np.array([0, 10, 250]), scale="interactions")
    marker = draw_map(places, list("abc"), [layer], true_to_scale=False).data[0].marker
    np.testing.assert_allclose(marker.color, [0, 1, np.log10(250)])
    assert (marker.cmin, marker.cmax) == (0, 3)
    assert list(marker.colorbar.ticktext) == ["1", "10", "100", "1,000"]
    assert marker.colorbar.title.text == "interactions"


def test_a_marked_point_gets_a_star_and_its_neighbours_rings(places, layers):
    figure = draw_map(places, list("abc"), layers, true_to_scale=False)
    mark_point(figure, places[0], "Dune <b>", places[1:], TARGET_COLOUR)
    rings, star = figure.data[2:]
    assert (list(rings.x), rings.marker.symbol) == ([2, 4], "circle-open")
    assert (star.name, star.marker.symbol, list(star.y)) == ("Dune &lt;b&gt;", "star", [1])


def test_a_point_that_is_not_drawn_gets_no_star(places, layers):
    figure = draw_map(places, list("abc"), layers, true_to_scale=False)
    assert len(mark_point(figure, None, "Dune", np.empty((0, 2)), TARGET_COLOUR).data) == 2


def test_layers_take_turns_so_that_the_last_does_not_hide_the_first():
    books, films = (
        Layer(name, np.arange(start, start + 8)) for name, start in (("b", 0), ("f", 8))
    )
    parts = interleaved([books, films])
    names = ["b", "f", "f", "b", "b", "f", "f", "b"]
    assert [part.name for part in parts] == [f"{name} (8)" for name in names]
    assert sorted(np.concatenate([part.rows for part in parts])) == list(range(16))
    assert [part.in_legend for part in parts] == [True, True] + [False] * 6


def test_a_single_point_has_its_entry_in_the_legend_and_counts_keep_their_order():
    (only,) = interleaved([Layer("one", np.array([3]))])
    assert (only.name, only.in_legend) == ("one (1)", True)
    counted = Layer("items", np.array([2, 0, 1]), counts=np.array([1, 5, 9]))
    assert interleaved([counted])[0].rows.tolist() == [2, 0, 1]


def test_layers_of_one_name_are_one_entry_of_the_legend_with_all_their_points():
    layers = [Layer("Crime", np.arange(8)), Layer("Crime", np.arange(8, 12), symbol="diamond")]
    parts = interleaved(layers)
    assert {part.name for part in parts} == {"Crime (12)"}
    assert sum(part.in_legend for part in parts) == 1


def test_dots_shrink_with_their_number_and_grow_where_a_part_is_looked_at(layers):
    assert (dot_size(20_000), dot_size(3)) == (SMALLEST, LARGEST)
    places = np.column_stack([np.arange(2_000.0), np.arange(2_000.0)])
    many = [Layer("all", np.arange(2_000))]
    hover = ["x"] * 2_000
    whole = draw_map(places, hover, many, true_to_scale=False)
    part = draw_map(places, hover, many, true_to_scale=False, area=(0, 99, 0, 99))
    assert whole.data[0].marker.size == dot_size(2_000)
    assert part.data[0].marker.size == dot_size(100) > whole.data[0].marker.size
    assert list(part.layout.xaxis.range) == [0, 99]


def test_names_stand_where_their_group_is_thickest_and_on_no_other():
    rng = np.random.default_rng(0)
    first = rng.normal(size=(200, 2))
    stray = np.full((20, 2), 50.0)
    places = np.concatenate([first, stray, first + np.array([0, 0.1]), [[0, 0]]])
    groups = np.repeat([0, 0, 1, 2], [200, 20, 200, 1])
    crime, love = place_labels(places, groups, ["Crime", "Love", ""], true_to_scale=False)
    assert max(abs(crime.x), abs(crime.y)) < 1  # not drawn away by the strays
    assert abs(crime.shift - love.shift) >= 22


def test_names_of_islands_stand_above_them():
    places = np.array([[0.0, 0], [0, 0], [9, 9], [9, 9]])
    groups = np.array([0, 0, 1, 1])
    told = place_labels(places, groups, ["A", "B"], true_to_scale=False, islands=True)
    assert all(label.shift > 0 for label in told)
    assert {(label.x, label.y) for label in told} == {(0, 0), (9, 9)}


def test_of_many_groups_those_that_find_no_room_have_no_name_until_one_looks_closer():
    groups = np.repeat(np.arange(10), 20)
    places = np.column_stack([groups, groups]) * 1.0
    places[groups > 1] = [5, 5]
    names = [f"a long name {number}" for number in range(10)]
    labels = place_labels(places, groups, names, true_to_scale=False, islands=True)
    told = [label.text for label in labels]
    assert set(names[:2]) <= set(told)
    assert len(told) == 6  # four more, above and below the place that eight groups share
    closer = place_labels(places, groups, names, true_to_scale=False, area=(-0.5, 0.5, -0.5, 0.5))
    assert [label.text for label in closer] == names[:1]


def test_a_map_that_stands_in_for_another_says_so_on_the_picture(places, layers):
    figure = draw_map(places, list("abc"), layers, true_to_scale=True, said="PCA, until <UMAP>")
    assert figure.layout.annotations[0].text == "PCA, until &lt;UMAP&gt;"


def before_after(**more):
    place = np.array([[0.0, 0], [1, 1], [2, 2]])
    sides = (place, place + 1)
    return draw_before_after(
        sides, sides, list("abc"), ("books", "films"), np.array([0]), title="After", **more
    )


def test_who_is_selected_stands_out_on_both_maps():
    chosen = np.array([False, True, False])
    dots = [trace for trace in before_after(chosen=chosen).data if trace.mode == "markers"]
    assert len(dots) == 8  # the rest and the selected, of two domains, on two maps
    for trace in dots:
        people = list(trace.customdata)
        assert (people, trace.marker.opacity) in ([[0, 2], FADED], [[1], 0.95]) or (
            (people == [1]) == (trace.marker.opacity > FADED)
        )
    assert {trace.xaxis for trace in dots if list(trace.customdata) == [1]} == {"x", "x2"}


def test_both_maps_have_one_scale_of_colours():
    shade = Shade("distance", np.array([0.0, 1, 2]), np.array([1.0, 3, 5]))
    figure = before_after(shade=shade)
    dots = [trace for trace in figure.data if trace.mode == "markers"]
    assert {trace.marker.coloraxis for trace in dots} == {"coloraxis"}
    assert (figure.layout.coloraxis.cmin, figure.layout.coloraxis.cmax) == (0, 5)
    assert list(dots[0].marker.color) == [0, 1, 2]
    assert list(dots[-1].marker.color) == [1, 3, 5]
    assert not any(trace.showlegend for trace in dots)


def test_a_lift_is_coloured_from_as_far_below_zero_as_above_and_who_has_none_is_not_drawn():
    lift = np.array([-0.2, np.nan, 0.5])
    figure = before_after(shade=Shade("lift", lift, lift, signed=True))
    assert (figure.layout.coloraxis.cmin, figure.layout.coloraxis.cmax) == (-0.5, 0.5)
    dots = [trace for trace in figure.data if trace.mode == "markers"]
    assert [list(trace.customdata) for trace in dots] == [[0, 2]] * 4
