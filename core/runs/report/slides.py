"""Six steps for a wall: question, data, answer, for whom, three people, limits and what next."""

from __future__ import annotations

from collections.abc import Sequence

from core.runs.report import answer, data, limits
from core.runs.report.blocks import (
    Block,
    Facts,
    Figure,
    Lights,
    Person,
    Points,
    Section,
    Slide,
    Words,
)
from core.runs.report.evidence import Evidence

SHOWN = 4  # limits on the last step
LIGHTS = 4


def slides_of(evidence: Evidence, sections: Sequence[Section]) -> tuple[Slide, ...]:
    """The six steps, always six: what is missing is said in words.

    sections: those of the report, whose figures and people are shown again.
    """
    chapters = {section.key: section for section in sections}
    return (
        _question(evidence),
        _data(evidence, chapters["data"]),
        _answer(evidence, chapters["answer"]),
        _whom(evidence, chapters["whom"]),
        _people(evidence, chapters["people"]),
        _next(evidence),
    )


def _figure(chapter: Section) -> tuple[Block, ...]:
    """The first picture of a chapter, where it has one."""
    return tuple(block for block in chapter.blocks if isinstance(block, Figure))[:1]


def _question(evidence: Evidence) -> Slide:
    users = evidence.level(evidence.run, evidence.metric).users
    said = f"{evidence.run.label}, tested on {users:,} people who were left in the dark about it."
    if evidence.run.twin:
        said = (
            f"One model, trained twice: once with {evidence.source}, once without. Tested on the "
            f"same {users:,} people, on choices neither of the two had seen."
        )
    return Slide("The question", answer.question(evidence), (Words(said, "lead"),))


def _data(evidence: Evidence, chapter: Section) -> Slide:
    if evidence.split is None:
        return Slide("The data", "The data are gone, the figures are not.", (Words(data.GONE),))
    source, target, shared = data.sizes(evidence)
    tiles = (
        (f"{source:,}", f"people in {evidence.source}", "source"),
        (f"{shared:,}", "people in both", "fused"),
        (f"{target:,}", f"people in {evidence.target}", "target"),
    )
    sentence = f"{shared:,} people are in both {evidence.source} and {evidence.target}."
    return Slide("The data", sentence, (Facts(tiles), *_figure(chapter)))


def _answer(evidence: Evidence, chapter: Section) -> Slide:
    blocks = (Facts(tuple(answer.tiles(evidence))), *_figure(chapter))
    return Slide("The answer", answer.headline(evidence.verdict), blocks)


def _whom(evidence: Evidence, chapter: Section) -> Slide:
    said = next(block.text for block in chapter.blocks if isinstance(block, Words))
    return Slide("For whom", said, _figure(chapter))


def _people(evidence: Evidence, people: Section) -> Slide:
    found = tuple(block for block in people.blocks if isinstance(block, Person))
    if not found:
        return Slide("Three people", "No person can be shown.", people.blocks)
    sentence = f"Three people, chosen by rule: what they get in {evidence.target}, and why"
    if evidence.rates:
        sentence = f"Three people, chosen by rule: what they gave in {evidence.target}"
    return Slide("Three people", sentence, found, wide=True)


def _next(evidence: Evidence) -> Slide:
    steps = limits.next_steps(evidence)
    users = evidence.level(evidence.run, evidence.metric).users
    checks = [check for check in evidence.checks or [] if check.light != "grey"][:LIGHTS]
    lights = tuple((check.light, check.question, "") for check in checks)
    left: list[Block] = [Lights(lights, "The data were asked")] if lights else []
    doubts = [
        limits.seed_doubt(evidence),
        "Measured on what people chose without these lists; no A/B test has seen it.",
        f"{users:,} people tested: small groups can hide what the mean does not show.",
    ]
    if evidence.run.twin is None:
        doubts.insert(0, f"No twin: what {evidence.source} adds is not told apart.")
    if evidence.record["cancelled"]:
        doubts.insert(0, "The training was cancelled.")
    blocks = (
        *left,
        Points(tuple(doubts[:SHOWN]), "What the figures cannot show"),
        Points(tuple(steps[1:]), "And then"),
    )
    return Slide("Limits and what next", steps[0], blocks, wide=True)
