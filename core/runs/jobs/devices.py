"""Looking for devices as a job: it loads torch, which no page does."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from core.basics.machine import Device, probe_devices
from core.basics.progress import Progress, Report
from core.basics.workspace import Workspace


def devices_job(workspace: Workspace, payload: dict[str, Any], report: Report) -> dict[str, Any]:
    """Probe the devices and remember them, and return what was found."""
    report(Progress(done=0, total=1, stage="looking for a GPU"))
    return {"devices": [asdict(device) for device in probe_devices(_cache(workspace))]}


def known_devices(workspace: Workspace) -> list[Device] | None:
    """What was found here, the CPU first; None where nobody looked yet."""
    cache = _cache(workspace)
    return probe_devices(cache) if cache.exists() else None


def _cache(workspace: Workspace) -> Path:
    return workspace.root / "devices.json"
