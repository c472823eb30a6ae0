"""Devices: what is offered, what is refused, what is remembered."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from core.basics import machine
from core.basics.errors import RunError
from core.basics.machine import CPU, Device, choose_device, probe_devices

ROOT = Path(__file__).resolve().parents[3]


def cuda_works() -> bool:
    import torch

    return torch.cuda.is_available()


def test_the_cpu_is_always_there_and_probing_loads_no_torch_here(tmp_path):
    code = (
        "import sys; from pathlib import Path; from core.basics.machine import probe_devices\n"
        f"print(probe_devices(Path({str(tmp_path / 'devices.json')!r}))[0].name)\n"
        "print('torch' in sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert answer.stdout.split() == ["cpu", "False"], answer.stderr


@pytest.fixture
def nothing_beside(monkeypatch):
    """A quick probe that finds no device beside the CPU."""
    monkeypatch.setattr(machine, "PROBE", "print('[]')")


def test_the_answer_is_kept(tmp_path, nothing_beside):
    assert probe_devices(tmp_path / "devices.json") == [Device(CPU, "CPU")]
    kept = json.loads((tmp_path / "devices.json").read_text())
    kept["devices"].append({"name": "cuda", "title": "from the file", "memory": 5})
    (tmp_path / "devices.json").write_text(json.dumps(kept))
    assert probe_devices(tmp_path / "devices.json")[-1].title == "from the file"


def test_another_torch_is_probed_again(tmp_path, nothing_beside):
    stale = {"torch": "0.1", "devices": [{"name": "cuda", "title": "gone", "memory": 5}]}
    (tmp_path / "devices.json").write_text(json.dumps(stale))
    assert probe_devices(tmp_path / "devices.json") == [Device(CPU, "CPU")]


def test_a_child_that_fails_leaves_the_cpu():
    for code in ("raise SystemExit(3)", "print('no json')", "print('{}')", "import os; os.abort()"):
        assert machine._probed(code) == []


def test_auto_takes_what_there_is():
    assert choose_device("auto") == ("cuda" if cuda_works() else "cpu")
    assert choose_device("cpu") == "cpu"


def test_a_device_that_is_not_here_is_refused_with_what_to_do():
    with pytest.raises(RunError, match=r"There is no device 'tpu'\. Choose from auto, cpu, cuda."):
        choose_device("tpu")
    if not cuda_works():
        with pytest.raises(RunError, match="No CUDA device works here"):
            choose_device("cuda")
