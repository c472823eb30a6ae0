"""Text vectors are worked out once for every text and encoder, and kept."""

import numpy as np
import pytest

from core.basics.errors import SettingsError
from core.models.text import vectors
from core.models.text.encoders import ENCODERS, encoder_of
from core.models.text.vectors import text_vectors


class Counting:
    """An encoder that notes what it was asked."""

    width = 2

    def __init__(self):
        self.asked = []

    def encode(self, texts):
        self.asked += texts
        return np.array([[len(text), 1.0] for text in texts], dtype=np.float32)


@pytest.fixture
def encoder(monkeypatch):
    counting = Counting()
    monkeypatch.setattr(vectors, "encoder_of", lambda name: counting)
    return counting


def test_every_text_is_encoded_once_and_empty_ones_never(encoder, tmp_path):
    found = text_vectors(["aa", "", "b", "aa"], "any", tmp_path)
    assert found.tolist() == [[2, 1], [0, 0], [1, 1], [2, 1]]
    assert sorted(encoder.asked) == ["aa", "b"]


def test_what_was_kept_is_not_encoded_again_and_new_texts_join_it(encoder, tmp_path):
    text_vectors(["aa", "b"], "any", tmp_path)
    assert text_vectors(["b", "cccc"], "any", tmp_path).tolist() == [[1, 1], [4, 1]]
    assert encoder.asked.count("b") == 1


def test_encoders_keep_their_vectors_apart(encoder, tmp_path):
    text_vectors(["aa"], "one", tmp_path)
    text_vectors(["aa"], "another", tmp_path)
    assert encoder.asked == ["aa", "aa"]


def test_a_broken_file_is_as_good_as_none(encoder, tmp_path):
    text_vectors(["aa"], "any", tmp_path)
    (kept,) = tmp_path.rglob("*.safetensors")
    kept.write_bytes(b"not a tensor")
    assert text_vectors(["aa"], "any", tmp_path).tolist() == [[2, 1]]


def test_progress_counts_the_texts_that_were_missing(encoder, monkeypatch):
    monkeypatch.setattr(vectors, "TEXTS", 2)
    seen = []
    text_vectors(
        ["a", "bb", "ccc", "a"], "any", told=lambda done, total: seen.append((done, total))
    )
    assert seen == [(2, 3), (3, 3)]


def test_an_encoder_that_is_not_there_is_refused_in_two_sentences():
    with pytest.raises(SettingsError) as refused:
        encoder_of("no-such-encoder")
    assert "no-such-encoder" in refused.value.what
    assert "universal" in refused.value.hint


def test_every_encoder_says_what_it_is():
    for card in ENCODERS.values():
        assert card.title
        assert card.line.endswith(".")
        assert card.licence


def test_hashed_words_find_the_text_with_the_same_words():
    found = encoder_of("tf-idf").encode(["garden of tulips", "tulips garden", "rocket science"])
    likeness = found @ found.T
    assert likeness[0, 1] == pytest.approx(1.0)
    assert likeness[0, 2] == pytest.approx(0.0, abs=1e-6)
