"""What a report is made of: plain texts, figures and numbers, before anything is HTML."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.charts.report import Drawn


@dataclass(frozen=True)
class Words:
    """A paragraph; kind: "text", "lead" (larger), "quiet" (smaller) or "missing" (not there)."""

    text: str
    kind: str = "text"


@dataclass(frozen=True)
class Points:
    """A list of sentences, with a small heading where it stands beside others."""

    items: tuple[str, ...]
    title: str = ""


@dataclass(frozen=True)
class Figure:
    """A picture over the sentence that says what it answers."""

    drawn: Drawn
    caption: str


@dataclass(frozen=True)
class Facts:
    """A few large numbers, each over what it counts; tones: "source", "target", "fused", …"""

    tiles: tuple[tuple[str, str, str], ...]  # number, what it is, tone


@dataclass(frozen=True)
class Grid:
    """A table: the first column holds names, the others numbers."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    strong: tuple[int, ...] = ()  # rows that stand out


@dataclass(frozen=True)
class Lights:
    """Checks with their answers: light, question, answer."""

    rows: tuple[tuple[str, str, str], ...]
    title: str = ""


@dataclass(frozen=True)
class Code:
    """Something to copy, letter by letter."""

    text: str


@dataclass(frozen=True)
class Pick:
    """One place of a list; shares: how much of the score each domain carried, 0 to 1."""

    title: str
    hit: bool = False
    only_here: bool = False  # not in the list of the twin
    shares: tuple[float, float] | None = None
    reasons: tuple[tuple[str, str, float], ...] = ()  # title, domain, share of what carried it


@dataclass(frozen=True)
class Person:
    """One real user; the id is written only where users are not hidden."""

    id: str
    letter: str  # what the user is called where ids are hidden
    role: str  # "the most helped user"
    text: str
    domains: tuple[str, str]  # names of both domains
    source: tuple[str, ...]  # titles of the history, what carried the list first
    target: tuple[str, ...]
    more: tuple[int, int]  # further items of either history
    picks: tuple[Pick, ...]
    grid: Grid | None = None  # predicted ratings, where the run predicts some
    notes: tuple[str, ...] = ()


Block = Words | Points | Figure | Facts | Grid | Lights | Code | Person


@dataclass(frozen=True)
class Section:
    """A chapter of the report."""

    key: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Slide:
    """One step of the presentation: a small heading, a large sentence and what stands below."""

    step: str
    sentence: str
    blocks: tuple[Block, ...] = ()
    wide: bool = False  # the blocks stand side by side


@dataclass(frozen=True)
class Story:
    """Everything a report says, whatever is later left out or hidden."""

    run: str
    source: str
    target: str
    subtitle: str
    verdict: str  # of this run
    short: tuple[str, ...]  # the answer of the pair, the headline first
    tone: str  # "good", "open" or "bad"
    summary: tuple[Block, ...]
    sections: tuple[Section, ...]
    slides: tuple[Slide, ...] = field(default=())
