"""Kinds of files known by name: layouts of many data sets, event logs, and what is no table."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pyarrow as pa

from core.basics.columns import CATEGORIES, ITEM, RANK, RATING, TIME, TITLE, USER
from core.basics.errors import DataError
from core.basics.types import FloatArray
from core.data.reading.options import (
    ADJACENCY,
    IGNORE,
    INTERACTIONS,
    ITEMS,
    JSON_LINES,
    LISTS,
    PYTHON_LINES,
    TABLE,
    ReadOptions,
)
from core.data.reading.roles import RoleGuess

JSON, RECBOLE, MOVIELENS = "JSON lines", "a RecBole atomic file", "a MovieLens file"
TREC = "a TREC run"
_RDF = re.compile(r"\s*(<[^>]*>|_:\S+)\s+<[^>]*>\s+.*\.\s*$")
LISTS_OF_ITEMS = "an adjacency list (a user and the items of it on every line)"
PYTHON = "lines of Python dictionaries"
_TYPES = ("token", "token_seq", "float", "float_seq")  # after the colon of a RecBole column
_IN_ORDER = {  # what MovieLens files hold, column by column
    INTERACTIONS: (USER, ITEM, RATING, TIME),
    ITEMS: (ITEM, TITLE, CATEGORIES),
}


@dataclass(frozen=True)
class Layout:
    """What a file is called, and its roles where they go by place."""

    name: str  # "" where it is a table like any other
    roles: tuple[str, ...] = ()


def known_layout(columns: Sequence[str], options: ReadOptions) -> Layout:
    """The layout of a file whose columns and style are known."""
    if options.layout == JSON_LINES:
        return Layout(JSON)
    if options.layout == ADJACENCY:
        return Layout(LISTS_OF_ITEMS, (USER, ITEM) if options.kind == INTERACTIONS else ())
    if options.layout == PYTHON_LINES:
        return Layout(PYTHON)
    if options.header and is_recbole(columns, options.delimiter):
        return Layout(RECBOLE)
    roles = _IN_ORDER.get(options.kind, ())
    if options.delimiter == "::" and not options.header and len(columns) == len(roles):
        return Layout(MOVIELENS, roles)
    return Layout("")


def trec_run(head: pd.DataFrame, options: ReadOptions) -> Layout:
    """The layout of lists as `trec_eval` takes them: user, Q0, item, rank, score, system."""
    if options.kind != LISTS or options.header or head.shape[1] != 6 or head.empty:
        return Layout("")
    second, rank = head.iloc[:, 1].str.upper(), head.iloc[:, 3]
    if not second.isin(["Q0", "0"]).all() or not rank.str.fullmatch(r"\d+").all():
        return Layout("")
    return Layout(TREC, (USER, IGNORE, ITEM, RANK, IGNORE, IGNORE))


def refuse_rdf(text: str) -> None:
    """Raises DataError for triples as the semantic web writes them, whose ids stand in < >."""
    lines = [line for line in text.split("\n")[:50] if line.strip() and not line.startswith("#")]
    if lines and (
        sum(map(bool, map(_RDF.match, lines))) > len(lines) / 2 or "@prefix" in text[:500]
    ):
        raise DataError(
            what="This is RDF (N-Triples or Turtle), whose ids stand in < >, and no table.",
            hint="Write a table of head, relation and tail, with the ids of the items as heads.",
        )


def is_recbole(columns: Sequence[str], delimiter: str) -> bool:
    """Whether every column is called like `user_id:token`, tabs between them."""
    named = [column.rpartition(":")[2].strip() in _TYPES for column in columns if ":" in column]
    return delimiter == "\t" and len(named) == len(columns) > 0 and all(named)


def usual_quote(first: Sequence[str], delimiter: str, layout: str) -> str:
    """The quote of a file whose first row is this: these data sets write quotes in titles."""
    plain = layout == TABLE and (delimiter == "::" or is_recbole(first, delimiter))
    return "" if plain else '"'


def guesses_by_place(columns: Sequence[str], layout: Layout) -> dict[str, RoleGuess]:
    """One sure guess per column of a file whose roles go by place; none for other files."""
    if not layout.roles:
        return {}
    why = f"as {layout.name} has it"
    pairs = zip(columns, layout.roles, strict=True)
    return {column: RoleGuess(role, 0.9, why) for column, role in pairs}


# Files that are no tables of text, known by their first bytes and refused by name.

_UNPACK = "Unpack it, then choose the CSV inside."
_SAVE = "Open it where it comes from and save the table as CSV, then choose the CSV."
_PANDAS = "Write its table as CSV, for example with {} in pandas, then choose the CSV."
_NUMPY = "Write its rows as CSV, for example with `numpy.savetxt`, then choose the CSV."
_EDGES = "Write one row per user and item, a value beside them, and choose that file."
_MATLAB = (
    "Write its matrix as rows of user, item and value, for example with `scipy.io.loadmat` and "
    "`pandas.DataFrame(m).to_csv`, and choose that file."
)
_BYTES = (  # what a file begins with, what it is, what to do
    (b"PK\x05\x06", "an empty zip archive", _UNPACK),
    (b"7z\xbc\xaf", "a 7z archive", _UNPACK),
    (b"Rar!", "a rar archive", _UNPACK),
    (b"BZh", "packed with bzip2", _UNPACK),
    (b"\xfd7zXZ", "packed with xz", _UNPACK),
    (b"(\xb5/\xfd", "packed with zstd", _UNPACK),
    (b'\x04"M\x18', "packed with lz4", _UNPACK),
    (b"\xff\x06\0\0sNaPpY", "packed with snappy", _UNPACK),
    (b"LZIP", "packed with lzip", _UNPACK),
    (b"\x1f\x9d", "packed with compress", _UNPACK),
    (b"%PDF", "a PDF document", _SAVE),
    (b"{\\rtf", "a text document (RTF)", _SAVE),
    (b"\x89PNG", "an image", _SAVE),
    (b"\xff\xd8\xff", "an image", _SAVE),
    (b"GIF8", "an image", _SAVE),
    (b"RIFF", "a sound, film or image", _SAVE),
    (b"\x7fELF", "a program", _SAVE),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook or another Office document", _SAVE),
    (b"SQLite format 3\0", "an SQLite database", _PANDAS.format("`read_sql`")),
    (b"MATLAB 5.0 MAT-file", "a MATLAB file (.mat)", _MATLAB),
    (b"MATLAB 7", "a MATLAB file (.mat, version 7.3)", _MATLAB),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file", _PANDAS.format("`read_hdf`")),
    (b"CDF\x01", "a NetCDF file", _SAVE),
    (b"CDF\x02", "a NetCDF file", _SAVE),
    (b"ARROW1", "an Arrow or Feather file", _PANDAS.format("`read_feather`") + " Parquet is read."),
    (b"FEA1", "a Feather file", _PANDAS.format("`read_feather`") + " Parquet is read."),
    (b"\xff\xff\xff\xff", "an Arrow stream", _SAVE + " Parquet is read."),
    (b"ORC", "an ORC file", _PANDAS.format("`read_orc`") + " Parquet is read."),
    (b"Obj\x01", "an Avro file", _SAVE + " Parquet is read."),
    (b"SEQ\x06", "a Hadoop sequence file", _SAVE),
    (b"\x93NUMPY", "a NumPy array (.npy)", _NUMPY),
    (b"RDX", "a file of R (.RData)", "Write its table with `write.csv` in R, and choose that."),
    (b"RDA", "a file of R (.RData)", "Write its table with `write.csv` in R, and choose that."),
    (b"X\n\0", "a file of R (.rds)", "Write its table with `write.csv` in R, and choose that."),
    (b"$FL2", "an SPSS file", _PANDAS.format("`read_spss`")),
    (b"$FL3", "an SPSS file", _PANDAS.format("`read_spss`")),
    (b"<stata_dta>", "a Stata file", _PANDAS.format("`read_stata`")),
    (bytes(12) + b"\xc2\xea\x81\x60", "a SAS file", _PANDAS.format("`read_sas`")),
)
_LIKE_WORDS = (b"ORC", b"RDX", b"RDA", b"RIFF", b"GIF8", b"LZIP")  # `ORCID,book` is text
_CONTROLS = re.compile(rb"[\0-\x08\x0e-\x1a]")
_LATER = (  # where in the file, what stands there, what it is, what to do
    (257, b"ustar", "a tar archive", _UNPACK),
    (8, b"DUCK", "a DuckDB database", "Write its table with `COPY t TO 't.csv'`, and choose that."),
    (512, b"\x89HDF\r\n\x1a\n", "an HDF5 file", _PANDAS.format("`read_hdf`")),
)
_IN_ZIP = (  # in the names of the first members
    (b"xl/", "an Excel workbook", "Save its sheet as CSV, then choose the CSV."),
    (b"word/", "a Word document", _SAVE),
    (b"opendocument.spreadsheet", "an OpenDocument sheet", "Save its sheet as CSV."),
    (b".npy", "a NumPy archive (.npz)", _NUMPY),
    (b"data.pkl", "a file of PyTorch", "Write its numbers as CSV, and choose that file."),
)
_WORDS = (  # what a text begins with, in small letters
    (b"<!doctype html", "a web page (HTML)", "Perhaps the download needs a login: fetch it again."),
    (b"<html", "a web page (HTML)", "Perhaps the download needs a login: fetch it again."),
    (b"<?xml", "XML", _PANDAS.format("`read_xml`")),
    (b"@relation", "an ARFF file of Weka", "Save it as CSV, as Weka and OpenML can."),
    (b"version https://git-lfs", "a pointer of Git LFS", "Fetch the file: `git lfs pull`."),
    (b"%%matrixmarket matrix array", "a dense Matrix Market file", _EDGES),
)
_SQL = (b"insert into", b"create table", b"-- mysql dump", b"-- postgresql database dump")


def refuse_other_kinds(head: bytes) -> None:
    """Raises DataError, with the kind's name and what to do, where a file is no table of text.

    head: its first bytes, a few thousand.
    """
    for what, hint in _kinds_of(head):
        raise DataError(what=f"The file is {what}, not text.", hint=hint)


def _kinds_of(head: bytes) -> list[tuple[str, str]]:
    controls = _CONTROLS.search(head) is not None
    found = [
        (what, hint)
        for mark, what, hint in _BYTES
        if head.startswith(mark) and (controls or mark not in _LIKE_WORDS)
    ]
    found += [(what, hint) for at, mark, what, hint in _LATER if head[at:].startswith(mark)]
    if head.startswith(b"PK\x03\x04"):
        found += [(what, hint) for mark, what, hint in _IN_ZIP if mark in head]
        found.append(
            (
                "a zip archive or an Excel workbook",
                "Unpack it or save it as CSV, then choose the CSV.",
            )
        )
    if head[:1] == b"\x80" and head[1:2] in b"\2\3\4\5" and len(head) > 2:
        hint = "Write its table as CSV where it was made: a pickle can run code when it is opened."
        found.append(("a pickle of Python", hint))
    words = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    found += [(what, hint) for mark, what, hint in _WORDS if words.startswith(mark)]
    if words.startswith(_SQL) or (words.startswith(b"--") and any(s in words for s in _SQL)):
        hint = "Load it into its database and export the table as CSV."
        found.append(("a dump of SQL commands", hint))
    return found


# Event types of interactions, such as view and purchase: how many rows, and what each weighs.

MOST_TYPES = 50  # the most frequent ones are told apart in a record and on a page


@dataclass
class EventColumn:
    """Takes one column of event types batch by batch; holds what each row weighs."""

    options: ReadOptions
    weights: list[FloatArray] = field(default_factory=list)
    rows: Counter[str] = field(default_factory=Counter)

    def see(self, events: pa.Array) -> None:
        """Count rows by type, those that are left out included."""
        for one in events.value_counts().to_pylist():
            self.rows[one["values"]] += one["counts"]

    def add(self, events: pa.Array) -> None:
        """Take the types of some more rows that are kept."""
        coded = events.dictionary_encode()
        types = coded.dictionary.to_pylist()
        known = np.array([self.options.weight_of(event) for event in types], dtype=np.float64)
        self.weights.append(known[coded.indices.to_numpy(zero_copy_only=False)])

    def finish(self) -> FloatArray:
        """(n_rows,) what each row weighs, in the order they came."""
        return np.concatenate([np.zeros(0), *self.weights])

    def most_frequent(self) -> dict[str, int]:
        """Type -> rows, the most frequent first, MOST_TYPES at most."""
        return dict(self.rows.most_common(MOST_TYPES))
