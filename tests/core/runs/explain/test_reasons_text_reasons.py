"""Reasons in words: what a recommended item's text shares with those of the history."""

import numpy as np
import pytest

from core.basics.columns import SOURCE, TARGET
from core.models.made.compress import PRUNED, compressed, decompressed
from core.models.registry import build
from core.runs.explain.one_user import Reasons
from core.runs.explain.reasons import ReadTexts, reads_text, shared_texts
from core.runs.making.texts import ItemTexts
from tests.worlds import twin_tastes

PAIR = twin_tastes().pair


def read(name, kept=None):
    model = build(name, {"encoder": "tf-idf"})
    list(model.fit_epochs(PAIR, 1))
    return ReadTexts.of(PAIR, model, kept), model


def reasons(item, source, target):
    numbers = [np.array(list(side), dtype=int) for side in (source, target)]
    amounts = [np.array(list(side.values()), dtype=float) for side in (source, target)]
    return Reasons(item, 0.0, numbers[0], amounts[0], numbers[1], amounts[1], 0.0, 1.0, True)


def test_the_strongest_history_items_stand_first_with_their_words_and_cosine():
    found, model = read("text_profile")
    shared = shared_texts(found, reasons(2, {0: 0.1, 1: -0.5}, {4: 0.3}), most=5)
    assert [(row.domain, row.item) for row in shared] == [(TARGET, 4), (SOURCE, 0)]
    wanted = set(PAIR.target_features.titles[2].split())
    for row, titles in zip(
        shared, (PAIR.target_features.titles, PAIR.source_features.titles), strict=True
    ):
        assert set(row.words) <= wanted & set(titles[row.item].split())
    assert shared[0].cosine == pytest.approx(float(model.target[4] @ model.target[2]), abs=1e-6)


def test_a_model_that_keeps_no_vectors_takes_those_that_were_encoded():
    assert read("text_neighbours")[0].vectors is None
    rng = np.random.default_rng(0)
    kept = ItemTexts(
        *(rng.normal(size=(size, 4)).astype(np.float32) for size in (60, 40)),
    )
    found, _ = read("text_neighbours", kept)
    assert [len(side) for side in found.vectors] == [60, 40]
    (shared,) = shared_texts(found, reasons(2, {0: 0.1}, {}), most=5)
    assert -1 <= shared.cosine <= 1


def test_other_models_read_no_text():
    assert not reads_text(build("ease"))
    assert reads_text(build("text_ridge"))


def test_the_cosine_of_a_pruned_fine_tuned_run_is_one():
    """An item was said to have a cosine of .6 with a text just like its own."""
    model = build("fine_tuned", {"epochs": 1, "source_epochs": 0, "factors": 16}, "cpu")
    list(model.fit_epochs(PAIR, 0))
    model.restore(PAIR, decompressed(compressed(model.state(), PRUNED, 0.3)))
    for vectors in ReadTexts.of(PAIR, model, None).vectors:
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
