"""CPU and wall time of a call, best of a few, for the benchmarks in this folder."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy: CPU time must not be spread
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import time
from collections.abc import Callable
from typing import Any


def measured(work: Callable[[], Any], repeats: int = 5) -> tuple[Any, dict[str, float]]:
    """The last answer of `work`, and the median and best milliseconds of its calls."""
    cpu, wall, answer = [], [], None
    for _ in range(repeats):
        clock, started = time.perf_counter(), time.process_time()
        answer = work()
        cpu.append((time.process_time() - started) * 1000)
        wall.append((time.perf_counter() - clock) * 1000)
    middle = repeats // 2
    return answer, {
        "cpu_ms": round(sorted(cpu)[middle], 3),
        "wall_ms": round(sorted(wall)[middle], 3),
        "best_cpu_ms": round(min(cpu), 3),
    }


def report(name: str, bar_cpu_ms: float, ours: dict, theirs: dict, **more: Any) -> dict[str, Any]:
    """Both sides with their ratio and whether the bar is kept."""
    return {
        "name": name,
        "bar_cpu_ms": bar_cpu_ms,
        "kept": ours["cpu_ms"] <= bar_cpu_ms,
        "ours": ours,
        "theirs": theirs,
        "ratio": round(theirs["cpu_ms"] / max(ours["cpu_ms"], 1e-6), 1),
    } | more
