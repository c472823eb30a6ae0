"""Placebos are kept beside their run: a frame of metrics per deal, in the order of the deals."""

import pandas as pd
import pytest

from core.basics.columns import TEST, USER, VALID
from core.basics.files import write_json
from core.models.registry import CARDS
from core.store.measured import (
    Placebos,
    placebo_metrics,
    placebos_are_damaged,
    read_placebos,
    write_placebos,
)
from core.store.run_folder import Run


@pytest.fixture
def run(tmp_path, monkeypatch) -> Run:
    """A folder that is a run of EASE as far as what stands beside it is concerned."""
    monkeypatch.setattr(Run, "card", CARDS["ease"])
    write_json(tmp_path / "run.json", {})
    return Run(tmp_path, {})


def test_placebos_come_back_by_deal_and_part_and_a_broken_record_is_none(tmp_path, run):
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
    assert placebo_metrics(run, TEST) == []
    assert placebos_are_damaged(run)


BENDS = {
    "words for figures": lambda rows: rows.astype({"ndcg@10": str}),
    "no headline metric": lambda rows: rows.drop(columns="ndcg@10"),
    "users twice": lambda rows: pd.concat([rows, rows]),
    "one part alone": lambda rows: rows[rows["part"] == VALID],
}


@pytest.mark.parametrize("bend", BENDS)
def test_bent_metrics_of_a_placebo_are_damage_and_no_figures(tmp_path, run, bend):
    """Seen: such a file ended `placebo`, the verdict and the Metrics page in a traceback."""
    frame = pd.DataFrame({USER: [0, 1], "ndcg@10": [0.1, 0.5]})
    write_placebos(run, Placebos([7], 1.0, 0.5), {TEST: [frame], VALID: [frame]})
    path = tmp_path / "placebo" / "metrics.parquet"
    BENDS[bend](pd.read_parquet(path)).to_parquet(path, index=False)
    assert placebo_metrics(run, TEST) == []
    assert placebos_are_damaged(run)
