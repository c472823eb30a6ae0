"""The sentence over the two maps says closer and better only where the figures under it do."""

from types import SimpleNamespace

import pytest

from core.ui.embeddings.gap import MEASURES, sentence

SAME = {
    "retrieval_mrr": 0.2,
    "mmd": 0.1,
    "mmd_p": 0.005,
    "a_distance": 1.0,
    "coral": 0.1,
    "cka": 0.5,
    "agreement": 0.3,
}


def found(from_interactions: bool = False, **after: float) -> SimpleNamespace:
    return SimpleNamespace(
        before=SimpleNamespace(**SAME),
        after=SimpleNamespace(**SAME | after),
        from_interactions=from_interactions,
    )


def said(**after: float) -> str:
    return sentence(found(**after), ("books", "films"))


@pytest.mark.parametrize(
    ("after", "words"),
    [
        ({"a_distance": 0.5, "retrieval_mrr": 0.3}, "as an alignment should"),
        ({"a_distance": 0.5, "retrieval_mrr": 0.1}, "closeness was bought by making users alike"),
        ({"a_distance": 1.5, "retrieval_mrr": 0.1}, "nothing was aligned"),
        ({"a_distance": 0.5, "retrieval_mrr": 0.2001}, "films is found as well as before"),
    ],
)
def test_distance_and_recognition_are_read_together(after, words):
    assert words in said(**after)


def test_the_same_figures_are_not_called_further_apart_and_worse():
    """Over "A-distance .000 → .000" stood: the domains are further apart."""
    words = said()
    assert "As before" in words
    assert "further" not in words
    assert "worse" not in words


def test_figures_that_disagree_are_named_on_both_sides():
    """The headline said further apart over a table in which three of five figures said closer."""
    words = said(a_distance=1.7, mmd=0.3, cka=0.6, coral=0.05, retrieval_mrr=0.3)
    assert "The figures disagree" in words
    assert "MMD² and A-distance say further apart, CORAL and CKA say closer" in words
    assert "found better (MRR .200 → .300)." in words


def test_nothing_is_said_of_a_model_that_has_no_vectors():
    assert sentence(found(), ("a", "b")).count("In this model") == 1
    words = sentence(found(from_interactions=True), ("a", "b"))
    assert "this model" not in words
    assert "With both domains' interactions joined" in words


def test_a_discrepancy_within_chance_before_and_after_is_no_change():
    mmd = next(measure for measure in MEASURES if measure.name == "mmd")
    noisy = found(mmd=0.3, mmd_p=0.4)
    noisy.before.mmd_p = 0.2
    assert mmd.change(noisy) == 0
    assert mmd.change(found(mmd=0.3)) == -1


def test_a_change_in_the_third_digit_of_shared_neighbours_is_none():
    assert "no figure changes" in said(agreement=0.2996, cka=0.502)
    assert "CKA says closer" in said(cka=0.52)
