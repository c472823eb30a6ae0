"""The question and the answer: the verdict, and the same thing as people out of a hundred."""

from __future__ import annotations

import re

import pandas as pd

from core.basics.columns import HIGH, LOW, MEAN, METRIC, SEGMENT, TEST, USERS
from core.basics.formatting import count, number, percent, signed, signed_interval
from core.charts.report import (
    BAD,
    GOOD,
    MOVED,
    NOISE,
    OPEN,
    TONE,
    TONES,
    WORDS,
    draw_lifts,
    draw_moved,
)
from core.evaluation.lift import BY, HARMED, HELPED, LIFT, SURE, is_gain, moved_counts
from core.evaluation.lift import differences as user_differences
from core.evaluation.segments import ALL_USERS, BINS, FEWEST, TARGET_HISTORY, bins_words
from core.evaluation.verdict import HARMS, HELPS, by_figures, judge
from core.metrics.intervals import Interval
from core.metrics.registry import metric_card, metric_title
from core.runs.answer.groups import NEW, group_rows
from core.runs.answer.groups import TONES as ANSWER_TONES
from core.runs.answer.words import answer_words
from core.runs.report.blocks import Block, Facts, Figure, Section, Words
from core.runs.report.evidence import HIT_RATE, Evidence, tone_of
from core.runs.studies.noise import equal_twins, noise_floor
from core.runs.studies.placebo import PlaceboFigures, cold_words, placebo_words

FIGURES = re.compile(r"\s\((?=[^()]*95 %)[^()]*\)")  # a parenthesis that holds an interval


def question(evidence: Evidence) -> str:
    """What is asked, as a stakeholder would ask it."""
    source, target = evidence.source, evidence.target
    if evidence.run.twin is None:
        thing = "predicting ratings" if evidence.rates else "recommending"
        return f"How good is this way of {thing} in {target}?"
    if evidence.rates:
        return f"Does knowing people's {source} help to predict their ratings in {target}?"
    return f"Does knowing people's {source} help to recommend {target}?"


def headline(verdict: str) -> str:
    """The verdict without its figures, for large type."""
    return FIGURES.sub("", verdict)


def in_short(evidence: Evidence) -> list[str]:
    """The answer in one to four sentences, the headline first: of the pair, else of the run."""
    if evidence.whole is None:
        return [headline(evidence.verdict)]
    return answer_words(evidence.whole)


def tone_in_short(evidence: Evidence) -> str:
    """ "good" where somebody is helped, "bad" where somebody is harmed and nobody helped."""
    if evidence.whole is None:
        return evidence.tone
    answers = {group.answer for group in (evidence.whole.everybody, *evidence.whole.groups)}
    return GOOD if HELPS in answers else BAD if HARMS in answers else OPEN


def summary(evidence: Evidence) -> tuple[Block, ...]:
    """The box at the top: the picture of the answer, and three numbers."""
    return (*_first_picture(evidence), Facts(tuple(tiles(evidence))))


def _first_picture(evidence: Evidence) -> list[Figure]:
    """Who is helped, group by group; else people of a hundred by this run alone."""
    figure = groups_figure(evidence) or hundred(evidence)
    return [] if figure is None else [figure]


def tiles(evidence: Evidence) -> list[tuple[str, str, str]]:
    """People of a hundred, the difference with its interval, and the users both stand on."""
    gap = evidence.difference(evidence.other, evidence.metric)
    title = metric_title(evidence.metric)
    if gap is None or not gap.users:
        level = evidence.level(evidence.run, evidence.metric)
        return [(number(level.mean), f"{title} of this run", "fused")]
    said = f"{title}, {_against(evidence)} (95 % {_between(gap, evidence)})"
    shown = evidence.tone if evidence.run.twin else tone_of(gap, evidence.metric)
    tone = {"good": "fused", "bad": "alarm"}.get(shown, "twin")
    return [
        *_hundred_tile(evidence),
        (signed(gap.mean, _digits(evidence)), said, tone),
        *_placebo_tile(evidence),
        (f"{gap.users:,}", "test users of this run, each with and without", "target"),
    ]


def _placebo_tile(evidence: Evidence) -> list[tuple[str, str, str]]:
    """What the run has over its placebo, where one was made."""
    if (found := evidence.placebo) is None or found.over_placebo.users < FEWEST:
        return []
    gap = found.over_placebo
    said = (
        f"{metric_title(evidence.metric)}, over the placebo: the same model with "
        f"{evidence.source} of other people (95 % {_between(gap, evidence)})"
    )
    shown = tone_of(gap, evidence.metric, found.sure_over_placebo)
    tone = {GOOD: "fused", BAD: "alarm"}.get(shown, "twin")
    return [(signed(gap.mean, _digits(evidence)), said, tone)]


def groups_figure(evidence: Evidence) -> Figure | None:
    """A row per group of people over all splits and models of the pair, as Start shows it."""
    found = evidence.whole
    if found is None:
        return None
    return Figure(
        draw_lifts(
            group_rows(found),
            x=f"{metric_title(evidence.metric)}, with {evidence.source} minus without",
        ),
        f"Whom does history in {evidence.source} help? Behind each group its test users; at the "
        "right how many more of 100 find something they like. Filled dots are sure, hollow ones "
        "may be chance. Each group by the model that validation chose for it.",
    )


def answer_section(evidence: Evidence) -> Section:
    """The answer in figures that need no training to read."""
    blocks: list[Block] = [Words(evidence.verdict, "lead")]
    if evidence.rates:
        blocks.append(Words(_error_words(evidence)))
    elif (figure := hundred(evidence)) is not None:
        blocks += [Words(hundred_words(evidence)), figure]
    if evidence.placebo is not None:
        blocks.append(Words(_placebo_words(evidence, evidence.placebo)))
    users = count(evidence.level(evidence.run, evidence.metric).users, "test user")
    twin = (
        f"“Without {evidence.source}” is the same model, trained without ever seeing "
        f"{evidence.source}. "
        if evidence.run.twin
        else ""
    )
    what = (
        "RMSE is how far predicted ratings lie from the given ones, large misses counting more; "
        "0 is perfect."
        if evidence.rates
        else "nDCG@10 says how many hidden choices stand in a person's first ten, and how high: 1 "
        "is a perfect list, 0 a list without any."
    )
    how_to_read = (
        f"How to read this: {twin}{what} “95 %” is the range the figure would keep to if other "
        f"people like these {users} were asked; a difference whose range holds 0 may be chance."
    )
    blocks.append(Words(how_to_read, "quiet"))
    return Section("answer", "The answer", tuple(blocks))


def _placebo_words(evidence: Evidence, found: PlaceboFigures) -> str:
    """Run, twin and placebo side by side, and what a placebo is for people without history."""
    digits = _digits(evidence)
    levels = [f"{number(found.run.mean, digits)} with what each person has in {evidence.source}"]
    if found.twin is not None:
        levels.append(f"{number(found.twin.mean, digits)} {evidence.without}")
    said = (
        f"Is it taste, or only more data? {metric_title(evidence.metric)} is {', '.join(levels)}. "
        f"{placebo_words(found, evidence.source, evidence.metric)}"
    )
    rows = None if evidence.lifts is None else evidence.lifts.over_twin
    cold = rows is not None and (rows[SEGMENT] == BINS[0]).any()
    return f"{said} {cold_words(evidence.target)}" if cold else said


def hundred(evidence: Evidence) -> Figure | None:
    """How many more of a hundred users find a hidden choice: the paired difference, one row."""
    gap = evidence.difference(evidence.other, HIT_RATE)
    if evidence.rates or gap is None or not gap.users:
        return None
    low, high = (signed(100 * value, 1) for value in (gap.low, gap.high))
    row = {
        SEGMENT: f"everybody · {gap.users:,}",
        MEAN: 100 * gap.mean,
        LOW: 100 * gap.low,
        HIGH: 100 * gap.high,
        WORDS: f"{signed(100 * gap.mean, 1)} of 100 ({low} to {high})",
        TONE: _tone_of_people(gap, evidence),
    }
    return Figure(
        draw_lifts(pd.DataFrame([row]), x=f"people of 100, {_against(evidence)}"),
        f"How many more of 100 people find a hidden choice of theirs in {evidence.target} among "
        "ten? The same people with and without, pair by pair; the bar is the 95 % interval.",
    )


def hundred_words(evidence: Evidence) -> str:
    """The hit rate as people out of a hundred, with and without the source."""
    ours = evidence.level(evidence.run, HIT_RATE)
    said = (
        f"In plain terms: of 100 people, {100 * ours.mean:.0f} find at least one hidden choice of "
        f"theirs among their first ten recommendations"
    )
    gap = evidence.difference(evidence.other, HIT_RATE)
    if gap is None or evidence.other is None:
        return f"{said}."
    theirs = evidence.level(evidence.other, HIT_RATE)
    low, high = (signed(100 * value, 1) for value in (gap.low, gap.high))
    beyond = "" if gap.excludes_zero else ", which may be the sample"
    found = evidence.placebo_in(HIT_RATE)
    dealt = ""
    if found is not None:
        dealt = f", and {100 * found.placebo.mean:.0f} with {evidence.source} of other people"
    return (
        f"{said}; {_with(evidence)} it is {100 * theirs.mean:.0f}{dealt}. The difference is "
        f"{signed(100 * gap.mean, 1)} in 100 (95 % {low} to {high}{beyond})."
    )


def _hundred_tile(evidence: Evidence) -> list[tuple[str, str, str]]:
    gap = evidence.difference(evidence.other, HIT_RATE)
    if evidence.rates or evidence.other is None or gap is None or not gap.users:
        return []
    ours, theirs = (evidence.level(run, HIT_RATE) for run in (evidence.run, evidence.other))
    low, high = (signed(100 * value, 0) for value in (gap.low, gap.high))
    said = (
        f"of 100 people find a hidden choice in ten: {100 * ours.mean:.0f}, {_with(evidence)} "
        f"{100 * theirs.mean:.0f} (95 % {low} to {high})"
    )
    tone = {GOOD: "fused", BAD: "alarm"}.get(_tone_of_people(gap, evidence), "twin")
    return [(signed(100 * gap.mean, 0), said, tone)]


def _tone_of_people(gap: Interval, evidence: Evidence) -> str:
    """Of people out of a hundred: never surer than the verdict, which holds more against it."""
    tone = tone_of(gap, HIT_RATE)
    return tone if evidence.run.twin is None or tone == evidence.tone else OPEN


def _against(evidence: Evidence) -> str:
    if evidence.run.twin:
        return f"with {evidence.source} minus without"
    return f"this run minus {evidence.floor_name}"


def _with(evidence: Evidence) -> str:
    return evidence.without if evidence.run.twin else f"by {evidence.floor_name}"


def _between(gap: Interval, evidence: Evidence) -> str:
    digits = _digits(evidence)
    return signed_interval(gap.low, gap.high, digits)


def _digits(evidence: Evidence) -> int:
    return evidence.task.digits


def _error_words(evidence: Evidence) -> str:
    """How far predictions lie from what people gave, in points of their scale."""
    ours = evidence.level(evidence.run, "mae")
    said = f"In plain terms: a predicted rating lies {number(ours.mean, 2)} points off on average"
    if evidence.other is None:
        return f"{said}."
    theirs = evidence.level(evidence.other, "mae")
    return f"{said}; {_with(evidence)} it is {number(theirs.mean, 2)}. Smaller is better."


# Who gains and who loses: the difference by segment, and how many users moved either way.

OVER_FLOOR, OVER_PLACEBO = "over floor", "over placebo"
BIN = "bin"  # column: the segment as it is kept


def whom_section(evidence: Evidence) -> Section:
    """The forest of segments with its sentence, and the users who moved."""
    blocks: list[Block] = []
    rows = segment_rows(evidence)
    if rows is None:
        missing = (
            "There is nothing to compare this run with, so nobody can be said to gain or lose."
        )
        blocks.append(Words(missing, "missing"))
    else:
        blocks += [Words(whom_words(evidence, rows)), forest(evidence, rows)]
    if (moved := moved_figure(evidence)) is not None:
        blocks += [moved, Words(_moved_words(evidence), "quiet")]
    return Section("whom", "Who gains, who loses", tuple(blocks))


def segment_rows(evidence: Evidence) -> pd.DataFrame | None:
    """SEGMENT in words, BIN, MEAN, LOW, HIGH, USERS, WORDS, TONE and maybe NOISE, all users first.

    None without a comparison.
    """
    found = _from_record(evidence) if evidence.lifts is None else _from_lifts(evidence)
    if found is None or found.empty:
        return None
    found[WORDS] = [_row_words(row, evidence) for _, row in found.iterrows()]
    found[SEGMENT] = [_label(str(name), evidence) for name in found[BIN]]
    return found


def forest(evidence: Evidence, rows: pd.DataFrame) -> Figure:
    """The picture of the rows."""
    better = "Right" if metric_card(evidence.metric).higher_is_better else "Left"
    against = evidence.without if evidence.run.twin else evidence.floor_name
    noise = (
        " Grey: how far chance alone reaches."
        if NOISE in rows and bool(rows[NOISE].notna().any())
        else ""
    )
    of_model = ", purple helps no more than other people's" if (rows[TONE] == MOVED).any() else ""
    names = [
        f"{name} · {users:,.0f}" for name, users in zip(rows[SEGMENT], rows[USERS], strict=True)
    ]
    return Figure(
        draw_lifts(
            rows.assign(**{SEGMENT: names}), x=f"difference in {metric_title(evidence.metric)}"
        ),
        f"{better} of the line: better than {against}. Filled dots are sure: the 95 % interval "
        "leaves zero out, also when corrected for the number of groups (green helps, red harms"
        f"{of_model}); hollow ones may be chance. Behind each group stands its number of test "
        f"users.{noise}",
    )


def whom_words(evidence: Evidence, rows: pd.DataFrame) -> str:
    """Which groups gain, which lose and of which nothing can be said, in words."""
    parts = rows[rows[BIN].isin(BINS)]
    few = parts[MEAN].isna()
    groups = {tone: list(parts.loc[(parts[TONE] == tone) & ~few, BIN]) for tone in TONES}
    verbs = {GOOD: "gain", BAD: "lose"} if evidence.run.twin else _FLOOR_VERBS
    said = [
        _sentence(f"{bins_words(groups[tone], evidence.target)} {verb}")
        for tone, verb in verbs.items()
        if groups[tone]
    ]
    if groups[MOVED]:
        others = bins_words(groups[MOVED], evidence.target)
        said.append(
            f"{others[:1].upper()}{others[1:]} gain too, but a gain over a source of the wrong "
            "people is not shown."
        )
    if groups[OPEN]:
        others = bins_words(groups[OPEN], evidence.target)
        said.append(f"No difference is shown for {others}.")
    if few.any():
        who = bins_words(list(parts.loc[few, BIN]), evidence.target)
        said.append(_sentence(f"{who} are too few to say anything"))
    return " ".join(said)


_FLOOR_VERBS = {
    GOOD: "get better lists than by popularity",
    BAD: "get worse lists than by popularity",
}


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."


def moved_figure(evidence: Evidence) -> Figure | None:
    """Users with a better, an equal and a worse list than with the other model."""
    counts = _moved(evidence)
    if counts is None:
        return None
    helped, same, harmed = counts
    return Figure(
        draw_moved(helped, same, harmed),
        f"For how many of the {helped + same + harmed:,} test users is this run better, equal or "
        f"worse than {evidence.without if evidence.run.twin else evidence.floor_name}?",
    )


def _from_lifts(evidence: Evidence) -> pd.DataFrame | None:
    """The rows the verdict is made of; people without history stand beside popularity too."""
    lifts, metric = evidence.lifts, evidence.metric
    assert lifts is not None
    main = lifts.over_floor if lifts.over_twin is None else lifts.over_twin
    if main is None:
        return None
    rows = _toned(main, metric)
    if lifts.over_twin is not None:
        answers = judge(lifts, metric, TARGET_HISTORY)
        answers[ALL_USERS] = by_figures(lifts, metric, TARGET_HISTORY)
        rows[TONE] = [ANSWER_TONES.get(answers[name], OPEN) for name in rows[BIN]]
    if lifts.over_placebo is not None:
        dealt = _toned(lifts.over_placebo.iloc[:1], metric).assign(**{BIN: OVER_PLACEBO})
        rows = pd.concat([rows.iloc[:1], dealt, rows.iloc[1:]], ignore_index=True)
    if lifts.over_twin is None:
        return rows
    if lifts.over_floor is None or lifts.over_floor.empty:
        return rows
    cold = _toned(lifts.over_floor, metric).assign(**{BIN: OVER_FLOOR})
    place = int((rows[BIN] == BINS[0]).to_numpy().argmax()) + 1
    return pd.concat([rows.iloc[:place], cold, rows.iloc[place:]], ignore_index=True)


def _toned(rows: pd.DataFrame, metric: str) -> pd.DataFrame:
    sure = [
        (GOOD if is_gain(mean, metric) else BAD) if row_sure else OPEN
        for mean, row_sure in zip(rows[MEAN], rows[SURE], strict=True)
    ]
    return rows.assign(**{TONE: sure, BIN: rows[SEGMENT]})


def _from_record(evidence: Evidence) -> pd.DataFrame | None:
    """The same rows from the record of a run whose data are gone."""
    key = LIFT if evidence.run.twin else "lift_over_bias" if evidence.rates else _POPULARITY
    lifts = getattr(evidence.record, key) or {}
    everybody = {SEGMENT: ALL_USERS} | (lifts.get(evidence.metric) or {})
    rows = [everybody] + [
        {SEGMENT: row[SEGMENT]} | row[key]
        for row in evidence.record.segments or []
        if row.get(BY) == TARGET_HISTORY and row.get(METRIC) == evidence.metric and row.get(key)
    ]
    rows = [row for row in rows if row.get(USERS)]
    if not rows:
        return None
    found = pd.DataFrame(rows).astype({MEAN: float, LOW: float, HIGH: float})
    found.loc[found[USERS] < FEWEST, [MEAN, LOW, HIGH]] = float("nan")
    return _toned(found.assign(**{SURE: (found[LOW] > 0) | (found[HIGH] < 0)}), evidence.metric)


_POPULARITY = "lift_over_popularity"


def _row_words(row: pd.Series, evidence: Evidence) -> str:
    if pd.isna(row[MEAN]):
        return "too few to say"
    digits = evidence.task.digits
    low, high = signed(row[LOW], digits), signed(row[HIGH], digits)
    return f"{signed(row[MEAN], digits)} ({low} to {high})"


def _label(name: str, evidence: Evidence) -> str:
    """A segment as a person says it, without the number of its users."""
    if name == ALL_USERS:
        return "everybody"
    if name == NEW:
        return f"new items of {_short(evidence.target)}"
    if name == OVER_PLACEBO:
        return "… over the placebo"
    nothing = f"nothing yet in {_short(evidence.target)}"
    if name in (BINS[0], OVER_FLOOR):
        return nothing if name == BINS[0] else f"… over {evidence.floor_name}"
    return f"{name.removesuffix('+') + ' or more' if name.endswith('+') else name} in " + _short(
        evidence.target
    )


def _short(name: str) -> str:
    return name if len(name) <= 18 else name[:17] + "…"


def _moved(evidence: Evidence) -> tuple[int, int, int] | None:
    ours, other = evidence.frame(evidence.run), evidence.other
    theirs = None if other is None else evidence.frame(other)
    if ours is None or theirs is None or evidence.metric not in theirs:
        return None
    values = user_differences(ours, theirs)[evidence.metric].to_numpy(float)
    values = values[values == values]
    counts = moved_counts(values, evidence.metric)
    helped, harmed = counts[HELPED], counts[HARMED]
    return helped, len(values) - helped - harmed, harmed


def _moved_words(evidence: Evidence) -> str:
    """Shares of people moved either way, beside what chance alone moves where that was measured."""
    counts, known = _moved(evidence), evidence.comparison
    assert counts is not None
    helped, _, harmed = (count / max(1, sum(counts)) for count in counts)
    said = (
        f"Judged one by one, {percent(helped)} of the people are better off and {percent(harmed)} "
        "worse. "
    )
    equals = equal_twins(evidence.run, TEST)
    if known is None or known.twin is None or not equals:
        return said + (
            "Two equally good models also move many single lists either way by chance, so these "
            "counts alone prove no harm and no help: the intervals above do."
        )
    floor = noise_floor(known.run, known.twin, equals, evidence.metric)
    excess = floor.harmed.excess
    shown = "harms more than chance does" if excess.low > 0 else "is not shown to harm more"
    return said + (
        f"Chance alone, the same model trained again {evidence.without}, makes "
        f"{percent(floor.helped.chance.mean)} better off and "
        f"{percent(floor.harmed.chance.mean)} worse: this run {shown} "
        f"({100 * excess.mean:+.1f} in 100 people, 95 % "
        f"{100 * excess.low:+.1f} to {100 * excess.high:+.1f})."
    )
