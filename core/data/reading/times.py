"""In which form the times of a column are written, and the SQL that reads them in it."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import duckdb
import pandas as pd

from core.basics.errors import DataError
from core.data.database import text

UNIX, EXCEL, DAYS = "unix", "excel", "days"  # forms that strptime has no word for
BETWEEN_FORMS = "|"  # several forms of one column, the first that reads a value counts
FORM_NAMES = {
    "": "seconds to nanoseconds, or year-month-day",
    UNIX: "numbers as they stand, as seconds since 1970",
    EXCEL: "days of a spreadsheet",
    DAYS: "days since 1970",
}
FEW_PERIODS = 30_000_000  # below this a number counts something else: as seconds it is still 1970
FIRST_YEAR = 1960  # a time before is no time of an interaction
FIRST_SECOND = -315_619_200  # of that year
_ONLINE = 788_918_400  # 1995: hardly anybody rated anything online before
_MOST_TRIED = 2_000  # different values that are tried out
_FIRST_TRIED = 40  # of them, by every form there is
_MOSTLY = 0.6  # share of numbers that are plain seconds where the others are slips
_ENOUGH = 0.95  # share of the values that a form must read
_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?")
_CLOCK = re.compile(
    r"(?<![\d:])\d{1,2}:\d\d(?P<s>:\d\d(?:(?P<mark>[.,])(?P<part>\d{1,9}))?)?"
    r"(?P<half>\s*[AaPp][Mm])?(?P<zone>\s*(?:Z|UTC|GMT|[+-]\d\d(?::?\d\d)?))?$"
)
_JOIN = re.compile(r"((?<=\d)T|[\s,:]*)$")
_ZONE_NAME = re.compile(r"\d:\d\d\S*\s+((?!UTC|GMT|AM|PM)[A-Z]{2,5})$")
_DIGITS = {  # forms of times written as digits alone, by how many there are
    17: ("%Y%m%d%H%M%S%g",),
    14: ("%Y%m%d%H%M%S",),
    12: ("%Y%m%d%H%M",),
    10: ("%Y%m%d%H",),
    8: ("%d%m%Y", "%m%d%Y"),
    6: ("%Y%m", "%y%m%d", "%d%m%y", "%m%d%y"),
    4: ("%Y",),
}
_PLACES = (
    "%d{0}%m{0}%Y",
    "%m{0}%d{0}%Y",
    "%Y{0}%m{0}%d",
    "%Y{0}%d{0}%m",
    "%d{0}%m{0}%y",
    "%m{0}%d{0}%y",
    "%y{0}%m{0}%d",
    "%Y{0}%m",
    "%m{0}%Y",
)
_WORDY = (
    "%d %b %Y",
    "%d-%b-%Y",
    "%d/%b/%Y",
    "%d.%b.%Y",
    "%d %b, %Y",
    "%b %d, %Y",
    "%b %d %Y",
    "%b-%d-%Y",
    "%Y-%b-%d",
    "%Y %b %d",
    "%d-%b-%y",
    "%d %b %y",
    "%b %d, %y",
    "%b %Y",
    "%b-%Y",
    "%Y %b",
    "%a, %d %b %Y",
    "%a %d %b %Y",
    "%a %b %d %Y",
    "%a, %b %d, %Y",
    "%m %d, %Y",
    "%m %d %Y",
    "%Y年%m月%d日",
    "%Y年%m月",
)
_WHOLE = (  # where the year stands behind the time of day
    "%a %b %d %H:%M:%S %Y",
    "%a %b %d %H:%M:%S %z %Y",
    "%a %b %d %H:%M:%S UTC %Y",
    "%H:%M %d/%m/%Y",
    "%H:%M %m/%d/%Y",
    "%H:%M:%S %d/%m/%Y",
    "%H:%M:%S %m/%d/%Y",
    "%Y%m%dT%H%M%S",
    "%Y%m%dT%H%M%SZ",
    "%Y-%m-%d-%H-%M-%S",
    "%Y-%m-%d_%H:%M:%S",
    "%Y-%m-%d %H.%M.%S",
    "%Y:%m:%d %H:%M:%S",
    "%Y%m%d %H:%M:%S",
    "%Y%m%d%H%M%S.%f",
    "%d/%b/%Y:%H:%M:%S %z",
    "%d/%b/%Y:%H:%M:%S",
    "%A, %B %d, %Y",
    "%A, %d %B %Y",
)


@dataclass(frozen=True)
class TimeForm:
    """What the values of a column of times are found to be.

    form: the one that surely reads them, "" for the usual; doubt: why none is sure, "" where one
    is; choices: form -> what it makes of the first values; said: what a reader should know.
    """

    form: str = ""
    doubt: str = ""
    choices: dict[str, str] = field(default_factory=dict)
    said: str = ""


def find_time_form(values: Sequence[str]) -> TimeForm:
    """The form of some texts of a column; asks where two forms read them differently."""
    given = [value.strip() for value in dict.fromkeys(values) if value.strip()][:_MOST_TRIED]
    if not given:
        return TimeForm()
    if sum(bool(_NUMBER.fullmatch(value)) for value in given) >= _ENOUGH * len(given):
        return _form_of_numbers(given)
    if _reads(given, "") >= _ENOUGH:
        zones = {found[1] for value in given if (found := _ZONE_NAME.search(value))}
        named = ", ".join(sorted(zones)[:3])
        said = f"{named} names more than one time zone: its times are read as if they were UTC."
        return TimeForm(said=said if zones else "")
    return _form_of_texts(given)


def check_form(form: str) -> None:
    """Raises DataError for a form that cannot be read."""
    if form in FORM_NAMES:
        return
    connection = duckdb.connect()
    try:
        connection.execute(f"SELECT {_parsed(text('x'), form)}").fetchall()
    except duckdb.Error:
        found = False
    else:
        found = all("%" in one for one in form.split(BETWEEN_FORMS))
    finally:
        connection.close()
    if not found:
        raise DataError(
            what=f"{form[:60]!r} is no form of a time.",
            hint="Write it as strptime has it, as %d/%m/%Y %H:%M, or choose "
            f"{UNIX}, {EXCEL} or {DAYS}.",
        )


def read_in_form(value: str, form: str) -> str:
    """SQL of the Unix seconds of a text that is written in a form other than the usual."""
    value = trimmed(value)
    number = f"try_cast({value} AS DOUBLE)"
    if form == UNIX:
        return f"try_cast(floor({number}) AS BIGINT)"
    if form == EXCEL:
        return f"try_cast(round(({number} - 25569) * 86400) AS BIGINT)"
    if form == DAYS:
        return f"try_cast(floor({number} * 86400) AS BIGINT)"
    return f"try_cast(floor(epoch({_parsed(value, form)})) AS BIGINT)"


def usual_seconds(value: str, number: str) -> str:
    """SQL of the Unix seconds of a text that needs no form; number: SQL of it as a BIGINT.

    Numbers are seconds, or milli-, micro- or nanoseconds where they are larger; 20240531 is a
    day; a text begins with the year, four digits, and a zone is an offset, Z or UTC.
    """
    value = trimmed(value)
    day = f"try_strptime({value}, '%Y%m%d')"
    zoned = f"try_cast(epoch(try_cast({value} AS TIMESTAMPTZ)) AS BIGINT)"
    naive = f"try_cast(epoch(try_cast({value} AS TIMESTAMP)) AS BIGINT)"
    units = " ".join(
        f"WHEN {number} BETWEEN -{most} AND {most} THEN {number} // {unit}"
        for most, unit in ((10**11, 1), (10**14, 10**3), (10**17, 10**6))
    )
    return (
        f"CASE WHEN {number} IS NULL AND regexp_matches({value}, {text(_OFFSET)}) THEN {zoned} "
        f"WHEN {number} IS NULL AND NOT regexp_matches({value}, {text(_NOT_USUAL)}) THEN {naive} "
        f"WHEN {number} BETWEEN 19000101 AND 21001231 AND {day} IS NOT NULL "
        f"THEN epoch({day})::BIGINT {units} ELSE {number} // {10**9} END"
    )


def trimmed(value: str) -> str:
    """SQL of a text without blanks around it."""
    return f"trim({value}, {text(_BLANKS)})"


_BLANKS = " \t\u00a0\u3000\ufeff\u200b"
_OFFSET = r":\d\d(\.\d+)?\s*(Z|[+-]\d\d(:?\d\d)?)$"  # a time of day with its zone
_NOT_USUAL = (
    r"^[^\d+-]|^[+-]?\d{1,3}\D|[AaPp]\.?[Mm]\.?$"  # no year in front, or half a day's hours
)

_WHOLE_NUMBER = f"try_cast({trimmed('value')} AS BIGINT)"


def _parsed(value: str, form: str) -> str:
    """Year 18 is no year of anything: it is a year of two digits in a form of four."""
    forms = [one.strip() for one in form.split(BETWEEN_FORMS)]
    read = [f"try_strptime({value}, {text(one)})" for one in forms]
    since = [f"CASE WHEN year({one}) >= 1900 THEN {one} END" for one in read]
    return f"coalesce({', '.join(since)})" if len(since) > 1 else since[0]


def seconds_in(values: Sequence[str], forms: Sequence[str]) -> dict[str, list[int | None]]:
    """Unix seconds of some texts in each form, None where it does not read one.

    A form that strptime does not know reads none.
    """
    sql = ", ".join(
        read_in_form("value", form) if form else usual_seconds("value", _WHOLE_NUMBER)
        for form in forms
    )
    connection = duckdb.connect()
    try:
        connection.register("given", pd.DataFrame({"value": list(values)}, dtype="str"))
        rows = connection.execute(f"SELECT {sql} FROM given").fetchall()
    except duckdb.Error:
        rows = [(None,) * len(forms)] * len(values)
    finally:
        connection.close()
    return dict(zip(forms, (list(read) for read in zip(*rows, strict=True)), strict=True))


def latest_second() -> int:
    """The end of next year: nothing can have happened later."""
    year = time.gmtime().tm_year
    return int(pd.Timestamp(year=year + 2, month=1, day=1).timestamp())


def _reads(values: Sequence[str], form: str) -> float:
    """Share of the texts that a form reads as times that can be."""
    return sum(second is not None for second in _possible(values, [form])[form]) / len(values)


def _possible(values: Sequence[str], forms: Sequence[str]) -> dict[str, list[int | None]]:
    """Unix seconds by form, those that no interaction can have left out."""
    last = int(pd.Timestamp(year=2100, month=1, day=1).timestamp())
    return {
        form: [s if s is not None and FIRST_SECOND <= s < last else None for s in read]
        for form, read in seconds_in(values, forms).items()
    }


def _form_of_numbers(given: list[str]) -> TimeForm:
    numbers = [float(value) for value in given if _NUMBER.fullmatch(value)]
    low, high = min(numbers), max(numbers)
    if high <= 0:
        same = f"always {given[0]}" if len(given) == 1 else f"{low:,.0f} to {high:,.0f}"
        return TimeForm(doubt=f"are no times: they are {same}", choices=_shown(given, [UNIX]))
    lengths = {len(value) for value in given}
    digits = _DIGITS.get(lengths.pop(), ()) if len(lengths) == 1 else ()
    latest = latest_second()
    usual = [s for s in seconds_in(given, [""])[""] if s is not None]
    fitting = sum(FEW_PERIODS < s < latest for s in usual)
    usual_fits = fitting >= _ENOUGH * len(given)
    compact = [form for form in digits if _reads(given, form) == 1.0]
    if compact and not (usual_fits and "%d" not in compact[0]):
        if "%Y%m" in compact[0] or compact == ["%Y"]:
            return TimeForm(compact[0])
        if not usual_fits:
            return _sure_or_asked(given, compact)
    if fitting >= _MOSTLY * len(given):  # and the others are counted when they are imported
        if sorted(usual)[len(usual) // 2] < _ONLINE:
            return TimeForm(
                doubt="would lie before 1995 as they are read",
                choices=_shown(given, [UNIX]),
            )
        return TimeForm()
    if low > 25_569 and high < latest / 86_400 + 25_569 and low > 29_000:
        if any(value.rstrip("0").rpartition(".")[2] != "" and "." in value for value in given):
            return TimeForm(EXCEL)
        return TimeForm(
            doubt="may be days of a spreadsheet, or numbers of something else",
            choices=_shown(given, [EXCEL, UNIX]),
        )
    if low > 5_000 and high < latest / 86_400:
        return TimeForm(
            doubt="may be days since 1970, or numbers of something else",
            choices=_shown(given, [DAYS, UNIX]),
        )
    if high < FEW_PERIODS:
        return TimeForm(
            doubt=f"are no times but numbers of periods, {low:,.0f} to {high:,.0f}",
            choices=_shown(given, [UNIX]),
        )
    return TimeForm(
        doubt=f"would reach to the year {_year(max(usual, default=0))} as they are read",
        choices=_shown(given, [UNIX]),
    )


def _form_of_texts(given: list[str]) -> TimeForm:
    clocks: dict[str, None] = {}
    days = []
    for value in given:
        clock, day = _clock_of(value)
        clocks[clock] = None
        days.append(day)
    if all(not day for day in days):
        return TimeForm(doubt="are times of day without a day")
    ends = list(clocks)[:6]
    marks = {mark for day in days[:50] for mark in re.findall(r"\d([^\w\s]|\s)\s*\d", day)}
    placed = [form.format(mark) for mark in sorted(marks) for form in _PLACES]
    short = [[form] for form in (*placed, *_WORDY)]
    long = [[form.replace("%b", "%B")] for form in _WORDY if "%b" in form]
    both = [[form, form.replace("%b", "%B")] for form in _WORDY if "%b" in form]
    forms = [
        BETWEEN_FORMS.join(day + end for day in days_as for end in ends)
        for days_as in (*short, *long, *both)
    ]
    return _sure_or_asked(given, [*forms, *_WHOLE])


def _clock_of(value: str) -> tuple[str, str]:
    """The form of the time of day behind a day, with what joins them, and the text of the day."""
    found = _CLOCK.search(value)
    if found is None:
        return "", value
    day = value[: found.start()]
    join = _JOIN.search(day)[0]  # type: ignore[index]
    half, zone = found["half"] or "", found["zone"] or ""
    clock = "%I:%M" if half else "%H:%M"
    if found["s"]:
        clock += ":%S"
    if found["mark"]:
        clock += found["mark"] + ("%n" if len(found["part"]) > 6 else "%f")
    clock += half[: len(half) - 2] + "%p" if half else ""
    offset = zone.strip() not in ("", "Z", "UTC", "GMT")
    clock += zone[: len(zone) - len(zone.lstrip())] + "%z" if offset else zone
    return join + clock, day[: len(day) - len(join)]


def _sure_or_asked(given: list[str], forms: Sequence[str]) -> TimeForm:
    """The one form that reads the most; asked where another one reads what it does not, or all."""
    readings: dict[str, list[int | None]] = {}
    first = _possible(given[:_FIRST_TRIED], forms)
    good = [form for form in forms if any(s is not None for s in first[form])]
    for form, read in _possible(given, good).items() if good else ():
        if any(s is not None for s in read) and read not in readings.values():
            readings[form] = read
    counted = {form: sum(s is not None for s in read) for form, read in readings.items()}
    best = max(counted, key=lambda form: counted[form], default="")
    if not best or counted[best] < len(given) / 2:
        return TimeForm(doubt="cannot be read as times")
    rivals = [
        form
        for form, read in readings.items()
        if form == best
        or (counted[form] >= len(given) / 2 and counted[form] == counted[best])
        or any(s is not None and b is None for s, b in zip(read, readings[best], strict=True))
    ]
    if len(rivals) == 1:
        return TimeForm(best)
    return TimeForm(doubt="can be read in more than one way", choices=_shown(given, rivals[:5]))


def _shown(given: list[str], forms: Sequence[str]) -> dict[str, str]:
    """What forms make of the first values, beside them."""
    return {
        form: ", ".join(f"{v} → {_day(second)}" for v, second in zip(given, read, strict=False))
        for form, read in seconds_in(given[:3], forms).items()
    }


def _day(second: int | None) -> str:
    if second is None:
        return "not read"
    try:
        return time.strftime("%Y-%m-%d", time.gmtime(second))
    except (OverflowError, ValueError, OSError):
        return "no day"


def _year(second: int) -> str:
    return f"{1970 + second / 31_556_952:,.0f}".replace(",", "")
