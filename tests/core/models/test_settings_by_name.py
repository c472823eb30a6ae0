"""What several models can be told is written once: a help text that stands twice comes apart."""

import ast
from collections import Counter
from pathlib import Path

ROOMS = Path(__file__).resolve().parents[3] / "core" / "models"


def helps(code: str) -> list[str]:
    """The help text of every setting that a file makes."""
    return [
        ast.literal_eval(keyword.value)
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Call)
        and "setting" in (getattr(part, "id", "") for part in (node.func, *node.args))
        for keyword in node.keywords
        if keyword.arg == "help" and isinstance(keyword.value, ast.Constant)
    ]


def test_no_help_text_of_a_setting_stands_twice():
    found = [text for path in ROOMS.rglob("*.py") for text in helps(path.read_text("utf-8"))]
    assert len(found) > 100
    assert [text for text, times in Counter(found).items() if times > 1] == []


def test_the_look_for_help_texts_joins_what_is_broken_over_lines():
    code = """
x = setting(1, help="One " "text.")
y = setting(2, help="One text.")
z = partial(setting, help="Another.")
other(help="No setting.")
"""
    assert helps(code) == ["One text.", "One text.", "Another."]
