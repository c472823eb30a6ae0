"""Stacking finds which scores to trust."""

import numpy as np

from core.models.made.blend import RIDGE, stacked_weights


def world(users: int = 200, items: int = 20, seed: int = 0):
    """Three scores per item: the first tells what is liked, the second is noise, the third lies."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(users, items, 3))
    liked = np.zeros((users, items), dtype=bool)
    best = np.argmax(features[:, :, 0] + rng.gumbel(size=(users, items)) / 2, axis=1)
    liked[np.arange(users), best] = True
    features[:, :, 2] -= 2 * liked
    return list(features), list(liked)


def test_the_score_that_tells_gets_the_weight_and_one_that_lies_gets_none():
    truth, noise, lie = stacked_weights(*world())
    assert truth > 1
    assert abs(noise) < 0.3
    assert lie == 0


def test_the_weights_are_where_the_loss_is_lowest():
    features, liked = world(users=60)

    def loss(weights):
        scores = np.stack(features) @ weights
        chances = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
        return -(chances * np.stack(liked)).sum(axis=1).mean() + RIDGE * weights @ weights

    found = stacked_weights(features, liked)
    for place in range(3):
        for step in (-0.02, 0.02):
            other = found.copy()
            other[place] = max(0, other[place] + step)
            assert loss(found) <= loss(other) + 1e-7


def test_equal_scores_share_their_weight():
    features, liked = world()
    doubled = [np.repeat(shown[:, :1], 2, axis=1) for shown in features]
    first, second = stacked_weights(doubled, liked)
    assert np.isclose(first, second, atol=1e-3)


def test_nobody_to_learn_from_gives_equal_weights():
    nothing = [np.ones((4, 2))], [np.zeros(4, dtype=bool)]
    assert list(stacked_weights(*nothing)) == [0.5, 0.5]
