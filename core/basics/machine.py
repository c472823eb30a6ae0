"""What this machine offers: devices to train on, free memory, and limits for a child process."""

from __future__ import annotations

import ctypes
import json
import subprocess
import sys
from contextlib import AbstractContextManager, nullcontext, suppress
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


# How much memory a piece of work may take on this machine, or in this container.

CGROUP = Path("/sys/fs/cgroup")


def free_memory(cgroup: Path = CGROUP) -> int:
    """Bytes that can be used without swapping; a container's own limit counts."""
    import psutil

    free = int(psutil.virtual_memory().available)
    limit, used = _number(cgroup / "memory.max"), _number(cgroup / "memory.current")
    if limit is None or used is None:
        return free
    return max(0, min(free, limit - used))


def _number(path: Path) -> int | None:
    """The whole number a file holds; None for no file, or for `max`."""
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


# Limits of a child that opens a stranger's file: a file made to do harm ends the child alone.

LEAST_MEMORY = 4 << 30  # bytes; libraries and threads take a part before anything is read
_SHARE = 0.9  # of the free memory
_SECONDS, _SECONDS_PER_BYTE = 600, 1e-6  # an import takes a hundredth of this
_LEAST_FILE, _GROWTH = 8 << 30, 40  # bytes; a packed file grows where it is unpacked
_NEW_NETWORK = 0x40000000  # CLONE_NEWNET of Linux


def limit_for(file: Path) -> None:
    """Bound the memory, CPU seconds and files of this process by the size of the file it opens.

    Where more memory is asked for MemoryError is raised, where a file grows too large OSError; the
    system ends a process whose CPU seconds are used up. Nothing is written of a crash, and there
    is no network where the system lets us take it away (root, or a container that allows it).
    Nothing happens on a system that knows no such limits.
    """
    size = file.stat().st_size
    memory = max(LEAST_MEMORY, int(_SHARE * free_memory()))
    set_limits(memory, int(_SECONDS + _SECONDS_PER_BYTE * size), max(_LEAST_FILE, _GROWTH * size))
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).unshare(_NEW_NETWORK)  # answers -1 where it is not allowed


def set_limits(memory: int, seconds: int, file_bytes: int) -> None:
    """Bound this process: bytes of its own memory, CPU seconds, bytes of any file it writes.

    Memory is what it writes to: libraries reserve addresses by the gigabyte and never use them.
    """
    try:
        import resource
    except ImportError:  # Windows
        return
    limits = (
        (resource.RLIMIT_DATA, memory),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, file_bytes),
        (resource.RLIMIT_CORE, 0),
    )
    for kind, wanted in limits:
        hard = resource.getrlimit(kind)[1]
        bound = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with suppress(ValueError, OSError):  # a system that cannot bound this
            resource.setrlimit(kind, (bound, hard))
