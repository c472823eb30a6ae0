"""Attributes of items on their way from a file into the graph of a split."""

from __future__ import annotations

import pytest

from core.basics.columns import ATTRIBUTE, ITEM, TITLE
from core.basics.errors import DataError
from core.basics.files import read_json
from core.data.build_pair import build_pair
from core.data.database import in_memory
from core.data.knowledge import knowledge_graph, knowledge_in
from core.data.pair_folder import PairInputs, PairSettings, read_pair_info
from core.data.reading.ingest import import_file
from core.data.reading.options import INTERACTIONS, ITEMS, TRIPLES, ReadOptions, check_options
from core.data.reading.preview import guess_options
from core.data.snapshot import read_snapshot
from core.data.splitting import SplitSettings, split_pair

BOOKS = (
    "book_id,title,Author,publisher\n"
    "b0,Emma,Jane Austen,\nb1,Persuasion,Jane Austen,Murray\nb2,Ulysses,James Joyce,Murray\n"
)
TRIPLES_FILE = (
    "subject,predicate,object\n"
    "f1,set in,Space\nf2,set in,Space\nb2,set in,Space\nb2,set in,Space\n"
    "f2,based on,b1\nx9,set in,Space\nf1,like,f1\n,set in,Dublin\n"
)
FILMS = "film,title,author\nf0,Emma (2020),JANE  AUSTEN\nf1,Alien,\nf2,Dune,\n"


@pytest.fixture
def imported(tmp_path):
    """Both domains' rows and item tables, imported as the page or the command line would."""
    taken = [(user, item) for user in range(8) for item in range(3)]
    rows = {
        name: "user,item\n" + "".join(f"u{user},{letter}{item}\n" for user, item in taken)
        for name, letter in (("books", "b"), ("films", "f"))
    }
    files = {}
    for name, content, kind in (
        ("books", rows["books"], INTERACTIONS),
        ("films", rows["films"], INTERACTIONS),
        ("items_books", BOOKS, ITEMS),
        ("items_films", FILMS, ITEMS),
        ("triples", TRIPLES_FILE, TRIPLES),
    ):
        path = tmp_path / f"{name}.csv"
        path.write_text(content, encoding="utf-8")
        report = import_file(path, guess_options(path, kind), tmp_path / "datasets")
        files[name] = report.folder / f"{kind}.parquet"
    return files


def split_of(imported, tmp_path, **more):
    connection = in_memory(tmp_path)
    inputs = PairInputs(
        imported["books"],
        imported["films"],
        imported["items_books"],
        imported["items_films"],
        **more,
    )
    pair = build_pair(connection, inputs, PairSettings.of({"target_core": 0}), tmp_path / "pairs")
    return pair, split_pair(pair, SplitSettings(kind="leave-k-out"), 1, tmp_path / "splits")


def test_attributes_are_guessed_imported_and_join_both_domains(imported, tmp_path):
    _, folder = split_of(imported, tmp_path)
    train = read_snapshot(folder).train
    assert list(train.source_features.attributes) == ["Author", "publisher"]
    graph = knowledge_graph(train)
    assert sorted(zip(graph.relations, graph.names, strict=True)) == [
        ("Author", "Jane Austen"),
        ("publisher", "Murray"),
    ]
    assert graph.source.toarray().tolist() == [[1, 0], [1, 1], [0, 1]]
    assert graph.target.toarray().tolist() == [[1, 0], [0, 0], [0, 0]]
    assert knowledge_in(folder).words() == graph.words()


def test_a_file_of_triples_joins_items_and_says_what_it_could_not_use(imported, tmp_path):
    record = read_json(imported["triples"].parent / "dataset.json")
    assert record["counts"] == {"rows": 8, "kept": 6, "rejected": 1, "merged": 1}
    pair, folder = split_of(imported, tmp_path, triples=imported["triples"])
    info = read_pair_info(pair)
    assert info.warnings[-1] == (
        "Of 6 triples 4 say something about an item; 1 join entities that items hold; "
        "1 lead from something to itself."
    )
    assert pair != split_of(imported, tmp_path)[0]
    graph = knowledge_in(folder)
    assert graph.relations == ["Author", "based on", "publisher", "set in"]
    names = {graph.names[place]: place for place in range(len(graph.names))}
    assert set(names) == {"Jane Austen", "Murray", "Space", "b1"}
    assert graph.target.toarray()[:, names["Space"]].tolist() == [0, 1, 1]
    assert graph.source.toarray()[:, names["Space"]].tolist() == [0, 0, 1]
    assert graph.source.toarray()[:, names["b1"]].tolist() == [0, 1, 0]


def test_several_columns_may_be_attributes_and_nothing_else_may_stand_twice():
    roles = {"id": ITEM, "brand": ATTRIBUTE, "line": ATTRIBUTE}
    options = ReadOptions(ITEMS, roles)
    check_options(options, list(roles))
    assert options.columns() == {
        ITEM: "id",
        "attribute:brand": "brand",
        "attribute:line": "line",
    }
    with pytest.raises(DataError, match="Two columns are marked as title"):
        check_options(ReadOptions(ITEMS, {"a": ITEM, "b": TITLE, "c": TITLE}), ["a", "b", "c"])
    many = {"id": ITEM} | {f"c{place}": ATTRIBUTE for place in range(21)}
    with pytest.raises(DataError, match="More than 20 columns are marked as attribute"):
        check_options(ReadOptions(ITEMS, many), list(many))
