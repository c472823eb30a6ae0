"""The sentence over the two maps says closer and better only where the figures beside it do."""

from types import SimpleNamespace

import pytest

from core.ui.embeddings.gap import sentence


def said(distances, ranks) -> str:
    before, after = (
        SimpleNamespace(a_distance=distance, retrieval_mrr=rank)
        for distance, rank in zip(distances, ranks, strict=True)
    )
    return sentence(SimpleNamespace(before=before, after=after), ("books", "films"))


@pytest.mark.parametrize(
    ("distances", "ranks", "words"),
    [
        ((1.0, 0.5), (0.1, 0.3), "both are what an alignment should do"),
        ((1.0, 0.5), (0.3, 0.1), "closeness was bought by making users alike"),
        ((0.5, 1.0), (0.3, 0.1), "nothing was aligned"),
        ((1.0, 0.5), (0.3, 0.3001), "finds the same user in films as well as before"),
    ],
)
def test_distance_and_recognition_are_read_together(distances, ranks, words):
    assert words in said(distances, ranks)


def test_the_same_figures_are_not_called_further_apart_and_worse():
    """Over "A-distance .000 → .000" stood: the domains are further apart."""
    words = said((0.0, 0.0), (0.2, 0.2))
    assert "as far apart as before" in words
    assert "further" not in words
    assert "worse" not in words
