"""Files and folders appear whole or not at all."""

import pytest

from core.basics.errors import DataError
from core.basics.files import (
    delete_folder,
    fingerprint,
    read_json,
    whole_folder,
    write_json,
    write_whole,
)


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


def test_nothing_is_written_beside_a_record_that_was_deleted_and_no_folder_comes_back(tmp_path):
    """Seen: a name saved to a run that another tab had deleted made a folder without a run."""
    record = tmp_path / "runs" / "one" / "run.json"
    for path in (record.parent / "label.json", record.parent / "asked" / "words" / "a.json"):
        with pytest.raises(DataError, match=r"The run one was deleted meanwhile"):
            write_json(path, {}, beside=record)
    with (
        pytest.raises(DataError, match="was deleted meanwhile"),
        whole_folder(record.parent / "overlap", record),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_what_is_deleted_while_it_is_written_beside_stays_deleted(tmp_path):
    record = write_json(tmp_path / "one" / "run.json", {})

    def slow(part):
        part.write_text("x")
        delete_folder(record.parent)

    for path in (record.parent / "a.json", record.parent / "asked" / "a.json", tmp_path / "a.csv"):
        write_json(record, {})
        with pytest.raises(DataError, match="was deleted meanwhile"):
            write_whole(path, slow, record)
        assert list(tmp_path.iterdir()) == []
    write_json(record, {})
    with (
        pytest.raises(DataError, match="was deleted meanwhile"),
        whole_folder(record.parent / "overlap", record) as part,
    ):
        slow(part / "a")
    assert list(tmp_path.iterdir()) == []


def test_folders_inside_that_of_a_record_are_made(tmp_path):
    record = write_json(tmp_path / "one" / "run.json", {})
    assert write_json(record.parent / "asked" / "words" / "a.json", 1, record).exists()


def test_a_newer_folder_takes_the_place_of_the_older_one_only_when_it_is_whole(tmp_path):
    for text in ("first", "second"):
        with whole_folder(tmp_path / "overlap", anew=True) as part:
            (part / "a.txt").write_text(text)
    with pytest.raises(RuntimeError), whole_folder(tmp_path / "overlap", anew=True):
        raise RuntimeError
    assert (tmp_path / "overlap" / "a.txt").read_text() == "second"
    assert [path.name for path in tmp_path.iterdir()] == ["overlap"]


def test_a_folder_that_is_gone_is_deleted_without_a_word(tmp_path):
    delete_folder(tmp_path / "gone")
