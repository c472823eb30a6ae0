import gzip

import pandas as pd
import pytest

from core.basics.columns import ITEM, RATING, USER
from core.basics.errors import DataError
from core.data.reading.ingest import RECORD, REJECTS, import_file
from core.data.reading.preview import guess_options, preview_file, preview_rejects

BODY = "user_id,item_id,rating\n" + "".join(f"u{n % 7},i{n},{n % 5 + 1}\n" for n in range(30))


@pytest.fixture
def taken(tmp_path):
    """Import a text as the preview guesses it; answers the preview and the report."""

    def take(text: str, **chosen):
        file = tmp_path / "f.csv"
        file.write_bytes(text.encode())
        seen = preview_file(file, **chosen)
        return seen, import_file(file, seen.options, tmp_path / "datasets")

    return take


@pytest.mark.parametrize(
    ("before", "body", "skip", "comment", "skipped"),
    [
        ("# exported by the warehouse\n# query: select *\n", BODY, 0, "#", 2),
        ("% bip weighted\n", BODY.replace(",", " "), 0, "%", 1),
        ("// made by hand\n", BODY, 0, "//", 1),
        ("Extract of 2025-01-06\n", BODY.replace(",", ";"), 1, "", 1),
        ("Extract of 2025-01-06\n\nall shops\n\n", BODY, 3, "", 2),
        ("Report,,\n,,\n", BODY, 2, "", 2),
        ("Report, all, of, it\n", BODY, 1, "", 1),
        ("sep=;\n", BODY.replace(",", ";"), 1, "", 1),
        ('"sep=;"\n', BODY.replace(",", ";"), 1, "", 1),
        ("sep=\t\n", BODY.replace(",", "\t"), 1, "", 1),
        ("", BODY, 0, "", 0),
        ("", BODY.replace("user_id", "#user_id"), 0, "", 0),
    ],
)
def test_lines_that_are_no_table_are_left_out_and_counted(
    taken, before, body, skip, comment, skipped
):
    seen, done = taken(before + body)
    assert (seen.options.skip_lines, seen.options.comment) == (skip, comment)
    assert list(seen.options.roles.values()) == [USER, ITEM, RATING]
    assert (done.rows, done.kept, done.skipped) == (30, 30, skipped)
    said = any("skipped" in warning for warning in seen.warnings)
    assert said == bool(skip or comment)


@pytest.mark.parametrize(
    ("text", "skipped"),
    [
        ("| user | item |\n|---|---|\n| u1 | i1 |\n| u2 | i2 |\n", 1),
        (" user | item\n------+------\n u1 | i1\n u2 | i2\n", 1),
        ("+----+----+\n| user | item |\n+----+----+\n| u1 | i1 |\n| u2 | i2 |\n+----+----+\n", 3),
        ("Report\r\n\r\nuser|item\r\nu1|i1\r\nu2|i2\r\n", 1),
    ],
)
def test_rules_that_are_drawn_are_no_rows(taken, text, skipped):
    _, done = taken(text)
    kept = pd.read_parquet(done.folder / "interactions.parquet")
    assert kept.to_numpy().tolist() == [["u1", "i1"], ["u2", "i2"]]
    assert (done.rows, done.skipped) == (2, skipped)


def test_the_record_counts_skipped_lines_and_the_same_file_says_them_again(taken):
    for _ in range(2):
        _, done = taken("# a\n" + BODY + "# end\n")
        assert (done.skipped, done.rows) == (2, 30)
    assert '"skipped": 2' in (done.folder / RECORD).read_text()


def test_rejects_keep_the_line_of_the_file(taken, tmp_path):
    text = "# a\n# b\n" + BODY + "# in between\nu1,,3\n"
    seen, done = taken(text)
    rejects = pd.read_parquet(done.folder / REJECTS)
    assert text.split("\n")[rejects["line"][0] - 1] == "u1,,3"
    tried = preview_rejects(tmp_path / "f.csv", seen.options)
    assert (tried.rows, tried.rejected) == (done.rows, 1)


def test_a_comment_sign_within_a_quoted_value_is_part_of_it(taken):
    text = '# a\nuser,item\nu1,"first\n# second"\nu2,i2\n'
    _, done = taken(text)
    kept = pd.read_parquet(done.folder / "interactions.parquet")
    assert (list(kept[ITEM]), done.skipped) == (["first\n# second", "i2"], 1)


def test_ids_that_begin_with_a_comment_sign_stay(taken):
    text = "user,item\n" + "".join(f"#u{n},i{n}\n" for n in range(9))
    seen, done = taken(text)
    assert (seen.options.comment, done.kept, done.skipped) == ("", 9, 0)


def test_names_behind_a_comment_sign_are_names(taken):
    seen, _ = taken("# made by hand\n#user_id\titem_id\nu1\ti1\nu2\ti2\n")
    assert (seen.options.skip_lines, seen.options.comment) == (1, "")
    assert list(seen.head.columns) == ["#user_id", "item_id"]


def test_a_header_with_a_name_too_few_is_no_line_before_the_table(taken):
    """R writes the rows' numbers without a name for them."""
    text = "user_id,item_id\n" + "".join(f"{n},u{n},i{n}\n" for n in range(9))
    seen = preview_file
    try:
        seen, _ = taken(text)
    except DataError:
        return
    assert seen.options.skip_lines == 0


def test_what_a_person_chose_is_not_guessed_again(taken):
    seen, done = taken("# a\n" + BODY, comment="", skip_lines=1)
    assert (seen.options.comment, seen.options.skip_lines, done.skipped) == ("", 1, 1)


def test_a_matrix_of_the_matrix_market_begins_below_its_sizes(taken):
    text = "%%MatrixMarket matrix coordinate real general\n% made\n3 3 2\n1 2 5\n3 1 4\n"
    seen, done = taken(text)
    assert (seen.options.skip_lines, done.rows, done.skipped) == (3, 2, 3)


@pytest.mark.parametrize(
    ("text", "quote", "escape", "item"),
    [
        ('"user","item"\n' + r'"u1","say \"no\""' + "\n", '"', "\\", 'say "no"'),
        ('"user","item"\n' + r'"u1","C:\"' + "\n", '"', "", "C:\\"),
        ('"user","item"\n' + '"u1","say ""no"""' + "\n", '"', "", 'say "no"'),
        ("`user`,`item`\n`u1`,`say, no`\n", "`", "", "say, no"),
        ("'user','item'\n" + "'u1','say, no'" + "\n", "'", "", "say, no"),
        ("user,item\nu1,5' 2\" tall\n", '"', "", "5' 2\" tall"),
    ],
)
def test_quotes_are_read_as_they_were_written(taken, text, quote, escape, item):
    seen, done = taken(text)
    assert (seen.options.quote, seen.options.escape) == (quote, escape)
    kept = pd.read_parquet(done.folder / "interactions.parquet")
    assert list(kept[ITEM]) == [item] == list(seen.head["item"])


def test_lines_are_counted_right_behind_padded_and_escaped_quotes(taken):
    text = 'user, item\n"u1", "a \\"\nb"\n"u2", "c"\n"u3", ""\n'
    _, done = taken(text, escape="\\", quote='"', delimiter=",")
    rejects = pd.read_parquet(done.folder / REJECTS)
    assert (done.kept, list(rejects["line"]), list(rejects["reason"])) == (2, [5], ["no item"])


def test_a_nul_byte_far_from_the_head_rejects_its_row(taken):
    rows = [f"u{n},i{n}" for n in range(40_000)]
    rows[30_000] = "u3\0,i3"
    rows[30_001] = "u4,\0"
    _, done = taken("user,item\n" + "\n".join(rows) + "\n")
    rejects = pd.read_parquet(done.folder / REJECTS)
    assert (done.kept, done.rejected) == (39_998, 2)
    assert list(rejects["line"]) == [30_002, 30_003]
    assert set(rejects["reason"]) == {"a NUL byte in it"}


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"MATLAB 5.0 MAT-file, Platform" + bytes(200), "a MATLAB file"),
        (b"MATLAB 7.3 MAT-file" + bytes(493) + b"\x89HDF\r\n\x1a\n", "a MATLAB file"),
        (b"\x89HDF\r\n\x1a\n" + bytes(90), "an HDF5 file"),
        (bytes(512) + b"\x89HDF\r\n\x1a\n" + bytes(90), "an HDF5 file"),
        (b"ARROW1\0\0" + bytes(90), "an Arrow or Feather file"),
        (b"ORC\0\1\2" + bytes(90), "an ORC file"),
        (b"\x93NUMPY\1\0v\0", "a NumPy array"),
        (b"PK\x03\x04" + bytes(26) + b"data.npy" + bytes(9), "a NumPy archive"),
        (b"PK\x03\x04" + bytes(26) + b"xl/workbook.xml" + bytes(9), "an Excel workbook"),
        (b"\x80\x04\x95\x0a\0\0\0", "a pickle of Python"),
        (b"SQLite format 3\0" + bytes(90), "an SQLite database"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook"),
        (bytes(257) + b"ustar" + bytes(90), "a tar archive"),
        (b"Obj\x01\x04\x14avro.codec", "an Avro file"),
        (b"\n<!DOCTYPE html><html>", "a web page"),
        (b"<?xml version='1.0'?><rows/>", "XML"),
        (b"-- MySQL dump 10.13\nINSERT INTO r VALUES (1,2,5),(1,3,4);\n", "a dump of SQL"),
        (b"CREATE TABLE ratings (user int, item int);\n", "a dump of SQL"),
        (b"@RELATION ratings\n@ATTRIBUTE user STRING\n", "an ARFF file"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\n", "a pointer of Git LFS"),
        (b"%%MatrixMarket matrix array real general\n2 2\n1\n2\n", "a dense Matrix Market"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_other_kinds_of_file_are_refused_by_name(tmp_path, head, name, packed):
    file = tmp_path / "ratings.csv"
    file.write_bytes(gzip.compress(head) if packed else head)
    with pytest.raises(DataError, match=name) as refused:
        preview_file(file)
    assert refused.value.hint
    with pytest.raises(DataError, match=name):
        guess_options(file)


def test_a_table_whose_first_word_begins_like_another_kind_is_read(taken):
    seen, _done = taken("ORCID,book\nu1,b1\nu2,b2\n")
    assert (list(seen.head.columns), seen.sort) == (["ORCID", "book"], "text")
