import numpy as np
import pytest

from core.charts.maps import Layer, draw_map, interleaved, mark_point
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
