"""A run file is taken in whole and right, or refused by name: every field and member bent."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import load, save

from core.basics.columns import PART, RATING, USER
from core.basics.errors import CrosswalkError
from core.basics.workspace import Workspace
from core.store.bundle import export_run, import_run
from core.store.run_check import check_run
from core.store.run_folder import list_runs, read_record, read_runs
from tests.bends import MISSING, NAMED_ALIKE, bends, bent, fields, kind, short

OLD = Path(__file__).parents[2] / "old_workspace" / "workspace.tar.gz"
BYTES = (b"", b"no such file", b"[]", b"null")
KINDS = ("ease", "cmf", "mf_rating", "blend", "ease-pruned", "uploaded")
MAY_BE_NONE = {
    "mean",
    "low",
    "high",
    "wall_seconds",
    "cpu_seconds",
    "peak_rss_mib",
    "loss",
    "valid",
    "lift",
    "lift_over_popularity",
    "lift_over_bias",
    "evaluate",
    "making",
    "agreement@10",
    "before",
    "after",
    "difference",
}
MAY_BE_MISSING = MAY_BE_NONE | {
    "best_epoch",
    "blend",
    "chosen",
    "coefficients",
    "compression",
    "crosswalk",
    "device",
    "fit",
    "findings",
    "members",
    "against",
    "parameters",
    "run",
    "label",
    "skipped",
    "by_popularity",
    "segments",
    "short@5",
    "short@20",
    "short@50",
    "new_items",
    "tried",
    "bytes",
    "metric",
    "quality",
    "score_cpu_seconds",
    "rising",
    "ordered",
    "helped",
    "harmed",
}
NEEDED = {  # also where a namesake deeper down may be missing
    ("label",),
    ("fit",),
    ("valid",),
    ("test",),
}
LISTS = ("lists_valid.parquet", "lists_test.parquet")
OF_OTHERS = tuple(  # twins and floors may lack them
    f"{kind}_{part}.parquet" for kind in ("candidates", "predictions") for part in ("valid", "test")
)
CHOSEN = ("role", "model", "split_hash", "order", "metric")  # no text of anybody's own


@pytest.fixture(scope="module")
def old(tmp_path_factory) -> Workspace:
    """Runs of seven kinds, made by the version before."""
    root = tmp_path_factory.mktemp("old")
    with tarfile.open(OLD) as packed:
        packed.extractall(root, filter="data")
    return Workspace(next(root.rglob("runs")).parent)


def _load(folder: Path, members: dict[str, bytes]) -> bool:
    """Whether it is taken in; what is refused is refused in words and leaves nothing."""
    path, there = folder / "bent.zip", Workspace(folder / "there")
    with zipfile.ZipFile(path, "w") as bundle:
        for name, content in members.items():
            bundle.writestr(name, content)
    try:
        run = import_run(there, path)
    except CrosswalkError as error:
        said = error
    else:
        assert [one.id for one in list_runs(there)] == [run.id]
        return True
    assert said.what
    assert said.hint
    assert not list(there.runs.glob("*"))
    return False


def test_every_run_of_the_version_before_is_taken_in(old, tmp_path):
    runs = list_runs(old)
    assert len(runs) == 7
    for run in runs:
        snapshot = old.splits / run.record.split_hash
        file = export_run(run, snapshot, tmp_path / f"{run.id}.zip")
        assert import_run(Workspace(tmp_path / "there"), file).id == run.id
        beside = Workspace(tmp_path / "beside")
        beside.splits.mkdir(parents=True, exist_ok=True)
        if not (beside.splits / snapshot.name).exists():
            (beside.splits / snapshot.name).symlink_to(snapshot)
        assert import_run(beside, file).id == run.id


def test_a_member_that_is_not_what_it_should_be_is_refused(good, tmp_path):
    folder, taken = _unpacked(good["cmf"], tmp_path), []
    for name, content in good["cmf"].items():
        file = folder / name.partition("/")[2]
        for bad in (*BYTES, content[: len(content) // 2]):
            _put(file, bad)
            if not _refused(lambda: check_run(folder, tmp_path / "none")):
                taken.append((name, bad[:20]))
        _put(file, content)
    assert not taken


@pytest.mark.parametrize("inner", ["run.json", "metrics.parquet", "ids/users.parquet"])
def test_a_file_that_is_refused_leaves_nothing_behind(good, inner, tmp_path):
    name = next(one for one in good["cmf"] if one.partition("/")[2] == inner)
    assert not _load(tmp_path, good["cmf"] | {name: b"[]"})
    assert _load(tmp_path, good["cmf"])


def test_a_run_damaged_by_hand_is_left_out_and_named(old, tmp_path):
    runs = list_runs(old)
    record = runs[0].folder / "run.json"
    good = record.read_bytes()
    try:
        record.write_text(json.dumps(json.loads(good) | {"test": {"ndcg@10": 3}}))
        whole, damaged = read_runs(old)
    finally:
        record.write_bytes(good)
    assert len(whole) == len(runs) - 1
    assert list(damaged) == [runs[0].id]
    assert "test.ndcg@10" in str(damaged[runs[0].id].what)


@pytest.fixture(scope="module")
def good(old, tmp_path_factory) -> dict[str, dict[str, bytes]]:
    """Members of a good run file of every kind, made once."""
    files, found = tmp_path_factory.mktemp("kinds"), {}
    for run in list_runs(old):
        name = run.id.split("-2026")[0]
        path = export_run(run, old.splits / run.record.split_hash, files / f"{name}.zip")
        with zipfile.ZipFile(path) as bundle:
            found[name] = {one: bundle.read(one) for one in bundle.namelist()}
    return found


def _unpacked(members: dict[str, bytes], folder: Path) -> Path:
    for name, content in members.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder / next(iter(members)).partition("/")[0]


def _put(file: Path, content: bytes) -> None:
    """A new file in its place: some file systems flush one that is cut and written over."""
    file.unlink()
    file.write_bytes(content)


def _refused(check: Any) -> bool:
    """Whether it is refused, and in words."""
    try:
        check()
    except CrosswalkError as error:
        said = error
    else:
        return False
    assert said.what
    assert said.hint
    return True


@pytest.mark.parametrize("name", KINDS)
def test_a_bent_field_of_any_depth_is_refused_or_of_its_kind(good, name, tmp_path):
    folder = _unpacked(good[name], tmp_path)
    record = short(json.loads((folder / "run.json").read_bytes()))
    taken = []
    for path, value in fields(record):
        for bad in bends(value):
            _put(folder / "run.json", json.dumps(bent(record, path, bad)).encode())
            if _refused(lambda: read_record(folder)):
                continue
            if _may_be(path, value, bad):
                continue
            if _refused(lambda: check_run(folder, tmp_path / "none")):
                continue
            taken.append((path, "missing" if bad is MISSING else str(bad)[:20]))
    assert not taken


def _may_be(path: tuple, value: Any, bad: Any) -> bool:
    """Whether pages can live with a bent value: of its kind and in its bounds, or none at all."""
    name = str(path[-1])
    if "settings" in path[:-1]:  # which values a setting takes is asked of the model itself
        return bad is MISSING or (kind(value) == "number" and kind(bad) in ("number", "flag"))
    if bad is MISSING:
        alike = path[0] in NAMED_ALIKE[2:] and len(path) == 2  # a metric without a lift
        return path not in NEEDED and (name in MAY_BE_MISSING or path[-1] == 0 or alike)
    if bad is None:
        return name in MAY_BE_NONE and path not in NEEDED
    if value is None:
        no_lift = name in NAMED_ALIKE[2:] and bad == {}
        return no_lift or (kind(bad) == "number" and 0 <= bad < 2**53)
    if kind(bad) != kind(value):
        return False
    if kind(bad) == "number":
        signed = name in ("mean", "low", "high", "loss", "valid", "weight", "value", "before")
        signed |= name == "after" or path[:2] == ("blend", "coefficients")
        return abs(bad) < 2**53 and (bad >= 0 or signed)
    return kind(bad) != "text" or (len(bad) <= 1000 and name not in CHOSEN)


def _as_texts(table: pa.Table, column: str) -> pa.Table:
    """The column as texts, which no column of numbers or lists is."""
    texts = pa.array(["x"] * len(table))
    return table.set_column(table.column_names.index(column), column, texts)


def _with_gap(table: pa.Table, column: str) -> pa.Table:
    first = pa.array([None] + [True] * (len(table) - 1))
    place = table.column_names.index(column)
    return table.set_column(place, column, pc.if_else(first, table[column], None))


def _parquet_bends(content: bytes, metric: str | None) -> dict[str, bytes]:
    """A row less, every column left out, of texts, and with a gap; of metrics the needed ones."""
    table = pq.read_table(io.BytesIO(content))
    if metric:
        table = table.select([USER, PART, metric])
    made = {} if RATING in table.column_names else {"a row less": table[1:]}
    for name in table.column_names:
        made |= {f"no {name}": table.drop_columns(name), f"text {name}": _as_texts(table, name)}
        if name != metric:
            made[f"gap {name}"] = _with_gap(table, name)
    return {said: _parquet(one) for said, one in made.items()}


def _parquet(table: pa.Table) -> bytes:
    written = io.BytesIO()
    pq.write_table(table, written)
    return written.getvalue()


def _tensor_bends(content: bytes) -> dict[str, bytes]:
    """Every array left out, a row shorter, and with NaN."""
    state, made = load(content), {}
    for name, array in state.items():
        made[f"no {name}"] = {one: value for one, value in state.items() if one != name}
        if array.ndim and len(array) > 1:
            made[f"short {name}"] = state | {name: np.ascontiguousarray(array[:-1])}
        if array.dtype.kind == "f":
            made[f"NaN {name}"] = state | {name: np.full_like(array, np.nan)}
    return {said: save(one) for said, one in made.items()}


@pytest.mark.parametrize("name", KINDS)
def test_a_bent_table_or_array_is_refused(good, name, tmp_path):
    """Metrics alone may have gaps: for users with nothing to find."""
    members, taken = good[name], []
    folder = _unpacked(members, tmp_path)
    needed = "rmse" if name == "mf_rating" else "ndcg@10"
    for member, content in members.items():
        inner = member.partition("/")[2]
        if "/" in inner or "_valid" in inner or not inner.endswith((".parquet", ".safetensors")):
            continue  # what is of validation is checked as what is of test
        if inner.endswith(".parquet"):
            made = _parquet_bends(content, needed if inner == "metrics.parquet" else None)
        else:
            made = _tensor_bends(content)
        for said, bad in {"cut": content[: len(content) // 2], **made}.items():
            _put(folder / inner, bad)
            if not _refused(lambda: check_run(folder, tmp_path / "none")):
                taken.append((inner, said))
        _put(folder / inner, content)
    assert not taken


@pytest.mark.parametrize("name", KINDS)
def test_a_member_left_out_is_refused_unless_the_run_is_whole_without_it(good, name, tmp_path):
    """Older versions kept no lists; a twin or a floor may have never been trained."""
    folder, taken = _unpacked(good[name], tmp_path), set()
    for member in good[name]:
        file = folder / member.partition("/")[2]
        away = file.rename(tmp_path / "away")
        if not _refused(lambda: check_run(folder, tmp_path / "none")):
            taken.add(file.relative_to(folder))
        away.rename(file)
    roles = [Path(role) for role in (".", "twin", "popularity", "bias")]
    assert taken <= {role / one for role in roles for one in LISTS} | {
        role / one for role in roles[1:] for one in (*OF_OTHERS, "run.json")
    }
