"""In what encoding a file is written, guessed from its bytes."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

UTF8 = "utf-8"
ENCODINGS = (UTF8, "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "gb18030", "latin-1", "cp1252")
_SAMPLE = 1 << 20  # bytes looked at
_MOST = 256 << 20  # bytes of nothing but ASCII after which the rest is taken for UTF-8
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_HIGH_RUNS = re.compile(rb"[\x80-\xff]+")
_UNDEFINED_IN_CP1252 = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")
_PRINTED_IN_CP1252 = re.compile(rb"[\x80-\x9f]")


def guess_encoding(path: Path) -> str:
    """One of ENCODINGS, from the first megabyte in which there is anything but ASCII."""
    with path.open("rb") as file:
        sample = file.read(_SAMPLE)
        if _marked(sample) or b"\0" in sample[:4096]:
            return guess_from(sample)
        while sample.isascii() and file.tell() < _MOST and (more := file.read(_SAMPLE)):
            sample = more
    return guess_from(sample)


def guess_from(sample: bytes) -> str:
    """One of ENCODINGS for the bytes; they may end within a character."""
    if marked := _marked(sample):
        return marked
    if wide := _wide(sample):
        return wide
    if _decodes(sample, UTF8):
        return UTF8
    if _in_pairs(sample) and _decodes(sample, "gb18030"):
        return "gb18030"
    western = _PRINTED_IN_CP1252.search(sample) and not _UNDEFINED_IN_CP1252.search(sample)
    return "cp1252" if western else "latin-1"


def _marked(sample: bytes) -> str | None:
    return next((name for mark, name in _MARKS.items() if sample.startswith(mark)), None)


def _wide(sample: bytes) -> str | None:
    """UTF-16 without a mark has zeros in every other byte of commas, digits and line ends."""
    head = sample[:4096]
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if even + odd < max(2, len(head) / 300):
        return None
    return "utf-16-le" if odd > 20 * even else "utf-16-be" if even > 20 * odd else None


def _decodes(sample: bytes, encoding: str) -> bool:
    """Whether the bytes are valid, apart from a character cut at either end."""
    for start in range(4):
        try:
            codecs.getincrementaldecoder(encoding)().decode(sample[start:])
        except UnicodeDecodeError:
            continue
        return True
    return False


def _in_pairs(sample: bytes) -> bool:
    """Chinese text has its high bytes side by side, Western text has single accents."""
    runs = [len(run) for run in _HIGH_RUNS.findall(sample)]
    return sum(length for length in runs if length >= 2) >= 0.7 * sum(runs)
