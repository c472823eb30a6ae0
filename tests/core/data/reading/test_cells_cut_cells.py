import tempfile
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from core.basics.columns import ITEM, USER
from core.basics.errors import DataError
from core.data.reading.cells import Cutter
from core.data.reading.ingest import import_file
from core.data.reading.options import ReadOptions
from core.data.reading.preview import preview_file
from core.data.reading.raw import text_without


@pytest.mark.parametrize(
    ("line", "escape", "cells"),
    [
        ('a, "b",c', "", ["a", "b", "c"]),
        ('a,"b" ,c', "", ["a", "b", "c"]),
        ('a, "b, x",c', "", ["a", "b, x", "c"]),
        ('a,b"x",c', "", ["a", 'b"x"', "c"]),
        ('a,"b""c",d', "", ["a", 'b"c', "d"]),
        (r'a,"b\"c",d', "\\", ["a", 'b"c', "d"]),
        (r"a,b\"c,d", "\\", ["a", r"b\"c", "d"]),
        (r'a,"b\\",d', "\\", ["a", "b\\", "d"]),
        (r'a,"C:\",d', "", ["a", "C:\\", "d"]),
        ('a,"b\nc",d', "", ["a", "b\nc", "d"]),
        ("a,,", "", ["a", "", ""]),
    ],
)
def test_a_row_is_cut_as_the_reader_cuts_it(tmp_path, line, escape, cells):
    row, end, whole = Cutter(",", '"', escape).row(line + "\nnext")
    assert (row, end, whole) == (cells, len(line), True)
    if all(cells):
        file = tmp_path / "f.csv"
        file.write_text("h,u,i\n" + line + "\n")
        options = ReadOptions(roles={"u": USER, "i": ITEM}, escape=escape)
        done = import_file(file, options, tmp_path / "datasets")
        kept = pd.read_parquet(done.folder / "interactions.parquet")
        assert kept.to_numpy().tolist() == [cells[1:]]


@pytest.mark.parametrize("line", ['a,"b" x,c', 'a,"b"\t,c', 'a,""b,c'])
def test_a_row_whose_quotes_do_not_fit_is_not_whole(line):
    assert Cutter(",").row(line) == (line.split(","), len(line), False)


def test_an_open_quote_is_seen_line_by_line():
    cutter = Cutter(",", '"', "")
    assert cutter.ends_open('a, "b\n', inside=False)
    assert cutter.ends_open('still "" open\n', inside=True)
    assert not cutter.ends_open('end",c\r\n', inside=True)
    assert cutter.ends_open('end","again\n', inside=True)
    assert not cutter.ends_open('a,b"c\n', inside=False)
    assert cutter.ends_open('"' + "x" * 100_000, inside=False)  # in no more than linear time


lines = st.text(st.sampled_from('ab1, "\\#\n'), max_size=9)
choices = st.fixed_dictionaries(
    {
        "quote": st.sampled_from(['"', '"', ""]),
        "escape": st.sampled_from(["", "\\"]),
        "comment": st.sampled_from(["", "#"]),
        "skip_lines": st.integers(0, 2),
    }
)
PLAIN = {"quote": '"', "escape": "", "comment": "", "skip_lines": 0}
slow = settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))


@slow
@example(lines=['  "1"', '",1'], chosen=PLAIN, end="\n")
@example(lines=['  "1",1'], chosen=PLAIN, end="\n")
@example(lines=[' "1" ,  "1"  '], chosen=PLAIN, end="\n")
@given(lines=st.lists(lines, max_size=8), chosen=choices, end=st.sampled_from(["\n", "\r\n"]))
def test_the_preview_shows_the_rows_that_the_import_keeps(lines, chosen, end):
    """Padded quotes, escapes, comments and line breaks in quotes, of small files of two columns."""
    text = "".join(f"before {at}\n" for at in range(chosen["skip_lines"]))
    text += "user,item\nfirst,row\n" + "".join(line + "\n" for line in lines)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "f.csv"
        file.write_bytes(text.replace("\n", end).encode())
        seen = preview_file(file, delimiter=",", header=True, layout="table", **chosen)
        options = ReadOptions(roles={"user": USER, "item": ITEM}, **chosen)
        assert seen.options.key() == {**options.key(), "roles": seen.options.columns()}
        try:
            done = import_file(file, options, Path(folder) / "datasets")
        except DataError:
            return
        kept = pd.read_parquet(done.folder / "interactions.parquet").to_numpy().tolist()
    cutter, body = Cutter(",", chosen["quote"], chosen["escape"]), text_without(text, options)
    at, whole_file, shown = 0, True, []
    while at < len(body):
        row, stop, whole = cutter.row(body, at)
        whole_file &= whole
        while len(row) > 2 and not row[-1]:  # the reader takes empty cells at the end for none
            row = row[:-1]
        if stop > at and whole and len(row) == 2:
            shown.append([cell.strip() for cell in row])
        at = stop + 1
    assert done.rows == done.kept + done.rejected + done.merged
    if not whole_file:  # where quotes do not fit, the reader goes on as it can
        return
    kept = sorted(tuple(cell.replace("\r\n", "\n") for cell in row) for row in kept)
    assert kept == sorted({tuple(row) for row in shown[1:] if all(row)})
    head = [tuple(cell.strip() for cell in row) for row in seen.head.to_numpy().tolist()]
    assert set(kept) <= set(head)
