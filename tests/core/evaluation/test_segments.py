import numpy as np

from core.evaluation.segments import user_segments
from tests.core.evaluation.evaluation_worlds import split_of


def test_users_fall_into_history_bins_and_where_they_were_seen():
    train = np.zeros((7, 25))
    for user, length in enumerate((0, 1, 4, 5, 10, 20, 0)):
        train[user, :length] = 1
    source = np.zeros((7, 3))
    source[[0, 2, 5], 0] = 1
    nothing = np.zeros((7, 25))
    segments = user_segments(split_of(source, train, nothing, nothing).train)
    assert segments["target_history"].tolist() == ["0", "1–4", "1–4", "5–9", "10–19", "20+", "0"]
    assert segments["source_history"].tolist() == ["1–4", "0", "1–4", "0", "0", "1–4", "0"]
    assert segments["overlap"].tolist() == [
        "source only",
        "target only",
        "shared",
        "target only",
        "target only",
        "shared",
        "neither",
    ]
