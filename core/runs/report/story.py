"""From a run to the file that is sent round: gather, tell, write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from core.basics.errors import SettingsError
from core.basics.files import write_whole
from core.basics.workspace import Workspace
from core.runs.report import answer, data, limits
from core.runs.report.answer import answer_section, question, summary, whom_section
from core.runs.report.blocks import (
    Block,
    Facts,
    Figure,
    Lights,
    Person,
    Points,
    Section,
    Slide,
    Story,
    Words,
)
from core.runs.report.data import data_section
from core.runs.report.evidence import Evidence, gather
from core.runs.report.limits import limits_section, reproduce_section
from core.runs.report.people import people_section
from core.runs.report.weights import rivals_section, weights_section
from core.store.run_folder import Run

SECTIONS = {
    "question": "The question",
    "data": "The data",
    "answer": "The answer",
    "whom": "Who gains, who loses",
    "weights": "How much each domain should count",
    "runs": "All runs side by side",
    "people": "Three real people",
    "limits": "Limits and trust",
    "reproduce": "How to reproduce it",
}
LONGEST_TITLE, LONGEST_NOTE = 160, 4_000  # characters


@dataclass(frozen=True)
class ReportOptions:
    """What a person chose: title and note in their words, which sections, ids or letters."""

    title: str = ""  # "" asks for the one made from the run
    note: str = ""
    sections: tuple[str, ...] = tuple(SECTIONS)
    hide_users: bool = False

    def __post_init__(self) -> None:
        if unknown := sorted(set(self.sections) - set(SECTIONS)):
            raise SettingsError(
                what=f"A report has no section {', '.join(unknown)}.",
                hint=f"Choose from {', '.join(SECTIONS)}.",
            )


def sections_without(left_out: Sequence[str]) -> tuple[str, ...]:
    """Every section but these; raises SettingsError for one that there is not."""
    ReportOptions(sections=tuple(left_out))
    return tuple(key for key in SECTIONS if key not in left_out)


def tell_story(workspace: Workspace, run: Run) -> Story:
    """Everything a report of the run can say; whatever is gone is said to be gone."""
    evidence = gather(workspace, run)
    sections = (
        _question_section(evidence),
        data_section(evidence),
        answer_section(evidence),
        whom_section(evidence),
        weights_section(evidence),
        rivals_section(evidence),
        people_section(evidence),
        limits_section(evidence),
        reproduce_section(evidence),
    )
    trained = datetime.fromtimestamp(evidence.record.created, UTC)
    subtitle = f"{evidence.run.label} · trained {trained:%d %B %Y} · {evidence.run.card.title}"
    return Story(
        run=run.id,
        source=evidence.source,
        target=evidence.target,
        subtitle=subtitle,
        verdict=evidence.verdict,
        short=tuple(answer.in_short(evidence)),
        tone=answer.tone_in_short(evidence),
        summary=summary(evidence),
        sections=sections,
        slides=slides_of(evidence, sections),
    )


def default_title(source: str, target: str) -> str:
    """What a report is called until somebody types a title."""
    return f"From {source} to {target}: what it adds"


def write_report(path: Path, text: str) -> Path:
    """Write the report, whole or not at all; letters that are none become question marks."""
    return write_whole(path, lambda part: part.write_bytes(text.encode("utf-8", "replace")))


def _question_section(evidence: Evidence) -> Section:
    source, target = evidence.source, evidence.target
    model, thing = evidence.run.card, "ranks everything" if not evidence.rates else "rates items"
    said = (
        f"The model here, {model.title}, reads what a person chose in {source} and in {target} "
        f"and {thing} in {target} for them. To see what {source} "
        "is good for, the same model was trained a second time without it; the difference between "
        "the two is the answer."
    )
    if evidence.other is None:
        said = f"The run here is {evidence.floor_name} itself, the least any model must beat."
    elif evidence.run.twin is None:
        said = (
            f"The run here, {model.title}, has no second one that differs only in not knowing "
            f"{source}. So it is compared with {evidence.floor_name}, the least any model must "
            "beat."
        )
    lead = Words(question(evidence), "lead")
    return Section(
        "question",
        "The question",
        (lead, Words(said), Words(f"How it works: {model.line}", "quiet")),
    )


# Six steps for a wall: question, data, answer, for whom, three people, limits and what next.

SHOWN = 4  # limits on the last step
LIGHTS = 4


def slides_of(evidence: Evidence, sections: Sequence[Section]) -> tuple[Slide, ...]:
    """The six steps, always six: what is missing is said in words.

    sections: those of the report, whose figures and people are shown again.
    """
    chapters = {section.key: section for section in sections}
    chapter = chapters["whom"]
    said = next(block.text for block in chapter.blocks if isinstance(block, Words))
    whom = Slide("For whom", said, _figure(chapter))
    return (
        _question(evidence),
        _data(evidence, chapters["data"]),
        _answer(evidence, chapters["answer"]),
        whom,
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
    figure = answer.groups_figure(evidence)
    shown = _figure(chapter) if figure is None else (figure,)
    blocks = (Facts(tuple(answer.tiles(evidence))), *shown)
    return Slide("The answer", answer.in_short(evidence)[0], blocks)


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
    if evidence.record.cancelled:
        doubts.insert(0, "The training was cancelled.")
    blocks = (
        *left,
        Points(tuple(doubts[:SHOWN]), "What the figures cannot show"),
        Points(tuple(steps[1:]), "And then"),
    )
    return Slide("Limits and what next", steps[0], blocks, wide=True)
