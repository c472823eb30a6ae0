"""A full disk is recognised in what any library raises, and a little room is set aside for it."""

import errno
from pathlib import Path

import duckdb
import numpy as np
import pyarrow.parquet as pq
import pytest
from safetensors import SafetensorError

from core.basics import files
from core.basics.errors import DataError, JobError
from core.basics.files import RESERVE, SPARE, is_disk_full, keep_reserve, said_of_full

FULL = OSError(errno.ENOSPC, "No space left on device")


def chained() -> DataError:
    try:
        try:
            raise FULL
        except OSError as error:
            raise DataError("The file cannot be read.", "Choose another.") from error
    except DataError as error:
        return error


@pytest.mark.parametrize(
    "error",
    [
        FULL,
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        OSError("Error writing bytes to file. Detail: [errno 28] No space left on device"),
        OSError("4096 requested and 512 written"),  # NumPy, which knows no errno
        SafetensorError(
            "Error while serializing: I/O error: No space left on device (os error 28)"
        ),
        duckdb.IOException('IO Error: Could not write file "x": No space left on device'),
        duckdb.OutOfMemoryException(
            "failed to offload data block of size 256.0 KiB (30.1 MiB/30.0 MiB used). This limit "
            "was set by the 'max_temp_directory_size' setting."
        ),
        chained(),
    ],
)
def test_a_full_disk_is_recognised_whoever_met_it(error):
    assert is_disk_full(error)
    told = said_of_full(error, "this could not be done")
    assert told.what == "The disk is full, so this could not be done."
    assert told.hint.startswith("Free some space")


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.EACCES, "Permission denied"),
        MemoryError(),
        DataError("No rows.", "Bring some."),
        ValueError("2 requested and two written"),
    ],
)
def test_other_errors_are_not_taken_for_it(error):
    assert not is_disk_full(error)
    assert said_of_full(error, "this could not be done") is None


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.EFBIG, "File too large"),
        duckdb.IOException('IO Error: Could not write file "x": File too large'),
    ],
)
def test_a_file_that_grows_beyond_a_limit_is_not_blamed_on_the_disk(error):
    told = said_of_full(error, "the job could not be done")
    assert (
        told.what
        == "A file became larger than this process may write, so the job could not be done."
    )
    assert told.hint.startswith("Bring a smaller file")


def test_what_already_says_that_the_disk_is_full_keeps_its_words():
    error = JobError("The disk is full, so the list of jobs cannot be changed.", "Free some space.")
    assert said_of_full(error, "this could not be done") is error


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("write", ["numpy", "parquet"])
def test_what_libraries_raise_on_a_device_that_is_always_full(write):
    """/dev/full refuses every byte, as a full disk does."""
    rows = np.zeros(1 << 20)
    with pytest.raises(OSError) as raised, open("/dev/full", "wb") as file:
        if write == "numpy":
            np.save(file, rows)
        else:
            import pyarrow as pa

            pq.write_table(pa.table({"x": rows + np.arange(len(rows))}), file)
    assert is_disk_full(raised.value)


def test_the_reserve_is_made_where_there_is_room_and_given_back_where_there_is_none(
    tmp_path, monkeypatch
):
    file, free = tmp_path / "jobs.reserve", SPARE
    monkeypatch.setattr(files, "free_space", lambda folder: free)
    keep_reserve(file)
    assert not file.exists()  # too little to take any of it
    free = SPARE + 1
    keep_reserve(file)
    assert file.stat().st_size == RESERVE
    free = RESERVE
    keep_reserve(file)
    assert file.exists()
    free = RESERVE - 1
    keep_reserve(file)
    assert not file.exists()


def test_causes_that_run_in_a_circle_are_each_looked_at_once():
    """A command that was refused twice in a row never came back."""
    first, second = ValueError("one"), ValueError("two")
    first.__cause__, second.__context__ = second, first
    assert not is_disk_full(first)
    second.__cause__ = OSError(28, "No space left on device")
    assert is_disk_full(first)
