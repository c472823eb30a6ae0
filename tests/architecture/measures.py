"""What the house measures: `python tests/architecture/measures.py` prints it.

The figures say how easy it is to find one's way; tests hold the ones that must not come back.
"""

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)
RECORD_WORDS = re.compile(r"\brecord(?:\[\"|\.get\(\")")
FORK = re.compile(r"\b(?:if|elif|and|or|not)\b[^#\n]*\brates\b|\brates\b[^#\n]*\bif\b")


def modules() -> dict[str, Path]:
    """Path of every module of core by its dotted name, packages' own files left out."""
    paths = [p for p in sorted((ROOT / "core").rglob("*.py")) if p.name != "__init__.py"]
    return {".".join(p.relative_to(ROOT).with_suffix("").parts): p for p in paths}


def imports(tree: ast.AST, known: dict[str, Path]) -> set[str]:
    """Modules of core that a file imports anywhere in it, functions included."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= (names & known.keys()) or ({node.module} & known.keys())
    return found


def graph() -> dict[str, set[str]]:
    """Which modules of core each module imports."""
    known = modules()
    return {name: imports(tree_of(path), known) for name, path in known.items()}


def tree_of(path: Path) -> ast.Module:
    """The file as a syntax tree."""
    return ast.parse(path.read_text(encoding="utf-8"))


def circles(edges: dict[str, set[str]]) -> list[list[str]]:
    """Groups of modules that import each other, by Tarjan's strongly connected components."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found = []

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        for other in edges[name]:
            if other not in index:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], index[other])
        if low[name] == index[name]:
            at = stack.index(name)
            if len(stack) - at > 1 or name in edges[name]:
                found.append(sorted(stack[at:]))
            del stack[at:]

    for name in edges:
        if name not in index:
            visit(name)
    return found


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef]:
    """Every function and method of a file."""
    return (node for node in ast.walk(tree) if isinstance(node, FUNCTION))  # type: ignore[misc]


def length(node: ast.FunctionDef) -> int:
    """Lines from the first to the last; a docstring explains and does not make it longer."""
    lines = (node.end_lineno or node.lineno) - node.lineno + 1
    doc = node.body[0]
    if isinstance(doc, ast.Expr) and isinstance(getattr(doc.value, "value", None), str):
        lines -= (doc.end_lineno or doc.lineno) - doc.lineno + 1
    return lines


def used_once(tree: ast.AST) -> list[ast.FunctionDef]:
    """Private functions that their file names once beside the definition."""
    uses: Counter[str] = Counter()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            uses[node.id] += 1
        elif isinstance(node, ast.Attribute):
            uses[node.attr] += 1
    return [f for f in functions(tree) if is_private(f.name) and uses[f.name] == 1]


def called_once(tree: ast.AST) -> list[ast.FunctionDef]:
    """Those of `used_once` that are called where they are named, and that no decorator wraps."""
    called = {
        node.func.id if isinstance(node.func, ast.Name) else node.func.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, (ast.Name, ast.Attribute))
    }
    return [f for f in used_once(tree) if f.name in called and not f.decorator_list]


def is_private(name: str) -> bool:
    """One underscore in front; what Python itself calls is not meant."""
    return name.startswith("_") and not name.startswith("__")


def holds_one_return(node: ast.FunctionDef) -> bool:
    """Whether nothing but a docstring stands before a single return."""
    body = node.body
    if isinstance(body[0], ast.Expr) and isinstance(getattr(body[0].value, "value", None), str):
        body = body[1:]
    return len(body) == 1 and isinstance(body[0], ast.Return)


def import_lines(tree: ast.AST) -> int:
    """Lines that imports take."""
    nodes = (n for n in ast.walk(tree) if isinstance(n, (ast.Import, ast.ImportFrom)))
    return sum((n.end_lineno or n.lineno) - n.lineno + 1 for n in nodes)


def carries_its_subject(test: Path, known: set[str]) -> bool:
    """Whether a test file is named after a module, a page, or what its folder is for.

    tests/core/data/test_pair_doubles.py is about core/data/pair.py or core/data/pair_doubles.py.
    """
    folder, stem = test.relative_to(ROOT / "tests").parent.as_posix(), test.stem[len("test_") :]
    if folder == "pages":
        pages = {path.stem.lower() for path in (ROOT / "pages").glob("*.py")}
        return any(stem.startswith(page) for page in pages)
    words = stem.split("_")
    here = folder.replace("/", ".")
    names = {"_".join(words[: n + 1]) for n in range(len(words))}
    return any(f"{here}.{name}" in known for name in names)


def measured() -> dict[str, str]:
    """Each figure by what it is."""
    known, edges = modules(), graph()
    texts = {name: path.read_text(encoding="utf-8") for name, path in known.items()}
    trees = {name: ast.parse(text) for name, text in texts.items()}
    lines = {name: text.splitlines() for name, text in texts.items()}
    total = sum(map(len, lines.values()))
    importers: dict[str, set[str]] = defaultdict(set)
    for name, others in edges.items():
        for other in others:
            importers[other].add(name)
    every = sum(len(list(functions(tree))) for tree in trees.values())
    once = sum(len(used_once(tree)) for tree in trees.values())
    single = sum(holds_one_return(f) for tree in trees.values() for f in used_once(tree))
    comments = sum(line.lstrip().startswith("# ") for part in lines.values() for line in part)
    tests = [p for p in (ROOT / "tests").rglob("test_*.py") if "architecture" not in p.parts]
    core_tests = [p for p in tests if "core" in p.relative_to(ROOT).parts or "pages" in p.parts]
    subject = sum(carries_its_subject(path, set(known)) for path in core_tests)
    skips = [p for p in (*known.values(), *(ROOT / "tests").rglob("*.py")) if p != Path(__file__)]
    skip = "fmt: " + "skip"
    return {
        "modules in core": str(len(known)),
        "circles of files": str(len(circles(edges))),
        "files with exactly one importer": str(sum(len(v) == 1 for v in importers.values())),
        "private functions used once, share of all": f"{once / every:.1%} of {every:,}",
        "of them, holding one return": str(single),
        f"{skip} in core and tests": str(sum(p.read_text().count(skip) for p in skips)),
        "import lines, share": f"{sum(map(import_lines, trees.values())) / total:.1%}",
        "forks on ranking or rating": str(sum(len(FORK.findall(t)) for t in texts.values())),
        "look-ups of a record by string": str(
            sum(len(RECORD_WORDS.findall(t)) for n, t in texts.items() if n != "core.store.record")
        ),
        "lines of core": f"{total:,}",
        "whole-line comments per 100 lines": f"{100 * comments / total:.2f}",
        "files above 500 lines": str(sum(len(part) > 500 for part in lines.values())),
        "functions above 60 lines": str(
            sum(length(f) > 60 for tree in trees.values() for f in functions(tree))
        ),
        "test modules that carry their subject's name": f"{subject / len(core_tests):.0%}",
    }


if __name__ == "__main__":
    for what, figure in measured().items():
        print(f"{what:46} {figure}")
