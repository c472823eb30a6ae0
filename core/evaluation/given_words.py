"""What became of the rows and users of uploaded lists, in sentences made from the counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.basics.columns import TEST, USERS
from core.basics.formatting import count

Counts = Mapping[str, Any]
SHORT = 10  # items below which a list is too short for figures at 10
_ORDERS = {
    "rank": "Lists are ordered by rank, the smallest first",
    "score": "Lists are ordered by score, the largest first",
    "distance": "Lists are ordered by distance, the smallest first",
    "file": "Lists are ordered as the rows stand in the file",
}


def given_words(record: Counts) -> list[str]:
    """Sentences about the lists of an uploaded run; none for a run of another kind."""
    upload = record.get("upload")
    if not upload:
        return []
    rows, users = upload[TEST]["rows"], upload[TEST]["users"]
    evaluated = record["counts"][TEST][USERS]
    found = [_used(upload, rows), *_left_out(upload, rows)]
    if without := users["without_list"]:
        found.append(
            f"{without:,} of {evaluated:,} test users have no list: they found nothing and count "
            "with 0, not as absent."
        )
    if short := users[f"short@{SHORT}"]:
        found.append(
            f"{count(short, 'list')} {_has(short)} fewer than {SHORT} items left: the missing "
            "places find nothing."
        )
    found.append(f"{_ORDERS[upload['order']]}{_ties(upload)}.")
    if _rises(upload):
        found.append(
            f"In {upload['rising']:,} of {count(upload['ordered'], 'list')} the scores rise from "
            "the first row to the last: if small is better, mark the column as distance."
        )
    missing = "AUC needs a score for every item, so it has no figure"
    if not upload["validation_items"]:
        missing += "; nor has validation, because no list holds any of its items"
    return [*found, f"{missing}."]


def is_odd(record: Counts) -> bool:
    """Whether anything of the lists could not be used, or a user has none."""
    upload = record["upload"]
    rows, users = upload[TEST]["rows"], upload[TEST]["users"]
    lost = upload["rejected"] + upload["duplicates"] + upload["unknown_user_rows"]
    told = upload.get("tied_rows", 0) + upload.get("unquoted_rows", 0) + _rises(upload)
    return bool(
        lost + upload["unknown_item_rows"] + rows["masked"] + told
        or users["without_list"] + users[f"short@{SHORT}"]
    )


def _used(upload: Counts, rows: Counts) -> str:
    words = f"Of {count(upload['rows'], 'row')}, {rows['used']:,} count in the test figures."
    if held := upload.get("file_rows"):
        words = f"The {count(held, 'row')} of the file became a row for each item. {words}"
    return words


def _ties(upload: Counts) -> str:
    """How many places are shared; records of older versions did not count them."""
    if not (tied := upload.get("tied_rows", 0)):
        return "; equal ones stand as the rows do" if upload["order"] != "file" else ""
    return (
        f"; {tied:,} rows in {count(upload.get('tied_users', 0), 'list')} are equal to another of "
        "their list there and stand as the rows do"
    )


def _rises(upload: Counts) -> bool:
    """Whether most lists have their smallest score first, as distances have."""
    return bool(2 * upload.get("rising", 0) > upload.get("ordered", 0))


def _left_out(upload: Counts, rows: Counts) -> list[str]:
    """One sentence per reason, with how many rows it cost."""
    users, items = upload["unknown_users"], upload["unknown_items"]
    reasons = {
        "could not be read": upload["rejected"],
        "repeated a user and an item, the better place stays": upload["duplicates"],
        f"named {count(users, 'user')} this split does not have": upload["unknown_user_rows"],
        f"named {count(items, 'item')} the target does not have": upload["unknown_item_rows"],
        f"named {_masked(upload)}, which are masked": rows["masked"],
        "stood beyond the first 50 of their list": rows["beyond"],
        "were of users with nothing to find in test": rows["not_evaluated"],
    }
    said = [f"{count(cost, 'row')} {reason}." for reason, cost in reasons.items() if cost]
    if marked := upload.get("unquoted_rows", 0):
        said.append(f"{count(marked, 'row')} had ids marked for a spreadsheet, read without the '.")
    return said


def _masked(upload: Counts) -> str:
    if upload.get("new_items"):
        return "items that are not new in the part"
    return "items of the user's own training or validation"


def _has(number: int) -> str:
    return "has" if number == 1 else "have"
