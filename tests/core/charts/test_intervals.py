import pandas as pd

from core.basics.columns import HIGH, LOW, MEAN, SEGMENT, USERS
from core.charts.intervals import draw_overlap_curve


def test_the_overlap_curve_has_its_band_and_the_twins_level():
    rows = pd.DataFrame(
        {
            SEGMENT: ["all users"] * 3,
            "share": [0.0, 0.5, 1.0],
            MEAN: [0.21, 0.22, 0.25],  # nobody linked is no twin: source rows of strangers teach
            "twin": [0.2] * 3,
            LOW: [0.1, 0.1, 0.1],
            HIGH: [0.3, 0.3, 0.3],
            USERS: [50] * 3,
            "band_low": [0.2, 0.21, 0.23],
            "band_high": [0.2, 0.23, 0.27],
        }
    )
    figure = draw_overlap_curve(rows, y="nDCG@10")
    band, line = figure.data
    assert list(band.y) == [0.2, 0.23, 0.27, 0.23, 0.21, 0.2]
    assert list(line.x) == [0, 50, 100]
    assert [shape.y0 for shape in figure.layout.shapes] == [0.2]
