"""A routed model: every user is answered by one of a few trained models, by their target history.

Nothing is mixed. Who belongs to a group gets the scores, the parts and the reasons of the member
that the group asks, as that member gives them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.errors import RunError
from core.basics.progress import Progress
from core.basics.settings import Settings, setting
from core.basics.types import Contributions, DomainScores, FloatArray, IntArray
from core.data.pair import BINS, DomainPair, bin_places
from core.models.made.blend import as_read, state_for, state_of
from core.models.protocol import CrossDomainModel, State
from core.models.text.features import HearsWords

MOST = len(BINS)  # members: one for every group
Part = tuple[IntArray, DomainScores]  # the rows a member was asked for, and what it said of them


def _answers(whom: str) -> Any:
    """Which member answers these people."""
    said = f"Member that answers {whom}; the first is 1."
    return setting(1, low=1, high=MOST, help=said)


@dataclass(frozen=True)
class RouteSettings(Settings):
    """Which member answers whom, by the number of target items known in training."""

    known_0: int = _answers("people without target history")
    known_1_to_4: int = _answers("people with 1 to 4 target items in training")
    known_5_to_9: int = _answers("people with 5 to 9 target items in training")
    known_10_to_19: int = _answers("people with 10 to 19 target items in training")
    known_20_or_more: int = _answers("people with 20 target items or more in training")

    @classmethod
    def of_places(cls, places: Sequence[int]) -> Self:
        """The settings that ask the member at places[i], the first being 0, in the group i."""
        names = [info.name for info in cls.infos()]
        return cls(**{name: place + 1 for name, place in zip(names, places, strict=True)})

    @property
    def places(self) -> tuple[int, ...]:
        """By BINS the place of the member that is asked, the first being 0."""
        return tuple(int(getattr(self, info.name)) - 1 for info in self.infos())


class Routed(CrossDomainModel):
    """Members, and whom each of them answers.

    known: (n_users,) target items of every training user. In a table that several members answer,
    own scores are written out unless they are the sums of the parts in every row.
    """

    def __init__(
        self,
        settings: RouteSettings,
        members: Sequence[CrossDomainModel],
        ordered: Sequence[bool],
        known: IntArray | None = None,
    ) -> None:
        """ordered: which member reads histories in time order; known comes with `restore` too."""
        self.settings = settings
        self.members = tuple(members)
        self.ordered = tuple(ordered)
        self.known = np.zeros(0, dtype=int) if known is None else known

    def fit_epochs(self, train: DomainPair, seed: int) -> Iterator[Progress]:
        """Refused with RunError: the members are trained, a routed model is made of them."""
        raise RunError(
            what="A routed model is not trained.",
            hint="Train two runs on one split and route between them.",
        )

    def asked(self, known: int) -> int:
        """Place of the member that answers somebody with so many known target items."""
        return self.settings.places[int(bin_places(np.array([known]))[0])]

    def score(self, users: IntArray) -> DomainScores:
        """Each training user as their member scores them."""
        users = np.asarray(users)
        return self._each(
            self.known[users], lambda place, rows: self.members[place].score(users[rows])
        )

    def fold_in(self, source_rows: csr_matrix, target_rows: csr_matrix) -> DomainScores:
        """The same for any histories, each by the length of its own target history."""

        def ask(place: int, rows: IntArray) -> DomainScores:
            histories = as_read(self.ordered, place, source_rows[rows], target_rows[rows])
            return self.members[place].fold_in(*histories)

        return self._each(np.diff(target_rows.indptr), ask)

    def fold_in_words(
        self, words: FloatArray, source_rows: csr_matrix, target_rows: csr_matrix
    ) -> DomainScores:
        """The same where a person also said something, passed on to the member that answers.

        words: (n_asked, d), as the member of each row reads them. A member that hears no words
        answers from the histories alone. Who answers goes by the items of the history, as in
        `fold_in`: words are no item that is known.
        """

        def ask(place: int, rows: IntArray) -> DomainScores:
            member = self.members[place]
            histories = as_read(self.ordered, place, source_rows[rows], target_rows[rows])
            if isinstance(member, HearsWords):
                return member.fold_in_words(words[rows], *histories)
            return member.fold_in(*histories)

        return self._each(np.diff(target_rows.indptr), ask)

    def explain(self, source_row: csr_matrix, target_row: csr_matrix, item: int) -> Contributions:
        """The amounts of the member that answers this history."""
        place = self.asked(target_row.nnz)
        rows = as_read(self.ordered, place, source_row, target_row)
        return self.members[place].explain(*rows, item)

    def vectors(self) -> None:
        """None: the members' vectors live in spaces of their own."""

    def state(self) -> State:
        """Everything the members learned."""
        kept: State = {}
        for place, member in enumerate(self.members):
            kept |= state_of(member, f"member{place}")
        return kept

    def restore(self, train: DomainPair, state: State) -> None:
        """Take up a state, member by member."""
        self.known = train.target_history
        for place, member in enumerate(self.members):
            source, target = as_read(self.ordered, place, train.source, train.target)
            read = replace(train, source=source, target=target)
            member.restore(read, state_for(state, f"member{place}"))

    def _each(self, known: IntArray, ask: Callable[[int, IntArray], DomainScores]) -> DomainScores:
        """One table of what every row's own member says; a member is asked once for all its rows.

        known: (n_asked,) target items of each row.
        """
        places = np.array(self.settings.places)[bin_places(known)]
        wanted = np.unique(places).tolist() or [0]
        rows = [np.flatnonzero(places == place) for place in wanted]
        said = [ask(place, of) for place, of in zip(wanted, rows, strict=True)]
        if len(said) == 1:
            return said[0]
        return _joined(list(zip(rows, said, strict=True)), len(known))


def _joined(parts: Sequence[Part], n_asked: int) -> DomainScores:
    """The rows of all parts in one table, without own scores where these are the sums."""
    n_items = parts[0][1].source.shape[1]

    def table(width: int, of: Callable[[DomainScores], np.ndarray], kind: type) -> np.ndarray:
        whole: np.ndarray = np.empty((n_asked, width), dtype=kind)
        for rows, scores in parts:
            whole[rows] = of(scores)
        return whole

    additive = all(
        scores.own is None
        or np.array_equal(scores.own, scores.base + scores.source + scores.target)
        for _, scores in parts
    )
    widest = max(scores.base.shape[1] for _, scores in parts)
    return DomainScores(
        source=table(n_items, lambda scores: scores.source, np.float32),
        target=table(n_items, lambda scores: scores.target, np.float32),
        base=table(widest, lambda scores: scores.base, np.float32),
        own=None if additive else table(n_items, DomainScores.own_scores, np.float32),
        has_source=table(1, lambda scores: scores.has_source[:, None], bool)[:, 0],
        has_target=table(1, lambda scores: scores.has_target[:, None], bool)[:, 0],
    )
