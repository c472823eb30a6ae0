"""What to do where an item table knows few items: which column of which file may hold the ids."""

from __future__ import annotations

from pathlib import Path

from core.basics.columns import ITEM
from core.data.datasets import import_roles
from core.data.read_options import IGNORE

_SHOWN = 6  # columns that are named


def other_item_column(interactions: Path, items: Path) -> str:
    """One sentence that names the column to take, or those there are to choose from.

    A file's rows are gone once it is imported, but the names of its columns are kept: one that
    both files have is the surest sign, such as `parent_asin` in reviews and in their products.
    """
    rated, table = import_roles(interactions), import_roles(items)
    item_of_rated = next((column for column, role in rated.items() if role == ITEM), None)
    item_of_table = next((column for column, role in table.items() if role == ITEM), None)
    unused_rated, unused = (
        [column for column, role in roles.items() if role == IGNORE] for roles in (rated, table)
    )
    if item_of_table in unused_rated:
        return (
            f"The interactions have a column {item_of_table} too: import them again with it as "
            "the item."
        )
    if item_of_rated in table and item_of_rated != item_of_table:
        return (
            f"The item table has a column {item_of_rated} too: import it again with it as the item."
        )
    said = "One of the two files may have its items in another column: import it again with that."
    named = [
        f"{whose} {', '.join(columns[:_SHOWN])}"
        for whose, columns in (
            ("the interactions also have", unused_rated),
            ("the table also has", unused),
        )
        if columns
    ]
    others = " and ".join(named)
    return f"{said} {others[:1].upper()}{others[1:]}." if named else said
