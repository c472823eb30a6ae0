"""Looks at the test users: every point of the weights that was tested is written down."""

from __future__ import annotations

from typing import Any

from core.basics.errors import DataError
from core.basics.files import read_json, write_json
from core.store.run_folder import RECORD, Run, check_there

LOOKS = "looks.json"

Point = dict[str, Any]  # plain values: weights, kind, scale, k


def looks(run: Run) -> list[Point]:
    """Points whose test figures were shown so far, the first one first."""
    path = run.folder / LOOKS
    if not path.exists():
        return []
    try:
        kept = read_json(path)
    except DataError:
        return []  # a broken count must not hide the run
    return [point for point in kept if isinstance(point, dict)] if isinstance(kept, list) else []


def count_look(run: Run, point: Point) -> int:
    """Write the point down unless it is there, and answer how many there are.

    Raises RunError for a run that was deleted since.
    """
    points = looks(run)
    if point not in points:
        points.append(point)
        check_there(run)
        write_json(run.folder / LOOKS, points, beside=run.folder / RECORD)
    return len(points)
