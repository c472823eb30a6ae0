import pandas as pd
import pytest

from core.basics.columns import ITEM, USER
from core.basics.errors import DataError
from core.data.reading.ingest import REJECTS, import_file
from core.data.reading.options import ADJACENCY, TABLE
from core.data.reading.preview import guess_options, preview_file, preview_rejects


@pytest.fixture
def write(tmp_path):
    def work(text: str, called: str = "train.txt"):
        file = tmp_path / called
        file.write_text(text)
        return file

    return work


@pytest.mark.parametrize(
    "text",
    [
        "0 20 8\n1 21 23 31\n2 2 6 0 8\n3 9\n",
        "0 20 8 \n1 21 23 31 \n2 2 6 0 8 \n3 9 \n",
        "u0\ti20\ti8\nu1\ti21\ti23\ti31\nu2\ti2\ti6\ti0\ti8\nu3\ti9\n",
        "0,20,8\n1,21,23,31\n2,2,6,0,8\n3,9\n",
    ],
)
def test_an_adjacency_list_is_read_as_one_row_per_item(write, tmp_path, text):
    file = write(text)
    seen = preview_file(file)
    assert (seen.options.layout, list(seen.head.columns)) == (ADJACENCY, ["user", "item"])
    assert "adjacency list" in seen.known
    done = import_file(file, guess_options(file), tmp_path / "datasets")
    kept = pd.read_parquet(done.folder / "interactions.parquet")
    assert (done.rows, done.kept) == (10, 10)
    assert kept.groupby(USER, sort=False)[ITEM].size().tolist() == [2, 3, 4, 1]
    assert kept.to_numpy().tolist() == seen.head.to_numpy().tolist()


def test_lists_that_are_all_as_long_are_an_adjacency_list_too(write):
    text = "".join(f"{n} " + " ".join(str(n + 3 * k) for k in range(7)) + "\n" for n in range(9))
    assert preview_file(write(text)).options.layout == ADJACENCY


def test_a_user_without_items_is_rejected_with_its_line(write, tmp_path):
    file = write("0 20 8\n1 21 23 31\n\n2\n3 4 5 6 7\n")
    options = preview_file(file).options
    done = import_file(file, options, tmp_path / "datasets")
    rejects = pd.read_parquet(done.folder / REJECTS)
    assert (list(rejects["line"]), list(rejects["reason"])) == ([4], ["no item"])
    assert preview_rejects(file, options).rejected == 1


@pytest.mark.parametrize(
    "text",
    [
        "0 20 4 1529101469\n0 8 5 1504687918\n1 24 4 1506087647\n",
        "1\t2\t5\n2\t2\t5\n3\t2\t5\n4\t2\t5\n",
        "u1,i1,5\nu2,i2\nu3,i3,4\nu4,i4,5\nu5,i5,5\nu6,i6,5\n",
        "0 0 1 0 1 1 0\n1 1 0 0 1 0 1\n2 1 1 0 0 0 1\n",
    ],
)
def test_other_tables_of_numbers_are_no_adjacency_list(write, text):
    assert preview_file(write(text)).options.layout == TABLE


MATRIX = "user_id," + ",".join(f"s{n:03}" for n in range(12)) + "\n"
MATRIX += "".join(f"u{n}," + ",".join(["4", "", "5"] * 4) + "\n" for n in range(9))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (MATRIX, "It looks like a matrix"),
        (MATRIX.split("\n", 1)[1].replace("u", ""), "It looks like a matrix"),
        ('user_id,item_ids\nu0,"[20, 8]"\nu1,"[3, 8, 4]"\n', "several ids in one cell"),
        ("user_id,items\nu0,20|8\nu1,3|8|4\n", "several ids in one cell"),
        ("user_id,items\nu0,a b1 c2\nu1,x1 x2\n".replace("a ", "a1 "), "several ids in one cell"),
        ('{"user":"u0","items":[20,8]}\n{"user":"u1","items":[1]}\n' * 3, "several ids"),
        ('{"user":"u0","items":[20,8]}\n{"user":"u1","items":[1,2,3]}\n', "several ids in one"),
        ("1\tU0\t11/1/2019\tN20 N8 N2\tN2-0 N1-1\n2\tU1\t11/2/2019\tN2 N8\tN2-0\n", "several ids"),
    ],
)
def test_other_shapes_are_named_and_never_read_on_a_guess(write, text, says):
    file = write(text)
    seen = preview_file(file)
    assert says in seen.other_shape
    assert seen.other_shape == seen.warnings[0]
    assert ITEM not in seen.options.roles.values()
    with pytest.raises(DataError, match=rf"train\.txt: .*{says}"):
        guess_options(file)


@pytest.mark.parametrize(
    "text",
    [
        "user_id,item_id,rating\nu1,Star Wars 4,5\nu2,Blade Runner 2049,4\n",
        "user_id,item_id\nu1,shop|12\nu2,shop|13\n",
        "user_id,item_id,a,b,c,d,e,f,g,h\n" + "u1,i1,1,2,3,4,5,6,7,8\n" * 3,
        "user_id,item_id,genres\nu1,i1,A|B\nu2,i2,C|D|E\n",
    ],
)
def test_ordinary_tables_are_of_no_other_shape(write, text):
    assert preview_file(write(text)).other_shape == ""


def test_lists_as_ids_in_parquet_are_named_too(tmp_path):
    file = tmp_path / "train.parquet"
    pd.DataFrame({"user_id": ["a", "b"], "items": [[1, 2], [2, 3, 4]]}).to_parquet(file)
    seen = preview_file(file)
    assert "several ids in one cell" in seen.warnings[0]
    assert ITEM not in seen.options.roles.values()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("".join(f"{n} {n}:1 {n + 3}:0.5\n" for n in range(9)), "libsvm"),
        ("".join(f"['u{n}', 'i{n}', 5]\n" for n in range(9)), "a list in brackets"),
        ("".join(f'["u{n}", "i{n}", 5],\n' for n in range(9)), "a list in brackets"),
        ("".join(f"('u{n}', 'i{n}')\n" for n in range(9)), "a list in brackets"),
        ("".join(f"{m}:\n1,3,2005-09-01\n2,4,2005-09-02\n" for m in range(5)), "blocks of rows"),
        ("1:\n" + "".join(f"{n},3,2005-09-01\n" for n in range(9)), "blocks of rows"),
        ("- user: u1\n  item: i1\n- user: u2\n  item: i2\n", "records of several lines"),
        ("product/id: B1\nuser/id: A1\n\nproduct/id: B2\nuser/id: A2\n", "records of several"),
        ("user items\nu0 i0\n" + "".join(f"u{n} i1 i2 i3\n" for n in range(9)), "Most rows"),
        ("".join(f"u{n}: i{n} i{n + 1} i{n + 2}\n" for n in range(9)), "several ids in one cell"),
    ],
)
def test_lines_of_another_kind_are_named_and_never_read_on_a_guess(write, text, says):
    file = write(text)
    seen = preview_file(file)
    assert says in seen.warnings[0]
    assert ITEM not in seen.options.roles.values()
    with pytest.raises(DataError, match=says):
        guess_options(file)


@pytest.mark.parametrize(
    "text",
    [
        '{"u1": ["i1", "i2"], "u2": ["i3"]}\n',
        '{"data": [{"user": "u1", "item": "i1"}], "count": 1}\n',
        '{"user": {"0": "u1", "1": "u2"}, "item": {"0": "i1", "1": "i2"}}\n',
    ],
)
def test_one_object_that_holds_the_table_is_refused(write, text):
    with pytest.raises(DataError, match="one JSON object that holds the whole table"):
        preview_file(write(text))
