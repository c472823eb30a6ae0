"""A run file is taken in whole and right, or refused by name: every field and member bent."""

from __future__ import annotations

import json
import tarfile
import zipfile
from pathlib import Path

import pytest

from core.basics.errors import CrosswalkError
from core.basics.workspace import Workspace
from core.store.bundle import export_run, import_run
from core.store.run_folder import list_runs, read_runs

OLD = Path(__file__).parents[2] / "old_workspace" / "workspace.tar.gz"
BENDS = (None, [], {}, "", "\x00", "../x", -1, 2**70, 1e308, True)
BYTES = (b"", b"no such file", b"[]", b"null")


@pytest.fixture(scope="module")
def old(tmp_path_factory) -> Workspace:
    """Runs of seven kinds, made by the version before."""
    root = tmp_path_factory.mktemp("old")
    with tarfile.open(OLD) as packed:
        packed.extractall(root, filter="data")
    return Workspace(next(root.rglob("runs")).parent)


@pytest.fixture(scope="module")
def members(old, tmp_path_factory) -> dict[str, bytes]:
    """Every member of a good run file of CMF, by name."""
    run = next(run for run in list_runs(old) if run.id.startswith("cmf"))
    path = tmp_path_factory.mktemp("good") / "run.zip"
    with zipfile.ZipFile(export_run(run, old.splits / run.record["split_hash"], path)) as bundle:
        return {name: bundle.read(name) for name in bundle.namelist()}


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
        snapshot = old.splits / run.record["split_hash"]
        file = export_run(run, snapshot, tmp_path / f"{run.id}.zip")
        assert import_run(Workspace(tmp_path / "there"), file).id == run.id
        beside = Workspace(tmp_path / "beside")
        beside.splits.mkdir(parents=True, exist_ok=True)
        if not (beside.splits / snapshot.name).exists():
            (beside.splits / snapshot.name).symlink_to(snapshot)
        assert import_run(beside, file).id == run.id


def test_a_member_that_is_not_what_it_should_be_is_refused(members, tmp_path):
    taken = []
    for name, good in members.items():
        for place, bad in enumerate((*BYTES, good[: len(good) // 2])):
            folder = tmp_path / f"{len(taken)}-{place}-{name.replace('/', '_')}"
            folder.mkdir(parents=True)
            if _load(folder, members | {name: bad}):
                taken.append((name, bad[:20]))
    assert not taken


def test_a_needed_field_that_is_missing_or_bent_is_refused(members, tmp_path):
    record_name = next(n for n in members if n.endswith("/run.json") and n.count("/") == 1)
    record, taken = json.loads(members[record_name]), []
    for field in ("created", "role", "model", "label", "settings", "seed", "split_hash", "fit",
                  "curve", "cancelled", "valid", "test", "counts"):  # fmt: skip
        kind = type(record[field])
        bent = [record | {field: bad} for bad in BENDS if type(bad) is not kind]
        bent.append({name: value for name, value in record.items() if name != field})
        for place, one in enumerate(bent):
            folder = tmp_path / f"{field}-{place}"
            folder.mkdir()
            if _load(folder, members | {record_name: json.dumps(one).encode()}):
                taken.append((field, place, one.get(field)))
    assert not [one for one in taken if one[0] != "created"]


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
