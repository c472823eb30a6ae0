"""From a run to the file that is sent round: gather, tell, write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from core.basics.errors import SettingsError
from core.basics.files import write_whole
from core.basics.workspace import Workspace
from core.runs.report.answer import answer_section, question, summary
from core.runs.report.blocks import Section, Story, Words
from core.runs.report.data import data_section
from core.runs.report.evidence import Evidence, gather
from core.runs.report.limits import limits_section
from core.runs.report.people import people_section
from core.runs.report.reproduce import reproduce_section
from core.runs.report.rivals import rivals_section
from core.runs.report.slides import slides_of
from core.runs.report.weights import weights_section
from core.runs.report.whom import whom_section
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
    return Story(
        run=run.id,
        source=evidence.source,
        target=evidence.target,
        subtitle=_subtitle(evidence),
        verdict=evidence.verdict,
        tone=evidence.tone,
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


def _subtitle(evidence: Evidence) -> str:
    trained = datetime.fromtimestamp(evidence.record["created"], UTC)
    return f"{evidence.run.label} · trained {trained:%d %B %Y} · {evidence.run.card.title}"


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
