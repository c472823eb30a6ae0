import numpy as np

from core.charts.fusion import draw_rating_plane


def test_the_plane_shows_the_error_its_lowest_point_and_where_one_stands():
    steps = np.array([0.0, 0.5, 1.0])
    error = np.arange(9.0).reshape(3, 3)
    figure = draw_rating_plane(
        steps,
        error,
        error < 2,
        metric="RMSE",
        lowest=(0.0, 0.0),
        here=(1.0, 0.5),
        names=("books", "films"),
    )
    heat, edge, lowest, here = figure.data
    np.testing.assert_array_equal(heat.z, error)
    assert edge.z.sum() == 2
    assert (lowest.x[0], lowest.y[0], here.x[0], here.y[0]) == (0.0, 0.0, 1.0, 0.5)
    assert figure.layout.showlegend is False  # white marks would be lost on a white page
    assert figure.layout.xaxis.title.text == "alpha, weight of books"
    assert figure.layout.yaxis.title.text == "beta, weight of films"
