import numpy as np

from core.evaluation.weightings import ratio_picture
from core.fusion.fused import FEWEST, SHARES


def planted(peaks):
    """Users whose nDCG is highest at their own peak share."""
    noise = np.random.default_rng(0).normal(0, 0.01, (len(peaks), len(SHARES)))
    return 0.5 - 0.4 * (SHARES - np.asarray(peaks)[:, None]) ** 2 + noise


def test_each_segment_gets_its_own_best_ratio_and_small_ones_none():
    segment = np.array(["0"] * 200 + ["20+"] * 150 + ["1–4"] * (FEWEST - 1))
    peaks = np.where(segment == "0", 0.9, 0.2)
    picture = ratio_picture(planted(peaks), segment, ("0", "1–4", "20+"))
    assert picture.best["segment"].tolist() == ["0", "20+"]
    assert picture.best["users"].tolist() == [200, 150]
    assert (picture.best["chosen"] - [0.9, 0.2]).abs().max() <= 0.15
    assert picture.best["place"].tolist() == [0, 2]  # among all three, the small one too
    at = picture.lines.merge(
        picture.best, left_on=["segment", "share"], right_on=["segment", "chosen"]
    )
    assert (at["mean_x"] == at["mean_y"]).all()
    assert len(at) == 2
    assert set(picture.lines["segment"]) == {"0", "20+"}
    assert picture.users == len(segment)


def test_the_curve_has_a_row_per_share_with_its_interval():
    curve = ratio_picture(planted([0.5] * 50), np.array(["0"] * 50), ("0",)).curve
    assert curve["share"].tolist() == SHARES.tolist()
    assert (curve["low"] <= curve["mean"]).all()
    assert (curve["mean"] <= curve["high"]).all()
    assert curve["near"][10]


def test_nobody_gives_an_empty_picture():
    picture = ratio_picture(np.empty((0, len(SHARES))), np.array([], dtype=str), ("0",))
    assert picture.overall is None
    assert picture.best.empty
    assert picture.lines.empty
