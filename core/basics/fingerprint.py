"""Content hashes: the same data and settings give the same short name, anything else another."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

LENGTH = 16  # hexadecimal digits kept: 64 bits


def fingerprint(*parts: Any) -> str:
    """Hash of arrays, texts and plain values, in their order.

    Plain values go in as JSON with sorted keys; arrays with dtype, shape and bytes.
    """
    digest = hashlib.sha256()
    for part in parts:
        digest.update(_bytes(part))
        digest.update(b"\x1f")
    return digest.hexdigest()[:LENGTH]


def fingerprint_file(path: Path) -> str:
    """Hash of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:LENGTH]


def _bytes(part: Any) -> bytes:
    if isinstance(part, np.ndarray):
        if part.dtype == object:
            return "\x1e".join(map(str, part)).encode()
        return f"{part.dtype}{part.shape}".encode() + np.ascontiguousarray(part).tobytes()
    return json.dumps(part, sort_keys=True, ensure_ascii=False, default=str).encode()
