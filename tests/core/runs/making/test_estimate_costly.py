"""Before a costly model starts, a cheap one is proposed; untimed ones are compared by a floor."""

import pytest

from core.data.snapshot import NEW_ITEMS, SplitInfo
from core.models.readiness import Readiness
from core.models.registry import card_of
from core.runs.making.estimate import MEASURED, SECONDS, TIMES, Estimate, Timing, cheaper_first
from core.runs.making.plan import RunPlan

SIZES = {"users": 3300, "source_items": 28_000, "target_items": 30_000}
ROWS = {"source_train": 80_000, "target_train": 80_000, "target_valid": 1, "target_test": 1}
INFO = SplitInfo("books", "films", "random", 0, {}, "d" * 16, "s" * 16, SIZES | ROWS)
SMALL = SplitInfo(
    "books",
    "films",
    "random",
    0,
    {},
    "d" * 16,
    "s" * 16,
    {
        "users": 60,
        "source_items": 20,
        "target_items": 20,
        "source_train": 300,
        "target_train": 300,
        "target_valid": 1,
        "target_test": 1,
    },
)


def plan(model: str = "mult_vae", **more) -> RunPlan:
    return RunPlan("s" * 16, model, **more)


def first(*plans: RunPlan, known=(), info=INFO, fits=True, times=0.0, **seconds: float | None):
    """What is proposed where the models take so many seconds; None: nobody timed them."""

    def cost_of(one: RunPlan) -> Estimate:
        found = seconds.get(one.model)
        timing = None if found is None else Timing(found, 0.0, MEASURED, times)
        light = "green" if fits or one.model != "ease" else "red"
        return Estimate(1, 2, timing, Readiness(light, ""))

    return cheaper_first(plans, info, known, cost_of)


def test_a_costly_model_is_told_beside_ease_which_can_be_trained_first():
    found = first(plan(seed=7), mult_vae=120.0, ease=3.0)
    assert found.words == (
        "Cross-domain Mult-VAE takes about 2 min on this pair; "
        "EASE takes about 3 s and is often as good."
    )
    own = card_of("ease").settings().to_dict()
    assert (found.plan.model, found.plan.split, found.plan.seed) == ("ease", "s" * 16, 7)
    assert found.plan.settings == own


def test_a_time_that_validation_decides_is_called_so():
    found = first(plan(), mult_vae=120.0, ease=0.2, times=5.0)
    assert (
        "takes about 2 min, at most 10 min on this pair; EASE takes under a second" in found.words
    )


@pytest.mark.parametrize(
    ("seconds", "cheap"),
    [(SECONDS - 1, 0.1), (300.0, 300.0 / TIMES + 1), (5.0, 3.0)],
)
def test_nothing_is_said_of_what_is_short_or_hardly_dearer(seconds, cheap):
    assert first(plan(), mult_vae=seconds, ease=cheap) is None


def test_nothing_is_said_where_ease_is_there_on_its_way_planned_too_or_too_large():
    times = {"mult_vae": 120.0, "ease": 3.0}
    assert first(plan(), known=[("ease", "s" * 16)], **times) is None
    assert first(plan(), plan("ease"), **times) is None
    assert first(plan(), fits=False, **times) is None
    assert first(plan(), known=[("ease", "another")], **times) is not None


def test_of_several_costly_models_the_costliest_is_told():
    found = first(plan(), plan("neumf"), mult_vae=120.0, neumf=600.0, ease=3.0)
    assert found.words.startswith("NeuMF takes about 10 min")


def test_a_costly_model_of_ratings_is_told_beside_factors_of_ratings():
    found = first(plan("neumf_rating"), neumf_rating=300.0, mf_rating=2.0)
    assert "MF of ratings takes about 2 s" in found.words
    assert found.plan.model == "mf_rating"


def test_new_items_which_ease_cannot_tell_apart_have_no_cheap_model():
    info = SplitInfo("b", "f", NEW_ITEMS, 0, {}, "d" * 16, "s" * 16, SIZES | ROWS)
    assert first(plan(), info=info, mult_vae=120.0, ease=3.0) is None


def test_where_nothing_was_timed_only_a_floor_of_the_work_is_said():
    found = first(plan())
    assert found.words.startswith(
        "Cross-domain Mult-VAE was not timed here yet; on a CPU it is more than "
    )
    assert found.words.endswith(" times the work of EASE, which is often as good.")
    assert " s " not in found.words
    assert " min " not in found.words
    assert first(plan(), info=SMALL) is None  # a second of work


def test_a_model_timed_beside_an_untimed_ease_is_told_in_both_ways():
    found = first(plan(), mult_vae=120.0)
    assert "takes about 2 min on this pair; on a CPU it is more than " in found.words


def test_closed_forms_are_compared_by_seconds_alone():
    assert first(plan("edlae")) is None
    assert first(plan("edlae"), edlae=400.0, ease=3.0) is not None


def test_the_floor_grows_with_the_epochs_that_were_chosen():
    words = [first(plan(settings={"epochs": epochs})).words for epochs in (100, 1000)]
    few, many = (int(said.split("more than ")[1].split()[0].replace(",", "")) for said in words)
    assert many >= 8 * few
