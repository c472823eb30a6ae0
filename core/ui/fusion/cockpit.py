"""The cockpit: sliders, figures, curve and one user's list that move in the browser by themselves.

The browser gets everything that can reach the list and the figures at every ratio of the curve. It
tells the server the weights once, when a slider is let go.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from core.basics.columns import CHOSEN, HIGH, LOW, MEAN, NEAR, PLACE, SEGMENT, SHARE
from core.basics.formatting import signed_with_interval
from core.charts.fusion import segment_colour
from core.charts.theme import one_line
from core.evaluation.segments import TITLES
from core.evaluation.weightings import RatioPicture
from core.fusion.fused import BestRatio, Prepared
from core.store.run_folder import Run
from core.ui.fusion import data as fusion_data
from core.ui.fusion.data import DIGITS, Point, Recipe, Tile, pinned, ratio_text
from core.ui.fusion.user import OneUser, why_still
from core.ui.state import set_current

KEY = "fusion_cockpit"
TITLE, NAME = 120, 40  # letters of an item's title, of a domain or a user
HEIGHT = 634  # pixels it takes where the curve and a list of ten stand side by side
_TOLD = "fusion_weights_told"  # which of the browser's messages the weights come from
_FILE = Path(__file__)
SCRIPT = _FILE.with_suffix(".js").read_text("utf-8")

_draw = st.components.v2.component(
    "crosswalk_weights",
    css=_FILE.with_suffix(".css").read_text("utf-8"),
    js=SCRIPT,
)


def show_cockpit(
    run: Run, recipe: Recipe, by: str, here: Point, one: OneUser, formula: tuple[str, str]
) -> None:
    """Draw it at these weights; formula: what stands behind each weight in the score."""
    names = tuple(one_line(run.record.name_of(domain), NAME) for domain in ("source", "target"))
    board, picture = fusion_data.board(run, recipe), fusion_data.picture(run, recipe, by)
    pin = pinned(run)
    data = {
        "alpha": here.alpha,
        "beta": here.beta,
        "told": st.session_state.get(_TOLD, 0),
        "names": names,
        "formula": formula,
        "here": [_numbers(tile) for tile in fusion_data.tiles(board, here.alpha, here.beta)],
        "tiles": _tiles(fusion_data.tiles_on_the_way(run, recipe)),
        "curve": _curve(picture, by, recipe.k),
        "pinned": pin.share if pin else None,
        "list": _list(one, recipe.k, names),
    }
    # A space beside it keeps the room it takes, so that nothing below jumps when it is drawn
    with st.container(horizontal=True, gap=None):
        _draw(key=KEY, data=data, on_weights_change=_take_up)
        st.container(width=1).space(HEIGHT)


def _take_up() -> None:
    weights = told_weights(st.session_state[KEY].get("weights"))
    if weights is not None:
        alpha, beta, st.session_state[_TOLD] = weights
        set_current(alpha=alpha, beta=beta)


def told_weights(told: Any) -> tuple[float, float, int] | None:
    """alpha, beta and the number of the browser's message; None where it is no pair of weights."""
    try:
        alpha, beta, number = float(told["alpha"]), float(told["beta"]), int(told["told"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    if not (0 <= alpha <= 1 and 0 <= beta <= 1):
        return None
    return round(alpha, DIGITS), round(beta, DIGITS), number


def _tiles(on_the_way: list[list[Tile]]) -> list[dict[str, Any]]:
    """Each figure with its numbers at every share of the curve."""
    return [
        {
            "title": f"{series[0].title}, validation",
            "help": series[0].help,
            "at": [_numbers(tile) for tile in series],
        }
        for series in zip(*on_the_way, strict=True)
    ]


def _numbers(tile: Tile) -> list[float | None]:
    return _finite([tile.value, tile.gain, tile.low, tile.high])


def _curve(picture: RatioPicture, by: str, k: int) -> dict[str, Any]:
    """The curve with its band, a line per segment and the words over and under it."""
    whole = picture.curve
    lines = []
    for name, part in picture.lines.groupby(SEGMENT, sort=False):
        (dot,) = picture.best[picture.best[SEGMENT] == name].to_dict("records")
        line = {
            "name": str(name),
            "colour": segment_colour(part[PLACE].iloc[0]),
            "mean": _finite(part[MEAN]),
            "dot": [float(dot[CHOSEN]), float(dot[MEAN])],
        }
        lines.append(line)
    return {
        "title": curve_title(picture.overall, k),
        "metric": f"nDCG@{k}",
        "by": TITLES[by] if lines else "",
        "shares": _finite(whole[SHARE]),
        **{name: _finite(whole[name]) for name in (MEAN, LOW, HIGH)},
        "near": [bool(near) for near in whole[NEAR]],
        "lines": lines,
    }


def curve_title(best: BestRatio | None, k: int) -> str:
    """The answer of the curve in one line."""
    if best is None:
        return f"nDCG@{k}: too few validation users to tell one ratio from another"
    if best.share == 0.5:
        return f"nDCG@{k}: no ratio is clearly better than 1 : 1"
    gain = signed_with_interval(best.gain.mean, best.gain.low, best.gain.high)
    at = "with" if best.share in (0, 1) else "at"
    return f"Best {at} {ratio_text(*fusion_data.rounded(best.share))}: {gain} nDCG@{k} over 1 : 1"


def _list(one: OneUser, k: int, names: tuple[str, ...]) -> dict[str, Any]:
    """Everything that can reach the list, in the order that breaks ties."""
    source, target = names
    return {
        **packed(one.prepared),
        "user": one_line(one.name, NAME),
        "in": [f"{one.in_source:,} in {source}", f"{one.in_target:,} in {target}"],
        "still": why_still(one, (source, target)),
        "k": k,
        "titles": [one_line(title, TITLE) for title in one.titles],
        "hits": [bool(hit) for hit in one.hits],
    }


def packed(prepared: Prepared) -> dict[str, Any]:
    """The parts of one user's scores as the browser reads them: float32, nothing rounded."""
    columns = {
        "source": prepared.source_value,
        "target": prepared.target_value,
        "base": prepared.base,
    }
    little = {name: values[0].astype("<f4").tobytes() for name, values in columns.items()}
    return {
        **{name: base64.b64encode(values).decode("ascii") for name, values in little.items()},
        "has_source": bool(prepared.has_source[0]),
        "has_target": bool(prepared.has_target[0]),
        "depth": prepared.k,
    }


def _finite(values: Iterable[float] | pd.Series) -> list[float | None]:
    """The numbers with None where there is none: JSON knows no NaN."""
    return [float(value) if math.isfinite(value) else None for value in values]
