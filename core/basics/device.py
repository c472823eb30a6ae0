"""Where a model can be trained: devices are probed once, in a child, and remembered."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from core.basics.errors import CrosswalkError, RunError
from core.basics.files import read_json, write_json

AUTO, CPU, CUDA, MPS = "auto", "cpu", "cuda", "mps"
DEVICES = (AUTO, CPU, CUDA, MPS)
SECONDS = 120  # a cold import of torch can take half a minute

PROBE = """
import json, torch
found = []
if torch.cuda.is_available():
    torch.zeros(1, device="cuda")  # a driver that is there may still not work
    about = torch.cuda.get_device_properties(0)
    found = [{"name": "cuda", "title": about.name, "memory": about.total_memory}]
elif torch.backends.mps.is_available():
    torch.zeros(1, device="mps")
    found = [{"name": "mps", "title": "Apple GPU", "memory": torch.mps.recommended_max_memory()}]
print(json.dumps(found))
"""


@dataclass(frozen=True)
class Device:
    """A device as a person picks it; memory in bytes, None where the machine's own counts."""

    name: str
    title: str
    memory: int | None = None


def probe_devices(cache: Path) -> list[Device]:
    """Devices that work here, the CPU first; the answer is kept in `cache` for this torch.

    Probed in a child process: a broken driver cannot hurt the caller, who never loads torch.
    """
    try:
        kept = read_json(cache)
        if kept["torch"] == _torch_version():
            return [Device(**device) for device in kept["devices"]]
    except (CrosswalkError, KeyError, TypeError):
        pass  # never probed, or by another version of the project
    devices = [Device(CPU, "CPU"), *_probed(PROBE)]
    write_json(cache, {"torch": _torch_version(), "devices": [asdict(one) for one in devices]})
    return devices


def choose_device(name: str) -> str:
    """The device to train on, "cpu", "cuda" or "mps"; loads torch.

    Raises RunError for a name that is unknown or a device that is not here.
    """
    if name not in DEVICES:
        raise RunError(
            what=f"There is no device {name!r}.", hint=f"Choose from {', '.join(DEVICES)}."
        )
    if name == CPU:
        return CPU
    import torch

    works = {CUDA: torch.cuda.is_available(), MPS: torch.backends.mps.is_available()}
    if works.get(name, True):
        return name if name != AUTO else next((gpu for gpu in works if works[gpu]), CPU)
    raise RunError(
        what=f"No {name.upper()} device works here.",
        hint="Choose auto or cpu, or install the build of torch and the driver it needs.",
    )


def local_devices(device: str) -> list[str]:
    """Every device of this kind on the machine: each CUDA GPU by its number, else just the one."""
    if device != CUDA:
        return [device]
    import torch

    return [f"{CUDA}:{number}" for number in range(torch.cuda.device_count())]


def autocast(device: str) -> AbstractContextManager[Any]:
    """Mixed precision (bfloat16 products) on a CUDA device that has it; elsewhere nothing changes.

    bfloat16 has the range of float32, so no loss has to be scaled. Loads torch.
    """
    import torch

    if device == CUDA and torch.cuda.is_bf16_supported():
        return torch.autocast(CUDA, dtype=torch.bfloat16)
    return nullcontext()


def _probed(code: str) -> list[Device]:
    """What a child found beside the CPU; nothing where it fails or hangs."""
    try:
        answer = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=SECONDS
        )
        found: list[dict[str, Any]] = json.loads(answer.stdout.splitlines()[-1])
        return [Device(**device) for device in found]
    except (subprocess.TimeoutExpired, OSError, ValueError, IndexError, TypeError):
        return []


def _torch_version() -> str:
    try:
        return version("torch")
    except PackageNotFoundError:
        return ""
