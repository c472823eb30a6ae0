"""Figures of the report say their numbers in letters, and stand in a file by themselves."""

import json

import numpy as np
import pandas as pd

from core.basics.columns import HIGH, LOW, MEAN, RUN, SEGMENT
from core.charts.report import (
    NOISE,
    TONE,
    TONES,
    WORDS,
    draw_levels,
    draw_lifts,
    draw_moved,
    figure_spec,
    plotly_script,
)

LIFTS = pd.DataFrame(
    {
        SEGMENT: ["everybody · 99", "<b>few</b> · 3"],
        MEAN: [0.02, np.nan],
        LOW: [0.01, np.nan],
        HIGH: [0.03, np.nan],
        WORDS: ["+.020 (+.010 to +.030)", "too few to say"],
        TONE: ["good", "open"],
        NOISE: [0.005, np.nan],
    }
)


def test_lifts_say_their_numbers_and_have_the_colour_of_what_they_show():
    figure = draw_lifts(LIFTS, x="difference in nDCG@10")
    assert [note.text for note in figure.layout.annotations] == list(LIFTS[WORDS])
    assert figure.data[0].marker.color == TONES["good"]
    assert figure.data[1].marker.symbol == "circle-open"
    assert "&lt;b&gt;" in figure.layout.yaxis.ticktext[1]
    bands = [shape for shape in figure.layout.shapes if shape.type == "rect"]
    assert [(band.x0, band.x1) for band in bands] == [(-0.005, 0.005)]


def test_levels_show_the_run_of_the_report_filled():
    rows = LIFTS.rename(columns={SEGMENT: RUN}).drop(columns=NOISE)
    assert [trace.marker.symbol for trace in draw_levels(rows, x="nDCG").data] == [
        "circle",
        "circle-open",
    ]


def test_moved_users_are_one_bar_that_adds_up():
    figure = draw_moved(12, 1_800, 3)
    assert sum(bar.x[0] for bar in figure.data) == 1_815
    assert [bar.text for bar in figure.data] == ["12", "1,800", "3"]


def test_a_figure_in_a_file_is_plain_json_in_ink_on_paper():
    spec = json.loads(figure_spec(draw_moved(1, 2, 3)))
    assert "template" not in spec["layout"]
    assert spec["layout"]["font"]["color"] == "#1C2530"
    assert "</script" not in plotly_script()
