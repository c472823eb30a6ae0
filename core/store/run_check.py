"""A run that comes from elsewhere is checked whole before it is taken in: every file of it.

Pages read what is here without looking again, so whatever they could stumble over is refused with
the name of what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from scipy.sparse import csr_matrix

from core.basics.columns import (
    BASE,
    HAS_SOURCE,
    HAS_TARGET,
    ITEM,
    OWN,
    PART,
    RATING,
    SHARE,
    SOURCE,
    TARGET,
    TEST,
    USER,
    USERS,
    VALID,
)
from core.basics.errors import CrosswalkError, RunError
from core.basics.types import IdMap, Vectors
from core.data.pair import DomainPair, read_described
from core.data.snapshot import read_info, read_snapshot
from core.models.made.blend import Blend
from core.models.made.compress import decompressed
from core.models.made.recorded import ROUTE, UPLOADED, build_recorded, check_settings
from core.models.made.route import Routed
from core.models.protocol import CrossDomainModel
from core.store import measured
from core.store.record import is_metric
from core.store.run_folder import (
    BIAS,
    ENTRIES,
    METRICS,
    POPULARITY,
    RUN,
    SCALES,
    TWIN,
    WEIGHTS,
    Run,
    read_record,
)

IDS = "ids"  # folder of the id maps inside a bundle
PARTS = (VALID, TEST)
RATINGS = "ratings"  # beside errors: how many ratings they are over
DEEPEST, WIDEST = 10_000, 1_000  # a list of candidates, a recommended list
_INT, _FLOAT, _BOOL = pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean
_MOST_BYTES = 8 << 30  # of one table unpacked


@dataclass(frozen=True)
class Sizes:
    """How many users and items the run's split has; None where nothing tells."""

    users: int | None
    target_items: int | None


def check_run(folder: Path, snapshot: Path) -> None:
    """Refuse a run that could not be shown; raises RunError naming what is wrong with which file.

    snapshot: folder of its split, which may not be there; the run's own id maps then say how many
    users and items there are.
    """
    run = Run(folder, read_record(folder))
    run.check_beside()
    if (run.record.model == UPLOADED) != (run.record.upload is not None):
        _refuse(run, "run.json", "it does not fit its kind of run (upload)")
    if run.record.route is not None and run.record.model != ROUTE:
        _refuse(run, "run.json", "it does not fit its kind of run (route)")
    for role, contender in _contenders(run).items():
        if contender.record.role != role:
            _refuse(contender, "run.json", f"its role is {contender.record.role}, not {role}")
        check_settings(contender.record.untrained)
    train, sizes = _pair_of(run, snapshot)
    for contender in _contenders(run).values():
        # Numbers of the users of every part, in order
        table = _table(contender, contender.folder / METRICS, METRICS)
        users = _checked_metrics(contender, table, METRICS, sizes)
        for part in PARTS:
            _check_lists(contender, part, users[part], sizes)
            _check_candidates(contender, part, users[part], sizes)
            _check_predictions(contender, part, sizes)
        _check_weights(contender, train)
    _check_beside(run, sizes)


def _contenders(run: Run) -> dict[str, Run]:
    found = {RUN: run, TWIN: run.twin, POPULARITY: run.popularity, BIAS: run.bias}
    return {role: one for role, one in found.items() if one is not None}


def _refuse(run: Run, file: str, why: str) -> NoReturn:
    role = run.record.role
    whose = "" if role == RUN else f" of its {role}"
    raise RunError(
        what=f"{file}{whose} is not what a run has: {why}.",
        hint="Download the run again from where it was trained.",
    )


def _pair_of(run: Run, snapshot: Path) -> tuple[DomainPair | None, Sizes]:
    """The pair the weights belong to, or one of its sizes with the ids that came with the run."""
    if (snapshot / "split.json").exists():
        train = read_snapshot(snapshot).train
        return train, Sizes(len(train.users), len(train.target_items))
    ids = run.folder / IDS
    if not ids.exists():
        return None, Sizes(None, None)
    try:
        info = read_info(ids)
        plain = all(isinstance(getattr(info, name), str) for name in ("kind", "source_name"))
        if not plain or info.split_hash != run.record.split_hash:
            _refuse(run, "ids/split.json", "it tells of another split")
        users = _ids_in(run, ids / "users.parquet", USER)
        for domain in (SOURCE, TARGET):
            _ids_in(run, ids / f"items_{domain}.parquet", ITEM)
        source, source_features = read_described(ids, SOURCE)
        target, target_features = read_described(ids, TARGET)
    except (OSError, TypeError, ValueError, KeyError, AttributeError) as error:
        _refuse(run, "ids", f"the id maps cannot be read ({type(error).__name__})")
    train = DomainPair(
        users,
        source,
        target,
        _one_each(len(users), len(source)),
        _one_each(len(users), len(target)),
        source_features,
        target_features,
    )
    return train, Sizes(len(users), len(target))


def _one_each(n_users: int, n_items: int) -> csr_matrix:
    """An interaction of every user, so that nothing divides by nothing."""
    users = np.arange(n_users)
    places = (users, users % max(1, n_items))
    return csr_matrix((np.ones(n_users, dtype=np.float32), places), shape=(n_users, n_items))


def _ids_in(run: Run, path: Path, column: str) -> IdMap:
    table = _table(run, path, f"ids/{path.name}")
    names = table.column(column).to_pylist() if column in table.column_names else []
    texts = all(isinstance(name, str) and name for name in names)
    if not names or not texts or len(set(names)) < len(names):
        _refuse(run, f"ids/{path.name}", f"its {column} are no ids that are all different texts")
    return IdMap(np.array(names, dtype=object))


def _table(run: Run, path: Path, shown: str) -> pa.Table:
    """All of a Parquet file; looked at before it is unpacked."""
    try:
        file = pq.ParquetFile(path)
        about = file.metadata
        size = sum(about.row_group(place).total_byte_size for place in range(about.num_row_groups))
        if size > _MOST_BYTES:
            _refuse(run, shown, f"it unpacks to {size / 1e9:,.1f} GB")
        return file.read()
    except (OSError, pa.ArrowException, ValueError) as error:
        said = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        _refuse(run, shown, f"it cannot be read ({said})")


def _column(
    run: Run, table: pa.Table, shown: str, name: str, kind: Callable[[pa.DataType], bool]
) -> np.ndarray:
    """A column without gaps, of a kind."""
    if name not in table.column_names:
        _refuse(run, shown, f"it has no column {name}")
    column = table.column(name)
    if not kind(column.type) or column.null_count:
        _refuse(run, shown, f"its column {name} holds {column.type} or gaps")
    return column.to_numpy()


def _check_numbers(
    run: Run, shown: str, what: str, values: np.ndarray, most: int | None, least: int = 0
) -> None:
    if len(values) and (values.min() < least or (most is not None and values.max() >= most)):
        _refuse(run, shown, f"it names {what} that are not in the split")


def _checked_metrics(
    run: Run, table: pa.Table, shown: str, sizes: Sizes, apart: tuple[str, ...] = ()
) -> dict[str, np.ndarray]:
    """apart: further columns that tell one user's rows of a part from each other."""
    users = _column(run, table, shown, USER, _INT)
    _check_numbers(run, shown, "users", users, sizes.users)
    parts = table.column(PART).to_pylist() if PART in table.column_names else [None]
    if set(parts) - set(PARTS):
        _refuse(run, shown, "its rows are not of validation and test")
    for name in table.column_names:
        if name in (USER, PART, *apart):
            continue
        if name != RATINGS and not is_metric(name):
            _refuse(run, shown, f"there is no metric {name[:60]!r}")
        kind = table.schema.field(name).type
        if not (_FLOAT(kind) or _INT(kind)):
            _refuse(run, shown, f"its column {name} holds {kind}")
        values = table.column(name).to_numpy()
        if np.isinf(np.asarray(values, dtype=np.float64)).any():
            _refuse(run, shown, f"its column {name} holds infinite values")
    frame = table.select([USER, PART, *apart]).to_pandas()
    if frame.duplicated().any():
        _refuse(run, shown, "it has two rows of one user")
    found = {part: np.sort(frame.loc[frame[PART] == part, USER].unique()) for part in PARTS}
    for part, there in found.items():
        counted = run.record.counts[part][USERS]
        if len(there) != counted:
            _refuse(run, shown, f"it has {len(there)} {part} users, its record {counted}")
    needed = run.card.task.metric
    if needed not in table.column_names:
        _refuse(run, shown, f"it has no column {needed}")
    for part in PARTS:
        if needed not in run.record.figures(part):
            _refuse(run, "run.json", f"it has no {needed} of {part}")
    return found


def _check_users(run: Run, shown: str, users: np.ndarray, expected: np.ndarray) -> None:
    if len(users) != len(expected) or (np.sort(users) != expected).any():
        _refuse(run, shown, "its users are not those of the metrics")


def _check_lists(run: Run, part: str, expected: np.ndarray, sizes: Sizes) -> None:
    shown = f"lists_{part}.parquet"
    if not (run.folder / shown).exists():
        return  # older versions kept none
    table = _table(run, run.folder / shown, shown)
    _check_users(run, shown, _column(run, table, shown, USER, _INT), expected)
    kind = table.schema.field(ITEM).type if ITEM in table.column_names else pa.null()
    fixed = pa.types.is_fixed_size_list(kind) and _INT(kind.value_type)
    if not fixed or kind.list_size > WIDEST or table.column(ITEM).null_count:
        _refuse(run, shown, "it has no lists of item numbers")
    items = table.column(ITEM).combine_chunks().flatten().to_numpy(zero_copy_only=False)
    _check_numbers(run, shown, "items", items, sizes.target_items, least=-1)


def _check_candidates(run: Run, part: str, expected: np.ndarray, sizes: Sizes) -> None:
    shown = f"candidates_{part}.parquet"
    if not (run.folder / shown).exists():
        if run.record.role == RUN and not run.card.task.rates and run.has_model:
            _refuse(run, shown, "it is missing")
        return
    table = _table(run, run.folder / shown, shown)
    _check_users(run, shown, _column(run, table, shown, USER, _INT), expected)
    for name in ("has_source", "has_target"):
        _column(run, table, shown, name, _BOOL)
    depth = (table.schema.metadata or {}).get(b"depth", b"")
    if not depth.isdigit() or not 0 < int(depth) <= DEEPEST:
        _refuse(run, shown, "it does not say how deep it goes")
    lengths = None
    for name in ENTRIES:
        values, of_users = _entries(run, table, shown, name)
        if lengths is not None and (of_users != lengths).any():
            _refuse(run, shown, f"its lists of {name} have other lengths than its items")
        lengths = of_users
        whole = name in ("items", "source_rank", "target_rank", "dominators")
        if whole:
            least, most = (0, sizes.target_items) if name == "items" else (0, 1 << 31)
            _check_numbers(run, shown, name, values, most, least)
        elif not np.isfinite(values).all():
            _refuse(run, shown, f"its {name} are not finite")
    for name in SCALES:
        kind = table.schema.field(name).type if name in table.column_names else pa.null()
        if not pa.types.is_fixed_size_list(kind) or not _FLOAT(kind.value_type):
            _refuse(run, shown, f"it has no {name}")
        if kind.list_size != 4 or table.column(name).null_count:
            _refuse(run, shown, f"its {name} is not four numbers a user")
        values = table.column(name).combine_chunks().flatten()
        if values.null_count or not np.isfinite(values.to_numpy()).all():
            _refuse(run, shown, f"its {name} is not finite")


def _entries(run: Run, table: pa.Table, shown: str, name: str) -> tuple[np.ndarray, np.ndarray]:
    """All values of a list column, and how many each user has."""
    kind = table.schema.field(name).type if name in table.column_names else pa.null()
    floats = name in ("source", "target", "base")
    if not pa.types.is_list(kind) or not (_FLOAT if floats else _INT)(kind.value_type):
        _refuse(run, shown, f"it has no lists of {name}")
    column = table.column(name).combine_chunks()
    values = column.flatten()
    if column.null_count or values.null_count:
        _refuse(run, shown, f"its lists of {name} have gaps")
    return values.to_numpy(zero_copy_only=False), np.diff(column.offsets.to_numpy())


def _check_predictions(run: Run, part: str, sizes: Sizes) -> None:
    shown = f"predictions_{part}.parquet"
    if not (run.folder / shown).exists():
        if run.record.role == RUN and run.card.task.rates:
            _refuse(run, shown, "it is missing")
        return
    table = _table(run, run.folder / shown, shown)
    _check_numbers(run, shown, "users", _column(run, table, shown, USER, _INT), sizes.users)
    _check_numbers(run, shown, "items", _column(run, table, shown, ITEM, _INT), sizes.target_items)
    for name in (HAS_SOURCE, HAS_TARGET):
        _column(run, table, shown, name, _BOOL)
    for name in (RATING, OWN, BASE, SOURCE, TARGET):
        if not np.isfinite(_column(run, table, shown, name, _FLOAT)).all():
            _refuse(run, shown, f"its {name} is not finite")


def _check_weights(run: Run, train: DomainPair | None) -> None:
    """The model must take its weights up; tried with the real thing where its data are known.

    What the data lack (uploaded vectors, say, which no run file brings) is told later, in words.
    """
    state = run.state()
    for name, array in state.items():
        if array.dtype.kind == "f" and np.isnan(array).any():
            _refuse(run, WEIGHTS, f"its {name[:60]} holds no numbers in places")
    if not run.has_model or train is None:
        return
    try:
        model = build_recorded(run.record.untrained)
        pair = train.target_only() if run.record.role == TWIN else train
        model.restore(pair, decompressed(state))
        scores = model.score(np.array([0, len(pair.users) - 1]))
        placed = [one.vectors() for one in _alone(model)]
    except CrosswalkError:
        return
    except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as e:
        _refuse(run, WEIGHTS, f"its arrays do not fit the model and its data ({_short(e)})")
    fits = all(_is_of(one, pair) for one in placed if one is not None)
    if not fits or scores.target.shape[-1] != len(train.target_items):
        _refuse(run, WEIGHTS, "its arrays are of another number of items")


def _is_of(vectors: Vectors, pair: DomainPair) -> bool:
    """Whether there is a vector for everything that the pair has."""
    tables = (
        (vectors.source_items, pair.source_items),
        (vectors.target_items, pair.target_items),
        (vectors.source_users, pair.users),
        (vectors.target_users, pair.users),
    )
    return all(table is None or len(table) == len(ids) for table, ids in tables)


def _alone(model: CrossDomainModel) -> list[CrossDomainModel]:
    """The model, or the models it is made of."""
    if isinstance(model, Blend):
        return [*_alone(model.first), *_alone(model.second)]
    if isinstance(model, Routed):
        return [one for member in model.members for one in _alone(member)]
    return [model]


def _short(error: Exception) -> str:
    said = str(error).splitlines()[0][:100] if str(error) else ""
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def _check_beside(run: Run, sizes: Sizes) -> None:
    """What was measured of the run afterwards."""
    overlap = (measured.OVERLAP_FOLDER, measured.OVERLAP_RECORD, measured.read_overlap, SHARE)
    reseeded = (
        measured.RESEED_FOLDER,
        measured.RESEED_RECORD,
        measured.read_reseeded,
        measured.REPEAT,
    )
    placebo = (
        measured.PLACEBO_FOLDER,
        measured.PLACEBO_RECORD,
        measured.read_placebos,
        measured.DEAL,
    )
    for name, record, read, by in (overlap, reseeded, placebo):
        folder = run.folder / name
        if not folder.exists():
            continue
        shown = f"{name}/{record}"
        try:
            info = read(run)
        except (TypeError, ValueError) as error:
            _refuse(run, shown, _short(error))
        if info is None or not _is_plain(info):
            _refuse(run, shown, "its fields are not what they should be")
        table = _table(run, folder / METRICS, f"{name}/{METRICS}")
        _column(run, table, shown, by, lambda kind: _FLOAT(kind) or _INT(kind))
        _checked_metrics(run, table, f"{name}/{METRICS}", sizes, apart=(by,))


def _is_plain(info: Any) -> bool:
    """Whether the record of a measurement is of the kinds its fields say."""
    numbers = (int, float)
    if isinstance(info, measured.OverlapInfo):
        lists = isinstance(info.kept, list) and isinstance(info.shares, list)
        return (
            lists
            and len(info.kept) == len(info.shares)
            and all(isinstance(n, int) and n >= 0 for n in (info.shared, *info.kept))
            and all(isinstance(share, numbers) and 0 <= share < 1 for share in info.shares)
            and isinstance(info.wall_seconds, numbers)
        )
    if isinstance(info, measured.Placebos):
        seconds = (info.seconds, info.cpu_seconds, info.evaluation_cpu_seconds)
        return (
            isinstance(info.deals, list)
            and all(isinstance(deal, int) for deal in info.deals)
            and all(isinstance(value, numbers) for value in seconds)
        )
    return (
        info.how in (measured.BY_SEED, measured.BY_USERS)
        and isinstance(info.seeds, list)
        and all(isinstance(seed, int) for seed in info.seeds)
        and isinstance(info.wall_seconds, numbers)
    )
