"""The answer in words: helps, harms, or no difference shown, each with people out of a hundred."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from core.basics.columns import HIGH, LOW, MEAN
from core.basics.formatting import number, signed_with_interval
from core.evaluation.lift import is_gain
from core.evaluation.segments import BINS, bins_words
from core.evaluation.verdict import HARMS, HELPS, MODEL, OPEN, distrust
from core.metrics.registry import metric_card, metric_title
from core.runs.answer.groups import NEW, Answer, Group
from core.store.run_folder import Run


def told(answer: Answer) -> dict[str, Any]:
    """Plain values for JSON, with the answer's sentences under `answer` and `use`."""
    return {"answer": answer_words(answer), "use": use_words(answer)} | answer.to_dict()


def answer_words(answer: Answer) -> list[str]:
    """Two to six sentences; the first is the headline: the strongest group that is sure.

    A reader asks "for whom?" first. The strongest sure group was corrected for all groups that were
    looked at, so it may lead; everybody's one test comes right behind, so that a strong group is
    not taken for everybody. Where no group is sure it leads. A failed check comes before all.
    """
    told = [group for group in answer.groups if group.known]
    helped = sorted((g for g in told if g.answer == HELPS), key=lambda g: g.gain, reverse=True)
    harmed = [group for group in told if group.answer == HARMS]
    history = f"History in {answer.source}"
    everybody = _everybody_words(answer, beside=True)
    if not helped and not harmed:
        said = [_everybody_words(answer, beside=False)]
        if answer.everybody.known and _by_figures(answer.everybody) in (HELPS, HARMS):
            said.append("No group shows it by itself.")
        return _warned(answer, said + _of_the_model(answer, told))
    said = []
    if helped:
        strongest, *others = helped
        most = "helps most for" if others else "helps"
        said.append(f"{history} {most} {_who([strongest], answer)}{_instead(strongest, answer)}.")
        said.append(everybody)
        if others:
            said.append(f"It also helps {_who(others, answer)}{_more(others)}.")
    if harmed:
        said.append(f"{'It' if helped else history} harms {_who(harmed, answer)}{_more(harmed)}.")
        if not helped:
            said.append(everybody)
    said += _of_the_model(answer, told) + _untold(answer, helped)
    still = [group for group in told if group.answer == OPEN]
    for beside, words in ((False, "No difference is shown for"), (True, "It is not sure for")):
        if part := [group for group in still if group.lift.excludes_zero == beside]:
            said.append(f"{words} {_who(part, answer)}{_could_be(part)}.")
    return _warned(answer, said)


def _warned(answer: Answer, said: list[str]) -> list[str]:
    """The sentences behind the check that failed, if one did."""
    if not (alarm := answer.everybody.alarm):
        return said
    first, *others = said
    return [distrust(alarm), f"The figures alone say: {first}", *others]


def _of_the_model(answer: Answer, told: Sequence[Group]) -> list[str]:
    """Whom a source of the wrong people serves as well."""
    if not (found := [group for group in told if group.answer == MODEL]):
        return []
    who = _who(found, answer)
    return [f"For {who} a gain over a source of the wrong people is not shown{_more(found)}."]


def _untold(answer: Answer, helped: Sequence[Group]) -> list[str]:
    """Which gains were held against no placebo, where the sentence on everybody does not say so."""
    found = [group for group in helped if not group.placebo]
    if not found or (not answer.everybody.placebo and _by_figures(answer.everybody) == HELPS):
        return []
    return [f"The gain of {_who(found, answer)} is not yet told from a placebo."]


def _by_figures(group: Group) -> str:
    """HELPS, HARMS, MODEL or OPEN of everybody, whatever a check of the data says."""
    if group.answer in (HELPS, HARMS, MODEL, OPEN):
        return group.answer
    if not group.lift.excludes_zero:
        return OPEN
    return HELPS if is_gain(group.lift.mean, group.metric) else HARMS


def _everybody_words(answer: Answer, *, beside: bool) -> str:
    """Everybody's own sentence, which leads or stands beside that of the strongest group."""
    everybody, history = answer.everybody, f"history in {answer.source}"
    if not everybody.known:
        return f"Too few people are tested to say whether {history} helps."
    people = f"Over all {everybody.users:,} people together"
    shown = _by_figures(everybody)
    if shown in (HELPS, HARMS):
        untold = "" if everybody.placebo or shown == HARMS else ", not yet told from a placebo"
        who = "it" if beside else history
        return f"{people} {who} {shown}{_more([everybody])}{untold}."
    if shown == MODEL:
        return (
            f"{people} {answer.target} are found better with {answer.source}"
            f"{_more([everybody])}, but that a source of the wrong people does less is not shown: "
            "this may be the model and not the taste."
        )
    if everybody.lift.excludes_zero:
        return f"{people} it is not sure that {history} helps{_could_be([everybody])}."
    if beside:
        return f"{people} no difference is shown{_could_be([everybody])}."
    return (
        f"No difference is shown: with {everybody.users:,} people it is too close to tell whether "
        f"{history} helps in {answer.target}{_could_be([everybody])}."
    )


def _who(groups: Sequence[Group], answer: Answer) -> str:
    """The people of some groups: `people with nothing yet in films`."""
    names = [group.name for group in groups]
    bins = [name for name in BINS if name in names]
    new = f"with new items of {answer.target}" if NEW in names else ""
    if bins == [BINS[0]]:
        people = f"people with nothing yet in {answer.target}"
    else:
        people = bins_words(bins, answer.target).replace("users", "people", 1) if bins else ""
    return " and ".join(filter(None, (people, new)))


def _instead(group: Group, answer: Answer) -> str:
    """`: 91 of 100 find something they like among ten, without books 70`."""
    if group.found is None or group.found_without is None:
        return _more([group])
    ours, theirs = round(100 * group.found), round(100 * group.found_without)
    if ours == theirs:
        return _more([group])
    return f": {ours} of 100 find something they like among ten, without {answer.source} {theirs}"


def _more(groups: Sequence[Group]) -> str:
    """` (3 more of 100)`, over all people of the groups; in points of error for ratings."""
    weights = [group.users for group in groups]
    if all(group.hits is not None for group in groups):
        mean = 100 * float(np.average([g.hits.mean for g in groups if g.hits], weights=weights))
        size = f"{abs(mean):.0f}" if abs(mean) >= 0.95 else f"{abs(mean):.1f}"
        return f" ({size} {'more' if mean >= 0 else 'fewer'} of 100 find something they like)"
    mean = float(np.average([group.lift.mean for group in groups], weights=weights))
    way = "farther" if mean > 0 else "nearer"
    return f" (predicted ratings are {number(abs(mean))} points {way}, by RMSE)"


def _could_be(groups: Sequence[Group]) -> str:
    """` (it could be 1 fewer to 4 more of 100)` for one group; nothing where there are several.

    Of ratings the difference in their error.
    """
    if len(groups) != 1:
        return ""
    if groups[0].hits is None:
        lift, title = groups[0].lift, metric_title(groups[0].metric)
        return f" ({title} {signed_with_interval(lift.mean, lift.low, lift.high, 4)})"
    low, high = (round(100 * end, 1) for end in (groups[0].hits.low, groups[0].hits.high))
    if low == high == 0:
        return " (nobody of 100 finds more or less)"
    ends = [f"{abs(end):g} {'more' if end >= 0 else 'fewer'}" for end in (low, high)]
    return f" (it could be {ends[0]} to {ends[1]} of 100)"


def lift_in_short(run: Run) -> str:
    """What a run shows over its twin on all its test users: `+.012 nDCG@10 …: better with books.`

    Whether the source helps is for the verdict to say, which asks for more than an interval.
    """
    metric = run.card.task.metric
    lift = (run.record.lift or {}).get(metric)
    if not lift or lift[LOW] is None or lift[HIGH] is None:
        return ""
    said = signed_with_interval(lift[MEAN], lift[LOW], lift[HIGH])
    gains = (lift[MEAN] > 0) == metric_card(metric).higher_is_better
    shown = f"{'better' if gains else 'worse'} with history in {run.record.source_name}"
    if lift[LOW] <= 0 <= lift[HIGH]:
        shown = "no difference shown"
    return f"{said} {metric_title(metric)} over its twin: {shown}."


def use_words(answer: Answer) -> str:
    """Which model for whom; the same for everybody where one is best for all.

    And which of them were not trained to their end.
    """
    by_run: dict[str, list[Group]] = {}
    for group in answer.groups:
        if group.known:
            by_run.setdefault(group.run.card.title, []).append(group)
    if not by_run:
        return ""
    cut = {
        group.run.card.title: f" {group.run.card.title}: {group.run.cut_short}"
        for group in answer.groups
        if group.known and group.run.cut_short
    }
    if len(by_run) == 1:
        return f"Use {next(iter(by_run))} for everybody.{''.join(cut.values())}"
    said = [f"{model} for {_who(groups, answer)}" for model, groups in by_run.items()]
    return f"Use {', '.join(said[:-1])} and {said[-1]}.{''.join(cut.values())}"
