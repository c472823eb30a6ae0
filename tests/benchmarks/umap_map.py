"""CPU seconds of a UMAP map of 20,000 x 64 vectors, as the job that the page starts.

`python tests/benchmarks/umap_map.py` prints one JSON object; the bar is 20 CPU s. The job is a
fresh process that reads the run, finds exact neighbours, lays out, measures trustworthiness and
writes the map; all of it counts. The other side is the library left to itself on the same vectors.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from core.basics.columns import ITEM, USER
from core.basics.workspace import Workspace
from core.data.snapshot import SplitTables, write_snapshot
from core.embedding.umap_map import read_map
from core.jobs.table import DONE, enqueue, read_job
from core.runs.jobs.maps import map_payload
from core.runs.making.make_run import train_run
from core.runs.making.plan import RunPlan

LIMIT = 20.0
ITEMS = {"source": 12_000, "target": 8_000}
FACTORS = 64
LIBRARY = """
import numpy as np
from umap import UMAP
vectors = np.random.default_rng(0).normal(size=(20_000, 64)).astype(np.float32)
UMAP(metric="cosine", random_state=0, n_epochs=200, init="pca").fit_transform(vectors)
"""


def main() -> None:
    """Train a run with 20,000 item vectors of 64 factors, map it, and say what it cost."""
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder))
        plan = RunPlan(make_split(workspace), "cmf_als", {"factors": FACTORS, "epochs": 1})
        run_id = train_run(plan, workspace).name
        job_id = enqueue(workspace, "map", map_payload(run_id, "items"), "short", "UMAP")
        ours = cpu_seconds(["-m", "core.runs.jobs.worker", str(workspace.root), job_id])
        job = read_job(workspace, job_id)
        assert job.status == DONE, (job.what, job.hint)
        info = read_map(workspace.maps / job.result["map"]).info
    library = cpu_seconds(["-c", LIBRARY])
    answer = {
        "what": "UMAP of 20,000 x 64 as a job",
        "cpu_seconds": round(ours, 1),
        "limit": LIMIT,
        "ratio": round(ours / LIMIT, 2),
        "points": info.shown,
        "trustworthiness": info.trustworthiness,
        "library_alone_cpu_seconds": round(library, 1),
        "ratio_to_library": round(ours / library, 2),
    }
    print(json.dumps(answer))


def cpu_seconds(arguments: list[str]) -> float:
    """User and system CPU seconds of a fresh Python process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], cwd=ROOT, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def make_split(workspace: Workspace) -> str:
    """Hash of a split in which every item has interactions and few users are held out."""
    rng = np.random.default_rng(0)
    parts = {domain: _rows(rng, domain[0], count) for domain, count in ITEMS.items()}
    held_out = parts["target"].drop_duplicates(USER).head(40)
    train = parts["target"].drop(held_out.index)
    tables = SplitTables(parts["source"], train, held_out.iloc[:20], held_out.iloc[20:], None, None)
    return write_snapshot(
        workspace.splits,
        tables,
        source_name="source",
        target_name="target",
        kind="given files",
        seed=0,
        settings={},
        dataset_hash="0" * 16,
    ).name


def _rows(rng: np.random.Generator, letter: str, n_items: int) -> pd.DataFrame:
    """Ten interactions per item by 3,000 users, each of one of 30 tastes, as items are."""
    items = np.repeat(np.arange(n_items), 10)
    users = rng.integers(0, 100, len(items)) * 30 + items % 30
    names = {USER: [f"u{user}" for user in users], ITEM: [f"{letter}{item}" for item in items]}
    return pd.DataFrame(names).drop_duplicates()


if __name__ == "__main__":
    main()
