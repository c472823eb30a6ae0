"""Texts of items are counted: who has one, which repeat, which are cut, in which script."""

import math

import numpy as np
import pytest

from core.data.pair import ItemFeatures
from core.data.text_figures import SCRIPTS, column_shares, sample_texts, scripts_of, text_figures


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("War and Peace", "Latin"),
        ("Élan Ærø ŁÓDŹ", "Latin"),
        ("战争与和平", "Han"),
        ("魔女の宅急便", "Japanese"),
        ("Война и мир", "Cyrillic"),
        ("Πόλεμος", "Greek"),
        ("전쟁과 평화", "Hangul"),
        ("الحرب والسلام", "Arabic"),
        ("สงคราม", "Thai"),
        ("ომი და მშვიდობა", "other scripts"),  # Georgian
        ("1984", "no letters"),
        ("😀 🚀", "no letters"),
        ("战争 War", "Latin"),  # the most of its letters
    ],
)
def test_a_text_is_of_the_script_with_most_of_its_letters(text, script):
    found, _ = scripts_of([text])
    assert SCRIPTS[found[0]] == script


def test_a_text_is_mixed_from_a_fifth_in_a_second_script():
    _, mixed = scripts_of(["战争 War", "War and Peace, a long title 战", "War"])
    assert mixed == 1


def test_texts_are_counted_by_what_a_model_gets_of_them():
    found = text_figures(["Nixon", "", "Nixon", "战争", "x" * 20], limit=20)
    assert (found.items, found.with_text, found.empty, found.repeated) == (5, 4, 1, 2)
    assert (found.median, found.longest, found.cut) == (5.0, 20, 1)
    assert found.scripts == {"Latin": 3, "Han": 1}


def test_items_without_any_text_are_no_crash():
    found = text_figures(["", ""], limit=20)
    assert (found.empty, found.scripts) == (2, {})
    assert math.isnan(found.median)
    assert text_figures([], limit=20).items == 0
    assert len(sample_texts(["", ""], ["", ""], 5)) == 0


def test_a_column_of_blanks_is_not_filled():
    columns = (["a", " ", ""], ["", "", ""], ["b", "c", ""])
    shares = column_shares(ItemFeatures(*(np.array(column, dtype=object) for column in columns)))
    assert shares == {"title": 1 / 3, "categories": 0, "description": 2 / 3}


def test_samples_hold_the_longest_text_and_one_that_cleaning_changed():
    raw = [f"Film {number}" for number in range(50)]
    raw[7], raw[9] = "<b>Bold</b>", "A film with a much longer title than all others"
    texts = [text.replace("<b>", "").replace("</b>", "") for text in raw]
    items = sample_texts(raw, texts, 8)
    assert {7, 9} <= set(items.tolist())
    assert len(items) == len(set(items.tolist())) == 8
