import gzip
import io
import zipfile

import pandas as pd
import pytest

from core.basics.columns import (
    CATEGORIES,
    DESCRIPTION,
    ITEM,
    RATING,
    SOURCE,
    TARGET,
    TIME,
    TITLE,
    USER,
)
from core.basics.errors import DataError
from core.basics.files import read_json
from core.data.reading.ingest import clean_name, import_file
from core.data.reading.options import FIRST, IGNORE, ITEMS, LINKS, ReadOptions

ROLES = {"u": USER, "i": ITEM, "r": RATING}
TIMED = {**ROLES, "t": TIME}


@pytest.fixture
def imported(tmp_path):
    """Import some bytes; answers the report, the kept rows and the rejects."""

    def work(content, roles=ROLES, **options):
        path = tmp_path / "some file"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        done = import_file(path, ReadOptions(roles=roles, **options), tmp_path / "datasets")
        assert done.rows == done.kept + done.rejected + done.merged
        kept = pd.read_parquet(done.folder / f"{done.kind}.parquet")
        rejects = pd.read_parquet(done.folder / "rejects.parquet")
        assert (len(kept), len(rejects)) == (done.kept, done.rejected)
        return done, kept, rejects

    return work


def places(rejects):
    return list(rejects[["line", "column", "value"]].itertuples(index=False, name=None))


def test_every_row_is_kept_rejected_or_merged_and_counted(imported):
    done, kept, rejects = imported("u,i,r\na,x,1\nb,x,bad\na,x,4\nc,y,2\nshort\n")
    assert (done.rows, done.kept, done.rejected, done.merged) == (5, 2, 2, 1)
    assert kept.to_dict("list") == {USER: ["a", "c"], ITEM: ["x", "y"], RATING: [4.0, 2.0]}
    assert kept[RATING].dtype == "float32"
    assert places(rejects) == [(3, "r", "bad"), (6, "(whole line)", "short")]


def test_the_first_of_several_rows_stays_where_that_is_asked_for(imported):
    _, kept, _ = imported("u,i,r\na,x,1\na,y,2\na,x,4\n", duplicates=FIRST)
    assert kept[RATING].tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    "name", ["007", "1.0", "true", "18446744073709551617", "NULL", "nan", "1e5", "书", "-", "a b"]
)
def test_ids_stay_the_text_they_are(imported, name):
    _, kept, _ = imported(f"u,i,r\n{name},{name},1\n")
    assert kept.iloc[0][[USER, ITEM]].tolist() == [name, name]


@pytest.mark.parametrize("space", [" ", "\t", "\u00a0", "\u3000", "  "])
def test_ids_lose_white_space_around_them_and_merge(imported, space):
    done, kept, _ = imported(f"u,i,r\n{space}a,x{space},1\na,x,2\n")
    assert (done.merged, kept[USER].tolist()) == (1, ["a"])


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        (",x,1", "u", "no user"),
        ("  ,x,1", "u", "no user"),
        ('a,"",1', "i", "no item"),
        ("a,\u3000,1", "i", "no item"),
        ("a,x,", "r", "no rating"),
        ("a,x,NaN", "r", "no rating"),
        ("a,x,inf", "r", "not a finite number"),
        ("a,x,-Infinity", "r", "not a finite number"),
        ("a,x,1e39", "r", "not a finite number"),
        ("a,x,good", "r", "not a finite number"),
        ("a,x,3;5", "r", "not a finite number"),
        ("a,x,true", "r", "not a finite number"),
        ("a,x", "(whole line)", "fewer than 3 columns"),
        ("a,x,1,2", "(whole line)", "more than 3 columns"),
        ('"a"b,x,1', "(whole line)", "a quote is opened and not closed properly"),
    ],
)
def test_a_row_that_cannot_be_used_is_listed_with_line_and_reason(imported, row, column, reason):
    done, _, rejects = imported(f"u,i,r\nb,y,1\n\n{row}\nc,y,2\n")
    assert (done.kept, done.rejected) == (2, 1)
    assert rejects.iloc[0][["line", "column", "reason"]].tolist() == [4, column, reason]


@pytest.mark.parametrize(
    ("time", "seconds"),
    [
        ("1260759108", 1260759108),
        ("1260759108000", 1260759108),
        ("1260759108000000", 1260759108),
        ("1260759108000000000", 1260759108),
        ("1260759108.9", 1260759109),
        ("2009-12-14", 1260748800),
        ("20091214", 1260748800),
        ("2009-12-14 02:51:48", 1260759108),
        ("2009-12-14T02:51:48Z", 1260759108),
        ("2009-12-14T04:51:48+02:00", 1260759108),
        ("-86400", -86400),
        ("0", 0),
        ("-9223372036854775808", -9223372036),
    ],
)
def test_times_become_whole_unix_seconds(imported, time, seconds):
    _, kept, _ = imported(f"u,i,r,t\na,x,1,{time}\n", roles=TIMED)
    assert kept[TIME].dtype == "int64"
    assert kept[TIME].tolist() == [seconds]


@pytest.mark.parametrize("time", ["", "yesterday", "inf", "31.12.2009", "1e300", "2009-13-45"])
def test_what_is_no_time_is_rejected(imported, time):
    _, _, rejects = imported(f"u,i,r,t\na,x,1,{time}\nb,x,1,5\n", roles=TIMED)
    assert places(rejects) == [(2, "t", time)]


def test_a_decimal_comma_is_read_where_it_was_said_and_a_point_is_not_ten_times_more(imported):
    content = "u;i;r\na;x;3,5\nb;x;3.5\n"
    _, kept, rejects = imported(content, delimiter=";", decimal_comma=True)
    assert kept[RATING].tolist() == [3.5]
    assert places(rejects) == [(3, "r", "3.5")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "gb18030"])
def test_chinese_ids_are_read_in_every_encoding(imported, encoding):
    _, kept, _ = imported("u,i,r\n用户一,红楼梦,5\n".encode(encoding), encoding=encoding)
    assert kept.iloc[0][[USER, ITEM]].tolist() == ["用户一", "红楼梦"]


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252"])
def test_western_ids_are_read_in_every_encoding(imported, encoding):
    _, kept, _ = imported("u,i,r\nJosé,Über,5\n".encode(encoding), encoding=encoding)
    assert kept.iloc[0][[USER, ITEM]].tolist() == ["José", "Über"]


def test_bytes_that_are_not_utf_8_reject_their_row_only(imported):
    for pack in (bytes, gzip.compress):
        done, _, rejects = imported(pack(b"u,i,r\na,x,1\nJos\xe9,x,1\nb,x,1\n"))
        assert (done.kept, done.rejected) == (2, 1)
        assert rejects.iloc[0][["line", "reason"]].tolist() == [3, "bytes that are not UTF-8"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_kind_of_line_end_gives_the_same_rows(imported, end):
    _, kept, rejects = imported(end.join(["u,i,r", "a,x,1", "", "b,y,bad", "c,z,3", ""]))
    assert kept[USER].tolist() == ["a", "c"]
    assert places(rejects) == [(4, "r", "bad")]


def test_mixed_line_ends_lose_nothing(imported):
    done, kept, _ = imported(b"u,i,r\r\na,x,1\nb,x,2\r\nc,x\rx,3\n" * 1)
    assert done.kept == 3
    assert kept[ITEM].tolist() == ["x", "x", "x x"]


def test_lines_are_counted_right_after_line_breaks_in_quotes(imported):
    content = 'u,i,r\n"a\n\nb",x,1\nc,"say ""hi""",2\nshort\n\nd,x,bad\n"p"q,x,1\ne,x,inf\n'
    _, kept, rejects = imported(content)
    assert kept[USER].tolist() == ["a\n\nb", "c"]
    assert [place[0] for place in places(rejects)] == [6, 8, 9, 10]


@pytest.mark.parametrize("end", ["", "\n"])
def test_an_unclosed_quote_rejects_every_line_it_takes_in(imported, end):
    """DuckDB drops an open quote at the end of the file without a word."""
    done, kept, rejects = imported(f'u,i,r\na,x,1\n"m\nm",x,2\nb,"x,2\nc,x,3\n\nd,x,4{end}')
    assert (done.rows, kept[USER].tolist()) == (5, ["a", "m\nm"])
    assert places(rejects) == [
        (5, "(whole line)", 'b,"x,2'),
        (6, "(whole line)", "c,x,3"),
        (8, "(whole line)", "d,x,4"),
    ]


def test_an_unclosed_quote_that_takes_in_too_much_is_refused_with_its_line(imported):
    rows = "".join(f"u{n},x,1\n" for n in range(5_000))
    with pytest.raises(DataError, match=r"line 3 is not closed.*no character quotes"):
        imported(f'u,i,r\na,x,1\nb,"x,2\n{rows}')
    done, _, _ = imported(f'u,i,r\na,x,1\nb,"x,2\n{rows}', quote="")
    assert done.kept == 5_002


def test_quoted_text_that_looks_like_rows_stays_one_value(imported):
    """Read in parallel, DuckDB takes such lines for rows."""
    inside = "\n".join(f"a{n},b,1" for n in range(70_000))
    plain = "u,x,1\n" * 1_320_000  # up to a seam between two of its threads
    done, _, _ = imported(f'u,i,r\n{plain}"{inside}",x,1\nlast,x,1\n')
    assert (done.rows, done.kept, done.rejected) == (1_320_002, 3, 0)


def test_a_value_beyond_all_bounds_is_refused_with_its_line(imported):
    inside = "a,b,1\n" * 400_000
    with pytest.raises(DataError, match="line 3 is longer than 2,000,000 bytes"):
        imported(f'u,i,r\na,x,1\n"{inside}",x,1\nlast,x,1\n')


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"u,i,r\n",
        b"\n\n",
        b"u,i,r\n\n\n",
        b"u,i,r",
        b"one column\nx\n",
        b"a,b\n1,2\n",
        b"u,i,r\n,x,1\n",
        b"u,u,i,r\n" + b"\0\1\2" * 1000,
        bytes(range(256)) * 100,
        b'"u,i,r\na,x,1\n',
        b"PAR1" + b"x" * 100 + b"PAR1",
        gzip.compress(b"u,i,r\na,x,1\n" * 1000, mtime=0)[:-12],
        gzip.compress(b"", mtime=0),
        ",".join(f"c{n}" for n in range(20_000)).encode() + b"\n",
        b"x" * 1_000_000,
    ],
    ids=lambda content: repr(content[:12]),
)
def test_what_is_no_table_is_refused_in_two_sentences_and_leaves_nothing(
    imported, tmp_path, content
):
    with pytest.raises(DataError) as caught:
        imported(content)
    assert caught.value.what.endswith((".", ")"))
    assert caught.value.hint.endswith(".")
    assert list((tmp_path / "datasets").iterdir()) == []


def test_a_zip_named_csv_is_called_a_zip(imported):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.csv", "u,i,r\na,x,1\n")
    with pytest.raises(DataError, match="zip archive or an Excel workbook"):
        imported(packed.getvalue())


@pytest.mark.parametrize(
    ("roles", "says"),
    [
        ({"u": USER}, "No column is marked as item"),
        ({"u": USER, "i": USER, "r": ITEM}, "Two columns are marked as user"),
        ({"user": USER, "i": ITEM}, "no column user"),
        ({"u": USER, "i": ITEM, "r": TITLE}, "interactions has no title column"),
    ],
)
def test_columns_that_contradict_themselves_are_refused(imported, roles, says):
    with pytest.raises(DataError, match=says):
        imported("u,i,r\na,x,1\n", roles=roles)


def test_repeated_column_names_can_be_told_apart(imported):
    _, kept, _ = imported("id,id,ID\na,x,1\n", roles={"id": USER, "id (2)": ITEM, "ID": RATING})
    assert kept.to_dict("list") == {USER: ["a"], ITEM: ["x"], RATING: [1.0]}


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", " ", "::", "\x01", "§", "^", "'"])
def test_any_delimiter_cuts_the_same_rows(imported, delimiter):
    rows = [["u", "i", "r"], ["a", "x", "1"], ["b", "y", "2.5"]]
    content = "\n".join(delimiter.join(row) for row in rows)
    _, kept, _ = imported(content, delimiter=delimiter)
    assert kept[RATING].tolist() == [1.0, 2.5]


def test_a_file_without_a_header_keeps_its_first_row(imported):
    roles = {"column 1": USER, "column 2": ITEM, "column 3": RATING}
    _, kept, rejects = imported("a,x,1\nb,y,bad\n", roles=roles, header=False)
    assert (kept[USER].tolist(), places(rejects)) == (["a"], [(2, "column 3", "bad")])


def test_gzip_and_parquet_give_the_rows_of_the_csv(imported, tmp_path):
    content = "u,i,r,t\n007,x,1.5,2009-12-14\n8,y,bad,5\n"
    _, plain, _ = imported(content, roles=TIMED)
    _, packed, _ = imported(gzip.compress(content.encode()), roles=TIMED)
    table = pd.DataFrame({"u": ["007", "8"], "i": ["x", "y"], "r": ["1.5", "bad"]})
    table["t"] = pd.to_datetime(["2009-12-14", "1970-01-01"])
    table.to_parquet(tmp_path / "t.parquet")
    _, columns, rejects = imported((tmp_path / "t.parquet").read_bytes(), roles=TIMED)
    pd.testing.assert_frame_equal(plain, packed)
    pd.testing.assert_frame_equal(plain, columns)
    assert places(rejects) == [(2, "r", "bad")]


@pytest.mark.parametrize("row", [b"a,x,1", b"a,x,1,q,q", b'a,x,1,"q', b'a,x,1,"q"q'])
def test_a_broken_row_is_listed_even_where_its_fault_is_in_an_ignored_column(imported, row):
    done, _, _ = imported(b"u,i,r,note\nb,y,1,n\n" + row + b"\n" + b"c,y,2,n\n")
    swallowed = row.count(b'"') == 1  # the open quote takes the next row with it
    assert (done.rows, done.rejected) == (3, 2 if swallowed else 1)


def test_bytes_that_are_not_utf_8_in_an_ignored_column_cost_nothing(imported):
    done, _, _ = imported(b"u,i,r,note\nb,y,1,Jos\xe9\nc,y,2,n\n")
    assert (done.rows, done.kept) == (2, 2)


def test_ignoring_a_column_or_not_naming_it_is_the_same(imported):
    first, _, _ = imported("u,i,r,note\na,x,1,n\n")
    again, _, _ = imported("u,i,r,note\na,x,1,n\n", roles={**ROLES, "note": IGNORE})
    assert again.already_there
    assert first.hash == again.hash


def test_a_gzip_that_grows_beyond_all_bounds_is_refused(imported, monkeypatch):
    monkeypatch.setattr("core.data.reading.raw._SMALL", 1_000_000)
    for zeros in (b"\0" * 6, b"u,i,r\n"):
        with pytest.raises(DataError, match="unpacks to more than"):
            imported(gzip.compress(zeros * 2_000_000))


def test_parquet_columns_that_differ_in_case_only_are_refused(imported, tmp_path):
    table = pd.DataFrame({"u": ["a"], "U": ["b"], "i": ["x"]})
    table.to_parquet(tmp_path / "t.parquet")
    with pytest.raises(DataError, match="Columns u, U of the Parquet file have the same name"):
        imported((tmp_path / "t.parquet").read_bytes(), roles={"U": USER, "i": ITEM})


def test_lists_of_categories_are_joined(imported, tmp_path):
    table = pd.DataFrame({"i": ["x"], "c": [["Drama", "Crime"]]})
    table.to_parquet(tmp_path / "t.parquet")
    content = (tmp_path / "t.parquet").read_bytes()
    _, kept, _ = imported(content, roles={"i": ITEM, "c": CATEGORIES}, kind=ITEMS)
    assert kept[CATEGORIES].tolist() == ["Drama|Crime"]


def test_a_parquet_file_without_rows_or_with_damaged_pages_is_refused(imported, tmp_path):
    file = tmp_path / "t.parquet"
    pd.DataFrame({"u": ["a"], "i": ["x"]}).iloc[:0].to_parquet(file)
    with pytest.raises(DataError, match="no rows"):
        imported(file.read_bytes(), roles={"u": USER, "i": ITEM})
    names = [f"{n * 7919 % 100_003}" for n in range(50_000)]
    pd.DataFrame({"u": names, "i": names}).to_parquet(file)
    content = bytearray(file.read_bytes())
    content[100:60_000] = bytes(59_900)
    with pytest.raises(DataError, match="cannot be read"):
        imported(bytes(content), roles={"u": USER, "i": ITEM})


def test_reading_stops_where_nothing_can_be_kept(imported, monkeypatch):
    monkeypatch.setattr("core.data.reading.prepare.HOPELESS", 100_000)
    with pytest.raises(DataError, match=r"None of \d+,\d+ rows can be kept: u, no user"):
        imported("u,i,r\n" + ",x,1\n" * 600_000)


@pytest.mark.parametrize("hopeless", [100_000, 2_000_000])
def test_ratings_that_cannot_be_read_are_left_out_of_any_number_of_rows(
    imported, monkeypatch, hopeless
):
    monkeypatch.setattr("core.data.reading.prepare.HOPELESS", hopeless)
    done, kept, _ = imported("u,i,r\n" + "".join(f"a,x{n},bad\n" for n in range(600_000)))
    assert (done.kept, done.rejected, list(kept)) == (600_000, 0, [USER, ITEM])
    assert done.left_out["r"] > 400_000
    assert "The column r was left out" in done.notes()[0]


def test_a_file_of_which_nearly_every_line_is_broken_is_refused(imported, monkeypatch):
    monkeypatch.setattr("core.data.reading.rows.MOST_BROKEN", 100)
    with pytest.raises(DataError, match="101 lines do not have the 3 columns of the first"):
        imported("u,i,r\na,x,1\n" + "a;x;1\n" * 101)


def test_what_killed_imports_left_goes_with_the_next_one(imported, tmp_path):
    dead = "999999999"
    for name in (f"import.{dead}.abc", f"0123.{dead}.part"):
        (tmp_path / "datasets" / name).mkdir(parents=True)
    done, _, _ = imported("u,i,r\na,x,1\n")
    assert [path.name for path in (tmp_path / "datasets").iterdir()] == [done.hash]


def test_titles_keep_markdown_html_and_line_breaks(imported):
    title = "![x](http://a.b/c) <b>*1*</b>\n=SUM(A1)"
    content = f'i,name,tags,about\n007,"{title}",a|b,\n007,"{title}",c,long\n,no id,,\n'
    roles = {"i": ITEM, "name": TITLE, "tags": CATEGORIES, "about": DESCRIPTION}
    done, kept, rejects = imported(content, roles=roles, kind=ITEMS)
    assert (done.merged, places(rejects)) == (1, [(6, "i", "")])
    expected = {ITEM: ["007"], TITLE: [title], CATEGORIES: ["c"], DESCRIPTION: ["long"]}
    assert kept.to_dict("list") == expected


def test_links_hold_both_users_and_merge_equal_lines(imported):
    roles = {"book_user": SOURCE, "film_user": TARGET}
    done, kept, _ = imported("book_user,film_user\nb1,f1\nb1,f1\nb2,f1\n", roles=roles, kind=LINKS)
    assert done.merged == 1
    assert kept.to_dict("list") == {SOURCE: ["b1", "b2"], TARGET: ["f1", "f1"]}


def test_the_same_file_with_the_same_choices_is_there_already(imported):
    first, _, _ = imported("u,i,r\na,x,1\n")
    again, _, _ = imported("u,i,r\na,x,1\n")
    other, _, _ = imported("u,i,r\na,x,1\n", roles={"u": ITEM, "i": USER})
    assert (first.already_there, again.already_there, other.already_there) == (False, True, False)
    assert (first.hash == again.hash, first.hash == other.hash) == (True, False)


def test_the_record_says_what_was_read_and_how(imported):
    done, _, _ = imported("u,i,r\na,x,1\n")
    record = read_json(done.folder / "dataset.json")
    assert record["counts"] == {"rows": 1, "kept": 1, "rejected": 0, "merged": 0}
    assert ReadOptions.of(record["options"]) == ReadOptions(roles=ROLES)


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("../../etc/evil.csv", "evil"),
        ("..\\..\\evil.CSV.GZ", "evil"),
        ("x" * 300 + ".csv", "x" * 60),
        ("..", "unnamed"),
        ("", "unnamed"),
        ("a\nb\0c.tsv", "a b c"),
        ("电影 评分.csv", "电影 评分"),
    ],
)
def test_a_name_is_the_last_part_of_the_file_name_short_and_printable(name, clean):
    assert clean_name(name) == clean


def test_a_killed_import_leaves_nothing_that_counts_as_a_dataset(imported, tmp_path):
    def stop(progress):
        if progress.stage == "writing":
            raise KeyboardInterrupt

    path = tmp_path / "f.csv"
    path.write_text("u,i,r\na,x,1\n")
    with pytest.raises(KeyboardInterrupt):
        import_file(path, ReadOptions(roles=ROLES), tmp_path / "datasets", stop)
    assert list((tmp_path / "datasets").iterdir()) == []
