"""`@metric` on the function that computes a metric says all there is to say of it, and lists it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from core.metrics.judged import Need, Seen

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
Task = Literal["ranking", "rating"]
Arguments = Callable[[Seen], tuple[Any, ...]]
F = TypeVar("F", bound=Callable[..., Any])

NEUTRAL = ("diversity", "popularity")  # groups where more is a matter of purpose


@dataclass(frozen=True)
class MetricCard:
    """One metric without its k, and how it is made."""

    name: str
    title: str
    formula: str  # Markdown with LaTeX
    help: str  # one or two sentences for somebody who never saw it
    source: str
    group: Group
    higher_is_better: bool
    has_interval: bool
    at_k: bool
    task: Task
    kept: bool  # runs keep it for every user; else it is made from their lists when shown
    needs: frozenset[Need]
    function: Callable[..., Any] = field(repr=False)
    of: Arguments | None = field(repr=False)  # makes a value per user of judged lists
    of_all: Arguments | None = field(repr=False)  # makes one value of all lists together
    of_hits: bool  # made per user of running sums over hits

    @property
    def neutral(self) -> bool:
        """Whether more of it is a matter of purpose, and no gain by itself."""
        return self.group in NEUTRAL

    def titled(self, k: str) -> str:
        """Title with its k, such as nDCG@10."""
        return f"{self.title}@{k}" if k else self.title

    def column(self, k: int) -> str:
        """Its column in a frame, such as "ndcg@10"; AUC has no k."""
        return f"{self.name}@{k}" if self.at_k else self.name

    def value(self, seen: Seen) -> Any:
        """(users,) values of the lists, or one of all together; ask only for what is in `there`."""
        arguments = self.of or self.of_all
        if arguments is None:
            raise ValueError(f"{self.name} is not made from lists")
        return self.function(*arguments(seen))


CARDS: list[MetricCard] = []  # of all modules loaded so far, each from top to bottom


def metric(
    title: str,
    formula: str,
    help: str,
    source: str,
    group: Group,
    *,
    name: str = "",
    of: Arguments | None = None,
    of_all: Arguments | None = None,
    of_hits: bool = False,
    needs: Iterable[Need] = (),
    higher_is_better: bool = True,
    has_interval: bool = True,
    at_k: bool = True,
    task: Task = "ranking",
    kept: bool = False,
) -> Callable[[F], F]:
    """Register the function as a metric, by its own name where none is given; it stays as it is.

    of: what the function is called with to get a value per user of judged lists; of_all: the same
    where it gives one value of all lists together; of_hits: it is called with running sums of hits
    and k (`core.metrics.ranking`), and every run keeps it. A metric without any of the three is
    made elsewhere, and only described here. needs: what must be known for `of`.
    """

    def register(function: F) -> F:
        card = MetricCard(
            name=name or function.__name__.lstrip("_"),
            title=title,
            formula=formula,
            help=help,
            source=source,
            group=group,
            higher_is_better=higher_is_better,
            has_interval=has_interval,
            at_k=at_k,
            task=task,
            kept=kept or of_hits,
            needs=frozenset(needs),
            function=function,
            of=of,
            of_all=of_all,
            of_hits=of_hits,
        )
        if card.name in {other.name for other in CARDS}:
            raise ValueError(f"Two metrics are called {card.name}; give one another name.")
        # Decorators of one function run from below: the upper goes before those it stands above
        below = (place for place, other in enumerate(CARDS) if other.function is function)
        CARDS.insert(next(below, len(CARDS)), card)
        return function

    return register
