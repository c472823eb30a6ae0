"""What a model is asked for - to rank items or to predict ratings - and what follows from it."""

from __future__ import annotations

from enum import StrEnum


class Task(StrEnum):
    """Ranking or rating; its value is what cards, JSON and the address bar say.

    Whoever compares runs, watches a training or writes a figure asks the task, so that nobody has
    to tell the two apart.
    """

    RANKING = "ranking"
    RATING = "rating"

    @property
    def rates(self) -> bool:
        """Whether scores are predicted ratings."""
        return self is Task.RATING

    @property
    def metric(self) -> str:
        """The headline: by what runs are compared and epochs are chosen."""
        return "rmse" if self.rates else "ndcg@10"

    @property
    def measure(self) -> str:
        """The headline as a person reads it."""
        return "RMSE" if self.rates else "nDCG@10"

    @property
    def lower_is_better(self) -> bool:
        """Whether the headline is an error."""
        return self.rates

    @property
    def digits(self) -> int:
        """Decimals that tell two runs apart by the headline."""
        return 4 if self.rates else 3

    @property
    def baseline(self) -> str:
        """The model that stands beside every run: what any run must beat."""
        return "bias" if self.rates else "popularity"

    @property
    def baseline_words(self) -> str:
        """What the baseline is called in a sentence."""
        return "biases" if self.rates else "popularity"
