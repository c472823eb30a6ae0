"""The README says what is true: its tables, its commands and its file map."""

import re
from pathlib import Path

from core.cli.words import model_table
from core.metrics.registry import GROUPS as METRIC_GROUPS
from core.metrics.registry import METRICS
from core.models.registry import CARDS
from core.ui.navigation import GROUPS, PAGES

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def table_below(heading: str) -> list[list[str]]:
    """Cells of the first table below a heading, without its header."""
    section = re.split(r"^## ", README, flags=re.M)
    text = next(part for part in section if part.startswith(heading + "\n"))
    lines = re.search(r"(^\|.*\n)+", text, flags=re.M).group().splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_the_table_of_models_is_what_the_cards_say():
    """Name, family, paper, needs and when to use it; `core models --markdown` makes it."""
    assert model_table() in README
    assert [row[0].strip("`") for row in table_below("Models")] == list(CARDS)


def test_the_table_of_metrics_lists_every_metric_by_name_and_title_in_the_order_of_the_menus():
    listed = [(row[0].strip("`"), row[1]) for row in table_below("Metrics")]
    assert listed == [(name, card.title) for name, card in METRICS.items()]


def test_the_table_of_metrics_says_the_group_of_each_and_its_line_starts_as_its_help_does():
    for name, _, group, line in table_below("Metrics"):
        card = METRICS[name.strip("`")]
        assert group == METRIC_GROUPS[card.group]
        assert card.help.split(".")[0].split(";")[0].split(":")[0] in line


def test_the_tour_goes_through_every_page_in_the_order_of_the_navigation():
    names = [name for entries in GROUPS.values() for name, _ in entries]
    assert [row[0].lower() for row in table_below("A tour")] == names
    assert {path.stem for path in PAGES.glob("*.py")} == set(names)


def test_the_file_map_shows_every_room_and_folder():
    shown = re.search(r"```\n(app\.py.*?)```", README, flags=re.S).group(1)
    rooms = {path.name for path in (ROOT / "core").iterdir() if (path / "__init__.py").exists()}
    assert rooms == set(re.findall(r"^  (\w+)/", shown, flags=re.M))
    for name in ("app.py", "pages/", "core/", "sample_data/", "tests/"):
        assert re.search(rf"^{re.escape(name)}", shown, flags=re.M)


def test_each_of_the_two_commands_is_one_line_and_the_tests_are_what_ci_runs():
    commands = [line for line in README.splitlines() if line.startswith("python3 -m venv")]
    assert [command.split()[-1] for command in commands] == ["app.py", "pytest"]
    assert commands[1] in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()


def test_every_picture_and_file_that_is_linked_is_there():
    links = re.findall(r"\]\(([^)]+)\)", README)
    headings = re.findall(r"^#+ (.+)$", README, re.M)
    anchors = {f"#{re.sub(r'[^a-z0-9 -]', '', one.lower()).replace(' ', '-')}" for one in headings}
    for link in (link for link in links if "://" not in link):
        assert link in anchors or (ROOT / link).exists(), link


def test_every_commanded_subcommand_exists():
    from core.cli.parser import parser

    commands = set(re.findall(r"^python -m core (\w+)", README, flags=re.M))
    assert commands == {
        "models",
        "answer",
        "run",
        "search",
        "recommend",
        "report",
        "blend",
        "route",
        "compress",
        "upload",
        "demo",
        "reseed",
        "overlap",
        "placebo",
        "check",
    }
    for command in commands:
        assert command in parser().format_help()
