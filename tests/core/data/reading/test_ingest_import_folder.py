"""The import folder: what is listed, and that nothing outside it can be had."""

import os

import pytest

from core.basics.columns import ITEM, USER
from core.basics.errors import DataError, JobError
from core.basics.progress import silent
from core.basics.workspace import Workspace
from core.data.reading.ingest import (
    VARIABLE,
    FolderFile,
    file_in_folder,
    import_folder,
    is_in_folder,
    list_files,
)
from core.data.reading.options import ReadOptions
from core.runs.jobs.data_jobs import import_job


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An import folder with two files, a hidden one, and two links out of it."""
    folder = tmp_path / "large"
    (folder / "old").mkdir(parents=True)
    (folder / "old" / "a.csv").write_text("u,i\na,x\n")
    (folder / "b.csv").write_text("u,i\nb,y\nc,z\n")
    (folder / ".hidden").write_text("u,i\n")
    (tmp_path / "secret.csv").write_text("u,i\ns,s\n")
    (folder / "link.csv").symlink_to(tmp_path / "secret.csv")
    (folder / "way_out").symlink_to(tmp_path)
    monkeypatch.setenv(VARIABLE, str(folder))
    return folder


def test_files_are_listed_with_their_sizes_and_links_are_not(folder):
    assert list_files() == [FolderFile("b.csv", 12), FolderFile("old/a.csv", 8)]


@pytest.mark.parametrize(
    "name", ["../secret.csv", "old/../../secret.csv", "link.csv", "way_out/secret.csv", "old", "n"]
)
def test_nothing_outside_the_folder_can_be_had(folder, name):
    with pytest.raises(DataError, match="There is no file"):
        file_in_folder(name)
    with pytest.raises(JobError, match="gone"):
        import_job(Workspace(folder.parent / "w"), {"path": str(folder / name)}, silent)


def test_a_file_of_the_folder_is_imported_where_it_stands(folder, monkeypatch):
    """Also from another disk, where no second name can be given to it."""
    monkeypatch.setattr(os, "link", _no_link)
    options = ReadOptions(roles={"u": USER, "i": ITEM}).to_dict()
    payload = {"path": str(file_in_folder("b.csv")), "options": options, "name": "b.csv"}
    done = import_job(Workspace(folder.parent / "w"), payload, silent)
    assert done["kept"] == 2
    assert (folder / "b.csv").read_text() == "u,i\nb,y\nc,z\n"


def test_without_the_variable_there_is_no_folder_and_a_wrong_one_is_said(folder, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(folder / "gone"))
    with pytest.raises(DataError, match="names no folder"):
        list_files()
    monkeypatch.delenv(VARIABLE)
    assert (import_folder(), list_files(), is_in_folder(folder / "b.csv")) == (None, [], False)


def _no_link(*_names):
    raise OSError("another disk")
