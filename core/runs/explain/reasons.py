"""Whether reasons hold: taking history items away, counterfactuals, and reasons in texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from core.basics.columns import SOURCE, TARGET, TEST
from core.basics.errors import DataError, RunError
from core.basics.files import read_json, still_there, write_json
from core.basics.progress import Progress, Report
from core.basics.types import BoolArray, Contributions, FloatArray, IntArray
from core.basics.workspace import Workspace
from core.data.pair import DomainPair
from core.data.snapshot import Split, read_snapshot
from core.metrics.intervals import Interval, bootstrap_means
from core.models.kernel.arrays import unit
from core.models.protocol import CrossDomainModel
from core.models.text.features import TextSettings, centre_of, centred, texts_read
from core.models.text.fine_tuned import FineTunedSettings, compared_vectors
from core.models.text.vectors import ALONE
from core.models.text.words import WordCounts
from core.runs.explain.one_user import Reasons
from core.runs.explain.what_if import Histories, Question
from core.runs.making.texts import ItemTexts
from core.store.run_folder import RECORD, Run, read_run

BOTH = "both"
SCOPES = (SOURCE, BOTH)  # whose items are taken away
STEPS = (1, 2, 3, 5, 10)
DRAWS = 5  # random choices averaged over


@dataclass(frozen=True)
class Removal:
    """What becomes of one recommendation, (steps,) each; NaN where a step leaves no choice.

    Leads are scores above the mean of all items that may be listed, as shares of the lead with the
    whole history: `lost` without so many items, `kept` with them alone. Random columns are means
    over the draws, of places the median.
    """

    place: int  # with the whole history
    counts: IntArray  # how many items are taken away, or kept
    top_place: FloatArray
    random_place: FloatArray
    top_stays: FloatArray  # 1 while the place is in the list, else 0
    random_stays: FloatArray
    top_lost: FloatArray
    random_lost: FloatArray
    top_kept: FloatArray
    random_kept: FloatArray


def check_reasons(
    question: Question,
    item: int,
    amounts: FloatArray,
    scope: str,
    k: int,
    *,
    steps: Sequence[int] = STEPS,
    draws: int = DRAWS,
    seed: int = 0,
) -> Removal:
    """Deletion and sufficiency of the amounts behind an item, measured by asking the model again:
    Yao, Wang, Li: Counterfactually evaluating explanations in recommender systems, 2022 (arXiv
    2203.01310).

    amounts: (entries,) of the question's history items, source items first.
    """
    reach = question.histories.source.nnz if scope == SOURCE else question.entries
    possible = [count for count in steps if count < reach]
    orders = _orders(amounts[:reach], draws, seed)
    rows = _variants(orders, possible, question.entries)
    whole = np.ones((1, question.entries), dtype=bool)
    flat = rows.reshape(-1, question.entries)
    places, leads = question.asked(item, np.concatenate([whole, flat]))
    shape = (len(possible), 2, 1 + draws)
    share = leads[1:].reshape(shape) / leads[0] if leads[0] > 0 else np.full(shape, np.nan)
    return _removal(int(places[0]), places[1:].reshape(shape), share, steps, k)


def amounts_in_order(histories: Histories, said: Contributions | Reasons) -> FloatArray:
    """(entries,) what each item of the histories adds, source items first, as they stand there."""
    amounts = []
    for row, items, values in (
        (histories.source, said.source_items, said.source_amounts),
        (histories.target, said.target_items, said.target_amounts),
    ):
        by_item = np.zeros(row.shape[1])
        by_item[items] = values
        amounts.append(by_item[row.indices])
    return np.concatenate(amounts)


def _orders(amounts: FloatArray, draws: int, seed: int) -> IntArray:
    """(1 + draws, n): the entries by falling amount, then in random orders."""
    rng = np.random.default_rng(seed)
    random = [rng.permutation(len(amounts)) for _ in range(draws)]
    return np.stack([np.argsort(-amounts, kind="stable"), *random])


def _variants(orders: IntArray, counts: Sequence[int], entries: int) -> BoolArray:
    """(counts, 2, orders, entries): without the first so many of each order, and with them alone.

    Entries beyond the orders, of the other domain, always stay.
    """
    kept = np.ones((len(counts), 2, len(orders), entries), dtype=bool)
    for step, count in enumerate(counts):
        for row, order in enumerate(orders):
            kept[step, 0, row, order[:count]] = False
            kept[step, 1, row, order[count:]] = False
    return kept


def _removal(
    place: int, places: IntArray, share: FloatArray, steps: Sequence[int], k: int
) -> Removal:
    """places, share: (possible steps, 2, 1 + draws); steps beyond them become NaN."""
    stays = (places[:, 0] <= k).astype(np.float64)

    def column(values: FloatArray) -> FloatArray:
        return np.concatenate([values, np.full(len(steps) - len(values), np.nan)])

    return Removal(
        place=place,
        counts=np.array(steps),
        top_place=column(places[:, 0, 0].astype(np.float64)),
        random_place=column(np.median(places[:, 0, 1:], axis=1)),
        top_stays=column(stays[:, 0]),
        random_stays=column(stays[:, 1:].mean(axis=1)),
        top_lost=column(1 - share[:, 0, 0]),
        random_lost=column(1 - share[:, 0, 1:].mean(axis=1)),
        top_kept=column(share[:, 1, 0]),
        random_kept=column(share[:, 1, 1:].mean(axis=1)),
    )


# The fewest source items whose removal drops a recommendation out of the list, found by asking.

TRIED = 40  # source items tried at every step, those with the largest amounts
MOST = 25  # items a set may have
FEW = 5  # where even the whole source does not drop the item; fewer may, as rivals gain by them


@dataclass(frozen=True)
class Counterfactual:
    """What it takes to drop one recommendation out of the top k.

    entries: places of the items in the source history, None where no set was found. place_without:
    its place without them. place_without_all: its place without any source item at all.
    """

    k: int
    entries: IntArray | None
    place: int
    place_without: int | None
    place_without_all: int | None  # None where there is no source history


def smallest_set(question: Question, item: int, amounts: FloatArray, k: int) -> Counterfactual:
    """A set of source items without which the item's place is beyond k, none of them to spare.

    Greedy: at each step the item goes whose absence brings the score nearest to that of the k-th
    best other item (PRINCE: Ghazimatin et al., WSDM 2020; ACCENT: Tran et al., SIGIR 2021),
    asked of the model, not estimated; then every item that need not be gone is put back. The set
    is small, and no smaller part of it does; another one could be smaller still.
    """
    n_source = question.histories.source.nnz
    whole = np.ones(question.entries, dtype=bool)
    without_all = whole.copy()
    without_all[:n_source] = False
    place, beyond = _places(question, item, np.stack([whole, without_all]))
    if n_source == 0 or place > k:
        return Counterfactual(k, None, place, None, beyond if n_source else None)
    strongest = np.argsort(-amounts[:n_source], kind="stable")
    kept = _greedy(question, item, strongest, k, MOST if beyond > k else FEW)
    if kept is None:
        return Counterfactual(k, None, place, None, beyond)
    # The same without items that need not be gone, so that none of the set is to spare
    for entry in np.flatnonzero(~kept):
        back = kept.copy()
        back[entry] = True
        if _places(question, item, back[None, :])[0] > k:
            kept = back
    last = _places(question, item, kept[None, :])[0]
    return Counterfactual(k, np.flatnonzero(~kept), place, last, beyond)


def _greedy(
    question: Question, item: int, strongest: IntArray, k: int, most: int
) -> BoolArray | None:
    """Which entries are left when the item has dropped out, None where `most` are not enough."""
    kept = np.ones(question.entries, dtype=bool)
    for _ in range(min(most, len(strongest))):
        candidates = strongest[kept[strongest]][:TRIED]
        rows = np.repeat(kept[None, :], len(candidates), axis=0)
        rows[np.arange(len(candidates)), candidates] = False
        kept = rows[int(np.argmin(question.gap(item, rows, k)))]
        if _places(question, item, kept[None, :])[0] > k:
            return kept
    return None


def _places(question: Question, item: int, kept: BoolArray) -> list[int]:
    return [int(place) for place in question.asked(item, kept)[0]]


# How far a run's reasons can be believed: the deletion check over many users, kept with it.

KEPT = "faithfulness.json"
DEFINITION = 1  # of the figures; those kept by another one are not read
USERS, K, SEED, TRACE_STEPS = 100, 10, 0, (1, 2, 3, 5)
CURVES = (
    "top_lost",
    "random_lost",
    "top_kept",
    "random_kept",
    "top_stays",
    "random_stays",
)


@dataclass(frozen=True)
class Scope:
    """Figures of one scope, whose items are taken away: those of the source, or of both domains.

    deletion: share of an item's lead lost without its strongest history items less the share lost
    without random ones, averaged over the steps; sufficiency: the same for the share kept with
    them alone, strongest less random. curves: by name of CURVES one interval per step.
    """

    users: int
    skipped: int  # with too short a history to choose from
    deletion: Interval
    sufficiency: Interval
    curves: dict[str, list[Interval]]


@dataclass(frozen=True)
class Faithfulness:
    """The check of one recommendation of each of some users, drawn from their first k."""

    k: int
    seed: int
    steps: tuple[int, ...]
    scopes: dict[str, Scope]


def faithfulness_payload(run_id: str) -> dict[str, Any]:
    """What a job of kind "faithfulness" is given; equal payloads are one job."""
    return {"run_id": run_id}


def faithfulness_job(workspace: Workspace, payload: dict[str, Any], report: Report) -> dict:
    """Check a run's reasons and keep the figures in its folder, and return how many users."""
    run = read_run(workspace.runs / payload["run_id"])
    split, record = read_snapshot(workspace.splits / run.record.split_hash), run.folder / RECORD
    with still_there(record):
        found = check_run(run, split, report)
        write_json(run.folder / KEPT, {"definition": DEFINITION} | _plain(found), record)
    return {"users": max(scope.users for scope in found.scopes.values())}


def kept_faithfulness(run: Run) -> Faithfulness | None:
    """The figures of a run that was checked, None where it was not."""
    try:
        kept = read_json(run.folder / KEPT)
        if kept["definition"] != DEFINITION:
            return None
        scopes = {name: _scope(values) for name, values in kept["scopes"].items()}
        return Faithfulness(kept["k"], kept["seed"], tuple(kept["steps"]), scopes)
    except (DataError, KeyError, TypeError, AttributeError):
        return None  # not there, or damaged: it can be checked again


def check_run(run: Run, split: Split, report: Report, n_users: int = USERS) -> Faithfulness:
    """The deletion check of one recommendation of each of `n_users` test users, by own score.

    Raises RunError for a run whose model cannot be asked about other histories.
    """
    if not run.has_model or run.card.fold_in == "none":
        raise RunError(
            what=f"{run.label} cannot be asked about other histories.",
            hint="Choose a run whose model was trained here.",
        )
    rng = np.random.default_rng(SEED)
    tested = split.users(TEST)
    users = np.sort(rng.choice(tested, min(n_users, len(tested)), replace=False))
    model, found = run.model(split), []
    for done, user in enumerate(users.tolist()):
        report(Progress(done, len(users), "checking reasons"))
        question = Question.of(run, model, split, TEST, user)
        found.append(_check_one(question, int(rng.integers(0, K))))
    scopes = {name: _summarised([one[name] for one in found]) for name in SCOPES}
    return Faithfulness(K, SEED, TRACE_STEPS, scopes)


def _check_one(question: Question, place: int) -> dict[str, Removal]:
    """The check of the item at a place of the user's list, by scope."""
    items = question.listed(K)
    item, rows = int(items[min(place, len(items) - 1)]), question.histories
    said = question.model.explain(rows.source, rows.target, item)
    amounts = amounts_in_order(rows, said)
    return {
        scope: check_reasons(question, item, amounts, scope, K, steps=TRACE_STEPS)
        for scope in SCOPES
    }


def _summarised(found: list[Removal]) -> Scope:
    curves = {name: np.stack([getattr(one, name) for one in found]) for name in CURVES}
    asked = ~np.isnan(curves["top_lost"]).all(axis=1)
    deletion = _mean_of_steps(curves["top_lost"] - curves["random_lost"])
    sufficiency = _mean_of_steps(curves["top_kept"] - curves["random_kept"])
    both = bootstrap_means(np.column_stack([deletion, sufficiency]), SEED)
    return Scope(
        users=int(asked.sum()),
        skipped=int((~asked).sum()),
        deletion=both[0],
        sufficiency=both[1],
        curves={name: bootstrap_means(values, SEED) for name, values in curves.items()},
    )


def _mean_of_steps(values: FloatArray) -> FloatArray:
    """(users, steps) → (users,), over the steps a history is long enough for; NaN without any."""
    there = ~np.isnan(values)
    total = np.where(there, values, 0.0).sum(axis=1)
    return np.where(there.any(axis=1), total / np.maximum(there.sum(axis=1), 1), np.nan)


def _plain(found: Faithfulness) -> dict[str, Any]:
    """As JSON takes it: no answer is None there."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: plain(inner) for name, inner in value.items()}
        if isinstance(value, list | tuple):
            return [plain(inner) for inner in value]
        return None if isinstance(value, float) and not np.isfinite(value) else value

    return dict(plain(asdict(found)))


def _scope(kept: dict[str, Any]) -> Scope:
    return Scope(
        users=kept["users"],
        skipped=kept["skipped"],
        deletion=_interval(kept["deletion"]),
        sufficiency=_interval(kept["sufficiency"]),
        curves={name: [_interval(one) for one in steps] for name, steps in kept["curves"].items()},
    )


def _interval(kept: dict[str, Any]) -> Interval:
    values: dict[str, Any] = {name: np.nan if kept[name] is None else kept[name] for name in kept}
    return Interval(**values)


# What the text of a recommended item and those of a history's items have in common.


@dataclass(frozen=True)
class ReadTexts:
    """The texts a model has read, and where known their vectors from each domain's own centre."""

    source: Sequence[str]
    target: Sequence[str]
    counts: WordCounts
    vectors: tuple[FloatArray, FloatArray] | None  # (n_source, d) and (n_target, d)

    @classmethod
    def of(cls, train: DomainPair, model: CrossDomainModel, kept: ItemTexts | None) -> ReadTexts:
        """What a model that reads text has read; kept: vectors that were encoded, if any."""
        settings = reads_of(model)
        source, target = (
            texts_read(features, settings)
            for features in (train.source_features, train.target_features)
        )
        return cls(source, target, WordCounts.of(source, target), _vectors(model, kept))


@dataclass(frozen=True)
class SharedText:
    """One history item beside the recommended one."""

    domain: str
    item: int
    amount: float  # what it adds to the score
    words: Sequence[str]  # in both texts, the rarest first
    cosine: float | None  # of both texts, each from its domain's centre, as the model reads them


def reads_text(model: CrossDomainModel) -> bool:
    """Whether the model reads what is written about items."""
    return isinstance(getattr(model, "settings", None), TextSettings | FineTunedSettings)


def reads_of(model: CrossDomainModel) -> TextSettings:
    """Which encoder reads what, of a model that reads text; the default one where it learned."""
    settings = model.settings
    if isinstance(settings, FineTunedSettings):
        return TextSettings(reads=settings.reads)
    assert isinstance(settings, TextSettings), "ask reads_text first"
    return settings


def reads_words(model: CrossDomainModel) -> bool:
    """Whether it reads texts and not uploaded vectors alone, so that words can be told of it."""
    return reads_text(model) and reads_of(model).vectors != ALONE


def shared_texts(read: ReadTexts, why: Reasons, most: int) -> list[SharedText]:
    """What the strongest history items share with the item, the strongest first."""
    rows = [
        (domain, int(item), float(amount))
        for domain, items, amounts in (
            (SOURCE, why.source_items, why.source_amounts),
            (TARGET, why.target_items, why.target_amounts),
        )
        for item, amount in zip(items, amounts, strict=True)
        if amount > 0
    ]
    rows.sort(key=lambda row: -row[2])
    return [_shared(read, why.item, *row) for row in rows[:most]]


def _shared(read: ReadTexts, wanted: int, domain: str, item: int, amount: float) -> SharedText:
    text = (read.source if domain == SOURCE else read.target)[item]
    words = read.counts.shared(text, read.target[wanted])
    if read.vectors is None:
        return SharedText(domain, item, amount, words, None)
    vectors = read.vectors[domain == TARGET]
    return SharedText(domain, item, amount, words, float(vectors[item] @ read.vectors[1][wanted]))


def _vectors(
    model: CrossDomainModel, kept: ItemTexts | None
) -> tuple[FloatArray, FloatArray] | None:
    """The model's own where it keeps them, else those that were encoded."""
    if isinstance(model.settings, FineTunedSettings):
        ours, theirs = compared_vectors(model.state())
        return unit(ours), unit(theirs)  # a pruned run's are shorter
    own = getattr(model, "source", None), getattr(model, "target", None)
    if isinstance(own[0], np.ndarray) and isinstance(own[1], np.ndarray):
        return own[0], own[1]
    if kept is None:
        return None
    source, target = (centred(part, centre_of(part)) for part in (kept.source, kept.target))
    return source, target
