import itertools

import numpy as np
import plotly.graph_objects as go
import pytest
from plotly.subplots import make_subplots

from core.charts import theme
from core.charts.theme import chart_config, faded, plain, themed

FIXED = (theme.SOURCE_COLOUR, theme.TARGET_COLOUR, theme.FUSED_COLOUR, theme.TWIN_COLOUR)
LIGHT_PAGE, DARK_PAGE = "#FFFFFF", "#14181F"
# How a person without red (protanopia) or green cones (deuteranopia) sees linear RGB:
# Machado, Oliveira and Fernandes 2009, table 1, severity 1.
SIGHTS = {
    "full colour": np.eye(3),
    "no red cones": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "no green cones": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
}


def light(colour: str) -> np.ndarray:
    """Linear RGB of #RRGGBB."""
    part = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    """Contrast ratio of WCAG 2, 1 to 21."""
    dark, bright = sorted(float(light(c) @ [0.2126, 0.7152, 0.0722]) for c in (one, other))
    return (bright + 0.05) / (dark + 0.05)


def lab(linear: np.ndarray) -> np.ndarray:
    """CIE Lab of linear RGB under D65."""
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = np.array(to_xyz) @ np.clip(linear, 0, 1) / [0.9505, 1.0, 1.089]
    root = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    x, y, z = root
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("sight", SIGHTS)
@pytest.mark.parametrize("colours", [FIXED, theme.CATEGORY_COLOURS])
def test_colours_stay_apart_for_colour_blind_people(colours, sight):
    seen = [lab(np.array(SIGHTS[sight]) @ light(colour)) for colour in colours]
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) > 20


@pytest.mark.parametrize("page", [LIGHT_PAGE, DARK_PAGE])
def test_colours_show_on_light_and_dark_pages(page):
    for colour in (*FIXED, theme.ALARM_COLOUR, *theme.CATEGORY_COLOURS):
        assert contrast(colour, page) > 2.5, colour


def test_a_themed_figure_is_clear_readable_and_never_cuts_labels():
    figure = themed(go.Figure(go.Bar(x=["a"], y=[1])), title="Lift", x="users", y="nDCG@10")
    layout = figure.layout
    assert layout.paper_bgcolor == layout.plot_bgcolor == "rgba(0, 0, 0, 0)"
    sizes = [layout.font.size, layout.xaxis.tickfont.size, layout.yaxis.title.font.size]
    assert min(sizes) >= 14
    assert layout.xaxis.automargin
    assert layout.yaxis.automargin
    assert (layout.title.text, layout.xaxis.title.text) == ("Lift", "users")
    assert layout.font.color is None  # the page decides: dark text on light, light on dark


def test_room_is_kept_for_title_and_legend_only_where_they_are():
    bare = themed(go.Figure(), legend=False).layout
    full = themed(go.Figure(), title="Lift", legend=True).layout
    assert bare.margin.t < full.margin.t
    assert not bare.showlegend


def test_titles_from_files_are_written_literally_and_short():
    assert plain(["<b>Dune</b> & <a href='http://x'>y</a>"]) == [
        "&lt;b&gt;Dune&lt;/b&gt; &amp; &lt;a href='http://x'&gt;y&lt;/a&gt;"
    ]
    assert plain(["a\nb  c", "12345678"], length=6) == ["a b c", "12345…"]


def test_figures_download_as_png_or_svg():
    assert chart_config("lift")["toImageButtonOptions"]["format"] == "png"
    assert chart_config("lift", "svg")["toImageButtonOptions"] == {
        "format": "svg",
        "filename": "lift",
        "scale": 2,
    }
    assert "lasso2d" in chart_config(tools=True)["modeBarButtons"][0]


def test_faded_keeps_the_colour():
    assert faded("#E07B12", 0.2) == "rgba(224, 123, 18, 0.2)"


def test_the_house_style_leaves_what_a_figure_says_that_the_style_does_not():
    figure = go.Figure(go.Bar(y=[1]), {"barmode": "stack", "yaxis": {"range": [0, 2]}})
    figure.add_vline(x=3)
    themed(figure, y="users", xaxis={"visible": False}, yaxis={"showgrid": False})
    assert figure.layout.barmode == "stack"
    assert figure.layout.yaxis.range == (0, 2)
    assert figure.layout.shapes[0].x0 == 3
    assert figure.layout.yaxis.title.text == "users"
    assert figure.layout.yaxis.automargin
    assert figure.layout.yaxis.showgrid is False
    assert figure.layout.xaxis.visible is False


def test_every_axis_of_a_figure_with_several_is_in_the_house_style():
    figure = themed(make_subplots(cols=2), x="days")
    assert figure.layout.xaxis.title.text == figure.layout.xaxis2.title.text == "days"
    assert figure.layout.yaxis2.gridcolor == theme.QUIET


def test_maps_are_drawn_with_no_more_dots_than_the_window_has():
    """Plotly's own twice in both directions is four times the work where no GPU draws."""
    assert chart_config("map", tools=True)["plotGlPixelRatio"] == 1
