import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.sparse import csr_matrix

from core.basics.types import Masked
from core.fusion.combine import NO_ITEM, mask, top_k

FEW = st.integers(-2, 2)


def plain(fused, source, target, k):
    """The list of one user by sorting everything with Python's own sort."""
    items = [item for item in range(len(fused)) if fused[item] > -np.inf]
    items.sort(key=lambda item: (-fused[item], -source[item], -target[item], item))
    return (items + [NO_ITEM] * k)[:k]


@st.composite
def tied_scores(draw):
    shape = draw(st.tuples(st.integers(1, 5), st.integers(1, 30)))
    parts = [draw(hnp.arrays(np.int64, shape, elements=FEW)) for _ in range(3)]
    hidden = draw(hnp.arrays(bool, shape))
    fused, source, target = (part.astype(np.float32) for part in parts)
    fused[hidden] = -np.inf
    return fused, source, target


@given(tied_scores(), st.integers(1, 40))
def test_lists_stand_by_score_then_source_then_target_then_item_number(scores, k):
    fused, source, target = scores
    got = top_k(fused, source, target, k)
    for row in range(len(fused)):
        assert got[row].tolist() == plain(fused[row], source[row], target[row], k)


def test_masked_items_are_in_no_list_and_short_lists_are_filled_up():
    scores = np.array([[3.0, 2.0, 1.0]], dtype=np.float32)
    masked = Masked(csr_matrix(np.array([[1, 0, 0]], dtype=np.float32)))
    hidden = mask(scores.copy(), masked)
    assert top_k(hidden, scores, scores, 5).tolist() == [[1, 2, -1, -1, -1]]
