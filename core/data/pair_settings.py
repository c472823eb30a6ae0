"""What becomes of two imported files: which ones, and every setting of a pair with its bounds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.basics.columns import SOURCE, TARGET
from core.basics.settings import Settings, setting

STARS = 5.0  # the rating threshold is said on this scale


@dataclass(frozen=True)
class PairSettings(Settings):
    """What becomes of two files: who is who, what counts, and how much history is asked for."""

    rating_threshold: float = setting(
        3.0,
        low=0.0,
        high=STARS,
        help="Ratings from this many of 5 stars count as liked, on each file's own scale: 3 stars "
        "are 3 on 1 to 5, 6 on 1 to 10, 60 on 0 to 100. Where ratings go below 0, one star is the "
        "lowest and five the highest: 3 stars are 0 on −2 to 2. Where all ratings are equal, all "
        "count. 0 keeps every rating.",
    )
    source_core: int = setting(
        0, low=0, high=100, help="Every source user and item keeps at least this many rows."
    )
    target_core: int = setting(
        5, low=0, high=100, help="Every target user and item keeps at least this many rows."
    )
    source_fewest: int = setting(
        0, low=0, high=10_000, help="Source users with fewer interactions are left out."
    )
    source_most: int = setting(
        0,
        low=0,
        high=10_000_000,
        help="Source users with more interactions are left out; 0 sets no bound.",
    )
    target_fewest: int = setting(
        0, low=0, high=10_000, help="Target users with fewer interactions are left out."
    )
    target_most: int = setting(
        0,
        low=0,
        high=10_000_000,
        help="Target users with more interactions are left out; 0 sets no bound.",
    )
    first_day: str = setting("", help="Rows before this day (2024-05-31, UTC) are left out.")
    last_day: str = setting("", help="Rows after this day (2024-05-31, UTC) are left out.")
    match_users: str = setting(
        "exactly",
        choices=("exactly", "loosely"),
        help="Loosely ignores case, blanks, leading zeros, a trailing .0, "
        "full width and the encoding of accents in user ids.",
    )
    exchanged_columns: str = setting(
        "none",
        choices=("none", SOURCE, TARGET, "both"),
        help="In this file, or in both, read users as items and items as users.",
    )
    swap: bool = setting(False, help="Let the two files trade places as source and target.")
    drop_cross_listed: bool = setting(
        False, help="Leave out source items that the target lists too, under other ids."
    )
    drop_double_users: bool = setting(
        False, help="Of user ids with nearly the same history in one domain keep one."
    )
    source_item_fewest: int = setting(
        0, low=0, high=1_000_000, help="Source items with fewer interactions are left out."
    )
    target_item_fewest: int = setting(
        0, low=0, high=1_000_000, help="Target items with fewer interactions are left out."
    )
    source_liked_from: str = setting(
        "",
        help="The rating from which rows of the first file count as liked, as a value of that "
        "file, such as 3.5; swapped or not. Empty: the stars decide.",
    )
    target_liked_from: str = setting(
        "",
        help="The rating from which rows of the second file count as liked, as a value of that "
        "file, such as 3.5; swapped or not. Empty: the stars decide.",
    )

    def key(self) -> dict[str, Any]:
        """What decides the pair's hash: it stays what it was where nothing newer is asked for."""
        return {
            name: value for name, value in self.to_dict().items() if value or name not in _LATER
        }


_LATER = (  # settings that older pairs do not know: not in the hash where they do nothing
    "drop_double_users",
    "source_item_fewest",
    "target_item_fewest",
    "source_liked_from",
    "target_liked_from",
)


@dataclass(frozen=True)
class PairInputs:
    """The files of a pair as they were imported; links: which target user is which source user;
    triples: what items of either domain have in common."""

    source: Path
    target: Path
    items_source: Path | None = None
    items_target: Path | None = None
    links: Path | None = None
    triples: Path | None = None
    source_name: str = "source"
    target_name: str = "target"


def everything(settings: dict[str, Any]) -> PairSettings:
    """Settings that keep every row, with users and roles matched as in the given ones."""
    roles = ("match_users", "exchanged_columns", "swap")
    kept = {role: settings[role] for role in roles if role in settings}
    return PairSettings.of({"rating_threshold": 0.0, "target_core": 0, **kept})
