"""Numbers as a person reads them: `.012`, `+.012 (95 % +.006 to +.018)`, `1,566 users`, `3 min`."""

from __future__ import annotations

import math
import re


def number(value: float | None, digits: int = 3) -> str:
    """`.012`, `1.5`, `1,566`; a dash where there is no number."""
    if value is None or not math.isfinite(value):
        return "–"
    if float(value).is_integer() and abs(value) >= 10:
        return f"{int(value):,}"
    text = f"{value:.{digits}f}"
    if float(text) == 0:
        return text.lstrip("-").removeprefix("0") if digits else "0"
    return re.sub(r"^(-?)0\.", r"\1.", text).replace("-", "−")


def signed(value: float | None, digits: int = 3) -> str:
    """The number with its sign: `+.012`, `−.004`."""
    text = number(value, digits)
    return f"+{text}" if value is not None and math.isfinite(value) and value > 0 else text


def interval(low: float | None, high: float | None, digits: int = 3) -> str:
    """`.006 to .018`; a dash where there is none.

    An end that would read .000 though it is none gets a digit or two more, so that nobody wonders
    on which side of zero it lies.
    """
    if low is None or high is None or not math.isfinite(low + high):
        return "–"
    digits = _telling(low, high, digits)
    return f"{number(low, digits)} to {number(high, digits)}"


def with_interval(mean: float | None, low: float | None, high: float | None) -> str:
    """`.012 (95 % .006 to .018)`; the interval is left out where there is none."""
    between = interval(low, high)
    return number(mean) if between == "–" else f"{number(mean)} (95 % {between})"


def signed_with_interval(
    mean: float | None, low: float | None, high: float | None, digits: int = 3
) -> str:
    """`+.012 (95 % +.006 to +.018)`, for differences."""
    if low is None or high is None or not math.isfinite(low + high):
        return signed(mean, digits)
    telling = _telling(low, high, digits)
    return f"{signed(mean, telling)} (95 % {signed_interval(low, high, digits)})"


def signed_interval(low: float | None, high: float | None, digits: int = 3) -> str:
    """`−.0004 to +.0077`, the ends told apart from zero as in `interval`."""
    if low is None or high is None or not math.isfinite(low + high):
        return "–"
    digits = _telling(low, high, digits)
    return f"{signed(low, digits)} to {signed(high, digits)}"


def _telling(low: float, high: float, digits: int) -> int:
    """Digits, up to two more than asked for, at which no end of an interval rounds to zero.

    An end that does so even then is as good as zero.
    """
    ends = [end for end in (low, high) if round(end, digits + 2)]
    return next(d for d in range(digits, digits + 3) if all(round(end, d) for end in ends))


def percent(share: float, digits: int = 0) -> str:
    """A share from 0 to 1 as `34 %`."""
    return f"{100 * share:.{digits}f} %"


def count(n: int, one: str, many: str | None = None) -> str:
    """`1 user`, `1,566 users`."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def duration(seconds: float) -> str:
    """`40 s`, `3 min`, `1 h 20 min`."""
    if seconds < 90:
        return f"{max(0, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
