"""Figures as text that stands in an HTML file without any other file or network."""

from __future__ import annotations

import json
from typing import Any, TypeAlias

import plotly.graph_objects as go
import plotly.io
from plotly.offline import get_plotlyjs

Drawn: TypeAlias = go.Figure
INK, PAPER = "#1C2530", "#FFFFFF"
FONT = "'Segoe UI', system-ui, -apple-system, 'Helvetica Neue', 'Noto Sans', Arial, sans-serif"
_SIZES = ("size", "thickness", "standoff")
_OUTSIDE = ("error_x", "error_y")


def figure_spec(figure: Drawn, factor: float = 1.0) -> str:
    """Traces and layout as JSON that can stand inside a script element, on white paper.

    factor: how much larger texts, dots and the height are drawn, for a wall instead of a page.
    """
    spec = json.loads(plotly.io.to_json(figure, validate=False))
    spec.get("layout", {}).pop("template", None)
    if factor != 1:
        spec = _grown(spec, factor)
    layout = spec.setdefault("layout", {})
    size = layout.get("font", {}).get("size", 14)
    layout["font"] = {"family": FONT, "color": INK, "size": size}
    layout["yaxis"] = {"ticklabelstandoff": 7} | layout.get("yaxis", {})
    layout["height"] = round(layout.get("height", 360) * factor)
    layout["hoverlabel"] = layout.get("hoverlabel", {}) | {"bgcolor": PAPER}
    return safe_json(spec)


def safe_json(value: Any) -> str:
    """JSON in which no text can end the script element that it stands in."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text


def plotly_script() -> str:
    """Source of plotly.js, some 4.8 MB, without an end of a script element in it."""
    return str(get_plotlyjs()).replace("</script", "<\\/script")


def _grown(value: Any, factor: float) -> Any:
    """The same spec with every size of a text or a dot multiplied."""
    if isinstance(value, list):
        return [_grown(entry, factor) for entry in value]
    if not isinstance(value, dict):
        return value
    grown = {}
    for key, entry in value.items():
        number = isinstance(entry, int | float) and not isinstance(entry, bool)
        margin = key in ("l", "r", "t", "b") and number
        grown[key] = (
            entry * factor if number and (key in _SIZES or margin) else _grown(entry, factor)
        )
    return grown
