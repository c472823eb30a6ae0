"""Rows left out as noise and rows filled in: in planted tastes, noise goes and taste comes."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from core.models.linear.data_steps import Steps, findings_of_steps, stepped
from tests.worlds import pair_of


def tastes(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """(80, 24) rows: even users take even items; and which of them are of the other taste."""
    rng = np.random.default_rng(seed)
    own = np.arange(80)[:, None] % 2 == np.arange(24) % 2
    noise = (rng.random(own.shape) < 0.03) & ~own
    return ((rng.random(own.shape) < 0.5) & own) | noise, noise


def test_what_is_left_out_is_of_another_taste_and_nobody_and_nothing_disappears():
    taken, noise = tastes()
    rows = csr_matrix(taken.astype(np.float32))
    share = noise.sum() / taken.sum()
    after = stepped(rows, Steps(denoise=float(share))).toarray()
    gone = taken & (after == 0)
    assert gone.sum() == int(share * taken.sum())
    assert (gone & noise).sum() > 0.7 * gone.sum()  # by chance 7 of 100 would be
    assert not (after[~taken]).any()
    half = stepped(rows, Steps(denoise=0.5)).toarray()
    for axis in (0, 1):
        np.testing.assert_array_equal(half.any(axis=axis), taken.any(axis=axis))


@pytest.mark.parametrize("n_users", [80, 8])  # more users than items, and fewer
def test_what_is_filled_in_is_of_ones_own_taste_and_weighs_its_score(n_users):
    taken, _ = tastes(1)
    taken = taken[:n_users]
    taken[3] = False  # a person without any row of the domain
    after = stepped(csr_matrix(taken.astype(np.float32)), Steps(fill=2)).toarray()
    added = (after > 0) & ~taken
    np.testing.assert_array_equal(after[taken], 1)
    assert added[3].sum() == 0
    assert (added.sum(axis=1)[np.arange(n_users) != 3] <= 2).all()
    assert added.sum() > 1.5 * n_users
    assert (after[added] < 1).all()
    own = np.arange(n_users)[:, None] % 2 == np.arange(24) % 2
    assert (added & own).sum() > 0.8 * added.sum()


def test_rows_that_were_left_out_are_not_filled_in_again_and_both_are_counted():
    taken, _ = tastes(2)
    plain = pair_of(taken, taken)
    rows = stepped(plain.source, Steps(denoise=0.1, fill=3))
    made = pair_of(rows.toarray() > 0, taken)
    out, added = findings_of_steps(plain, made)
    assert (out.title, out.value) == ("Rows of the source left out", int(0.1 * taken.sum()))
    assert added.title == "Rows of the source filled in"
    assert added.value == ((rows.toarray() > 0) & ~taken).sum() > 0
    assert stepped(plain.source, Steps()) is plain.source
