"""Placebos are kept beside their run: a frame of metrics per deal, in the order of the deals."""

import pandas as pd

from core.basics.columns import TEST, USER, VALID
from core.basics.files import write_json
from core.store.measured import (
    Placebos,
    placebo_metrics,
    placebos_are_damaged,
    read_placebos,
    write_placebos,
)
from core.store.run_folder import Run


def test_placebos_come_back_by_deal_and_part_and_a_broken_record_is_none(tmp_path):
    write_json(tmp_path / "run.json", {})
    run = Run(tmp_path, {})
    assert read_placebos(run) is None
    assert placebo_metrics(run, TEST) == []
    info = Placebos([7, 8], seconds=1.0, cpu_seconds=0.5, evaluation_cpu_seconds=0.2)
    frames = [pd.DataFrame({USER: [0, 1], "ndcg@10": [value, 0.5]}) for value in (0.1, 0.2, 0.3)]
    write_placebos(run, info, {TEST: frames[:2], VALID: frames[1:]})
    assert read_placebos(run) == info
    assert [frame["ndcg@10"][0] for frame in placebo_metrics(run, TEST)] == [0.1, 0.2]
    assert [frame["ndcg@10"][0] for frame in placebo_metrics(run, VALID)] == [0.2, 0.3]
    assert list(placebo_metrics(run, TEST)[0].columns) == [USER, "ndcg@10"]
    (tmp_path / "placebo" / "placebo.json").write_text("{", encoding="utf-8")
    assert read_placebos(run) is None
    assert placebos_are_damaged(run)
