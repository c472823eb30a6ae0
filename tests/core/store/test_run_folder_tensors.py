"""Tensors come back equal, memory-mapped and read-only, and broken files say so."""

import numpy as np
import pytest
from safetensors.numpy import load_file

from core.basics.errors import RunError
from core.store.run_folder import read_tensors, write_tensors

STATE = {
    "weights": np.arange(6, dtype=np.float32).reshape(2, 3),
    "items": np.array([3, 1], dtype=np.int32),
    "empty": np.zeros((0, 4), dtype=np.float32),
    "flag": np.array([True]),
}


def test_arrays_come_back_equal(tmp_path):
    found = read_tensors(write_tensors(tmp_path / "m.safetensors", STATE))
    for name, array in STATE.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype


def test_the_reference_reader_agrees(tmp_path):
    path = write_tensors(tmp_path / "m.safetensors", STATE)
    for name, array in load_file(str(path)).items():
        np.testing.assert_array_equal(read_tensors(path)[name], array)


def test_arrays_are_memory_mapped_and_read_only(tmp_path):
    found = read_tensors(write_tensors(tmp_path / "m.safetensors", STATE))
    assert isinstance(found["weights"], np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        found["weights"][0, 0] = 1


@pytest.mark.parametrize("content", [b"", b"abc", b"\xff" * 40, b"\x02\0\0\0\0\0\0\0[]"])
def test_a_broken_file_says_so(tmp_path, content):
    path = tmp_path / "m.safetensors"
    path.write_bytes(content)
    with pytest.raises(RunError):
        read_tensors(path)
