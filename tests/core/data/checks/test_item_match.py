"""The item column of a file is the one whose values the other file knows."""

import json

import pandas as pd
import pytest

from core.basics.columns import ITEM, TITLE, USER
from core.basics.files import write_json
from core.data.checks.item_match import best_item_column, known_in_head, other_item_column
from core.data.reading.options import INTERACTIONS, ITEMS
from core.data.reading.preview import preview_file

KNOWN = [f"P{n:03}" for n in range(40)]


@pytest.fixture
def table(tmp_path):
    """An item table of some kind: `asin` has variants, people rate what is in `parent_asin`."""

    def write(kind: str):
        rows = pd.DataFrame(
            {
                "asin": [f"V{n:03}" for n in range(60)],
                "title": [f"Title, of {n}" for n in range(60)],
                "parent_asin": [f"P{n:03} " for n in range(60)],
                "about": "a long text " * 20,
            }
        )
        path = tmp_path / f"meta.{kind}"
        if kind == "jsonl":
            lines = [json.dumps(row | {"tags": ["a"]}) for row in rows.to_dict("records")]
            path.write_text("\n".join(lines))
        elif kind == "parquet":
            rows.to_parquet(path, index=False)
        else:
            rows.to_csv(path, index=False, sep="\t" if kind == "tsv" else ",")
        return path

    return write


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "parquet"])
def test_the_column_that_matches_is_found_in_every_kind_of_file(table, kind):
    """`asin` was taken by its name, and then no item had any text."""
    path = table(kind)
    options = preview_file(path, ITEMS).options
    found = best_item_column(path, options, KNOWN)
    assert (found.column, found.known, found.of) == ("parent_asin", 40, 40)
    said = "40 of 40 items are in the column parent_asin of meta."
    assert found.words("meta") == said
    assert best_item_column(path, options, ["V001", "V002", "P003"]).column == "asin"
    assert best_item_column(path, options, ["nowhere"]) is None
    assert best_item_column(path, options, []) is None


def test_of_two_columns_alike_the_one_chosen_by_name_stays(tmp_path):
    rows = pd.DataFrame({"shelf": KNOWN, "item_id": KNOWN, "title": "t"})
    rows.to_csv(tmp_path / "meta.csv", index=False)
    options = preview_file(tmp_path / "meta.csv", ITEMS).options
    assert best_item_column(tmp_path / "meta.csv", options, KNOWN).column == "item_id"


def test_interactions_with_two_item_columns_are_matched_alike(tmp_path):
    rows = pd.DataFrame({"user_id": "u", "asin": ["V1", "V2"], "parent_asin": ["P001", "P002"]})
    rows.to_csv(tmp_path / "reviews.csv", index=False)
    options = preview_file(tmp_path / "reviews.csv", INTERACTIONS).options
    assert best_item_column(tmp_path / "reviews.csv", options, KNOWN).column == "parent_asin"


def test_the_head_of_a_file_is_held_against_what_is_imported(connection, write):
    files = [
        write("books", pd.DataFrame({USER: "u", ITEM: KNOWN[:20]})),
        write("films", pd.DataFrame({USER: "u", ITEM: KNOWN[20:]})),
    ]
    head = pd.DataFrame(
        {"asin": ["V1", "V2", "V3"], "parent": ["P001 ", "P021", "x"], TITLE: "it's"}
    )
    assert known_in_head(connection, files, head) == {"asin": 0, "parent": 2, TITLE: 0}


def test_where_the_rows_are_gone_the_names_of_columns_tell_what_to_import_again(tmp_path):
    """Reviews were imported by `asin`, their products by `parent_asin`, which reviews have too."""

    def imported(name: str, kind: str, roles: dict[str, str]):
        folder = tmp_path / name
        folder.mkdir()
        pd.DataFrame({ITEM: ["a"]}).to_parquet(folder / f"{kind}.parquet")
        write_json(
            folder / "dataset.json", {"kind": kind, "name": name, "options": {"roles": roles}}
        )
        return folder / f"{kind}.parquet"

    reviews = imported("reviews", "interactions", {"asin": ITEM, "parent_asin": "ignore"})
    parents = imported("parents", "items", {"parent_asin": ITEM, "title": TITLE})
    both = imported("both", "items", {"parent_asin": ITEM, "asin": "ignore"})
    others = imported("others", "items", {"sku": ITEM, "ean": "ignore"})
    plain = imported("plain", "interactions", {"asin": ITEM})
    said = other_item_column(reviews, parents)
    assert said == (
        "The interactions have a column parent_asin too: import them again with it as the item."
    )
    assert "The item table has a column asin too" in other_item_column(plain, both)
    assert other_item_column(reviews, others).endswith(
        "The interactions also have parent_asin and the table also has ean."
    )
    assert "import it again with that." in other_item_column(plain, tmp_path / "no.parquet")
