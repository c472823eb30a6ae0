"""The sentence says 'helps' only where the numbers carry it."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from core.evaluation.segments import TARGET_HISTORY, bins_words
from core.evaluation.verdict import (
    FEW,
    HARMS,
    HELPS,
    MODEL,
    OPEN,
    UNTRUSTED,
    Comparison,
    altogether,
    could_be_words,
    difference_words,
    judge,
    lifts_of,
    sentence,
    verdict,
)
from core.metrics.intervals import Interval
from tests.core.evaluation.evaluation_worlds import frame, segments

BINS = ["0"] * 50 + ["1–4"] * 50 + ["20+"] * 50


def compare(lifts, over_popularity=0.1, twin=True):
    """150 users in three segments, lifted over the twin by so much, give or take .01."""
    generator = np.random.default_rng(0)
    base = generator.random(150) * 0.5
    run = base + np.repeat(lifts, 50) + generator.normal(0, 0.01, 150)
    floor = run - over_popularity + generator.normal(0, 0.01, 150)
    return Comparison(
        frame(run), frame(base) if twin else None, frame(floor), segments(BINS), "books", "films"
    )


def test_segments_that_are_lifted_are_named_from_the_bottom_up():
    said = verdict(compare([0.15, 0.15, 0.0]))
    assert re.match(
        r"History in books helps recommendations in films \(\+\.\d+ nDCG@10, 95 % \S+ to \S+, 150 "
        r"users; not yet told from a placebo\)\. It helps users with fewer than 5 interactions in "
        r"films \(\+\.1",
        said,
    )
    assert re.search(
        r"No difference is shown for users with 20 or more interactions in films "
        r"\(it could be −\.0\d\d to \+\.0\d\d nDCG@10\)\.$",
        said,
    )


def test_cold_users_are_not_helped_where_popularity_does_as_well():
    said = verdict(compare([0.1, 0.0, 0.0], over_popularity=0.0))
    assert "helps recommendations in films for" not in said


def test_cold_users_who_gain_over_the_twin_alone_are_not_said_to_be_no_different():
    """Their dot was filled, and the sentence above it said: for others no difference."""
    said = verdict(compare([0.1, 0.1, 0.0], over_popularity=0.0))
    assert "Users with no history in films fare better than with the twin (+" in said
    assert "no better than by popularity as far as can be told." in said
    assert "It helps users with 1–4 interactions in films (+" in said


def test_cold_users_alone_are_not_helped_over_all_where_popularity_does_as_well():
    """On a cold-start split the verdict said "over all users together … helps"."""
    world = compare([0.1, 0.1, 0.1], over_popularity=0.0)
    cold = world.run["user_id"] < 50
    said = verdict(replace(world, run=world.run[cold]))
    assert "helps" not in said
    assert "no better than by popularity" in said


def test_a_gain_of_cold_users_that_popularity_gives_too_is_open_over_all_users():
    """The report's box was green above a verdict that no longer said "helps"."""
    world = compare([0.1, 0.1, 0.1], over_popularity=0.0)
    cold = replace(world, run=world.run[world.run["user_id"] < 50])
    for case, answer in ((cold, OPEN), (world, HELPS), (compare([-0.1] * 3), HARMS)):
        lifts = lifts_of(case, "ndcg@10", TARGET_HISTORY)
        assert altogether(lifts, "ndcg@10", TARGET_HISTORY) == answer


def test_a_placebo_does_not_turn_a_gain_of_cold_users_that_popularity_gives_into_help():
    """A placebo as good for cold users and worse for the rest, who gained nothing, made it help."""
    world = compare([0.15, 0.0, 0.0], over_popularity=0.0)
    rest = np.repeat([0.0, 0.05, 0.05], 50)
    deals = [
        frame(world.run["ndcg@10"] - rest + np.random.default_rng(n).normal(0, 0.01, 150))
        for n in range(5)
    ]
    for placebos in ([], deals):
        lifts = lifts_of(replace(world, placebos=placebos), "ndcg@10", TARGET_HISTORY)
        assert altogether(lifts, "ndcg@10", TARGET_HISTORY) == OPEN


def test_of_segments_too_small_to_judge_no_difference_is_claimed():
    world = compare([0.15, 0.15, 0.0])
    few = world.run["user_id"].isin([*range(100), *range(100, 105)])
    said = verdict(replace(world, run=world.run[few]))
    assert "fewer than 5" in said
    assert "o difference" not in said


def test_harm_is_said_as_plainly_as_help():
    said = verdict(compare([0.0, 0.0, -0.1]))
    assert said.startswith("History in books harms recommendations in films (−.0")
    assert "It harms users with 20 or more" in said
    assert "placebo" not in said, "harm needs no placebo"
    assert "(−.1" in said


def test_nothing_helps_where_every_interval_holds_zero():
    said = verdict(compare([0.0, 0.0, 0.0]))
    assert said.startswith(
        "No difference is shown: with these 150 users it is too close to tell what history in "
        "books does for recommendations in films ("
    )
    assert "makes no difference" not in said  # absence of proof is no proof of absence
    assert "helps" not in said


def test_a_difference_that_reads_as_zero_helps_nobody():
    """A run said "helps predicted ratings (.0000 RMSE, 95 % .0000 to .0000)"."""
    base = np.full(150, 0.7)
    run = base - np.linspace(1e-6, 2e-5, 150)
    said = verdict(
        Comparison(frame(run), frame(base), None, segments(BINS), "books", "films"), "ndcg@10"
    )
    assert "helps" not in said
    assert "harms" not in said
    assert "o difference is shown" not in said
    assert "a difference that small is none to anybody" in said  # its range leaves zero out


def test_a_segment_of_a_few_users_is_not_judged():
    few = compare([0.1, 0.0, 0.0])
    rows = few.run["user_id"].isin([*range(9), *range(50, 150)])
    few = Comparison(few.run[rows], few.twin, few.popularity, few.segments, "books", "films")
    assert "for users with no history" not in verdict(few)


def test_a_model_without_a_twin_is_held_against_popularity():
    assert verdict(compare([0.0] * 3, twin=False)).startswith("This run beats popularity (+.1")


@pytest.mark.parametrize(
    ("bins", "words"),
    [
        (["0"], "users with no history in films"),
        (["0", "1–4", "5–9"], "users with fewer than 10 interactions in films"),
        (["10–19", "20+"], "users with 10 or more interactions in films"),
        (["1–4", "5–9", "10–19"], "users with 1 to 19 interactions in films"),
        (["1–4", "10–19"], "users with 1–4 or 10–19 interactions in films"),
    ],
)
def test_bins_read_as_a_person_would_say_them(bins, words):
    assert bins_words(bins, "films") == words


def test_the_sentence_names_exactly_the_segments_whose_dots_are_filled():
    generator = np.random.default_rng(8)
    for _ in range(15):
        world = compare(generator.choice([-0.01, 0.0, 0.004, 0.01], 3))
        lifts = lifts_of(world, "ndcg@10", TARGET_HISTORY)
        rows = lifts.over_twin.set_index("segment")
        judged = judge(lifts, "ndcg@10", TARGET_HISTORY)
        said = verdict(world)
        for name, answer in judged.items():
            assert (answer != OPEN) == rows.loc[name, "sure"]
        shown = altogether(lifts, "ndcg@10", TARGET_HISTORY)
        for answer in (HELPS, HARMS):
            assert (f" {answer} recommendations" in said) == (shown == answer)
            named = f" {answer} users" in said or "in every group" in said
            assert named == (answer in judged.values()) or "in every group" in said
        if rows["low"].iloc[0] > 0 or rows["high"].iloc[0] < 0:
            assert not said.startswith("No difference")


def test_seeds_are_only_said_where_more_than_one_training_was_looked_at():
    world = compare([0.05, 0.05, 0.05])
    assert "train" not in verdict(world), "this model knows no chance"
    again = frame(world.twin["ndcg@10"] + 0.003)
    once = replace(world, by_chance=True)
    assert "150 users; trained once; not yet told" in verdict(once)
    assert "; trained once: another training could come out differently by about .004;" in verdict(
        replace(once, again=[again])
    )
    alike = replace(world, seeds=[(world.run, world.twin)] * 3)
    assert "train" not in verdict(alike)
    others = [(frame(world.run["ndcg@10"] + more), world.twin) for more in (0.001, -0.001)]
    seeds = replace(once, seeds=[(world.run, world.twin), *others])
    assert "150 users; mean of 3 trainings; not yet told from a placebo)" in verdict(seeds)


def with_hits(world, more):
    """The same, where so many users more than with the twin find something among ten."""
    hits = np.arange(150) % 2.0
    better = np.where(np.arange(150) < more, 1.0, hits)
    run, twin = world.run.assign(**{"hit_rate@10": better}), world.twin
    return replace(world, run=run, twin=twin.assign(**{"hit_rate@10": hits}))


def test_help_is_told_in_people_of_a_hundred_where_hits_are_known():
    """25 of the first 50 find something only with the source, who are 25 of 100 helped."""
    said = verdict(with_hits(compare([0.15, 0.15, 0.0]), 50))
    assert "in films: 17 more of 100 find something they like (+.0" in said  # 25 of all 150
    assert "5 interactions in films: 25 more of 100 find something they like (+.1" in said
    fewer = with_hits(compare([0.15, 0.15, 0.0]), 50)
    fewer = replace(fewer, run=fewer.run.assign(**{"hit_rate@10": 0.0}))
    assert "in films, though 50 fewer of 100 find something they like (+.1" in verdict(fewer)


def test_what_is_not_shown_says_how_many_people_it_could_be():
    said = verdict(with_hits(compare([0.0, 0.0, 0.0]), 0))
    assert "; nobody of 100 finds more or less (" in said
    assert (
        could_be_words(Interval(0.01, -0.012, 0.043, 100, 0))
        == "it could be 1 fewer to 4 more of 100"
    )
    assert (
        could_be_words(Interval(0.001, -0.0042, 0.0511, 100, 0))
        == "it could be 0.4 fewer to 5 more of 100"
    )


def test_a_lift_that_another_seed_undoes_helps_nobody():
    world = compare([0.15, 0.0, 0.0])
    assert " helps " in verdict(world)
    undone = (world.twin, world.run)
    seeds = [(world.run, world.twin), undone, (world.run, world.twin)]
    assert " helps " not in verdict(replace(world, seeds=seeds))


def test_a_source_that_only_shapes_the_model_has_no_history_that_helps():
    said = verdict(replace(compare([0.15, 0.15, 0.15]), source_speaks=False))
    assert said.startswith("What books teaches helps recommendations in films (+.1")


def test_other_kinds_of_segments_are_said_in_their_own_words():
    world = compare([0.15, 0.15, 0.15])
    cities = pd.Categorical(["Rome"] * 75 + ["Bonn"] * 75)
    world = replace(world, segments=world.segments.assign(**{"attribute:city": cities}))
    said = verdict(world, by="attribute:city")
    assert "It does so in every group by itself: users whose city is Bonn or Rome." in said
    assert "All of them are users seen in both domains." in verdict(world, by="overlap")
    assert "All of them are users with no history in books." in verdict(world, by="source_history")


def test_variety_is_raised_or_lowered_and_never_called_a_gain():
    compared = compare([0.15, 0.15, -0.15])
    metric = "intra_list_diversity@10"
    frames = [
        one.rename(columns={"ndcg@10": metric})
        for one in (compared.run, compared.twin, compared.popularity)
    ]
    said = verdict(replace(compared, run=frames[0], twin=frames[1], popularity=frames[2]), metric)
    assert "raises the intra-list diversity of recommendations in films (+" in said
    assert "It raises that of users with fewer than 5" in said
    assert "It lowers that of users with 20 or more" in said
    assert "helps" not in said


def test_less_popular_lists_are_lowered_though_less_counts_as_better():
    compared = compare([-0.15, -0.15, -0.15])
    metric = "average_popularity@10"
    frames = [
        one.rename(columns={"ndcg@10": metric})
        for one in (compared.run, compared.twin, compared.popularity)
    ]
    said = verdict(replace(compared, run=frames[0], twin=frames[1], popularity=frames[2]), metric)
    assert "lowers the average popularity of recommendations in films (−" in said


def test_a_small_figure_is_written_with_the_digits_that_tell_it():
    """The verdict said: +.000 Serendipity@10, 95 % .000 to .000."""
    interval = Interval(0.00012, 0.00003, 0.0002, 100, 0)
    assert difference_words(interval, "serendipity@10") == (
        "+.00012 Serendipity@10, 95 % +.00003 to +.00020"
    )
    assert difference_words(interval, "ndcg@10") == ".000 nDCG@10, 95 % .000 to .000"
    assert difference_words(Interval(-0.5, -1.2, 0.2, 9, 0), "average_popularity@10") == (
        "−.500 Average popularity@10, 95 % −1.200 to +.200"
    )


@pytest.mark.parametrize(
    ("columns", "why", "of_a_group"),
    [
        (
            {"holm": 0.2},
            "chance alone makes as large a difference too often (p .200)",
            "several groups were looked at",
        ),
        ({"noise": 1.0}, "the twin, trained again, comes as far", None),
        ({"repeated": False}, "the validation users do not bear it out", None),
    ],
)
def test_an_interval_beside_zero_that_does_not_count_says_why_in_plain_words(
    columns, why, of_a_group
):
    """It said: no difference is shown, and its interval left zero out."""
    comparison = compare([0.05, 0.05, 0.05])
    lifts = lifts_of(comparison, "ndcg@10", TARGET_HISTORY)
    rows = lifts.over_twin.assign(sure=False, **columns)
    said = sentence(comparison, replace(lifts, over_twin=rows), "ndcg@10", TARGET_HISTORY)
    assert said.startswith("What history in books does for recommendations in films is not sure (+")
    assert f"the range leaves zero out, but {why}" in said
    assert "o difference" not in said
    rows.loc[rows["segment"] == "0", "sure"] = True
    said = sentence(comparison, replace(lifts, over_twin=rows), "ndcg@10", TARGET_HISTORY)
    assert re.search(r"It is not sure for users with 1–4 .* in each group\): the range", said)
    assert (of_a_group or why) in said
    assert "leaves zero out" not in verdict(compare([0.0, 0.0, 0.0]))


# The six outcomes: a sentence that a stakeholder reads, with a plain number each.


def with_placebos(world, deals, share):
    """The model with the source dealt anew: so much of the run's lift, give or take .01 a user."""
    lift = world.run["ndcg@10"] - world.twin["ndcg@10"]
    placebos = [
        frame(world.twin["ndcg@10"] + share * lift + np.random.default_rng(n).normal(0, 0.01, 150))
        for n in range(deals)
    ]
    return replace(world, placebos=placebos)


ALARM = "Shared ids may not be the same people (AUC .51): do not believe a lift."
SIX = {
    HELPS: (with_placebos(compare([0.1] * 3), 5, 0.1), "History in books helps recommendations"),
    HARMS: (compare([-0.1] * 3), "History in books harms recommendations in films (−.1"),
    OPEN: (compare([0.0] * 3), "No difference is shown: with these 150 users it is too close to"),
    MODEL: (
        with_placebos(compare([0.1] * 3), 5, 1.0),
        "With books recommendations in films are better (+.099 nDCG@10, 95 % +.097 to +.100, 150 "
        "users), but a source of the wrong people does as much (.000 nDCG@10",
    ),
    FEW: (
        replace(compare([0.1] * 3), run=compare([0.1] * 3).run.head(7)),
        "Too few users are evaluated to judge books for recommendations in films: 7 users, and 10",
    ),
    UNTRUSTED: (
        replace(compare([0.1] * 3), alarm=ALARM),
        f"This cannot be trusted, as a check of the data failed. {ALARM} The figures alone say: "
        "History in books helps",
    ),
}


@pytest.mark.parametrize("outcome", SIX)
def test_each_of_the_six_outcomes_has_its_sentence_with_a_number(outcome):
    world, said = SIX[outcome]
    lifts = lifts_of(world, "ndcg@10", TARGET_HISTORY)
    assert altogether(lifts, "ndcg@10", TARGET_HISTORY) == outcome
    told = verdict(world)
    assert told.startswith(said)
    assert re.search(r"\d", told)
    assert (" helps " in told) == (outcome in (HELPS, UNTRUSTED))
    assert ("this is the model, not the taste" in told) == (outcome == MODEL)


@pytest.mark.parametrize(("deals", "share", "answer"), [(1, 0.1, HELPS), (2, 1.0, MODEL)])
def test_one_deal_is_judged_over_its_users_and_helps_is_said_only_beyond_it(deals, share, answer):
    lifts = lifts_of(with_placebos(compare([0.1] * 3), deals, share), "ndcg@10", TARGET_HISTORY)
    assert set(judge(lifts, "ndcg@10", TARGET_HISTORY).values()) == {answer}
    assert not lifts.over_placebo["layers"].any()
    assert "not yet told" not in verdict(with_placebos(compare([0.1] * 3), deals, share))


def test_a_placebo_that_may_do_less_is_not_said_to_do_as_much():
    """Most of the lift is left over the placebo; with deals so far apart it is only not sure."""
    world = with_placebos(compare([0.1] * 3), 0, 0.0)
    lift = world.run["ndcg@10"] - world.twin["ndcg@10"]
    deals = [frame(world.twin["ndcg@10"] + lift * share) for share in (-0.6, 0.1, 1.1)]
    said = verdict(replace(world, placebos=deals))
    assert "but that a source of the wrong people does less is not shown (+.0" in said
    assert "does as much" not in said
    assert " helps " not in said


def test_many_candidates_have_a_warning_of_their_own():
    world = compare([0.1] * 3)
    assert "candidates" not in verdict(replace(world, candidates=11))
    assert "It is one of 12 candidates tried on these people" in verdict(
        replace(world, candidates=12)
    )
