"""Runs as folders: read, list, rename and delete them, with their tables and tensors."""

from __future__ import annotations

import json
import re
import struct
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from safetensors.numpy import save_file

from core.basics.columns import ITEM, PART, TEST, USER, VALID
from core.basics.errors import CrosswalkError, RunError
from core.basics.files import delete_folder, read_json, write_json, write_whole
from core.basics.types import Candidates, FloatArray, Lists
from core.basics.workspace import Workspace
from core.data.pair import DomainPair
from core.data.snapshot import Split
from core.models.linear.data_steps import training_pair
from core.models.made.compress import decompressed
from core.models.made.recorded import UPLOADED, build_recorded, card_of_record
from core.models.protocol import CrossDomainModel, ModelCard, State
from core.store.record import Record, is_text, wrong_fields

RECORD, WEIGHTS, METRICS, LABEL = "run.json", "model.safetensors", "metrics.parquet", "label.json"
RUN, TWIN, POPULARITY, BIAS = "run", "twin", "popularity", "bias"
_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")


@dataclass(frozen=True)
class Contender:
    """What one trained model leaves behind: the run itself, its twin, or popularity beside it."""

    record: Record
    state: State
    metrics: dict[str, pd.DataFrame]  # by part: USER number and one column per metric
    candidates: dict[str, Candidates]  # by part
    predictions: dict[str, pd.DataFrame] = field(default_factory=dict)  # by part, of ratings
    lists: dict[str, Lists] = field(default_factory=dict)  # by part


@dataclass(frozen=True)
class Run:
    """A finished run; everything in it is read when asked for."""

    folder: Path
    record: Record

    @property
    def id(self) -> str:
        """Name of the folder, which never changes."""
        return self.folder.name

    @cached_property
    def label(self) -> str:
        """What a person calls the run: given by hand, else made from model and seed."""
        path = self.folder / LABEL
        given = read_json(path) if path.exists() else None
        name = given.get("label") if isinstance(given, dict) else None
        return str(name) if is_text(name) and str(name).strip() else str(self.record.label)

    @property
    def card(self) -> ModelCard:
        """Card of the run's model."""
        return card_of_record(self.record.untrained)

    @property
    def has_model(self) -> bool:
        """Whether there is a model to ask; uploaded lists come without one."""
        return bool(self.record.model != UPLOADED)

    @property
    def complete(self) -> bool:
        """Whether nothing of it was cancelled: trained to the end, with its twin if it has one."""
        return not self.record.cancelled and (self.twin is not None or not self.card.has_twin)

    @cached_property
    def twin(self) -> Run | None:
        """The target-only model of the same run, where the model has one."""
        return self._beside(TWIN)

    @cached_property
    def popularity(self) -> Run | None:
        """Popularity on the same split."""
        return self._beside(POPULARITY)

    @cached_property
    def bias(self) -> Run | None:
        """Biases on the same split, where the run predicts ratings."""
        return self._beside(BIAS)

    @property
    def floor(self) -> Run | None:
        """What any run must beat: popularity, or the biases where it predicts ratings."""
        return self.bias if self.card.task.rates else self.popularity

    @property
    def cut_short(self) -> str:
        """What its lift must be read with where a fit ended while it was still getting better."""
        ours, twin = self.record.cut_short, self.twin is not None and self.twin.record.cut_short
        if not (ours or twin):
            return ""
        whose = "This run and its twin were" if ours and twin else "This run was"
        if twin and not ours:
            whose = "Its twin was"
        change = "may grow or vanish" if ours and twin else "may grow" if ours else "may vanish"
        return (
            f"{whose} still getting better when training ended at its last epoch: with more "
            f"epochs the difference {change}."
        )

    def metrics(self, part: str) -> pd.DataFrame:
        """One row per user of the part: USER (number) and a column per metric."""
        try:
            frame = pd.read_parquet(self.folder / METRICS, filters=[(PART, "==", part)])
        except (OSError, ValueError) as error:  # pyarrow's own errors are ValueErrors
            raise RunError(
                what=f"The metrics of {self.label} cannot be read ({type(error).__name__}).",
                hint="Delete this run and train it again.",
            ) from error
        return frame.drop(columns=PART).sort_values(USER, ignore_index=True)

    def candidates(self, part: str) -> Candidates:
        """The items that can reach a list at some weighting, for every user of the part."""
        return read_candidates(self.folder / f"candidates_{part}.parquet")

    def lists(self, part: str) -> Lists:
        """The lists by the model's own score that the metrics are of, 50 items long."""
        return read_lists(self.folder / f"lists_{part}.parquet")

    @property
    def has_lists(self) -> bool:
        """Whether its lists were kept; older versions kept none."""
        return (self.folder / f"lists_{TEST}.parquet").exists()

    def predictions(self, part: str) -> pd.DataFrame:
        """What a run of ratings predicts for every held-out rating, both parts apart."""
        try:
            return pd.read_parquet(self.folder / f"predictions_{part}.parquet")
        except (OSError, ValueError) as error:
            raise RunError(
                what=f"The predicted ratings of {self.label} cannot be read.",
                hint="Delete this run and train it again.",
            ) from error

    def model(self, split: Split) -> CrossDomainModel:
        """The trained model, its weights memory-mapped; `split` must be the one it trained on."""
        if split.info.split_hash != self.record.split_hash:
            raise RunError(
                what=f"{self.label} was trained on split {self.record.split_hash}, "
                f"not on {split.info.split_hash}.",
                hint="Choose the split this run belongs to.",
            )
        model = build_recorded(self.record.untrained)
        model.restore(self.train_of(split), decompressed(self.state()))
        return model

    def train_of(self, split: Split) -> DomainPair:
        """The pair it was trained on, as its model reads it: a twin's has no source items."""
        train = training_pair(self.card, split, self.record.settings)
        return train.target_only() if self.record.role == TWIN else train

    def state(self) -> State:
        """The arrays as they are kept, memory-mapped; tables may be compressed."""
        return read_tensors(self.folder / WEIGHTS)

    def check_beside(self) -> None:
        """Read the name and the records of its twin and floors; raises where one is damaged."""
        assert self.label
        for other in (self.twin, self.popularity, self.bias):
            if other is not None and other.record.split_hash != self.record.split_hash:
                raise RunError(
                    what=f"{self.label} and its {other.record.role} stand on different splits.",
                    hint="Delete this run and train it again.",
                )

    def _beside(self, role: str) -> Run | None:
        folder = self.folder / role
        return Run(folder, read_record(folder)) if (folder / RECORD).exists() else None


def write_contender(folder: Path, contender: Contender) -> None:
    """Write one contender's files into a folder that nobody reads yet."""
    folder.mkdir(parents=True, exist_ok=True)
    write_tensors(folder / WEIGHTS, contender.state)
    frames = [frame.assign(**{PART: part}) for part, frame in contender.metrics.items()]
    pd.concat(frames).to_parquet(folder / METRICS, index=False)
    for part in (VALID, TEST):
        if part in contender.candidates:
            path = folder / f"candidates_{part}.parquet"
            write_candidates(path, contender.candidates[part])
        if part in contender.lists:
            write_lists(folder / f"lists_{part}.parquet", contender.lists[part])
        if part in contender.predictions:
            path = folder / f"predictions_{part}.parquet"
            contender.predictions[part].to_parquet(path, index=False)
    write_json(folder / RECORD, contender.record.to_dict())


def read_run(folder: Path) -> Run:
    """The run a folder holds; raises RunError where there is none."""
    if not is_run_id(folder.name) or not (folder / RECORD).exists():
        raise RunError(
            what=f"There is no run {folder.name[:80]!r} in this workspace.",
            hint="Choose another run, or train this one again.",
        )
    return Run(folder, read_record(folder))


def is_run_id(name: str) -> bool:
    """Whether a folder of this name would be taken for a whole run."""
    return _ID.fullmatch(name) is not None and not name.endswith(".part")


def read_record(folder: Path) -> Record:
    """What a contender wrote down; raises RunError where a field is missing or of another kind."""
    values = read_json(folder / RECORD)
    if wrong := wrong_fields(values):
        named = ", ".join(name[:80] for name in wrong[:3] if name) or "it is no table of fields"
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise RunError(
            what=f"The record of {folder.name[:80]} is damaged ({named}{more}).",
            hint="Delete this run and train it again.",
        )
    record = Record.of(values)
    card_of_record(record.untrained)  # a model that is not here is said now, not on every page
    return record


def list_runs(workspace: Workspace) -> list[Run]:
    """Every whole run, newest first; folders that cannot be read are left out."""
    return read_runs(workspace)[0]


def read_runs(workspace: Workspace) -> tuple[list[Run], dict[str, CrosswalkError]]:
    """Every whole run, newest first, and why a folder with a record is none, by its name."""
    runs, damaged = [], {}
    for record in workspace.runs.glob(f"*/{RECORD}"):
        if record.parent.suffix == ".part":  # not whole yet, or on its way out
            continue
        try:
            run = read_run(record.parent)
            run.check_beside()
            runs.append(run)
        except CrosswalkError as error:
            if record.exists():  # else it was deleted while it was read
                damaged[record.parent.name] = error
    return sorted(runs, key=lambda run: run.record.created, reverse=True), damaged


def rename_run(run: Run, label: str) -> None:
    """Give the run another label; its id stays."""
    if not (label := " ".join(label.split())[:120]):
        raise RunError(what="A run needs a name.", hint="Type at least one character.")
    check_there(run)
    write_json(run.folder / LABEL, {"label": label}, beside=run.folder / RECORD)


def check_there(run: Run) -> None:
    """Refuse to keep anything beside a run that was deleted since it was read: RunError.

    Asked before the work; whoever writes names the record besides (`write_whole`, `beside`).
    """
    if not (run.folder / RECORD).exists():
        raise RunError(
            what=f"{run.label} was deleted while it was looked at, so nothing was kept.",
            hint="Choose another run, or train this one again.",
        )


def delete_run(workspace: Workspace, run: Run) -> None:
    """Remove the run and its exported lists; nothing where another browser was faster."""
    delete_folder(run.folder)
    for exported in workspace.exports.glob(f"{run.id}-*.csv"):
        exported.unlink(missing_ok=True)


# Named arrays in one safetensors file, read back memory-mapped.

_DTYPES = {
    "F64": np.float64,
    "F32": np.float32,
    "F16": np.float16,
    "I64": np.int64,
    "I32": np.int32,
    "I16": np.int16,
    "I8": np.int8,
    "U8": np.uint8,
    "BOOL": np.bool_,
}
_LONGEST_HEADER = 100_000_000  # bytes; the format's own limit


def write_tensors(path: Path, state: dict[str, np.ndarray]) -> Path:
    """Write the arrays, whole or not at all."""
    arrays = {name: np.ascontiguousarray(array) for name, array in state.items()}
    return write_whole(path, lambda part: save_file(arrays, str(part)))


def read_tensors(path: Path) -> dict[str, np.ndarray]:
    """The arrays as read-only views of the file: only what is touched comes into memory.

    Raises RunError where the file is missing or is no safetensors file.
    """
    try:
        header, start = _read_header(path)
        return {
            name: _view(path, start, entry)
            for name, entry in header.items()
            if name != "__metadata__"
        }
    except (OSError, ValueError, KeyError, TypeError, struct.error) as error:
        raise RunError(
            what=f"The weights in {path.parent.name} cannot be read ({error}).",
            hint="Delete this run and train it again.",
        ) from error


def _read_header(path: Path) -> tuple[dict, int]:
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        if length > _LONGEST_HEADER:
            raise ValueError("its header is too long")
        header = json.loads(file.read(length))
    if not isinstance(header, dict):
        raise ValueError("its header is no table")
    return header, 8 + length


def _view(path: Path, start: int, entry: dict) -> np.ndarray:
    dtype, shape = np.dtype(_DTYPES[entry["dtype"]]), tuple(entry["shape"])
    first, last = entry["data_offsets"]
    if last - first != dtype.itemsize * int(np.prod(shape)):
        raise ValueError("an array does not fill its place")
    if last == first:
        return np.zeros(shape, dtype)
    return np.memmap(path, dtype, mode="r", offset=start + first, shape=shape)


# Candidates in one Parquet file: a row per user, a list column per kind of entry.

ENTRIES = ("items", "source", "target", "base", "source_rank", "target_rank", "dominators")
SCALES = ("source_scale", "target_scale")
_DEPTH = b"depth"


def write_candidates(path: Path, candidates: Candidates) -> Path:
    """Write the candidates, whole or not at all."""
    starts = pa.array(candidates.starts.astype(np.int32))
    columns = {USER: pa.array(candidates.users)}
    for name in ENTRIES:
        columns[name] = pa.ListArray.from_arrays(starts, pa.array(getattr(candidates, name)))
    for name in SCALES:
        scale = np.ascontiguousarray(getattr(candidates, name))
        columns[name] = pa.FixedSizeListArray.from_arrays(pa.array(scale.ravel()), scale.shape[1])
    columns["has_source"] = pa.array(candidates.has_source)
    columns["has_target"] = pa.array(candidates.has_target)
    table = pa.table(columns).replace_schema_metadata({_DEPTH: str(candidates.depth).encode()})
    return write_whole(path, lambda part: pq.write_table(table, part, compression="zstd"))


def read_candidates(path: Path) -> Candidates:
    """The candidates of a file; raises RunError where there is none."""
    try:
        table = pq.read_table(path).combine_chunks()
    except (OSError, pa.ArrowInvalid) as error:
        raise RunError(
            what=f"The candidates in {path.parent.name} cannot be read ({error}).",
            hint="Delete this run and train it again.",
        ) from error
    lists = {name: _only(table[name]) for name in ENTRIES}
    scales: dict[str, Any] = {name: _rows(_only(table[name])) for name in SCALES}
    return Candidates(
        users=_only(table[USER]).to_numpy(),
        starts=lists["items"].offsets.to_numpy(),
        **{name: column.values.to_numpy() for name, column in lists.items()},
        has_source=_only(table["has_source"]).to_numpy(zero_copy_only=False),
        has_target=_only(table["has_target"]).to_numpy(zero_copy_only=False),
        **scales,
        depth=int(table.schema.metadata[_DEPTH]),
    )


def _only(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)


def _rows(column: pa.FixedSizeListArray) -> FloatArray:
    return column.values.to_numpy().reshape(len(column), column.type.list_size)


# Recommended lists in one Parquet file: a row per user, its items best first.


def write_lists(path: Path, lists: Lists) -> Path:
    """Write the lists, whole or not at all."""
    items = np.ascontiguousarray(lists.items, dtype=np.int32)
    columns = {
        USER: pa.array(lists.users.astype(np.int32)),
        ITEM: pa.FixedSizeListArray.from_arrays(pa.array(items.ravel()), items.shape[1]),
    }
    return write_whole(path, lambda part: pq.write_table(pa.table(columns), part))


def read_lists(path: Path) -> Lists:
    """The lists of a file; raises RunError where there are none."""
    try:
        table = pq.read_table(path).combine_chunks()
    except (OSError, pa.ArrowInvalid) as error:
        raise RunError(
            what=f"The lists in {path.parent.name} cannot be read ({type(error).__name__}).",
            hint="Train this run again: runs of older versions kept none.",
        ) from error
    longest = table.schema.field(ITEM).type.list_size
    items = table[ITEM].combine_chunks().flatten().to_numpy()
    return Lists(table[USER].to_numpy(), items.reshape(table.num_rows, longest))
