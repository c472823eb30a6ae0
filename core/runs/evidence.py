"""All there is to judge a run by: its twin, its floor, its twin trained again, and other seeds."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd

from core.evaluation.verdict import Comparison
from core.runs.seeds import same_but_seed
from core.store.reseeded import reseeded_metrics
from core.store.run_folder import Run

FLOORS = {"ranking": "popularity", "rating": "biases"}  # what stands beside a run, by its task
Read = Callable[[Run, str], pd.DataFrame]  # a run's metrics per user, by part


def comparison_of(
    run: Run,
    part: str,
    segments: pd.DataFrame,
    runs: Sequence[Run] = (),
    read: Read = Run.metrics,
) -> Comparison:
    """What the verdict and every picture of lifts are made of.

    runs: those of the workspace, among which other seeds of the run are found.
    """
    record = run.record
    seeds = [run, *same_but_seed(run, runs)]
    return Comparison(
        run=read(run, part),
        twin=read(run.twin, part) if run.twin else None,
        popularity=read(run.floor, part) if run.floor else None,
        segments=segments,
        source_name=record["source_name"],
        target_name=record["target_name"],
        floor=FLOORS[run.card.task],
        source_speaks=run.card.source_speaks,
        again=reseeded_metrics(run, part),
        seeds=[(read(one, part), read(one.twin, part)) for one in seeds if one.twin],
    )
