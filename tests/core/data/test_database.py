import subprocess
import sys

import duckdb
import pytest

from core.basics.errors import DataError
from core.data.database import columns, in_memory, number, open_database, parquet


def test_a_second_connection_of_the_process_sees_the_same_tables(tmp_path):
    first = open_database(tmp_path / "crosswalk.duckdb")
    first.execute("CREATE TABLE kept AS SELECT 7 AS seven")
    second = open_database(tmp_path / "crosswalk.duckdb")
    assert number(second.cursor(), "SELECT seven FROM kept") == 7


def test_another_process_is_told_in_two_sentences(tmp_path):
    file = tmp_path / "crosswalk.duckdb"
    connection = open_database(file)
    code = (
        "from pathlib import Path; from core.data.database import open_database; "
        f"open_database(Path({str(file)!r}))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "DataError: crosswalk.duckdb is open in another process." in answer.stderr
    connection.close()


def test_a_damaged_database_is_an_error_in_two_sentences(tmp_path):
    (tmp_path / "crosswalk.duckdb").write_bytes(b"not a database" * 1000)
    with pytest.raises(DataError, match="cannot be opened"):
        open_database(tmp_path / "crosswalk.duckdb")


@pytest.mark.parametrize("opened", ["file", "memory"])
def test_files_outside_the_folder_are_out_of_reach(tmp_path, opened):
    inside, outside = tmp_path / "inside", tmp_path / "outside.parquet"
    inside.mkdir()
    duckdb.connect().sql("SELECT 1 AS one").write_parquet(str(outside))
    connection = open_database(inside / "c.duckdb") if opened == "file" else in_memory(inside)
    with pytest.raises(duckdb.PermissionException):
        connection.execute(f"SELECT * FROM {parquet(outside)}")
    with pytest.raises(duckdb.PermissionException):
        connection.execute(f"COPY (SELECT 1) TO '{tmp_path / 'x.parquet'}' (FORMAT parquet)")
    with pytest.raises(duckdb.InvalidInputException):
        connection.execute("SET enable_external_access = true")


def test_a_path_with_a_quote_is_read(tmp_path):
    folder = tmp_path / "it's"
    folder.mkdir()
    duckdb.connect().sql("SELECT 'u' AS user_id, 1 AS n").write_parquet(
        str(folder / "rows.parquet")
    )
    connection = in_memory(folder)
    assert columns(connection, parquet(folder / "rows.parquet")) == ["user_id", "n"]


def test_more_than_the_memory_limit_spills_beside_the_data(tmp_path):
    connection = in_memory(tmp_path, memory_limit="100MB", threads=1)
    texts = "SELECT md5(range::VARCHAR) AS m FROM range(1500000) ORDER BY m"
    assert number(connection, f"SELECT count(*) FROM ({texts})") == 1_500_000
