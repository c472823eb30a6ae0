"""Train page, left: where models that train by gradients run."""

from __future__ import annotations

import streamlit as st

from core.basics.machine import AUTO, CPU, CUDA, Device
from core.jobs.supervisor import ensure_supervisor
from core.jobs.table import enqueue, list_jobs
from core.models.readiness import in_gib
from core.runs.jobs.devices import known_devices
from core.ui.shell import workspace

KIND = "devices"
_HELP = (
    "CUDA trains LightGCN on an NVIDIA GPU; all other models use the CPU. Auto takes the GPU where "
    "there is one that works."
)


def pick_device() -> str:
    """Name of the chosen device; what this machine has is found out by a job, once."""
    found = known_devices(workspace())
    if found is None:
        _look()
    titles = {device.name: _title(device) for device in found or [Device(CPU, "CPU")]}
    chosen = st.selectbox(
        "Device",
        [AUTO, *titles],
        format_func=lambda name: titles.get(name, "Auto"),
        key="train_device",
        help=_HELP,
        persist_state="session",
    )
    if found is None:
        st.caption("Looking for a GPU in the background; auto will use it if there is one.")
    elif CUDA not in titles:
        st.caption("No GPU that works was found here.")
    return str(chosen)


def device_memory(name: str) -> int | None:
    """Bytes of the GPU a run would take up; None where the machine's own memory counts."""
    devices = {device.name: device for device in known_devices(workspace()) or []}
    if name == CPU or CUDA not in devices:
        return None
    return devices[CUDA].memory


def _look() -> None:
    """Ask once: where looking failed, auto and the CPU are all there is to choose."""
    if not list_jobs(workspace(), kind=KIND, dismissed=True, limit=1):
        enqueue(workspace(), KIND, {}, "short", "Looking for a GPU")
        ensure_supervisor(workspace())


def _title(device: Device) -> str:
    if device.memory is None:
        return device.title
    return f"{device.name.upper()} · {device.title} · {in_gib(device.memory)}"
