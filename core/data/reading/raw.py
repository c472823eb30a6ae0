"""A file as it came: what it is, and the same rows as UTF-8 text without lines that are none."""

from __future__ import annotations

import ast
import codecs
import gzip
import json
import shutil
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from core.basics.errors import DataError
from core.data.reading.cells import Cutter
from core.data.reading.kinds import refuse_other_kinds
from core.data.reading.options import ReadOptions

TEXT, GZIP, PARQUET = "text", "gzip", "parquet"
_CHUNK = 8 << 20  # bytes
_ESCAPED = "surrogateescape"
MOST_UNPACKED = 20 << 30  # bytes
_SMALL, _MOST_GROWTH = 1 << 30, 100  # a larger gzip may unpack to so many times its size


@dataclass(frozen=True)
class TextFacts:
    """What one pass over a text file counts."""

    size: int  # bytes
    lines: int  # that are not blank
    plain_ends: bool  # every line ends the same way, with LF or CR LF
    quoted: bool  # the quote character occurs
    nul: bool = False  # a NUL byte occurs
    skipped: int = 0  # lines before the table and comments, which are none of `lines`

    @property
    def empty(self) -> bool:
        """Whether there is no line to read."""
        return self.lines == 0


def sort_of(path: Path) -> str:
    """TEXT, GZIP or PARQUET by the first bytes; raises DataError for anything else."""
    with path.open("rb") as file:
        head = file.read(4096)
    if not head:
        raise DataError(what="The file is empty.", hint="Choose the file that holds the rows.")
    if head.startswith(b"\x1f\x8b"):
        refuse_other_kinds(_unpacked_head(path))
        return GZIP
    if head.startswith(b"PAR1"):
        return PARQUET
    refuse_other_kinds(head)
    return TEXT


def _unpacked_head(path: Path) -> bytes:
    """The first bytes inside a gzip; none where it is damaged, which its reader says better."""
    try:
        with gzip.open(path, "rb") as file:
            return file.read(4096)
    except (EOFError, zlib.error, OSError):
        return b""


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """The file's bytes, unpacked where it is gzip; raises DataError where that breaks."""
    packed = sort_of(path) == GZIP
    try:
        with gzip.open(path, "rb") if packed else path.open("rb") as file:
            yield file  # type: ignore[misc]
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(
            what=f"The gzip file is damaged or cut off ({error}).",
            hint="Pack it again, or choose the unpacked file.",
        ) from error


def read_facts(path: Path, quote: str) -> TextFacts:
    """Count lines and look at line ends and quotes in one pass over an unpacked file."""
    size, lines, quoted, nul = 0, 0, False, False
    ends, pairs, returns, last = 0, 0, 0, b"\n"
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            if chunk.endswith(b"\r"):  # keep CR LF together
                chunk += file.read(1)
            size += len(chunk)
            ends += chunk.count(b"\n")
            if b"\r" in chunk:
                pairs += chunk.count(b"\r\n")
                returns += chunk.count(b"\r")
            quoted = quoted or (bool(quote) and quote.encode() in chunk)
            nul = nul or b"\0" in chunk
            # Lines of a chunk without any character; `last` is how the chunk before it ended
            inside = 0
            if b"\n\n" in chunk or b"\n\r\n" in chunk:
                inside = chunk.replace(b"\r\n", b"\n").split(b"\n")[1:-1].count(b"")
            blank = inside + (last.endswith(b"\n") and chunk.startswith((b"\n", b"\r\n")))
            lines += chunk.count(b"\n") - blank
            last = chunk[-2:] if chunk[-2:-1] == b"\r" else chunk[-1:]
    lines += not last.endswith(b"\n")
    plain = returns == 0 or returns == pairs == ends
    return TextFacts(size, lines, plain, quoted, nul)


def write_plain(path: Path, encoding: str, to: Path) -> None:
    """Unpack, turn into UTF-8 without a mark, and end every line with LF.

    A lone CR ends a line only where the file has no LF at all; elsewhere it becomes a space.
    Bytes that are no UTF-8 in a UTF-8 file stay as they are, for the reader to reject their rows.
    Raises DataError where the bytes are not in the encoding, or it unpacks to far too many.
    """
    lone = " " if _has_line_feeds(path, encoding) else "\n"
    held = ""
    with opened(path) as file, to.open("wb") as out:
        for text in _texts(file, encoding, _most_bytes(path)):
            whole = (held + text).replace("\r\n", "\n")
            held = "\r" if whole.endswith("\r") else ""
            whole = whole[: len(whole) - len(held)].replace("\r", lone)
            out.write(whole.encode(errors=_ESCAPED))
        out.write(held.replace("\r", lone).encode())


def _has_line_feeds(path: Path, encoding: str) -> bool:
    with opened(path) as file:
        return any("\n" in text for text in _texts(file, encoding, _most_bytes(path)))


def _most_bytes(path: Path) -> int:
    return min(MOST_UNPACKED, max(_SMALL, _MOST_GROWTH * path.stat().st_size))


def _texts(file: IO[bytes], encoding: str, most: int) -> Iterator[str]:
    errors = _ESCAPED if encoding.startswith("utf-8") else "strict"
    decoder = codecs.getincrementaldecoder(encoding)(errors)
    size = 0
    while chunk := file.read(_CHUNK):
        size += len(chunk)
        if size > most:
            raise DataError(
                what=f"The file unpacks to more than {most / 1e9:,.0f} GB.",
                hint="Split it, or check that it is what you think it is.",
            )
        yield _decoded(decoder, chunk)
    yield _decoded(decoder, b"", final=True)


def _decoded(decoder: codecs.IncrementalDecoder, chunk: bytes, final: bool = False) -> str:
    try:
        return decoder.decode(chunk, final)
    except UnicodeDecodeError as error:
        raise DataError(
            what=f"The file is not valid {error.encoding} throughout.",
            hint="Choose another encoding.",
        ) from None


# Text with an object on every line: told from a table, and its first lines as cells.
# An object is written as JSON, or as Python prints its dictionaries. What stands in an object
# within an object is a column too, called like `reviewer.id`.

LONGEST_KEY = 100  # characters
_DEEPEST = 3  # parts of a key such as `a.b.c`
_MOST_INSIDE = 20  # keys of an object within an object; one with more is a value as it stands
_LONGEST_LINE, _MOST_BRACKETS = 2_000_000, 1_000  # of a line that Python's own reader is given


def looks_like_python(text: str) -> bool:
    """Whether a head of text holds a dictionary per line, as Python prints it."""
    first = text.lstrip().split("\n", 1)[0].strip()
    return _object(first) is None and _dictionary(first) is not None


def write_as_json(path: Path, to: Path) -> None:
    """A copy of lines of Python dictionaries as JSON lines; other lines as they stand."""
    with (
        path.open(encoding="utf-8", errors="surrogateescape", newline="\n") as file,
        to.open("w", encoding="utf-8", errors="surrogateescape", newline="") as out,
    ):
        for line in file:
            found = _dictionary(line)
            out.write(line if found is None else json.dumps(found, ensure_ascii=False) + "\n")


def looks_like_json(text: str) -> bool:
    """Whether a head of text holds a JSON object per line.

    Raises DataError for JSON of another kind: one array, or an object over several lines.
    """
    start = text.lstrip()
    first = start.split("\n", 1)[0].strip()
    if (found := _object(first)) is not None:
        if start.strip() == first and _holds_table(found):
            raise DataError(
                what="The file is one JSON object that holds the whole table.",
                hint="Write every row of it as an object on a line of its own, and choose that "
                "file.",
            )
        return True
    if start.startswith("[") and start[1:].lstrip()[:1] in ("{", "["):
        raise DataError(
            what="The file is one JSON array, not one JSON object per line.",
            hint="Write every entry of the array on a line of its own, as "
            "`jq -c '.[]' file.json > file.jsonl` does, and choose that file.",
        )
    if first == "{" or (first.startswith('{"') and first.endswith((",", "{", "[", ":"))):
        raise DataError(
            what="The file is JSON written over several lines, not one object per line.",
            hint="Write every object on a line of its own, as `jq -c . file.json > file.jsonl` "
            "does, and choose that file.",
        )
    return False


def _holds_table(found: dict[str, Any]) -> bool:
    """Whether an object holds nothing but lists and objects, or a list of objects."""
    values = list(found.values())
    if any(isinstance(value, list) and value and isinstance(value[0], dict) for value in values):
        return True
    return len(values) > 0 and all(isinstance(value, (list, dict)) for value in values)


def objects_of(text: str, *, python: bool = False, most: int = 2_000) -> list[dict[str, Any]]:
    """The objects of the first lines, flat; lines that hold none are left out."""
    read: Callable[[str], dict[str, Any] | None] = _from_python if python else _object
    lines = [line for line in text.split("\n", most + 1)[:most] if line.strip()]
    found = [value for line in lines if (value := read(line)) is not None]
    for _ in range(_DEEPEST - 1):
        found = _flatter(found)
    return found


def lacking(objects: list[dict[str, Any]]) -> int:
    """How many of the objects lack a key that others have; an empty value is no lack."""
    keys = {key for found in objects for key in found}
    return sum(not keys <= found.keys() for found in objects)


def _flatter(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The objects with what stands in an object of theirs as keys of their own, one level of it.

    An object with very many keys, or with keys that hold a point, is a value as it stands.
    """
    inside: dict[str, set[str]] = {}
    other: set[str] = set()
    for found in objects:
        for key, value in found.items():
            if isinstance(value, dict):
                inside.setdefault(key, set()).update(value)
            elif value is not None:
                other.add(key)
    opened = {
        key
        for key, names in inside.items()
        if key not in other
        and 0 < len(names) <= _MOST_INSIDE
        and all(name and not set(name) & set('."\\') for name in names)
    }
    return [_opened(found, opened) for found in objects]


def _opened(found: dict[str, Any], keys: set[str]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in found.items():
        if key not in keys:
            flat[key] = value
        elif value is not None:
            parts = {f"{key}.{name}": part for name, part in value.items()}
            flat |= {name: part for name, part in parts.items() if name not in found}
    return flat


def keys_of(objects: list[dict[str, Any]]) -> list[str]:
    """Every key of the objects, in the order in which they come; those that SQL can ask for."""
    keys = dict.fromkeys(key for found in objects for key in found)
    return [key for key in keys if 0 < len(key) <= LONGEST_KEY and not set(key) & set('"\\')]


def json_rows(objects: list[dict[str, Any]]) -> list[list[str]]:
    """The objects as rows of texts under a first row with their keys."""
    keys = keys_of(objects)
    return [keys, *([_text(found.get(key)) for key in keys] for found in objects)]


def _object(line: str) -> dict[str, Any] | None:
    """Numbers stay as they are written, so that an id 1.0 is not taken for 1."""
    if not line.lstrip().startswith("{"):
        return None
    try:
        found = json.loads(line, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _from_python(line: str) -> dict[str, Any] | None:
    found = _dictionary(line)
    return None if found is None else _object(json.dumps(found, ensure_ascii=False))


def _dictionary(line: str) -> dict[str, Any] | None:
    """A dictionary as Python prints it, `u'...'`, `True` and `None` included; no code is run."""
    whole = line.strip()
    if not (whole.startswith("{") and whole.endswith("}")) or len(whole) > _LONGEST_LINE:
        return None
    if sum(whole.count(mark) for mark in "([{") > _MOST_BRACKETS:
        return None
    try:
        found = ast.literal_eval(whole)
        json.dumps(found)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
    return found if isinstance(found, dict) and all(isinstance(key, str) for key in found) else None


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return "|".join(_text(part) for part in value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


# Lines that are no rows: those before the table, and comments between them.
# A line that is left out becomes a blank one, which no reader takes for a row, so that every
# other line keeps its number.


def bytewise_cutter(options: ReadOptions) -> Cutter:
    """A cutter of UTF-8 text that is read as latin-1, where every byte is a letter."""
    marks = (options.delimiter, options.quote, options.escape)
    return Cutter(*(_as_letters(mark) for mark in marks))


def _as_letters(mark: str) -> str:
    return mark.encode().decode("latin-1")


def leaves_lines_out(options: ReadOptions) -> bool:
    """Whether these options leave any line out."""
    return bool(options.skip_lines or options.comment)


def text_without(text: str, options: ReadOptions) -> str:
    """A text, its lines ended by LF, with blank lines for those that the options leave out."""
    if not leaves_lines_out(options):
        return text
    lines = [line + "\n" for line in text.split("\n")]
    cutter = Cutter(options.delimiter, options.quote, options.escape)
    return "".join(_blanked(lines, options.skip_lines, options.comment, cutter))[:-1]


def write_without(path: Path, options: ReadOptions, to: Path) -> None:
    """A copy of a UTF-8 file with blank lines for those that the options leave out."""
    cutter, comment = bytewise_cutter(options), _as_letters(options.comment)
    with (
        path.open(encoding="latin-1", newline="\n") as file,
        to.open("w", encoding="latin-1", newline="") as out,
    ):
        if comment:
            out.writelines(_blanked(file, options.skip_lines, comment, cutter))
            return
        for _ in range(options.skip_lines):
            out.write(_end_of(file.readline()))
        shutil.copyfileobj(file, out, 1 << 20)


def _end_of(line: str) -> str:
    return line[len(line.rstrip("\r\n")) :]


def _blanked(lines: Iterable[str], skip: int, comment: str, cutter: Cutter) -> Iterator[str]:
    """A line within a quoted value is no comment, whatever it begins with."""
    inside = False
    for number, line in enumerate(lines):
        if number < skip or (comment and not inside and line.startswith(comment)):
            yield _end_of(line)
            continue
        yield line
        if inside or (cutter.quote and cutter.quote in line):
            inside = cutter.ends_open(line, inside)
