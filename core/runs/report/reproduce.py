"""How to get the same figures again: command, settings, hashes, versions, and all of it as JSON."""

from __future__ import annotations

import json
import platform
import shlex
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from core import __version__
from core.models.made.recorded import BLEND
from core.runs.report.blocks import Block, Code, Grid, Section, Words
from core.runs.report.evidence import Evidence

PACKAGES = ("numpy", "scipy", "pandas", "torch", "scikit-learn", "plotly")
KEPT = (
    "crosswalk",
    "created",
    "model",
    "label",
    "settings",
    "seed",
    "device",
    "split_hash",
    "dataset_hash",
    "source_name",
    "target_name",
    "best_epoch",
    "fit",
    "evaluate",
    "counts",
)


def reproduce_section(evidence: Evidence) -> Section:
    """What was run, on what, with what."""
    blocks: list[Block] = [_facts(evidence)]
    command = command_line(evidence)
    if command is None:
        blocks.append(Words(_no_command(evidence), "missing"))
    else:
        blocks += [
            Words(
                "From the same files and filters the Data page makes the same split, with the "
                "hash above, and the Train page the same run. Without a screen, on a folder with "
                "the four files of the split:"
            ),
            Code(command),
        ]
    blocks += [Words("Everything that decides the figures, for a machine to read:")]
    blocks.append(Code(_readable(config(evidence))))
    return Section("reproduce", "How to reproduce it", tuple(blocks))


def command_line(evidence: Evidence) -> str | None:
    """One line for a shell; None where a run was not trained from files by one command."""
    record = evidence.record
    if not evidence.run.has_model or record["model"] == BLEND or "compression" in record:
        return None
    words = ["python", "-m", "core", "run", "--splits", f"split-{record['split_hash']}"]
    words += ["--model", record["model"], "--seed", str(record["seed"])]
    for name, value in record["settings"].items():
        words += ["--set", f"{name}={value}"]
    return shlex.join(words)


def config(evidence: Evidence) -> dict[str, Any]:
    """The run's record without its figures, the split, the pair's filters and the versions."""
    said: dict[str, Any] = {key: evidence.record[key] for key in KEPT if key in evidence.record}
    if evidence.split is not None:
        info = evidence.split.info
        said["split"] = {"kind": info.kind, "seed": info.seed} | {"settings": info.settings}
    if evidence.pair is not None:
        said["pair"] = {"settings": evidence.pair.settings, "files": evidence.pair.inputs}
    return said | {"versions": versions(), "run": evidence.run.id}


def _readable(values: dict[str, Any]) -> str:
    """JSON with one line per entry."""
    lines = [
        f" {json.dumps(key)}: {json.dumps(value, ensure_ascii=False, default=str)}"
        for key, value in values.items()
    ]
    return "{\n" + ",\n".join(lines) + "\n}"


def versions() -> dict[str, str]:
    """Versions of what made this report."""
    found = {"crosswalk": __version__, "python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def _facts(evidence: Evidence) -> Grid:
    record = evidence.record
    trained = datetime.fromtimestamp(record["created"], UTC)
    split = evidence.split.info if evidence.split else None
    kind = f"{split.kind}, seed {split.seed}" if split else "its data are gone"
    rows = [
        ("Run", evidence.run.id),
        ("Model", f"{evidence.run.card.title}, seed {record['seed']}"),
        ("Trained", f"{trained:%d %B %Y %H:%M} UTC, Crosswalk {record.get('crosswalk', '?')}"),
        ("Split", f"{kind}, hash {record['split_hash']}"),
        ("Data", f"hash {record['dataset_hash']}"),
        ("Cost of the fit", _cost(record.get("fit") or {})),
    ]
    return Grid(("", ""), tuple(rows))


def _cost(fit: dict[str, Any]) -> str:
    seconds, memory = fit.get("cpu_seconds"), fit.get("peak_rss_mib")
    if seconds is None:
        return "not kept"
    return f"{seconds:,.1f} CPU s" + (f", {memory:,.0f} MiB at the peak" if memory else "")


def _no_command(evidence: Evidence) -> str:
    if not evidence.run.has_model:
        return "These lists were uploaded from another system; how they were made is known there."
    return "This run was made from other runs, on the Train page or by `python -m core`."
