"""What a run says of itself: read by the part and the domain, and written as it was read."""

import pytest

from core.store.record import FEWEST_TO_CHOOSE, Record
from tests.records import record

WHOLE = record(valid={"ndcg@10": {"mean": 0.2}}, test={"ndcg@10": {"mean": 0.1}})


def test_figures_and_names_are_those_of_the_part_and_domain_asked_for():
    assert WHOLE.figures("valid")["ndcg@10"]["mean"] == 0.2
    assert WHOLE.figures("test")["ndcg@10"]["mean"] == 0.1
    assert (WHOLE.name_of("source"), WHOLE.name_of("target")) == ("books", "films")


@pytest.mark.parametrize("role", ["run", "twin", "popularity", "bias"])
def test_what_is_written_is_read_again(role):
    kept = record(role=role, best_epoch=3, making={"cpu_seconds": 1.0})
    assert Record.of(kept.to_dict()) == kept


def test_a_run_says_that_it_has_no_lift_and_a_twin_says_nothing_of_lifts():
    assert record().to_dict()["lift"] is None
    assert "lift" not in record(role="twin").to_dict()


def test_what_no_version_knows_is_left_out():
    assert Record.of(WHOLE.to_dict() | {"mood": "good"}) == WHOLE


def test_a_blend_is_built_from_its_members():
    assert set(WHOLE.untrained) == {"model", "settings"}
    assert record(members=[{"model": "ease"}]).untrained["members"] == [{"model": "ease"}]


def curve(epochs: int) -> list[dict]:
    return [{"epoch": epoch, "loss": 1.0, "valid": 0.1} for epoch in range(1, epochs + 1)]


def test_a_choice_by_few_people_is_warned_of_and_one_solved_at_once_chose_nothing():
    """With one validation row MF of ratings kept epoch 1 without a word: RMSE .944, not .915."""
    by_one, enough = ({"valid": {"users": n}} for n in (1, FEWEST_TO_CHOOSE))
    (said,) = record(curve=curve(5), best_epoch=1, counts=by_one).warnings
    assert said.startswith("1 validation user chose epoch 1 of 5")
    assert record(curve=curve(5), best_epoch=1, counts=enough).warnings == []
    assert record(curve=[], best_epoch=1, counts=by_one).warnings == []


@pytest.mark.parametrize(
    ("settings", "best", "cut", "cancelled", "ending"),
    [
        ({"epochs": 5}, 5, None, False, "at its cap"),
        ({"epochs": 2, "patience": 2}, 3, None, False, "by patience"),  # it went on beyond epochs
        ({"epochs": 1, "patience": 3}, 5, True, False, "at its cap"),
        ({"epochs": 9, "patience": 2}, 3, None, False, "by patience"),
        ({"epochs": 5}, 5, None, True, "cancelled"),
    ],
)
def test_a_fit_says_how_it_ended(settings, best, cut, cancelled, ending):
    kept = record(
        curve=curve(5),
        best_epoch=best,
        settings=settings,
        cut_short=cut,
        cancelled=cancelled,
        counts={"valid": {"users": 500}},
    )
    assert kept.ending == ending
