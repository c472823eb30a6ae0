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
