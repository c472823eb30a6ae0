import numpy as np

from core.basics.types import DomainScores
from core.evaluation import weightings as module
from core.evaluation.evaluate import evaluate
from core.evaluation.weightings import fused_per_user, prepared_per_user
from core.fusion.combine import Fusion
from core.fusion.fused import prepare
from tests.core.evaluation.evaluation_worlds import split_of


def evaluated(split):
    generator = np.random.default_rng(4)
    source, target = (
        generator.random(split.train.target.shape).astype(np.float32) for _ in range(2)
    )
    has_source, has_target = split.train.source_history > 0, split.train.target_history > 0
    source[~has_source], target[~has_target] = 0, 0

    def score(users):
        return DomainScores.ranking(
            source[users], target[users], has_source[users], has_target[users]
        )

    return evaluate(score, split, "test", depth=50)


def test_fused_metrics_at_equal_weights_are_the_models_own(split):
    evaluation = evaluated(split)
    fused = fused_per_user(evaluation.candidates, split.test, Fusion(), 10)
    own = evaluation.per_user[list(fused)]
    np.testing.assert_allclose(fused.to_numpy(float), own.to_numpy(float))


def test_prepared_candidates_give_the_same_lists_and_figures_at_any_weights(split):
    candidates = evaluated(split).candidates
    prepared = prepare(candidates, "weighted sum", "z-score", 5)
    lists, frame = prepared_per_user(prepared, split.test, 0.3, 1.0)
    fusion = Fusion(0.3, 1.0, "weighted sum", "z-score")
    assert frame.equals(fused_per_user(candidates, split.test, fusion, 5))
    assert lists.items.shape == (len(candidates.users), 5)


def test_users_with_nothing_held_out_are_nan(split):
    candidates = evaluated(split).candidates
    nothing = split_of(*(np.zeros((60, 40)) for _ in range(4))).test
    assert fused_per_user(candidates, nothing, Fusion(), 10)["ndcg@10"].isna().all()


def test_groups_of_users_give_the_same_figures(split, monkeypatch):
    candidates = evaluated(split).candidates
    whole = fused_per_user(candidates, split.test, Fusion(), 10)
    monkeypatch.setattr(module, "GROUP", 7)
    assert fused_per_user(candidates, split.test, Fusion(), 10).equals(whole)
