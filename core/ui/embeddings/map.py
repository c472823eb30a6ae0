"""The map itself: PCA at once, UMAP once its job is done, and the sentence under it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from core.basics.columns import SOURCE, TARGET
from core.basics.formatting import count, number
from core.basics.types import BoolArray, FloatArray, IntArray
from core.charts.maps import Layer, draw_map, interleaved, mark_point
from core.charts.theme import (
    ALARM_COLOUR,
    CATEGORY_COLOURS,
    FUSED_COLOUR,
    SOURCE_COLOUR,
    TARGET_COLOUR,
    plain,
)
from core.embedding.neighbours import nearest_to
from core.models.text.encoders import ENCODERS
from core.models.text.vectors import ALONE, BESIDE
from core.ui.embeddings.data import (
    CATEGORY,
    COUNT,
    DOMAIN,
    KIND,
    NAME,
    Layout,
    MapData,
    clusters,
    lifts,
)
from core.ui.embeddings.view import ACTIVITY, CLUSTER, LIFT, PCA, POPULARITY, View
from core.ui.keeping import kept_resource
from core.ui.shell import show_chart
from core.ui.widgets import plain as plain_text
from core.ui.widgets import show_table

DOMAIN_COLOURS = {SOURCE: SOURCE_COLOUR, TARGET: TARGET_COLOUR}
USER_SYMBOL = "diamond-open"


def show_map(data: MapData, layout: Layout, view: View, found: Found | None) -> IntArray:
    """Draw the map, and return which points are selected, as rows of the data's table."""
    figure, layers = _drawn(data, layout, view.colour)
    if found is not None:
        figure = go.Figure(figure)  # the kept one stays without marks
        place_of = dict(zip(layout.rows.tolist(), layout.places, strict=True))
        rings = [place_of[row] for row in found.neighbours.tolist() if row in place_of]
        star = None if found.row is None else place_of.get(found.row)
        mark_point(figure, star, found.name, np.reshape(rings, (-1, 2)), FUSED_COLOUR)
    key = f"map_{data.key}_{view.what}_{view.colour}_{layout.method}"
    source, target = (plain_text(name) for name in data.names.values())
    of = len(data.points)
    drawn = f"{len(layout.rows):,} of {of:,} points"
    lacks = (
        {ALONE: "a vector", BESIDE: "a text or vector"}.get(view.texts.vectors, "a text")
        if data.run is None
        else "interactions"
    )
    left = f", {count(data.points.left_out, 'point')} without {lacks} left out"
    caption = (
        f"Where do {source} and {target} lie, and do they mix? {drawn}"
        f"{left if data.points.left_out else ''} · {_origin(data, view)} · {layout.method}, "
        f"seed {layout.seed} · trustworthiness {number(layout.trustworthiness)} (1: neighbours on "
        "the map are neighbours in the original space; .5: by chance) · distances between clusters "
        "mean little."
        f"{_lift_words(data) if view.colour == LIFT else ''}"
    )
    answer = show_chart(
        figure,
        caption,
        key,
        on_select="rerun",
        selection_mode=("box", "lasso"),
    )
    # Rows of the selected points; stars and rings, which come after the layers, do not count
    points = answer["selection"]["points"] if answer else []
    places = [
        layers[point["curve_number"]].rows[point["point_index"]]
        for point in points
        if point["curve_number"] < len(layers)
        and point["point_index"] < len(layers[point["curve_number"]].rows)
    ]
    return layout.rows[np.unique(np.array(places, dtype=np.intp))]


@kept_resource(max_entries=6)
def _drawn(data: MapData, layout: Layout, colour: str) -> tuple[go.Figure, list[Layer]]:
    """The map without marks and its layers; seeded layouts make it the same every time."""
    layers = interleaved(_layers(data, layout, colour))
    shown = data.table.iloc[layout.rows]
    titles = plain(shown[NAME])
    domains = dict(zip(data.names, plain(data.names.values()), strict=True))
    rest = zip(shown[DOMAIN], plain(shown[CATEGORY], 30), shown[COUNT], strict=True)
    hover = [
        f"{title}<br>{domains[domain]}{' · ' + category if category else ''}"
        f" · {interactions:,} interactions"
        for title, (domain, category, interactions) in zip(titles, rest, strict=True)
    ]
    return draw_map(layout.places, hover, layers, true_to_scale=layout.method == PCA), layers


def _layers(data: MapData, layout: Layout, colour: str) -> list[Layer]:
    """What is drawn alike, in the order of drawing; rows are positions in the layout."""
    table = data.table.iloc[layout.rows]
    is_item = data.points.is_item[layout.rows]
    if colour in (POPULARITY, ACTIVITY):
        scaled = is_item if colour == POPULARITY else ~is_item
        return _by_count(table[COUNT].to_numpy(), scaled, colour)
    if colour == CATEGORY:
        # The eight most frequent in colours, all others in grey below them
        categories = table[CATEGORY]
        known = categories[categories != ""]
        frequent = list(known.value_counts().index[: len(CATEGORY_COLOURS)])
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
        return _by_cluster(clusters(data)[layout.rows], is_item)
    if colour == LIFT:
        found = lifts(data)
        nobody = np.full(len(layout.rows), np.nan)
        return _by_lift(nobody if found is None else found[layout.rows], is_item)
    layers = []
    for domain, name in data.names.items():
        here = (table[DOMAIN] == domain).to_numpy()
        symbols = ((is_item, name, "circle"), (~is_item, f"users by their {name}", USER_SYMBOL))
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


def _by_cluster(group: np.ndarray, is_item: np.ndarray) -> list[Layer]:
    """Items as dots and users as diamonds, in the colour of their group."""
    return [
        Layer(f"cluster {number + 1}{word}", rows, CATEGORY_COLOURS[number], symbol=symbol)
        for number in range(int(group.max(initial=0)) + 1)
        for kind, word, symbol in ((is_item, "", "circle"), (~is_item, " users", USER_SYMBOL))
        if len(rows := np.flatnonzero((group == number) & kind))
    ]


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


def _origin(data: MapData, view: View) -> str:
    """Where the vectors come from."""
    if data.run is None:
        if view.texts.vectors == ALONE:
            return "uploaded vectors, before any model"
        title = plain_text(ENCODERS[view.texts.encoder].title)
        beside = " beside uploaded vectors" if view.texts.vectors == BESIDE else ""
        return f"texts ({view.texts.reads}) as {title} gives them{beside}, before any model"
    if data.made.from_interactions:
        return "vectors from the interactions, not from this model, which has none"
    return "vectors this model learned"


def _lift_words(data: MapData) -> str:
    if lifts(data) is None:
        return " This run has no twin, so nobody's lift is known."
    return (
        " Helped and harmed: test nDCG@10 against the twin (one seed); a single user's difference "
        "is mostly chance."
    )


# What the selected points of the map are: domains, categories, popularity, titles.

TOP = 8  # categories listed
HERE, ELSEWHERE = "share here", "share elsewhere"


def show_selection(data: MapData, rows: IntArray) -> None:
    """A sentence, the categories that stand out, and the points as a table."""
    if not len(rows):
        st.caption("Draw a lasso or a box on the map to see what the points in it are.")
        return
    chosen = np.zeros(len(data.table), dtype=bool)
    chosen[rows] = True
    inside, outside = data.table[chosen], data.table[~chosen]
    st.subheader(f"{count(len(rows), 'selected point')}", anchor=False)
    # `12 of books, 30 of films. Median interactions: 8, against 3 for the other points.`
    by_domain = inside[DOMAIN].value_counts()
    parts = [
        f"{by_domain.get(domain, 0):,} of {plain_text(name)}" for domain, name in data.names.items()
    ]
    text = f"{', '.join(parts)}. Median interactions: {inside[COUNT].median():,.0f}"
    if len(outside):
        text += f", against {outside[COUNT].median():,.0f} for all other points"
    sentence = f"{text}."
    st.markdown(sentence)
    left, right = st.columns([1, 2], gap="large")
    with left:
        _show_categories(inside, outside)
    with right:
        shown = inside.assign(**{DOMAIN: inside[DOMAIN].map(data.names)})
        shown = shown[[NAME, KIND, DOMAIN, CATEGORY, COUNT]].sort_values(COUNT, ascending=False)
        show_table(shown, "selected_points", download="selected.csv", height=360)


def _show_categories(inside: pd.DataFrame, outside: pd.DataFrame) -> None:
    table = category_shares(inside[CATEGORY], outside[CATEGORY])
    if table.empty:
        st.caption("None of these has a category.")
        return
    looks = {name: st.column_config.NumberColumn(format="percent") for name in (HERE, ELSEWHERE)}
    show_table(table, "selected_categories", column_config=looks)


def category_shares(inside: pd.Series, outside: pd.Series) -> pd.DataFrame:
    """The most frequent categories inside, with their shares among points that have one."""
    here, elsewhere = (part[part != ""].value_counts(normalize=True) for part in (inside, outside))
    top = here.head(TOP)
    return pd.DataFrame(
        {
            CATEGORY: top.index.astype("str"),
            HERE: top.to_numpy(),
            ELSEWHERE: elsewhere.reindex(top.index).fillna(0).to_numpy(),
        }
    )


# Find one item or user and its neighbours in the original space, in both domains.

K = 10  # neighbours per domain
MATCHES = 50  # offered at most
SIMILARITY = "cosine"


@dataclass(frozen=True)
class Found:
    """A point, or words that are none, and its neighbours, as rows of the data's table."""

    row: int | None
    name: str
    neighbours: IntArray


def show_neighbours(data: MapData, search: str) -> Found | None:
    """Who matches the search, and the nearest of both domains to the one chosen; None if nobody."""
    if not search:
        return None
    matches = matching(data.table, search)
    if not len(matches):
        st.info(f"No title or id on this map contains “{plain_text(search)}”.")
        return None
    row = st.selectbox(
        f"{len(matches)} found" + (", the first shown" if len(matches) == MATCHES else ""),
        matches.tolist(),
        format_func=lambda row: _label(data, row),
        key="map_found",
    )
    name = str(data.table[NAME].iloc[row])
    st.markdown(f"**Nearest to {plain_text(name)}** in the original space, by cosine")
    others = (data.points.is_item == data.points.is_item[row]) & (np.arange(len(data.table)) != row)
    return Found(row, name, _show_both(data, data.points.vectors[row], others))


def show_meaning(data: MapData, words: str, vector: FloatArray, by_meaning: bool) -> Found:
    """The items of both domains whose texts come nearest to a person's words."""
    how = "by meaning" if by_meaning else "by their words"
    st.markdown(f"**Nearest to “{plain_text(words)}”** {how}, as the encoder reads both; by cosine")
    return Found(None, words, _show_both(data, vector, data.points.is_item))


def matching(table: pd.DataFrame, search: str) -> IntArray:
    """Rows whose name contains the words, those that begin with them first, at most 50."""
    names = table[NAME].astype("str").str.casefold()
    wanted = search.casefold()
    rows = np.flatnonzero(names.str.contains(wanted, regex=False))
    begins = names.iloc[rows].str.startswith(wanted).to_numpy()
    return rows[np.argsort(~begins, kind="stable")][:MATCHES]


def _show_both(data: MapData, wanted: FloatArray, among: BoolArray) -> IntArray:
    """Tables of both domains' nearest points, and return their rows."""
    found = []
    for column, (domain, colour) in zip(
        st.columns(2, gap="large"), ((SOURCE, "orange"), ("target", "blue")), strict=True
    ):
        here = np.flatnonzero(among & (data.points.is_source == (domain == SOURCE)))
        rows, cosines = nearest_to(data.points.vectors, wanted, K, here)
        found.append(rows)
        with column:
            st.markdown(f":{colour}[**{plain_text(data.names[domain])}**]")
            _show_rows(data.table.iloc[rows], cosines, f"nearest_{domain}")
    return np.concatenate(found)


def _show_rows(rows: pd.DataFrame, cosines: np.ndarray, key: str) -> None:
    frame = rows[[NAME, CATEGORY, COUNT]].copy()
    frame.insert(1, SIMILARITY, cosines)
    looks = {
        NAME: st.column_config.TextColumn(width=200),
        CATEGORY: st.column_config.TextColumn(width=85),
        SIMILARITY: st.column_config.NumberColumn(format="%.3f", width=70),
    }
    show_table(frame, key, download=f"{key}.csv", column_config=looks)


def _label(data: MapData, row: int) -> str:
    entry = data.table.iloc[row]
    return f"{entry[NAME]} · {data.names[entry[DOMAIN]]}"
