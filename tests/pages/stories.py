"""What page stories share: planted splits, opening a page, and what it says."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from core.basics.columns import ITEM, PART, RATING, TIME, TITLE, USER
from core.basics.workspace import VARIABLE, Workspace
from core.data.snapshot import SplitTables, write_snapshot

ROOT = Path(__file__).resolve().parents[2]
NASTY = "![pixel](http://elsewhere.example/p.png) <img src=x> **bold** $x$"
FORMULA = "=HYPERLINK(1)"
TASTES, USERS, COLD = 4, 240, 48


@dataclass(frozen=True)
class Trained:
    """A workspace with runs, and their folder names by what they are."""

    workspace: Workspace
    runs: dict[str, str]  # "ease", "item_knn", "popularity" on one split, "elsewhere" on another


def planted_split(
    workspace: Workspace, seed: int, names: tuple[str, str] = ("books", "films")
) -> str:
    """Hash of a split: users like a quarter of the items of either domain, some are cold."""
    rng = np.random.default_rng(seed)
    parts: dict[str, list[tuple]] = {
        name: [] for name in ("source_train", "target_train", "target_valid", "target_test")
    }
    low = []  # seen, not liked
    for user in range(USERS):
        books, films = (
            rng.permutation(np.arange(user % TASTES, count, TASTES)) for count in (80, 64)
        )
        parts["source_train"] += _rows(rng, user, "b", books[:8])
        known = 0 if user >= USERS - COLD else int(rng.integers(2, 8))
        parts["target_train"] += _rows(rng, user, "f", films[:known])
        parts["target_valid"] += _rows(rng, user, "f", films[known : known + 2])
        parts["target_test"] += _rows(rng, user, "f", films[known + 2 : known + 5])
        low.append((f"u{user:03d}", f"f{(user + 1) % TASTES:02d}", 1.0, 0))  # of another taste
    disliked = pd.DataFrame(low, columns=[USER, ITEM, RATING, PART])
    columns = [USER, ITEM, RATING, TIME]
    frames = {name: pd.DataFrame(rows, columns=columns) for name, rows in parts.items()}
    titles = [f"Film number {item}" for item in range(64)]
    titles[0], titles[1] = NASTY, FORMULA
    items = pd.DataFrame({ITEM: [f"f{item:02d}" for item in range(64)], TITLE: titles})
    folder = write_snapshot(
        workspace.splits,
        SplitTables(**frames, items_source=None, items_target=items, disliked=disliked),
        source_name=names[0],
        target_name=names[1],
        kind="random",
        seed=seed,
        settings={},
        dataset_hash=f"{seed:016d}",
    )
    return folder.name


def open_page(name: str, *drawers: str, **address: str) -> AppTest:
    """The page as it stands after a link with these values in the address bar.

    It is the first that is asked of the app, as in a browser: Start is not drawn before it.
    drawers: keys of those that are open.
    """
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    for drawer in drawers:
        app.session_state[drawer] = True
    for key, value in address.items():
        app.query_params[key] = value
    return (app if name == "start" else app.switch_page(f"pages/{name}.py")).run()


def well(app: AppTest) -> AppTest:
    """The same page, which shows no error."""
    assert not app.exception
    assert not [error.value for error in app.error], [error.value for error in app.error]
    return app


def words(app: AppTest) -> str:
    """Everything the page and its sidebar say in running text."""
    kinds = (app.markdown, app.caption, app.info, app.warning, app.title, app.subheader)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def _rows(rng: np.random.Generator, user: int, letter: str, items: np.ndarray) -> list[tuple]:
    day = 86_400
    return [
        (
            f"u{user:03d}",
            f"{letter}{item:02d}",
            float(rng.integers(3, 6)),
            1_600_000_000 + day * int(rng.integers(0, 900)),
        )
        for item in items
    ]


def entered(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """The workspace as the app's own from now on.

    Figures kept from it stay, as between two visitors of an app; those of another are not shown.
    """
    workspace.root.mkdir(parents=True, exist_ok=True)
    monkeypatch.setenv(VARIABLE, str(workspace.root))
    return workspace
