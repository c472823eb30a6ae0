"""Looks at test are counted by point, and a broken count hides nothing."""

from core.basics.files import write_json
from core.store.measured import count_look, looks
from core.store.run_folder import Run

POINT = {"alpha": 0.5, "beta": 1.0, "kind": "weighted sum", "scale": "raw", "k": 10}


def test_a_point_counts_once_and_another_point_again(tmp_path):
    write_json(tmp_path / "run.json", {})
    run = Run(tmp_path, {})
    assert looks(run) == []
    assert count_look(run, POINT) == 1
    assert count_look(run, dict(POINT)) == 1
    assert count_look(run, POINT | {"alpha": 0.6}) == 2
    assert looks(run)[0] == POINT


def test_a_broken_file_starts_the_count_anew(tmp_path):
    (tmp_path / "looks.json").write_text("{", encoding="utf-8")
    assert looks(Run(tmp_path, {})) == []
