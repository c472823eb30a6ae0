"""What a piece of work cost: wall seconds, CPU seconds and peak memory of this process."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

_RSS_PER_MIB = 1024**2 if sys.platform == "darwin" else 1024  # ru_maxrss: bytes there, KiB here


@dataclass
class Cost:
    """Filled in when the measured block ends."""

    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0  # user and system, all threads
    peak_rss_mib: float = 0.0  # highest of the process so far

    def to_dict(self) -> dict[str, float]:
        """Plain values, rounded to what can be trusted."""
        return {name: round(value, 3) for name, value in asdict(self).items()}


@contextmanager
def measured() -> Iterator[Cost]:
    """The cost of the block."""
    cost = Cost()
    wall, cpu = time.perf_counter(), time.process_time()
    try:
        yield cost
    finally:
        cost.wall_seconds = time.perf_counter() - wall
        cost.cpu_seconds = time.process_time() - cpu
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        cost.peak_rss_mib = peak / _RSS_PER_MIB
