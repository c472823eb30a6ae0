import base64

import numpy as np
import pytest

from core.fusion.candidates import find_candidates, pick_users
from core.fusion.fused import BestRatio, prepare
from core.metrics.intervals import Interval
from core.ui.fusion.cockpit import curve_title, packed, told_weights
from tests.core.fusion.fusion_worlds import random_mask, random_scores


@pytest.mark.parametrize(
    "told",
    [
        None,
        "alpha",
        7,
        {},
        {"alpha": 0.5, "beta": 1},
        {"alpha": "x", "beta": 1, "told": 1},
        {"alpha": float("nan"), "beta": 1, "told": 1},
        {"alpha": 1.01, "beta": 1, "told": 1},
        {"alpha": 1, "beta": -0.1, "told": 1},
        {"alpha": 1, "beta": 1, "told": float("inf")},
        {"alpha": [1], "beta": 1, "told": 1},
    ],
)
def test_what_is_no_pair_of_weights_is_not_taken_from_a_browser(told):
    assert told_weights(told) is None


def test_weights_from_a_browser_are_kept_as_a_person_reads_them():
    assert told_weights({"alpha": 0.3300001, "beta": 1, "told": 1764590000000}) == (
        0.33,
        1.0,
        1764590000000,
    )


def test_parts_travel_unrounded():
    candidates = find_candidates(random_scores(3, 80), np.arange(3), random_mask(3, 80), 20)
    prepared = prepare(pick_users(candidates, np.array([1])), "product", "z-score", 20)
    sent = packed(prepared)
    for name in ("source", "target"):
        read = np.frombuffer(base64.b64decode(sent[name]), "<f4")
        np.testing.assert_array_equal(read, getattr(prepared, f"{name}_value")[0])
    assert (sent["has_source"], sent["has_target"], sent["depth"]) == (True, True, 20)


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0.75, "Best at 1 : 0.33: +.012 (95 % +.005 to +.019) nDCG@10 over 1 : 1"),
        (0.0, "Best with target only: +.012 (95 % +.005 to +.019) nDCG@10 over 1 : 1"),
        (0.5, "nDCG@10: no ratio is clearly better than 1 : 1"),
    ],
)
def test_the_title_of_the_curve_is_its_answer(share, words):
    gain = Interval(0.012, 0.005, 0.019, 100, 0)
    assert curve_title(BestRatio(share, share, 0, 1, gain), 10) == words
    assert "too few" in curve_title(None, 10)
