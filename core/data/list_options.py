"""How lists nobody looks at first are read, as on the command line: on plain names, or as told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from core.basics.columns import DISTANCE, ITEM, RANK, SCORE
from core.basics.errors import DataError
from core.data.list_cells import BETWEEN, cells_of
from core.data.preview import is_plain, preview_file
from core.data.read_options import (
    ID_ROLES,
    IGNORE,
    LABELS,
    LISTS,
    OTHER_ROLES,
    ReadOptions,
    check_options,
)

ORDERS = {RANK, SCORE, DISTANCE}


def guess_list_options(
    path: Path, told: Mapping[str, str | None] | None = None, between: str | None = None
) -> ReadOptions:
    """Options for a file of lists.

    told: role -> column, where it was said; between: what stands between the items of one cell,
    as a key of BETWEEN. Raises DataError where the user, the item, what orders the lists or what
    cuts a cell would have to be guessed.
    """
    preview, name = preview_file(path, LISTS), path.name[:80]
    said = {role: column for role, column in (told or {}).items() if column}
    roles = preview.options.roles | {column: role for role, column in said.items()}
    for column, role in roles.items():
        known = role in said and said[role] != column  # another column was told to be that
        if known or (role in ORDERS and ORDERS & set(said) and role not in said):
            roles[column] = IGNORE
    columns = list(preview.head.columns)
    check_options(replace(preview.options, roles=roles), columns)
    for column, role in roles.items():
        if role == IGNORE or role in said or is_plain(preview.guesses[column]):
            continue
        if role in ID_ROLES[LISTS]:
            raise DataError(
                what=f"{name} has no column that is plainly the {LABELS[role]}.",
                hint=f"Name one of {', '.join(columns[:12])} after it, or upload the file on the "
                "Train page.",
            )
        if role in OTHER_ROLES[LISTS]:
            raise DataError(
                what=f"{name} has a column {column[:60]!r} that may order its lists, or not.",
                hint="Say what it is by --rank, --score or --distance, or leave it out.",
            )
    cells = cells_of(preview.head, roles)
    if between is not None and between not in BETWEEN:
        raise DataError(
            what=f"{between[:20]!r} cannot stand between the items of one cell.",
            hint=f"Choose from {', '.join(map(repr, BETWEEN))}.",
        )
    if between is None and not cells.sure:
        column = next(column for column, role in roles.items() if role == ITEM)
        raise DataError(
            what=f"The cells of {column[:60]!r} in {name} seem to hold several items: "
            f"{preview.head[column].iloc[0][:60]!r}.",
            hint=f"Say so by --between {cells.between!r}, or by --between '' that each is one.",
        )
    return replace(
        preview.options, roles=roles, separator=cells.between if between is None else between
    )
