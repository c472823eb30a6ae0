"""The real app in a process of its own, and a Chromium that watches what it asks for and logs."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Locator,
    Page,
    Request,
    expect,
    sync_playwright,
)

from core.basics.workspace import VARIABLE, Workspace
from core.jobs.table import Job, list_jobs, request_cancel

ROOT = Path(__file__).resolve().parents[2]
FLAGS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",  # maps are drawn with WebGL
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]
PLAIN = ["--disable-gpu-rasterization", "--disable-gpu-compositing"]  # half a core less
LOCAL = ("http://127.0.0.1", "ws://127.0.0.1", "http://localhost", "ws://localhost")
OWN = (*LOCAL, "data:", "blob:", "about:")
# At /metrics Streamlit first looks for its server below the page, then at the root: two 404s.
LOOKING_FOR_ROOT = ("/_stcore/host-config", "/_stcore/health")
OURS = {"core.jobs.supervisor", "core.runs.jobs.worker"}  # processes the app leaves working
SECONDS = 60
IDLE = """() => {
    const app = document.querySelector('[data-testid=stApp]');
    const idle = app && app.getAttribute('data-test-script-state') === 'notRunning'
        && !document.querySelector('[data-stale=true]')
        && !(performance.now() - window.askedAt < PATIENCE);
    if (!idle) { window.idleSince = undefined; return false; }
    window.idleSince = window.idleSince || performance.now();
    return performance.now() - window.idleSince > 200;
}""".replace("PATIENCE", "5000")  # milliseconds: not every message has an answer

# When the page last said anything to its server that nothing came back for since, of any kind: on
# a busy machine a page waits for its answer longer than it takes to look idle.
ASKED = """(() => {
    const send = WebSocket.prototype.send;
    const answered = () => { window.askedAt = undefined; };
    WebSocket.prototype.send = function (data) {
        this.addEventListener('message', answered, {once: true});
        window.askedAt = performance.now();
        send.call(this, data);
    };
})();"""

STILL = """document.addEventListener('DOMContentLoaded', () => {
    const style = document.createElement('style');
    style.textContent = '*, *::before, *::after {animation: none !important;'
        + ' transition: none !important}';
    document.head.append(style);
});"""


def chromium() -> str | None:
    """Where Chromium is on this machine, if it is."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


class App:
    """`streamlit run app.py` with a workspace of its own."""

    script = "app.py"

    def __init__(self, root: Path) -> None:
        self.workspace = Workspace(root)
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = root.with_name(f"{root.name}-app.log")
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the app and wait until it answers."""
        command = [sys.executable, "-m", "streamlit", "run", self.script, "--server.port"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, str(self.port)],
                cwd=ROOT,
                stdout=log,
                stderr=log,
                env=os.environ | {VARIABLE: str(self.workspace.root)},
            )
        wait_until(self._answers, "the app answers")

    def kill(self) -> None:
        """End the app as the system does when memory is short: kill -9, nothing put away."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """End the app, and what it left working."""
        self.kill()
        for job in list_jobs(self.workspace, active=True):
            request_cancel(self.workspace, job.id)
        for process in psutil.process_iter(["cmdline"]):
            command = process.info["cmdline"] or []
            if str(self.workspace.root) in command and OURS.intersection(command):
                process.kill()

    def jobs(self, kind: str | None = None) -> list[Job]:
        """Jobs of the workspace, newest first."""
        return list_jobs(self.workspace, kind=kind, dismissed=True)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=2) as answer:
                return answer.status == 200
        except OSError:
            return False


class Visit:
    """One person's browser tab, with everything that may not happen collected."""

    def __init__(self, browser: Browser, url: str, **context: object) -> None:
        size = {"width": 1440, "height": 1000}
        self.context = browser.new_context(**{"viewport": size, **context})
        self.url = url
        self.context.add_init_script(STILL)
        self.context.add_init_script(ASKED)
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(SECONDS * 1000)
        self.console_errors: list[str] = []
        self.foreign_requests: list[str] = []
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.console_errors.append(str(error)))
        self.page.on("request", self._on_request)

    def open(self, path: str = "/") -> Visit:
        """Load an address of the app and wait until it is drawn."""
        self.page.goto(self.url + path)
        return self.settle()

    def goto(self, title: str) -> Visit:
        """Go to a page as a person does, by the navigation."""
        link = self.key("pages").get_by_role("link", name=title)
        link.first.click()
        self.page.get_by_role("heading", name=title, exact=True).first.wait_for()
        return self.settle()

    def settle(self) -> Visit:
        """Wait until no script runs and nothing on the page is stale."""
        self.page.wait_for_timeout(150)
        self.page.wait_for_function(IDLE, polling=40)
        return self

    def press(self, name: str) -> Visit:
        """Press the first button with this name."""
        self.page.get_by_role("button", name=name).locator("visible=true").first.click()
        return self.settle()

    def press_key(self, key: str) -> Visit:
        """Press the button with this key."""
        self.key(key).get_by_role("button").click()
        return self.settle()

    def press_drawer(self, key: str) -> Visit:
        """Open the drawer with this key, or close it."""
        self.key(key).locator("summary").first.click()
        return self.settle()

    def pick(self, key: str, option: str) -> Visit:
        """Pick one of the options that stand side by side."""
        self.key(key).get_by_text(option, exact=True).click()
        return self.settle()

    def key(self, key: str) -> Locator:
        """The widget or container with this key."""
        return self.page.locator(f".st-key-{key}").first

    def tick(self, key: str, on: bool = True) -> Visit:
        """Have the check box with this key ticked, or not, and the page drawn by it."""
        return self.tick_only(key, on).settle()

    def tick_only(self, key: str, on: bool = True) -> Visit:
        """The same without waiting for the page; a box that stands so is left alone."""
        box = self.key(key).get_by_role("checkbox")
        if box.is_checked() != on:
            self.key(key).locator("label").first.click()
        expect(box).to_be_checked(checked=on, timeout=SECONDS * 1000)
        return self

    def tab(self, name: str) -> Visit:
        """Open a tab of the page."""
        self.page.get_by_role("tab", name=name).first.click()
        return self.settle()

    def upload(self, label: str, *files: Path) -> Visit:
        """Hand files to the uploader with this label."""
        uploader = self.page.get_by_test_id("stFileUploader").filter(has_text=label).first
        uploader.locator("input[type=file]").set_input_files([str(file) for file in files])
        return self.settle()

    def slide(self, key: str, presses: int) -> Visit:
        """Move the slider with this key by the arrow keys: to the right, left if negative."""
        thumb = self.key(key).get_by_role("slider")
        thumb.focus()
        for _ in range(abs(presses)):
            thumb.press("ArrowRight" if presses > 0 else "ArrowLeft")
        return self.settle()

    def slider(self, key: str) -> float:
        """Where the slider with this key stands."""
        return float(self.key(key).get_by_role("slider").input_value())

    def sees(self, text: str | re.Pattern[str], seconds: float = SECONDS) -> Locator:
        """Wait until this text can be seen."""
        found = self.page.get_by_text(text).locator("visible=true").first
        found.wait_for(timeout=seconds * 1000)
        return found

    def sees_address(self, pattern: str) -> Visit:
        """Wait until the address of the page has what the pattern says."""
        self.page.wait_for_url(re.compile(pattern))
        return self

    def sees_chart(self) -> Visit:
        """Wait until a chart is drawn."""
        self.page.locator("[data-testid=stPlotlyChart] .main-svg").first.wait_for()
        return self

    def check(self) -> None:
        """Nothing went wrong in the browser, and nothing was asked of another machine."""
        assert not self.console_errors, self.console_errors
        assert not self.foreign_requests, self.foreign_requests
        assert self.page.get_by_test_id("stException").count() == 0
        assert self.page.get_by_text("a problem it does not know").count() == 0

    def _on_console(self, message: ConsoleMessage) -> None:
        url = message.location.get("url", "")
        looking = "404" in message.text and url.endswith(LOOKING_FOR_ROOT)
        if message.type == "error" and not looking:
            self.console_errors.append(f"{message.text} ({url})")

    def _on_request(self, request: Request) -> None:
        if not request.url.startswith(OWN):
            self.foreign_requests.append(request.url)


@contextmanager
def browsing(*flags: str) -> Iterator[Browser]:
    """A headless Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=[*FLAGS, *flags])
        yield browser
        browser.close()


def wait_until(happens, what: str, seconds: float = SECONDS) -> None:
    """Ask five times a second until it happens; fails where it does not."""
    deadline = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < deadline, f"waited {seconds:g} s in vain until {what}"
        time.sleep(0.2)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
