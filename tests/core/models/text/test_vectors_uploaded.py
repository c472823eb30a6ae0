"""Uploaded vectors beside texts and alone, worked by hand, and what stands against them."""

from dataclasses import replace

import numpy as np
import pytest

from core.basics.errors import SettingsError
from core.data.pair import DomainPair, ItemFeatures
from core.models.text.encoders import encoder_of
from core.models.text.features import TextSettings, centred_vectors, domain_vectors, texts_read
from core.models.text.vectors import (
    ALONE,
    BESIDE,
    NOT_USED,
    beside_nothing,
    side_by_side,
    unit_vectors,
    use_of,
    why_not,
)
from tests.worlds import twin_tastes

HALF = np.sqrt(0.5)
NONE = np.array(["", "", ""], dtype=object)
WORDS = {"encoder": "tf-idf"}


def features(vectors, titles=("war", "", "peace")) -> ItemFeatures:
    rows = None if vectors is None else np.array(vectors, dtype=np.float32)
    return ItemFeatures(np.array(titles, dtype=object), NONE, NONE, vectors=rows)


def pair_with(source, target) -> DomainPair:
    pair = twin_tastes(n_source=3, n_target=3, n_users=6, n_cold=0).pair
    return replace(pair, source_features=features(source), target_features=features(target))


def test_vectors_are_of_length_one_and_missing_ones_are_zeros():
    found = unit_vectors(features([[3, 4], [0, 0], [1e30, 0]]), 2)
    np.testing.assert_allclose(found, [[0.6, 0.8], [0, 0], [1, 0]], atol=1e-6)
    np.testing.assert_array_equal(unit_vectors(features(None), 2), np.zeros((3, 2)))
    assert unit_vectors(None, 2).shape == (0, 2)


def test_side_by_side_each_counts_half_and_one_alone_counts_whole():
    texts = np.array([[1, 0], [0, 1], [0, 0], [0, 0]], dtype=np.float32)
    vectors = np.array([[0.6, 0.8], [0, 0], [0, 1], [0, 0]], dtype=np.float32)
    expected = [[HALF, 0, 0.6 * HALF, 0.8 * HALF], [0, 1, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0]]
    np.testing.assert_allclose(side_by_side(texts, vectors), expected, atol=1e-6)


def test_words_stand_beside_zeros():
    said = np.array([[0.6, 0.8]], dtype=np.float32)
    np.testing.assert_allclose(beside_nothing(said, 4), [[0.6, 0.8, 0, 0]])


def test_alone_no_text_is_read_and_no_encoder_loaded(monkeypatch):
    def refuse(name):
        raise AssertionError(f"loaded {name}")

    monkeypatch.setattr("core.models.text.vectors.encoder_of", refuse)
    settings = TextSettings(vectors=ALONE)
    assert texts_read(features([[1, 0]] * 3), settings) == ["", "", ""]
    source, target = domain_vectors(pair_with([[1, 0], [0, 2], [0, 0]], [[1, 1]] * 3), settings)
    np.testing.assert_allclose(source, [[HALF, -HALF], [-HALF, HALF], [0, 0]], atol=1e-6)
    assert target.shape == (3, 2)


def test_beside_the_text_both_speak_from_the_centre_of_their_domain():
    vectors = [[1, 0], [1, 0], [0, 1]]
    found = centred_vectors(features(vectors), TextSettings(vectors=BESIDE, **WORDS))
    texts = encoder_of("tf-idf").encode(["war", "", "peace"])
    whole = side_by_side(texts, unit_vectors(features(vectors), 2))
    moved = whole - whole.mean(axis=0)
    expected = moved / np.linalg.norm(moved, axis=1, keepdims=True)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_domain_without_vectors_is_zeros_beside_the_texts():
    source, target = domain_vectors(
        pair_with(None, [[1, 0]] * 3), TextSettings(vectors=BESIDE, **WORDS)
    )
    assert source.shape == target.shape == (3, 1026)
    assert not source[:, -2:].any()


def test_not_used_leaves_texts_as_they_were():
    pair = pair_with([[1, 0]] * 3, [[1, 0]] * 3)
    plain = pair_with(None, None)
    for ours, theirs in zip(
        domain_vectors(pair, TextSettings(**WORDS)),
        domain_vectors(plain, TextSettings(**WORDS)),
        strict=True,
    ):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    ("source", "target", "use", "words"),
    [
        ([[1, 0]] * 3, [[1]] * 3, ALONE, "source's vectors have 2 numbers and the target's 1"),
        ([[1, 0]] * 3, [[1]] * 3, BESIDE, "source's vectors have 2 numbers and the target's 1"),
        ([[1, 0]] * 3, None, ALONE, "the target has none"),
        (None, [[1]] * 3, ALONE, "the source has none"),
    ],
)
def test_vectors_that_cannot_be_compared_are_refused(source, target, use, words):
    with pytest.raises(SettingsError, match=words) as refused:
        domain_vectors(pair_with(source, target), TextSettings(vectors=use))
    assert "Import item tables with vectors of one kind" in refused.value.hint


def test_a_twin_reads_the_target_alone():
    pair = pair_with([[1, 0]] * 3, [[0, 1]] * 3)
    source, target = domain_vectors(pair.target_only(), TextSettings(vectors=ALONE))
    assert (source.shape, target.shape) == ((0, 2), (3, 2))
    words_alone = pair_with([[1, 0]] * 3, None).target_only()
    source, target = domain_vectors(words_alone, TextSettings(vectors=BESIDE, **WORDS))
    assert (source.shape, target.shape) == ((0, 1024), (3, 1024))


def test_a_model_of_the_target_alone_is_not_stopped_by_the_source():
    assert why_not((5, 2), TextSettings(vectors=ALONE), cross_domain=False) is None
    assert why_not((5, 0), TextSettings(vectors=ALONE), cross_domain=False) is not None
    assert why_not((0, 0), TextSettings(vectors=BESIDE)) is not None
    assert why_not((0, 0), TextSettings()) is None
    assert use_of(object()) == NOT_USED
