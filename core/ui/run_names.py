"""Names of runs that differ: boxes tell their choices apart by what is written on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime

from core.store.run_folder import Run
from core.ui import cached


def run_names(runs: list[Run]) -> dict[str, str]:
    """A name for every run id, all different: its label, and what differs where labels repeat."""
    names = {run.id: run.label for run in runs}
    for add in (_pair, _split, _time, _id):
        names = _told_apart(names, runs, add)
    return names


def _told_apart(
    names: dict[str, str], runs: list[Run], add: Callable[[Run], str]
) -> dict[str, str]:
    """The names, with something added to those that several runs bear, if that helps."""
    seen = Counter(names.values())
    added = {run.id: add(run) for run in runs if seen[names[run.id]] > 1}
    return {
        id: f"{name} · {added[id]}"
        if id in added and len({added[other] for other in added if names[other] == name}) > 1
        else name
        for id, name in names.items()
    }


def _pair(run: Run) -> str:
    return f"{run.record['source_name']} → {run.record['target_name']}"


def _split(run: Run) -> str:
    split_hash = run.record["split_hash"]
    here = split_hash in cached.split_hashes()
    return cached.split_info(split_hash).kind if here else f"split {split_hash[:8]}"


def _time(run: Run) -> str:
    return f"{datetime.fromtimestamp(run.record['created']):%d %b %H:%M:%S}"


def _id(run: Run) -> str:
    return run.id
