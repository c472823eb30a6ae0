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


def figure_spec(figure: Drawn) -> str:
    """Traces and layout as JSON that can stand inside a script element, on white paper."""
    spec = json.loads(plotly.io.to_json(figure, validate=False))
    layout = spec.setdefault("layout", {})
    layout.pop("template", None)
    size = layout.get("font", {}).get("size", 14)
    layout["font"] = {"family": FONT, "color": INK, "size": size}
    layout["yaxis"] = {"ticklabelstandoff": 7} | layout.get("yaxis", {})
    layout["xaxis"] = {"tickangle": 0} | layout.get("xaxis", {})
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
