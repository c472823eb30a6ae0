import os
import shutil
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest

from core.basics.columns import ITEM, RATING, USER
from core.basics.errors import DataError
from core.basics.files import whole_folder, write_json
from core.basics.workspace import Workspace
from core.data.database import name, number, open_database
from core.data.reading.options import (
    delete_dataset,
    items_known,
    list_datasets,
    pairs_using,
    read_dataset,
    register_datasets,
    relation,
)


def add_dataset(workspace: Workspace, dataset_hash: str, rows: int = 3, called: str = "books"):
    with whole_folder(workspace.datasets / dataset_hash) as part:
        frame = pd.DataFrame({USER: [f"u{n}" for n in range(rows)], ITEM: "i", RATING: 1.0})
        frame.to_parquet(part / "interactions.parquet", index=False)
        write_json(part / "dataset.json", {"kind": "interactions", "name": called})


@pytest.fixture
def workspace(tmp_path) -> Workspace:
    return Workspace(tmp_path)


def rows_of(connection, dataset) -> int:
    return number(connection, f"SELECT count(*) FROM {name(dataset.table)}")


def test_registering_twice_makes_one_table(workspace):
    add_dataset(workspace, "aa11")
    connection = open_database(workspace.database)
    register_datasets(connection, workspace)
    (dataset,) = register_datasets(connection.cursor(), workspace)
    assert rows_of(connection, dataset) == 3


def test_datasets_are_still_there_after_a_restart(workspace):
    add_dataset(workspace, "aa11", rows=5)
    connection = open_database(workspace.database)
    register_datasets(connection, workspace)
    connection.close()
    again = open_database(workspace.database)
    assert rows_of(again, read_dataset(workspace, "aa11")) == 5


def test_a_folder_that_is_not_whole_is_no_dataset(workspace):
    add_dataset(workspace, "aa11")
    (workspace.datasets / "bb22.77.part").mkdir()
    (workspace.datasets / "cc33").mkdir()
    (workspace.datasets / "cc33" / "dataset.json").write_text("{")
    assert [dataset.hash for dataset in list_datasets(workspace)] == ["aa11"]


def test_a_deleted_dataset_is_gone_from_disk_and_database(workspace):
    add_dataset(workspace, "aa11")
    add_dataset(workspace, "bb22")
    connection = open_database(workspace.database)
    register_datasets(connection, workspace)
    delete_dataset(connection, workspace, "aa11")
    assert [dataset.hash for dataset in register_datasets(connection, workspace)] == ["bb22"]
    assert not (workspace.datasets / "aa11").exists()
    assert number(connection, "SELECT count(*) FROM duckdb_tables()") == 1


def test_deleting_what_is_not_there_says_so(workspace):
    with pytest.raises(DataError, match="not in this workspace"):
        delete_dataset(open_database(workspace.database), workspace, "aa11")


def test_a_dataset_says_which_pairs_use_it(workspace):
    pair = {"source_name": "books", "target_name": "films", "inputs": {"source": "aa11"}}
    (workspace.pairs / "pp").mkdir(parents=True)
    write_json(workspace.pairs / "pp" / "pair.json", pair)
    assert pairs_using(workspace, "aa11") == ["books → films"]
    assert pairs_using(workspace, "bb22") == []


def test_a_registered_file_is_read_from_its_table(workspace):
    add_dataset(workspace, "aa11")
    connection = open_database(workspace.database)
    file = read_dataset(workspace, "aa11").file
    assert relation(connection, file).startswith("read_parquet")
    register_datasets(connection, workspace)
    assert relation(connection, file) == '"dataset_aa11"'


def test_a_kill_in_the_middle_of_registering_leaves_whole_tables(workspace):
    """A person killed the app while it took up a large dataset; the next start had half of it."""
    add_dataset(workspace, "small", rows=3)
    add_dataset(workspace, "large", rows=400_000)
    code = (
        "from pathlib import Path; from core.basics.workspace import Workspace\n"
        "from core.data.database import open_database\n"
        "from core.data.reading.options import register_datasets\n"
        f"w = Workspace(Path({str(workspace.root)!r}))\n"
        "c = open_database(w.database)\nprint('go', flush=True)\n"
        "while True:\n"
        "    register_datasets(c, w)\n"
        "    c.execute('DROP TABLE dataset_large')\n"
    )
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    child.stdout.readline()
    time.sleep(0.4)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    connection = open_database(workspace.database)
    datasets = {dataset.hash: dataset for dataset in register_datasets(connection, workspace)}
    assert rows_of(connection, datasets["large"]) == 400_000
    assert rows_of(connection, datasets["small"]) == 3


def test_the_table_of_a_folder_that_was_removed_by_hand_is_dropped(workspace):
    add_dataset(workspace, "aa11")
    connection = open_database(workspace.database)
    register_datasets(connection, workspace)
    shutil.rmtree(workspace.datasets / "aa11")
    assert register_datasets(connection, workspace) == []
    assert number(connection, "SELECT count(*) FROM duckdb_tables()") == 0


def test_an_item_table_says_how_many_of_the_items_it_knows(workspace, tmp_path):
    add_dataset(workspace, "aa11")
    known = tmp_path / "items.parquet"
    pd.DataFrame({ITEM: ["i", "j"]}).to_parquet(known, index=False)
    connection = open_database(workspace.database)
    file = read_dataset(workspace, "aa11").file
    assert items_known(connection, file, known) == 1.0
    assert items_known(connection, known, file) == 0.5  # of i and j the first file has i
