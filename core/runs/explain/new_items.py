"""Lists that also hold items of the item table nobody took yet: a run's model, made wider."""

from __future__ import annotations

from dataclasses import dataclass, replace

from scipy.sparse import csr_matrix

from core.basics.errors import RunError
from core.basics.formatting import count
from core.basics.types import BoolArray, IdMap, IntArray
from core.data.pair import MOST_UNTAKEN, ItemFeatures, has_untaken, read_untaken
from core.data.snapshot import Split
from core.models.made.recorded import build_recorded
from core.models.protocol import CrossDomainModel
from core.models.text.features import ReadsUntaken
from core.store.run_folder import Run


@dataclass(frozen=True)
class Wider:
    """A run's model and split with items nobody took numbered behind the known ones.

    Known items keep their numbers and their scores; only lists are to be asked of it, no metric.
    """

    model: CrossDomainModel
    split: Split
    known: int  # target items of the split itself

    def is_new(self, items: IntArray) -> BoolArray:
        """Which of the items nobody took."""
        return items >= self.known

    def words(self) -> str:
        """`12 items of the item table that nobody took yet may be listed, marked as new.`"""
        n_new = len(self.split.train.target_items) - self.known
        limit = f", the first {MOST_UNTAKEN:,} of them by id" if n_new == MOST_UNTAKEN else ""
        items = count(n_new, "item")
        return (
            f"{items} of the item table that nobody took yet may be listed, marked as new{limit}."
        )


def why_no_new_items(run: Run, split: Split) -> str:
    """Why the run cannot list items nobody took; "" where it can. Nothing large is read."""
    if split.new_items is not None:
        return "on a split of new items the lists hold new items already"
    if not has_untaken(split.folder):
        return "the target's item table has no items that nobody took, or the split is an older one"
    if not run.has_model:
        return "it is lists alone, without a model to ask"
    if _reader_of(build_recorded(run.record.untrained)) is None:
        if run.card.new_items:
            return "its model knows new items only while it is trained"
        return "its model knows items by their interactions alone"
    return ""


def with_new_items(run: Run, split: Split) -> Wider:
    """The run's model and the split with the items nobody took; raises RunError where it cannot be.

    Texts that no model read before are encoded first, about 800 a second, and kept.
    """
    if why := why_no_new_items(run, split):
        raise RunError(
            what=f"{run.label} lists no new items: {why}.",
            hint="Leave new items out, or train a model that reads texts on a pair whose item "
            "table has more items than the interactions.",
        )
    found, trained = read_untaken(split.folder), run.model(split)
    reader = _reader_of(trained)
    assert found is not None, "why_no_new_items has looked"
    assert reader is not None
    wider = _wider_split(split, *found)
    model = build_recorded(run.record.untrained)
    model.restore(run.train_of(wider), reader.widened(trained.state(), run.train_of(wider)))
    return Wider(model, wider, len(split.train.target_items))


def _reader_of(model: CrossDomainModel) -> ReadsUntaken | None:
    """What of the model places items nobody took: itself, its network, or nothing."""
    for part in (model, getattr(model, "network", None)):
        if isinstance(part, ReadsUntaken):
            return part
    return None


def _wider_split(split: Split, items: IdMap, features: ItemFeatures) -> Split:
    """The split with further target items that are in no row of it."""
    train = split.train.with_untaken(items, features)

    def padded(rows: csr_matrix) -> csr_matrix:
        return csr_matrix((rows.data, rows.indices, rows.indptr), shape=train.target.shape)

    disliked = {part: padded(rows) for part, rows in split.disliked.items()}
    parts = {"valid": padded(split.valid), "test": padded(split.test)}
    return replace(split, train=train, disliked=disliked, **parts)
