"""Files are read in one sitting and functions without scrolling."""

import ast
import re
from pathlib import Path
from statistics import median

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "core").rglob("*.py")) + sorted((ROOT / "pages").glob("*.py"))
FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)


def functions(path: Path) -> list[tuple[str, int]]:
    """Name and number of lines of every function in a file, its docstring not counted."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [(node.name, length(node)) for node in ast.walk(tree) if isinstance(node, FUNCTION)]


def length(node: ast.FunctionDef) -> int:
    """Lines from the first to the last; a docstring explains and does not make it longer."""
    lines = node.end_lineno - node.lineno + 1
    doc = node.body[0]
    if isinstance(doc, ast.Expr) and isinstance(getattr(doc.value, "value", None), str):
        lines -= doc.end_lineno - doc.lineno + 1
    return lines


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_has_at_most_250_lines_and_no_function_over_50(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 250
    assert not [(name, lines) for name, lines in functions(path) if lines > 50]


def test_most_functions_are_short():
    lines = sorted(length for path in FILES for _, length in functions(path))
    assert median(lines) <= 10
    assert lines[int(0.9 * len(lines))] <= 30


@pytest.mark.parametrize(
    "pattern", ["unsafe_allow_html", r"import pickle", r"# TODO", r"(?<![.\w])(eval|exec)\("]
)
def test_what_has_no_place_here_is_nowhere(pattern):
    texts = {path: path.read_text(encoding="utf-8") for path in [*FILES, ROOT / "app.py"]}
    assert not [path for path, text in texts.items() if re.search(pattern, text)]
