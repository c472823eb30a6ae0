"""In what encoding a file is written, guessed from its bytes."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from pathlib import Path

from core.data.encoding_scores import readings_of

UTF8 = "utf-8"
ENCODINGS = (
    UTF8,
    "utf-8-sig",
    "utf-16",
    "utf-16-le",
    "utf-16-be",
    "gb18030",
    "cp950",
    "cp932",
    "euc_jp",
    "cp949",
    "latin-1",
    "cp1252",
    "cp1250",
    "iso8859-2",
    "cp1251",
    "koi8-r",
    "cp866",
    "cp1253",
    "cp1254",
    "iso8859-15",
)
ENCODING_LABELS = {
    "gb18030": "GB18030 (Chinese)",
    "cp950": "Big5 (Chinese)",
    "cp932": "Shift-JIS (Japanese)",
    "euc_jp": "EUC-JP (Japanese)",
    "cp949": "EUC-KR (Korean)",
    "cp1250": "cp1250 (Central Europe)",
    "iso8859-2": "iso8859-2 (Central Europe)",
    "cp1251": "cp1251 (Cyrillic)",
    "koi8-r": "KOI8-R (Cyrillic)",
    "cp866": "cp866 (Cyrillic)",
    "cp1253": "cp1253 (Greek)",
    "cp1254": "cp1254 (Turkish)",
}
_WEIGHED = 8_000  # bytes of lines with more than ASCII
_LEAST_AHEAD = 3.0  # log-likelihood; a guess that leads by less is a doubt
_ODD = -10.0  # log-likelihood per character beyond ASCII below which a text is hardly one
_SAMPLE = 1 << 20  # bytes looked at
_MOST = 256 << 20  # bytes of nothing but ASCII after which the rest is taken for UTF-8
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_PRINTED_IN_CP1252 = re.compile(rb"[\x80-\x9f]")


@dataclass(frozen=True)
class EncodingGuess:
    """An encoding, and what a piece of the text would be in others that are hardly less likely."""

    encoding: str
    sample: str = ""  # a piece in this encoding; "" where there is no doubt
    others: tuple[tuple[str, str], ...] = ()  # encoding, the same piece in it

    @property
    def doubtful(self) -> bool:
        """Whether a person must look."""
        return bool(self.sample)


def guess_encoding(path: Path) -> EncodingGuess:
    """A guess from the first megabyte in which there is anything but ASCII."""
    with path.open("rb") as file:
        sample = file.read(_SAMPLE)
        if _marked(sample) or b"\0" in sample[:4096]:
            return guess_from(sample)
        while sample.isascii() and file.tell() < _MOST and (more := file.read(_SAMPLE)):
            sample = more
    return guess_from(sample)


def guess_from(sample: bytes) -> EncodingGuess:
    """A guess from some bytes; they may end within a character."""
    if sure := _marked(sample) or _wide(sample) or (UTF8 if _decodes(sample, UTF8) else None):
        return EncodingGuess(sure)
    lines = [line for line in sample.splitlines(keepends=True) if not line.isascii()]
    if sum(_is_utf8(line) for line in lines) > len(lines) / 2:
        return EncodingGuess(UTF8)  # and the others are rejected, line by line
    taken: list[bytes] = []
    size = 0
    for line in lines:
        if size + len(line) > _WEIGHED and taken:
            break
        taken.append(line)
        size += len(line)
    return _likeliest(b"".join(taken)[: 2 * _WEIGHED])


def _likeliest(sample: bytes) -> EncodingGuess:
    readings = readings_of(sample)
    if not readings:
        return EncodingGuess("latin-1", _piece(sample.decode("latin-1")))
    best = readings[0]
    near = [other for other in readings[1:] if best.score - other.score < _LEAST_AHEAD]
    others = {other.text: other.encoding for other in reversed(near) if other.text != best.text}
    name = best.encoding
    if name == "cp1252" and not _PRINTED_IN_CP1252.search(sample):
        name = "latin-1"
    if not others and best.per_letter > _ODD:
        return EncodingGuess(name)
    at = _first_difference(best.text, *others)
    pieces = tuple((encoding, _piece(text, at)) for text, encoding in others.items())
    return EncodingGuess(name, _piece(best.text, at), pieces[::-1][:3])


def _first_difference(text: str, *others: str) -> int:
    places = zip(text, *others, strict=False)
    return next((at for at, letters in enumerate(places) if len(set(letters)) > 1), 0)


def _piece(text: str, at: int = 0) -> str:
    """The line around a place, at most some words of it."""
    start = max(text.rfind("\n", 0, at) + 1, at - 20)
    return text[start : start + 60].split("\n", 1)[0].strip() or "?"


def _marked(sample: bytes) -> str | None:
    return next((name for mark, name in _MARKS.items() if sample.startswith(mark)), None)


def _wide(sample: bytes) -> str | None:
    """UTF-16 without a mark has zeros in every other byte of commas, digits and line ends."""
    head = sample[:4096]
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if even + odd < max(2, len(head) / 300):
        return None
    return "utf-16-le" if odd > 20 * even else "utf-16-be" if even > 20 * odd else None


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode(UTF8)
    except UnicodeDecodeError:
        return False
    return True


def _decodes(sample: bytes, encoding: str) -> bool:
    """Whether the bytes are valid, apart from a character cut at either end."""
    for start in range(4):
        try:
            codecs.getincrementaldecoder(encoding)().decode(sample[start:])
        except UnicodeDecodeError:
            continue
        return True
    return False
