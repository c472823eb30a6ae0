import gzip

import pandas as pd
import pytest

from core.basics.columns import CATEGORIES, ITEM, RATING, TIME, TITLE, USER
from core.basics.errors import DataError
from core.data.reading.options import IGNORE, ITEMS, LINKS, TRIPLES, ReadOptions
from core.data.reading.preview import guess_options, preview_file, preview_rejects


@pytest.fixture
def file(tmp_path):
    def write(content, name="f.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "::", ":"])
def test_the_delimiter_is_the_one_that_cuts_evenly(file, delimiter):
    rows = [["user_id", "item_id", "rating"], ["a b", "x y", "3"], ["c d", "y z", "4"]]
    preview = preview_file(file("\n".join(delimiter.join(row) for row in rows)))
    assert preview.options.delimiter == delimiter
    assert preview.options.roles == {"user_id": USER, "item_id": ITEM, "rating": RATING}
    assert preview.head["item_id"].tolist() == ["x y", "y z"]


def test_movielens_files_without_a_header_are_read_by_their_content(file):
    lines = [f"{n % 3 + 1}::{n * 7 + 100}::{n % 5 + 1}::{978300760 + n}" for n in range(40)]
    preview = preview_file(file("\n".join(lines), "ratings.dat"))
    assert (preview.options.delimiter, preview.options.header) == ("::", False)
    assert list(preview.options.roles.values()) == [USER, ITEM, RATING, TIME]
    assert (preview.known, preview.warnings) == ("a MovieLens file", [])


def test_atomic_files_name_the_kind_behind_the_column(file):
    content = "user_id:token\titem_id:token\trating:float\ttimestamp:float\nu\ti\t3\t5\n"
    roles = preview_file(file(content)).options.roles
    assert list(roles.values()) == [USER, ITEM, RATING, TIME]


@pytest.mark.parametrize(
    ("header", "roles"),
    [
        ("reviewerID,asin,overall,unixReviewTime", [USER, ITEM, RATING, TIME]),
        ("userId,movieId,rating,timestamp", [USER, ITEM, RATING, TIME]),
        ("用户,电影,评分,时间", [USER, ITEM, RATING, TIME]),
        ("customer,product_code,stars,when", [USER, ITEM, RATING, TIME]),
        ("item_id,user_id,score,created_at", [ITEM, USER, RATING, TIME]),
    ],
)
def test_roles_are_guessed_from_the_names_people_use(file, header, roles):
    preview = preview_file(file(f"{header}\na,b,3,1260759108\nc,d,4,1260759109\n"))
    assert list(preview.options.roles.values()) == roles
    assert preview.options.header


def test_a_column_nobody_knows_is_ignored(file):
    content = "user_id,item_id,rating,comment\nu,i,3,good\nv,i,4,bad\n"
    assert preview_file(file(content)).options.roles["comment"] == IGNORE


def test_item_tables_have_titles_and_categories(file):
    content = "movie_id,title,genres\n1,Heat,Crime|Drama\n"
    assert list(preview_file(file(content), ITEMS).options.roles.values()) == [
        ITEM,
        TITLE,
        CATEGORIES,
    ]


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "gb18030"]
)
def test_chinese_text_shows_right_without_being_told_the_encoding(file, encoding):
    content = "user_id,item_id\n张三,红楼梦\n李四,西游记\n"
    preview = preview_file(file(content.encode(encoding)))
    assert preview.head["item_id"].tolist() == ["红楼梦", "西游记"]


def test_chinese_text_almost_without_ascii_is_seen_as_utf_16(file):
    rows = "\n".join("红楼梦" * 20 + "，" + "西游记" * 20 + ",李四" for _ in range(40))
    assert preview_file(file(rows.encode("utf-16-le"))).options.encoding == "utf-16-le"


@pytest.mark.parametrize("delimiter", ['"', "\n", "abcde"])
def test_what_cannot_be_a_delimiter_is_refused(file, delimiter):
    with pytest.raises(DataError, match="cannot separate columns"):
        preview_file(file("user_id,item_id\na,b\n"), delimiter=delimiter)


@pytest.mark.parametrize("end", ["\n", "\r"])
def test_invalid_bytes_and_any_line_end_are_tried_out_as_in_the_import(file, end):
    path = file(f"user_id,item_id{end}a,b{end}Jos\xe9,b{end}".encode("latin-1"))
    tried = preview_rejects(path, ReadOptions(roles={"user_id": USER, "item_id": ITEM}))
    assert (tried.rows, tried.rejected) == (2, 1)


def test_a_quoted_value_that_the_try_out_cuts_is_no_reject(file):
    path = file('user_id,item_id\na,b\nc,"d\nd\nd"\n')
    tried = preview_rejects(path, preview_file(path).options, rows=3)
    assert (tried.rows, tried.rejected) == (1, 0)


@pytest.mark.parametrize(
    ("text", "encoding"), [("José René", "latin-1"), ("“Café” – 5 €", "cp1252")]
)
def test_western_text_shows_right_without_being_told_the_encoding(file, text, encoding):
    filler = "a,b\n" * 600_000  # the first accent is beyond the first megabyte
    for before in ("", filler):
        content = f"user_id,item_id\n{before}u,{text}\n".encode(encoding)
        assert preview_file(file(content)).options.encoding == encoding


@pytest.mark.parametrize(("ratings", "comma"), [("3,5 4", True), ("3.5 4", False), ("3 4", False)])
def test_a_decimal_comma_is_seen(file, ratings, comma):
    first, second = ratings.split()
    preview = preview_file(file(f"user_id;item_id;rating\na;b;{first}\nc;d;{second}\n"))
    assert preview.options.decimal_comma is comma


def test_what_was_guessed_can_be_overruled(file):
    path = file("a;b,c;d\ne;f,g;h\n")
    preview = preview_file(path, delimiter=",", header=False)
    assert list(preview.head.columns) == ["column 1", "column 2"]
    assert preview.head.iloc[0].tolist() == ["a;b", "c;d"]
    assert preview_file(path, delimiter=";", header=True).head.shape == (1, 3)


def test_gzip_is_looked_into(file):
    preview = preview_file(file(gzip.compress(b"user_id,item_id\na,b\n")))
    assert (preview.sort, preview.head.shape) == ("gzip", (1, 2))


def test_parquet_shows_its_columns_as_text(tmp_path):
    frame = pd.DataFrame({"user_id": ["007", "8"], "item_id": [1, 2], "rating": [0.5, None]})
    frame.to_parquet(tmp_path / "f")
    preview = preview_file(tmp_path / "f")
    assert preview.head.iloc[0].tolist() == ["007", "1", "0.5"]
    assert list(preview.options.roles.values()) == [USER, ITEM, RATING]
    tried = preview_rejects(tmp_path / "f", preview.options)
    assert (tried.rows, tried.rejected) == (2, 1)


def test_the_raw_head_shows_lines_as_they_stand(file):
    preview = preview_file(file('user_id,item_id\n"a",b\n'))
    assert preview.raw[:2] == ["user_id,item_id", '"a",b']


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("user_id;item_id\n1;2\n", None),
        ("user_id\n1\n2\n", "one column"),
        ("user_id,item_id\na,b,c\nd,e\n", "another number of columns"),
        ("user_id,user_id,item_id\na,b,c\n", "Several columns are called 'user_id'"),
        ("user_id,item_id\n", "no rows below"),
        ("foo,bar\na,b\n", "plainly the user"),
    ],
)
def test_what_looks_wrong_is_said(file, content, says):
    warnings = preview_file(file(content)).warnings
    assert any(says in warning for warning in warnings) if says else not warnings


def test_rejects_of_the_first_rows_are_counted_with_examples(file):
    content = "user_id,item_id,rating\n" + "a,b,x\n,b,3\nu,i,4\n" * 10
    path = file(content)
    tried = preview_rejects(path, preview_file(path).options)
    assert (tried.rows, tried.rejected) == (30, 20)
    assert tried.counts["rows"].tolist() == [10, 10]
    assert tried.counts["examples"][0].startswith("line 2: 'x'")


def test_only_the_first_rows_are_tried_out(file):
    for encoding in ("utf-8", "utf-16"):
        path = file(("user_id,item_id\n" + "user,item\n" * 30_000).encode(encoding))
        tried = preview_rejects(path, preview_file(path).options, rows=1_000)
        assert 500 < tried.rows < 30_000
        assert tried.rejected == 0


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n\n",
        b"PK\x03\x04aaaa",
        b"\x89PNG\r\n",
        b"\0\1\2\3" * 500,
        b"PAR1broken" * 9,
        b"a" * 400_000,
        b"\x1f\x8bbroken gzip",
        b"," * 20_000 + b"\n",
    ],
    ids=lambda content: repr(content[:8]),
)
def test_what_is_no_table_is_refused_in_two_sentences(file, content):
    with pytest.raises(DataError) as caught:
        preview_file(file(content))
    assert caught.value.what
    assert caught.value.hint


def test_a_try_out_says_why_it_cannot_be_done(file):
    with pytest.raises(DataError, match="No column is marked as item"):
        preview_rejects(file("user_id,item_id\na,b\n"), ReadOptions(roles={"user_id": USER}))


def test_without_a_person_looking_a_weak_guess_is_refused(file):
    assert guess_options(file("item_id,user_id\na,b\n")).roles == {"item_id": ITEM, "user_id": USER}
    with pytest.raises(DataError, match="no column that is plainly the user"):
        guess_options(file("foo,bar\na,b\n"))


def test_ids_that_sound_like_names_of_columns_are_no_header(file):
    """The first row of a file without a header was lost where its ids were called film18."""
    preview = preview_file(file("user1,film18\nuser2,film30\nuser3,film2\n"))
    assert not preview.options.header
    assert preview_file(file("user1,item\na,b\n")).options.header


def test_columns_called_after_ids_are_a_header_whatever_they_name(file):
    """A table of links called amazon_id and netflix_id became one link more."""
    preview = preview_file(file("amazon_id;netflix_id\nA1;N1\nA2;N2\n"), LINKS)
    assert preview.options.header
    assert not preview_file(file("paid,maid\na,b\n"), LINKS).options.header
    assert not preview_file(file("x_id,y_id\nz_id,w_id\n"), LINKS).options.header


@pytest.mark.parametrize(
    "content",
    [
        "<http://x/m1> <http://x/director> <http://x/Nolan> .\n" * 3,
        '<http://x/m1> <http://x/name> "Heat"@en .\n_:b1 <http://x/name> "b" .\n',
        "@prefix ex: <http://x/> .\nex:m1 ex:director ex:Nolan .\n",
    ],
)
def test_triples_of_the_semantic_web_are_refused_by_name(file, content):
    """Ids were kept in their < >, and no item was named by any triple."""
    with pytest.raises(DataError, match="RDF"):
        preview_file(file(content), TRIPLES)
