"""Three real users: who they are, what they get, and what of their history carried it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.basics.columns import SOURCE, TARGET, TEST
from core.basics.errors import CrosswalkError
from core.basics.formatting import count, number
from core.basics.types import FloatArray, IntArray
from core.data.snapshot import Split
from core.evaluation.lift import SAME
from core.fusion.combine import NOBODY, mask, top_k
from core.metrics.registry import metric_title
from core.models.protocol import CrossDomainModel
from core.runs.report.blocks import Block, Person, Pick, Section, Words
from core.runs.report.chosen import Chosen, choose
from core.runs.report.evidence import Evidence
from core.runs.report.rated import rated_grid
from core.store.run_folder import Run

K = 10
EXPLAINED = 3  # places of the list whose reasons are told
REASONS = 3  # history items named for each
HISTORY = 4  # titles shown of either history
LETTERS = "ABC"


@dataclass(frozen=True)
class Told:
    """What the run says to one user: the list and, where there is a model, what is behind it."""

    items: IntArray  # (up to K,) target item numbers
    source: FloatArray | None  # (up to K,) each domain's part of the score
    target: FloatArray | None
    reasons: tuple[tuple[tuple[int, str, float], ...], ...]  # per place: item, domain, amount


def people_section(evidence: Evidence) -> Section:
    """Three users with reasons, or why there are none."""
    blocks: list[Block] = []
    if evidence.split is None:
        missing = "Nobody can be shown: the data of this run are no longer in the workspace."
        blocks.append(Words(missing, "missing"))
    else:
        try:
            blocks += people(evidence)
        except CrosswalkError as error:
            blocks = [Words(f"Nobody can be shown. {error}", "missing")]
        if people_found := [block for block in blocks if isinstance(block, Person)]:
            blocks.insert(0, Words(_intro(evidence, len(people_found))))
        elif not blocks:
            blocks.append(Words("No test user could be chosen from this run.", "missing"))
    return Section("people", "Three real people", tuple(blocks))


def people(evidence: Evidence) -> list[Person]:
    """The most helped user, a typical one, and a cold or harmed one; fewer where there are not."""
    teller = Teller(evidence)
    return [
        teller.person(chosen, letter)
        for chosen, letter in zip(choose(evidence), LETTERS, strict=False)
    ]


class Teller:
    """Tells the story of one user after the other from models read once."""

    def __init__(self, evidence: Evidence) -> None:
        assert evidence.split is not None
        self.evidence = evidence
        self.split: Split = evidence.split
        train = self.split.train
        self.names = {
            SOURCE: _names(train.source_items.ids, train.source_features, train.source_items),
            TARGET: _names(train.target_items.ids, train.target_features, train.target_items),
        }
        self.models: dict[str, CrossDomainModel] = {}

    def person(self, chosen: Chosen, letter: str) -> Person:
        """One user with histories, list and reasons."""
        run, twin = self.evidence.run, self.evidence.run.twin
        told = self.tell(run, chosen.user, explained=EXPLAINED)
        without = None if twin is None else self.tell(twin, chosen.user).items
        histories = [self._history(chosen.user, domain, told) for domain in (SOURCE, TARGET)]
        grid = rated_grid(self.evidence, chosen.user, self.names[TARGET])
        return Person(
            id=str(self.split.train.users.ids[chosen.user]),
            letter=letter,
            role=chosen.role,
            text=self._words(chosen, told, without),
            domains=(self.evidence.source, self.evidence.target),
            source=histories[0][0],
            target=histories[1][0],
            more=(histories[0][1], histories[1][1]),
            grid=grid,
            picks=() if grid else tuple(self._picks(chosen.user, told, without)),
            notes=self._notes(told),
        )

    def tell(self, run: Run, user: int, explained: int = 0) -> Told:
        """The run's own list for a test user, as its metrics have it."""
        if not run.has_model:
            lists = run.lists(TEST)
            rows = lists.items[lists.users == user][:1, :K].ravel()
            return Told(rows[rows != NOBODY], None, None, ())
        model = self._model(run)
        scores = model.score(np.array([user])).filled(self.split.train.popularity)
        own = np.array(np.broadcast_to(scores.own_scores(), scores.source.shape), np.float32)
        mask(own, self.split.masked(TEST)[[user]])
        items = top_k(own, scores.source, scores.target, K)[0]
        items = items[items != NOBODY]
        reasons = tuple(self._reasons(run, user, int(item)) for item in items[:explained])
        return Told(items, scores.source[0, items], scores.target[0, items], reasons)

    def _model(self, run: Run) -> CrossDomainModel:
        key = str(run.folder)
        if key not in self.models:
            self.models[key] = run.model(self.split)
        return self.models[key]

    def _reasons(self, run: Run, user: int, item: int) -> tuple[tuple[int, str, float], ...]:
        """The history items that spoke for an item, the loudest first."""
        train = run.train_of(self.split)
        found = self._model(run).explain(train.source[[user]], train.target[[user]], item)
        amounts = np.concatenate([found.source_amounts, found.target_amounts])
        items = np.concatenate([found.source_items, found.target_items])
        domains = [SOURCE] * len(found.source_items) + [TARGET] * len(found.target_items)
        order = np.argsort(-amounts, kind="stable")
        return tuple(
            (int(items[i]), domains[i], float(amounts[i])) for i in order if amounts[i] > 0
        )

    def _history(self, user: int, domain: str, told: Told) -> tuple[tuple[str, ...], int]:
        """Titles of a history, those that carried the list first, and how many are left out."""
        matrix = self.split.train.source if domain == SOURCE else self.split.train.target
        items = matrix[[user]].indices
        weight: dict[int, float] = {}
        for reasons in told.reasons:
            for item, where, amount in reasons:
                if where == domain:
                    weight[item] = weight.get(item, 0.0) + amount
        order = sorted(items, key=lambda item: -weight.get(int(item), 0.0))
        shown = order[:HISTORY]
        return tuple(str(self.names[domain][item]) for item in shown), len(order) - len(shown)

    def _picks(self, user: int, told: Told, without: IntArray | None) -> list[Pick]:
        hidden = set(self.split.held_out(TEST)[[user]].indices.tolist())
        there = None if without is None else set(without.tolist())
        return [
            Pick(
                title=str(self.names[TARGET][item]),
                hit=int(item) in hidden,
                only_here=there is not None and int(item) not in there,
                shares=_shares(told, place),
                reasons=self._why(told, place),
            )
            for place, item in enumerate(told.items)
        ]

    def _why(self, told: Told, place: int) -> tuple[tuple[str, str, float], ...]:
        if place >= len(told.reasons):
            return ()
        total = sum(amount for _, _, amount in told.reasons[place]) or 1.0
        return tuple(
            (str(self.names[domain][item]), domain, amount / total)
            for item, domain, amount in told.reasons[place][:REASONS]
        )

    def _words(self, chosen: Chosen, told: Told, without: IntArray | None) -> str:
        """Histories, what was hidden, what was found, with and without the source."""
        evidence, train, user = self.evidence, self.split.train, chosen.user
        hidden = self.split.held_out(TEST)[[user]].indices
        known = (
            f"Known: {count(int(train.source_history[user]), 'choice')} in {evidence.source}, "
            f"{int(train.target_history[user]):,} in {evidence.target}."
        )
        if evidence.rates:
            figure = f" {metric_title(evidence.metric)} {number(chosen.ours, 2)}"
            theirs = chosen.theirs
            return known + (
                f"{figure}."
                if theirs is None
                else f"{figure}, {evidence.without} {number(theirs, 2)}: smaller is better."
            )
        found = int(np.isin(told.items, hidden).sum())
        also = ""
        if without is not None:
            theirs = int(np.isin(without, hidden).sum())
            also = f", {evidence.without} {theirs}"
            also += _moved_words(chosen) if found == theirs else ""
        return f"{known} Of {count(len(hidden), 'hidden choice')} the ten hold {found}{also}."

    def _notes(self, told: Told) -> tuple[str, ...]:
        if not self.evidence.run.has_model:
            return ("These lists were uploaded without a model, so no reasons can be given.",)
        if told.reasons and not any(told.reasons) and not self.evidence.rates:
            new = self.split.new_items is not None
            order = "an arbitrary order of new items" if new else "the order of popularity"
            return (f"No history item carried this list: it is {order}.",)
        return ()


def _moved_words(chosen: Chosen) -> str:
    """Where the same number of hits stands without the source: higher up or lower down."""
    gap = 0.0 if chosen.theirs is None else chosen.theirs - chosen.ours
    return "" if abs(gap) < SAME else ", higher up" if gap > 0 else ", lower down"


def _shares(told: Told, place: int) -> tuple[float, float] | None:
    """How much of an item's score each domain carried; None where neither did."""
    if told.source is None or told.target is None:
        return None
    source, target = max(0.0, float(told.source[place])), max(0.0, float(told.target[place]))
    return (
        None if source + target <= 0 else (source / (source + target), target / (source + target))
    )


def _names(ids: np.ndarray, features, items) -> np.ndarray:  # type: ignore[no-untyped-def]
    return ids if features is None else features.names(items)


def _intro(evidence: Evidence, found: int) -> str:
    how = {1: "One of the test users", 2: "Two of the test users", 3: "Three of the test users"}
    if evidence.rates:
        return f"{how[found]}, chosen by rule: what they gave and what was predicted."
    why = " Under the first items stands what in the person's own history spoke for them."
    return (
        f"{how[found]}, chosen by rule and not by hand. A tick marks a hidden choice the list "
        f"found.{why if evidence.run.has_model else ''}"
    )
