"""Tables on runs made from runs; a record may come from anywhere, so each figure is looked at."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from core.basics.columns import TEST, VALID
from core.basics.formatting import count, number, signed_with_interval
from core.metrics.registry import metric_title
from core.models.made.blend import STACKING
from core.store.run_folder import Run

DIGITS = 4
_ENCODER = ("compression", "encoder")


def against_table(record: dict[str, Any]) -> pd.DataFrame | None:
    """A row per run the blend is compared with; None for a run that is no blend."""
    entries = record.get("against")
    if not isinstance(entries, list) or not entries:
        return None
    return pd.DataFrame([_against_row(entry) for entry in entries])


def _against_row(entry: Any) -> dict[str, Any]:
    return {
        "Less": _text(entry, "name"),
        "nDCG@10 on test": _difference(entry, TEST),
        "on validation": _difference(entry, VALID),
        "Users helped": _value(entry, TEST, "helped"),
        "harmed": _value(entry, TEST, "harmed"),
    }


def weight_words(record: dict[str, Any]) -> str:
    """How the weights of a blend were found, and which they are, in one or two sentences."""
    members = _members(record)
    chosen = _text(record, "blend", "chosen")
    if _text(record, "settings", "kind") == STACKING:
        return f"Weights: {chosen}."
    weight = _value(record, "settings", "weight")
    shares = [weight, None if weight is None else 1 - weight]
    said = " and ".join(
        f"{name} {number(share, 2)}" for name, share in zip(members, shares, strict=False)
    )
    return f"Weights: {said} ({chosen})."


def stacking_table(record: dict[str, Any]) -> pd.DataFrame | None:
    """The six weights of a stacking, a row per member; None for other blends."""
    if _text(record, "settings", "kind") != STACKING:
        return None
    table = _at(record, "blend", "coefficients")
    rows = table if isinstance(table, list) and all(isinstance(row, list) for row in table) else []
    columns = ("own score", "source part", "target part")
    return pd.DataFrame(
        [
            {"Member": name} | {f"Weight of its {c}": v for c, v in zip(columns, row, strict=False)}
            for name, row in zip(_members(record), rows, strict=False)
        ]
    )


def compressed_from(run: Run, runs: list[Run]) -> list[Run]:
    """The runs that were made from this one by compressing it."""
    return [other for other in runs if _text(other.record, "compression", "of", "run") == run.id]


def compression_table(made: list[Run]) -> pd.DataFrame:
    """The original, then what was made of it: size, seconds, quality and lists in common."""
    found = [run.record["compression"] for run in made]
    rows = [_original_row(found[0])]
    return pd.DataFrame(rows + [_compressed_row(entry) for entry in found])


def student_words(made: list[Run]) -> str:
    """What a student is beside the encoder it learned from; "" where there is none."""
    entry = next((run.record["compression"] for run in made if _at(run.record, *_ENCODER)), None)
    if entry is None:
        return ""
    size, speed = (
        [_value(entry, "encoder", what, when) for when in ("before", "after")]
        for what in ("bytes", "texts_per_cpu_second")
    )
    near, unseen = (_value(entry, "encoder", what) for what in ("cosine", "unseen"))
    sizes = " against ".join("–" if one is None else mebibytes(one) for one in reversed(size))
    speeds = " against ".join("–" if one is None else f"{one:,.0f}" for one in reversed(speed))
    words = f"The student is {sizes} of its encoder and reads {speeds} texts per CPU second."
    if near is None or unseen is None:
        return words
    return f"{words} On {unseen:,.0f} texts kept from it their vectors' cosine is {near:.2f}."


def compression_words(record: dict[str, Any]) -> str:
    """ "int8", "pruned to 10 %"; "" for a run that is not compressed."""
    return _text(record, "compression", "words", missing="")


def _original_row(entry: Any) -> dict[str, Any]:
    return _row(entry, "before", "the original") | {"Difference on test": "", "Same top 10": ""}


def _compressed_row(entry: Any) -> dict[str, Any]:
    shared = _value(entry, "agreement@10")
    return _row(entry, "after", _text(entry, "words")) | {
        "Difference on test": _difference(entry, "quality", TEST, "difference"),
        "Same top 10": "–" if shared is None else f"{100 * shared:.0f} %",
    }


def _row(entry: Any, when: str, name: str) -> dict[str, Any]:
    size, metric = _value(entry, "bytes", when), _text(entry, "metric", missing="ndcg@10")
    title = metric_title(metric) if metric in ("ndcg@10", "rmse") else "Quality"
    users = int(_value(entry, "score_cpu_seconds", "users") or 0)
    return {
        "Weights": name,
        "Size": "–" if size is None else mebibytes(size),
        f"Seconds for {count(users, 'user')}": number(_value(entry, "score_cpu_seconds", when)),
        f"{title} on validation": number(_value(entry, "quality", VALID, when), DIGITS),
        f"{title} on test": number(_value(entry, "quality", TEST, when), DIGITS),
    }


def mebibytes(size: float) -> str:
    """ "43.7 MiB", "0.2 MiB"."""
    return f"{size / 2**20:,.1f} MiB" if size >= 2**17 else f"{size / 2**10:,.1f} KiB"


def _difference(entry: Any, *path: str) -> str:
    mean, low, high = (_value(entry, *path, name) for name in ("mean", "low", "high"))
    return signed_with_interval(mean, low, high, DIGITS)


def _members(record: dict[str, Any]) -> list[str]:
    members = record.get("members")
    return [_text(member, "label") for member in members] if isinstance(members, list) else []


def _at(entry: Any, *path: str) -> Any:
    """What stands at the end of the path of keys; None where it breaks off."""
    for name in path:
        entry = entry.get(name) if isinstance(entry, dict) else None
    return entry


def _text(entry: Any, *path: str, missing: str = "–") -> str:
    found = _at(entry, *path)
    return found if isinstance(found, str) else missing


def _value(entry: Any, *path: str) -> float | None:
    found = _at(entry, *path)
    is_number = isinstance(found, int | float) and not isinstance(found, bool)
    return found if is_number and math.isfinite(found) else None
