"""Texts as bags of words, in scripts with spaces and without."""

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from core.models.text.encoders import cut_up, encoder_of, tf_idf

ENGLISH = ["The Lighthouse Keeper's Daughter", "a_b and B2-b", "Été à Paris", "keeper of 3 keys"]


def test_a_script_without_spaces_is_cut_into_pairs_of_neighbours():
    assert cut_up("灯塔看 keeper's 守") == ["灯塔", "塔看", "keeper", "s", "守"]


def test_chinese_titles_with_words_in_common_are_alike():
    (books, films) = tf_idf(["灯塔看守人的女儿", "旧图书馆的秘密"], ["图书馆", "看守人"])
    likeness = (films @ books.T).toarray()
    assert likeness[0, 1] > 0.3
    assert likeness[1, 0] > 0.3
    assert likeness[0, 0] == likeness[1, 1] == 0


def test_hashed_chinese_titles_with_words_in_common_are_alike():
    book, film, other = encoder_of("tf-idf").encode(["灯塔看守人的女儿", "看守人", "茶的简史"])
    assert book @ film > 0.3
    assert abs(film @ other) < 0.1


def test_words_with_spaces_are_those_of_scikit_learn():
    pattern = TfidfVectorizer(token_pattern=r"(?u)\b\w+\b", sublinear_tf=True, dtype=np.float32)
    (found,) = tf_idf(ENGLISH)
    assert found.toarray() == pytest.approx(pattern.fit_transform(ENGLISH).toarray())
