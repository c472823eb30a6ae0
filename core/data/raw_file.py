"""A file as it came: what it is, and the same rows as UTF-8 text with one kind of line end."""

from __future__ import annotations

import codecs
import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from core.basics.errors import DataError
from core.data.other_kinds import refuse_other_kinds

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
            lines += chunk.count(b"\n") - _blank(last, chunk)
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


def _blank(last: bytes, chunk: bytes) -> int:
    """Lines of a chunk without any character; `last` is how the chunk before it ended."""
    inside = 0
    if b"\n\n" in chunk or b"\n\r\n" in chunk:
        inside = chunk.replace(b"\r\n", b"\n").split(b"\n")[1:-1].count(b"")
    return inside + (last.endswith(b"\n") and chunk.startswith((b"\n", b"\r\n")))
