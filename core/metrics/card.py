"""What a metric's card holds: name, formula, help and source, in words a page can show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Group = Literal[
    "ranking",
    "further",
    "diversity",
    "surprise",
    "popularity",
    "mix",
    "rating",
    "fairness",
    "classification",
]


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

    def titled(self, k: str) -> str:
        """Title with its k, such as nDCG@10."""
        return f"{self.title}@{k}" if k else self.title
