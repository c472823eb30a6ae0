"""Maps that were computed: kept whole under the hash of what they were made from."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd

from core.basics.files import fingerprint, read_record, whole_folder, write_json
from core.basics.types import FloatArray, IntArray
from core.embedding.sample import LIMIT
from core.embedding.umap_map import EPOCHS, MIN_DIST, NEIGHBOURS

PLACES, ABOUT = "map.parquet", "map.json"
ROW, X, Y = "row", "x", "y"  # row: which of the points this is


@dataclass(frozen=True)
class MapInfo:
    """What a map shows and how it came about."""

    made_from: str  # run id, or the split's hash where the vectors come from the interactions
    what: str
    seed: int
    shown: int
    of: int
    trustworthiness: float | None
    cpu_seconds: float
    versions: dict[str, str]


@dataclass(frozen=True)
class KeptMap:
    """A map as it was kept: rows of the points that are shown, and their places (n, 2)."""

    info: MapInfo
    rows: IntArray
    places: FloatArray


def map_name(made_from: str, what: str, seed: int) -> str:
    """Name of the folder of a map: the same vectors, seed, settings and library, the same name."""
    settings = [LIMIT, NEIGHBOURS, EPOCHS, MIN_DIST]
    return fingerprint("umap", made_from, what, seed, settings, version("umap-learn"))


def write_map(root: Path, kept: KeptMap, beside: Path | None = None) -> Path:
    """Keep the map under `root`, whole or not at all; answers its folder.

    beside: record of the run or split it shows; DataError is raised where that was deleted.
    """
    info = kept.info
    folder = root / map_name(info.made_from, info.what, info.seed)
    frame = pd.DataFrame(
        {ROW: kept.rows.astype(np.int32), X: kept.places[:, 0], Y: kept.places[:, 1]}
    )
    damaged = read_map(folder) is None  # it would keep its place
    with whole_folder(folder, beside, anew=damaged) as part:
        frame.to_parquet(part / PLACES, index=False)
        write_json(part / ABOUT, asdict(info))
    return folder


def read_map(folder: Path) -> KeptMap | None:
    """The map of a folder, None where there is none, or a damaged one that can be drawn again."""
    info = read_record(folder / ABOUT, MapInfo)
    if info is None:
        return None
    try:
        frame = pd.read_parquet(folder / PLACES, columns=[ROW, X, Y])
    except (OSError, ValueError):
        return None
    return KeptMap(info, frame[ROW].to_numpy(), frame[[X, Y]].to_numpy(dtype=np.float32))
