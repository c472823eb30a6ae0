"""Memory of the app's process after every page was visited, and whether torch was loaded.

`python tests/benchmarks/app_memory.py [--source F --target F [--items-source F --items-target F]]`
trains joint EASE on the pair in a workspace of its own (a made pair of 96,000 and 70,000 rows if
none is given), opens every page and prints one JSON object; the bar is 500 MiB.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "browser")]

from browsing import App, Visit, browsing
from large_pair import write_large_pair

LIMIT = 500.0
PAGES = ("Start", "Data", "Train", "Fusion", "Metrics", "Embeddings", "Recommendations")
FILES = ("source", "target", "items_source", "items_target")


def main() -> None:
    """Train, visit every page twice, measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in FILES:
        parser.add_argument(f"--{name.replace('_', '-')}", type=Path)
    given = {name: path for name, path in vars(parser.parse_args()).items() if path}
    with tempfile.TemporaryDirectory() as folder, browsing() as browser:
        app = App(Path(folder) / "workspace")
        train(given or made_pair(Path(folder)), app)
        app.start()
        try:
            bare = resident(app)
            visit = Visit(browser, app.url).open()
            for title in PAGES * 2:
                visit.goto(title)
            visit.check()
            print(json.dumps(figures(app, bare)))
        finally:
            app.stop()


def made_pair(folder: Path) -> dict[str, Path]:
    """Files of the made pair by the names of the options."""
    made = write_large_pair(folder / "pair")
    names = ("books", "music", "items_books", "items_music")
    return {option: made[name] for option, name in zip(FILES, names, strict=True)}


def train(files: dict[str, Path], app: App) -> None:
    """Joint EASE and its twin, from the command line."""
    options = [
        part for name, path in files.items() for part in (f"--{name.replace('_', '-')}", str(path))
    ]
    command = [sys.executable, "-m", "core", "run", *options, "--model", "ease", "--json"]
    command += ["--workspace", str(app.workspace.root)]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def resident(app: App) -> float:
    """Resident memory of the app's process, MiB."""
    return psutil.Process(app.process.pid).memory_info().rss / 2**20


def figures(app: App, bare: float) -> dict:
    """What the process holds and has loaded."""
    maps = Path(f"/proc/{app.process.pid}/maps").read_text(encoding="utf-8")
    held = resident(app)
    return {
        "what": "app process with a pair open, every page visited twice",
        "before_visits_mib": round(bare, 1),
        "mib": round(held, 1),
        "limit": LIMIT,
        "ratio": round(held / LIMIT, 2),
        "torch_loaded": "libtorch" in maps,
    }


if __name__ == "__main__":
    main()
