"""The protocol: full ranking, masks, fallback to popularity, chunks, relabelling."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from core.basics.errors import RunError
from core.basics.types import DomainScores
from core.evaluation import evaluate as module
from core.evaluation.evaluate import evaluate, evaluate_parts
from core.fusion.combine import Fusion
from core.fusion.fused import fused_top_k
from tests.core.evaluation.evaluation_worlds import split_of


def scorer(source, target, split):
    """A model that answers from two fixed matrices."""
    has_source, has_target = split.train.source_history > 0, split.train.target_history > 0

    def score(users):
        return DomainScores.ranking(
            source[users], target[users], has_source[users], has_target[users]
        )

    return score


@pytest.fixture
def parts(split):
    generator = np.random.default_rng(1)
    shape = split.train.target.shape
    source = generator.integers(0, 4, size=shape).astype(np.float32)
    target = generator.integers(0, 4, size=shape).astype(np.float32)
    source[split.train.source_history == 0] = 0  # no history, no evidence
    target[split.train.target_history == 0] = 0
    return source, target


def test_lists_are_the_plain_sort_of_unmasked_items(split, parts):
    source, target = parts
    evaluation = evaluate(scorer(source, target, split), split, "test")
    masked = split.masked("test").toarray()
    popularity = split.train.popularity
    for user, got in zip(evaluation.users, evaluation.lists, strict=True):
        own = popularity if user < 3 else source[user] + target[user]
        items = [item for item in range(40) if not masked[user, item]]
        items.sort(key=lambda i: (-own[i], -source[user, i], -target[user, i], i))
        assert got[: len(items)].tolist() == items
        assert (got[len(items) :] == -1).all()


def test_test_time_hides_validation_items_and_validation_time_does_not(split, parts):
    score = scorer(*parts, split)
    at_test, at_valid = evaluate(score, split, "test"), evaluate(score, split, "valid")
    valid, train = split.valid.toarray() > 0, split.train.target.toarray() > 0
    for user, got in zip(at_test.users, at_test.lists, strict=True):
        assert not (valid | train)[user, got[got >= 0]].any()
    assert any(
        valid[u, got[got >= 0]].any() for u, got in zip(at_valid.users, at_valid.lists, strict=True)
    )


def test_users_without_evidence_are_ranked_by_popularity_and_counted(split, parts):
    evaluation = evaluate(scorer(*parts, split), split, "test")
    assert evaluation.counts["by_popularity"] == (evaluation.users < 3).sum() == 3
    assert evaluation.counts["users"] + evaluation.counts["skipped"] == 60


def test_small_chunks_change_nothing(split, parts, monkeypatch):
    whole = evaluate(scorer(*parts, split), split, "test")
    monkeypatch.setattr(module, "CELLS", 7 * 40)
    pieces = evaluate(scorer(*parts, split), split, "test")
    assert whole.per_user.equals(pieces.per_user)
    assert (whole.lists == pieces.lists).all()


@pytest.mark.parametrize("alike", [True, False])
def test_both_parts_at_once_are_as_each_alone_with_users_of_both_scored_once(
    split, parts, monkeypatch, alike
):
    in_both = np.isin(np.arange(60), np.intersect1d(split.users("valid"), split.users("test")))
    if alike:
        valid, test = (
            csr_matrix(held.toarray() * in_both[:, None]) for held in (split.valid, split.test)
        )
        split = replace(split, valid=valid, test=test)
    assert np.array_equal(split.users("valid"), split.users("test")) == alike
    monkeypatch.setattr(module, "CELLS", 7 * 40)
    score, asked = scorer(*parts, split), []

    def noting(users):
        asked.extend(users)
        return score(users)

    both = evaluate_parts(noting, split, ("valid", "test"), depth=5)
    if alike:
        assert sorted(asked) == split.users("test").tolist()
    for part, found in both.items():
        alone = evaluate(score, split, part, depth=5)
        assert found.per_user.equals(alone.per_user)
        assert (found.lists == alone.lists).all()
        assert (found.coverage, found.counts) == (alone.coverage, alone.counts)
        for name, value in vars(alone.candidates).items():
            np.testing.assert_array_equal(getattr(found.candidates, name), value)


def test_renumbered_items_change_no_metric_where_no_scores_tie(split):
    generator = np.random.default_rng(2)
    shape = split.train.target.shape
    source, target = (generator.random(shape).astype(np.float32) for _ in range(2))
    source[:3] = target[:3] = 0
    order = generator.permutation(40)
    renumbered = split_of(
        split.train.source.toarray(),
        *(m.toarray()[:, order] for m in (split.train.target, split.valid, split.test)),
    )
    before = evaluate(scorer(source, target, split), split, "test").per_user
    after = evaluate(scorer(source[:, order], target[:, order], renumbered), renumbered, "test")
    known = before["user_id"] >= 3  # popularity has ties, which go by item number
    np.testing.assert_allclose(before[known], after.per_user[known])


def test_a_perfect_model_gets_one_everywhere(split):
    perfect = split.test.toarray().astype(np.float32)
    perfect[:3] = 0
    per_user = evaluate(scorer(np.zeros_like(perfect), perfect, split), split, "test").per_user
    known = per_user[per_user["user_id"] >= 3]
    for metric in ("ndcg@10", "map@50", "mrr@5", "auc", "recall@50"):
        np.testing.assert_allclose(known[metric], 1.0)


def test_scores_that_are_not_numbers_are_refused(split, parts):
    source, target = parts
    with pytest.raises(RunError, match="finite"):
        evaluate(scorer(source * np.nan, target, split), split, "test")


def test_nothing_held_out_gives_an_empty_frame_with_every_column(split, parts):
    nothing = split_of(
        split.train.source.toarray(),
        split.train.target.toarray(),
        np.zeros((60, 40)),
        np.zeros((60, 40)),
    )
    empty = evaluate(scorer(*parts, split), nothing, "test", depth=50)
    full = evaluate(scorer(*parts, split), split, "test")
    assert len(empty.per_user) == 0
    assert list(empty.per_user) == list(full.per_user)
    assert len(empty.candidates.users) == 0
    assert fused_top_k(empty.candidates, Fusion(), 10).items.shape == (0, 10)


def test_candidates_found_on_the_way_give_the_same_lists_at_equal_weights(split, parts):
    evaluation = evaluate(scorer(*parts, split), split, "test", depth=50)
    fused = fused_top_k(evaluation.candidates, Fusion(), 50)
    assert (fused.users == evaluation.users).all()
    assert (fused.items == evaluation.lists).all()


def test_candidates_are_kept_for_a_drawn_few_where_users_are_many(split, parts, monkeypatch):
    monkeypatch.setattr(module, "MOST_FUSED", 4)
    evaluation = evaluate(scorer(*parts, split), split, "test", depth=5)
    assert len(evaluation.candidates.users) == 4
    assert set(evaluation.candidates.users) < set(evaluation.users)
    own = fused_top_k(evaluation.candidates, Fusion(), 5)
    by_user = dict(zip(evaluation.users, evaluation.lists[:, :5], strict=True))
    for user, items in zip(own.users, own.items, strict=True):
        assert items.tolist() == by_user[user].tolist()
