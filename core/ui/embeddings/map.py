"""The map itself, with its question and answer over it: coloured, named, and looked at closer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from core.basics.columns import SOURCE, TARGET
from core.basics.formatting import count, number
from core.basics.types import FloatArray, IntArray
from core.charts.maps import Area, Layer, draw_map, interleaved, mark_point, place_labels
from core.charts.theme import (
    ALARM_COLOUR,
    CATEGORY_COLOURS,
    FUSED_COLOUR,
    SOURCE_COLOUR,
    TARGET_COLOUR,
    plain,
)
from core.embedding.distinct import ACTIVITY, DOMAIN, LIFT, MIXED, POPULARITY
from core.embedding.maps import MAP_BOTH
from core.embedding.neighbours import goes_with_neighbours, shared_by_neighbours
from core.models.text.encoders import ENCODERS
from core.models.text.vectors import ALONE, BESIDE
from core.ui.embeddings.data import (
    CATEGORIES,
    CATEGORY,
    COUNT,
    NAME,
    NO_CATEGORY,
    Layout,
    MapData,
    groups,
    lifts,
    names_of_groups,
)
from core.ui.embeddings.selection import Found
from core.ui.embeddings.view import CLUSTER, PCA, UMAP, View
from core.ui.keeping import kept_data, kept_resource
from core.ui.shell import figure_config
from core.ui.widgets import plain as plain_text

DOMAIN_COLOURS = {SOURCE: SOURCE_COLOUR, TARGET: TARGET_COLOUR}
USER_SYMBOL = "diamond-open"
IN_BOTH = 6  # categories in colours where users are on the map too
ROOM = 0.05  # shown round the points that are looked at closer, as a share of their extent


def show_map(data: MapData, layout: Layout, view: View, found: Found | None) -> IntArray:
    """Draw the map, and return which points are selected, as rows of the data's table."""
    closer = f"closer_{data.key}_{view.what}_{layout.method}"
    layout = replace(layout, area=st.session_state.get(closer))
    figure, layers = _drawn(data, layout, view.colour)
    if found is not None:
        figure = go.Figure(figure)  # the kept one stays without marks
        place_of = dict(zip(layout.rows.tolist(), layout.places, strict=True))
        rings = [place_of[row] for row in found.neighbours.tolist() if row in place_of]
        star = None if found.row is None else place_of.get(found.row)
        mark_point(figure, star, found.name, np.reshape(rings, (-1, 2)), FUSED_COLOUR)
    answer = draw_titled(
        figure,
        lambda name: _title(data, layout, view.colour, name),
        f"map_{data.key}_{view.what}_{view.colour}_{layout.method}",
        note=_note(data, layout, view),
        on_select="rerun",
    )
    # Rows of the selected points; stars and rings, which come after the layers, do not count
    points = answer["selection"]["points"] if answer else []
    places = [
        layers[point["curve_number"]].rows[point["point_index"]]
        for point in points
        if point["curve_number"] < len(layers)
        and point["point_index"] < len(layers[point["curve_number"]].rows)
    ]
    chosen = np.unique(np.array(places, dtype=np.intp))
    _draw_closer(closer, layout.places[chosen])
    return layout.rows[chosen]


def draw_titled(
    figure: go.Figure,
    title: Callable[[Callable[[object], str]], str],
    key: str,
    *,
    note: str = "",
    on_select: Literal["ignore", "rerun"] = "ignore",
) -> Any:
    """A chart under its question and answer, which are its words for a screen reader, too.

    title: given how a name is written, `**question** answer`. note: in small letters below it.
    """
    st.markdown(title(plain_text))
    answer = st.plotly_chart(
        figure,
        key=key,
        width="stretch",
        config=figure_config(key, tools=on_select == "rerun"),
        on_select=on_select,
        selection_mode=("box", "lasso"),
        alt=title(str).replace("**", ""),
    )
    if note:
        st.markdown(f":small[{note}]")
    return answer


def _draw_closer(key: str, places: FloatArray) -> None:
    """Buttons that show the selected places, (n, 2), alone with larger dots, and all again."""
    with st.container(horizontal=True):
        if len(places):
            low, high = places.min(axis=0), places.max(axis=0)
            room = ROOM * np.maximum(high - low, 1e-3)
            (left, bottom), (right, top) = (low - room).tolist(), (high + room).tolist()
            st.button(
                "Look closer",
                icon=":material/zoom_in:",
                key="look_closer",
                on_click=_look_at,
                args=(key, (left, right, bottom, top)),
            )
        if key in st.session_state:
            st.button(
                "Whole map",
                icon=":material/zoom_out_map:",
                key="whole_map",
                on_click=_look_at,
                args=(key, None),
            )


def _look_at(key: str, area: Area | None) -> None:
    st.session_state.pop(key, None)
    if area is not None:
        st.session_state[key] = area


@kept_resource(max_entries=6)
def _drawn(data: MapData, layout: Layout, colour: str) -> tuple[go.Figure, list[Layer]]:
    """The map without marks and its layers; seeded layouts make it the same every time."""
    layers = interleaved(_layers(data, layout, colour))
    shown = data.table.iloc[layout.rows]
    domains = dict(zip(data.names, plain(data.names.values()), strict=True))
    rest = zip(shown[DOMAIN], plain(shown[CATEGORIES], 60), shown[COUNT], strict=True)
    hover = [
        f"<b>{title}</b><br>{categories + '<br>' if categories else ''}"
        f"{domains[domain]} · {interactions:,} interactions"
        for title, (domain, categories, interactions) in zip(plain(shown[NAME]), rest, strict=True)
    ]
    true_to_scale = layout.method == PCA
    group, names = groups(data, layout)[layout.rows], names_of_groups(data, layout)
    if len(names) > len(CATEGORY_COLOURS):  # room for one category each, which no other has first
        names = [name.split(" · ")[0] for name in names]
    names = ["" if name.startswith(MIXED) else name for name in names]
    return draw_map(
        layout.places,
        hover,
        layers,
        true_to_scale=true_to_scale,
        labels=place_labels(
            layout.places,
            group,
            names,
            true_to_scale=true_to_scale,
            islands=layout.method == UMAP,
            area=layout.area,
        ),
        said=f"{layout.method}, until the {layout.until} map is drawn" if layout.until else "",
        area=layout.area,
    ), layers


def _layers(data: MapData, layout: Layout, colour: str) -> list[Layer]:
    """What is drawn alike, in the order of drawing; rows are positions in the layout."""
    table = data.table.iloc[layout.rows]
    is_item = data.points.is_item[layout.rows]
    if colour in (POPULARITY, ACTIVITY):
        scaled = is_item if colour == POPULARITY else ~is_item
        return _by_count(table[COUNT].to_numpy(), scaled, colour)
    if colour == CATEGORY:
        # The most frequent in colours, all others in grey below them
        categories = table[CATEGORY]
        known = categories[categories != ""]
        most = IN_BOTH if data.what == MAP_BOTH else len(CATEGORY_COLOURS)
        frequent = list(known.value_counts().index[:most])
        other = is_item & ~categories.isin(frequent).to_numpy()
        grey = [
            Layer("users", np.flatnonzero(~is_item), symbol=USER_SYMBOL),
            Layer("other or none", np.flatnonzero(other)),
        ]
        return [layer for layer in grey if len(layer.rows)] + [
            Layer(str(name), np.flatnonzero((categories == name).to_numpy()), colour)
            for name, colour in zip(frequent, CATEGORY_COLOURS, strict=False)
        ]
    if colour == CLUSTER:
        group = groups(data, layout)[layout.rows]
        return _by_group(group, is_item, names_of_groups(data, layout))
    if colour == LIFT:
        found = lifts(data)
        nobody = np.full(len(layout.rows), np.nan)
        return _by_lift(nobody if found is None else found[layout.rows], is_item)
    layers = []
    for domain, name in data.names.items():
        here = (table[DOMAIN] == domain).to_numpy()
        users = name if data.what == MAP_BOTH else f"users by their {name}"
        symbols = ((is_item, name, "circle"), (~is_item, users, USER_SYMBOL))
        layers += [
            Layer(title, rows, DOMAIN_COLOURS[domain], symbol=symbol)
            for kind, title, symbol in symbols
            if len(rows := np.flatnonzero(here & kind))
        ]
    return layers


def _by_count(counts: np.ndarray, scaled: np.ndarray, colour: str) -> list[Layer]:
    """Items by popularity or users by activity, the largest on top; the others in grey below."""
    rest, rows = np.flatnonzero(~scaled), np.flatnonzero(scaled)
    rows = rows[np.argsort(counts[rows], kind="stable")]
    users = Layer("users", rest if colour == POPULARITY else rows, symbol=USER_SYMBOL)
    items = Layer("items", rows if colour == POPULARITY else rest)
    grey, coloured = (users, items) if colour == POPULARITY else (items, users)
    coloured = replace(coloured, counts=counts[rows], scale="interactions", symbol="circle")
    return [*([grey] if len(rest) else []), coloured]


def _by_group(group: np.ndarray, is_item: np.ndarray, names: list[str]) -> list[Layer]:
    """Items as dots and users as diamonds, in the colour and under the name of their group.

    Where there are more groups than colours these repeat, and the names stand on the map alone.
    """
    few = len(names) <= len(CATEGORY_COLOURS)
    layers = [Layer("too few for a group", np.flatnonzero(group < 0), in_legend=few)]
    for place, colour in enumerate(CATEGORY_COLOURS[: len(names)]):
        mine = (group >= 0) & (group % len(CATEGORY_COLOURS) == place)
        layers += [
            Layer(names[place], np.flatnonzero(mine & kind), colour, symbol=symbol, in_legend=few)
            for kind, symbol in ((is_item, "circle"), (~is_item, USER_SYMBOL))
        ]
    return [layer for layer in layers if len(layer.rows)]


def _by_lift(lift: np.ndarray, is_item: np.ndarray) -> list[Layer]:
    """Users whom the source helped and harmed, over all others in grey."""
    unknown = ~is_item & np.isnan(lift)
    layers = (
        Layer("items", np.flatnonzero(is_item)),
        Layer("not evaluated", np.flatnonzero(unknown), symbol=USER_SYMBOL),
        Layer("no difference", np.flatnonzero(lift == 0), symbol="diamond"),
        Layer("helped", np.flatnonzero(lift > 0), FUSED_COLOUR, symbol="diamond"),
        Layer("harmed", np.flatnonzero(lift < 0), ALARM_COLOUR, symbol="diamond"),
    )
    return [layer for layer in layers if len(layer.rows)]


# Over the map: what its colours ask, and what the neighbours of points answer.

MANY, SOME = 0.8, 0.4  # of the neighbours of the other domain that chance would give
OFTEN, OFTENER = 2.0, 1.3  # times as many neighbours of one's category as chance would give
STRONG, WEAK = 0.5, 0.2  # correlations with neighbours
LARGEST = 3  # clusters named in the title


def _title(data: MapData, layout: Layout, colour: str, name: Callable[[object], str]) -> str:
    """Question and answer; name: how names from files are written there."""
    source, target = (name(one) for one in data.names.values())
    if colour == CLUSTER:
        group, names = groups(data, layout), names_of_groups(data, layout)
        sizes = np.bincount(group[group >= 0])
        told = [
            f"{name(word)} ({size:,})"
            for word, size in zip(names, sizes, strict=True)
            if not word.startswith(MIXED)
        ][:LARGEST]
        return (
            f"**What lies together?** {count(len(names), 'group')}; of the largest: "
            f"{', '.join(told)}."
        )
    found, by_chance = _nearby(data, colour)
    if colour == DOMAIN:
        question = f"**Do {source} and {target} mix?**"
        if not by_chance < 1:
            return f"{question} Too few points, or of one domain only."
        share = (1 - found) / (1 - by_chance)
        answer = "They mix" if share >= MANY else "In part" if share >= SOME else "They lie apart"
        return (
            f"{question} {answer}: of 100 nearest neighbours {100 * (1 - found):.0f} are of the "
            f"other domain, {100 * (1 - by_chance):.0f} by chance."
        )
    if colour == CATEGORY:
        question = "**Do items of one category lie together?**"
        if not found >= 0:
            return f"{question} Too few have a category."
        answer = _degree(found / max(by_chance, 1e-9), OFTEN, OFTENER)
        return (
            f"{question} {answer}: of 100 nearest neighbours {100 * found:.0f} share the first "
            f"category, {100 * by_chance:.0f} by chance."
        )
    asked = {
        POPULARITY: "Do popular items lie together?",
        ACTIVITY: "Do active people lie together?",
        LIFT: f"Do people whom {source} helped lie together?",
    }
    if colour == LIFT and lifts(data) is None:
        return f"**{asked[colour]}** This run has no twin, so nobody's lift is known."
    if not np.isfinite(found):
        return f"**{asked[colour]}** There are too few to say."
    said = f"{_degree(found, STRONG, WEAK)}: correlation with the neighbours' {number(found, 2)}"
    alone = "; a single person's difference is mostly chance" if colour == LIFT else ""
    return f"**{asked[colour]}** {said}{alone}."


def _degree(value: float, much: float, some: float) -> str:
    return "Yes" if value >= much else "Somewhat" if value >= some else "No"


@kept_data(max_entries=20)
def _nearby(data: MapData, colour: str) -> tuple[float, float]:
    """What neighbours have in common, and by chance; of amounts the correlation, and 0."""
    points, table = data.points, data.table
    if colour == DOMAIN:
        return shared_by_neighbours(points.vectors, points.is_source)
    if colour == CATEGORY:
        known = (table[CATEGORY] != NO_CATEGORY).to_numpy()
        return shared_by_neighbours(points.vectors[known], table[CATEGORY].to_numpy()[known])
    values = table[COUNT].to_numpy(dtype=np.float64)
    if colour == LIFT:
        found = lifts(data)
        values = np.full(len(points), np.nan) if found is None else found
    known = points.is_item if colour == POPULARITY else ~points.is_item
    known = known & np.isfinite(values)
    return goes_with_neighbours(points.vectors[known], values[known]), 0.0


def _note(data: MapData, layout: Layout, view: View) -> str:
    """How many points of how many, how they were laid out and how far that can be trusted."""
    lacks = (
        {ALONE: "a vector", BESIDE: "a text or vector"}.get(view.texts.vectors, "a text")
        if data.run is None
        else "interactions"
    )
    out = data.points.left_out
    left = f" ({count(out, 'point')} without {lacks} left out)" if out else ""
    symbols = " · dots are items, diamonds users" if view.what == MAP_BOTH else ""
    trust = layout.trustworthiness  # None or NaN: too few points, or all at one place
    known = trust is not None and np.isfinite(trust)
    trusted = f"trustworthiness {number(trust)}" if known else "no trustworthiness to measure"
    return (
        f"{layout.method}, seed {layout.seed} · {trusted} · "
        f"{len(layout.rows):,} of {len(data.points):,} points{left}{symbols} · "
        f"{_origin(data, view)} · distances between clusters mean little"
    )


def _origin(data: MapData, view: View) -> str:
    """Where the vectors come from."""
    if data.run is None:
        if view.texts.vectors == ALONE:
            return "uploaded vectors, before any model"
        title = plain_text(ENCODERS[view.texts.encoder].title)
        beside = " beside uploaded vectors" if view.texts.vectors == BESIDE else ""
        return f"texts ({view.texts.reads}) as {title} gives them{beside}, before any model"
    if data.made.from_interactions:
        return "vectors of the interactions (this model has none)"
    return "vectors this model learned"
