"""What a metric's card holds: name, formula, help and source, in words a page can show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Group = Literal[
    "ranking",
    "further",
    "area",
    "diversity",
    "surprise",
    "popularity",
    "mix",
    "rating",
    "fairness",
    "classification",
    "trade-off",
]

NEUTRAL = ("diversity", "popularity")  # groups where more is a matter of purpose


@dataclass(frozen=True)
class MetricCard:
    """One metric without its k."""

    name: str
    title: str
    formula: str  # Markdown with LaTeX
    help: str  # one or two sentences for somebody who never saw it
    source: str
    higher_is_better: bool = True
    has_interval: bool = True
    at_k: bool = True
    task: Literal["ranking", "rating"] = "ranking"
    group: Group = "ranking"
    kept: bool = True  # runs keep it for every user; else it is made from their lists when shown

    @property
    def neutral(self) -> bool:
        """Whether more of it is a matter of purpose, and no gain by itself."""
        return self.group in NEUTRAL

    def titled(self, k: str) -> str:
        """Title with its k, such as nDCG@10."""
        return f"{self.title}@{k}" if k else self.title
