"""Files and folders appear whole or not at all."""

import pytest

from core.basics.errors import DataError
from core.basics.files import read_json, whole_folder, write_json, write_whole
from core.basics.fingerprint import fingerprint


def test_a_failed_write_leaves_the_old_file_and_no_rest(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def half(part):
        part.write_text("ne")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_whole(path, half)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_folder_vanishes(tmp_path):
    with pytest.raises(RuntimeError), whole_folder(tmp_path / "run") as part:
        (part / "half.txt").write_text("x")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_exists_is_kept(tmp_path):
    for text in ("first", "second"):
        with whole_folder(tmp_path / "run") as part:
            (part / "a.txt").write_text(text)
    assert (tmp_path / "run" / "a.txt").read_text() == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_json_that_is_broken_says_so_in_two_sentences(tmp_path):
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(DataError) as error:
        read_json(tmp_path / "run.json")
    assert "run.json" in error.value.what
    assert error.value.hint


def test_json_refuses_nan_rather_than_write_what_others_cannot_read(tmp_path):
    with pytest.raises(ValueError):
        write_json(tmp_path / "a.json", {"value": float("nan")})
    assert list(tmp_path.iterdir()) == []


def test_fingerprints_tell_apart_what_runs_together():
    assert fingerprint("ab", "c") != fingerprint("a", "bc")
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
