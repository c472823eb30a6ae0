"""All there is to judge a run by: its twin, its floor, its twin trained again, and other seeds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations

import pandas as pd

from core.evaluation.noise_floor import Pair
from core.evaluation.verdict import Comparison
from core.runs.seeds import same_but_seed
from core.store.measured import BY_SEED, read_reseeded, reseeded_metrics
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
        again=_other_seeds_of_twin(run, part),
        seeds=[(read(one, part), read(one.twin, part)) for one in seeds if one.twin],
    )


def equal_twins(run: Run, part: str, read: Read = Run.metrics) -> list[Pair]:
    """Pairs of twins that differ by chance alone; none where the noise floor was not measured.

    The twin and each of its other seeds; or, where users were drawn anew, those twins with each
    other: each knows fewer users than the twin itself and is worse for it.
    """
    info, again = read_reseeded(run), reseeded_metrics(run, part)
    if info is None or run.twin is None:
        return []
    if info.how == BY_SEED:
        return [(other, read(run.twin, part)) for other in again]
    return list(combinations(again, 2))


def _other_seeds_of_twin(run: Run, part: str) -> list[pd.DataFrame]:
    """What a lift has to be beyond.

    Twins on users drawn anew say nothing here: a run and its twin learn from the same users, and
    what those users happen to be is in both.
    """
    info = read_reseeded(run)
    return reseeded_metrics(run, part) if info is not None and info.how == BY_SEED else []
