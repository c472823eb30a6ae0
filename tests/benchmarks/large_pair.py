"""CPU and memory of every step on a large pair: `python tests/benchmarks/large_pair.py [WORK]`.

Makes two files of a million rows each (20,000 users in both, 10,000 items in each, planted tastes,
Zipf popularity, seeded), then runs every step in a fresh process and prints a table of CPU seconds
(user and system, the imports of a step left out, one thread) and of the peak memory of the process.
The start-ups are whole processes: the imports are what they measure. WORK keeps the files and what
the steps made of them; `--steps` picks some of them, `--users`, `--items`, `--rows` other sizes.
`large_pair.py --make-only WORK` writes nothing but the files.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"  # before NumPy: CPU time must not be spread
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

TASTES, STRENGTH = 20, 3.0  # planted tastes; how much more an item of the own taste is drawn
ZIPF = 0.7  # popularity of the n-th item is n ** -ZIPF
EVALUATED = 2_000  # users of the evaluations: they grow with the number of users alone
AT_ONCE = 500  # users drawn at once
COLUMNS = ("step", "bar", "CPU s", "peak MiB", "what")


def main() -> None:
    options = _options()
    if options.step:
        _answer(options)
        return
    with tempfile.TemporaryDirectory() as spare:
        work = options.work or Path(spare)
        work.mkdir(parents=True, exist_ok=True)
        if not _files(work, options.format)[0].exists():
            _child(work, "make", options)
        if options.make_only:
            return
        print("| " + " | ".join(COLUMNS) + " |\n|" + "---|" * len(COLUMNS))
        rows = [_row(work, step, options) for step in options.steps]
        print(json.dumps(rows))


def _row(work: Path, step: str, options: argparse.Namespace) -> dict[str, Any]:
    bar = {**BARS, **{name: START_BAR for name in STARTS}}.get(step)
    found = _started(step, work) if step in STARTS else _child(work, step, options)
    row = {"step": step, "bar": bar} | found
    cells = ["" if row.get(name) is None else str(row[name]) for name in COLUMNS]
    print("| " + " | ".join(cells) + " |", flush=True)
    return row


def make(work: Path, options: argparse.Namespace) -> str:
    """Write both files: users by number, in both domains; ratings of 3 to 5, higher on taste."""
    import numpy as np
    import pandas as pd

    draw = np.random.default_rng(options.seed)
    tastes = draw.integers(TASTES, size=options.users)
    names = np.array([f"user{number:06}" for number in draw.permutation(options.users)])
    for domain, file in zip(("source", "target"), _files(work, options.format), strict=True):
        users, items, liked = _drawn(draw, tastes, options)
        order = draw.permutation(len(users))
        codes = np.array([f"{domain[0]}{number:05}" for number in draw.permutation(options.items)])
        frame = pd.DataFrame(
            {
                "user_id": names[users],
                "item_id": codes[items],
                "rating": np.where(liked, 5, draw.integers(3, 6, size=len(users))),
                "timestamp": draw.integers(1_500_000_000, 1_700_000_000, size=len(users)),
            }
        ).iloc[order]
        frame.to_csv(file, index=False) if options.format == "csv" else frame.to_parquet(file)
    return f"{options.rows:,} rows in each file"


def _drawn(draw: Any, tastes: Any, options: argparse.Namespace) -> tuple[Any, Any, Any]:
    """(rows,) users and different items of each, and whether the item is of the user's taste.

    The n items of a user are those with the n earliest of exponential arrivals, whose rates are
    popularity times taste: a draw without replacement.
    """
    import numpy as np

    rates = np.arange(1, options.items + 1) ** -ZIPF
    of_item = draw.integers(TASTES, size=options.items)
    activity = draw.lognormal(sigma=0.8, size=options.users)
    most = options.items // 4
    sizes = np.minimum(most, 5 + activity / activity.sum() * options.rows).astype(int)
    while (short := options.rows - sizes.sum()) != 0:  # exactly so many rows
        some = draw.choice(options.users, size=min(abs(short), options.users), replace=False)
        sizes[some] = np.clip(sizes[some] + np.sign(short), 5, most)
    users, items = [], []
    for start in range(0, options.users, AT_ONCE):
        part = np.arange(start, min(start + AT_ONCE, options.users))
        own = tastes[part][:, None] == of_item
        rate = (rates * np.where(own, np.exp(STRENGTH), 1.0)).astype(np.float32)
        arrivals = draw.standard_exponential(rate.shape, dtype=np.float32) / rate
        for row, user in enumerate(part):
            users.append(np.full(sizes[user], user))
            items.append(np.argpartition(arrivals[row], sizes[user])[: sizes[user]])
    user, item = np.concatenate(users), np.concatenate(items)
    return user, item, tastes[user] == of_item[item]


def import_both(work: Path, options: argparse.Namespace) -> Callable[[], str]:
    from core.data.reading.ingest import import_file
    from core.data.reading.preview import guess_options

    def both() -> str:
        files = _files(work, options.format)
        done = [import_file(file, guess_options(file), work / "datasets") for file in files]
        (work / "datasets.json").write_text(json.dumps([str(one.folder) for one in done]))
        return f"{sum(one.kept for one in done):,} rows kept"

    return both


def build(work: Path, options: argparse.Namespace) -> Callable[[], str]:
    from core.data.build_pair import build_pair
    from core.data.database import in_memory
    from core.data.pair_folder import PairSettings

    def pair() -> str:
        with in_memory(work, threads=1) as connection:
            made = build_pair(connection, _inputs(work), PairSettings(), work / "pairs")
        (work / "pair.json").write_text(json.dumps(str(made)))
        return made.name

    return pair


def check(work: Path, options: argparse.Namespace) -> Callable[[], str]:
    from core.data.checks.quality import check_pair
    from core.data.database import in_memory

    def checks() -> str:
        with in_memory(work, threads=1) as connection:
            found = check_pair(connection, _kept(work, "pair"), _inputs(work))
        return ", ".join(f"{one.key} {one.light}" for one in found)

    return checks


def split(work: Path, options: argparse.Namespace) -> Callable[[], str]:
    from core.data.splitting import SplitSettings, split_pair

    def made() -> str:
        folder = split_pair(_kept(work, "pair"), SplitSettings(), 2022, work / "splits")
        (work / "split.json").write_text(json.dumps(str(folder)))
        return folder.name

    return made


def read_split(work: Path, options: argparse.Namespace) -> Callable[[], str]:
    from core.data.snapshot import read_snapshot

    def read() -> str:
        found = read_snapshot(_kept(work, "split"))
        return f"{found.train.target.nnz:,} target rows to train on"

    return read


def fit_ease(work: Path, options: argparse.Namespace) -> Callable[[], str]:
    import numpy as np

    from core.data.snapshot import read_snapshot
    from core.models.registry import build

    train = read_snapshot(_kept(work, "split")).train

    def fitted() -> str:
        model = build("ease", {"solver": options.solver})
        for _ in model.fit_epochs(train, 2022):
            pass
        np.savez(work / f"ease-{options.solver}.npz", **model.state())
        return type(model.form).__name__

    return fitted


def evaluate_ease(work: Path, options: argparse.Namespace) -> Callable[[], str]:
    from dataclasses import replace

    import numpy as np
    from scipy.sparse import diags

    from core.data.snapshot import read_snapshot
    from core.evaluation.evaluate import evaluate
    from core.fusion.candidates import DEPTH
    from core.models.registry import build

    whole = read_snapshot(_kept(work, "split"))
    users = np.flatnonzero(np.diff(whole.test.indptr))
    drawn = np.random.default_rng(0).permutation(users)[:EVALUATED]
    kept = np.zeros(whole.test.shape[0], dtype=np.float32)
    kept[drawn] = 1
    test = (diags(kept) @ whole.test).tocsr()
    test.eliminate_zeros()
    some = replace(whole, test=test)
    model = build("ease", {"solver": options.solver})
    with np.load(work / f"ease-{options.solver}.npz") as state:
        model.restore(whole.train, {name: state[name] for name in state.files})

    def found() -> str:
        evaluation = evaluate(model.score, some, "test", depth=DEPTH)
        mean = evaluation.per_user["ndcg@10"].mean()
        return f"{len(drawn):,} users, nDCG@10 {mean:.4f}"

    return found


STEPS: dict[str, Callable[[Path, argparse.Namespace], Callable[[], str]]] = {
    "import": import_both,
    "build": build,
    "quality": check,
    "split": split,
    "read": read_split,
    "fit": fit_ease,
    "evaluate": evaluate_ease,
}
STARTS = {  # a whole process; the second ends where `run` finds no file, with everything imported
    "help": ["run", "--help"],
    "start": ["run", "--source", "none.csv", "--target", "other.csv", "--model", "ease"],
}
BARS = {"split": 4.0, "read": 0.5, "quality": 15.0, "evaluate": 1.5}  # evaluate: of 1,000 users
START_BAR = 1.5


def _answer(options: argparse.Namespace) -> None:
    """Run one step in this process and print what it cost."""
    work = options.work
    ready = (
        (lambda: make(work, options))
        if options.step == "make"
        else STEPS[options.step](work, options)
    )
    before = time.process_time()
    what = ready()
    cpu = time.process_time() - before
    if options.step == "evaluate":
        cpu /= EVALUATED / 1000
    print(json.dumps({"CPU s": round(cpu, 2), "peak MiB": _peak(), "what": what}))


def _peak() -> int:
    """Highest memory of this process in MiB; a child's usage would count its parent's too."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) // 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 20


def _child(work: Path, step: str, options: argparse.Namespace) -> dict[str, Any]:
    sizes = [f"--{name}={getattr(options, name)}" for name in ("users", "items", "rows", "seed")]
    chosen = [*sizes, f"--format={options.format}", f"--solver={options.solver}"]
    command = [sys.executable, __file__, str(work), "--step", step, *chosen]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        return {"what": done.stderr.strip().splitlines()[-1]}
    return json.loads(done.stdout.splitlines()[-1])


def _started(name: str, work: Path) -> dict[str, Any]:
    """CPU of a whole process, the best of three: the first one fills the caches of the disk."""
    costs = []
    command = [sys.executable, "-m", "core", *STARTS[name]]
    if name != "help":
        command += ["--workspace", str(work / "workspace")]
    for _ in range(3):
        child = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        _, _, usage = os.wait4(child.pid, 0)
        child.returncode = 0
        costs.append((usage.ru_utime + usage.ru_stime, usage.ru_maxrss // 1024))
    cpu, peak = min(costs)
    return {"CPU s": round(cpu, 2), "peak MiB": peak, "what": "python -m core " + STARTS[name][0]}


def _files(work: Path, ending: str) -> tuple[Path, Path]:
    return work / f"source.{ending}", work / f"target.{ending}"


def _kept(work: Path, name: str) -> Path:
    return Path(json.loads((work / f"{name}.json").read_text()))


def _inputs(work: Path) -> Any:
    from core.data.pair_folder import PairInputs

    folders = json.loads((work / "datasets.json").read_text())
    return PairInputs(*(Path(folder) / "interactions.parquet" for folder in folders))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path, nargs="?")
    parser.add_argument("--steps", nargs="+", default=[*STARTS, *STEPS])
    parser.add_argument("--users", type=int, default=20_000)
    parser.add_argument("--items", type=int, default=10_000, help="of each domain")
    parser.add_argument("--rows", type=int, default=1_000_000, help="of each file")
    parser.add_argument("--seed", type=int, default=2022)
    parser.add_argument("--format", choices=("csv", "parquet"), default="csv")
    parser.add_argument("--solver", choices=("auto", "primal", "dual"), default="auto")
    parser.add_argument("--make-only", action="store_true")
    parser.add_argument("--step", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
