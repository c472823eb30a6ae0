"""`python -m core blend` and `compress`: figures on the last line, refusals in two sentences."""

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


def test_a_compression_from_the_command_line_tells_size_and_quality(capsys, world):
    code, out, _ = said(
        capsys, "compress", "--run", world.runs["ease"].folder, "--kind", "pruned", "--keep", "0.2"
    )
    found = json.loads(out)["compression"]
    assert code == 0
    assert found["words"] == "pruned to 20 %"
    assert found["bytes"]["after"] < found["bytes"]["before"]


def test_what_cannot_be_done_is_said_in_two_sentences(capsys, world, tmp_path):
    ease = world.runs["ease"].folder
    code, _, err = said(capsys, "blend", "--runs", ease, ease)
    assert (code, err.count(". ") + err.endswith(".")) == (2, 2)
    other = bench(tmp_path, {"popularity": {}}).runs["popularity"].folder
    assert "different workspaces" in said(capsys, "blend", "--runs", ease, other)[2]
    assert "no table" in said(capsys, "compress", "--run", other)[2]
    assert "outside its range" in said(capsys, "compress", "--run", ease, "--keep", "2")[2]
