"""Figures of the Data page: overlap, profile and what a split contains."""

import pandas as pd
import pytest

from core.basics.columns import COUNT, DECILE, DOMAIN, HIGH, LOW, SHARE, SOURCE, TARGET, TIME
from core.charts.data import draw_bins, draw_deciles, draw_overlap, draw_split_strip, draw_times
from core.charts.theme import SOURCE_COLOUR, TARGET_COLOUR


def colours(figure) -> list[str]:
    return [trace.marker.color or trace.line.color for trace in figure.data]


def test_overlapping_bars_are_drawn_to_scale():
    figure = draw_overlap(100, 70, 20, names=("books", "films"))
    source, target = figure.data
    assert (source.base[0], source.x[0]) == (0, 100)
    assert (target.base[0], target.x[0]) == (80, 70)
    assert figure.layout.xaxis.range == (0, 150)
    (frame,) = figure.layout.shapes
    assert (frame.x0, frame.x1) == (80, 100)
    assert figure.layout.annotations[0].text == "20 shared"


def test_without_shared_users_the_bars_stand_beside_each_other():
    figure = draw_overlap(100, 70, 0)
    assert figure.data[1].base[0] == 100
    assert not figure.layout.shapes


def test_a_domain_inside_the_other_is_framed_whole():
    figure = draw_overlap(100, 40, 40)
    assert figure.data[1].base[0] == 60
    assert figure.layout.xaxis.range == (0, 100)


@pytest.fixture
def bins() -> pd.DataFrame:
    rows = [(SOURCE, 1, 1, 5, 0.5), (SOURCE, 1024, 2047, 5, 0.5), (TARGET, 2, 3, 7, 1.0)]
    return pd.DataFrame(rows, columns=[DOMAIN, LOW, HIGH, COUNT, SHARE])


def test_bins_of_both_domains_share_one_axis_in_rising_order(bins):
    figure = draw_bins(bins, x="interactions of a user", y="share of users")
    assert figure.layout.xaxis.categoryarray == ("1", "2–3", "1k–2k")
    assert figure.layout.xaxis.ticktext == ("1", "2", "1k")
    assert colours(figure) == [SOURCE_COLOUR, TARGET_COLOUR]
    assert list(figure.data[1].x) == ["2–3"]


def test_a_domain_without_times_is_left_empty():
    times = pd.DataFrame(
        {DOMAIN: [TARGET], TIME: pd.to_datetime(["2024-01-01"]), COUNT: 3, SHARE: 1}
    )
    figure = draw_times(times, "month", names=("<b>books</b>", "films"))
    assert [len(trace.x) for trace in figure.data] == [0, 1]
    assert figure.data[0].name == "&lt;b&gt;books&lt;/b&gt;"
    assert figure.layout.xaxis.title.text == "month (UTC)"


def test_deciles_show_shares_of_both_domains():
    frame = pd.DataFrame(
        {
            DOMAIN: [SOURCE] * 10 + [TARGET] * 10,
            DECILE: [*range(1, 11)] * 2,
            COUNT: 4,
            SHARE: 0.5,
            "fewest": 1,
            "most": 2,
        }
    )
    figure = draw_deciles(frame)
    assert [len(trace.y) for trace in figure.data] == [10, 10]
    assert figure.layout.yaxis.range == (0, 1)


def test_the_strip_holds_every_row_once_and_what_is_left_out_in_grey():
    figure = draw_split_strip((50, 80, 10, 10), left_out=7, names=("books", "films"))
    by_name = {trace.name: trace.x[0] for trace in figure.data}
    assert by_name == {
        "books: train": 50,
        "books: left out": 7,
        "films: train": 80,
        "films: validation": 10,
        "films: test": 10,
    }
    assert len(set(colours(figure))) == 5
