"""The verdict in a few sentences, made from the numbers by rules that a sceptic can check.

The first sentence is about all evaluated users, tested alone; the groups follow, corrected among
themselves. Sentences and the picture under them are of the same rows, so that they cannot disagree:
`judge` says what helps. For errors of predicted ratings better means smaller, and the bias model
stands in for popularity.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.basics.columns import HIGH, LOW, MEAN, SEGMENT, USER, USERS
from core.basics.formatting import count, number
from core.evaluation.lift import (
    ENOUGH_LAYERS,
    HOLM,
    LAYERS,
    NOISE,
    REPEATED,
    SIGNIFICANT,
    SURE,
    Layers,
    Pair,
    all_the_same,
    allowed_for_choice,
    digits_of,
    is_gain,
    lift_rows,
    mean_frame,
)
from core.evaluation.ratings import difference_intervals
from core.evaluation.segments import (
    ALL_USERS,
    BINS,
    ENOUGH_TO_BE_SURE,
    FEWEST,
    OVERLAP,
    TARGET_HISTORY,
    who,
)
from core.evaluation.side_by_side import gains_repeat
from core.metrics.intervals import Interval
from core.metrics.registry import metric_card, metric_title


def verdict(comparison: Comparison, metric: str = "ndcg@10", by: str = TARGET_HISTORY) -> str:
    """Whether the source helps, and for whom; a few sentences in words of the two domains."""
    return sentence(comparison, lifts_of(comparison, metric, by), metric, by)


def sentence(comparison: Comparison, lifts: Lifts, metric: str, by: str) -> str:
    """What the lifts of one kind of segment say; a failed check of the data comes before all."""
    if lifts.over_twin is None:
        said = [_over_floor(comparison, lifts, metric)]
    else:
        said = [
            _everybody(comparison, lifts, metric, by),
            *_by_group(comparison, lifts, metric, by),
        ]
        said += _chosen_words(comparison)
    if lifts.alarm:
        return f"{distrust(lifts.alarm)} The figures alone say: {' '.join(said)}"
    return " ".join(said)


def distrust(alarm: str) -> str:
    """What stands before a verdict on data of which a check failed."""
    return f"This cannot be trusted, as a check of the data failed. {alarm}"


def _everybody(comparison: Comparison, lifts: Lifts, metric: str, by: str) -> str:
    """The one question that is asked first: all evaluated users together, tested alone."""
    assert lifts.over_twin is not None
    row = lifts.over_twin.set_index(SEGMENT).loc[ALL_USERS]
    about = f"{_what(metric)} in {comparison.target_name}"
    shown = by_figures(lifts, metric, by)
    if shown == FEW:
        return (
            f"Too few users are evaluated to judge {comparison.source_name} for {about}: "
            f"{count(int(row[USERS]), 'user')}, and {FEWEST} are needed."
        )
    hits = _hits(comparison)
    words = f"({_row_words(row, metric)}{_trained_once(comparison, row, metric)})"
    subject = comparison.subject
    if shown in (HELPS, HARMS):
        verb = _verb(shown, metric)
        untold = "; not yet told from a placebo" if lifts.over_placebo is None else ""
        words = words[:-1] + (untold if shown == HELPS else "") + ")"
        return f"{subject} {verb} {about}{_people(hits, verb)} {words}."
    if shown == MODEL:
        better = "higher" if metric_card(metric).neutral else "better"
        return (
            f"With {comparison.source_name} {about} {_are(metric)} {better} {words}, "
            f"{_wrong_people(lifts, ALL_USERS, metric)}."
        )
    if row[SURE]:  # of cold users alone, and popularity gives as much
        return (
            f"With {comparison.source_name} {about} {_are(metric)} better than with the twin "
            f"{words}, but no better than by {comparison.floor} as far as can be told."
        )
    does = f"does {'to' if metric_card(metric).neutral else 'for'}"
    could_be = "" if hits is None else "; " + could_be_words(hits)
    if doubt := _doubt(row, comparison, metric):
        return f"What {_lower(subject)} {does} {about} is not sure{could_be} {words}: {doubt}."
    return (
        f"No difference is shown: with these {int(row[USERS]):,} users it is too close to "
        f"tell what {_lower(subject)} {does} {about}{could_be} {words}."
    )


def _by_group(comparison: Comparison, lifts: Lifts, metric: str, by: str) -> list[str]:
    """Which groups the source helps and harms, and of which nothing is shown; nothing of one."""
    assert lifts.over_twin is not None
    rows = lifts.over_twin[lifts.over_twin[MEAN].notna()].set_index(SEGMENT)
    judged = {
        name: answer for name, answer in judge(lifts, metric, by).items() if name in rows.index
    }
    everybody = lifts.over_twin[USERS].iloc[0]
    if not judged:
        return []
    everyone = who(by, list(judged), comparison.source_name, comparison.target_name)
    if len(judged) == 1 and rows[USERS].iloc[-1] == everybody:
        return [f"All of them are {everyone}."]
    shown = by_figures(lifts, metric, by)
    subject = "It" if shown in (HELPS, HARMS) else comparison.subject
    if shown in (HELPS, HARMS) and set(judged.values()) == {shown}:
        return [f"It does so in every group by itself: {everyone}."]
    said = []
    for answer in (HELPS, HARMS):
        if names := [name for name, found in judged.items() if found == answer]:
            users, figures = _pooled(comparison, metric, by, names)
            verb = _verb(answer, metric)
            what = f"{verb} {users}" if verb in (HELPS, HARMS) else f"{verb} that of {users}"
            people = _people(_hits(comparison, by, names), verb)
            said.append(f"{subject} {what}{people} {figures}.")
            subject = "It"
    of_model = [name for name, found in judged.items() if found == MODEL]
    if of_model:
        users, figures = _pooled(comparison, metric, by, of_model)
        said.append(
            f"{users[:1].upper()}{users[1:]} fare better than with the twin {figures}, "
            f"{_wrong_people(lifts, of_model[0], metric, one=len(of_model) == 1)}."
        )
    not_beaten = unbeaten(lifts, judged, metric)
    if not_beaten:
        users, figures = _pooled(comparison, metric, by, not_beaten)
        said.append(
            f"{users[:1].upper()}{users[1:]} fare better than with the twin {figures}, but no "
            f"better than by {comparison.floor} as far as can be told."
        )
    if not said:
        return ["No group shows it by itself."] if shown in (HELPS, HARMS, MODEL) else []
    still = [name for name, found in judged.items() if found == OPEN and name not in not_beaten]
    return said + _not_shown(comparison, rows.loc[still].reset_index(), metric, by)


def _wrong_people(lifts: Lifts, name: str, metric: str, *, one: bool = True) -> str:
    """That the source dealt to other people does as much, or that it may; the figure of one row.

    It does as much where most of the lift is left without the right people; where most is gone,
    only not for sure, that is all that may be said.
    """
    assert lifts.over_placebo is not None
    assert lifts.over_twin is not None
    row = lifts.over_placebo.set_index(SEGMENT).loc[name]
    over_twin = float(lifts.over_twin.set_index(SEGMENT)[MEAN][name])
    figures = f" ({difference_words(_interval(row), metric)} over it)" if one else ""
    if row[MEAN] / over_twin < MOST:
        return (
            f"but a source of the wrong people does as much{figures}: this is the model, not the "
            "taste"
        )
    return (
        f"but that a source of the wrong people does less is not shown{figures}: this may be the "
        "model and not the taste"
    )


def _trained_once(comparison: Comparison, row: pd.Series, metric: str) -> str:
    """`; mean of 3 trainings`, or how far another training could come out, where chance has a part.

    The twin trained again differs from the twin by two trainings; the lift of another training
    differs by four, the run's and the twin's each: by the root of two more.
    """
    if row[LAYERS]:
        return f"; mean of {int(row[LAYERS])} trainings"
    if not comparison.by_chance:
        return ""
    if not comparison.again or comparison.twin is None:
        return "; trained once"
    gaps = [
        difference_intervals(one, comparison.twin, [metric])[0].mean for one in comparison.again
    ]
    apart = float(np.sqrt(2 * np.mean(np.square(gaps))))
    size = _signed(apart, digits_of(metric)).removeprefix("+")
    return f"; trained once: another training could come out differently by about {size}"


WARNED = 11  # candidates from which on the choice has a warning of its own


def _chosen_words(comparison: Comparison) -> list[str]:
    """Among how many the run was chosen, where they were many; what that means for its figure."""
    if comparison.candidates <= WARNED:
        return []
    return [
        f"It is one of {comparison.candidates} candidates tried on these people: validation chose "
        "among them and the interval allows for that, but the best of so many owes part of its "
        "lead to luck."
    ]


def difference_words(interval: Interval, metric: str) -> str:
    """A difference with its interval: "+.012 nDCG@10, 95 % .006 to .018"; errors in four digits."""
    digits = digits_of(metric) if metric_card(metric).kept else _telling_digits(interval)
    return (
        f"{_signed(interval.mean, digits)} {metric_title(metric)}, 95 % {_range(interval, digits)}"
    )


def people_words(hits: float) -> str:
    """A difference in the share of users who find something, of a hundred: `3 more of 100`."""
    n = 100 * abs(hits)
    if round(n, 1) == 0:
        return "none of 100"
    return f"{n:.{0 if n >= 0.95 else 1}f} {'more' if hits > 0 else 'fewer'} of 100"


def could_be_words(hits: Interval) -> str:
    """What of a hundred users it could be: `it could be 1 fewer to 4 more of 100`."""
    low, high = people_words(hits.low), people_words(hits.high)
    if low == high:  # both ends round to nobody
        return "nobody of 100 finds more or less"
    return f"it could be {low.removesuffix(' of 100')} to {high}"


def _what(metric: str) -> str:
    card = metric_card(metric)
    if card.neutral:
        name = _lower(card.title) if card.title[1:2].islower() else card.title  # not S-recall
        return f"the {name} of recommendations"
    return "predicted ratings" if card.task == "rating" else "recommendations"


def _are(metric: str) -> str:
    return "is" if metric_card(metric).neutral else "are"


def _verb(answer: str, metric: str) -> str:
    """What the source does, HELPS or HARMS; where more is a matter of purpose, which way it goes.

    Figures of variety and popularity are raised or lowered: neither is a gain by itself.
    """
    card = metric_card(metric)
    if not card.neutral:
        return answer
    return "raises" if (answer == HELPS) == card.higher_is_better else "lowers"


def _not_shown(comparison: Comparison, rows: pd.DataFrame, metric: str, by: str) -> list[str]:
    """Of whom nothing is shown beside those of whom something is, and what it could be.

    Groups whose interval leaves zero out are told apart: of them no difference is not the word.
    """
    said = []
    beside = (rows[LOW] > 0) | (rows[HIGH] < 0)
    for part, verb in ((rows[~beside], "No difference is shown for"), (rows[beside], "")):
        if part.empty:
            continue
        names = [str(name) for name in part[SEGMENT]]
        users = who(by, names, comparison.source_name, comparison.target_name)
        ends = Interval(float("nan"), float(part[LOW].min()), float(part[HIGH].max()), 0, 0)
        each = "" if len(names) == 1 else " in each group"
        digits = digits_of(metric) if metric_card(metric).kept else _telling_digits(ends)
        could_be = f"(it could be {_range(ends, digits)} {metric_title(metric)}{each})"
        if verb:
            said.append(f"{verb} {users} {could_be}.")
        else:
            doubt = _doubt(part.iloc[0], comparison, metric)
            said.append(f"It is not sure for {users} {could_be}: {doubt}.")
    return said


def _hits(comparison: Comparison, by: str = "", names: list[str] | None = None) -> Interval | None:
    """Run minus twin in users who find something among ten; None where that is not known."""
    run, twin = comparison.run, comparison.twin
    if twin is None or HIT_RATE not in run or HIT_RATE not in twin:
        return None
    if names is not None:
        segment = comparison.segments[by].astype("str").to_numpy()
        run = run[np.isin(segment[run[USER].to_numpy()], names)]
    return difference_intervals(run, twin, [HIT_RATE])[0]


def _people(hits: Interval | None, verb: str) -> str:
    """`: 3 more of 100 find something they like`; nothing where hits do not tell."""
    if hits is None or verb not in (HELPS, HARMS) or round(1000 * abs(hits.mean)) < 1:
        return ""
    words = f"{people_words(hits.mean)} find something they like"
    return f": {words}" if (hits.mean > 0) == (verb == HELPS) else f", though {words}"


def _pooled(comparison: Comparison, metric: str, by: str, names: list[str]) -> tuple[str, str]:
    """Users of some segments in words, and their difference to the twin in brackets."""
    assert comparison.twin is not None
    segment = comparison.segments[by].astype("str").to_numpy()
    ours = comparison.run[np.isin(segment[comparison.run[USER].to_numpy()], names)]
    interval = difference_intervals(ours, comparison.twin, [metric])[0]
    users = who(by, names, comparison.source_name, comparison.target_name)
    return users, f"({difference_words(interval, metric)}, {interval.users:,} users)"


def _doubt(row: pd.Series, comparison: Comparison, metric: str) -> str:
    """Why a difference whose interval leaves zero out does not count all the same; else nothing."""
    if not _interval(row).excludes_zero:
        return ""
    if row[USERS] < ENOUGH_TO_BE_SURE:
        why = f"{int(row[USERS])} users are too few to be sure, {ENOUGH_TO_BE_SURE} are needed"
    elif row[HOLM] >= SIGNIFICANT and row.get(SEGMENT, ALL_USERS) != ALL_USERS:
        why = "several groups were looked at, and one of several shows such a range by chance"
    elif row[HOLM] >= SIGNIFICANT:
        why = f"chance alone makes as large a difference too often (p {number(row[HOLM])})"
    elif row[NOISE] == row[NOISE] and abs(row[MEAN]) <= row[NOISE]:
        why = "the twin, trained again, comes as far from itself"
    elif round(abs(row[MEAN]), digits_of(metric)) == 0:
        why = "a difference that small is none to anybody"
    elif not row[REPEATED]:
        why = "the validation users do not bear it out"
    else:
        why = "it is not borne out by all that is known"
    return f"the range leaves zero out, but {why}"


def _over_floor(comparison: Comparison, lifts: Lifts, metric: str) -> str:
    """For a model without a target-only form: better than popularity, or not."""
    if lifts.over_floor is None:
        return "There is nothing to compare this run with."
    everybody = lifts.over_floor.set_index(SEGMENT).loc[ALL_USERS]
    if everybody[USERS] < FEWEST:
        return f"Too few users are evaluated to judge this run ({int(everybody[USERS])})."
    words, floor = f"({_row_words(everybody, metric)})", comparison.floor
    if not everybody[SURE]:
        return (
            f"No difference is shown between this run and {floor}: with these "
            f"{int(everybody[USERS]):,} users it is too close to tell {words}."
        )
    gains = is_gain(everybody[MEAN], metric)
    verb = "beats" if gains else "falls behind"
    if metric_card(metric).neutral:
        verb = f"{_verb(HELPS if gains else HARMS, metric)} it against"
    return f"This run {verb} {floor} {words}; it has no target-only twin to compare with."


def _row_words(row: pd.Series, metric: str) -> str:
    return f"{difference_words(_interval(row), metric)}, {int(row[USERS]):,} users"


def _interval(row: pd.Series) -> Interval:
    return Interval(row[MEAN], row[LOW], row[HIGH], int(row[USERS]), 0)


def _lower(words: str) -> str:
    return words[:1].lower() + words[1:]


def _telling_digits(interval: Interval) -> int:
    """Decimals that leave two digits of the largest of the three numbers, at least 3, at most 6."""
    largest = np.nanmax(np.abs([interval.mean, interval.low, interval.high]))
    return int(np.clip(1 - np.floor(np.log10(largest)), 3, 6)) if largest > 0 else 3


def _range(interval: Interval, digits: int) -> str:
    return f"{_signed(interval.low, digits)} to {_signed(interval.high, digits)}"


def _signed(value: float, digits: int) -> str:
    """Some decimals with a sign and without the leading zero: +.012, −.003, .000."""
    text = f"{abs(value):.{digits}f}"
    sign = "" if float(text) == 0 else "+" if value > 0 else "−"
    return sign + (text[1:] if text.startswith("0") else text)


# What the lifts of a run show, segment by segment and over all users. Nothing "helps" unless the
# lift over the twin is sure (core/evaluation/lift.py says when), the lift over the placebo as well
# where one was made, and for users without target history the lift over popularity (not of figures
# of variety or popularity, of which more is no gain by itself).

HELPS, HARMS, OPEN = "helps", "harms", "open"
MODEL = "model"  # sure over the twin, not over a source of the wrong people
FEW, UNTRUSTED = "few", "untrusted"  # of all users together: too few to say; a check failed
MOST = 0.5  # of a lift: where less of it is left over the placebo, the wrong people do as much
HIT_RATE = "hit_rate@10"  # what is said of people out of a hundred
COLD = {TARGET_HISTORY: BINS[0], OVERLAP: "source only"}  # segments popularity competes for


@dataclass(frozen=True)
class Comparison:
    """A run beside its twin and popularity, per user on one split; None where there is none."""

    run: pd.DataFrame
    twin: pd.DataFrame | None
    popularity: pd.DataFrame | None
    segments: pd.DataFrame  # as user_segments gives them, maybe with attributes beside
    source_name: str
    target_name: str
    floor: str = "popularity"  # what stands in the place of popularity, in words
    source_speaks: bool = True  # False: the source shapes the model, no user's history there
    again: Sequence[pd.DataFrame] = ()  # the twin trained again, for its noise
    seeds: Layers = ()  # run and twin of every seed, this run's own first
    placebos: Sequence[pd.DataFrame] = ()  # the model with the source dealt to other people
    valid: Pair | None = None  # run and twin on validation, where the others are of test
    candidates: int = 1  # settings tried and runs compared, this one among them
    by_chance: bool = False  # another seed would give another model
    alarm: str = ""  # what a failed check says of the data

    @property
    def subject(self) -> str:
        """What is to help, in words."""
        return f"{'History in' if self.source_speaks else 'What'} {self.source_name}" + (
            "" if self.source_speaks else " teaches"
        )


@dataclass(frozen=True)
class Lifts:
    """What a picture of lifts shows; None where there is nothing to compare with."""

    over_twin: pd.DataFrame | None  # see lift_rows; over trainings too where there are enough
    over_floor: pd.DataFrame | None  # of cold users where there is a twin
    over_placebo: pd.DataFrame | None = None  # over users, and deals where there are enough
    alarm: str = ""  # of the comparison


def lifts_of(comparison: Comparison, metric: str, by: str) -> Lifts:
    """Every lift a picture of one kind of segment shows, each sure or not."""
    run, twin, floor = comparison.run, comparison.twin, comparison.popularity
    segments, alarm = comparison.segments, comparison.alarm
    over_placebo = None
    placebos = [frame for frame in comparison.placebos if metric in frame]
    if placebos:
        deals = [(run, frame) for frame in placebos]
        over_placebo = lift_rows(run, mean_frame(placebos), segments, by, metric, layers=deals)
    if twin is None:
        over = None if floor is None else lift_rows(run, floor, segments, by, metric)
        return Lifts(None, over, over_placebo, alarm)
    seeds = comparison.seeds
    if len(seeds) >= ENOUGH_LAYERS and all_the_same(seeds, metric):
        seeds = ()
    valid = comparison.valid
    if valid is not None and not all(metric in frame for frame in valid):
        valid = None
    rows = lift_rows(run, twin, segments, by, metric, comparison.again, layers=seeds, valid=valid)
    if valid is not None and comparison.candidates > 1:
        repeat = gains_repeat(valid, (run, twin), metric)
        rows = allowed_for_choice(rows, metric, comparison.candidates, repeat.mean)
    cold = [COLD[by]] if by in COLD else []
    over = None
    if floor is not None:
        over = lift_rows(run, floor, segments, by, metric, only=cold)
    return Lifts(rows, over, over_placebo, alarm)


def judge(lifts: Lifts, metric: str, by: str) -> dict[str, str]:
    """HELPS, HARMS, MODEL or OPEN by segment, those without users left out."""
    assert lifts.over_twin is not None
    rows = lifts.over_twin.set_index(SEGMENT).drop(index=ALL_USERS)
    beaten = _gaining(lifts.over_floor, metric)
    judged = {}
    for name, row in rows.iterrows():
        answer = outcome(lifts, str(name), row, metric)
        rival = COLD.get(by) == name and not metric_card(metric).neutral
        if answer in (HELPS, MODEL) and rival and name not in beaten:
            answer = OPEN
        judged[str(name)] = answer
    return judged


def outcome(lifts: Lifts, name: str, row: pd.Series, metric: str) -> str:
    """Of one row, by the lift over the twin and that over the placebo."""
    if not row[SURE]:
        return OPEN
    if not is_gain(row[MEAN], metric):
        return HARMS
    told = lifts.over_placebo is None or name in _gaining(lifts.over_placebo, metric)
    return HELPS if told else MODEL


def _gaining(rows: pd.DataFrame | None, metric: str) -> set[str]:
    """Segments that are sure to gain."""
    if rows is None:
        return set()
    gains = rows[rows[SURE] & rows[MEAN].map(lambda mean: is_gain(mean, metric))]
    return set(gains[SEGMENT])


def altogether(lifts: Lifts, metric: str, by: str) -> str:
    """The outcome over all users, one of six: HELPS, HARMS, OPEN, MODEL, FEW or UNTRUSTED.

    A gain that is cold users' alone, and no larger than popularity's, is OPEN.
    """
    return UNTRUSTED if lifts.alarm else by_figures(lifts, metric, by)


def by_figures(lifts: Lifts, metric: str, by: str) -> str:
    """The outcome over all users whatever a check of the data says."""
    assert lifts.over_twin is not None
    everybody = lifts.over_twin.set_index(SEGMENT).loc[ALL_USERS]
    if everybody[USERS] < FEWEST:
        return FEW
    answer = outcome(lifts, ALL_USERS, everybody, metric)
    if answer != HELPS:
        return answer
    judged = judge(lifts, metric, by)
    others = {HELPS, MODEL} & set(judged.values())
    only_cold = not others and bool(unbeaten(lifts, judged, metric))
    return OPEN if only_cold else HELPS


def unbeaten(lifts: Lifts, judged: dict[str, str], metric: str) -> list[str]:
    """Segments that are sure to gain over the twin, only not over what stands for popularity."""
    assert lifts.over_twin is not None
    rows = lifts.over_twin.set_index(SEGMENT)
    return [
        name
        for name, answer in judged.items()
        if answer == OPEN and rows[SURE][name] and is_gain(rows[MEAN][name], metric)
    ]
