import numpy as np
import pandas as pd

from core.basics.columns import ITEM, USER
from core.data.build_pair import build_pair
from core.data.checks import cross_listed
from core.data.checks.cross_listed import (
    COMMON_USERS,
    CONTAINMENT,
    JACCARD,
    SOURCE_ITEM,
    TARGET_ITEM,
    carried_by,
    find_cross_listed,
)
from core.data.pair_folder import (
    PairInputs,
    PairSettings,
    as_domain_pair,
    read_pair_info,
    read_rows,
)
from tests.core.data.small_files import random_rows


def taken(*pairs: tuple[str, str]) -> pd.DataFrame:
    """Rows "user item" per pair (users, item): taken(("abc", "x")) is three rows."""
    return pd.DataFrame([(u, item) for users, item in pairs for u in users], columns=[USER, ITEM])


def crowd(prefix: str, users: int) -> pd.DataFrame:
    """Many users with two items each, so that three common users are no chance."""
    draw = np.random.default_rng(ord(prefix))
    rows = [(f"crowd{n}", f"{prefix}{draw.integers(300)}") for n in range(users) for _ in range(2)]
    return pd.DataFrame(rows, columns=[USER, ITEM]).drop_duplicates()


def found(source: pd.DataFrame, target: pd.DataFrame, users: int = 2_000) -> pd.DataFrame:
    source = pd.concat([source, crowd("s", users)])
    target = pd.concat([target, crowd("t", users)])
    return find_cross_listed(as_domain_pair(source, target)).pairs


def test_the_same_users_under_two_ids_are_found_with_their_figures():
    pairs = found(taken(("abcd", "left")), taken(("abce", "right")))
    (row,) = pairs.to_dict("records")
    assert (row[SOURCE_ITEM], row[TARGET_ITEM]) == ("left", "right")
    assert (row[COMMON_USERS], row[JACCARD], row[CONTAINMENT]) == (3, 3 / 5, 3 / 4)


def test_a_small_item_inside_a_larger_one_is_found():
    pairs = found(taken(("abcd", "left")), taken(("abcdefghijk", "right")))
    assert pairs[CONTAINMENT].tolist() == [1.0]
    assert pairs[JACCARD].tolist() == [4 / 11]


def test_two_common_users_are_too_few():
    assert found(taken(("ab", "left")), taken(("ab", "right")), users=20_000).empty


def test_a_bestseller_that_shares_some_users_is_left_alone():
    everyone = "abcdefghijklmnopqrst"
    assert found(taken(("abcd", "left")), taken((everyone, "right"))).empty


def test_rare_items_of_people_who_use_everything_are_chance():
    """In films rated by few, the same three heavy users met again and again in both domains."""
    draw = np.random.default_rng(1)
    heavy = [(f"h{n}", f"x{item}") for n in range(3) for item in range(120)]
    light = [(f"l{n}", f"x{draw.integers(20)}") for n in range(200) for _ in range(3)]
    rows = pd.DataFrame(heavy + light, columns=[USER, ITEM]).drop_duplicates()
    pair = as_domain_pair(rows, rows.assign(**{ITEM: rows[ITEM].str.replace("x", "y")}))
    assert len(find_cross_listed(pair).pairs) < 20  # the rule of three alone lists 10,000


def test_a_small_memory_finds_the_same_pairs(monkeypatch):
    rows = [taken(("abcd", "left"), ("efgh", "other")), taken(("abce", "right"), ("efgh", "more"))]
    at_once = found(*rows)
    monkeypatch.setattr(cross_listed, "_PRODUCTS_AT_ONCE", 50)
    assert found(*rows).equals(at_once)
    assert len(at_once) == 2


def test_nothing_to_find_is_an_empty_table():
    answer = find_cross_listed(as_domain_pair(taken(("ab", "x")), taken(("ab", "y"))))
    assert answer.found == 0
    assert answer.share == 0.0
    assert list(answer.pairs) == [SOURCE_ITEM, TARGET_ITEM, COMMON_USERS, JACCARD, CONTAINMENT]


def test_a_new_version_of_the_pair_goes_without_cross_listed_source_items(
    connection, write, tmp_path
):
    source, target = (
        random_rows(n, p, users=300, items=60, share=0.1) for n, p in ((1, "b"), (2, "f"))
    )
    copied = target[target[ITEM].isin(["f1", "f2"])].assign(**{ITEM: "copy-" + target[ITEM]})
    inputs = PairInputs(write("s", pd.concat([source, copied])), write("t", target))
    kept, dropped = (
        build_pair(
            connection,
            inputs,
            PairSettings(rating_threshold=0, drop_cross_listed=drop),
            tmp_path / "pairs",
        )
        for drop in (False, True)
    )
    gone = set(read_rows(kept, "source")[ITEM]) - set(read_rows(dropped, "source")[ITEM])
    assert gone == {"copy-f1", "copy-f2"}
    assert read_rows(kept, "target").equals(read_rows(dropped, "target"))
    assert read_pair_info(dropped).after.source.rows == len(read_rows(dropped, "source"))


def test_items_that_only_test_rows_betray_are_kept(connection, write, tmp_path):
    """Each of three users has a row in train, one in validation, one in test."""
    rare = [(f"u{n}", f"rare{(n + step) % 60}") for n in range(60) for step in range(3)]
    copies = pd.DataFrame(rare, columns=[USER, ITEM])
    source, target = pd.concat([copies, crowd("s", 2_000)]), pd.concat([copies, crowd("t", 2_000)])
    assert len(find_cross_listed(as_domain_pair(source, target)).pairs) >= 60
    inputs = PairInputs(write("s", source), write("t", target))
    settings = PairSettings(target_core=0, drop_cross_listed=True)
    folder = build_pair(connection, inputs, settings, tmp_path / "pairs")
    assert read_rows(folder, "source")[ITEM].str.startswith("rare").sum() > 150


def test_a_few_rows_that_carry_the_whole_lift_are_told_from_as_many_that_do_not():
    """Of 7,800 items 37, with .4 % of the rows, made all of a lift, and the light was amber."""
    draw = np.random.default_rng(5)
    taste = np.arange(500) % 4

    def rows(prefix: str, own: float, other: float) -> pd.DataFrame:
        theirs = taste[:, None] == np.arange(240)[None, :] % 4
        user, item = np.nonzero(draw.random((500, 240)) < np.where(theirs, own, other))
        return pd.DataFrame({USER: [f"u{u}" for u in user], ITEM: [f"{prefix}{i}" for i in item]})

    def copied(target: pd.DataFrame, items: int) -> pd.DataFrame:
        chosen = target[ITEM].isin([f"t{n}" for n in range(items)])
        return target[chosen].assign(**{ITEM: "copy-" + target[ITEM][chosen]})

    carries = {}
    for own, other in ((0.02, 0.02), (0.06, 0.004)):  # no taste, and tastes that carry over
        source, target = rows("s", 2 * own, other), rows("t", own, other)
        held_out = draw.random(len(target)) < 0.2
        listed = pd.concat([source, copied(target, 4)])
        train = as_domain_pair(listed, target[~held_out])
        carried = carried_by(find_cross_listed(train), train, target[held_out])
        carries[own] = carried.carries
        assert 0 < carried.reached < 0.1
    assert carries == {0.02: True, 0.06: False}
