"""A child that opens a stranger's file is bounded: memory, CPU seconds, size of files."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


def child(code: str) -> subprocess.CompletedProcess:
    start = "from core.basics.machine import set_limits, limit_for\nfrom pathlib import Path\n"
    command = [sys.executable, "-c", start + code]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("set_limits(1 << 30, 60, 1 << 20)\nbytearray(2 << 30)", "MemoryError"),
        ("set_limits(1 << 30, 60, 1 << 10)\nPath('{0}').write_bytes(bytes(4096))", "OSError"),
    ],
)
def test_what_goes_beyond_is_refused(tmp_path, code, says):
    answer = child(code.format(tmp_path / "file"))
    assert answer.returncode == 1
    assert says in answer.stderr.splitlines()[-1]


def test_a_child_whose_seconds_are_used_up_is_ended():
    assert child("set_limits(1 << 30, 1, 1 << 20)\nwhile True: pass").returncode < 0


def test_limits_of_a_small_file_leave_room_for_the_libraries(tmp_path):
    (tmp_path / "file").write_text("a,b\n")
    answer = child(
        f"limit_for(Path('{tmp_path / 'file'}'))\nimport duckdb, pyarrow, pandas\n"
        "print(duckdb.connect().execute('SELECT 42').fetchone()[0])"
    )
    assert (answer.stdout.strip(), answer.returncode) == ("42", 0)
