"""What closed forms share: one step of progress, scores from histories, arrays kept by name."""

import numpy as np

from core.basics.settings import Settings
from core.basics.types import Contributions
from core.models.kernel.history import HistoryModel
from tests.worlds import pair_of

PAIR = pair_of(np.array([[1, 0], [0, 0], [1, 1]]), np.array([[1, 0, 1], [0, 1, 0], [0, 0, 0]]))


class Sums(HistoryModel):
    """Every item scores what stands beside it in `table`, times the length of a history."""

    arrays = ("table",)

    def solve(self, train, seed):
        self.table = np.arange(1, train.target.shape[1] + 1, dtype=np.float32)

    def parts(self, source_rows, target_rows):
        lengths = (np.diff(rows.indptr)[:, None] for rows in (source_rows, target_rows))
        return tuple((length * self.table).astype(np.float32) for length in lengths)

    def explain(self, source_row, target_row, item):
        return Contributions(*(np.zeros(0) for _ in range(4)))


def test_a_fit_is_one_step_and_scores_come_from_the_histories_of_training_users():
    model = Sums(Settings())
    (step,) = model.fit_epochs(PAIR, seed=0)
    assert (step.done, step.total, step.stage) == (1, 1, "solved")
    scores = model.score(np.array([2, 1]))
    np.testing.assert_array_equal(scores.source, [[2, 4, 6], [0, 0, 0]])
    np.testing.assert_array_equal(scores.target, [[0, 0, 0], [1, 2, 3]])
    np.testing.assert_array_equal(scores.has_source, [True, False])
    np.testing.assert_array_equal(scores.has_target, [False, True])


def test_what_is_kept_is_what_the_model_names_and_it_comes_back():
    model, again = Sums(Settings()), Sums(Settings())
    list(model.fit_epochs(PAIR, seed=0))
    assert list(model.state()) == ["table"]
    again.restore(PAIR, model.state())
    everybody = np.arange(3)
    np.testing.assert_array_equal(
        again.score(everybody).own_scores(), model.score(everybody).own_scores()
    )
    assert again.vectors() is None
