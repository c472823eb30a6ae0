"""Other people's files through the one road of imports: guessed, previewed, rejected by line."""

import gzip

import pandas as pd
import pytest

from core.basics.columns import CATEGORIES, ITEM, RANK, RATING, SCORE, TIME, TITLE, USER
from core.basics.errors import DataError
from core.data.reading.ingest import import_file
from core.data.reading.options import (
    INTERACTIONS,
    ITEMS,
    JSON_LINES,
    LISTS,
    PYTHON_LINES,
    TABLE,
    ReadOptions,
)
from core.data.reading.preview import guess_options, preview_file, preview_rejects

LINES = (
    '{"user": "007", "item": 1.0, "rating": 4.50, "time": 1260759108}\n'
    '{"user": "8", "item": true, "rating": "bad", "time": 1260759109}\n'
    "not an object\n"
    '{"user": 18446744073709551617, "item": "a, b", "rating": 3, "time": "2020-05-31"}\n'
    '{"item": "x", "rating": 1, "time": 5}\n'
    "[1, 2]\n"
)


@pytest.fixture
def taken(tmp_path):
    """Import some bytes as they are guessed; answers the preview, the kept rows, the rejects."""

    def work(content, called="rows.csv", kind=INTERACTIONS):
        path = tmp_path / called
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        preview = preview_file(path, kind)
        done = import_file(path, preview.options, tmp_path / "datasets")
        assert done.rows == done.kept + done.rejected + done.merged
        kept = pd.read_parquet(done.folder / f"{done.kind}.parquet")
        return preview, kept, pd.read_parquet(done.folder / "rejects.parquet")

    return work


@pytest.mark.parametrize("packed", [False, True])
def test_json_lines_keep_ids_as_they_are_written_and_reject_by_line(taken, packed):
    content = gzip.compress(LINES.encode()) if packed else LINES
    preview, kept, rejects = taken(content, "rows.jsonl.gz" if packed else "rows.jsonl")
    assert (preview.known, preview.options.layout) == ("JSON lines", JSON_LINES)
    assert preview.raw[0].startswith('{"user": "007"')
    assert preview.head["item"].tolist()[:2] == ["1.0", "true"]
    assert preview.head["rating"].tolist()[:2] == ["4.50", "bad"]
    assert kept[USER].tolist() == ["007", "18446744073709551617"]
    assert kept[ITEM].tolist() == ["1.0", "a, b"]
    assert kept[RATING].tolist() == [4.5, 3.0]
    assert kept[TIME].tolist() == [1260759108, 1590883200]
    assert rejects.to_dict("records") == [
        {"line": 2, "column": "rating", "value": "bad", "reason": "not a finite number"},
        {
            "line": 3,
            "column": "(whole line)",
            "value": "not an object",
            "reason": "not a JSON object",
        },
        {"line": 5, "column": "user", "value": "", "reason": "no user"},
        {"line": 6, "column": "(whole line)", "value": "[1, 2]", "reason": "not a JSON object"},
    ]


def test_the_preview_of_json_lines_tries_them_as_the_import_does(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text(LINES)
    tried = preview_rejects(path, guess_options(path))
    assert (tried.rows, tried.rejected) == (6, 4)


def test_keys_that_some_lines_lack_are_said(taken):
    preview, _, _ = taken('{"user":"a","item":"x"}\n{"user":"b","item":"y","rating":3}\n' * 3)
    assert "3 of the first 6 lines lack a key" in preview.warnings[0]


def test_a_list_of_categories_in_json_stands_apart_by_bars(taken):
    _, kept, _ = taken('{"item":"1","title":"A: \\"B\\"","genres":["X","Y z"]}\n', kind=ITEMS)
    assert kept.to_dict("records") == [{ITEM: "1", TITLE: 'A: "B"', CATEGORIES: "X|Y z"}]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ('[{"user": 1, "item": 2},\n {"user": 2, "item": 3}]\n', "one JSON array"),
        ('{\n  "user": 1,\n  "item": 2\n}\n', "JSON written over several lines"),
        ("", "The file is empty."),
    ],
)
def test_other_json_and_nothing_are_refused_in_two_sentences(tmp_path, content, what):
    path = tmp_path / "rows.jsonl"
    path.write_text(content)
    with pytest.raises(DataError, match=what) as refused:
        preview_file(path)
    assert refused.value.what.endswith(".")
    assert refused.value.hint.endswith(".")


def test_what_a_file_is_called_decides_nothing(taken):
    preview, kept, _ = taken("user_id,item_id\na,x\nb,y\n", "rows.jsonl")
    assert (preview.options.layout, kept[ITEM].tolist()) == (TABLE, ["x", "y"])
    preview, kept, _ = taken('{"user_id": "a", "item_id": "x"}\n', "rows.inter")
    assert (preview.options.layout, kept[USER].tolist()) == (JSON_LINES, ["a"])


def test_lines_that_are_no_objects_cannot_be_read_as_json(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("user_id,item_id\na,x\n")
    with pytest.raises(DataError, match="None of the first lines is a JSON object"):
        preview_file(path, layout=JSON_LINES)


def test_recbole_files_are_known_by_their_columns(taken):
    content = (
        "user_id:token\titem_id:token\trating:float\ttimestamp:float\n1\t01\t4.0\t881250949.0\n"
    )
    preview, kept, _ = taken(content, "ml.inter")
    assert preview.known == "a RecBole atomic file"
    assert kept.to_dict("records") == [{USER: "1", ITEM: "01", RATING: 4.0, TIME: 881250949}]
    content = (
        "item_id:token\tmovie_title:token_seq\tclass:token_seq\n"
        '1\tToy Story\tAnimation Comedy\n2\t"Great Performances" Cats\tMusical\n'
    )
    _, kept, rejects = taken(content, "ml.item", ITEMS)
    assert kept[TITLE].tolist() == ["Toy Story", '"Great Performances" Cats']
    assert kept[CATEGORIES].tolist() == ["Animation|Comedy", "Musical"]
    assert rejects.empty


def test_movielens_files_are_known_by_their_two_colons(taken):
    preview, kept, _ = taken("1::1193::5::978300760\n1::661::3::978302109\n", "ratings.dat")
    assert preview.known == "a MovieLens file"
    assert {guess.why for guess in preview.guesses.values()} == {"as a MovieLens file has it"}
    assert kept[ITEM].tolist() == ["1193", "661"]
    movies = '1::Misérables, Les (1995)::Drama|Musical\n2::"Cats" Live (1998)::Musical\nshort\n'
    preview, kept, rejects = taken(movies.encode("latin-1"), "movies.dat", ITEMS)
    assert preview.options.encoding == "latin-1"
    assert kept[TITLE].tolist() == ["Misérables, Les (1995)", '"Cats" Live (1998)']
    assert kept[CATEGORIES].tolist() == ["Drama|Musical", "Musical"]
    assert rejects[["line", "value"]].values.tolist() == [[3, "short"]]


@pytest.mark.parametrize("mark", [";", "\t"])
@pytest.mark.parametrize("header", [True, False])
def test_decimal_commas_are_not_taken_for_the_delimiter(taken, mark, header):
    rows = [("user", "item", "rating")] * header + [("7", "1", "4,5"), ("8", "2", "3,0")]
    rows += [(str(n), str(n % 3), f"{n % 5},5") for n in range(9, 30)]
    preview, kept, rejects = taken("\n".join(mark.join(row) for row in rows) + "\n")
    assert (preview.options.delimiter, preview.options.decimal_comma) == (mark, True)
    assert kept[RATING].tolist()[:2] == [4.5, 3.0]
    assert rejects.empty


def test_a_table_keeps_the_hash_it_had_before_there_were_other_layouts():
    assert "layout" not in ReadOptions(roles={"u": USER}).key()
    assert ReadOptions(layout=JSON_LINES).key()["layout"] == JSON_LINES


def test_recommendation_lists_are_read_with_exact_scores_and_ranks(taken):
    preview, kept, rejects = taken("user,item,score\na,x,0.12345678901\na,y,x\n", kind=LISTS)
    assert list(preview.options.columns()) == [USER, ITEM, SCORE]
    assert kept[SCORE].tolist() == [0.12345678901]
    assert rejects["column"].tolist() == ["score"]
    lines = "".join(f"u{n // 5},i{n},{n % 5 + 1}\n" for n in range(30))
    preview, _, _ = taken(lines, kind=LISTS)
    assert list(preview.options.columns()) == [USER, ITEM, RANK]


def test_empty_lists_and_nulls_are_no_missing_keys(taken):
    preview, _, _ = taken(
        '{"user":"a","item":"x","tags":[]}\n{"user":"b","item":"y","tags":null}\n'
    )
    assert not any("lack a key" in warning for warning in preview.warnings)


def test_ids_in_objects_within_objects_are_columns(taken):
    lines = (
        '{"reviewer":{"id":"a","name":"N"},"product":{"ids":{"asin":"x"}},"stars":4}\n'
        '{"reviewer":{"id":"b","name":null},"product":{"ids":{"asin":"y"}},"stars":5}\n'
        '{"reviewer":null,"product":{"ids":{"asin":"y"}},"stars":5}\n'
    )
    preview, kept, rejects = taken(lines)
    assert preview.options.columns()[USER] == "reviewer.id"
    assert preview.options.columns()[ITEM] == "product.ids.asin"
    assert preview.head["reviewer.id"].tolist() == ["a", "b", ""]
    assert (kept[USER].tolist(), kept[ITEM].tolist()) == (["a", "b"], ["x", "y"])
    assert list(rejects["line"]) == [3]


def test_a_key_with_a_point_in_it_stays_that_key(taken):
    preview, kept, _ = taken('{"user.id":"a","item.id":"x","user":{"id":"other"}}\n')
    assert list(preview.head["user.id"]) == kept[USER].tolist()


def test_lines_of_python_dictionaries_are_read(taken):
    lines = (
        "{u'username': u'a', u'product_id': u'x', u'hours': 6.5, u'early': False, 'n': None}\n"
        "{u'username': u'b', u'product_id': u'it\\'s', u'hours': 7.0, u'early': True}\n"
        "{u'username': u'b', u'product_id': 007}\n"
        "{'username': __import__('os').getcwd(), 'product_id': 'x'}\n"
    )
    preview, kept, rejects = taken(lines)
    assert preview.options.layout == PYTHON_LINES
    assert preview.known == "lines of Python dictionaries"
    assert (kept[USER].tolist(), kept[ITEM].tolist()) == (["a", "b"], ["x", "it's"])
    assert list(rejects["line"]) == [3, 4]
