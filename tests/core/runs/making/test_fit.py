"""A fit goes on from where it stood, also when it stood at its end."""

import numpy as np
import pytest

from core.basics.files import read_json, write_json
from core.basics.progress import Cancelled, silent
from core.models.registry import build
from core.runs.making.fit import Checkpoints, fit_best
from core.store.run_folder import write_tensors
from tests.worlds import twin_tastes

WORLD = twin_tastes()
TINY = {"epochs": 3, "factors": 8, "negatives": 8, "batch_size": 256}


def fitted(checkpoints, validate, settings=TINY, report=silent):
    model = build("lightgcn", settings)
    return model, fit_best(model, WORLD.pair, 1, validate, report, checkpoints)


def test_a_fit_that_was_finished_is_taken_up_without_training(tmp_path):
    values = iter([0.1, 0.3, 0.2])
    model, fit = fitted(Checkpoints(tmp_path), lambda m: next(values))
    again, found = fitted(Checkpoints(tmp_path), lambda m: pytest.fail("it trained again"))
    assert (found.best_epoch, found.finished) == (fit.best_epoch, True) == (2, True)
    users = np.arange(5)
    np.testing.assert_array_equal(again.score(users).own, model.score(users).own)


@pytest.mark.parametrize("broken", ["record", "weights"])
def test_a_checkpoint_of_another_version_is_left_and_the_fit_starts_again(tmp_path, broken):
    fitted(Checkpoints(tmp_path), lambda m: 0.1)
    if broken == "record":
        values = read_json(tmp_path / "fit.json")
        write_json(tmp_path / "fit.json", values | {"colour": "blue"})
    else:
        write_tensors(tmp_path / "3.safetensors", {"epoch": np.array([3])})
    seen = []
    fitted(Checkpoints(tmp_path), lambda m: 0.1, report=lambda progress: seen.append(progress.done))
    assert seen == [1, 2, 3]


def test_a_save_is_not_due_again_at_once(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    assert checkpoints.due
    fitted(checkpoints, lambda m: 0.1)
    assert not checkpoints.due


def test_without_validation_users_the_last_epoch_stays():
    _, fit = fitted(None, lambda m: None)
    assert fit.best_epoch == 3


def test_one_epoch_is_a_curve_of_one_point_and_a_cancel_keeps_it():
    def cancel(progress):
        raise Cancelled

    _, fit = fitted(None, lambda m: 0.1, TINY | {"epochs": 1}, cancel)
    assert (len(fit.curve), fit.best_epoch, fit.cancelled) == (1, 1, True)


def test_a_source_that_does_not_count_in_the_loss_can_be_trained():
    _, fit = fitted(None, lambda m: 0.1, TINY | {"source_loss_weight": 0.0, "batch_size": 16})
    assert all(np.isfinite(point.loss) for point in fit.curve)


def test_epochs_of_preparation_compete_only_with_each_other():
    """A teacher of .9 does not stand in for its student of .5, nor use up its patience."""
    model = build("distilled", {"epochs": 9, "teacher_epochs": 4, "patience": 2, "factors": 2})
    found = iter([0.8, 0.9, 0.7, 0.6, 0.4, 0.5, 0.3, 0.2, 0.1])
    fit = fit_best(model, WORLD.pair, 1, lambda _: next(found), silent)
    assert [point.epoch for point in fit.curve] == list(range(1, 9))
    assert (fit.best_epoch, fit.best) == (6, 0.5)
    assert model.state()["target.found"].shape[1] == 2  # the student's


RISING = TINY | {"epochs": 10, "patience": 2}


def rising_until(last: int):
    """Validation of one epoch after the other: better until `last`, then worse."""
    values = iter([*np.linspace(0.1, 0.5, last), *np.linspace(0.4, 0.1, 99)])
    return lambda model: next(values)


def test_a_fit_that_is_still_getting_better_at_its_last_epoch_goes_on():
    """LightGCN's twin was cut at epoch 40, and a lift of +.0134 was +.0022 with more of them."""
    seen = []
    model, fit = fitted(None, rising_until(13), RISING, seen.append)
    assert [point.epoch for point in fit.curve] == list(range(1, 16))
    assert (fit.best_epoch, fit.cut_short) == (13, False)
    assert [step.total for step in seen[9:]] == [10, 12, 13, 14, 15, 15]
    longer, whole = fitted(None, rising_until(13), RISING | {"epochs": 20})
    assert [point.loss for point in whole.curve] == [point.loss for point in fit.curve]
    users = np.arange(5)
    np.testing.assert_array_equal(model.score(users).own, longer.score(users).own)


def test_a_fit_that_rises_to_the_outer_cap_says_so(monkeypatch):
    monkeypatch.setattr("core.runs.making.fit.TIMES_AT_MOST", 2)
    _, fit = fitted(None, rising_until(30), RISING)
    assert (len(fit.curve), fit.best_epoch, fit.cut_short) == (20, 20, True)
    _, fit = fitted(None, rising_until(30), TINY)  # few epochs: it keeps to them, and says so
    assert (len(fit.curve), fit.cut_short) == (3, True)
    _, fit = fitted(None, lambda model: None, RISING)  # nothing says that more would help
    assert (len(fit.curve), fit.cut_short) == (10, False)


@pytest.mark.parametrize(("last", "cut"), [(0.5, True), (0.402, False), (0.3, False)])
def test_rounds_without_patience_say_where_the_last_one_was_clearly_better(last, cut):
    model = build("cmf_als", {"epochs": 3, "factors": 4})
    values = iter([0.1, 0.4, last])
    assert fit_best(model, WORLD.pair, 1, lambda _: next(values), silent).cut_short is cut


def test_a_fit_killed_beyond_its_epochs_goes_on_from_there(tmp_path):
    def cut(progress):
        if progress.done == 12:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        checkpoints = Checkpoints(tmp_path)
        checkpoints.__class__ = type("Always", (Checkpoints,), {"due": True})
        fitted(checkpoints, rising_until(13), RISING, cut)
    values = iter([0.5, 0.2, 0.1])
    _, fit = fitted(Checkpoints(tmp_path), lambda model: next(values), RISING)
    _, whole = fitted(None, rising_until(13), RISING)
    assert [point.loss for point in fit.curve] == [point.loss for point in whole.curve]
    assert (len(fit.curve), fit.best_epoch) == (15, 13)


def test_a_fit_cancelled_during_preparation_keeps_the_best_of_it():
    model = build("distilled", {"epochs": 9, "teacher_epochs": 4, "teacher_factors": 3})
    found = iter([0.8, 0.9, 0.7])

    def cancel(progress):
        if progress.done == 3:
            raise Cancelled

    fit = fit_best(model, WORLD.pair, 1, lambda _: next(found), cancel)
    assert fit.cancelled
    assert fit.best_epoch == 2
    assert model.state()["target.found"].shape[1] == 3  # the teacher's
