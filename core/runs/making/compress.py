"""Make a run smaller: half the digits, fewer factors, or a student of an encoder."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from core.basics.columns import SOURCE, TARGET, TEST
from core.basics.errors import RunError, SettingsError
from core.basics.formatting import number, percent
from core.basics.progress import Progress, Report, silent
from core.basics.types import FloatArray
from core.basics.workspace import Workspace
from core.data.snapshot import Split, read_snapshot
from core.evaluation.evaluate import user_chunks
from core.fusion.combine import mask, top_k
from core.models.made.compress import INT8, PRUNED, compressed, decompressed, is_compressed, size_of
from core.models.made.recorded import build_recorded
from core.models.protocol import CrossDomainModel, State
from core.models.text.encoders import DEFAULT, ENCODERS, encoder_of
from core.models.text.features import Student, taught
from core.models.text.fine_tuned import CARD, ITEMS, STUDENT_TABLE, compared_vectors
from core.models.text.words import item_texts
from core.runs.making.fit import measured, watcher
from core.runs.making.make_run import (
    PARTS,
    Derived,
    check_has_model,
    difference,
    evaluated,
    keep,
    metric_of,
    summary,
)
from core.store.run_folder import RUN, TWIN, Run, read_run

STUDENT = "student"  # int8 tables, and a small student in place of a text encoder that learned
KINDS = (INT8, PRUNED, STUDENT)
COMPARED_USERS = 500  # test users whose lists and seconds are compared
PASSES = 3  # the fastest counts
MOST_LOST = 0.1  # of validation quality; a plan that loses more must be asked for twice


@dataclass(frozen=True)
class CompressPlan:
    """A run by id, the kind of compression, and the share of weights a pruned table keeps.

    anyway: keep the small run even if it loses more than MOST_LOST of its validation quality.
    """

    run: str
    kind: str = INT8
    keep: float = 0.1
    label: str = ""
    anyway: bool = False

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise SettingsError(
                what=f"A run cannot be compressed by {self.kind!r}.",
                hint=f"Choose from {', '.join(KINDS)}.",
            )
        if not 0.001 <= self.keep <= 0.6:
            raise SettingsError(
                what=f"keep is {self.keep}, outside its range.",
                hint="Choose a share from 0.001 to 0.6: with more nothing gets smaller.",
            )

    @property
    def words(self) -> str:
        """ "int8", "student", "pruned to 10 %"."""
        return f"pruned to {100 * self.keep:g} %" if self.kind == PRUNED else self.kind

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """A plan from JSON; only the run must be in it."""
        return cls(
            values["run"],
            values.get("kind", INT8),
            float(values.get("keep", 0.1)),
            values.get("label", ""),
            bool(values.get("anyway", False)),
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values, the payload of a job of kind "compress"."""
        kept = {"keep": self.keep} if self.kind == PRUNED else {}
        asked_twice = {"anyway": True} if self.anyway else {}
        return {"run": self.run, "kind": self.kind, "label": self.label} | kept | asked_twice


def compress_job(workspace: Workspace, payload: dict[str, Any], report: Report) -> dict[str, Any]:
    """Compress the run in the payload, and return the id of the new run."""
    return {"run": compress_run(CompressPlan.from_dict(payload), workspace, report).name}


def compress_run(plan: CompressPlan, workspace: Workspace, report: Report = silent) -> Path:
    """Compress the run and its twin in the same way, evaluate and keep, and return the folder.

    Raises RunError for a run that is compressed already, has no table that would shrink, or would
    lose more than MOST_LOST of its validation quality without the plan saying `anyway`.
    """
    run = read_run(workspace.runs / plan.run)
    split = read_snapshot(workspace.splits / run.record.split_hash)
    check_has_model(run)
    made = {RUN: _made(plan, run, split, RUN, report)}
    if run.twin is not None:
        made[TWIN] = _made(plan, run.twin, split, TWIN, report)
    report(Progress(done=0, total=1, stage="keeping"))
    return keep(workspace, f"{run.record.model}-{plan.kind}", split, made)


def _made(plan: CompressPlan, run: Run, split: Split, role: str, report: Report) -> Derived:
    prefix = "twin: " if role == TWIN else ""
    report(Progress(done=0, total=1, stage=f"{prefix}compressing"))
    whole = run.state()
    with measured() as cost:
        small, encoder = _smaller(plan, run, split, whole)
    model = build_recorded(run.record.untrained)
    model.restore(run.train_of(split), decompressed(small))
    if role == RUN and not plan.anyway:
        _check_loss(plan, run, model, split)
    evaluations, evaluation_cost = evaluated(model, split, role, report, run.card.task)
    record = run.record
    about: dict[str, Any] = {
        **record.untrained,
        "label": plan.label or f"{run.label} · {plan.words}",
        "compression": {
            "kind": plan.kind,
            "words": plan.words,
            "of": {"run": run.id, "label": run.label},
            "bytes": {"before": size_of(whole), "after": size_of(small)},
            **({"encoder": encoder} if encoder else {}),
        },
    }
    made = Derived(about, small, (run,), cost, evaluations, evaluation_cost)
    if role == RUN:
        report(Progress(done=0, total=1, stage="comparing with the original"))
        about["compression"] |= _beside(made, run, model, split)
    return made


def _check_loss(plan: CompressPlan, run: Run, model: CrossDomainModel, split: Split) -> None:
    """Raise RunError where validation users say that too much is lost.

    It is asked before both parts are evaluated and before the twin is made: a fraction of the work.
    """
    task, seed = run.card.task, run.record.seed
    watch = watcher(split, seed, task)
    before, after = watch(run.model(split)), watch(model)
    if not before or after is None:  # nothing is held out to tell it by
        return
    lost = (after / before - 1) if task.lower_is_better else 1 - after / before
    if lost > MOST_LOST:
        raise RunError(
            what=f"{run.label}, {plan.words}, reads {task.measure} {number(after)} on validation "
            f"in place of {number(before)}: {percent(lost)} worse, {percent(MOST_LOST)} may be.",
            hint="Keep a larger share, take int8, or ask for it again with “anyway”.",
        )


def _smaller(
    plan: CompressPlan, run: Run, split: Split, whole: State
) -> tuple[State, dict[str, Any]]:
    """The small state; of a student also what it is beside its encoder."""
    if is_compressed(whole):
        raise RunError(
            what=f"{run.label} is compressed already.", hint="Compress the run it was made from."
        )
    if plan.kind == STUDENT:
        read, encoder = student_of(run, split, whole)
        return compressed(read, INT8), encoder
    small = compressed(whole, plan.kind, plan.keep)
    if not is_compressed(small):
        raise RunError(
            what=f"{run.label} has no table of factors, layers or weights that would shrink.",
            hint="Keep a smaller share, or choose a run of a model with larger tables.",
        )
    return small, {}


def _beside(made: Derived, run: Run, model: CrossDomainModel, split: Split) -> dict[str, Any]:
    """Quality, speed and lists beside the original's."""
    metric = metric_of(run)
    figures = {
        part: {
            "before": run.record.figures(part)[metric]["mean"],
            "after": summary(made.evaluations[part])[metric]["mean"],
        }
        for part in PARTS
    }
    differences = difference(made, run, metric)
    quality = {part: figures[part] | {"difference": differences[part]} for part in PARTS}
    return {"metric": metric, "quality": quality} | lists_and_seconds(
        run.model(split), model, split
    )


def lists_and_seconds(
    original: CrossDomainModel, small: CrossDomainModel, split: Split
) -> dict[str, Any]:
    """Share of the top 10 in common over test users, and CPU seconds to score them by either."""
    users = split.users(TEST)[:COMPARED_USERS]
    seconds = [np.inf, np.inf]
    lists: list[np.ndarray] = []
    for attempt in range(PASSES):
        for place, model in enumerate((original, small)):
            began = time.process_time()
            for chunk in user_chunks(users, split.test.shape[1]):
                model.score(chunk).own_scores()
            seconds[place] = min(seconds[place], time.process_time() - began)
            if attempt == 0:
                lists.append(_top_10(model, split, users))
    shared = [
        len(np.intersect1d(a, b)) / max(1, (a >= 0).sum()) for a, b in zip(*lists, strict=True)
    ]
    return {
        "score_cpu_seconds": {
            "before": round(seconds[0], 4),
            "after": round(seconds[1], 4),
            "users": len(users),
        },
        "agreement@10": float(np.mean(shared)) if shared else None,
    }


def _top_10(model: CrossDomainModel, split: Split, users: np.ndarray) -> np.ndarray:
    masked = split.masked(TEST)
    lists = []
    for chunk in user_chunks(users, split.test.shape[1]):
        scores = model.score(chunk).filled(split.train.popularity)
        own = np.array(np.broadcast_to(scores.own_scores(), scores.source.shape), dtype=np.float32)
        lists.append(top_k(mask(own, masked[chunk]), scores.source, scores.target, 10))
    return np.concatenate(lists) if lists else np.empty((0, 10), int)


# A small student in place of a run's fine-tuned text encoder, and what is lost by it.

UNSEEN = 10  # of so many texts one is kept from a student, to ask it about
TIMED = 512  # texts


def can_be_taught(run: Run) -> bool:
    """Whether the run has an encoder of its own that a student can take the place of."""
    return bool(run.record.model == CARD.name)


def student_of(run: Run, split: Split, whole: State) -> tuple[State, dict[str, Any]]:
    """The state with both domains' items as the student reads them, and a record of both encoders.

    Raises RunError for a run of another model, or of an older version of this one.
    """
    if not can_be_taught(run):
        raise RunError(
            what=f"{run.label} has no text encoder of its own that a student could learn from.",
            hint="Choose a run of the fine-tuned text encoder, or another kind of compression.",
        )
    train, reads = run.train_of(split), run.record.settings["reads"]
    domains = {SOURCE: train.source_features, TARGET: train.target_features}
    texts = {name: item_texts(features, reads) for name, features in domains.items()}
    compared = dict(zip(domains, compared_vectors(whole), strict=True))
    vectors = {name: compared[name] if texts[name] else compared[name][:0] for name in domains}
    every = [text for name in domains for text in texts[name]]
    table = taught(every, np.concatenate([vectors[name] for name in domains]))
    student = Student(table)
    small: State = {STUDENT_TABLE: table}
    for name in domains:
        read = student.encode(texts[name]) if texts[name] else compared[name]
        small[ITEMS.format(name)] = read
    return small, beside(every, np.concatenate(list(vectors.values())), student, whole)


def beside(texts: list[str], vectors: FloatArray, student: Student, whole: State) -> dict[str, Any]:
    """Bytes and speed of both, and how near the student comes on texts it was not taught."""
    # Places of texts with a vector, each text once: one kept from a student is kept whole
    there = np.flatnonzero(np.abs(vectors).sum(axis=1) > 0)
    first = {texts[place]: place for place in there[::-1]}
    told = np.sort(np.array(list(first.values()), dtype=np.int64))
    asked, rest = told[::UNSEEN], np.setdiff1d(told, told[::UNSEEN])
    blind = Student(taught([texts[place] for place in rest], vectors[rest]))
    near = (blind.encode([texts[place] for place in asked]) * vectors[asked]).sum(axis=1)
    some = [texts[place] for place in told[:TIMED]]
    encoder, weights = encoder_of(DEFAULT), ENCODERS[DEFAULT].megabytes * 10**6
    deltas = sum(table.nbytes for name, table in whole.items() if ".delta." in name)
    return {
        "bytes": {"before": weights + deltas, "after": student.table.size},  # kept as int8
        "texts_per_cpu_second": {
            "before": _speed(encoder.encode, some),
            "after": _speed(student.encode, some),
        },
        "cosine": float(near.mean()) if len(near) else None,
        "unseen": len(asked),
    }


def _speed(encode: Callable[[Sequence[str]], FloatArray], texts: list[str]) -> float | None:
    """Texts a CPU second, after a first call that loads what it needs."""
    encode(texts[:1])
    began = time.process_time()
    encode(texts)
    spent = time.process_time() - began
    return round(len(texts) / spent, 1) if texts and spent else None
