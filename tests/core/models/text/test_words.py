"""Words two texts share, the rarest first."""

import pytest

from core.models.text.words import WordCounts, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The War of the Roses (1989)", ["war", "roses", "1989"]),
        ("Amélie & AMÉLIE", ["amélie"]),
        ("战争与和平", ["战争", "争与", "与和", "和平"]),
        ("家", ["家"]),
        ("魔女の宅急便 Kiki", ["魔女", "女の", "の宅", "宅急", "急便", "kiki"]),
        ("😀 !!", []),
        ("", []),
    ],
)
def test_a_text_is_cut_into_its_words(text, words):
    assert words_of(text) == words


def test_the_rarest_shared_word_stands_first():
    texts = ["red dog", "red dog moon", "red sky", "red dog moon rise"]
    counts = WordCounts.of(texts)
    assert counts.shared(texts[1], texts[3]) == ["moon", "dog", "red"]
    assert counts.shared(texts[1], texts[3], most=1) == ["moon"]
    assert counts.shared("blue sea", texts[0]) == []


def test_a_word_of_one_in_twenty_texts_or_more_tells_nothing():
    texts = [f"part {number}" for number in range(90)] + ["part of the moon", "moon part"]
    counts = WordCounts.of(texts)
    assert counts.shared(texts[-1], texts[-2]) == ["moon"]


def test_texts_in_chinese_share_what_stands_in_both():
    counts = WordCounts.of(["战争与和平", "和平年代"])
    assert counts.shared("战争与和平", "和平年代") == ["和平"]
