"""Time before a start comes from the nearest thing that was timed, and says from what."""

from dataclasses import dataclass, field, replace

import pytest

from core.basics.progress import silent
from core.basics.workspace import Workspace
from core.data.snapshot import read_info, read_snapshot, write_snapshot
from core.models.registry import card_of
from core.runs.making.estimate import (
    MEASURED,
    OTHER_SETTINGS,
    OTHER_SPLIT,
    SAME,
    measured_steps,
    sizes_of,
    time_model,
    time_of,
    timing_job,
    work,
)
from core.runs.making.make_run import train_run
from core.runs.making.plan import RunPlan
from core.store.record import Record
from core.store.run_folder import read_run
from tests.core.runs.making.test_make_run import taste_tables


@pytest.fixture(scope="module")
def workspace(tmp_path_factory) -> Workspace:
    """Two splits, the second with twice the users."""
    here = Workspace(tmp_path_factory.mktemp("workspace"))
    for number, users in enumerate((60, 120)):
        write_snapshot(
            here.splits,
            taste_tables(users=users),
            source_name="books",
            target_name="films",
            kind="given files",
            seed=0,
            settings={},
            dataset_hash=f"{number:016d}",
        )
    return here


@pytest.fixture(scope="module")
def infos(workspace):
    found = {path.name: read_info(path) for path in workspace.splits.iterdir()}
    return found.get


@pytest.fixture(scope="module")
def splits(workspace, infos) -> list[str]:
    """Hashes of the smaller and of the larger split."""
    names = [path.name for path in workspace.splits.iterdir()]
    return sorted(names, key=lambda name: infos(name).counts["users"])


@dataclass
class Past:
    """What an estimate asks a run; only its record decides."""

    record: Record
    complete: bool = True
    twin: None = field(default=None)
    popularity: None = field(default=None)


def past(split: str, model: str = "cmf_als", fit=10.0, **settings) -> Past:
    values = card_of(model).settings.of(settings).to_dict()
    cost = {"fit": {"wall_seconds": fit}, "evaluate": {"wall_seconds": 2.0}}
    names = dict.fromkeys(("label", "dataset_hash", "source_name", "target_name"), "")
    nothing = {"valid": {}, "test": {}, "counts": {}, "curve": [], "cancelled": False}
    return Past(
        Record(
            "run",
            model,
            settings=values,
            seed=0,
            split_hash=split,
            created=0.0,
            **names,
            **nothing,
            **cost,
        )
    )


def test_the_same_run_takes_as_long_as_last_time(workspace, splits, infos):
    run = read_run(train_run(RunPlan(splits[0], "ease"), workspace))
    timing = time_of(RunPlan(splits[0], "ease", seed=3), [run], infos)
    parts = (run, run.twin, run.popularity)
    assert timing.basis == SAME
    for step, seconds in (("fit", timing.fit), ("evaluate", timing.evaluate)):
        assert seconds == sum(getattr(part.record, step)["wall_seconds"] for part in parts)


def test_other_settings_scale_the_fit_by_epochs_and_leave_the_evaluation(splits, infos):
    plan = RunPlan(splits[0], "cmf_als", {"epochs": 30})
    timing = time_of(plan, [past(splits[0])], infos)
    assert (timing.basis, timing.evaluate) == (OTHER_SETTINGS, 2.0)
    assert timing.fit == pytest.approx(30.0)


def test_another_split_scales_by_rows_and_by_what_is_ranked(splits, infos):
    timing = time_of(RunPlan(splits[1], "cmf_als"), [past(splits[0])], infos)
    assert timing.basis == OTHER_SPLIT
    assert timing.fit == pytest.approx(20.0)
    assert timing.evaluate == pytest.approx(4.0)


def test_what_was_measured_here_counts_before_another_split_and_after_this_one(splits, infos):
    own = card_of("cmf_als").settings().to_dict()
    found = {"settings": own, "parts": [{"first": 3.0, "step": 1.0}], "evaluate": 5.0}
    plan = RunPlan(splits[1], "cmf_als")
    timing = time_of(plan, [past(splits[0])], infos, found)
    assert (timing.basis, timing.fit, timing.evaluate) == (MEASURED, pytest.approx(12.0), 5.0)
    assert time_of(plan, [past(splits[1], epochs=5)], infos, found).basis == OTHER_SETTINGS
    shorter = time_of(replace(plan, settings={"epochs": 2}), [], infos, found)
    assert shorter.fit == pytest.approx(4.0)


def test_a_model_with_patience_takes_up_to_five_times_its_epochs(splits, infos):
    own = card_of("lightgcn").settings().to_dict()
    found = {"settings": own, "parts": [{"first": 3.0, "step": 1.0}], "evaluate": 5.0}
    timing = time_of(RunPlan(splits[0], "lightgcn"), [], infos, found)
    assert (timing.seconds, timing.words) == (47.0, "about 47 s, at most 4 min")
    few = time_of(RunPlan(splits[0], "lightgcn", {"epochs": 9}), [], infos, found)
    assert few.words == "at most about 16 s"  # so few are kept to


@pytest.mark.parametrize(
    "change",
    [{"model": "ease"}, {"device": "cuda"}, {"making": {}}, {"split_hash": "f" * 16}],
    ids=lambda change: next(iter(change)),
)
def test_what_was_not_trained_alike_says_nothing(splits, infos, change):
    run = past(splits[0])
    run.record = replace(run.record, **change)
    assert time_of(RunPlan(splits[0], "cmf_als"), [run], infos) is None


def test_cancelled_runs_say_nothing(splits, infos):
    run = past(splits[0])
    run.complete = False
    assert time_of(RunPlan(splits[0], "cmf_als"), [run], infos) is None


@pytest.mark.parametrize("name", ["ease", "cmf_als", "lightgcn"])
def test_more_epochs_factors_and_rows_are_more_work(name, infos, splits):
    card = card_of(name)
    small, large = (sizes_of(infos(split)) for split in splits)
    assert work(card, large, card.settings()) >= work(card, small, card.settings())
    for setting in {"epochs", "factors"} & set(card.settings().to_dict()):
        more = card.settings.of({setting: 90})
        assert work(card, small, more) > work(card, small, card.settings())


@pytest.mark.parametrize("name", ["ease", "cmf_als", "lightgcn", "ridge", "popularity"])
def test_a_model_is_timed_by_its_first_steps_with_its_twin(workspace, splits, name):
    found = timing_job(workspace, {"model": name, "split": splits[0], "device": "auto"}, silent)
    assert measured_steps(workspace, name, splits[0], "auto") == found
    card = card_of(name)
    assert len(found["parts"]) == 1 + card.has_twin
    for part in found["parts"]:
        assert part["first"] > 0
        assert (part["step"] > 0) == ("epochs" in card.settings().to_dict())
    assert found["evaluate"] > 0


@pytest.mark.parametrize("name", ["cmf_als", "sasrec"])
def test_a_large_pair_is_timed_on_some_of_its_users(workspace, splits, monkeypatch, name):
    """A model of sequences took places in time from the whole split and could not be timed."""
    split = read_snapshot(workspace.splits / splits[1])
    monkeypatch.setattr("core.runs.making.estimate.MOST_ROWS", 200)
    found = time_model(split, name, "auto", silent)
    assert all(part["step"] > 0 for part in found["parts"])


def test_a_slow_start_is_not_taken_for_the_whole_training(workspace, splits, monkeypatch):
    """Loading libraries on a busy machine took so long that no second epoch was timed."""
    monkeypatch.setattr("core.runs.making.estimate.LONG", 0.0)
    found = time_model(read_snapshot(workspace.splits / splits[0]), "cmf_als", "auto", silent)
    assert all(part["step"] > 0 for part in found["parts"])


def test_nobody_has_looked_yet(workspace, splits):
    assert measured_steps(workspace, "ease", splits[1], "cuda") is None
