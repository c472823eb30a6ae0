"""`python -m core blend`, `route`, `compress`: figures on the last line, refusals in two lines."""

import json

import pytest

from core.__main__ import main
from tests.core.runs.derived_worlds import Bench, bench


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Bench:
    return bench(tmp_path_factory.mktemp("commands") / "here", {"ease": {}, "edlae": {}})


def said(capsys, *words) -> tuple[int, str, str]:
    code = main([str(word) for word in (*words, "--json")])
    out, err = capsys.readouterr()
    return code, (out.splitlines() or [""])[-1], (err.splitlines() or [""])[-1]


def test_a_blend_from_the_command_line_tells_weight_and_differences(capsys, world):
    folders = [world.runs[name].folder for name in ("ease", "edlae")]
    code, out, _ = said(capsys, "blend", "--runs", *folders, "--kind", "product", "--weight", "0.3")
    answer = json.loads(out)
    assert code == 0
    assert answer["settings"] == {"kind": "product", "weight": 0.3}
    assert len(answer["against"]) == 4
    assert answer["test"]["ndcg@10"]["mean"] > 0
    assert answer["twin"]["test"]["ndcg@10"]["mean"] > 0


def test_a_route_from_the_command_line_tells_whom_each_group_asks_and_why(capsys, world):
    ease, edlae = (world.runs[name] for name in ("ease", "edlae"))
    code, out, _ = said(capsys, "route", ease.folder, edlae.folder, "--group", f"none={edlae.id}")
    answer = json.loads(out)
    assert code == 0
    groups = answer["route"]["groups"]
    assert [group["segment"] for group in groups] == ["0", "1–4", "5–9", "10–19", "20+"]
    assert (groups[0]["run"], groups[0]["by"]) == (edlae.id, "hand")
    assert {one["run"] for one in groups[2]["tried"]} == {ease.id, edlae.id}
    assert answer["test"]["ndcg@10"]["mean"] > 0
    assert answer["twin"]["test"]["ndcg@10"]["mean"] > 0


def test_a_route_by_ids_is_summed_up_in_words(capsys, world):
    ids = [world.runs[name].id for name in ("ease", "edlae")]
    place = ["--workspace", world.workspace.root, "--label", "One for all"]
    assert main([str(word) for word in ("route", *ids, "--group", f"5+={ids[0]}", *place)]) == 0
    words = capsys.readouterr().out
    assert words.startswith("One for all on books → films")
    label = world.runs["ease"].label
    assert f"20+    known: {label}, by hand" in words


def test_a_compression_from_the_command_line_tells_size_and_quality(capsys, world):
    code, out, _ = said(
        capsys, "compress", "--run", world.runs["ease"].folder, "--kind", "pruned", "--keep", "0.2"
    )
    found = json.loads(out)["compression"]
    assert code == 0
    assert found["words"] == "pruned to 20 %"
    assert found["bytes"]["after"] < found["bytes"]["before"]


def test_a_compression_that_loses_too_much_is_kept_only_where_it_is_asked_for(capsys, world):
    words = ("compress", "--run", world.runs["ease"].folder, "--kind", "pruned", "--keep", "0.001")
    code, _, err = said(capsys, *words)
    assert code == 2
    assert "10 % may be. Keep a larger share, take int8, or ask for it again" in err
    code, out, _ = said(capsys, *words, "--anyway")
    found = json.loads(out)["compression"]["quality"]["valid"]
    assert code == 0
    assert found["after"] < 0.9 * found["before"]


def test_what_cannot_be_done_is_said_in_two_sentences(capsys, world, tmp_path):
    ease = world.runs["ease"].folder
    code, _, err = said(capsys, "blend", "--runs", ease, ease)
    assert (code, err.count(". ") + err.endswith(".")) == (2, 2)
    assert "names no run" in said(capsys, "route", ease, ease, "--group", "none")[2]
    assert (
        "no group" in said(capsys, "route", ease, world.runs["edlae"].folder, "--group", "few=x")[2]
    )
    other = bench(tmp_path, {"popularity": {}}).runs["popularity"].folder
    assert "different workspaces" in said(capsys, "blend", "--runs", ease, other)[2]
    assert "no table" in said(capsys, "compress", "--run", other)[2]
    assert "outside its range" in said(capsys, "compress", "--run", ease, "--keep", "2")[2]
