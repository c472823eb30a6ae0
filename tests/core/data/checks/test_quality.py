import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from core.basics.columns import ITEM, RATING, TIME, TITLE, USER
from core.data.build_pair import build_pair
from core.data.checks.check import (
    CROSS_LISTED,
    DOUBLE_USERS,
    EXCHANGED,
    IMPORT,
    ITEM_TABLES,
    RATINGS,
    RESULT,
    SAME_PEOPLE,
    SAME_ROWS,
    SPELLING,
    TIMES,
    TITLES,
    read_checks,
)
from core.data.checks.quality import (
    SOURCE_TITLE,
    TARGET_TITLE,
    check_pair,
    checks_are_damaged,
    read_cross_listed,
    read_double_users,
)
from core.data.pair_folder import PairInputs, PairSettings
from tests.core.data.small_files import random_rows, two_tastes

NEW_YEARS = np.array([1_577_836_800, 1_609_459_200, 1_640_995_200])  # of 2020, 2021, 2022
EVERYTHING = PairSettings(rating_threshold=0, target_core=0)


@pytest.fixture
def checked(connection, write, tmp_path):
    """Checks of a pair by their keys."""

    def check(source, target, settings=EVERYTHING, keep_files=True, **more):
        inputs = PairInputs(write("s", source), write("t", target), **more)
        folder = build_pair(connection, inputs, settings, tmp_path / "pairs")
        checks = check_pair(connection, folder, inputs if keep_files else None)
        assert read_checks(folder) == checks
        return {check.key: check for check in checks} | {"folder": folder}

    return check


def test_the_same_people_come_out_green_and_others_red(checked):
    source, target = two_tastes(1), two_tastes(2)
    assert checked(source, target)[SAME_PEOPLE].light == "green"
    users = source[USER].unique()
    others = dict(zip(users, np.random.default_rng(1).permutation(users), strict=True))
    wrong = checked(source, target.assign(**{USER: target[USER].map(others)}))[SAME_PEOPLE]
    assert wrong.light == "red"
    assert "would mean nothing" in wrong.answer
    assert abs(wrong.figures["auc"] - 0.5) < 0.05


def bent(kept: list[dict]) -> dict[str, object]:
    """What a kept answer may have become, by what was done to it."""
    first, *others = kept
    listed = next(check for check in kept if check["key"] == CROSS_LISTED)
    rest = [check for check in kept if check["key"] != CROSS_LISTED]
    ways: dict[str, object] = {"a number": 7, "an object": first, "nothing": [], "null": None}
    ways |= {f"without {name}": [_less(first, name), *others] for name in ("key", "light")}
    ways |= {f"{name} is a number": [first | {name: 3}, *others] for name in first}
    ways["another light"] = [first | {"light": "blue"}, *others]
    ways["another member"] = [first | {"color": "red"}, *others]
    ways["an answer is a text"] = ["yes", *others]
    ways["without the figures it is told with"] = [*rest, listed | {"figures": {}}]
    ways["a figure is a text"] = [*rest, listed | {"figures": listed["figures"] | {"pairs": "3"}}]
    return ways


def _less(values: dict, name: str) -> dict:
    return {key: value for key, value in values.items() if key != name}


def test_damaged_answers_are_no_answers_and_can_be_found_again(checked, connection):
    """One damaged file of one pair showed its error on every page."""
    folder = checked(two_tastes(1), two_tastes(2))["folder"]
    kept = json.loads((folder / RESULT).read_text())
    assert not checks_are_damaged(folder)
    for way, values in bent(kept).items():
        (folder / RESULT).write_text(json.dumps(values))
        assert read_checks(folder) is None, way
        assert checks_are_damaged(folder), way
    for cut in ("", "[", json.dumps(kept)[:200], "\0\0"):
        (folder / RESULT).write_text(cut)
        assert read_checks(folder) is None
        assert checks_are_damaged(folder)
    check_pair(connection, folder, None)
    assert not checks_are_damaged(folder)
    (folder / "cross_listed.parquet").write_bytes(b"PAR1 and no more")
    assert checks_are_damaged(folder)


def test_an_item_table_with_other_ids_is_red(checked, write):
    source, target = two_tastes(1), two_tastes(2)
    items = pd.DataFrame({ITEM: target[ITEM].unique()}).assign(**{TITLE: "t"})
    found = checked(source, target, items_target=write("items", items))[ITEM_TABLES]
    n = len(items)
    assert (found.light, found.answer) == (
        "green",
        f"{n} of {n} items of target are in the item table.",
    )
    other = write("other", items.assign(**{ITEM: "parent-" + items[ITEM]}))
    found = checked(source, target, items_target=other)[ITEM_TABLES]
    assert found.light == "red"
    assert f"0 of {n} items of target are in the item table." in found.answer
    assert ITEM_TABLES not in checked(source, target)


def test_columns_exchanged_in_both_files_are_red_with_the_file_both(checked):
    source, target = (two_tastes(n).rename(columns={USER: ITEM, ITEM: USER}) for n in (1, 2))
    found = checked(source, target)[EXCHANGED]
    assert found.figures["file"] == "both"
    assert found.light in ("red", "amber")


def test_people_are_matched_on_all_their_rows_not_only_on_what_the_filters_leave(checked):
    strict = PairSettings(rating_threshold=0, target_core=9)
    found = checked(two_tastes(1), two_tastes(2), strict)[SAME_PEOPLE]
    assert found.figures["tested"] == 300
    left = checked(two_tastes(1), two_tastes(2), strict, keep_files=False)
    assert 0 < left[SAME_PEOPLE].figures["tested"] < 300
    assert left[EXCHANGED].light == left[SPELLING].light == left[IMPORT].light == "grey"


def test_cross_listed_items_come_out_red_with_their_titles(checked, write):
    source, target = two_tastes(1), two_tastes(2)
    copied = target[target[ITEM].isin(["f1", "f2", "f3"])].assign(**{ITEM: "copy-" + target[ITEM]})
    items = pd.DataFrame({ITEM: ["f1"], TITLE: ["Snow *Country*"]})
    answer = checked(pd.concat([source, copied]), target, items_target=write("items", items))
    assert answer[CROSS_LISTED].light == "red"
    assert answer[CROSS_LISTED].figures["target_items"] == 3
    pairs = read_cross_listed(answer["folder"]).set_index("target_item")
    assert pairs.loc["f1", TARGET_TITLE] == "Snow *Country*"
    assert pairs.loc["f2", TARGET_TITLE] == pairs.loc["f1", SOURCE_TITLE] == ""
    assert checked(source, target)[CROSS_LISTED].light == "green"


def test_few_shared_users_cannot_be_told(checked):
    answer = checked(random_rows(1, "b"), random_rows(2, "f"))
    assert answer[SAME_PEOPLE].light == "grey"
    assert answer[SAME_PEOPLE].figures["auc"] is None


def test_numbers_of_periods_are_not_taken_for_times(checked):
    """As in Epinions, where each row says in which of eleven periods it was given."""
    source, target = (
        rows.assign(**{TIME: rows[TIME] // 3_600 % 11 + 1})
        for rows in (random_rows(1, "b"), random_rows(2, "f"))
    )
    answer = checked(source, target)[TIMES].answer
    assert "numbers of periods, 11 different ones up to 11" in answer


def test_people_with_two_ids_are_found_and_one_id_of_each_can_be_dropped(checked):
    source, target = two_tastes(1, items=300), two_tastes(2, items=300)
    again = {f"u{n:03}": f"w{n:03}" for n in range(9)}
    twice = target[target[USER].isin(again)].assign(**{USER: lambda rows: rows[USER].map(again)})
    found = checked(source, pd.concat([target, twice]))
    assert found[DOUBLE_USERS].light == "red"
    assert found[DOUBLE_USERS].figures["spare"] == 9
    pairs = read_double_users(found["folder"])
    assert dict(zip(pairs["user"], pairs["other_user"], strict=True)) == again
    assert set(pairs["domain"]) == {"target"}
    left = checked(source, pd.concat([target, twice]), replace(EVERYTHING, drop_double_users=True))
    assert left[DOUBLE_USERS].light == "green"
    kept = pd.read_parquet(left["folder"] / "target.parquet")[USER]
    assert not kept.isin(again.values()).any()
    assert kept.nunique() == target[USER].nunique()


def test_other_spellings_are_counted_one_by_one_with_examples(checked):
    spelt = {
        "u001": "U001",
        "u002": "u 002",
        "u003": "u003.0",
        "u004": "0u004",
        "u005": "\uff55005",
    }
    source = two_tastes(1)
    source[USER] = source[USER].map(spelt).fillna(source[USER])
    found = checked(source, two_tastes(2))[SPELLING]
    assert found.figures["ignoring"] == {
        "nothing": 295,
        "full-width letters": 296,
        "composed letters": 295,
        "case": 296,
        "blanks": 296,
        "a trailing .0": 296,
        "leading zeros": 296,
        "all of these": 300,
    }
    assert found.figures["examples"] == sorted([theirs, ours] for ours, theirs in spelt.items())


def test_other_spellings_come_out_amber(checked):
    source = two_tastes(1)
    half = source[USER] > "u150"
    shouted = source.assign(**{USER: source[USER].where(half, source[USER].str.upper())})
    answer = checked(shouted, two_tastes(2))
    assert answer[SPELLING].light == "amber"
    assert "and 300 when case" in answer[SPELLING].answer


@pytest.mark.parametrize(
    ("times", "light"),
    [
        (lambda rows: rows, "green"),
        (lambda rows: rows.drop(columns=TIME), "grey"),
        (lambda rows: rows.assign(**{TIME: 1_600_000_000}), "red"),
        (lambda rows: rows.assign(**{TIME: rows[TIME] * 1000}), "red"),  # milliseconds
        (lambda rows: rows.assign(**{TIME: rows[TIME].where(rows.index > 0, 5)}), "amber"),
        (lambda rows: rows.assign(**{TIME: rows[TIME] % 11 + 1}), "red"),
        (lambda rows: rows.assign(**{TIME: NEW_YEARS[rows.index % 3]}), "red"),
    ],
    ids=["plausible", "none", "all equal", "milliseconds", "one in 1970", "periods", "years"],
)
def test_times_are_looked_at(checked, times, light):
    source, target = times(random_rows(1, "b")), times(random_rows(2, "f"))
    assert checked(source, target)[TIMES].light == light


def rated(rows: pd.DataFrame) -> pd.DataFrame:
    """People who rate high everywhere and others who rate low, and some ones."""
    kind, place = rows[USER].str[-1].astype(int) % 2, np.arange(len(rows))
    return rows.assign(**{RATING: np.where(place % 50 == 0, 1.0, 3.0 + kind + place % 2)})


def test_ratings_turned_round_in_one_file_are_red(checked):
    source, target = rated(two_tastes(1)), rated(two_tastes(2))
    assert checked(source, target)[RATINGS].light == "green"
    turned = checked(source, target.assign(**{RATING: 6 - target[RATING]}), target_name="films")
    assert turned[RATINGS].light == "red"
    assert "In films 1 may be the best" in turned[RATINGS].answer
    assert checked(source.drop(columns=RATING), target)[RATINGS].light == "grey"


def test_one_table_cut_in_two_and_rows_that_stand_in_both_are_red(checked):
    whole = two_tastes(2)
    first = np.random.default_rng(1).random(len(whole)) < 0.5
    halves = checked(whole[first], whole[~first])[SAME_ROWS]
    assert (halves.light, halves.figures["both"]) == ("red", 0)
    both = checked(pd.concat([two_tastes(1), whole.iloc[::3]]), whole)[SAME_ROWS]
    assert (both.light, both.figures["both"]) == ("red", len(whole.iloc[::3]))
    # Running numbers for items, equal by accident: rows meet as often as chance says
    one, other = (random_rows(n, "", users=200) for n in (1, 2))
    met = checked(one, other)[SAME_ROWS]
    assert met.light == "green"
    assert met.figures["both"] == pytest.approx(met.figures["by_chance"], rel=0.1)


def test_titles_that_come_twice_are_amber(checked, write):
    source, target = two_tastes(1), two_tastes(2)
    ids = sorted(target[ITEM].unique())
    items = pd.DataFrame({ITEM: ids, TITLE: [f"Tale of {item}" for item in ids]})
    table = write("items", items)
    assert checked(source, target, items_target=table)[TITLES].light == "green"
    items[TITLE] = items[TITLE].where(items.index != 0, f"TALE, of {ids[1]} (Paperback)")
    items[TITLE] = items[TITLE].where(items.index != 2, f"Tale of {ids[1]} [new]")
    items[TITLE] = items[TITLE].where(items.index != 3, f"Tale of {ids[4]}!")
    found = checked(source, target, items_target=write("again", items))[TITLES]
    assert found.light == "amber"
    assert "3 of 60 titles of target are there before" in found.answer
