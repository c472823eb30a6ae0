"""CPU of all trust checks of a pair, and what they say: `python …/trust_checks.py DATA [PAIR …]`.

DATA holds one folder per pair with `source.csv` and `target.csv`. Where a pair also has `split/`
and `split_nodup/`, whose source lacks the cross-listed items, the share of leaked test rows that
the detector finds on the training rows alone is told: rows whose target item is, by cosine above
.8 over at least 5 users of all rows, a source item of the user's own history. Bar: 10 CPU s.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

from measuring import measured  # noqa: I001  (before NumPy: it sets the threads)

import argparse
import json
import tempfile
from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd

from core.basics.columns import ITEM, USER
from core.data.checks.cross_listed import SOURCE_ITEM, TARGET_ITEM, find_cross_listed
from core.data.database import in_memory
from core.data.reading.ingest import import_file
from core.data.pair_folder import as_domain_pair
from core.data.pair_folder import PairInputs, PairSettings
from core.data.reading.preview import guess_options
from core.data.build_pair import build_pair
from core.data.checks.quality import check_pair
from core.data.checks.same_people import match_users

SHARES = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0)
BAR = 10_000.0  # CPU ms
DEFAULT = ("amazon-elec-phone", "negative-control-facebook")


def main(data: Path, pairs: list[str]) -> None:
    """One JSON object per pair."""
    for pair in pairs:
        with tempfile.TemporaryDirectory() as work:
            print(
                json.dumps({"pair": pair} | checked(data / pair, Path(work)) | leaked(data / pair))
            )


def covered(folder: Path, repeats: int) -> None:
    """One JSON object per share of the shared ids that are the same people."""
    rows = [
        pd.read_csv(folder / f"{domain}.csv", dtype=str)[[USER, ITEM]].drop_duplicates()
        for domain in ("source", "target")
    ]
    pair = as_domain_pair(*rows)
    shared = np.flatnonzero(pair.shared)
    for share in SHARES:
        found = []
        for seed in range(repeats):
            draw = np.random.default_rng(seed)
            owner = np.arange(len(pair.users))
            wrong = draw.permutation(shared)[: round((1 - share) * len(shared))]
            owner[wrong] = np.roll(wrong, 1)
            found.append(match_users(replace(pair, target=pair.target[owner]), seed))
        inside = [one.share_low - 1e-9 <= share <= one.share_high + 1e-9 for one in found]
        told = {
            "pair": folder.name,
            "share": share,
            "covered": f"{sum(inside)} of {repeats}",
            "low": round(float(np.mean([one.share_low for one in found])), 2),
            "high": round(float(np.mean([one.share_high for one in found])), 2),
            "lights": dict(Counter(one.verdict for one in found)),
        }
        print(json.dumps(told), flush=True)


def checked(folder: Path, work: Path) -> dict:
    """Lights by question and the CPU of all of them together."""
    files = [folder / f"{domain}.csv" for domain in ("source", "target")]
    imported = [import_file(file, guess_options(file), work / "datasets") for file in files]
    inputs = PairInputs(*(done.folder / "interactions.parquet" for done in imported))
    with in_memory(work, threads=1) as connection:
        made = build_pair(connection, inputs, PairSettings(target_core=0), work / "pairs")
        checks, cost = measured(lambda: check_pair(connection, made, inputs), repeats=1)
    lights = {check.key: check.light for check in checks}
    return {"cpu_ms": cost["cpu_ms"], "kept": cost["cpu_ms"] <= BAR, "lights": lights}


def leaked(folder: Path) -> dict:
    """How many test rows leak, and the share of them that the detector finds."""
    if not (folder / "split_nodup").exists():
        return {}
    names = ("source_train", "target_train", "target_valid", "target_test")
    parts = [
        pd.read_csv(folder / "split" / f"{name}.csv", dtype=str)[[USER, ITEM]] for name in names
    ]
    source, train, _, test = parts
    truth = rows_of(alike(source, pd.concat(parts[1:])), source, test)
    found = rows_of(find_cross_listed(as_domain_pair(source, train)).pairs, source, test)
    return {"leaked_rows": len(truth), "found": round(len(truth & found) / len(truth), 3)}


def alike(source: pd.DataFrame, target: pd.DataFrame) -> pd.DataFrame:
    """Pairs of items with a cosine above .8 over at least 5 common users."""
    pair = as_domain_pair(source, target)
    common = (pair.source.tocsc().T @ pair.target.tocsc()).tocoo()
    sizes = [np.bincount(m.indices, minlength=m.shape[1]) for m in (pair.source, pair.target)]
    cosine = common.data / np.sqrt(sizes[0][common.row] * sizes[1][common.col])
    near = (common.data >= 5) & (cosine > 0.8)
    items = pair.source_items.names(common.row[near]), pair.target_items.names(common.col[near])
    return pd.DataFrame(dict(zip((SOURCE_ITEM, TARGET_ITEM), items, strict=True)))


def rows_of(pairs: pd.DataFrame, source: pd.DataFrame, test: pd.DataFrame) -> set[tuple[str, str]]:
    """Test rows whose item is one of the user's own source items under another id."""
    known = source.merge(pairs[[SOURCE_ITEM, TARGET_ITEM]], left_on=ITEM, right_on=SOURCE_ITEM)
    both = test.merge(known, left_on=[USER, ITEM], right_on=[USER, TARGET_ITEM])
    return set(zip(both[USER], both[TARGET_ITEM], strict=True))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("pairs", nargs="*", default=list(DEFAULT))
    parser.add_argument("--shares", type=int, default=0, help="pairs of every planted share")
    options = parser.parse_args()
    if options.shares:
        for name in options.pairs:
            covered(options.data / name, options.shares)
    else:
        main(options.data, options.pairs)
