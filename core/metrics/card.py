"""`@metric` on the function that computes a metric says all there is to say of it, and lists it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, Protocol, TypeVar

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.types import BoolArray, Candidates, FloatArray, IntArray, Masked

# Lists with what became of every place, and what a metric may know of the split beside them.

Need = Literal["categories", "shared categories", "popularity", "scores", "parts"]
OF_RUN: frozenset[Need] = frozenset({"scores", "parts"})  # what not every run knows


def membership(lists: IntArray, n_items: int) -> csr_matrix:
    """(users, n_items) ones where an item is in the list; a repeated item counts once.

    lists: (users, k) item numbers, -1 where a list is shorter.
    """
    rows, places = np.nonzero(lists >= 0)
    ones = np.ones(len(rows))
    found = csr_matrix((ones, (rows, lists[rows, places])), shape=(len(lists), n_items))
    found.data[:] = 1.0
    return found


def exposure(lists: IntArray, n_items: int) -> IntArray:
    """How often each item is recommended, (n_items,)."""
    return np.bincount(lists[lists >= 0], minlength=n_items)


class World(Protocol):
    """One held-out part of a split, as far as metrics of lists ask for it.

    What belongs to categories or popularity is asked for only by metrics that say so in `needs`.
    """

    @property
    def there(self) -> frozenset[Need]:
        """What metrics may need and the split has."""

    @property
    def masked(self) -> Masked:
        """What may not be recommended."""

    @property
    def relevant(self) -> csr_matrix:
        """(n_users, n_items) what is to be found."""

    @property
    def n_items(self) -> int:
        """Items of the target."""

    @property
    def users_of_items(self) -> FloatArray:
        """(n_items,) users who have the item in training."""

    @property
    def unfamiliarity(self) -> FloatArray:
        """(n_items,) share of the known users who do not have the item."""

    @property
    def bits(self) -> FloatArray:
        """(n_items,) self-information of the item, as in novelty."""

    @property
    def rarity(self) -> FloatArray:
        """(n_items,) inverse propensity of the item by its popularity."""

    @property
    def debiased(self) -> FloatArray:
        """(n_items,) weight of the item's held-out interactions without what is too popular."""

    @property
    def head(self) -> BoolArray:
        """(n_items,) whether an item is in the most popular fifth."""

    @property
    def item_vectors(self) -> csr_matrix:
        """(n_items, n_users) who has the item in training, rows of length 1."""

    @property
    def kinds(self) -> csr_matrix:
        """(n_items, n_categories) ones where an item is in a category of the target's."""

    @property
    def shared_kinds(self) -> csr_matrix:
        """(n_items, n_shared) ones where an item is in a category that both domains name."""

    @property
    def history_mix(self) -> csr_matrix:
        """(n_users, n_categories) mix of every user's target history."""

    @property
    def source_mix(self) -> csr_matrix:
        """(n_users, n_shared) mix of every user's source history."""

    def most_popular(self, users: IntArray, k: int) -> IntArray:
        """(users, k) the most popular items each may get, -1 padded."""


@dataclass(frozen=True)
class Judged:
    """Lists with what became of every place."""

    users: IntArray  # (n,) user numbers
    items: IntArray  # (n, depth) item numbers, -1 where a list is shorter
    hits: BoolArray  # (n, depth) whether the item is to be found
    n_relevant: IntArray  # (n,) items to find
    n_candidates: IntArray  # (n,) items that may be recommended to the user

    def of(self, rows: IntArray | BoolArray) -> Judged:
        """Some of the users."""
        return Judged(
            self.users[rows],
            self.items[rows],
            self.hits[rows],
            self.n_relevant[rows],
            self.n_candidates[rows],
        )


@dataclass(frozen=True)
class Seen:
    """Lists at one k and what is known beside them; what several figures need is made once."""

    judged: Judged
    world: World
    k: int
    auc: FloatArray | None = None  # (users,) where the model's scores were known
    parts: Candidates | None = None  # of an additive model: what each domain adds

    @property
    def there(self) -> frozenset[Need]:
        """What metrics may need and is known here."""
        scores = self.auc is not None and not np.isnan(self.auc).all()
        run = {"scores": scores, "parts": self.parts is not None}
        return self.world.there | {need for need in OF_RUN if run[need]}

    @property
    def users(self) -> IntArray:
        """(users,) user numbers."""
        return self.judged.users

    @property
    def wanted(self) -> IntArray:
        """(users,) items to find."""
        return self.judged.n_relevant

    @property
    def n_candidates(self) -> IntArray:
        """(users,) items that may be recommended to each."""
        return self.judged.n_candidates

    @property
    def all_hits(self) -> BoolArray:
        """(users, depth) whether each place of the whole lists is to be found."""
        return self.judged.hits

    @cached_property
    def all_shown(self) -> BoolArray:
        """(users, depth) which places of the whole lists are filled."""
        return np.asarray(self.judged.items >= 0)

    @cached_property
    def hits(self) -> BoolArray:
        """(users, k) whether each place is to be found."""
        return self.judged.hits[:, : self.k]

    @cached_property
    def lists(self) -> IntArray:
        """(users, k) item numbers, -1 where a list is shorter."""
        return self.judged.items[:, : self.k]

    @cached_property
    def members(self) -> csr_matrix:
        """(users, n_items) ones where an item is in the list."""
        return membership(self.lists, self.world.n_items)

    @cached_property
    def exposure(self) -> IntArray:
        """How often each item is recommended, (items that may be,)."""
        return exposure(self.lists, self.world.n_items)[self.world.masked.rankable]


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


# What holds for every figure of a list; shown with the help of them
WHAT_IS_KNOWN = (
    "What a user rated low in training is known as what they liked is: both are left out of the "
    "lists (at test time those of validation too). Low ratings of the part itself may be listed, "
    "and cost a place."
)

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
