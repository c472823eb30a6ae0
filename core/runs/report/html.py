"""A story as one HTML file: every text escaped here and nowhere else, nothing from any network."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

from core import __version__
from core.basics.columns import SOURCE, TARGET
from core.basics.formatting import percent
from core.charts.report import figure_spec, plotly_script
from core.runs.report.answer import FIGURES, headline
from core.runs.report.blocks import (
    Block,
    Code,
    Facts,
    Figure,
    Grid,
    Lights,
    Person,
    Pick,
    Points,
    Section,
    Slide,
    Story,
    Words,
)
from core.runs.report.limits import WORDS_OF_LIGHTS
from core.runs.report.story import ReportOptions, default_title

HERE = Path(__file__).parent
LONG_SENTENCE = 130  # characters beyond which a sentence on a slide is written smaller
# Nothing may be fetched from anywhere, whatever a title from a file tries.
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
)


def report_html(story: Story, options: ReportOptions, presenting: bool = False) -> str:
    """The whole file; presenting opens it at the first of the six steps."""
    title = options.title.strip() or default_title(story.source, story.target)
    writer = Writer(options.hide_users)
    chosen = [section for section in story.sections if section.key in options.sections]
    made = f"{datetime.now(UTC):%d %B %Y %H:%M} UTC"
    closing = (
        f'<p class="made">Made by Crosswalk {__version__} on {made} from run {text(story.run)}. '
        "This file holds everything it shows and asks no network for anything.</p>"
    )
    note = f'<p class="note">{escape(options.note.strip())}</p>' if options.note.strip() else ""
    opening = (
        f"<header>{_pair(story)}<h1>{text(title, 160)}</h1>"
        f'<p class="subtitle">{text(story.subtitle, 300)}</p>{note}</header>'
        f'<div class="verdict {story.tone}"><span class="label">In short</span>'
        f"<p>{_verdict(story)}</p></div>{writer.all(story.summary)}"
    )
    links = "".join(
        f'<li><a href="#part-{section.key}">{text(section.title)}</a></li>' for section in chosen
    )
    navigation = (
        '<div class="stripe"></div><div class="sheet"><nav aria-label="Contents">'
        f'<div class="brand">Cross<span>walk</span></div><ol>{links}</ol>'
        '<button data-do="present">▶ Present</button></nav><main>'
    )
    body = [
        navigation,
        opening,
        *(writer.section(section, place) for place, section in enumerate(chosen, start=1)),
        closing,
        "</main></div>",
        writer.deck(story, options.title.strip()),
    ]
    flag = ' data-present="1"' if presenting else ""
    head = (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{text(title, 160)}</title><style>{_asset('page.css')}</style></head>"
    )
    scripts = f"<script>{plotly_script()}</script><script>{_asset('page.js')}</script>"
    return f"{head}<body{flag}>{''.join(body)}{scripts}</body></html>\n"


class Writer:
    """Turns blocks into HTML; a figure that is shown again is not written again."""

    def __init__(self, hide_users: bool) -> None:
        self.hide_users = hide_users
        self.names: dict[int, str] = {}  # of figures that stand in the file already
        self.on_wall = False

    def section(self, section: Section, place: int) -> str:
        """A chapter with its number."""
        heading = f'<h2><span class="n">{place}</span>{text(section.title)}</h2>'
        inner = heading + self.all(section.blocks)
        return f'<section class="part" id="part-{section.key}">{inner}</section>'

    def deck(self, story: Story, title: str) -> str:
        """The six steps, unseen until somebody presents; a typed title stands on the first."""
        self.on_wall = True
        slides = "".join(self._slide(slide, story, title) for slide in story.slides)
        dots = "<i></i>" * len(story.slides)
        return (
            f'<div class="deck" role="region" aria-label="Presentation">{slides}'
            f'<div class="bottom"><div class="dots">{dots}</div><span class="count"></span>'
            '<button data-do="back" aria-label="Back">←</button>'
            '<button data-do="next" aria-label="Next">→</button>'
            '<button data-do="full">Full screen (F)</button>'
            '<button data-do="leave">Report (Esc)</button></div></div>'
        )

    def _slide(self, slide: Slide, story: Story, title: str) -> str:
        pair = _pair(story, title) if slide is story.slides[0] else ""
        wide = " wide" if slide.wide else ""
        body = f'<div class="body{wide}">{self.all(slide.blocks)}</div>' if slide.blocks else ""
        long = " class=long" if len(slide.sentence) > LONG_SENTENCE else ""
        if pair:
            body = self.all(slide.blocks)
        return (
            f'<div class="slide" role="group" aria-label="{text(slide.step)}">{pair}'
            f'<p class="step">{text(slide.step)}</p>'
            f"<h2{long}>{text(slide.sentence, 600)}</h2>{body}</div>"
        )

    def all(self, blocks: Iterable[Block]) -> str:
        """Some blocks, one after the other."""
        return "".join(self.block(block) for block in blocks)

    def block(self, block: Block) -> str:
        """One block by its kind."""
        kinds: dict[type, Callable[[Any], str]] = {
            Words: _words,
            Points: _points,
            Figure: self._figure,
            Facts: _facts,
            Grid: grid_html,
            Lights: _lights,
            Code: lambda code: f"<pre>{escape(code.text)}</pre>",
        }
        if type(block) in kinds:
            return kinds[type(block)](block)
        return person_html(block, self.hide_users, grid_html)  # type: ignore[arg-type]

    def _figure(self, figure: Figure) -> str:
        known = id(figure.drawn) in self.names
        name = self.names.setdefault(id(figure.drawn), f"figure-{len(self.names) + 1}")
        fill = ' data-fill="1"' if self.on_wall else ""
        spec = "" if known else _spec_html(name, figure)
        return (
            f'<figure><div class="plot" data-spec="{name}"{fill} role="img" '
            f'aria-label="{text(figure.caption, 600)}"></div>'
            f"{spec}<figcaption>{text(figure.caption, 600)}</figcaption></figure>"
        )


def _spec_html(name: str, figure: Figure) -> str:
    spec = figure_spec(figure.drawn)
    return f'<script type="application/json" id="{name}">{spec}</script>'


def grid_html(grid: Grid) -> str:
    """A table; without a heading it is a list of pairs."""
    head = f"<thead><tr>{cells('th', grid.head)}</tr></thead>" if any(grid.head) else ""
    rows = "".join(
        f"<tr{' class=strong' if place in grid.strong else ''}>{cells('td', row)}</tr>"
        for place, row in enumerate(grid.rows)
    )
    return f"<table{'' if head else ' class=pairs'}>{head}<tbody>{rows}</tbody></table>"


def _words(words: Words) -> str:
    kind = "" if words.kind == "text" else f' class="{words.kind}"'
    return f"<p{kind}>{text(words.text, 2_000)}</p>"


def _points(points: Points) -> str:
    items = "".join(f"<li>{text(item, 2_000)}</li>" for item in points.items)
    return _titled(points.title, f'<ul class="points">{items}</ul>')


def _titled(title: str, inner: str) -> str:
    """A heading over it where it has one."""
    return f"<div><h3>{text(title)}</h3>{inner}</div>" if title else inner


def _facts(facts: Facts) -> str:
    tiles = "".join(
        f'<div class="fact {tone}"><b>{text(number)}</b><span>{text(said, 300)}</span></div>'
        for number, said, tone in facts.tiles
    )
    return f'<div class="facts">{tiles}</div>'


def _lights(lights: Lights) -> str:
    rows = "".join(
        f'<li class="{light}"><i></i><div><b>{text(question)}</b> '
        f"<em>{WORDS_OF_LIGHTS[light]}</em></div>"
        f"{f'<span>{text(answer, 1_000)}</span>' if answer else ''}</li>"
        for light, question, answer in lights.rows
    )
    return _titled(lights.title, f'<ul class="lights">{rows}</ul>')


def _verdict(story: Story) -> str:
    """The headline large; below it the rest, or the figures of a run that stands alone."""
    first, *others = story.short
    if not others and first == headline(story.verdict):
        others = ["; ".join(found.strip(" ()") for found in FIGURES.findall(story.verdict))]
    small = f"<small>{text(' '.join(others), 800)}</small>" if any(others) else ""
    return f"{text(first, 800)}{small}"


def _pair(story: Story, title: str = "") -> str:
    said = f" <small>{text(title, 160)}</small>" if title else ""
    source, target = text(story.source, 60), text(story.target, 60)
    return (
        f'<div class="pair"><span class="{SOURCE}">{source}</span> → '
        f'<span class="{TARGET}">{target}</span>{said}</div>'
    )


def _asset(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


# One user as a card: histories on the left, the list with its reasons on the right.

TITLE = 90  # characters of a title


def person_html(person: Person, hide: bool, grid: Callable[[Grid], str]) -> str:
    """The card; hide writes the letter in place of the id."""
    name = person.letter if hide else text(person.id, 40)
    known = "" if hide else f" <small>· user {name}</small>"
    role = text(person.role[:1].upper() + person.role[1:])
    notes = "".join(f'<p class="quiet">{text(note, 400)}</p>' for note in person.notes)
    list_html = grid(person.grid) if person.grid else _list(person)
    histories = _history(person, 0) + _history(person, 1)
    return (
        f'<article class="person{" rated" if person.grid else ""}">'
        f"<header><i>{person.letter}</i><div><h3>{role}{known}</h3>"
        f"<p>{text(person.text, 600)}</p></div></header>"
        f'<div class="inside"><div class="histories">{histories}</div>'
        f"<div>{list_html}{notes}</div></div></article>"
    )


def _history(person: Person, place: int) -> str:
    kind, titles = (("source", person.source), ("target", person.target))[place]
    rows = "".join(f"<li>{text(title, TITLE)}</li>" for title in titles)
    if not titles:
        rows = '<li class="more">nothing yet</li>'
    elif person.more[place]:
        rows += f'<li class="more">and {person.more[place]:,} more</li>'
    heading = text(person.domains[place], 40)
    return f'<h4 class="{kind}">Known from {heading}</h4><ul class="history {kind}">{rows}</ul>'


def _list(person: Person) -> str:
    rows = "".join(_pick(pick, place, person) for place, pick in enumerate(person.picks, start=1))
    target = text(person.domains[1], 40)
    if not rows:
        return '<p class="quiet">The list of this person is empty.</p>'
    heading = f'<h4 class="fused">Recommended from {target}</h4>'
    return f'{heading}<ol class="picks">{rows}</ol>{_key(person)}'


def _pick(pick: Pick, place: int, person: Person) -> str:
    tick = ' <span class="tick">✓</span>' if pick.hit else ""
    new = (
        f'<span class="new">only with {text(person.domains[0], 20)}</span>'
        if pick.only_here
        else ""
    )
    title = f"<span{' class=hit' if pick.hit else ''}>{text(pick.title, TITLE)}{tick}</span>{new}"
    return f'<li><span class="place">{place}</span><div>{title}{_why(pick)}</div>{_bar(pick)}</li>'


def _why(pick: Pick) -> str:
    if not pick.reasons:
        return ""
    said = " ".join(
        f'<span class="r"><span class="{"s" if domain == SOURCE else "t"}">{text(title, 60)}</span>'
        f" {percent(share)}</span>"
        for title, domain, share in pick.reasons
    )
    return f'<span class="why">because of {said}</span>'


def _bar(pick: Pick) -> str:
    if pick.shares is None:
        return "<span></span>"
    source, target = (100 * share for share in pick.shares)
    return (
        f'<span class="bar" role="img" aria-label="{source:.0f} % from the source">'
        f'<span class="s" style="width:{source:.1f}%"></span>'
        f'<span class="t" style="width:{target:.1f}%"></span></span>'
    )


def _key(person: Person) -> str:
    """What the marks mean, as far as they occur."""
    said = []
    if any(pick.shares for pick in person.picks):
        source, target = (text(name, 24) for name in person.domains)
        said.append(f'<span><i style="background:var(--source)"></i>carried by {source}</span>')
        said.append(f'<span><i style="background:var(--target)"></i>carried by {target}</span>')
    if any(pick.hit for pick in person.picks):
        said.append("<span>✓ a hidden choice, found</span>")
    return f'<div class="key">{"".join(said)}</div>' if said else ""


# Texts and cells as HTML that means nothing but itself.


def text(words: object, longest: int = 200) -> str:
    """The words on one line, shortened, with every letter that HTML would act on escaped."""
    line = " ".join(str(words).split())
    if len(line) > longest:
        line = line[: longest - 1].rstrip() + "…"
    return escape(line.replace(" %", "\u00a0%"), quote=True)  # a number keeps its sign


def cells(tag: str, words: Iterable[object]) -> str:
    """One row's cells."""
    return "".join(f"<{tag}>{text(word)}</{tag}>" for word in words)
