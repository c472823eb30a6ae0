"""The text vectors of a domain's items, worked out once for every text and encoder and kept."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from core.basics.files import write_whole
from core.basics.types import FloatArray
from core.data.pair import ItemFeatures
from core.models.text.encoders import TextEncoder, encoder_of, version_of
from core.models.text.words import TITLES, item_texts

TEXTS = 1024  # encoded between two looks at whoever watches; a kept file holds as many
Told = Callable[[int, int], object]  # texts done, texts in all


def item_vectors(features: ItemFeatures | None, encoder: str, reads: str = TITLES) -> FloatArray:
    """(n_items, width) float32: unit vectors, zeros for items without a text."""
    kept_in = None if features is None else features.vectors_folder
    return text_vectors(item_texts(features, reads), encoder, kept_in)


def text_vectors(
    texts: Sequence[str], encoder: str, kept_in: Path | None = None, told: Told | None = None
) -> FloatArray:
    """(n_texts, width) float32 of texts of any kind, zeros for empty ones.

    Each text is encoded once; with a folder, once for all time. Raises SettingsError for an encoder
    that is not here.
    """
    model = encoder_of(encoder)
    return encoded_vectors(texts, model, encoder, kept_in, told)


def encoded_vectors(
    texts: Sequence[str],
    model: TextEncoder,
    name: str,
    kept_in: Path | None = None,
    told: Told | None = None,
    beside: Path | None = None,
) -> FloatArray:
    """The same of an encoder that is at hand; name: what its vectors are kept under.

    beside: the record of the run in whose folder they are kept; DataError where it was deleted.
    """
    wanted = list(dict.fromkeys(text for text in texts if text))
    keys = dict(zip(wanted, map(_key, wanted), strict=True))
    folder = None if kept_in is None else kept_in / _folder_name(name)
    known = {} if folder is None else _read(folder, set(keys.values()), model.width)
    missing = [text for text in wanted if keys[text] not in known]
    for done, part in _parts(missing):
        fresh = model.encode(part)
        known |= {keys[text]: row for text, row in zip(part, fresh, strict=True)}
        if folder is not None:
            _keep(folder, [keys[text] for text in part], fresh, beside)
        if told is not None:
            told(done, len(missing))
    vectors = np.zeros((len(texts), model.width), dtype=np.float32)
    for place, text in enumerate(texts):
        if text:
            vectors[place] = known[keys[text]]
    return vectors


def kept_vectors(texts: Sequence[str], encoder: str, kept_in: Path) -> FloatArray | None:
    """(n_texts, width) float32 of texts that were encoded before; None where one is missing.

    Loads no encoder, so that a page may ask. Where no text says anything the width is 0.
    """
    keys = [_key(text) if text else b"" for text in texts]
    known = _read(kept_in / _folder_name(encoder), set(keys))
    if any(key and key not in known for key in keys):
        return None
    width = len(next(iter(known.values()))) if known else 0
    vectors = np.zeros((len(texts), width), dtype=np.float32)
    for place, key in enumerate(keys):
        if key:
            vectors[place] = known[key]
    return vectors


def _parts(texts: Sequence[str]) -> Iterator[tuple[int, Sequence[str]]]:
    """Texts in parts of alike lengths, and how many are done with each."""
    ordered = sorted(texts, key=len)
    for start in range(0, len(ordered), TEXTS):
        part = ordered[start : start + TEXTS]
        yield start + len(part), part


def _key(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8"), digest_size=16).digest()


def _folder_name(encoder: str) -> str:
    """A folder for every encoder and version of it: vectors of two are never mixed."""
    named = f"{encoder} {version_of(encoder)}"
    return hashlib.blake2b(named.encode("utf-8"), digest_size=8).hexdigest()


def _keep(folder: Path, keys: list[bytes], vectors: FloatArray, beside: Path | None) -> None:
    arrays = {
        "keys": np.frombuffer(b"".join(keys), dtype=np.uint8).reshape(-1, 16),
        "vectors": np.ascontiguousarray(vectors),
    }
    name = hashlib.blake2b(b"".join(keys), digest_size=8).hexdigest()
    file = folder / f"{name}.safetensors"
    write_whole(file, lambda part: save_file(arrays, str(part)), beside)


def _read(folder: Path, wanted: set[bytes], width: int | None = None) -> dict[bytes, FloatArray]:
    """What was kept of the texts wanted; a file that cannot be read or is of another width is none.

    width: of the vectors; None for that of the first file.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    known: dict[bytes, FloatArray] = {}
    for path in sorted(folder.glob("*.safetensors")):
        try:
            kept = load_file(path)
        except (OSError, SafetensorError):
            continue
        width = width or kept["vectors"].shape[1]
        if kept["vectors"].shape[1:] == (width,):
            rows = zip(map(bytes, kept["keys"]), kept["vectors"], strict=True)
            known |= {key: row.copy() for key, row in rows if key in wanted}
    return known


# Uploaded vectors of items, of images or anything, alone or beside those of their texts.

NOT_USED, BESIDE, ALONE = "not used", "beside the text", "alone"
VECTORS = (NOT_USED, BESIDE, ALONE)
_OTHERS = "Import item tables with vectors of one kind for both, or set vectors to not used."


def use_of(settings: Any) -> str:
    """One of VECTORS; NOT_USED for a model that knows of none."""
    return str(getattr(settings, "vectors", NOT_USED))


def why_not(
    widths: tuple[int, int], settings: Any, cross_domain: bool = True
) -> tuple[str, str] | None:
    """What stands against the setting, and what to do; None where nothing does.

    widths: numbers of the vectors of source and target items, 0 for none; cross_domain: whether
    the source is read at all.
    """
    use, target = use_of(settings), widths[1]
    source = widths[0] if cross_domain else 0
    if use == NOT_USED:
        return None
    if source and target and source != target:
        said = f"The source's vectors have {source:,} numbers and the target's {target:,}."
        return said, _OTHERS
    if use == BESIDE:
        return None if target or source else ("It reads vectors and no item has any.", _OTHERS)
    missing = "target" if not target else "source" if cross_domain and not source else None
    return None if missing is None else (f"It reads vectors and the {missing} has none.", _OTHERS)


def unit_vectors(features: ItemFeatures | None, width: int) -> FloatArray:
    """(n_items, width) float32 of length 1; zeros for items without one, or all without any."""
    if features is None:
        return np.zeros((0, width), dtype=np.float32)
    if features.vectors is None:
        return np.zeros((len(features.titles), width), dtype=np.float32)
    vectors = np.array(features.vectors, dtype=np.float32)
    largest = np.abs(vectors).max(axis=1, keepdims=True, initial=0.0)
    vectors /= np.where(largest > 0, largest, 1.0)  # so that no square overflows
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


def side_by_side(texts: FloatArray, vectors: FloatArray) -> FloatArray:
    """(n_items, d + width) float32 of length 1: half of the length from each where both are there.

    An item with only one of the two keeps that one whole, beside zeros.
    """
    there = [np.abs(part).max(axis=1, initial=0.0) > 0 for part in (texts, vectors)]
    shares = np.sqrt(np.maximum(there[0].astype(np.float32) + there[1], 1.0))
    return (np.hstack([texts, vectors]) / shares[:, None]).astype(np.float32)


def beside_nothing(texts: FloatArray, width: int) -> FloatArray:
    """(n, width): vectors of texts that no item has, such as words a person typed, beside zeros."""
    missing = width - texts.shape[1]
    return np.hstack([texts, np.zeros((len(texts), missing), dtype=np.float32)])
