"""The settings the app is served with: who is let in, and how much a browser may send."""

import socket
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    """An app on this machine, served with the settings of the project."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number = free.getsockname()[1]
    app = tmp_path_factory.mktemp("app") / "app.py"
    app.write_text("import streamlit as st\nst.write('here')\n")
    server = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", str(app), "--server.port", str(number)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while not _listens(number):
        assert time.monotonic() < deadline
        assert server.poll() is None
        time.sleep(0.1)
    yield number
    server.kill()
    server.wait()


def _listens(port: int) -> bool:
    with socket.socket() as trial:
        return trial.connect_ex(("127.0.0.1", port)) == 0


def _handshake(port: int, host: str) -> int:
    """Status of the answer to a browser that opens the page's connection under a name."""
    lines = (
        "GET /_stcore/stream HTTP/1.1",
        f"Host: {host}",
        f"Origin: http://{host}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==",
        "",
        "",
    )
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall("\r\n".join(lines).encode())
        return int(connection.recv(4096).split(b" ")[1])


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_the_app_opens_under_the_names_of_this_machine(port, name):
    assert _handshake(port, f"{name}:{port}") == 101


def test_a_name_of_elsewhere_that_leads_to_this_machine_is_not_let_in(port):
    assert _handshake(port, f"rebound.example:{port}") == 403


def test_the_app_listens_to_this_machine_alone_and_takes_only_so_much():
    served = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())["server"]
    assert served["address"] == "127.0.0.1"
    assert served["allowedHosts"] == ["localhost", "127.0.0.1"]
    assert served["maxWidgetStateSize"] <= 16
    assert served["enableXsrfProtection"]
    assert served["enableCORS"]
