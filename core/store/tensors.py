"""Named arrays in one safetensors file, read back memory-mapped."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from core.basics.errors import RunError
from core.basics.files import write_whole

_DTYPES = {
    "F64": np.float64,
    "F32": np.float32,
    "F16": np.float16,
    "I64": np.int64,
    "I32": np.int32,
    "I16": np.int16,
    "I8": np.int8,
    "U8": np.uint8,
    "BOOL": np.bool_,
}
_LONGEST_HEADER = 100_000_000  # bytes; the format's own limit


def write_tensors(path: Path, state: dict[str, np.ndarray]) -> Path:
    """Write the arrays, whole or not at all."""
    arrays = {name: np.ascontiguousarray(array) for name, array in state.items()}
    return write_whole(path, lambda part: save_file(arrays, str(part)))


def read_tensors(path: Path) -> dict[str, np.ndarray]:
    """The arrays as read-only views of the file: only what is touched comes into memory.

    Raises RunError where the file is missing or is no safetensors file.
    """
    try:
        header, start = _read_header(path)
        return {
            name: _view(path, start, entry)
            for name, entry in header.items()
            if name != "__metadata__"
        }
    except (OSError, ValueError, KeyError, TypeError, struct.error) as error:
        raise RunError(
            what=f"The weights in {path.parent.name} cannot be read ({error}).",
            hint="Delete this run and train it again.",
        ) from error


def _read_header(path: Path) -> tuple[dict, int]:
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        if length > _LONGEST_HEADER:
            raise ValueError("its header is too long")
        header = json.loads(file.read(length))
    if not isinstance(header, dict):
        raise ValueError("its header is no table")
    return header, 8 + length


def _view(path: Path, start: int, entry: dict) -> np.ndarray:
    dtype, shape = np.dtype(_DTYPES[entry["dtype"]]), tuple(entry["shape"])
    first, last = entry["data_offsets"]
    if last - first != dtype.itemsize * int(np.prod(shape)):
        raise ValueError("an array does not fill its place")
    if last == first:
        return np.zeros(shape, dtype)
    return np.memmap(path, dtype, mode="r", offset=start + first, shape=shape)
