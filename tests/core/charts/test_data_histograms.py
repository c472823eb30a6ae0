import numpy as np

from core.charts.data import draw_histogram, draw_histogram_pair, histogram_pair


def test_both_domains_share_their_edges():
    edges, source, target = histogram_pair(np.array([1, 1, 3]), np.array([5]), bins=2)
    np.testing.assert_allclose(edges, [1, 3, 5])
    np.testing.assert_allclose(source, [2 / 3, 1 / 3])
    np.testing.assert_allclose(target, [0, 1])


def test_log_edges_grow_by_a_constant_factor_and_keep_every_value():
    edges, source, target = histogram_pair(
        np.array([1, 10]), np.array([100, 1000]), bins=3, log=True
    )
    np.testing.assert_allclose(edges, [1, 10, 100, 1000])
    assert source.sum() == target.sum() == 1


def test_one_value_and_no_values_still_make_a_histogram():
    assert histogram_pair(np.array([3.0]), np.array([]), bins=4)[1].sum() == 1
    assert histogram_pair(np.array([]), np.array([]))[1].sum() == 0


def test_a_pair_is_drawn_on_matched_axes_with_exact_bar_places():
    edges = np.array([1.0, 2.0, 4.0])
    figure = draw_histogram_pair(
        edges, np.array([3, 1]), np.array([0, 2]), x="films per user", y="users", names=("a", "b")
    )
    left, right = figure.data
    assert (list(left.x), list(left.width)) == ([1.5, 3.0], [1.0, 2.0])
    assert (list(left.y), list(right.y)) == ([3, 1], [0, 2])
    assert figure.layout.xaxis.matches == figure.layout.xaxis2.matches == "x"
    assert [note.text for note in figure.layout.annotations] == ["a", "b"]


def test_times_are_drawn_as_dates():
    edges = np.array(["2020-01-01", "2020-01-03", "2020-01-05"], dtype="datetime64[D]")
    figure = draw_histogram_pair(edges, np.array([1, 2]), np.array([3, 4]), x="time", y="rows")
    assert str(figure.data[0].x[0]).startswith("2020-01-02")
    assert figure.data[0].width[0] == 2 * 24 * 3600 * 1000  # milliseconds


def test_zero_is_marked_only_where_it_is_inside():
    counts = np.array([1, 2])
    assert draw_histogram(np.array([-1.0, 0, 1]), counts, x="difference", y="users").layout.shapes
    assert not draw_histogram(np.array([1.0, 2, 3]), counts, x="n", y="users").layout.shapes
