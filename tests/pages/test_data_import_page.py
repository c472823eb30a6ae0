"""Data, Import, as a person uses it: real uploads, a real child process, real rejects."""

import os
import signal
import time

import pandas as pd
import pytest
import streamlit as st

from core.basics.columns import ITEM, RATING, TIME, USER
from core.basics.workspace import VARIABLE, Workspace
from core.data.reading.options import list_datasets
from core.jobs.supervisor import Lock, kill
from core.jobs.table import DONE, list_jobs
from core.ui.widgets import table_key
from tests.pages.stories import open_page

BOOKS = "user_id,item_id,rating,timestamp\n007,b1,4,1260759108\n8,b2,bad,1\n007,b1,5,1260759109\n"
FILMS = "reader;movie;stars\n007;1.0;3,5\n9;true;4\n"
PATIENCE = 60.0  # seconds


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    """A workspace of its own; what was started in it is ended after the test."""
    workspace = Workspace(tmp_path / "workspace")
    workspace.root.mkdir()
    monkeypatch.setenv(VARIABLE, str(workspace.root))
    st.cache_resource.clear()
    st.cache_data.clear()
    yield workspace
    for job in list_jobs(workspace, active=True):
        if job.pid:
            kill(job.pid)
    while pid := Lock(workspace).holder():
        os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


@pytest.fixture
def data_page(workspace):
    return well(open_page("data"))


def well(app):
    assert not app.exception
    return app


def words(app) -> str:
    kinds = (app.markdown, app.caption, app.info, app.success, app.warning, app.error)
    said = "\n".join(str(element.value) for kind in kinds for element in kind)
    return said.replace("\\", "")


def upload(app, slot, content, name="books.csv"):
    content = content if isinstance(content, bytes) else content.encode()
    uploader = next(one for one in app.file_uploader if f"upload_{slot}_" in one.key)
    return well(uploader.upload(name, content, "text/csv").run())


def keyed(elements, slot, end):
    return next(
        one
        for one in elements
        if one.key and f"import_{slot}_" in one.key and one.key.endswith(end)
    )


def press_import(app, workspace, slot):
    """Press Import and wait for the child to be done."""
    before = {job.id for job in list_jobs(workspace, kind="import")}
    keyed(app.button, slot, "_start").click().run()
    end = time.time() + PATIENCE
    while time.time() < end:
        new = [job for job in list_jobs(workspace, kind="import") if job.id not in before]
        if new and not new[0].is_active:
            return well(app.run()), new[0]
        time.sleep(0.1)
    raise AssertionError("the import did not end")


def test_two_files_are_uploaded_mapped_and_really_imported(data_page, workspace):
    app = upload(data_page, "source", BOOKS)
    assert "007,b1,4" in app.code[0].value
    assert app.dataframe[0].value[USER].tolist() == ["007", "8", "007"]
    assert "Of the first 3 rows, **1** would be rejected" in words(app)
    assert not list_datasets(workspace)  # nothing is imported on a guess alone

    app, job = press_import(app, workspace, "source")
    assert job.status == DONE
    assert "3 rows in the file = 1 kept + 1 rejected + 1 merged" in words(app)
    rejects = next(frame.value for frame in app.dataframe if "reason" in frame.value.columns)
    assert rejects[["line", "column", "value"]].to_numpy().tolist() == [[3, "rating", "bad"]]
    books = pd.read_parquet(list_datasets(workspace)[0].file)
    expected = {USER: ["007"], ITEM: ["b1"], RATING: [5.0], TIME: [1260759109]}
    assert books.to_dict("list") == expected

    app = upload(app, "target", FILMS, "../../films.csv")
    assert keyed(app.selectbox, "target", "_delimiter").value == ";"
    assert keyed(app.toggle, "target", "_comma").value
    app, _ = press_import(app, workspace, "target")
    films = list_datasets(workspace)[0]
    assert (films.name, films.record["counts"]["kept"]) == ("films", 2)
    assert pd.read_parquet(films.file)[ITEM].tolist() == ["1.0", "true"]
    assert not list(workspace.uploads.iterdir())
    assert app.button(key="import_next").label == "Put two domains together"


def test_lines_left_out_and_the_escape_are_choices_that_are_guessed(data_page, workspace):
    lines = "# one\n# two\nuser,item\n" + '"u1","say \\"a\\""\n"u2","b"\n'
    app = upload(data_page, "source", lines)
    assert keyed(app.text_input, "source", "_comment").value == "#"
    assert keyed(app.selectbox, "source", "_escape").value == "\\"
    assert "Lines that begin with # are skipped as comments." in words(app)
    keyed(app.text_input, "source", "_comment").set_value("").run()
    keyed(app.number_input, "source", "_skip").set_value(2).run()
    assert "The first 2 lines are skipped" in words(app)
    app, _ = press_import(app, workspace, "source")
    assert "2 lines before the table or of comments skipped beside them." in words(app)
    assert pd.read_parquet(list_datasets(workspace)[0].file)[ITEM].tolist() == ['say "a"', "b"]


def test_a_doubtful_encoding_is_asked_about_with_a_piece_of_the_text(data_page):
    app = upload(data_page, "source", "user,item\nu1,Crème brûlée\n".encode("latin-1"))
    assert "'u1,Crème brûlée' in latin-1 could be" in words(app)


def test_a_matrix_is_named_and_not_imported_on_a_guess(data_page):
    header = "user_id," + ",".join(f"s{n:03}" for n in range(12)) + "\n"
    app = upload(data_page, "source", header + "u1" + ",4" * 12 + "\nu2" + ",,5" * 6 + "\n")
    assert "It looks like a matrix with a row per user and a column per item" in words(app)
    assert not [button for button in app.button if button.key == "import_source_start"]


def test_roles_can_be_changed_and_missing_ones_are_asked_for(data_page, workspace):
    app = upload(data_page, "source", "foo,bar\na,x\nb,y\n")
    assert "No column is plainly the user" in words(app)
    keyed(app.toggle, "source", "_header").set_value(True).run()
    keyed(app.selectbox, "source", "_foo").set_value("ignore").run()
    assert "No column is marked as user. Choose which of foo, bar holds it" in words(app)
    assert not [button for button in app.button if button.key == "import_source_start"]
    keyed(app.selectbox, "source", "_foo").set_value(ITEM).run()
    keyed(app.selectbox, "source", "_bar").set_value(USER).run()
    app, _ = press_import(app, workspace, "source")
    assert pd.read_parquet(list_datasets(workspace)[0].file)[USER].tolist() == ["x", "y"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "The file is empty. Choose the file that holds the rows."),
        (b"PK\x03\x04zip", "a zip archive or an Excel workbook, not text. Unpack it"),
        (b"\0\1\2\3" * 900, "The file is binary"),
        (b"user_id,item_id\n", "no rows below its header. Choose"),
    ],
)
def test_a_broken_upload_shows_two_sentences_and_another_file_can_be_chosen(
    data_page, workspace, content, says
):
    app = upload(data_page, "source", content)
    assert says in words(app)
    keyed(app.button, "source", "_clear").click().run()
    assert not list(workspace.uploads.iterdir())
    app = upload(app, "source", BOOKS)
    assert "would be rejected" in words(app)


def test_the_same_file_again_says_it_is_there_and_a_dataset_can_be_deleted(data_page, workspace):
    app, _ = press_import(upload(data_page, "source", BOOKS), workspace, "source")
    app, _ = press_import(upload(app, "target", BOOKS, "again.csv"), workspace, "target")
    assert "This file was there already, imported the same way as books." in words(app)
    assert len(list_datasets(workspace)) == 1
    key = table_key("imported", [dataset.hash for dataset in list_datasets(workspace)])
    app.session_state[key] = {"selection": {"rows": [0], "columns": [], "cells": []}}
    well(app.run())
    next(button for button in app.button if button.key.startswith("delete_")).click().run()
    assert not list_datasets(workspace)


def test_the_column_with_the_items_of_the_other_file_is_offered_and_taken(data_page, workspace):
    """A table was matched by `asin`, and people rate what is in `parent_asin`: no text at all."""
    rated = "user_id,item_id\n" + "".join(f"u{n},P{n}\n" for n in range(9))
    app, _ = press_import(upload(data_page, "source", rated), workspace, "source")
    table = "asin,title,parent_asin\n" + "".join(f"V{n},Title {n},P{n}\n" for n in range(9))
    app = upload(app, "items_source", table, "meta.csv")
    assert keyed(app.selectbox, "items_source", "_role_3_asin").value == ITEM
    said = "In the first 9 rows asin has 0 items of the interactions imported before, and"
    assert said in words(app)
    app = well(keyed(app.button, "items_source", "_take_item").click().run())
    assert keyed(app.selectbox, "items_source", "_role_3_parent_asin").value == ITEM
    assert said not in words(app)
    press_import(app, workspace, "items_source")
    table = next(one for one in list_datasets(workspace) if one.kind == "items")
    assert pd.read_parquet(table.file)[ITEM].tolist() == [f"P{n}" for n in range(9)]


def test_an_upload_is_still_there_after_a_look_at_another_tab(data_page):
    app = upload(data_page, "source", BOOKS)
    app.session_state["tab"] = "Pair"
    well(app.run())
    assert "No file is imported yet" in words(app)
    app.session_state["tab"] = "Import"
    assert "books" in words(well(app.run()))


def test_a_wide_parquet_file_asks_for_the_column_of_each_role(data_page, workspace):
    frame = pd.DataFrame({"who": ["007", "8"], "what": ["x", "y"], "score": [1.0, 2.0]})
    wide = frame.assign(**{f"extra{n}": "" for n in range(8)})
    app = upload(data_page, "source", wide.to_parquet(), "wide.parquet")
    keyed(app.selectbox, "source", "_user_id").set_value("who").run()
    keyed(app.selectbox, "source", "_item_id").set_value("what").run()
    app, job = press_import(app, workspace, "source")
    assert job.status == DONE, job.what
    kept = pd.read_parquet(list_datasets(workspace)[0].file)
    assert kept.to_dict("list") == {USER: ["007", "8"], ITEM: ["x", "y"], RATING: [1.0, 2.0]}


def test_a_name_with_markdown_is_shown_as_it_is_written(data_page):
    app = upload(data_page, "source", BOOKS, "![x](http://elsewhere.example/p.png).csv")
    shown = next(text.value for text in app.markdown if "elsewhere" in text.value)
    assert "![x](" not in shown


def test_a_file_of_the_import_folder_is_previewed_as_json_and_read_where_it_stands(
    workspace, monkeypatch, tmp_path
):
    folder = tmp_path / "large"
    folder.mkdir()
    file = folder / "books.jsonl"
    file.write_text('{"user_id": "007", "item_id": 1.0}\nbroken\n')
    monkeypatch.setenv("CROSSWALK_IMPORT_FOLDER", str(folder))
    app = well(open_page("data"))
    box = next(one for one in app.selectbox if one.key == "folder_source_0")
    assert box.options == ["books.jsonl · 42 bytes"]
    app = well(box.select("books.jsonl").run())
    assert "It looks like JSON lines." in words(app)
    assert app.dataframe[0].value[ITEM].tolist() == ["1.0"]
    assert "Of the first 2 rows, **1** would be rejected" in words(app)
    app, job = press_import(app, workspace, "source")
    assert (job.status, job.result["kept"], job.result["rejected"]) == (DONE, 1, 1)
    assert file.exists()


def test_a_json_array_is_refused_in_two_sentences_and_the_folder_is_told_of(data_page):
    assert "set CROSSWALK_IMPORT_FOLDER to a folder" in data_page.file_uploader[0].proto.help
    assert "CROSSWALK_IMPORT_FOLDER" not in words(data_page)  # no page begins with it
    app = upload(data_page, "source", '[{"user_id": 1, "item_id": 2}]', "books.json")
    assert "The file is one JSON array, not one JSON object per line." in words(app)
    assert not [button for button in app.button if button.key == "import_source_start"]
