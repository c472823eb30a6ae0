"""One user as a card: histories on the left, the list with its reasons on the right."""

from __future__ import annotations

from collections.abc import Callable

from core.basics.columns import SOURCE
from core.runs.report.blocks import Grid, Person, Pick
from core.runs.report.html_text import text

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
        f" {share:.0%}</span>"
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
