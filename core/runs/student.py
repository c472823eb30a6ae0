"""A small student in place of a run's fine-tuned text encoder, and what is lost by it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from core.basics.columns import SOURCE, TARGET
from core.basics.errors import RunError
from core.basics.types import FloatArray, IntArray
from core.data.snapshot import Split
from core.models.protocol import State
from core.models.text.encoders import DEFAULT, ENCODERS, encoder_of
from core.models.text.fine_tuned import CARD, ITEMS, STUDENT_TABLE, compared_vectors
from core.models.text.student import Student, taught
from core.models.text.words import item_texts
from core.store.run_folder import Run

UNSEEN = 10  # of so many texts one is kept from a student, to ask it about
TIMED = 512  # texts


def can_be_taught(run: Run) -> bool:
    """Whether the run has an encoder of its own that a student can take the place of."""
    return bool(run.record["model"] == CARD.name)


def student_of(run: Run, split: Split, whole: State) -> tuple[State, dict[str, Any]]:
    """The state with both domains' items as the student reads them, and a record of both encoders.

    Raises RunError for a run of another model, or of an older version of this one.
    """
    if not can_be_taught(run):
        raise RunError(
            what=f"{run.label} has no text encoder of its own that a student could learn from.",
            hint="Choose a run of the fine-tuned text encoder, or another kind of compression.",
        )
    train, reads = run.train_of(split), run.record["settings"]["reads"]
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
    told = _told_once(texts, vectors)
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


def _told_once(texts: list[str], vectors: FloatArray) -> IntArray:
    """Places of texts with a vector, each text once: one kept from a student is kept whole."""
    there = np.flatnonzero(np.abs(vectors).sum(axis=1) > 0)
    first = {texts[place]: place for place in there[::-1]}
    return np.sort(np.array(list(first.values()), dtype=np.int64))


def _speed(encode: Callable[[Sequence[str]], FloatArray], texts: list[str]) -> float | None:
    """Texts a CPU second, after a first call that loads what it needs."""
    encode(texts[:1])
    began = time.process_time()
    encode(texts)
    spent = time.process_time() - began
    return round(len(texts) / spent, 1) if texts and spent else None
