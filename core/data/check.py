"""One question about a pair with its answer in one sentence, and a light."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Light = Literal["green", "amber", "red", "grey"]

SAME_PEOPLE, CROSS_LISTED, EXCHANGED, SPELLING, TIMES, IMPORT = (
    "same_people",
    "cross_listed",
    "exchanged",
    "spelling",
    "times",
    "import",
)
DOUBLE_USERS, TIME_LEAK, ITEM_TABLES, GIVEN = "double_users", "time_leak", "item_tables", "given"


@dataclass(frozen=True)
class Check:
    """One question about a pair with its answer; figures are what the answer stands on."""

    key: str
    light: Light
    question: str
    answer: str
    figures: dict[str, Any] = field(default_factory=dict)
