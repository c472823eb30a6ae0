"""How the numbers of a column are written: decimal signs, groups of three digits, "not rated"."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from core.data.database import text

GROUPS = {",": ",", ".": ".", " ": " \u00a0\u202f\u2009", "'": "'\u2019"}  # what may stand for each
_POINT = re.compile(r"[+-]?\d*\.\d+")
_WHOLE = re.compile(r"[+-]?\d+")
_MARKED = {  # numbers with a mark between digits, and nothing else
    mark: re.compile(rf"[+-]?\d{{1,3}}([{re.escape(marks)}]\d{{2,3}})*[{re.escape(marks)}]\d{{3}}")
    for mark, marks in GROUPS.items()
}
_COMMA = re.compile(r"[+-]?\d+,\d+")
_SENTINELS = {-1, -9, -99, -999, -9999, 9, 77, 88, 97, 98, 99, 255, 999, 9999, 99999}
_FEW_STEPS = 21
_MOST_STEPS = 101  # different ratings; what has more is no scale of ratings
_FEW, _SOME, _MANY = 3, 0.01, 0.1  # rows, and shares of the rows


@dataclass(frozen=True)
class NumberForm:
    """How the numbers of some columns are written, as far as they show it.

    asked: thousands mark -> what it makes of the first number where two readings are possible,
    the usual reading under "".
    """

    decimal_comma: bool = False
    thousands: str = ""
    asked: dict[str, str] = field(default_factory=dict)


def find_number_form(columns: Sequence[Sequence[str]], whole: bool = False) -> NumberForm:
    """The form of the texts of some columns of numbers, found over all of them together.

    whole: whether the numbers count something, so that 1.234 is hardly a little more than one.
    """
    values = [value.strip() for column in columns for value in dict.fromkeys(column)]
    values = [value for value in values if value]
    point = any(_POINT.fullmatch(value) for value in values)
    for mark in (" ", "'"):  # no other reading has them between digits
        grouped = [value for value in values if _MARKED[mark].fullmatch(value)]
        if grouped:
            return NumberForm(any("," in value for value in values) and not point, mark)
    commas = [value for value in values if "," in value]
    dotted = [value for value in values if "." in value]
    both = [value for value in values if "," in value and "." in value]
    if both and all(value.rindex(",") > value.rindex(".") for value in both):
        return NumberForm(True, ".")
    if both:
        return NumberForm(False, ",")
    if commas and any(value.count(",") > 1 for value in commas):
        return NumberForm(False, ",")
    if dotted and any(value.count(".") > 1 and _MARKED["."].fullmatch(value) for value in dotted):
        return NumberForm(True, ".")
    if commas and all(_MARKED[","].fullmatch(value) for value in commas):
        return _grouped_or_decimal(values, commas, point)
    if dotted and not commas and all(_MARKED["."].fullmatch(value) for value in dotted):
        all_grouped = whole and len(dotted) == len(values)
        if _leads_with_zero(dotted) or not (all_grouped or _only_small_wholes(values)):
            return NumberForm()
        first = dotted[0]
        return NumberForm(
            asked={"": f"{first} → {float(first)}", ".": f"{first} → {_joined(first)}"}
        )
    return NumberForm(any(_COMMA.fullmatch(value) for value in commas) and not point)


def _grouped_or_decimal(values: list[str], commas: list[str], point: bool) -> NumberForm:
    """Of numbers with three digits behind their only comma: 3,999 may be nearly four."""
    if _leads_with_zero(commas):
        return NumberForm(not point)
    if point or _only_small_wholes(values):
        return NumberForm(False, ",")
    first = commas[0]
    decimal = first.replace(",", ".")
    return NumberForm(True, asked={"": f"{first} → {decimal}", ",": f"{first} → {_joined(first)}"})


def _only_small_wholes(values: list[str]) -> bool:
    """Whether the numbers without a mark are whole ones, none above 999, and there are some."""
    wholes = [value for value in values if _WHOLE.fullmatch(value)]
    return bool(wholes) and all(abs(int(value)) < 1_000 for value in wholes)


def _leads_with_zero(values: list[str]) -> bool:
    return any(value.lstrip("+-").startswith("0") for value in values)


def _joined(value: str) -> str:
    return re.sub(r"[^\d-]", "", value)


def read_numbers(values: Iterable[str], decimal_comma: bool, thousands: str) -> list[float]:
    """The finite numbers among some texts that are written so."""
    decimal = "," if decimal_comma or thousands == "." else "."
    found = []
    for value in values:
        for mark in GROUPS.get(thousands, ""):
            value = value.replace(mark, "")
        with suppress(ValueError):
            number = float(value.replace(decimal, "."))
            if math.isfinite(number):
                found.append(number)
    return found


def number_as_text(value: str, decimal_comma: bool, thousands: str) -> str:
    """SQL of a number as SQL casts it, of a text that is written so.

    NULL where it has groups of other than three digits, or a point where the comma is decimal.
    """
    if not thousands:
        if not decimal_comma:
            return value
        return f"CASE WHEN NOT contains({value}, '.') THEN replace({value}, ',', '.') END"
    sign = {",": ".", ".": ","}.get(thousands, "," if decimal_comma else ".")
    marks = re.escape(GROUPS[thousands])
    grouped = rf"\s*[+-]?\d{{1,3}}([{marks}]\d{{2,3}})*[{marks}]\d{{3}}([{sign}]\d+)?\s*"
    joined = f"regexp_replace({value}, {text(f'[{marks}]')}, '', 'g')"
    outside = f"NOT regexp_matches(trim({value}), {text(f'[{marks}]')})"
    plain = value
    if sign == ",":
        joined, plain = f"replace({joined}, ',', '.')", f"replace({value}, ',', '.')"
    return (
        f"CASE WHEN regexp_full_match({value}, {text(grouped)}) THEN {joined} "
        f"WHEN {outside} THEN {plain} END"
    )


def unrated_numbers(no_rating: str) -> list[float]:
    """The numbers among the values that mean "not rated"."""
    numbers = []
    for value in no_rating.split():
        try:
            number = float(value)
        except ValueError:
            continue
        if math.isfinite(number):
            numbers.append(number)
    return numbers


def find_unrated(ratings: Sequence[float]) -> dict[float, int]:
    """Values that look as if they meant "not rated", and how often they come.

    That is a value far from all others, -1 below 0 and more, or 0 below 1 and more where it is
    the most frequent, or plainly more frequent than the lowest of the others.
    """
    counts = Counter(ratings)
    found: dict[float, int] = {}
    while len(counts) > 2 and (value := _outlier(counts, len(ratings))) is not None:
        found[value] = counts.pop(value)
    return found


def _outlier(counts: Counter[float], rows: int) -> float | None:
    ordered = sorted(counts)
    for value, others in ((ordered[-1], ordered[:-1]), (ordered[0], ordered[1:])):
        low, high = others[0], others[-1]
        width, gap = high - low, value - high if value > high else low - value
        times = counts[value]
        if times < _FEW:
            continue
        if value == -1 and low >= 0 and len(others) <= _MOST_STEPS:
            return value
        scale = low >= 0.5 and high <= 100 and len(others) <= _MOST_STEPS
        often = times > max(counts[other] for other in others) or times > 2 * counts[low]
        if value == 0 and scale and often:
            return value
        named = value in _SENTINELS and gap >= width and times >= _SOME * rows / 10
        few = len(others) <= _FEW_STEPS and low >= -10 and high <= 100  # a scale, and no counts
        if named or (few and gap > 2 * width and times >= _MANY * rows / 2):
            return value
    return None
