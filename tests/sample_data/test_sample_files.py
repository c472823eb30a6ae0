"""The sample pairs are what the generator writes, and as large as they are said to be."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from core.basics.columns import TEST
from core.basics.workspace import Workspace
from core.cli.from_files import Account, PairFiles, pair_snapshot
from core.data.snapshot import read_snapshot

SAMPLE = Path(__file__).resolve().parents[2] / "sample_data"
BOOKS_FILMS, CASE_STUDY = SAMPLE / "books_films", SAMPLE / "case_study"


@pytest.fixture(scope="module")
def regenerated(tmp_path_factory):
    out = tmp_path_factory.mktemp("regenerated")
    subprocess.run([sys.executable, str(SAMPLE / "generate.py"), "--out", str(out)], check=True)
    return out


def test_titles_have_plurals_that_a_reader_would_write():
    titles = pd.read_csv(BOOKS_FILMS / "items_books.csv")["title"]
    things = titles.str.extract(r"^The ([A-Z]\w+) of ")[0].dropna()
    assert len(things) > 50
    wrong = things.str.contains(r"(?:ss|[xzs]|[^aeiou]y|man)s$")
    assert not list(things[wrong])


@pytest.fixture(scope="module")
def truth():
    return json.loads((BOOKS_FILMS / "truth.json").read_text(encoding="utf-8"))


def users_of(path: Path) -> set[str]:
    return set(pd.read_csv(path, dtype={"user_id": str})["user_id"])


def test_the_generator_writes_the_same_bytes_again(regenerated):
    made = sorted(path.relative_to(regenerated) for path in regenerated.rglob("*.*"))
    assert len(made) == 9
    for name in made:
        assert (regenerated / name).read_bytes() == (SAMPLE / name).read_bytes(), name


def test_all_sample_data_stay_below_five_megabytes():
    assert sum(path.stat().st_size for path in SAMPLE.rglob("*") if path.is_file()) < 5_000_000


@pytest.mark.parametrize(
    ("domain", "users", "items", "rows"),
    [("source", 1000, 10_000, 10_000), ("target", 50, 500, 500)],
)
def test_the_case_study_has_exactly_the_sizes_of_the_pilot(domain, users, items, rows):
    interactions = pd.read_csv(CASE_STUDY / f"{domain}.csv")
    catalogue = pd.read_csv(CASE_STUDY / f"items_{domain}.csv")
    assert (len(interactions), interactions["user_id"].nunique()) == (rows, users)
    assert (len(catalogue), catalogue["item_id"].nunique()) == (items, items)
    assert set(interactions["item_id"]) <= set(catalogue["item_id"])
    assert not interactions.duplicated(["user_id", "item_id"]).any()


def test_a_third_of_the_people_of_both_domains_are_cold_in_the_target(truth):
    readers, viewers = users_of(BOOKS_FILMS / "books.csv"), users_of(BOOKS_FILMS / "films.csv")
    cold = set(truth["about"]["cold_users"])
    assert len(readers | viewers) == 2000
    assert cold <= readers - viewers
    assert len(cold) / (len(cold) + len(readers & viewers)) == pytest.approx(1 / 3)
    assert set(truth["later_films"]) == cold
    assert readers - viewers - cold, "some only ever read books"
    assert viewers - readers, "some only watch films"


def test_ratings_are_whole_stars_and_times_fill_three_years():
    for name in ("books.csv", "films.csv"):
        table = pd.read_csv(BOOKS_FILMS / name)
        assert set(table["rating"]) == {1, 2, 3, 4, 5}
        years = pd.to_datetime(table["timestamp"], unit="s").dt.year
        assert set(years) == {2023, 2024, 2025}
        assert not table.duplicated(["user_id", "item_id"]).any()


def test_every_title_is_different_and_every_item_has_categories():
    tables = [pd.read_csv(BOOKS_FILMS / f"items_{name}.csv") for name in ("books", "films")]
    items = pd.concat(tables)
    assert [len(table) for table in tables] == [1200, 900]
    assert items["title"].is_unique
    assert items.notna().all(axis=None)


def test_the_case_study_can_be_trained_on_as_it_is(tmp_path):
    files = PairFiles(*(CASE_STUDY / f"{domain}.csv" for domain in ("source", "target")))
    split = read_snapshot(pair_snapshot(files, Workspace(tmp_path), 2022, Account(print)))
    assert len(split.users(TEST)) >= 20
