"""Floors of the house: imports go down only, and nothing heavy is loaded before it is used."""

import ast
import functools
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("torch", "umap", "sklearn", "numba", "scipy.stats", "scipy.optimize", "scipy.linalg")
PAGE_MAY_IMPORT = (
    "streamlit",
    "core.ui",
    "core.charts",
    "core.basics",
    "__future__",
    "collections",
)


def headless_modules() -> list[str]:
    """Every module of core below the UI, by its dotted name."""
    files = [path.relative_to(ROOT).with_suffix("") for path in (ROOT / "core").rglob("*.py")]
    names = [".".join(path.parts).removesuffix(".__init__") for path in files]
    return sorted(
        name for name in names if not name.startswith("core.ui") and "__main__" not in name
    )


def loaded_after(code: str, wanted: tuple[str, ...]) -> list[str]:
    """Which of the wanted modules a fresh process has loaded after running the code."""
    question = f"import json, sys; print(json.dumps([m for m in {wanted!r} if m in sys.modules]))"
    answer = subprocess.run(
        [sys.executable, "-c", f"{code}\n{question}"], cwd=ROOT, capture_output=True, text=True
    )
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout.splitlines()[-1])


@functools.cache
def imported_names(path: Path) -> set[str]:
    """Modules a file imports anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return names


def test_imports_go_down_only_and_rooms_on_one_floor_do_not_import_each_other():
    code = "import sys; from importlinter.cli import lint_imports as l; sys.exit(l(no_cache=True))"
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_everything_below_the_ui_runs_without_streamlit():
    modules = ", ".join(headless_modules())
    assert loaded_after(f"import {modules}", ("streamlit",)) == []


def test_importing_all_of_core_loads_nothing_heavy():
    modules = ", ".join(headless_modules())
    assert loaded_after(f"import {modules}", HEAVY) == []


@pytest.mark.parametrize(
    "module", ["core.jobs.supervisor", "core.runs.jobs.worker", "core.data.reading.try_head"]
)
def test_processes_that_start_often_load_nothing_they_may_not_need(module):
    """A job, the one that starts jobs, and the one that looks at a file: a tenth of a second."""
    light = (*HEAVY, "numpy", "pandas", "pyarrow", "duckdb", "streamlit")
    assert loaded_after(f"import {module}", light) == []


def test_listing_the_models_loads_neither_torch_nor_plotly():
    code = "from core.models.registry import CARDS; assert CARDS"
    assert loaded_after(code, (*HEAVY, "plotly", "duckdb", "streamlit")) == []


def test_the_first_page_is_drawn_without_what_reads_files_or_trains():
    """A second of the first paint of a server went into importing these."""
    code = "import core.ui.frame, core.ui.start, core.ui.transfer_map"
    late = ("core.data.build_pair", "core.runs.making.fit", "pandas.io.formats.style")
    assert loaded_after(code, (*HEAVY, "duckdb", "scipy.special", *late)) == []


@pytest.mark.parametrize("path", sorted((ROOT / "pages").glob("*.py")), ids=lambda path: path.stem)
def test_a_page_imports_little_but_streamlit_and_the_ui(path):
    strangers = {n for n in imported_names(path) if not n.startswith(PAGE_MAY_IMPORT)}
    assert not strangers


@pytest.mark.parametrize(
    ("library", "rooms"),
    [
        ("torch", {"models", "basics"}),  # basics asks which devices there are
        ("plotly", {"charts", "ui"}),  # the UI shows figures
        ("duckdb", {"data", "ui"}),
        ("streamlit", {"ui"}),
        ("sqlite3", {"jobs"}),
        ("umap", {"embedding"}),
    ],
)
def test_a_library_stays_in_its_room(library, rooms):
    for path in (ROOT / "core").rglob("*.py"):
        if library in {name.split(".")[0] for name in imported_names(path)}:
            assert path.relative_to(ROOT / "core").parts[0] in rooms, path
