"""How much of a list's scores each domain adds, from the parts that are kept for fusion."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from core.basics.types import DomainScores, Masked
from core.fusion.candidates import find_candidates
from core.metrics.mix import domain_mix, parts_of

SOURCE = np.array([[3, -1, 0, 0], [2, 2, 0, 0], [0, 0, 0, 0]], dtype=np.float32)
TARGET = np.array([[1, 1, 0, 2], [0, 0, 0, 0], [1, 2, 3, 4]], dtype=np.float32)
USERS = np.array([4, 7, 9])


def candidates():
    has = np.array([True, True, False]), np.array([True, False, True])
    scores = DomainScores.ranking(SOURCE, TARGET, *has)
    return find_candidates(scores, USERS, Masked(csr_matrix((3, 4)), None), 4)


def test_the_share_is_of_sizes_and_told_only_where_both_domains_speak():
    lists = np.array([[0, 3, 1], [1, 0, -1], [3, 2, 1]])
    got = domain_mix(USERS, lists, candidates())
    # 3 and 1, 0 and 2, -1 and 1: four of eight; users of one domain have nothing to share between
    assert got == pytest.approx([4 / 8, np.nan, np.nan], nan_ok=True)


def test_a_user_or_a_place_without_parts_has_none():
    source, target = parts_of(np.array([7, 5]), np.array([[0, -1], [0, 1]]), candidates())
    assert source.ravel() == pytest.approx([2, np.nan, np.nan, np.nan], nan_ok=True)
    assert target[0, 0] == 0
    assert np.isnan(domain_mix(np.array([5]), np.array([[0, 1]]), candidates())).all()
