"""Data page, Import: what each column of a file holds, chosen column by column or by role."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.basics.columns import ATTRIBUTE, FURTHER, VECTOR
from core.basics.formatting import count
from core.data.reading.options import (
    ID_ROLES,
    IGNORE,
    INTERACTIONS,
    ITEMS,
    LABELS,
    LINKS,
    LISTS,
    OTHER_ROLES,
    SEVERAL,
    TRIPLES,
)
from core.data.reading.preview import Preview
from core.data.reading.roles import SURE, RoleGuess, series_of
from core.ui.texts import plain

_ACROSS = {INTERACTIONS: 4, ITEMS: 3, LINKS: 2, LISTS: 4, TRIPLES: 3}  # role selectors in one row
_ONE_EACH = 8  # columns up to which each has a selector of its own
_NO_COLUMN = "–"


def pick_roles(key: str, kind: str, preview: Preview) -> dict[str, str]:
    """Column -> role, by a selector under each column, or by role where columns are many."""
    columns = list(preview.head.columns)
    if len(columns) > _ONE_EACH:
        return _pick_columns(key, kind, preview)
    roles = [*ID_ROLES[kind], *OTHER_ROLES[kind], IGNORE]
    picked: dict[str, str] = {}
    across = _ACROSS[kind]
    for start in range(0, len(columns), across):
        row = columns[start : start + across]
        for place, column in zip(st.columns(across), row, strict=False):
            guess = preview.guesses[column]
            picked[column] = place.selectbox(
                plain(column, 16),
                roles,
                index=roles.index(guess.role),
                format_func=lambda role: LABELS[role],
                persist_state="session",
                key=f"{key}_role_{len(columns)}_{column}",
            )
            _draw_doubt(place, guess, picked[column])
    return picked


def _pick_columns(key: str, kind: str, preview: Preview) -> dict[str, str]:
    roles = [*ID_ROLES[kind], *OTHER_ROLES[kind]]
    roles = [role for role in roles if role not in SEVERAL]
    columns = [_NO_COLUMN, *preview.head.columns]
    guessed = {guess.role: column for column, guess in preview.guesses.items()}
    picked: dict[str, str] = {}
    for place, role in zip(st.columns(len(roles)), roles, strict=True):
        column = place.selectbox(
            f"Column of the {LABELS[role]}",
            columns,
            persist_state="session",
            index=columns.index(guessed.get(role, _NO_COLUMN)),
            key=f"{key}_column_{len(columns)}_{role}",
        )
        if column != _NO_COLUMN:
            picked[column] = role
            _draw_doubt(place, preview.guesses[column], role)
    if FURTHER in OTHER_ROLES[kind]:
        picked |= _pick_further(key, preview, picked)
    if ATTRIBUTE in OTHER_ROLES[kind]:
        picked |= _pick_attributes(key, preview, picked)
    if VECTOR in OTHER_ROLES[kind]:
        picked |= _pick_vector(key, preview, picked)
    return picked


def _pick_further(key: str, preview: Preview, picked: dict[str, str]) -> dict[str, str]:
    free = [column for column in preview.head.columns if column not in picked]
    guessed_so = [column for column in free if preview.guesses[column].role == FURTHER]
    chosen = st.multiselect(
        "Further items",
        free,
        default=guessed_so,
        persist_state="session",
        key=f"{key}_further_{len(preview.head.columns)}_{len(free)}",
        help="Where a row is a whole list: the columns of its second place, its third and so on.",
    )
    return dict.fromkeys(chosen, FURTHER)


def _pick_attributes(key: str, preview: Preview, picked: dict[str, str]) -> dict[str, str]:
    free = [column for column in preview.head.columns if column not in picked]
    guessed_so = [column for column in free if preview.guesses[column].role == ATTRIBUTE]
    chosen = st.multiselect(
        "Attributes",
        free,
        default=guessed_so,
        persist_state="session",
        key=f"{key}_attributes_{len(preview.head.columns)}_{len(free)}",
        help="Columns with what items may have in common: brand, author, series.",
    )
    return dict.fromkeys(chosen, ATTRIBUTE)


def _pick_vector(key: str, preview: Preview, picked: dict[str, str]) -> dict[str, str]:
    """One choice for a whole series of columns: nobody marks 512 one by one."""
    free = [column for column in preview.head.columns if column not in picked]
    groups = {group[0]: group for group in series_of(free)}
    together = {column for group in groups.values() for column in group}
    groups |= {column: [column] for column in free if column not in together}
    guesses = preview.guesses
    guessed_so = [
        first for first, group in groups.items() if all(guesses[c].role == VECTOR for c in group)
    ]
    chosen = st.multiselect(
        "Vector",
        list(groups),
        default=guessed_so,
        persist_state="session",
        format_func=lambda first: _called(groups.get(first, [first])),
        key=f"{key}_vector_{len(preview.head.columns)}_{len(free)}",
        help="Numbers made elsewhere of an item's image, sound or anything: one column of arrays, "
        "or a column for each number. Columns of one series are chosen together.",
    )
    if chosen and chosen == guessed_so and guesses[chosen[0]].confidence < SURE:
        st.caption(f":orange[Guessed: {guesses[chosen[0]].why}]")
    return dict.fromkeys((column for first in chosen for column in groups[first]), VECTOR)


def _called(group: list[str]) -> str:
    """What a person reads of a series of columns, or of one that is none."""
    if len(group) == 1:
        return group[0]
    return f"{group[0]} … {group[-1]} ({count(len(group), 'column')})"


def _draw_doubt(place: DeltaGenerator, guess: RoleGuess, role: str) -> None:
    if guess.confidence < SURE and role == guess.role != IGNORE:
        place.caption(f":orange[Guessed {guess.why}]")
