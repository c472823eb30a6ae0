"""Counts and event types of interactions, from the file to its checked rows."""

import gzip

import pandas as pd
import pytest

from core.basics.columns import COUNT, EVENT, ITEM, RATING, TIME, USER
from core.basics.errors import DataError
from core.data.checks.files import ask_import
from core.data.pair_folder import PairInputs
from core.data.reading.ingest import REJECTS, import_file
from core.data.reading.options import IGNORE, ReadOptions
from core.data.reading.preview import guess_options, preview_file, preview_rejects

TAIL = [1, 2, 1, 7, 1, 3, 1, 1, 52, 2, 1, 9079, 4, 1, 1]  # plays of somebody


def written(tmp_path, header, rows, name="plays.csv"):
    path = tmp_path / name
    lines = [",".join(map(str, row)) for row in rows]
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


def tail_rows():
    return [(f"u{n % 5}", f"i{n}", count) for n, count in enumerate(TAIL)]


def imported(tmp_path, path, **choices):
    options = ReadOptions(**{"roles": preview_file(path).options.roles} | choices)
    done = import_file(path, options, tmp_path / "out")
    return done, pd.read_parquet(done.folder / "interactions.parquet")


@pytest.mark.parametrize(
    "name",
    [
        "plays",
        "playcount",
        "play_count",
        "listens",
        "scrobbles",
        "units",
        "units_sold",
        "quantity",
        "Qty",
        "count",
        "times",
        "weight",
        "clicks",
        "views",
        "freq",
        "次数",
        "count:float",
    ],
)
def test_a_plain_name_makes_a_count(tmp_path, name):
    guess = preview_file(written(tmp_path, f"user_id,item_id,{name}", tail_rows())).guesses[name]
    assert (guess.role, guess.why) == (COUNT, "by its name")


@pytest.mark.parametrize(
    "name", ["country", "discount", "account_no", "rating_count", "count_id", "unit_price"]
)
def test_a_name_that_only_holds_such_a_word_is_no_plain_count(tmp_path, name):
    guess = preview_file(written(tmp_path, f"user_id,item_id,{name}", tail_rows())).guesses[name]
    assert not (guess.role == COUNT and guess.why == "by its name")


def test_texts_times_and_values_from_0_on_are_no_sure_count_whatever_their_name(tmp_path):
    def guess(name, values):
        rows = [(f"u{n % 5}", f"i{n}", value) for n, value in enumerate(values)]
        return preview_file(written(tmp_path, f"user_id,item_id,{name}", rows)).guesses[name]

    assert guess("times", range(1_600_000_000, 1_600_000_020)).role == TIME
    assert guess("weight", ["heavy"] * 12).role == IGNORE
    returned = guess("quantity", [3, -1, 2, 1, 1, 8, 1, 2, 1, 1, 1])
    assert (returned.role, returned.confidence) == (COUNT, 0.5)


@pytest.mark.parametrize("name", ["score", "value", "preference", "column 3", "much"])
def test_whole_numbers_with_a_long_tail_are_counts_and_never_ratings(tmp_path, name):
    path = written(tmp_path, f"user_id,item_id,{name}", tail_rows())
    guess = preview_file(path).guesses[name]
    assert guess.role == COUNT
    assert guess.confidence <= 0.6


def test_hours_under_a_vague_name_are_no_ratings_though_they_are_not_whole(tmp_path):
    rows = [(f"u{n % 5}", f"i{n}", f"{count}.5") for n, count in enumerate(TAIL)]
    assert preview_file(written(tmp_path, "user,game,value", rows)).guesses["value"].role == COUNT


@pytest.mark.parametrize("values", [[1, 2, 3, 4, 5], [20, 40, 60, 80, 100], [0.5, 3.5, 5, 4, 4]])
def test_a_score_without_a_tail_stays_a_rating(tmp_path, values):
    rows = [(f"u{n % 5}", f"i{n}", values[n % 5]) for n in range(30)]
    guess = preview_file(written(tmp_path, "user_id,item_id,score", rows)).guesses["score"]
    assert (guess.role, guess.why) == (RATING, "by its name")


def test_item_numbers_with_a_long_tail_are_no_counts_in_a_file_without_a_header(tmp_path):
    rows = [(n % 7 + 1, count + n, n % 5 + 1) for n, count in enumerate(TAIL)]
    path = written(tmp_path, "1,31,4", rows)
    assert list(preview_file(path, header=False).options.roles.values()) == [USER, ITEM, RATING]


@pytest.mark.parametrize(
    "name",
    ["event", "event_type", "action", "behavior", "behaviour_type", "interaction type", "行为类型"],
)
def test_event_types_are_known_by_name(tmp_path, name):
    rows = [("u1", "i1", "view"), ("u2", "i1", "purchase")]
    assert preview_file(written(tmp_path, f"user_id,item_id,{name}", rows)).options.roles == {
        "user_id": USER,
        "item_id": ITEM,
        name: EVENT,
    }


@pytest.mark.parametrize("name", ["event_id", "transaction", "eventful"])
def test_ids_of_events_are_no_event_types(tmp_path, name):
    rows = [("u1", "i1", "view"), ("u2", "i1", "purchase")]
    path = written(tmp_path, f"user_id,item_id,{name}", rows)
    assert preview_file(path).guesses[name].role == IGNORE


def test_a_column_of_many_different_texts_is_no_event_type(tmp_path):
    rows = [("u1", f"i{n}", f"opened page {n}") for n in range(40)]
    path = written(tmp_path, "user_id,item_id,action", rows)
    assert preview_file(path).guesses["action"].role == IGNORE


@pytest.mark.parametrize(("keep", "time"), [("last", 30), ("first", 10)])
def test_counts_of_the_same_user_and_item_add_up_and_other_columns_follow_one_row(
    tmp_path, keep, time
):
    rows = [("u", "a", 2, 10), ("v", "a", 5, 20), ("u", "a", 3, 30)]
    path = written(tmp_path, "user_id,item_id,plays,timestamp", rows)
    done, table = imported(tmp_path, path, duplicates=keep)
    assert (done.rows, done.kept, done.rejected, done.merged) == (3, 2, 0, 1)
    assert table.set_index(USER)[COUNT].to_dict() == {"u": 5.0, "v": 5.0}
    assert table.set_index(USER)[TIME]["u"] == time


def test_many_duplicates_add_up_in_every_part_of_the_users(tmp_path):
    rows = [(f"u{n % 97}", f"i{n % 13}", n % 7 + 1) for n in range(6_000)]
    path = written(tmp_path, "user_id,item_id,plays", rows)
    _, table = imported(tmp_path, path)
    frame = pd.DataFrame(rows, columns=[USER, ITEM, COUNT])
    expected = frame.groupby([USER, ITEM])[COUNT].sum()
    assert table.set_index([USER, ITEM])[COUNT].sort_index().tolist() == expected.tolist()


def test_a_count_that_is_no_number_above_0_is_rejected_with_the_reason(tmp_path):
    rows = [
        ("u", "a", 1),
        ("u", "b", 0),
        ("u", "c", -3),
        ("u", "d", ""),
        ("u", "e", "many"),
        ("u", "f", "inf"),
    ]
    path = written(tmp_path, "user_id,item_id,quantity", rows)
    done, _ = imported(tmp_path, path, roles={"user_id": USER, "item_id": ITEM, "quantity": COUNT})
    rejects = pd.read_parquet(done.folder / REJECTS)
    assert (done.kept, done.rejected) == (1, 5)
    assert rejects["line"].tolist() == [3, 4, 5, 6, 7]
    above = "not a count above 0"
    assert rejects["reason"].tolist() == [above, above, "no count", above, above]


def test_event_types_weigh_what_was_chosen_times_the_count_and_1_else(tmp_path):
    rows = [("u", "a", "view", 3), ("u", "a", "buy", 2), ("v", "a", "cart", 4), ("v", "b", "", 7)]
    path = written(tmp_path, "user_id,item_id,event,quantity", rows)
    done, table = imported(tmp_path, path, events={"buy": 5.0, "view": 0.5})
    assert (done.kept, done.merged) == (3, 1)
    counts = table.set_index([USER, ITEM])[COUNT].to_dict()
    assert counts == {("u", "a"): 0.5 * 3 + 5 * 2, ("v", "a"): 4.0, ("v", "b"): 7.0}
    assert EVENT not in table


def test_events_without_a_count_are_counted(tmp_path):
    rows = [("u", "a", "view"), ("u", "a", "view"), ("u", "a", " buy ")]
    _, table = imported(tmp_path, written(tmp_path, "user_id,item_id,event", rows))
    assert table[COUNT].tolist() == [3.0]


def test_a_type_that_weighs_0_drops_its_rows_under_a_reason_of_its_own(tmp_path):
    rows = [("u", "a", "view"), ("u", "b", "buy"), ("v", "c", "view")]
    path = written(tmp_path, "user_id,item_id,event", rows)
    done, table = imported(tmp_path, path, events={"view": 0.0})
    rejects = pd.read_parquet(done.folder / REJECTS)
    assert (done.rows, done.kept, done.rejected, done.merged) == (3, 1, 2, 0)
    assert set(rejects["reason"]) == {"the event type 'view' weighs 0"}
    assert table[ITEM].tolist() == ["b"]


def test_the_try_out_counts_event_types_whether_or_not_they_are_kept(tmp_path):
    rows = [("u", f"i{n}", "view" if n % 3 else "buy") for n in range(30)]
    path = written(tmp_path, "user_id,item_id,event", rows)
    roles = preview_file(path).options.roles
    tried = preview_rejects(path, ReadOptions(roles=roles, events={"view": 0.0}))
    assert (tried.rows, tried.rejected) == (30, 20)
    assert tried.events == {"view": 20, "buy": 10}


@pytest.mark.parametrize("weight", [-1.0, float("nan"), float("inf"), "much"])
def test_a_weight_that_is_no_number_from_0_on_is_refused(tmp_path, weight):
    path = written(tmp_path, "user_id,item_id,event", [("u", "a", "view")])
    with pytest.raises(DataError, match="cannot weigh"):
        imported(tmp_path, path, events={"view": weight})


def test_a_file_without_counts_keeps_its_hash_and_its_columns(tmp_path):
    """The hash is the one that versions without counts gave to the same bytes and choices."""
    path = tmp_path / "plain.csv"
    path.write_bytes(b"user_id,item_id,rating\nu,a,3\nv,b,4\n")
    done = import_file(path, guess_options(path), tmp_path / "out")
    assert done.hash == "8aba5281e29a8059"
    assert list(pd.read_parquet(done.folder / "interactions.parquet")) == [USER, ITEM, RATING]
    assert {"events"}.isdisjoint(guess_options(path).key())


def test_counts_come_from_gzip_and_parquet_too(tmp_path):
    rows = tail_rows()
    plain = written(tmp_path, "user_id,item_id,plays", rows)
    zipped = tmp_path / "plays.csv.gz"
    zipped.write_bytes(gzip.compress(plain.read_bytes()))
    stored = tmp_path / "plays.parquet"
    pd.DataFrame(rows, columns=["user_id", "item_id", "plays"]).to_parquet(stored, index=False)
    for path in (plain, zipped, stored):
        _, table = imported(tmp_path, path)
        assert sorted(table[COUNT]) == sorted(map(float, TAIL))


def test_rows_left_out_by_their_weight_are_said_and_trouble_no_check(tmp_path):
    """An event log of which views weigh 0 was called badly read."""
    files = []
    for name in ("books", "films"):
        rows = [(f"u{n % 9}", f"{name}{n}", "view" if n % 3 else "buy") for n in range(90)]
        path = written(tmp_path, "user_id,item_id,event", rows, f"{name}.csv")
        done, _ = imported(tmp_path, path, events={"view": 0.0})
        files.append(done.folder / "interactions.parquet")
    check = ask_import(PairInputs(*files))
    assert check.light == "green"
    assert "Of 180 rows 120 were rejected" in check.answer
    assert "Of those rejected, 120 are of event types that weigh 0." in check.answer
    kept, _ = imported(tmp_path, path)
    assert (
        "weigh 0" not in ask_import(PairInputs(*[kept.folder / "interactions.parquet"] * 2)).answer
    )
