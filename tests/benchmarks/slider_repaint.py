"""Slider release until the chart is repainted: `python tests/benchmarks/slider_repaint.py PATH`.

PATH is a workspace with a trained run, or a folder of the four files that `python -m core run
--splits` takes (joint EASE is then trained first). In real Chromium, on the Fusion page with its
plain controls (cockpit_frames.py has the others) and on a bare Streamlit page with one slider and
the same chart, turn about in one run. Prints one JSON object; the bar is 1.4 times the bare page.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "browser")]

import numpy as np
from browsing import App, Visit, browsing

from core.basics.columns import VALID
from core.basics.workspace import Workspace
from core.data.snapshot import read_snapshot
from core.evaluation.segments import SEGMENTS, TARGET_HISTORY, user_segments
from core.evaluation.weightings import ratio_picture
from core.fusion.combine import RAW, WEIGHTED_SUM
from core.fusion.fused import prepare, ratio_curve
from core.store.run_folder import Run, list_runs

BAR, K = 1.4, 10
FRAMES = "BARE_SLIDER_FRAMES"
# From the release of the mouse to the frame in which the line that shows the weights has moved.
WATCH = """() => { window.repainted = new Promise((resolve, reject) => {
    const lines = () => [...document.querySelectorAll('.js-plotly-plot .shapelayer path')]
        .map(path => path.getAttribute('d')).join('|');
    const before = lines();
    let released;
    setTimeout(() => reject(new Error('the chart was not repainted')), 20000);
    document.addEventListener('pointerup', () => { released = performance.now(); },
        {capture: true, once: true});
    const watcher = new MutationObserver(() => {
        const now = lines();
        if (released && now && now !== before) {
            watcher.disconnect();
            requestAnimationFrame(() => resolve(performance.now() - released));
        }
    });
    watcher.observe(document.body, {subtree: true, childList: true, attributes: true});
}); }"""


def main() -> None:
    """Serve both pages, move both sliders turn about, compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--moves", type=int, default=10, help="of each slider in each round")
    asked = parser.parse_args()
    path = asked.path.resolve()
    with tempfile.TemporaryDirectory() as folder, browsing() as browser:
        workspace = path if (path / "runs").exists() else trained(path, Path(folder))
        run = next(run for run in list_runs(Workspace(workspace)) if run.card.additive)
        write_frames(workspace, run, Path(folder))
        with serving(App(workspace)) as ours, serving(bare_app(Path(folder))) as bare:
            size = {"viewport": {"width": 1440, "height": 1000}}
            pages = [
                Visit(browser, ours.url, **size).open(f"/fusion?run={run.id}"),
                Visit(browser, bare.url, **size).open("/"),
            ]
            pages[0].press("Options").page.get_by_text("Plain controls").click()
            pages[0].settle().page.keyboard.press("Escape")
            for visit in pages:
                move_often(visit, 3)  # everything loaded, every cache filled
            times: list[list[float]] = [[], []]
            for _ in range(asked.rounds):
                for visit, collected in zip(pages, times, strict=True):
                    visit.page.bring_to_front()
                    collected += move_often(visit, asked.moves)
    sides = [quantiles(collected) for collected in times]
    ratio = sides[0]["p50_ms"] / sides[1]["p50_ms"]
    print(
        json.dumps(
            {
                "name": "slider_repaint",
                "bar_ratio": BAR,
                "kept": ratio <= BAR,
                "ours": sides[0],
                "bare": sides[1],
                "ratio": round(ratio, 2),
                "ratio_p95": round(sides[0]["p95_ms"] / sides[1]["p95_ms"], 2),
                "moves": len(times[0]),
                "run": run.id,
                "load_average": [round(load, 2) for load in os.getloadavg()],
            }
        )
    )


def trained(splits: Path, folder: Path) -> Path:
    """A workspace in which joint EASE was trained on the split."""
    workspace = folder / "workspace"
    command = [sys.executable, "-m", "core", "run", "--splits", str(splits), "--model", "ease"]
    subprocess.run(
        [*command, "--workspace", str(workspace), "--json"],
        cwd=ROOT,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return workspace


def write_frames(workspace: Path, run: Run, folder: Path) -> None:
    """What the chart of the bare page shows: the same figures as ours."""
    split = read_snapshot(Workspace(workspace).splits / run.record.split_hash)
    prepared = prepare(run.candidates(VALID), WEIGHTED_SUM, RAW, K)
    curve = ratio_curve(prepared, split.valid, K)
    segment = user_segments(split.train)[TARGET_HISTORY].astype("str").to_numpy()
    picture = ratio_picture(curve, segment[prepared.users], SEGMENTS[TARGET_HISTORY])
    for name in ("curve", "lines", "best"):
        getattr(picture, name).to_parquet(folder / f"{name}.parquet", index=False)


class BareApp(App):
    """The bare page, started like the app."""

    script = "tests/benchmarks/bare_slider.py"


def bare_app(folder: Path) -> App:
    """The bare page with its frames in the environment of the process."""
    os.environ[FRAMES] = str(folder)
    os.environ["PYTHONPATH"] = str(ROOT)
    return BareApp(folder / "bare")


@contextmanager
def serving(app: App) -> Iterator[App]:
    """The app while it runs."""
    app.start()
    try:
        yield app
    finally:
        app.kill()


def move_often(visit: Visit, times: int) -> list[float]:
    """Drag the first slider to and fro; milliseconds from each release to the new picture."""
    taken = []
    slider = visit.page.get_by_test_id("stSlider").first
    for place in range(times):
        track = slider.get_by_role("group").locator("> div").first.bounding_box()
        assert track is not None
        height = track["y"] + track["height"] / 2
        now = float(slider.get_by_role("slider").input_value())
        to = 0.3 + 0.4 * (place % 2) + 0.05 * (place % 3)
        visit.page.mouse.move(track["x"] + now * track["width"], height)
        visit.page.mouse.down()
        visit.page.mouse.move(track["x"] + to * track["width"], height, steps=4)
        visit.page.evaluate(WATCH)
        visit.page.mouse.up()
        taken.append(float(visit.page.evaluate("() => window.repainted")))
        visit.settle()
    return taken


def quantiles(times: list[float]) -> dict[str, float]:
    """Median and 95 % of the milliseconds."""
    return {f"p{level}_ms": round(float(np.percentile(times, level)), 1) for level in (50, 95)}


if __name__ == "__main__":
    main()
