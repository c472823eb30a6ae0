from core.charts.data import draw_import_bar
from core.charts.theme import ALARM_COLOUR, FUSED_COLOUR, TWIN_COLOUR


def test_the_parts_of_the_bar_add_up_to_the_rows_and_are_named_with_counts():
    figure = draw_import_bar({"rows": 2_000, "kept": 1_500, "rejected": 300, "merged": 200})
    assert [bar.x[0] for bar in figure.data] == [1_500, 300, 200]
    assert [bar.name for bar in figure.data] == [
        "kept 1,500 (75.0%)",
        "rejected 300 (15.0%)",
        "merged 200 (10.0%)",
    ]
    colours = [bar.marker.color for bar in figure.data]
    assert colours == [FUSED_COLOUR, ALARM_COLOUR, TWIN_COLOUR]
    assert tuple(figure.layout.xaxis.range) == (0, 2_000)
    assert figure.layout.xaxis.title.text == "rows of the file"


def test_shares_too_small_or_too_near_to_all_are_left_out():
    figure = draw_import_bar({"kept": 99_999, "rejected": 1, "merged": 0})
    assert [bar.name for bar in figure.data] == ["kept 99,999", "rejected 1", "merged 0"]
