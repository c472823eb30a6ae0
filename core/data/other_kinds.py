"""Files that are no tables of text, known by their first bytes and refused by name."""

from __future__ import annotations

import re

from core.basics.errors import DataError

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
