"""What the values of a file leave open before it is imported, and what they show surely."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import pandas as pd

from core.basics.columns import CATEGORIES, COUNT, RATING, TIME
from core.basics.formatting import count
from core.data.reading.cells import BAR, SEPARATORS, guess_separator, is_list, names_of
from core.data.reading.numbers import (
    NumberForm,
    find_number_form,
    find_unrated,
    read_numbers,
    unrated_numbers,
)
from core.data.reading.options import ID_ROLES, ITEMS, LABELS, LISTS, ReadOptions
from core.data.reading.rows import NUMBERS, TOKENS
from core.data.reading.times import TimeForm, find_time_form, seconds_in

_ROUNDED = re.compile(r"[+-]?\d(\.\d+)?[eE]\+\d{2,}|[+-]?\d\.\d+[eE]\d{2,}")
_FLOAT_ID = re.compile(r"\d{16,}\.0+")
_LONG_NUMBER = re.compile(r"\d{16,}")
_FIFTEEN = 15  # digits a spreadsheet keeps of a number
_TOKENS = re.compile(r"\W?[A-Za-z]{0,3}\d+(-[01])?")
_MANY = 0.8  # share of the cells that are written so
_SHARE = 0.01


@dataclass(frozen=True)
class Doubt:
    """What a file leaves open about one column, to be answered before it is imported.

    hint: how to answer it, as a sentence; option: the field of ReadOptions that answers it, ""
    where only another file does; choices: value of that field -> what it makes of the column.
    """

    column: str
    what: str
    hint: str
    option: str
    choices: dict[str, str] = field(default_factory=dict)


def unsettled(options: ReadOptions) -> ReadOptions:
    """The options without what rows of other columns may have shown."""
    separator = BAR if options.kind == ITEMS else options.separator
    return replace(options, date_format="", thousands="", separator=separator)


def settled(sample: pd.DataFrame, options: ReadOptions) -> ReadOptions:
    """The options with what some rows show surely: forms of times and numbers, the separator.

    sample: texts, a column for each of the file's. What is given already stays as it is.
    """
    numbers = _number_form(sample, options)
    separator = guess_separator(_cells(sample, _separated(options)))[0]
    separator = separator if options.separator == BAR else options.separator
    form = options.date_format or _time_form(sample, options).form
    thousands = options.thousands or numbers.thousands
    comma = options.decimal_comma or numbers.decimal_comma
    return replace(
        options, decimal_comma=comma, thousands=thousands, date_format=form, separator=separator
    )


def find_doubts(sample: pd.DataFrame, options: ReadOptions) -> list[Doubt]:
    """What the options leave open about some rows of a file, column by column."""
    return [
        *_doubted_ids(sample, options),
        *_doubted_numbers(sample, options),
        *_doubted_ratings(sample, options),
        *_doubted_times(sample, options),
        *_doubted_names(sample, options),
    ]


def said_of_values(sample: pd.DataFrame, options: ReadOptions) -> list[str]:
    """What a reader should know of the values, though it needs no answer."""
    said = [] if options.date_format else [_time_form(sample, options).said]
    for role, column in options.columns().items():
        cells = _cells(sample, [column]) if role in NUMBERS else []
        numbers = read_numbers(cells, options.decimal_comma, options.thousands)
        if cells and 2 * len(numbers) < len(cells):
            said.append(
                f"Most values of {column[:60]} are no numbers ({cells[0][:40]!r}): the column "
                "would be left out. Write them as numbers to use it."
            )
    for role in ID_ROLES[options.kind]:
        column = options.columns().get(role, "")
        cells = _cells(sample, [column] if column else [])
        if cells and all(re.fullmatch(r"\d+\.0", cell) for cell in cells):
            said.append(
                f"The ids of {column} are written as decimal numbers ({cells[0]}): the other file "
                "must write them so too."
            )
        for quote in "'\"`":
            inside = sum(cell[:1] == cell[-1:] == quote and len(cell) > 2 for cell in cells)
            if cells and inside > 0.9 * len(cells):
                said.append(f"The ids of {column} stand in quotes ({cells[0]}): choose the quote.")
    return [sentence for sentence in said if sentence]


def _cells(sample: pd.DataFrame, columns: Iterable[str]) -> list[str]:
    """Texts of some columns that are not blank, without blanks around them."""
    texts = [sample[column].str.strip() for column in columns if column in sample]
    return [cell for column in texts for cell in column.tolist() if cell]


def _separated(options: ReadOptions) -> list[str]:
    """The column of categories, whose names a separator cuts."""
    columns = [column for role, column in options.columns().items() if role == CATEGORIES]
    return [column for column in columns if not column.endswith(TOKENS)]


def _time_form(sample: pd.DataFrame, options: ReadOptions) -> TimeForm:
    column = options.columns().get(TIME)
    return find_time_form(_cells(sample, [column] if column else []))


def _number_form(sample: pd.DataFrame, options: ReadOptions) -> NumberForm:
    columns = [column for role, column in options.columns().items() if role in NUMBERS]
    return find_number_form([_cells(sample, [column]) for column in columns])


def _doubted_times(sample: pd.DataFrame, options: ReadOptions) -> list[Doubt]:
    column = options.columns().get(TIME)
    cells = _cells(sample, [column] if column else [])
    if column is None or not cells:
        return []
    hint = "Say in which form they are written, as %d/%m/%Y, or leave the column out."
    if not options.date_format:
        found = find_time_form(cells)
        if not found.doubt:
            return []
        what = f"The times of {column[:60]} {found.doubt} ({cells[0][:40]!r})."
        return [Doubt(column, what, hint, "date_format", found.choices)]
    read = [s for s in seconds_in(cells[:2_000], [options.date_format])[options.date_format]]
    unread = sum(second is None for second in read)
    if 2 * unread > len(read):
        what = f"Most times of {column[:60]} are not in the form {options.date_format}."
        return [Doubt(column, what, hint, "date_format", find_time_form(cells).choices)]
    return []


def _doubted_numbers(sample: pd.DataFrame, options: ReadOptions) -> list[Doubt]:
    if options.thousands:
        return []
    found = []
    for role, column in options.columns().items():
        if role not in NUMBERS:
            continue
        form = find_number_form([_cells(sample, [column])], whole=role == COUNT)
        other = _number_form(sample, options)
        if form.asked and not other.thousands:
            mark = next(mark for mark in form.asked if mark)
            what = f"The numbers of {column[:60]} may have decimals, or thousands: {mark!r} may "
            what += f"be either ({form.asked[mark].split(' ')[0]!r})."
            hint = f"Say that {mark!r} stands between thousands, or leave it as a decimal sign."
            found.append(Doubt(column, what, hint, "thousands", form.asked))
    return found


def _doubted_ratings(sample: pd.DataFrame, options: ReadOptions) -> list[Doubt]:
    column = options.columns().get(RATING)
    if column is None:
        return []
    cells = _cells(sample, [column])
    ratings = read_numbers(cells, options.decimal_comma, options.thousands)
    said = set(unrated_numbers(options.no_rating))
    unrated = find_unrated([rating for rating in ratings if rating not in said])
    return [
        Doubt(
            column,
            f"The rating {value:g} of {column[:60]} stands apart from all others: "
            f"{count(times, 'row')} of {len(ratings):,} looked at. It may mean that nothing was "
            "rated.",
            "Say that it means not rated, and its rows are left out, or keep it as a rating.",
            "no_rating",
            {f"{value:g}": f"leaves out {times / len(ratings):.0%} of the rows"},
        )
        for value, times in unrated.items()
    ]


def _doubted_ids(sample: pd.DataFrame, options: ReadOptions) -> list[Doubt]:
    found = []
    for role in ID_ROLES[options.kind]:
        column = options.columns().get(role)
        cells = _cells(sample, [column] if column else [])
        if column is None or not cells:
            continue
        left = f"{count(len(set(cells)), 'different one')} in {len(cells):,} rows looked at"
        called = f"The {LABELS[role]} ids of {column[:60]}"
        if what := _rounded(cells):
            what = f"{called} {what}: {left}."
            hint = "Write the file again with its ids as text, before a spreadsheet opens it."
            found.append(Doubt(column, what, hint, ""))
        elif options.kind == LISTS:
            continue  # a cell of theirs may hold a whole list
        elif sum(is_list(cell) for cell in cells) > len(cells) / 2:
            what = f"{called} are lists, not one id in a cell ({cells[0][:40]!r})."
            hint = f"Write a row for each, as pandas does with table.explode({column[:60]!r})."
            found.append(Doubt(column, what, hint, ""))
        elif sum(_are_several(cell) for cell in cells) > _MANY * len(cells):
            what = f"{called} look like several ids in one cell ({cells[0][:40]!r})."
            found.append(Doubt(column, what, "Write a row for each of them.", ""))
    return found


def _rounded(cells: list[str]) -> str:
    """What shows that ids were numbers that lost their last digits; "" where nothing does."""
    exponents = [cell for cell in cells if _ROUNDED.fullmatch(cell)]
    if len(exponents) > _SHARE * len(cells):
        return f"were rounded, as a spreadsheet or a float column does ({exponents[0]})"
    floats = [cell for cell in cells if _FLOAT_ID.fullmatch(cell)]
    if len(floats) > _SHARE * len(cells):
        return f"were floating-point numbers, which keep no more than 15 digits ({floats[0]})"
    long = [cell for cell in cells if _LONG_NUMBER.fullmatch(cell)]
    filled = [cell for cell in long if set(cell[_FIFTEEN:]) == {"0"}]
    if len(set(long)) > 1 and len(filled) == len(long) > _SHARE * len(cells):
        return f"end in zeros, as a spreadsheet leaves numbers of more than 15 digits ({long[0]})"
    return ""


def _are_several(cell: str) -> bool:
    parts = [part for part in re.split(r"[\s,;|]+", cell.strip("[](){}")) if part]
    return len(parts) > 1 and all(_TOKENS.fullmatch(part) for part in parts)


def _doubted_names(sample: pd.DataFrame, options: ReadOptions) -> list[Doubt]:
    """Categories of which it is open what stands between them."""
    if options.kind != ITEMS or options.separator != BAR:
        return []
    found = []
    for column in _separated(options):
        cells = list(dict.fromkeys(_cells(sample, [column])))
        marks = guess_separator(cells)[1]
        if not marks:
            continue
        example = next(cell for cell in cells if marks[0] in cell and not is_list(cell))
        choices = {
            mark: f"{example[:60]} → {' + '.join(names_of(example, mark).split(BAR)[:6])[:80]}"
            for mark in (BAR, *marks)
        }
        what = f"A cell of {column[:60]} may hold several categories, or one ({example[:40]!r})."
        hint = "Say what stands between two of them: " + ", ".join(SEPARATORS[m] for m in marks)
        found.append(Doubt(column, what, f"{hint}, or nothing.", "separator", choices))
    return found
