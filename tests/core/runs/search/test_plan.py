from dataclasses import replace

import pytest

from core.basics.errors import RunError, SettingsError
from core.models.registry import CARDS
from core.runs.search.plan import (
    DONE,
    FAILED,
    STOPPED,
    SearchPlan,
    Trial,
    choose,
    edges,
    equal_shares,
    is_geometric,
    simplicity,
)
from core.store.run_folder import RUN, TWIN

SPLIT = "0" * 16
GRID = {"unobserved_weight": (2.0, 5.0, 10.0), "regularization": (0.01, 0.03, 0.1)}
LOW = {"regularization": "low"}


def trial(number: int, mean: float | None, settings=None, role=RUN, status=DONE, error=0.01):
    return Trial(role, number, settings or {}, status, mean, error)


@pytest.mark.parametrize("name", [name for name, card in CARDS.items() if card.grid])
def test_the_default_search_tries_the_cards_whole_grid_with_an_equal_budget(name):
    plan = SearchPlan(SPLIT, name)
    assert plan.tries_all
    assert plan.combinations_of(RUN)
    if TWIN in plan.roles:
        assert plan.budget(TWIN) <= plan.budget(RUN) == plan.trials


def test_a_twin_has_no_source_to_weigh_and_gets_values_closer_together_instead():
    plan = SearchPlan(SPLIT, "ease")
    values = [entry["regularization"] for entry in plan.combinations_of(TWIN)]
    assert values[:3] == [30.0, 100.0, 300.0]
    assert len(set(values)) == len(values) == plan.budget(TWIN) == plan.budget(RUN) == 9
    assert (min(values), max(values)) == (30.0, 300.0)


def test_a_twin_with_nothing_to_choose_is_trained_once():
    plan = SearchPlan(SPLIT, "ease", {"source_weight": (0.2, 0.5)})
    assert (plan.budget(RUN), plan.budget(TWIN)) == (2, 1)


def test_more_trials_than_combinations_try_each_once():
    plan = SearchPlan(SPLIT, "ease", {"regularization": (10, 100)}, trials=30)
    assert (plan.tries_all, plan.budget(RUN)) == (True, 2)


def test_plans_come_back_from_json_with_the_same_key():
    plan = SearchPlan(SPLIT, "lightgcn", {"layers": ["1", 2, 2]}, {"epochs": 5}, trials=2)
    assert plan.grid == {"layers": (1, 2)}
    assert SearchPlan.from_dict(plan.to_dict()).key == plan.key
    assert SearchPlan(SPLIT, "lightgcn", {"layers": (1, 2)}).key != plan.key


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"grid": {"lambda": [1, 2]}}, "no setting lambda"),
        ({"grid": {"regularization": [0.1, 2]}}, "outside its range"),
        ({"grid": {"regularization": [2, 2]}}, "nothing to choose"),
        ({"grid": {"regularization": []}}, "no value to try for regularization"),
        ({"grid": {"regularization": [], "source_weight": [0.2, 1]}}, "no value to try"),
        ({"trials": -1}, "cannot have -1 trials"),
        ({"trials": 10_000}, "cannot have 10000 trials"),
    ],
)
def test_a_search_that_cannot_work_is_refused_in_two_sentences(values, words):
    with pytest.raises(SettingsError, match=words) as error:
        SearchPlan(SPLIT, "ease", **values)
    assert error.value.what.endswith(".")
    assert error.value.hint.endswith(".")


def test_popularity_has_nothing_to_search():
    with pytest.raises(SettingsError, match="nothing to choose for Popularity"):
        SearchPlan(SPLIT, "popularity")


def test_an_unknown_field_of_a_search_is_refused():
    with pytest.raises(RunError, match="colour"):
        SearchPlan.from_dict({"split": SPLIT, "model": "ease", "colour": "red"})


def test_the_found_settings_of_both_make_one_run():
    plan = SearchPlan(SPLIT, "ease", settings={"solver": "primal"}, seed=7)
    run = plan.run_plan({RUN: {"regularization": 30.0}, TWIN: {"regularization": 300.0}})
    assert run.settings == {"solver": "primal", "regularization": 30.0}
    assert run.twin_settings == {"solver": "primal", "regularization": 300.0}
    assert run.seed == 7


@pytest.mark.parametrize(
    ("values", "answer"),
    [((30, 100, 300), True), ((1, 2, 3), False), ((0, 10, 100), False), (("a", "b"), False)],
)
def test_values_that_grow_by_factors_are_geometric(values, answer):
    assert is_geometric(values) is answer


def test_the_simplest_within_one_standard_error_of_the_best_wins():
    trials = [
        trial(0, 0.100, {"factors": 64, "regularization": 1.0}),
        trial(1, 0.095, {"factors": 32, "regularization": 1.0}),
        trial(2, 0.091, {"factors": 32, "regularization": 3.0}),
        trial(3, 0.089, {"factors": 8, "regularization": 9.0}),  # more than .01 below the best
    ]
    choice = choose(trials)
    assert (choice.best.number, choice.taken.number, choice.alike) == (0, 2, 3)


def test_a_twin_keeps_its_best_where_the_model_would_take_a_simpler_one():
    """A model that kept its best beside a twin that took a worse one had a lift of +.0042."""
    trials = [trial(0, 0.100, {"factors": 64}), trial(1, 0.095, {"factors": 32})]
    choice = choose(trials, simplest=False)
    assert (choice.taken, choice.alike) == (choice.best, 2)
    assert choose(trials).taken.number == 1


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({"unobserved_weight": 10.0, "regularization": 0.03}, {"unobserved_weight": "high"}),
        ({"unobserved_weight": 9.9, "regularization": 0.01}, dict.fromkeys(GRID, "high") | LOW),
        ({"unobserved_weight": 5.0, "regularization": 0.03}, {}),
    ],
)
def test_a_trial_at_an_end_of_the_grid_is_known(values, found):
    """The grid of collective iALS ended at 10 without a word; the best stood there."""
    assert edges(trial(0, 0.1, values), "cmf_als", GRID) == found


def test_nothing_lies_beyond_a_bound_of_the_setting_nor_between_words():
    assert edges(trial(0, 0.1, {"factors": 512}), "cmf_als", {"factors": (64, 512)}) == {}
    grid = {"counts": ("ones", "log")}
    assert edges(trial(0, 0.1, {"counts": "log"}), "cmf_als", grid) == {}


def test_where_differences_per_user_are_known_they_decide_what_is_alike():
    best, near, far = (
        replace(trial(number, mean, {"factors": factors}, error=0.05), gap_error=gap)
        for number, (mean, factors, gap) in enumerate(
            [(0.100, 64, 0.0), (0.097, 32, 0.004), (0.090, 8, 0.004)]
        )
    )
    choice = choose([best, near, far])
    assert (choice.best, choice.taken, choice.alike) == (best, near, 2)


def test_of_rating_errors_the_lowest_is_best():
    trials = [trial(0, 0.90, {"factors": 4}), trial(1, 0.80), trial(2, 0.805, {"factors": 9})]
    choice = choose(trials, lower_is_better=True)
    assert (choice.best.number, choice.taken.number, choice.alike) == (1, 1, 2)


def test_between_equally_simple_trials_the_better_wins():
    trials = [trial(0, 0.10, {"source_weight": 0.1}), trial(1, 0.11, {"source_weight": 5.0})]
    assert choose(trials).taken.number == 1


def test_without_a_measured_trial_nothing_is_chosen():
    assert choose([trial(0, None, status=FAILED), trial(1, None, status=STOPPED)]) is None


@pytest.mark.parametrize(
    ("simple", "other"),
    [
        ({"layers": 1, "factors": 128}, {"layers": 2, "factors": 8}),
        ({"factors": 8}, {"factors": 16}),
        ({"epochs": 5}, {"epochs": 9}),
        ({"map_regularization": 10.0}, {"map_regularization": 1.0}),
        ({"weight_decay": 0.1, "learning_rate": 0.5}, {"weight_decay": 0.01, "learning_rate": 0.1}),
        ({"dropout": 0.4, "loss": "BPR"}, {"dropout": 0.1, "loss": "BPR"}),
    ],
)
def test_fewer_layers_factors_and_epochs_and_more_smoothing_are_simpler(simple, other):
    assert simplicity(simple) < simplicity(other)


def test_a_stopped_search_compares_equal_numbers_of_trials():
    trials = [trial(number, 0.1) for number in range(3)] + [trial(0, 0.1, role=TWIN)]
    shares = equal_shares(trials, {RUN: 9, TWIN: 9})
    assert [len(shares[role]) for role in (RUN, TWIN)] == [1, 1]
    shares = equal_shares(trials, {RUN: 3, TWIN: 1})  # nothing is left to do
    assert [len(shares[role]) for role in (RUN, TWIN)] == [3, 1]
