"""How every figure looks: colours with a fixed meaning, readable sizes, safe labels."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import plotly.graph_objects as go

# Told apart by people with red- or green-blindness, and visible on light and dark pages.
SOURCE_COLOUR = "#E07B12"  # orange: the source domain
TARGET_COLOUR = "#1F78C8"  # blue: the target domain
FUSED_COLOUR = "#12925F"  # green: both together
TWIN_COLOUR = "#8A8F98"  # grey: the twin, and whatever is only there to compare with
ALARM_COLOUR = "#C8322B"  # red: harm and failed checks, nothing else
CATEGORY_COLOURS = (
    "#42AEAE",
    "#A824A8",
    "#C8936F",
    "#478BF0",
    "#BD320F",
    "#4747F0",
    "#DE8C12",
    "#C62A68",
)
OTHER_COLOUR = TWIN_COLOUR  # categories beyond the eight, and items without one
SEQUENTIAL_COLOURS = ("#A3B1BF", "#7E9CC9", "#7A78C8", "#9C4FB3", "#BF2F83", "#CF1F4F")

TEXT_SIZE, AXIS_SIZE, TITLE_SIZE = 14, 15, 18  # pixels; smaller text is lost on a projector
EDGE, LABELS, NUMBERS = 16, 33, 54  # pixels of margin: bare, with labels below, with numbers beside
LETTER, MOST_LABELS = 6.8, 220  # width of a letter, and the most that labels get unasked
LEGEND_BELOW, LEGEND = {"y": 0, "yanchor": "top", "itemsizing": "constant"}, 44  # and its pixels
CLEAR = "rgba(0, 0, 0, 0)"
QUIET = "rgba(128, 128, 128, 0.25)"  # grid and zero lines, on light and dark alike
STRONG = "rgba(128, 128, 128, 0.85)"
# Streamlit writes the page's own colours in the place of these two, wherever they stand in a figure
PAGE_TEXT, PAGE_BACK = "#000037", "#000038"
HALO = ", ".join([f"0 0 3px {PAGE_BACK}"] * 4)  # round words that stand on dots


def themed(
    figure: go.Figure,
    *,
    title: str = "",
    x: str = "",
    y: str = "",
    height: int | None = None,
    legend: bool | dict[str, Any] = True,
    **layout: Any,
) -> go.Figure:
    """The same figure in the house style; `x` and `y` say what the axes hold, units and k included.

    legend: whether there is one, or in what it differs from the house's, such as LEGEND_BELOW.
    The background is clear and text takes the page's colour, so light and dark pages both work.
    Labels never get cut: axes make the room they need, and start with about that much, since a
    figure whose axes have to ask for more is drawn twice. layout: more of Plotly's layout, laid
    over the house style; given here it costs a tenth of the figure's own `update_…` and `add_…`.
    """
    drawn = figure.layout.to_plotly_json()
    drawn.pop("template", None)
    looks = _layout(title, height, bool(legend))
    for name in {"xaxis", *(name for name in drawn if name.startswith("xaxis"))}:
        looks[name] = _axis(x, showgrid=False)
    for name in {"yaxis", *(name for name in drawn if name.startswith("yaxis"))}:
        looks[name] = _axis(y, showgrid=True)
    if isinstance(legend, dict):
        layout = layout | {"legend": legend}
    whole = _laid_over(_laid_over(drawn, looks), layout)
    room = {"l": _beside(whole["yaxis"]), "b": _below(whole["xaxis"])}
    figure.layout = _laid_over(whole, {"margin": room | layout.get("margin", {})})
    return figure


def _layout(title: str, height: int | None, legend: bool) -> dict[str, Any]:
    top = EDGE + (34 if title else 0) + (34 if legend else 0)
    looks = {
        "title": {
            "text": title,
            "x": 0,
            "xref": "container",
            "y": 1,
            "yref": "container",
            "yanchor": "top",
            "pad": {"t": 6},
            "font": {"size": TITLE_SIZE},
        },
        "font": {"size": TEXT_SIZE},
        "paper_bgcolor": CLEAR,
        "plot_bgcolor": CLEAR,
        "margin": {"r": 22, "t": top},
        "showlegend": legend,
        "legend": {
            "orientation": "h",
            "x": 0,
            "xanchor": "left",
            "y": 1,
            "yanchor": "bottom",
            "title": {"text": ""},
            "font": {"size": TEXT_SIZE},
            "bgcolor": CLEAR,
        },
        "hoverlabel": {"font": {"size": TEXT_SIZE}, "namelength": -1, "align": "left"},
        "modebar": {"bgcolor": CLEAR, "color": STRONG, "activecolor": FUSED_COLOUR},
        "bargap": 0.25,
    }
    return looks if height is None else looks | {"height": height}


def _axis(title: str, *, showgrid: bool) -> dict[str, Any]:
    looks = {
        "automargin": True,
        "showgrid": showgrid,
        "gridcolor": QUIET,
        "zeroline": False,
        "zerolinecolor": STRONG,
        "zerolinewidth": 1,
        "tickfont": {"size": TEXT_SIZE},
    }
    words = {"text": title, "font": {"size": AXIS_SIZE}, "standoff": 8}
    return looks | {"title": words} if title else looks


def _beside(axis: dict[str, Any]) -> int:
    """Pixels an upright axis needs for its labels and title; long labels ask for the rest."""
    if _unlabelled(axis):
        return EDGE
    title = 24 if axis.get("title") else 0
    if "ticktext" not in axis:
        return NUMBERS + title
    longest = max(
        (
            len(line)
            for line in [line for label in axis["ticktext"] for line in label.split("<br>")]
        ),
        default=0,
    )
    return min(EDGE + 8 + int(LETTER * longest), MOST_LABELS) + title


def _below(axis: dict[str, Any]) -> int:
    """Pixels a level axis needs for its labels and title."""
    if _unlabelled(axis):
        return EDGE
    deepest = max((label.count("<br>") for label in axis.get("ticktext", ())), default=0)
    return LABELS + deepest * 18 + (27 if axis.get("title") else 0)


def _unlabelled(axis: dict[str, Any]) -> bool:
    return axis.get("visible") is False or axis.get("showticklabels") is False


def _laid_over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Both dictionaries in one, level by level; where both say something, `above` counts."""
    both = below | above
    for name in below.keys() & above.keys():
        if isinstance(below[name], dict) and isinstance(above[name], dict):
            both[name] = _laid_over(below[name], above[name])
    return both


def upright(x: float, width: float = 1, colour: str = STRONG) -> dict[str, Any]:
    """A shape for a layout: a line from bottom to top, such as the one at zero."""
    return {
        "type": "line",
        "x0": x,
        "x1": x,
        "xref": "x",
        "y0": 0,
        "y1": 1,
        "yref": "y domain",
        "line": {"color": colour, "width": width},
    }


def chart_config(
    name: str = "crosswalk", image: Literal["png", "svg"] = "png", *, tools: bool = False
) -> dict[str, Any]:
    """Plotly's config: a download button that saves `name`.png (or .svg), twice the screen's size.

    tools: also show zoom, box and lasso, for maps that can be selected from.
    """
    buttons = ["toImage", "zoom2d", "pan2d", "select2d", "lasso2d", "resetScale2d"]
    return {
        "displaylogo": False,
        "displayModeBar": "hover" if not tools else True,
        "modeBarButtons": [buttons if tools else buttons[:1]],
        "toImageButtonOptions": {"format": image, "filename": name, "scale": 2},
        "plotGlPixelRatio": 1,  # Plotly's own 2 is four times the work where no GPU draws the map
    }


CHART_CONFIG = chart_config()
SVG_CONFIG = chart_config(image="svg")


def faded(colour: str, opacity: float) -> str:
    """The colour `#RRGGBB` as rgba text with an opacity from 0 to 1; for bands and areas."""
    red, green, blue = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {opacity:g})"


SOURCE_TINT, TARGET_TINT = faded(SOURCE_COLOUR, 0.18), faded(TARGET_COLOUR, 0.18)
FUSED_TINT, TWIN_TINT = faded(FUSED_COLOUR, 0.18), faded(TWIN_COLOUR, 0.18)


def plain(names: Iterable[object], length: int = 60) -> list[str]:
    """Names as literal text for labels and hover boxes, shortened to `length` characters.

    Plotly reads `<b>`, `<a href>` and `&lt;` in any label; a title from a file must not.
    """
    return [
        one_line(name, length).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        for name in names
    ]


def one_line(name: object, length: int) -> str:
    """A name without line breaks, shortened to `length` characters."""
    words = " ".join(str(name).split())
    return words if len(words) <= length else words[: length - 1].rstrip() + "…"
