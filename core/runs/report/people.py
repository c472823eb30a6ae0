"""Three real users: who they are, what they get, and what of their history carried it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.basics.columns import ITEM, OWN, RATING, SOURCE, TARGET, TEST, USER
from core.basics.errors import CrosswalkError, RunError
from core.basics.formatting import count, number
from core.basics.types import FloatArray, IntArray
from core.data.snapshot import Split
from core.evaluation.lift import SAME
from core.evaluation.ratings import Bounds
from core.evaluation.segments import COLD, HARMED, HELPED, TYPICAL, user_order
from core.evaluation.side_by_side import gains_repeat, moved_users, repeat_words
from core.fusion.combine import NO_ITEM, mask, top_k
from core.metrics.registry import metric_card, metric_title
from core.models.protocol import CrossDomainModel
from core.runs.report.blocks import Block, Grid, Person, Pick, Section, Words
from core.runs.report.evidence import Evidence
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
            if words := _repeats(evidence):
                blocks.insert(1, Words(words))
        elif not blocks:
            blocks.append(Words("No test user could be chosen from this run.", "missing"))
    return Section("people", "Three real people", tuple(blocks))


def _repeats(evidence: Evidence) -> str:
    """Whether the people who gain on validation gain on test too; "" where nobody can tell."""
    compared = evidence.comparison
    if compared is None or compared.valid is None or compared.twin is None:
        return ""
    test = compared.run, compared.twin
    return repeat_words(gains_repeat(compared.valid, test, evidence.metric))


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
            return Told(rows[rows != NO_ITEM], None, None, ())
        model = self._model(run)
        scores = model.score(np.array([user])).filled(self.split.train.popularity)
        own = np.array(np.broadcast_to(scores.own_scores(), scores.source.shape), np.float32)
        mask(own, self.split.masked(TEST, [user]))
        items = top_k(own, scores.source, scores.target, K)[0]
        items = items[items != NO_ITEM]
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
        ours = _places(told.items, hidden)
        there = None if without is None else _places(without, hidden)
        if len(hidden) == 1:
            return f"{known} {_of_one(ours, there, evidence.without)}"
        also = ""
        if there is not None:
            also = f", {evidence.without} {len(there)}"
            also += _moved_words(chosen) if len(ours) == len(there) else ""
        return f"{known} {len(ours)} of {len(hidden)} hidden choices stand among ten{also}."

    def _notes(self, told: Told) -> tuple[str, ...]:
        if not self.evidence.run.has_model:
            return ("These lists were uploaded without a model, so no reasons can be given.",)
        if told.reasons and not any(told.reasons) and not self.evidence.rates:
            new = self.split.new_items is not None
            order = "an arbitrary order of new items" if new else "the order of popularity"
            return (f"No history item carried this list: it is {order}.",)
        return ()


def _places(items: IntArray, hidden: IntArray) -> list[int]:
    """Places of a list, from 1, on which a hidden choice stands."""
    return [int(place) + 1 for place in np.flatnonzero(np.isin(items, hidden))]


def _of_one(ours: list[int], theirs: list[int] | None, without: str) -> str:
    """`One choice was hidden: found at place 2, without books not at all.`"""
    said = f"One choice was hidden: {f'found at place {ours[0]}' if ours else 'not among ten'}"
    if theirs is None:
        return f"{said}."
    same = bool(ours) == bool(theirs)
    if not ours and same:
        return f"{said}, {without} neither."
    return f"{said}, {without} {f'at place {theirs[0]}' if theirs else 'not at all'}."


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


# Which users a report shows: extremes and middles, by rules that nobody can bend.


@dataclass(frozen=True)
class Chosen:
    """A user of the report: number, why this one, and the metric with and without."""

    user: int
    role: str
    ours: float
    theirs: float | None


def choose(evidence: Evidence) -> list[Chosen]:
    """Users by rules that nobody can bend: extremes and middles, ties by number."""
    assert evidence.split is not None
    train, ours = evidence.split.train, evidence.frame(evidence.run)
    if ours is None:
        return []
    moved = _moved(evidence)
    evaluated = ours[USER].to_numpy()
    orders = {
        kind: user_order(kind, train, evaluated, moved) for kind in (HELPED, TYPICAL, HARMED, COLD)
    }
    # The users from the one in the middle of the metric outwards
    users = orders[COLD][np.isin(orders[COLD], evaluated)]
    values = ours.set_index(USER)[evidence.metric].reindex(users).to_numpy(float)
    places = np.argsort(np.nan_to_num(values), kind="stable")
    cold = users[places][np.argsort(np.abs(np.arange(len(users)) - (len(users) - 1) / 2))]
    wanted = [
        ("the most helped person", orders[HELPED]),
        ("a typical person", orders[TYPICAL]),
        (f"somebody with nothing yet in {evidence.target}", cold),
        ("the most harmed person", orders[HARMED]),
    ]
    found: list[Chosen] = []
    for role, order in wanted:
        taken = {chosen.user for chosen in found}
        if (free := [user for user in order[:4] if user not in taken]) and len(found) < 3:
            found.append(_chosen(evidence, int(free[0]), role))
    return found


def _moved(evidence: Evidence) -> pd.DataFrame | None:
    """Differences by user, turned so that above 0 is help."""
    ours, other = evidence.frame(evidence.run), evidence.other
    theirs = None if other is None else evidence.frame(other)
    if ours is None or theirs is None or evidence.metric not in theirs:
        return None
    table = moved_users(ours, theirs, evidence.metric, {})
    sign = 1 if metric_card(evidence.metric).higher_is_better else -1
    return table.assign(difference=sign * table["difference"])


def _chosen(evidence: Evidence, user: int, role: str) -> Chosen:
    values = []
    for run in (evidence.run, evidence.other):
        frame = None if run is None else evidence.frame(run)
        row = None if frame is None else frame.loc[frame[USER] == user, evidence.metric]
        values.append(None if row is None or row.empty else float(row.iloc[0]))
    return Chosen(user, role, float("nan") if values[0] is None else values[0], values[1])


# Predicted ratings of one user beside the given ones.

MOST = 8  # ratings of one user


def rated_grid(evidence: Evidence, user: int, names: np.ndarray) -> Grid | None:
    """Title, given rating, predicted rating and the twin's; None for a run of rankings."""
    if not evidence.rates:
        return None
    bounds = None if evidence.split is None else Bounds.of(evidence.split.rated.train.target)
    ours = _of_user(evidence.run, user, bounds)
    if ours is None:
        return None
    theirs = None if evidence.other is None else _of_user(evidence.other, user, bounds)
    head = ["", "gave", "predicted"] + ([] if theirs is None else [evidence.without])
    rows = []
    for item in list(ours)[:MOST]:
        given, guess = ours[item]
        cells = [str(names[item]), number(given, 1), number(guess, 2)]
        cells += [] if theirs is None else [number(theirs.get(item, (0, float("nan")))[1], 2)]
        rows.append(tuple(cells))
    return Grid(tuple(head), tuple(rows))


def _of_user(run: Run, user: int, bounds: Bounds | None) -> dict[int, tuple[float, float]] | None:
    """Given and predicted rating by item number; None where none were kept."""
    try:
        table = run.predictions(TEST)
    except RunError:
        return None
    rows = table[table[USER] == user]
    guesses = rows[OWN].to_numpy() if bounds is None else bounds.clipped(rows[OWN].to_numpy())
    return {
        int(item): (float(given), float(guess))
        for item, given, guess in zip(rows[ITEM], rows[RATING], guesses, strict=True)
    }
