"""The story of a run in words: made from numbers by rules, and honest about what is missing."""

import json
import shutil

import pytest

from core.basics.errors import SettingsError
from core.basics.workspace import Workspace
from core.charts.report import figure_spec, safe_json
from core.runs.report.answer import headline
from core.runs.report.blocks import Facts, Figure, Person, Story
from core.runs.report.data import filter_sentences
from core.runs.report.html import text
from core.runs.report.people import _of_one
from core.runs.report.story import SECTIONS, ReportOptions, sections_without, tell_story
from core.store.run_folder import list_runs


def said(story: Story, key: str) -> str:
    """Everything one section says, figures by their captions."""
    (section,) = [section for section in story.sections if section.key == key]
    return str(section.blocks)


@pytest.fixture(scope="module")
def runs(demo_workspace):
    return {run.label: run for run in list_runs(demo_workspace)}


@pytest.fixture(scope="module")
def story(demo_workspace, runs) -> Story:
    """Of joint EASE, with its twin and popularity on the random split."""
    return tell_story(demo_workspace, runs["Joint EASE"])


@pytest.fixture(scope="module")
def bereft(demo_workspace, tmp_path_factory) -> Workspace:
    """The demo's runs after somebody deleted pair and splits."""
    root = tmp_path_factory.mktemp("bereft") / "workspace"
    shutil.copytree(demo_workspace.runs, root / "runs")
    return Workspace(root)


def test_every_section_is_told_in_the_order_of_the_choices_and_the_steps_are_six(story):
    assert [section.key for section in story.sections] == list(SECTIONS)
    assert all(section.blocks for section in story.sections)
    assert len(story.slides) == 6
    assert all(slide.sentence for slide in story.slides)


def test_the_answer_is_the_verdict_and_stands_with_people_out_of_a_hundred(story, runs):
    assert story.tone == "good"
    assert story.verdict in said(story, "answer")
    figure = runs["Joint EASE"].record.test["hit_rate@10"]["mean"]
    assert f"of 100 people, {100 * figure:.0f} find" in said(story, "answer")
    assert story.slides[2].sentence == story.short[0]
    assert "95 %" not in story.slides[2].sentence


def test_the_first_picture_is_who_is_helped_over_all_splits_and_models(story):
    """Two bars whose intervals overlap stood under "helps": the paired difference is the proof."""
    assert story.short[0].startswith(
        "History in books helps most for people with nothing yet in films: "
    )
    first = next(block for block in story.summary if isinstance(block, Figure))
    labels = list(first.drawn.layout.yaxis.ticktext)
    assert labels[0].startswith("nothing yet in films · ")
    assert labels[-1].startswith("20 or more in films · ")
    assert " of 100 · +." in first.drawn.layout.annotations[0].text
    slide = next(block for block in story.slides[2].blocks if isinstance(block, Figure))
    assert list(slide.drawn.layout.yaxis.ticktext) == labels
    alone = next(
        b for s in story.sections if s.key == "answer" for b in s.blocks if isinstance(b, Figure)
    )
    assert len(alone.drawn.data) == 1  # one bar: the difference, pair by pair
    assert "of 100 (+" in alone.drawn.layout.annotations[0].text


def test_the_only_hidden_choice_is_told_by_its_place():
    """It said: of 1 hidden choice the ten hold 1, without books 0."""
    cases = [([2], [], "found at place 2, without books not at all."), ([], [], "neither.")]
    cases += [([], [7], "not among ten, without books at place 7."), ([2], None, "at place 2.")]
    for ours, theirs, words in cases:
        assert _of_one(ours, theirs, "without books").endswith(words)


def test_the_headline_loses_its_figures_and_nothing_else():
    assert headline("Books (old) help (+.012 nDCG@10, 95 % .006 to .018, 924 users).") == (
        "Books (old) help."
    )


def test_three_people_are_shown_with_what_carried_their_first_items(story):
    people = [block for block in story.sections[6].blocks if isinstance(block, Person)]
    assert [person.letter for person in people] == ["A", "B", "C"]
    assert len({person.id for person in people}) == 3
    most_helped = people[0]
    assert "without books not at all" in most_helped.text
    assert any(pick.hit and pick.only_here for pick in most_helped.picks)
    for pick in most_helped.picks[:3]:
        assert pick.reasons
        assert sum(share for _, _, share in pick.reasons) <= 1 + 1e-9
        assert sum(pick.shares) == pytest.approx(1)
    assert not any(pick.reasons for pick in most_helped.picks[3:])


def test_the_chapter_on_data_counts_both_domains_and_says_what_was_left_out(story):
    words = said(story, "data")
    assert "828 in both" in words
    assert "at least 3 of 5 stars" in words
    assert "at least 5 choices" in words


def test_filters_that_do_nothing_are_not_told():
    nothing = {"rating_threshold": 0.0, "target_core": 0}
    assert filter_sentences(nothing, "books", "films") == []
    days = nothing | {"first_day": "2020-01-01", "source_fewest": 7}
    assert filter_sentences(days, "books", "films") == [
        "Users with fewer than 7 choices in books were left out.",
        "Only rows since 2020-01-01 were used.",
    ]


def test_the_rating_from_which_a_file_is_liked_is_told_with_its_domain():
    told = {"target_core": 0, "source_liked_from": "3.5", "target_item_fewest": 4}
    assert filter_sentences(told, "books", "films") == [
        "Only ratings of at least 3 of 5 stars count as a choice, on each file's own scale.",
        "In books a rating counts as a choice from 3.5 on.",
        "Items with fewer than 4 choices in films were left out.",
    ]


def test_a_run_without_a_twin_is_compared_with_popularity_and_says_so(demo_workspace, runs):
    told = tell_story(demo_workspace, runs["Ridge, cold users"])
    assert "How good is" in said(told, "question")
    assert "no target-only twin" in said(told, "limits")
    assert "better lists than by popularity" in said(told, "whom")
    assert "no weight could change a" in said(told, "weights")


def test_popularity_itself_has_nothing_to_be_compared_with(demo_workspace, runs):
    told = tell_story(demo_workspace, runs["Popularity"])
    assert "itself, the least any model must beat" in said(told, "question")
    assert told.tone == "open"
    (tile,) = told.summary[0].tiles
    assert tile[0] == ".057"  # nobody is listed what they rated low


def test_runs_of_the_split_stand_side_by_side_and_others_do_not(story, runs):
    words = said(story, "runs")
    assert "Joint EASE, without books" in words
    assert "Popularity" in words
    assert "cold users" not in words


def test_a_run_whose_data_are_gone_still_has_its_figures(bereft, runs):
    told = {run.label: tell_story(bereft, run) for run in list_runs(bereft)}
    gone = told["Joint EASE"]
    assert "no longer in the workspace" in said(gone, "data")
    assert "no longer in the workspace" in said(gone, "people")
    assert "does better than the same model without books" in gone.verdict
    figure = runs["Joint EASE"].record.lift["ndcg@10"]
    assert f"{figure['mean']:+.3f}".replace("0.", ".") in gone.verdict
    assert any(isinstance(block, Figure) for block in gone.sections[3].blocks)  # the segments
    assert told["Ridge, cold users"].tone == "good"
    assert len(gone.slides) == 6


def test_a_cancelled_run_says_that_it_is_not_finished(bereft):
    run = next(run for run in list_runs(bereft) if run.label == "Ridge, cold users")
    record = json.loads((run.folder / "run.json").read_text())
    (run.folder / "run.json").write_text(json.dumps(record | {"cancelled": True}))
    told = tell_story(bereft, next(r for r in list_runs(bereft) if r.id == run.id))
    assert "The training was cancelled" in said(told, "limits")


def test_a_run_whose_twin_was_cut_says_that_its_lift_may_vanish(bereft):
    run = next(run for run in list_runs(bereft) if run.label == "Joint EASE")
    for folder, cut, words in (
        (run.folder / "twin", True, "Its twin was still getting better when training ended"),
        (run.folder, True, "This run and its twin were still getting better"),
    ):
        record = json.loads((folder / "run.json").read_text())
        (folder / "run.json").write_text(json.dumps(record | {"cut_short": cut}))
        read = next(r for r in list_runs(bereft) if r.id == run.id)
        assert words in said(tell_story(bereft, read), "limits")
        assert "may vanish" in read.cut_short or "may grow or vanish" in read.cut_short


def test_figures_in_the_summary_carry_their_interval(story, runs):
    assert isinstance(story.summary[1], Facts)
    lift = runs["Joint EASE"].record.lift["ndcg@10"]
    number, words, tone = story.summary[1].tiles[1]
    assert number == f"+{lift['mean']:.3f}".replace("0.", ".")
    assert f"{lift['low']:.3f}".removeprefix("0") in words
    assert tone == "fused"


def test_how_to_reproduce_it_holds_the_command_and_the_hashes(story, runs):
    words = said(story, "reproduce")
    assert "python -m core run --splits" in words
    assert "--set regularization=100.0" in words
    assert runs["Joint EASE"].record.split_hash in words
    code = story.sections[8].blocks[-1].text
    assert json.loads(code)["settings"]["regularization"] == 100


def test_a_section_that_there_is_not_is_refused_in_two_sentences():
    assert "people" not in sections_without(["people"])
    with pytest.raises(SettingsError, match="no section nonsense"):
        ReportOptions(sections=("nonsense",))


@pytest.mark.parametrize(
    "title", ["<script>alert(1)</script>", '" onload="x', "a" * 500, "👩‍🚀 Ünïcode 电影", "a\nb\tc"]
)
def test_texts_are_on_one_line_shortened_and_harmless(title):
    shown = text(title, 60)
    assert len(shown) <= 60 * 6
    assert not {"<", ">", '"', "\n"} & set(shown)


def test_json_in_a_script_cannot_end_it(story):
    assert "<" not in safe_json({"title": "</script><script>alert(1)</script>"})
    assert json.loads(safe_json({"a": "<&>"})) == {"a": "<&>"}
    figure = next(b for b in story.sections[1].blocks if isinstance(b, Figure))
    assert json.loads(figure_spec(figure.drawn))["data"]
