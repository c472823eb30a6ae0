"""What makes the house one to live in: no circles, no thought cut in pieces, no hidden giants."""

import ast
import re
from pathlib import Path

import pytest

from tests.architecture import measures

ROOT = measures.ROOT
FILES = [*measures.modules().values(), *sorted((ROOT / "pages").glob("*.py"))]
TESTS = [
    path for path in sorted((ROOT / "tests").rglob("*.py")) if path.parent != Path(__file__).parent
]

LONG_FILES = {  # above 500 lines, each with its reason
    "core/data/reading/roles.py": "one table of names and what they mean, read from top to bottom",
    "core/evaluation/verdict.py": "the sentences and the rules they follow are read together",
    "core/models/graphs/kgat.py": "graph, attention and network of one paper are read together",
}
LONG_FUNCTIONS = {  # above 60 lines, each with its reason
    ("core/charts/recommendations.py", "draw_removed_places"): "one figure, trace by trace",
}
EARNED = {  # private functions of a short return, called once: the name says what the code cannot
    ("core/basics/files.py", "_made"),
    ("core/charts/recommendations.py", "_ticks"),
    ("core/cli/reading.py", "_tells_order"),
    ("core/data/reading/rows.py", "_not_rated"),
    ("core/data/reading/times.py", "_year"),
    ("core/evaluation/evaluate.py", "_novelties"),
    ("core/evaluation/given_lists.py", "_has"),
    ("core/models/factors/cmf_als.py", "_present"),
    ("core/runs/making/folds.py", "_prefixed"),
    ("core/runs/making/make_run.py", "_staged"),
    ("core/runs/making/make_run.py", "_as_evaluation"),
    ("core/runs/making/texts.py", "_begins"),
    ("core/runs/search/study.py", "_staged"),
    ("core/store/run_folder.py", "_rows"),
    ("core/ui/data/pair_filters.py", "_files_of"),
    ("core/ui/metrics/fairness.py", "_cell"),
    ("core/ui/metrics/lists.py", "_of_segment"),
    ("core/ui/report.py", "_seconds"),
    ("core/ui/train/search.py", "_shown"),
    ("core/ui/widgets.py", "_step"),
}


def name_of(path: Path) -> str:
    """The path from the root of the repository, as it is written in lists here."""
    return path.relative_to(ROOT).as_posix()


def is_short(statement: ast.stmt) -> bool:
    """A line, or one that was broken in two."""
    return (statement.end_lineno or statement.lineno) - statement.lineno <= 1


def test_no_files_import_each_other_in_a_circle():
    assert measures.circles(measures.graph()) == []


def test_the_look_for_circles_finds_one():
    assert measures.circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}) == [["b", "c"]]


def test_the_formatter_is_on_everywhere():
    skipped = re.compile(r"fmt: *(skip|off)")
    texts = {name_of(path): path.read_text(encoding="utf-8") for path in (*FILES, *TESTS)}
    assert not [name for name, text in texts.items() if skipped.search(text)]


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_file_above_500_lines_and_a_function_above_60_say_why(path):
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert (lines > 500) == (name_of(path) in LONG_FILES)
    long = {f.name for f in measures.functions(measures.tree_of(path)) if measures.length(f) > 60}
    assert long == {name for file, name in LONG_FUNCTIONS if file == name_of(path)}


def test_a_private_function_that_is_called_once_holds_more_than_a_return():
    found = {
        (name_of(path), function.name)
        for path in FILES
        for function in measures.called_once(measures.tree_of(path))
        if measures.holds_one_return(function) and is_short(function.body[-1])
    }
    assert found == set(EARNED)


@pytest.mark.parametrize(
    "pattern", ["unsafe_allow_html", r"import pickle", r"# TODO", r"(?<![.\w])(eval|exec)\("]
)
def test_what_has_no_place_here_is_nowhere(pattern):
    texts = {path: path.read_text(encoding="utf-8") for path in [*FILES, ROOT / "app.py"]}
    assert not [path for path, text in texts.items() if re.search(pattern, text)]
