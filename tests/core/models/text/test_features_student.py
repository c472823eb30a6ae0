"""A student reads what its encoder read, and what it never saw by pieces of words."""

import numpy as np
import pytest

from core.models.text.features import BUCKETS, Student, pieces_of, taught

SPACE, GARDEN = ["rocket", "orbit", "planet", "comet"], ["flower", "tulip", "seed", "garden"]
TEXTS = [f"{one} {other}" for words in (SPACE, GARDEN) for one in words for other in words]
VECTORS = np.repeat(np.eye(2, dtype=np.float32), len(TEXTS) // 2, axis=0)


def test_what_was_taught_is_read_back():
    found = Student(taught(TEXTS, VECTORS)).encode(TEXTS)
    assert found.shape == (len(TEXTS), 2)
    assert (found * VECTORS).sum(axis=1).min() > 0.95
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)


def test_a_word_it_never_saw_is_read_by_its_pieces():
    student = Student(taught(TEXTS, VECTORS))
    rockets, gardener = student.encode(["rockets", "gardener"])
    assert rockets[0] > 0.8
    assert gardener[1] > 0.8


def test_the_table_solves_the_ridge_regression():
    read = pieces_of(TEXTS).toarray()
    used = np.flatnonzero(np.abs(read).sum(axis=0))
    exact = np.linalg.solve(
        read[:, used].T @ read[:, used] + 0.3 * np.eye(len(used)), read[:, used].T @ VECTORS
    )
    table = taught(TEXTS, VECTORS)
    np.testing.assert_allclose(table[used], exact, atol=5e-3)
    assert not np.abs(np.delete(table, used, axis=0)).any()


@pytest.mark.parametrize("text", ["", "...", "  "])
def test_where_nothing_can_be_read_the_vector_is_zero(text):
    student = Student(np.ones((BUCKETS, 3), dtype=np.float32))
    assert not student.encode([text]).any()
    assert student.encode([]).shape == (0, 3)


def test_letters_that_set_no_spaces_are_read_too():
    assert pieces_of(["太阳系入门"]).nnz > 2
