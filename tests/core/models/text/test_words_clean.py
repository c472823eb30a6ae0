"""What an encoder reads of an item."""

import numpy as np

from core.data.pair import ItemFeatures
from core.models.text.words import LONGEST, item_texts, plain_text, share_with_text


def features(titles, categories, descriptions):
    columns = (titles, categories, descriptions)
    return ItemFeatures(*(np.array(column, dtype=object) for column in columns))


def test_markup_entities_and_invisible_characters_are_gone():
    text = "<b>Heart</b> &amp; Soul\x00 6&quot;\u200b \ufeff\n(new)"
    assert plain_text(text) == 'Heart & Soul 6" (new)'


def test_a_sign_that_opens_nothing_is_no_markup():
    assert plain_text("a <b") == "a <b"


def test_half_a_surrogate_is_no_crash():
    assert plain_text("half \ud83d here") == "half here"


def test_a_text_of_100_000_characters_is_cut():
    assert len(plain_text("<p>long</p> " * 10_000)) <= LONGEST


def test_columns_are_joined_and_empty_ones_left_out():
    known = features(["Nixon", ""], ["Drama|War", ""], ["", "only described"])
    assert item_texts(known) == ["Nixon", ""]
    assert item_texts(known, "titles and categories") == ["Nixon. Drama, War", ""]
    assert item_texts(known, "everything") == ["Nixon. Drama, War", "only described"]
    assert item_texts(None) == []


def test_the_share_with_text_counts_titles_or_descriptions():
    assert share_with_text(features(["a", "", ""], ["x", "x", "x"], ["", "b", ""])) == 2 / 3
    assert share_with_text(None) == 0
