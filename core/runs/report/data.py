"""The chapter on the data: both domains, who is in both, what was filtered and what was hidden."""

from __future__ import annotations

from typing import Any

import numpy as np

from core.basics.columns import SOURCE, TARGET, TEST
from core.basics.formatting import count, number
from core.charts.data import draw_overlap, draw_split_strip
from core.data.checks.check import IMPORT
from core.data.pair_folder import PairSettings
from core.data.snapshot import NEW_ITEMS, Split, SplitInfo, rating_facts
from core.runs.report.blocks import Block, Figure, Grid, Points, Section, Words
from core.runs.report.evidence import Evidence

GONE = (
    "The data of this run are no longer in the workspace, so the report cannot describe them. "
    "Its figures were kept with the run."
)


def data_section(evidence: Evidence) -> Section:
    """Sizes, overlap, filters and the split; one sentence where the data are gone."""
    blocks: list[Block] = []
    if evidence.split is None:
        blocks.append(Words(GONE, "missing"))
    else:
        names = (evidence.source, evidence.target)
        overlap = Figure(
            draw_overlap(*sizes(evidence), names=names),
            "How many people do the two domains share? Both bars are drawn to scale; the green "
            "frame holds the people who are in both.",
        )
        source, target, shared = sizes(evidence)
        who = (
            f"Two sets of records from the same people: what they chose in {evidence.source} and "
            f"what they chose in {evidence.target}. {count(source, 'user')} appear in "
            f"{evidence.source}, {count(target, 'user')} in {evidence.target}, and {shared:,} in "
            "both. Only those in both can carry taste from one domain to the other."
        )
        blocks += [Words(who), overlap, _sizes(evidence)]
        if filters := _filters(evidence):
            blocks += [Words("What was left out, and why:"), Points(tuple(filters))]
        assert evidence.split is not None
        counts = evidence.split.info.counts
        rows = tuple(counts[part] for part in ("source_train", *(f"target_{p}" for p in _PARTS)))
        strip = Figure(
            draw_split_strip(rows, names=(evidence.source, evidence.target)),  # type: ignore[arg-type]
            "What did the model learn from, and what was hidden from it? Validation chose its "
            "settings, test is what this report tells.",
        )
        blocks += [Words(_hidden(evidence)), strip]
    return Section("data", "The data", tuple(blocks))


def sizes(evidence: Evidence) -> tuple[int, int, int]:
    """Users of the source, users of the target, and users of both, held-out choices included."""
    assert evidence.split is not None
    split = evidence.split
    in_source = split.train.source_history > 0
    in_target = (split.train.target_history > 0) | (_held_out(evidence) > 0)
    return int(in_source.sum()), int(in_target.sum()), int((in_source & in_target).sum())


def _held_out(evidence: Evidence) -> np.ndarray:
    split = evidence.split
    assert split is not None
    return np.diff(split.valid.indptr) + np.diff(split.test.indptr)


def _sizes(evidence: Evidence) -> Grid:
    assert evidence.split is not None
    counts = evidence.split.info.counts
    source, target, _ = sizes(evidence)
    used = {
        SOURCE: counts["source_train"],
        TARGET: sum(counts[f"target_{part}"] for part in ("train", "valid", "test")),
    }
    rows: list[tuple[str, ...]] = [
        (evidence.source, f"{source:,}", f"{counts['source_items']:,}", f"{used[SOURCE]:,}"),
        (evidence.target, f"{target:,}", f"{counts['target_items']:,}", f"{used[TARGET]:,}"),
    ]
    head: tuple[str, ...] = ("", "users", "items", "choices used")
    if evidence.pair is not None:
        before = evidence.pair.before
        head += ("rows before filters",)
        rows = [
            (*row, f"{part.rows:,}")
            for row, part in zip(rows, (before.source, before.target), strict=True)
        ]
    return Grid(head, tuple(rows))


def _filters(evidence: Evidence) -> list[str]:
    """One sentence per filter that was set, and what the import refused."""
    assert evidence.split is not None
    said = []
    if evidence.pair is not None:
        said += filter_sentences(evidence.pair.settings, evidence.source, evidence.target)
    taken = next((check for check in evidence.checks or [] if check.key == IMPORT), None)
    if taken is not None and taken.figures:
        figures = taken.figures
        said.append(
            f"Of {figures['rows']:,} rows in the files {figures['rejected']:,} could not be read "
            f"and {figures['merged']:,} repeated a user and item and were merged."
        )
    facts = rating_facts(evidence.split.folder)
    for name, bounds in ((evidence.source, facts.source), (evidence.target, facts.target)):
        if bounds is not None:
            said.append(f"Ratings that are left in {name} run from {bounds[0]:g} to {bounds[1]:g}.")
    return said


def filter_sentences(settings: dict[str, Any], source: str, target: str) -> list[str]:
    """The pair's settings that differ from doing nothing, in words."""
    known = PairSettings.of({k: v for k, v in settings.items() if k in _KNOWN})
    said = []
    told = [known.source_liked_from, known.target_liked_from]
    if known.rating_threshold and not all(told):
        said.append(
            f"Only ratings of at least {known.rating_threshold:g} of 5 stars count as a choice, "
            "on each file's own scale."
        )
    names = (target, source) if known.swap else (source, target)
    said += [
        f"In {name} a rating counts as a choice from {value} on."
        for name, value in zip(names, told, strict=True)
        if value
    ]
    for name, core in ((source, known.source_core), (target, known.target_core)):
        if core:
            said.append(f"Every user and every item kept in {name} has at least {core:,} choices.")
    for name, fewest in ((source, known.source_item_fewest), (target, known.target_item_fewest)):
        if fewest:
            said.append(f"Items with fewer than {fewest:,} choices in {name} were left out.")
    for name, fewest, most in (
        (source, known.source_fewest, known.source_most),
        (target, known.target_fewest, known.target_most),
    ):
        if fewest:
            said.append(f"Users with fewer than {fewest:,} choices in {name} were left out.")
        if most:
            said.append(f"Users with more than {most:,} choices in {name} were left out.")
    if known.first_day or known.last_day:
        said.append(f"Only rows {_days(known.first_day, known.last_day)} were used.")
    if known.drop_cross_listed:
        said.append("Source items that the target lists too, under other ids, were dropped.")
    return said


def _days(first: str, last: str) -> str:
    if first and last:
        return f"from {first} to {last}"
    return f"since {first}" if first else f"up to {last}"


def _hidden(evidence: Evidence) -> str:
    assert evidence.split is not None
    info, counts = evidence.split.info, evidence.split.info.counts
    users = len(evidence.split.users("test"))
    share = counts["target_test"] / max(1, sum(counts[f"target_{p}"] for p in _PARTS))
    judged = (
        "it is judged by how near its ratings come to those that people gave"
        if evidence.rates
        else f"it is judged by whether it finds them among {_among(evidence.split)}"
    )
    return (
        f"{split_words(info, evidence.target)} Before training, {counts['target_test']:,} choices "
        f"in {evidence.target} ({number(100 * share, 0)} %) of {count(users, 'user')} were hidden "
        f"for the test. The model never saw them; {judged}."
    )


def _among(split: Split) -> str:
    n_items = split.masked(TEST).n_rankable
    return f"all {n_items:,} new items" if split.new_items else f"all {n_items:,} items"


_PARTS = ("train", "valid", "test")
_KNOWN = {info.name for info in PairSettings.infos()}


def split_words(info: SplitInfo, target: str) -> str:
    """How choices were hidden, in a sentence for somebody who never made a split."""
    if "cold" in info.kind:
        return (
            f"The test plays the first visit: the tested people lost all their history in {target},"
            " so only the other domain can tell what they like."
        )
    sentences = {
        "random": "The test hides some choices of each person, picked by chance.",
        "leave-k-out": "The test hides a fixed number of choices of each person.",
        NEW_ITEMS: f"The test plays the day things arrive: some items of {target} were hidden from "
        "training altogether, and they alone are ranked.",
        "leave-latest-k": "The test hides what each person chose last, by their own time.",
        "temporal": "The test hides what each person chose last, so the model predicts the future.",
    }
    return sentences.get(info.kind, "The hidden choices were given with the files.")
