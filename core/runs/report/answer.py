"""The question and the answer: the verdict, and the same thing as people out of a hundred."""

from __future__ import annotations

import re

import pandas as pd

from core.basics.columns import HIGH, LOW, MEAN, RUN
from core.basics.formatting import count, number, signed, signed_interval
from core.charts.report import WORDS, draw_of_hundred
from core.charts.theme import FUSED_COLOUR, TARGET_COLOUR, TWIN_COLOUR
from core.metrics.intervals import Interval
from core.metrics.registry import metric_title
from core.runs.report.blocks import Block, Facts, Figure, Section, Words
from core.runs.report.evidence import HIT_RATE, Evidence, tone_of
from core.store.run_folder import Run

FIGURES = re.compile(r"\s\((?=[^()]*95 %)[^()]*\)")  # a parenthesis that holds an interval


def question(evidence: Evidence) -> str:
    """What is asked, as a stakeholder would ask it."""
    source, target = evidence.source, evidence.target
    if evidence.run.twin is None:
        thing = "predicting ratings" if evidence.rates else "recommending"
        return f"How good is this way of {thing} in {target}?"
    if evidence.rates:
        return f"Does knowing people's {source} help to predict their ratings in {target}?"
    return f"Does knowing people's {source} help to recommend {target}?"


def headline(verdict: str) -> str:
    """The verdict without its figures, for large type."""
    return FIGURES.sub("", verdict)


def summary(evidence: Evidence) -> tuple[Block, ...]:
    """The box at the top: three numbers that carry the verdict."""
    return (Facts(tuple(tiles(evidence))),)


def tiles(evidence: Evidence) -> list[tuple[str, str, str]]:
    """The difference with its interval, the users it stands on, and how many moved."""
    gap = evidence.difference(evidence.other, evidence.metric)
    title = metric_title(evidence.metric)
    if gap is None or not gap.users:
        level = evidence.level(evidence.run, evidence.metric)
        return [(number(level.mean), f"{title} of this run", "fused")]
    said = f"{title}, {_against(evidence)} (95 % {_between(gap, evidence)})"
    shown = evidence.tone if evidence.run.twin else tone_of(gap, evidence.metric)
    tone = {"good": "fused", "bad": "alarm"}.get(shown, "twin")
    return [
        (signed(gap.mean, _digits(evidence)), said, tone),
        *_hundred_tile(evidence),
        (f"{gap.users:,}", "test users, each with and without", "target"),
    ]


def answer_section(evidence: Evidence) -> Section:
    """The answer in figures that need no training to read."""
    blocks: list[Block] = [Words(evidence.verdict, "lead")]
    if evidence.rates:
        blocks.append(Words(_error_words(evidence)))
    elif (figure := hundred(evidence)) is not None:
        blocks += [Words(hundred_words(evidence)), figure]
    blocks.append(Words(_how_to_read(evidence), "quiet"))
    return Section("answer", "The answer", tuple(blocks))


def hundred(evidence: Evidence) -> Figure | None:
    """Users out of a hundred who find a hidden choice: the run, its twin and popularity."""
    rows, colours = [], []
    for name, run, colour in _lines(evidence):
        level = evidence.level(run, HIT_RATE)
        if level.users:
            mean, low, high = (100 * value for value in (level.mean, level.low, level.high))
            rows.append({RUN: name, MEAN: mean, LOW: low, HIGH: high, WORDS: f" {mean:.0f}"})
            colours.append(colour)
    if not rows:
        return None
    return Figure(
        draw_of_hundred(pd.DataFrame(rows), x="users out of 100", colours=colours),
        f"How many of 100 people find a hidden choice of theirs in {evidence.target} among ten "
        "recommendations? The thin line is the 95 % interval.",
    )


def hundred_words(evidence: Evidence) -> str:
    """The hit rate as people out of a hundred, with and without the source."""
    ours = evidence.level(evidence.run, HIT_RATE)
    said = (
        f"In plain terms: of 100 people, {100 * ours.mean:.0f} find at least one hidden choice of "
        f"theirs among their first ten recommendations"
    )
    gap = evidence.difference(evidence.other, HIT_RATE)
    if gap is None or evidence.other is None:
        return f"{said}."
    theirs = evidence.level(evidence.other, HIT_RATE)
    low, high = (signed(100 * value, 1) for value in (gap.low, gap.high))
    beyond = "" if gap.excludes_zero else ", which may be the sample"
    return (
        f"{said}; {_with(evidence)} it is {100 * theirs.mean:.0f}. The difference is "
        f"{signed(100 * gap.mean, 1)} in 100 (95 % {low} to {high}{beyond})."
    )


def _lines(evidence: Evidence) -> list[tuple[str, Run, str]]:
    run = evidence.run
    lines = [(f"with {evidence.source}" if run.twin else "this run", run, FUSED_COLOUR)]
    if run.twin:
        lines.append((f"without {evidence.source}", run.twin, TARGET_COLOUR))
    if run.floor:
        lines.append((evidence.floor_name, run.floor, TWIN_COLOUR))
    return lines


def _hundred_tile(evidence: Evidence) -> list[tuple[str, str, str]]:
    if evidence.rates or evidence.other is None:
        return []
    ours, theirs = (evidence.level(run, HIT_RATE) for run in (evidence.run, evidence.other))
    if not (ours.users and theirs.users):
        return []
    said = f"of 100 people find a hidden choice in ten; {_with(evidence)} {100 * theirs.mean:.0f}"
    return [(f"{100 * ours.mean:.0f}", said, "fused")]


def _against(evidence: Evidence) -> str:
    if evidence.run.twin:
        return f"with {evidence.source} minus without"
    return f"this run minus {evidence.floor_name}"


def _with(evidence: Evidence) -> str:
    return evidence.without if evidence.run.twin else f"by {evidence.floor_name}"


def _between(gap: Interval, evidence: Evidence) -> str:
    digits = _digits(evidence)
    return signed_interval(gap.low, gap.high, digits)


def _digits(evidence: Evidence) -> int:
    return 4 if evidence.rates else 3


def _error_words(evidence: Evidence) -> str:
    """How far predictions lie from what people gave, in points of their scale."""
    ours = evidence.level(evidence.run, "mae")
    said = f"In plain terms: a predicted rating lies {number(ours.mean, 2)} points off on average"
    if evidence.other is None:
        return f"{said}."
    theirs = evidence.level(evidence.other, "mae")
    return f"{said}; {_with(evidence)} it is {number(theirs.mean, 2)}. Smaller is better."


def _how_to_read(evidence: Evidence) -> str:
    users = count(evidence.level(evidence.run, evidence.metric).users, "test user")
    twin = (
        f"“Without {evidence.source}” is the same model trained the same way, only that it never "
        f"saw {evidence.source}: the two differ in nothing else. "
        if evidence.run.twin
        else ""
    )
    what = (
        "RMSE is how far predicted ratings lie from the given ones, large misses counting more; "
        "0 is perfect."
        if evidence.rates
        else "nDCG@10 says how many hidden choices stand in a person's first ten, and how high: 1 "
        "is a perfect list, 0 a list without any."
    )
    return (
        f"How to read this: {twin}{what} “95 %” is the range the figure would keep to if other "
        f"people like these {users} were asked; a difference whose range holds 0 may be chance."
    )
