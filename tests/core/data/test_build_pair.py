import json
from dataclasses import replace

import pandas as pd
import pytest

from core.basics.columns import COUNT, ITEM, RATING, SOURCE, TARGET, TIME, TITLE, USER
from core.basics.errors import DataError, SettingsError
from core.basics.files import write_json
from core.basics.workspace import Workspace
from core.data.build_pair import build_pair, count_inputs, filter_counts, pair_hash, pair_in_words
from core.data.database import open_database
from core.data.filters import filter_rows, liked_from
from core.data.pair import read_untaken
from core.data.pair_folder import (
    PairInputs,
    PairSettings,
    damaged_pairs,
    delete_pair,
    list_pairs,
    read_disliked,
    read_items,
    read_pair_info,
    read_rows,
    read_untaken_items,
    steps_that_tell,
)
from core.data.reading.options import pairs_using
from core.data.snapshot import read_snapshot
from core.data.splitting import SplitSettings, split_pair
from tests.core.data.small_files import random_rows

EVERYTHING = PairSettings(rating_threshold=0.0, target_core=0)


def rows(*triples) -> pd.DataFrame:
    frame = pd.DataFrame(triples, columns=[USER, ITEM, RATING])
    return frame.astype({USER: "str", ITEM: "str", RATING: "float32"})


def spread(users: int, items: int, prefix: str) -> pd.DataFrame:
    return rows(
        *((f"u{u}", f"{prefix}{i}", 1 + (u + i) % 5) for u in range(users) for i in range(items))
    )


def test_a_pair_holds_what_the_filters_leave_and_says_so(connection, inputs, tmp_path):
    folder = build_pair(connection, inputs, PairSettings(), tmp_path / "pairs")
    info = read_pair_info(folder)
    target = read_rows(folder, TARGET)
    assert info.title == "books → films"
    assert info.after.target.rows == len(target) < info.before.target.rows
    assert info.after.source.rows == len(read_rows(folder, SOURCE))
    assert target[RATING].min() == 3
    assert target.groupby(USER).size().min() >= 5
    assert target.groupby(ITEM).size().min() >= 5
    assert target[[USER, ITEM]].equals(target[[USER, ITEM]].sort_values([USER, ITEM]))


@pytest.mark.parametrize("swap", [False, True])
def test_what_people_rated_low_stays_known_as_seen_not_liked(connection, inputs, tmp_path, swap):
    """It was dropped with the threshold, and recommended to the very people who rated it low."""
    folder = build_pair(connection, inputs, PairSettings(swap=swap), tmp_path / "pairs")
    info, low = read_pair_info(folder), read_disliked(folder)
    source, target = read_rows(folder, SOURCE), read_rows(folder, TARGET)
    rated = pd.read_parquet(inputs.source if swap else inputs.target)
    people = rated[USER].isin({*source[USER], *target[USER]}) & rated[ITEM].isin(target[ITEM])
    expected = rated[people & (rated[RATING] < 3)].sort_values([USER, ITEM], ignore_index=True)
    pd.testing.assert_frame_equal(low, expected, check_dtype=False)
    assert info.disliked == len(low) > 50
    assert any("seen, not liked" in said for said in pair_in_words(info))


def test_a_pair_of_an_older_version_is_made_again_with_its_low_ratings(
    connection, inputs, tmp_path
):
    folder = build_pair(connection, inputs, PairSettings(), tmp_path / "pairs")
    record = json.loads((folder / "pair.json").read_text())
    write_json(folder / "pair.json", {k: v for k, v in record.items() if k != "disliked"})
    (folder / "disliked.parquet").unlink()
    assert read_pair_info(folder).disliked == -1
    assert read_disliked(folder) is None
    assert build_pair(connection, inputs, PairSettings(), tmp_path / "pairs") == folder
    assert read_pair_info(folder).disliked == len(read_disliked(folder))


def test_items_of_the_table_that_nobody_took_are_kept_apart(connection, inputs, write, tmp_path):
    """An item that a filter left out is none of them: somebody took it."""
    taken = pd.read_parquet(inputs.target)[ITEM].unique()
    known = pd.DataFrame({ITEM: [*taken, "never", "ever"]}).assign(**{TITLE: "A title"})
    inputs = replace(inputs, items_target=write("films_table", known))
    folder = build_pair(
        connection, inputs, PairSettings(target_core=0, target_item_fewest=10), tmp_path / "pairs"
    )
    assert set(read_rows(folder, TARGET)[ITEM]) < set(taken)  # some are too rare
    assert read_untaken_items(folder)[ITEM].tolist() == ["ever", "never"]
    assert read_pair_info(folder).untaken == 2
    made = split_pair(folder, SplitSettings(), 1, tmp_path / "splits")
    items, features = read_untaken(made)
    assert items.ids.tolist() == ["ever", "never"]
    assert features.titles.tolist() == ["A title"] * 2
    assert "never" not in read_snapshot(made).train.target_items


def test_the_k_core_is_repeated_until_it_holds(connection, write):
    """Dropping user z leaves item c with one user, and dropping c leaves user y with one item."""
    target = rows(
        *((u, i, 1) for u in "vwx" for i in "ab"), ("y", "a", 1), ("y", "c", 1), ("z", "c", 1)
    )
    source = rows(*((u, "s", 1) for u in "vwxyz"))
    files = PairInputs(write("s", source), write("t", target))
    counts = filter_counts(connection, files, PairSettings(target_core=2))
    assert (counts.target.users, counts.target.items, counts.target.rows) == (3, 2, 6)
    assert counts.shared == 3


@pytest.mark.parametrize(("highest", "kept"), [(5, 3), (10, 5), (1, 1)])
def test_the_rating_threshold_scales_to_the_highest_rating(connection, write, highest, kept):
    ratings = {5: [1, 2, 3, 4, 5], 10: [1, 5, 6, 7, 8, 9, 10], 1: [0, 0, 1]}[highest]
    target = rows(*(("u", f"t{n}", rating) for n, rating in enumerate(ratings)))
    files = PairInputs(write("s", rows(("u", "a", 1))), write("t", target))
    assert filter_counts(connection, files, PairSettings(target_core=0)).target.rows == kept


SCALES = {  # ratings of a file -> those that 3 of 5 stars like
    "-2..2 is liked like 1..5": ([-2, -1, 0, 1, 2], [0, 1, 2]),
    "-10..10": ([-10, -0.3, 0, 4.7, 10], [0, 4.7, 10]),
    "thumbs": ([-1, 1], [1]),
    "all below zero": ([-5, -4, -3, -2, -1], [-3, -2, -1]),
    "1..5": ([1, 2, 3, 4, 5], [3, 4, 5]),
    "0.5..5": ([0.5, 2.5, 3, 5], [3, 5]),
    "0..5": ([0, 1, 2.5, 3, 5], [3, 5]),
    "0..10": ([0, 5, 6, 10], [6, 10]),
    "0..100": ([0, 50, 59, 60, 100], [60, 100]),
    "0 and 1": ([0, 1], [1]),
}


@pytest.mark.parametrize("scale", SCALES)
def test_what_is_liked_follows_the_scale_of_the_file(connection, write, scale):
    """Of -2 to 2 the top step alone was liked, as 3 of 5 of the highest rating is 1.2."""
    ratings, liked = SCALES[scale]
    target = rows(*(("u", f"t{n}", rating) for n, rating in enumerate(ratings)))
    files = PairInputs(write("s", rows(("u", "a", 1))), write("t", target))
    filter_counts(connection, files, PairSettings(target_core=0))
    left = connection.execute(f"SELECT {RATING} FROM target ORDER BY {RATING}").df()[RATING]
    assert left.tolist() == pytest.approx(liked)


def test_the_rating_from_which_rows_are_liked_may_be_told_for_each_file(connection, write):
    """Told as a value of the file, it stays with the file when source and target trade places."""
    source = rows(*(("u", f"s{n}", n) for n in range(1, 6)))
    target = rows(*(("u", f"t{n}", n) for n in range(-2, 3)))
    files = PairInputs(write("s", source), write("t", target))
    told = {"target_core": 0, "source_liked_from": "4.5", "target_liked_from": "-1"}
    counts = filter_counts(connection, files, PairSettings.of(told))
    assert (counts.source.rows, counts.target.rows) == (1, 4)
    counts = filter_counts(connection, files, PairSettings.of(told | {"swap": True}))
    assert (counts.source.rows, counts.target.rows) == (4, 1)
    steps = filter_rows(connection, files, PairSettings.of(told | {"swap": True})).rows
    assert steps["in the file"] == {"source": 5, "target": 5}
    assert steps["liked"] == {"source": 4, "target": 1}
    with pytest.raises(SettingsError, match="cannot be liked from 'three'"):
        filter_counts(connection, files, PairSettings(source_liked_from="three"))
    words = liked_from(connection, f"'{files.target}'", PairSettings.of(told), TARGET).words()
    assert words == "liked from −1 on (of −2 to 2)"


def test_settings_that_ask_for_nothing_newer_keep_the_hash_of_a_pair():
    """The hash of pairs that are already there may not change with a new choice."""
    newer = {
        "drop_double_users",
        "source_liked_from",
        "target_liked_from",
        "source_item_fewest",
        "target_item_fewest",
    }
    assert set(PairSettings().to_dict()) - set(PairSettings().key()) == newer
    told = PairSettings(target_liked_from="2", drop_double_users=True).key()
    assert (told["target_liked_from"], told["drop_double_users"]) == ("2", True)


def test_a_pair_says_how_many_rows_every_step_left(connection, write, tmp_path):
    target = spread(60, 6, "t").astype({RATING: "float32"})
    target.loc[:2, RATING] = None
    shared = rows(*((f"u{u}", f"s{i}", 5) for u in range(30, 90) for i in range(4)))
    files = PairInputs(write("s", shared), write("t", target), target_name="films")
    settings = PairSettings(target_core=0, target_fewest=4)
    info = read_pair_info(build_pair(connection, files, settings, tmp_path / "pairs"))
    liked = int((target[RATING] >= 3).sum())
    steps = steps_that_tell(info.steps)
    assert list(steps) == [
        "in the file",
        "with a rating",
        "liked",
        "of users as active as asked",
        "of shared users",
    ]
    assert [left["target"] for left in steps.values()][:3] == [360, 357, liked]
    assert [left["source"] for left in steps.values()] == [
        240,
        240,
        240,
        240,
        steps["of shared users"]["source"],
    ]
    assert steps["of shared users"]["source"] == 4 * info.after.shared
    assert info.after.target.rows == steps["of users as active as asked"]["target"]
    assert any("3 rows of the target have no rating" in said for said in info.warnings)
    assert [info.people[step]["source"] for step in steps] == [60, 60, 60, 60, info.after.shared]
    people = [info.people[step]["target"] for step in steps]
    assert people[0] == info.before.target.users == 60
    assert people[3:] == [info.after.target.users, info.after.shared]
    assert people == sorted(people, reverse=True)


def test_a_pair_without_shared_users_is_made_and_warned_of(connection, write, tmp_path):
    """It was refused, though models that read texts or patterns of ratings need no shared user."""
    target = spread(12, 6, "t").assign(**{USER: lambda frame: "v" + frame[USER]})
    files = PairInputs(write("s", spread(12, 4, "s")), write("t", target))
    folder = build_pair(connection, files, EVERYTHING, tmp_path / "pairs", refuse_explained=True)
    info = read_pair_info(folder)
    assert info.after.shared == 0
    assert info.steps["of shared users"] == {"source": 0, "target": 0}
    (said,) = info.warnings
    assert said.startswith("No user of source is in target. Use the same user ids")
    assert "Only models that need no shared users" in said


def test_filters_that_leave_no_shared_user_warn_too(connection, write, tmp_path):
    alone = rows(*((f"v{u}", f"t{i}", 1) for u in range(9) for i in range(6)), ("u0", "t0", 1))
    files = PairInputs(write("s", spread(5, 3, "s")), write("t", alone))
    settings = PairSettings(rating_threshold=0, target_core=3)
    info = read_pair_info(build_pair(connection, files, settings, tmp_path / "pairs"))
    assert (info.before.shared, info.after.shared) == (1, 0)
    assert any("leave none of the 1 shared users" in said for said in info.warnings)


def test_a_pair_counts_the_items_that_its_item_tables_know(connection, inputs, write, tmp_path):
    """A table with other ids was taken silently, and then no item had any text."""
    items = pd.DataFrame({ITEM: ["f0", "nowhere"], TITLE: ["Zero", "–"]})
    described = replace(inputs, items_target=write("items", items))
    info = read_pair_info(build_pair(connection, described, EVERYTHING, tmp_path / "pairs"))
    assert info.items_known == {"target": [1, info.after.target.items]}
    said = f"1 of {info.after.target.items} items of films are in the item table."
    assert any(warning.startswith(said) for warning in info.warnings)
    assert said in " ".join(pair_in_words(info))


def test_a_filter_that_takes_most_rows_says_from_which_rating_on(connection, write, tmp_path):
    """Play counts taken for ratings lost two thirds of their rows without a word."""
    plays = rows(*((f"u{u}", f"t{i}", 100 if u == i else 1) for u in range(9) for i in range(9)))
    files = PairInputs(write("s", spread(9, 3, "s")), write("t", plays), target_name="plays")
    settings = PairSettings(target_core=0)
    info = read_pair_info(build_pair(connection, files, settings, tmp_path / "pairs"))
    said = "Only 9 of 81 rows of plays are liked from 60 on (of 1 to 100)."
    assert any(warning.startswith(said) for warning in info.warnings)
    assert "plays: 81 rows in the file, 9 liked, 9 of shared users." in pair_in_words(info)


@pytest.mark.parametrize("rating", [1.0, 5.0])
def test_where_all_ratings_are_equal_all_count_and_a_person_is_told(
    connection, write, tmp_path, rating
):
    source, target = spread(60, 4, "s"), spread(60, 6, "t").assign(**{RATING: rating})
    files = PairInputs(write("s", source), write("t", target), target_name="likes")
    info = read_pair_info(build_pair(connection, files, PairSettings(), tmp_path / "pairs"))
    assert info.after.target.rows == 360
    assert info.warnings == ["Every rating in likes is equal, so every row counts as liked."]


def test_files_without_ratings_or_times_make_a_pair(connection, write, tmp_path):
    files = PairInputs(
        write("s", spread(60, 4, "s")[[USER, ITEM]]), write("t", spread(60, 6, "t")[[USER, ITEM]])
    )
    folder = build_pair(connection, files, PairSettings(), tmp_path / "pairs")
    assert list(read_rows(folder, TARGET)) == [USER, ITEM]


def test_activity_bounds_leave_out_whole_users(connection, write):
    source = rows(*((f"u{n}", f"s{i}", 1) for n in range(5) for i in range(n)))
    files = PairInputs(write("s", source), write("t", spread(5, 3, "t")))
    settings = PairSettings(rating_threshold=0, target_core=0, source_fewest=2, source_most=3)
    counts = filter_counts(connection, files, settings)
    assert (counts.source.users, counts.source.rows) == (2, 5)


def test_rare_items_are_left_out_once(connection, write):
    """Unlike a k-core: users who are left with fewer rows stay."""
    target = rows(*((f"u{n}", f"t{i}", 1) for n in range(5) for i in range(n + 1)))
    files = PairInputs(write("s", spread(5, 3, "s")), write("t", target))
    settings = PairSettings(rating_threshold=0, target_core=0, target_item_fewest=3)
    counts = filter_counts(connection, files, settings)
    assert (counts.target.users, counts.target.items, counts.target.rows) == (5, 3, 12)
    steps = filter_rows(connection, files, settings).rows
    assert steps["of items as popular as asked"] == {"source": 15, "target": 12}


def test_days_are_whole_and_both_ends_count(connection, write):
    times = (
        pd.to_datetime(
            [
                "2024-05-30 23:59:59",
                "2024-05-31 00:00:00",
                "2024-06-01 23:59:59",
                "2024-06-02 00:00:00",
            ]
        )
        .as_unit("s")
        .astype("int64")
    )
    target = pd.DataFrame({USER: "u", ITEM: list("abcd"), TIME: times})
    files = PairInputs(write("s", target), write("t", target))
    settings = PairSettings(target_core=0, first_day="2024-05-31", last_day="2024-06-01")
    assert filter_counts(connection, files, settings).target.rows == 2
    with pytest.raises(SettingsError, match="is not a day"):
        filter_counts(connection, files, PairSettings(first_day="31.5.2024"))


def test_days_without_times_are_refused(connection, write):
    files = PairInputs(write("s", spread(5, 3, "s")), write("t", spread(5, 3, "t")))
    with pytest.raises(DataError, match="no times"):
        filter_counts(connection, files, PairSettings(first_day="2024-01-01"))


def test_swapping_turns_source_and_target_round_under_another_hash(connection, inputs, tmp_path):
    there = build_pair(connection, inputs, EVERYTHING, tmp_path / "pairs")
    back = build_pair(
        connection,
        inputs,
        PairSettings(rating_threshold=0.0, target_core=0, swap=True),
        tmp_path / "pairs",
    )
    assert back != there
    assert read_pair_info(back).title == "films → books"
    assert read_rows(back, SOURCE).equals(read_rows(there, TARGET))
    assert read_rows(back, TARGET).equals(read_rows(there, SOURCE))


def test_the_same_inputs_and_settings_give_the_same_folder(connection, inputs, tmp_path):
    once = build_pair(connection, inputs, PairSettings(), tmp_path / "pairs")
    stamp = once.stat().st_mtime_ns
    assert build_pair(connection, inputs, PairSettings(), tmp_path / "pairs") == once
    assert once.stat().st_mtime_ns == stamp
    assert pair_hash(inputs, PairSettings(target_core=4)) != once.name


def test_the_apps_database_and_an_in_memory_one_build_the_same_pair(connection, tmp_path):
    workspace = Workspace(tmp_path)
    files = []
    for hash_, seed, prefix in (("aa", 1, "b"), ("bb", 2, "f")):
        folder = workspace.datasets / hash_
        folder.mkdir(parents=True)
        random_rows(seed, prefix).to_parquet(folder / "interactions.parquet", index=False)
        write_json(folder / "dataset.json", {"kind": "interactions", "name": prefix})
        files.append(folder / "interactions.parquet")
    inputs = PairInputs(*files)
    in_app = build_pair(
        open_database(workspace.database).cursor(), inputs, PairSettings(), tmp_path / "p"
    )
    in_child = build_pair(connection, inputs, PairSettings(), tmp_path / "q")
    assert in_app.name == in_child.name
    assert read_rows(in_app, TARGET).equals(read_rows(in_child, TARGET))
    assert read_pair_info(in_app).inputs == {"source": "aa", "target": "bb"}


def test_a_link_table_gives_target_users_their_source_ids(connection, write, tmp_path):
    """Target ids mean other people here: an unlinked u1 of the target is not the source's u1."""
    source = rows(("u1", "a", 1), ("u2", "a", 1), ("u2", "b", 1))
    target = rows(("x1", "t", 1), ("x2", "t", 1), ("x2", "v", 1), ("u1", "v", 1))
    links = pd.DataFrame({SOURCE: ["u1", "u2"], TARGET: ["x1", "x2"]})
    files = PairInputs(write("s", source), write("t", target), links=write("links", links))
    folder = build_pair(connection, files, EVERYTHING, tmp_path / "pairs")
    assert sorted(read_rows(folder, TARGET)[USER].unique()) == ["u1", "u1 (target)", "u2"]
    assert read_pair_info(folder).after.shared == 2


def test_two_target_users_of_one_person_become_one_history(connection, write):
    target = rows(("x1", "t", 1), ("x2", "t", 1), ("x2", "v", 1))
    links = pd.DataFrame({SOURCE: ["u1", "u1"], TARGET: ["x1", "x2"]})
    source = rows(("u1", "a", 1))
    files = PairInputs(write("s", source), write("t", target), links=write("links", links))
    counts = filter_counts(connection, files, EVERYTHING)
    assert (counts.target.users, counts.target.rows) == (1, 2)


def test_one_target_user_linked_to_two_people_is_refused(connection, write):
    links = pd.DataFrame({SOURCE: ["u1", "u2"], TARGET: ["x1", "x1"]})
    files = PairInputs(
        write("s", rows(("u1", "a", 1))),
        write("t", rows(("x1", "t", 1))),
        links=write("links", links),
    )
    with pytest.raises(DataError, match="links 1 target users to several"):
        filter_counts(connection, files, EVERYTHING)


def test_users_spelt_differently_match_when_asked_to(connection, write):
    source = rows(
        ("007", "a", 1), ("Ann ", "a", 1), ("12.0", "a", 1), ("0", "a", 1), ("10", "a", 1)
    )
    target = rows(("7", "t", 1), ("ann", "t", 1), ("12", "t", 1), ("0", "t", 1), ("1", "t", 1))
    files = PairInputs(write("s", source), write("t", target))
    loose = PairSettings(rating_threshold=0, target_core=0, match_users="loosely")
    assert count_inputs(connection, files, EVERYTHING).shared == 1
    assert filter_counts(connection, files, loose).shared == 4


def test_only_the_items_that_are_left_are_described(connection, inputs, write, tmp_path):
    items = pd.DataFrame({ITEM: ["f0", "f1", "nowhere"], TITLE: ["Zero", "雪国 *bold*", "–"]})
    described = PairInputs(inputs.source, inputs.target, items_target=write("items", items))
    folder = build_pair(connection, described, EVERYTHING, tmp_path / "pairs")
    assert read_items(folder, TARGET)[TITLE].tolist() == ["Zero", "雪国 *bold*"]
    assert read_items(folder, SOURCE) is None


def test_pairs_are_listed_and_deleted(connection, inputs, tmp_path):
    workspace = Workspace(tmp_path)
    folder = build_pair(connection, inputs, PairSettings(), workspace.pairs)
    assert [pair.dataset_hash for pair in list_pairs(workspace)] == [folder.name]
    delete_pair(workspace, folder.name)
    assert list_pairs(workspace) == []
    with pytest.raises(DataError, match="not in this workspace"):
        delete_pair(workspace, folder.name)


@pytest.mark.parametrize(
    "damage", ["{", "[]", "7", '{"source_name": "books"}', "after", "settings"]
)
def test_a_damaged_pair_is_left_out_and_said_and_can_be_deleted(
    connection, inputs, tmp_path, damage
):
    """One damaged record of one pair showed its error on every page that lists pairs."""
    workspace = Workspace(tmp_path)
    whole = build_pair(connection, inputs, PairSettings(), workspace.pairs)
    other = build_pair(connection, inputs, EVERYTHING, workspace.pairs)
    if damage in ("after", "settings"):
        damage = json.dumps(json.loads((other / "pair.json").read_text()) | {damage: {"swap": "?"}})
    (other / "pair.json").write_text(damage)
    assert [pair.dataset_hash for pair in list_pairs(workspace)] == [whole.name]
    assert damaged_pairs(workspace) == [other.name]
    with pytest.raises(DataError, match="cannot be read"):
        read_pair_info(other)
    assert pairs_using(workspace, "0") == []
    assert build_pair(connection, inputs, EVERYTHING, workspace.pairs) == other  # made anew
    assert damaged_pairs(workspace) == []
    (other / "pair.json").write_text(damage)
    delete_pair(workspace, other.name)
    assert damaged_pairs(workspace) == []


def popular(prefix: str) -> pd.DataFrame:
    """Item first, user second: every person has four rows, and some items most of them."""
    taken = [[0, 1, 2, n % 12 + 3] for n in range(30)]
    return rows(*((f"{prefix}{i}", f"u{n}", 1) for n, items in enumerate(taken) for i in items))


UNUSABLE = {
    "columns exchanged": (
        spread(30, 8, "s"),
        spread(30, 8, "t").rename(columns={USER: ITEM, ITEM: USER}),
        "exchanged",
    ),
    "columns exchanged in both": (popular("s"), popular("t"), "exchanged in both files"),
    "ids spelt differently": (
        spread(30, 8, "s"),
        spread(30, 8, "t").assign(**{USER: lambda frame: frame[USER].str.upper()}),
        "loosely",
    ),
    "one user": (spread(5, 3, "s"), spread(1, 8, "t"), "Only one user"),
    "one item": (spread(5, 3, "s"), spread(8, 1, "t"), "Only one item"),
    "filters leave nothing": (spread(5, 3, "s"), spread(3, 3, "t"), "no rows in the target"),
}


@pytest.mark.parametrize("case", UNUSABLE)
def test_a_pair_that_cannot_be_used_says_why(connection, write, tmp_path, case):
    source, target, said = UNUSABLE[case]
    files = PairInputs(write("s", source), write("t", target))
    core = 5 if case == "filters leave nothing" else 0
    settings = PairSettings(rating_threshold=0, target_core=core)
    with pytest.raises(DataError, match=said):
        build_pair(connection, files, settings, tmp_path / "pairs", refuse_explained=True)
    assert not list((tmp_path / "pairs").glob("*"))


def test_exchanged_columns_can_be_read_the_other_way_round(connection, write):
    source, target, _ = UNUSABLE["columns exchanged"]
    files = PairInputs(write("s", source), write("t", target))
    settings = PairSettings(rating_threshold=0, target_core=0, exchanged_columns="target")
    assert filter_counts(connection, files, settings).shared == 30


def counted(*triples) -> pd.DataFrame:
    frame = pd.DataFrame(triples, columns=[USER, ITEM, COUNT])
    return frame.astype({USER: "str", ITEM: "str", COUNT: "float64"})


FILMS = counted(*((f"u{n}", f"f{m}", n + m + 1) for n in range(6) for m in range(6)))
BOOKS = counted(*((f"u{n}", f"b{m}", 5_000 if n else 1) for n in range(6) for m in range(3)))


def counts_in(folder, domain) -> dict:
    return read_rows(folder, domain).set_index([USER, ITEM])[COUNT].to_dict()


def test_counts_are_carried_and_no_threshold_filters_them(connection, write, tmp_path):
    """Of 9,600 rows with units 1 and 2 the threshold for stars had left 2,883, unsaid."""
    inputs = PairInputs(write("books", BOOKS), write("films", FILMS))
    folder = build_pair(connection, inputs, PairSettings(), tmp_path / "pairs")
    assert counts_in(folder, TARGET) == FILMS.set_index([USER, ITEM])[COUNT].to_dict()
    assert counts_in(folder, SOURCE) == BOOKS.set_index([USER, ITEM])[COUNT].to_dict()


def test_counts_change_places_with_their_rows(connection, write, tmp_path):
    inputs = PairInputs(write("books", BOOKS), write("films", FILMS))
    folder = build_pair(
        connection, inputs, PairSettings(swap=True, target_core=0), tmp_path / "pairs"
    )
    assert counts_in(folder, SOURCE) == FILMS.set_index([USER, ITEM])[COUNT].to_dict()
    assert counts_in(folder, TARGET) == BOOKS.set_index([USER, ITEM])[COUNT].to_dict()


def test_ratings_are_filtered_as_ever_where_a_file_has_both(connection, write, tmp_path):
    both = FILMS.assign(**{RATING: [5.0 if n % 2 else 1.0 for n in range(len(FILMS))]})
    inputs = PairInputs(write("books", BOOKS), write("films", both))
    settings = PairSettings(target_core=0)
    rows_left = read_rows(build_pair(connection, inputs, settings, tmp_path / "pairs"), TARGET)
    assert len(rows_left) == len(FILMS) // 2
    assert COUNT in rows_left


@pytest.mark.parametrize("how", ["loosely", "linked", "exchanged"])
def test_counts_of_ids_that_become_one_are_added_up(connection, write, tmp_path, how):
    target, links, changes = FILMS, None, {"target_core": 0}
    if how == "loosely":
        target = pd.concat([FILMS, counted(("U0", "f0", 40))], ignore_index=True)
        changes |= {"match_users": "loosely"}
    elif how == "linked":
        target = pd.concat([FILMS, counted(("other", "f0", 40))], ignore_index=True)
        known = [(f"u{n}", f"u{n}") for n in range(6)] + [("u0", "other")]
        links = write("links", pd.DataFrame(known, columns=[SOURCE, TARGET]))
    else:
        target = FILMS.rename(columns={USER: ITEM, ITEM: USER})
        changes |= {"exchanged_columns": "target"}
    inputs = PairInputs(write("books", BOOKS), write("films", target), links=links)
    folder = build_pair(connection, inputs, PairSettings(**changes), tmp_path / "pairs")
    found = counts_in(folder, TARGET)
    assert len(found) == len(FILMS)
    assert found["u0", "f0"] == (1 if how == "exchanged" else 41)
