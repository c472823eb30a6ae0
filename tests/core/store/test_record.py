"""What a run says of itself: read by the part and the domain, and written as it was read."""

import pytest

from core.store.record import Record
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
