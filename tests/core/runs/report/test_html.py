"""The file that is sent round: whole, escaped, and of nothing but itself."""

import json
import re
from dataclasses import replace

import pytest

from core.__main__ import main
from core.runs.report.blocks import Person, Pick
from core.runs.report.html import report_html
from core.runs.report.story import SECTIONS, ReportOptions, tell_story, write_report
from core.store.run_folder import list_runs

EVIL = "<script>alert(1)</script>"
PLOTLY_MAX = 5_200_000  # bytes of a file that is plotly.js and little else


@pytest.fixture(scope="module")
def story(demo_workspace):
    return tell_story(demo_workspace, list_runs(demo_workspace)[0])


@pytest.fixture(scope="module")
def html(story):
    return report_html(story, ReportOptions(title="For the board", note="First line\nSecond"))


def without_scripts(html: str) -> str:
    """What a person reads."""
    return re.sub(r"<script.*?</script>|<style.*?</style>", "", html, flags=re.S)


def test_the_file_asks_no_network_for_anything(html):
    assert "default-src 'none'" in html
    assert not re.findall(r"<(?:link|img|iframe|base)\b", html)
    assert not re.findall(r"<script[^>]+src=", html)
    assert not re.findall(r"url\(|@import", html.split("<style>")[1].split("</style>")[0])
    assert len(html.encode()) < PLOTLY_MAX


def test_title_and_note_are_those_that_were_typed(html):
    assert "<h1>For the board</h1>" in html
    assert "<title>For the board</title>" in html
    assert "First line\nSecond" in html


def test_contents_link_every_section_that_is_there(html, story):
    for key in SECTIONS:
        assert f'href="#part-{key}"' in html
        assert f'id="part-{key}"' in html
    short = report_html(story, ReportOptions(sections=("answer", "limits")))
    assert re.findall(r'<section class="part" id="part-(\w+)"', short) == ["answer", "limits"]


def test_every_figure_has_its_specification_once(html):
    wanted = re.findall(r'data-spec="([\w-]+)"', html)
    specs = dict(re.findall(r'<script type="application/json" id="([\w-]+)">(.*?)</script>', html))
    assert set(wanted) == set(specs)
    assert len(wanted) >= 9  # some stand on a slide too
    for name in wanted:
        assert json.loads(specs[name])["data"]


def test_users_are_named_by_letters_where_their_ids_are_hidden(story):
    people = [
        block for section in story.sections for block in section.blocks if isinstance(block, Person)
    ]
    named = report_html(story, ReportOptions())
    hidden = report_html(story, ReportOptions(hide_users=True))
    for person in people:
        assert f"user {person.id}<" in named
        assert person.id not in without_scripts(hidden)
    assert "The most helped person" in hidden


def test_nothing_from_a_file_acts_as_html(story):
    person = Person(
        id=EVIL,
        letter="A",
        role=EVIL,
        text=EVIL,
        domains=(EVIL, EVIL),
        source=(EVIL,),
        target=(EVIL,),
        more=(1, 0),
        picks=(Pick(EVIL, True, True, (0.5, 0.5), ((EVIL, "source", 0.5),)),),
        notes=(EVIL,),
    )
    evil = replace(
        story,
        run=EVIL,
        source=EVIL,
        target=EVIL,
        subtitle=EVIL,
        verdict=EVIL,
        sections=tuple(replace(s, blocks=(*s.blocks, person)) for s in story.sections),
    )
    html = report_html(evil, ReportOptions(title=f'"{EVIL}', note=EVIL))
    assert html.count("alert(1)") > 20
    assert EVIL not in html
    assert html.count("<script") == html.count("</script>")


def test_a_letter_that_is_none_does_not_stop_the_file(story, tmp_path):
    path = write_report(tmp_path / "r.html", report_html(story, ReportOptions(note="a\ud800b")))
    assert "a?b" in path.read_text(encoding="utf-8")


def test_presenting_opens_at_the_first_step(story):
    assert 'data-present="1"' in report_html(story, ReportOptions(), presenting=True)
    assert 'data-present="1"' not in report_html(story, ReportOptions())


def test_the_command_writes_the_file_and_answers_the_verdict(demo_workspace, tmp_path, capsys):
    run = next(run for run in list_runs(demo_workspace) if run.twin)
    words = ["report", "--run", run.id, "--workspace", str(demo_workspace.root), "--json"]
    words += ["--out", str(tmp_path / "out.html"), "--without", "people", "--title", "Out"]
    assert main(words) == 0
    answer = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert "History in books helps" in answer["verdict"]
    written = (tmp_path / "out.html").read_text(encoding="utf-8")
    assert answer["bytes"] == (tmp_path / "out.html").stat().st_size
    assert "<h1>Out</h1>" in written
    assert 'id="part-people"' not in written


def test_the_command_refuses_a_run_that_there_is_not(demo_workspace, tmp_path, capsys):
    words = ["report", "--run", "nobody", "--workspace", str(demo_workspace.root)]
    assert main([*words, "--out", str(tmp_path / "out.html")]) == 2
    assert "no run 'nobody'" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
