"""A file above 500 lines or a function above 60 is more than one thing or one thought."""

import ast
import re
from pathlib import Path

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
def test_a_file_has_at_most_500_lines_and_no_function_over_60(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 500
    assert not [(name, lines) for name, lines in functions(path) if lines > 60]


@pytest.mark.parametrize(
    "pattern", ["unsafe_allow_html", r"import pickle", r"# TODO", r"(?<![.\w])(eval|exec)\("]
)
def test_what_has_no_place_here_is_nowhere(pattern):
    texts = {path: path.read_text(encoding="utf-8") for path in [*FILES, ROOT / "app.py"]}
    assert not [path for path, text in texts.items() if re.search(pattern, text)]
