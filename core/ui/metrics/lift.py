"""What the source adds: lift over the twin by segment, and how many users it helps and harms."""

from __future__ import annotations

from collections import Counter

import pandas as pd
import streamlit as st

from core.basics.columns import HIGH, LOW, MEAN, SEGMENT, TARGET, USERS
from core.basics.formatting import count, number, signed, signed_interval, signed_with_interval
from core.charts.report import BAD, DETAIL, GOOD, MOVED, OPEN, TONE, WORDS, draw_lifts
from core.data.checks.check import checks_of
from core.evaluation.lift import (
    EFFECT,
    HARMED,
    HELPED,
    HOLM,
    LAYERS,
    NOISE,
    SURE,
    digits_of,
    is_gain,
)
from core.evaluation.segments import ALL_USERS, BINS, FEWEST, TARGET_HISTORY
from core.evaluation.verdict import MODEL, Lifts, by_figures, judge
from core.metrics.registry import metric_card, metric_title
from core.runs.answer.groups import TONES
from core.runs.making.train_again import is_trained, plans_of_more_seeds
from core.runs.studies.noise import floor_sentence, moved_words, reseed_payload
from core.runs.studies.versions import other_versions, version_names
from core.store.measured import (
    BY_SEED,
    BY_USERS,
    read_reseeded,
    reseeded_is_damaged,
)
from core.store.run_folder import Run
from core.ui import cached
from core.ui.data.checks import draw_time_note, time_leak_of
from core.ui.frame import draw_trust
from core.ui.keeping import kept_data
from core.ui.metrics.figures import (
    floor_name,
    floor_of,
    lifts_of,
    other_seeds,
    seeds_of,
    sentence_of,
)
from core.ui.metrics.placebo import dealt_words, show_placebo
from core.ui.metrics.view import (
    View,
    draw_upload,
    group_label,
    missing_words,
    reader_of,
    titles_of,
)
from core.ui.navigation import link_to
from core.ui.shell import Task, draw_task, show_chart, workspace
from core.ui.state import linked, one_of
from core.ui.widgets import plain


def show_lift(run: Run, view: View) -> None:
    """The sentence, its picture, and below it what is known of chance."""
    if run.twin is None and run.floor is None:
        st.caption(f"This run is {floor_name(run)} itself: there is nothing to compare it with.")
        return
    by = _pick_segments(run)
    lifts = lifts_of(run, view.part, view.column, by)
    st.markdown(f"**{plain(sentence_of(run, view.part, view.column, by), 1200)}**")
    rows = _rows(run, view, lifts, by)
    of_model = not metric_card(view.column).neutral and bool((rows[TONE] == MOVED).any())
    show_chart(
        draw_lifts(rows, x=f"difference in {metric_title(view.column)}"),
        " ".join(
            filter(
                None,
                [
                    _caption(run, view, lifts)
                    + dealt_words(run, view, of_model)
                    + missing_words(run, view.part, by),
                    run.cut_short,
                ],
            )
        ),
        "lift",
    )
    show_placebo(run, view)
    show_layers(run, view)
    show_versions(run, view)
    show_trust(run)


def _pick_segments(run: Run) -> str:
    titles = titles_of(run)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        by = st.segmented_control(
            "Segments by",
            list(titles),
            format_func=lambda name: titles.get(name, name),
            required=True,
            **linked("by", TARGET_HISTORY, one_of(list(titles))),
        )
        draw_upload(run)
    return str(by)


def _rows(run: Run, view: View, lifts: Lifts, by: str) -> pd.DataFrame:
    """What the picture shows: all users, then each group, and under it what else it is held to.

    That is the placebo, and the floor for users without target history.
    """
    shown: list[pd.Series] = []
    answers = {}
    if lifts.over_twin is not None:
        answers = judge(lifts, view.column, by)
        answers[ALL_USERS] = by_figures(lifts, view.column, by)
    main = lifts.over_floor if lifts.over_twin is None else lifts.over_twin
    assert main is not None
    floor = None if lifts.over_twin is None else lifts.over_floor
    dealt = lifts.over_placebo
    for _, row in main.iterrows():
        name = str(row[SEGMENT])
        answer = answers.get(name)
        sure = bool(row[SURE]) if answer is None else answer in TONES
        label = f"{group_label(run, by, name)} · {int(row[USERS]):,}"
        shown.append(_drawn(row, label, view.column, sure, _details(row)))
        if answer == MODEL:
            shown[-1][TONE] = TONES[MODEL]
        shown += [
            _drawn(other, "… over the placebo", view.column, bool(other[SURE]))
            for _, other in _of(dealt, name).iterrows()
            if not pd.isna(other[MEAN])
        ]
        shown += [
            _drawn(other, f"… over {floor_name(run)}", view.column, bool(other[SURE]))
            for _, other in _of(floor, name).iterrows()
        ]
    return pd.DataFrame(shown).reset_index(drop=True)


def _of(table: pd.DataFrame | None, name: str) -> pd.DataFrame:
    return pd.DataFrame() if table is None else table[table[SEGMENT] == name]


def _drawn(row: pd.Series, label: str, metric: str, sure: bool, detail: str = "") -> pd.Series:
    silent = pd.isna(row[MEAN])
    kept = metric_card(metric).kept
    digits = digits_of(metric) if kept else 4
    words = f"{signed(row[MEAN], digits)} ({signed_interval(row[LOW], row[HIGH], digits)})"
    tone = OPEN
    if sure and not silent:  # a figure of which more is no gain has only moved
        better = GOOD if is_gain(row[MEAN], metric) else BAD
        tone = MOVED if metric_card(metric).neutral else better
    said = {SEGMENT: label, WORDS: "too few to say" if silent else words}
    said |= {TONE: tone, DETAIL: detail, NOISE: row.get(NOISE, float("nan"))}
    return pd.Series({MEAN: row[MEAN], LOW: row[LOW], HIGH: row[HIGH]} | said)


def _details(row: pd.Series) -> str:
    if pd.isna(row[MEAN]):
        return ""
    effect = f"effect size {signed(row[EFFECT], 2)} standard deviations"
    corrected = "" if row[SEGMENT] == ALL_USERS else " (Holm)"
    return f"{effect}, p {number(row[HOLM])}{corrected}"


def _caption(run: Run, view: View, lifts: Lifts) -> str:
    """For whom does the source help: what right of zero, a filled dot and a grey band mean."""
    card = metric_card(view.column)
    side = "Right" if card.higher_is_better else "Left"
    if lifts.over_twin is None:
        return f"{side} of zero: better than {floor_name(run)}. " + _filled(lifts.over_floor, False)
    speaks = "history in " if run.card.source_speaks else "what it learns from "
    source = f"{speaks}{plain(run.record.source_name)}"
    words = f"{side} of zero: {source} helps. "
    if card.neutral:
        words = (
            f"Right of zero: more with {source}; whether more is better depends on the purpose. "
        )
    return words + _filled(lifts.over_twin, bool(lifts.over_twin[NOISE].notna().any()))


def _filled(table: pd.DataFrame | None, banded: bool) -> str:
    assert table is not None
    tests = int(table[MEAN].notna().sum())
    groups = tests - 1  # all users together stand alone
    words = "Filled: sure; hollow: may be chance."
    if groups > 1:
        words = f"Filled: sure, a group also among the {groups} looked at; hollow: may be chance."
    if layers := int(table[LAYERS].max()):
        words += f" Every lift is the mean of {layers} trainings, its interval over users and them."
    if banded:
        words += " Grey band: how far the twin, trained again, comes from itself."
    if (table[USERS] < FEWEST).any():
        few = ", ".join(plain(name) for name in table.loc[table[USERS] < FEWEST, SEGMENT])
        words += f" Under {FEWEST} users ({few}) is too few to say."
    return words


# Beside the lifts: who is helped and harmed above the noise floor, cold users, other seeds.

_WHY = (
    "Two equally good models help and harm many users by chance; only what goes beyond is the "
    "source's doing. The twin is trained again with another seed. A model that knows no chance is "
    "trained without a tenth of the users instead, three times: users and not interactions, so "
    "that everybody is asked about with the whole history and only what is learned from others "
    "differs."
)
_HOW = {
    BY_SEED: "By chance: the twin with another seed, against the twin.",
    BY_USERS: "By chance: this model knows none, so three twins that each learned without "
    "another tenth of the users stand against each other.",
}


def show_layers(run: Run, view: View) -> None:
    """Counts, cold users, the noise floor and seeds, side by side."""
    counts, chance, seeds = st.columns(3, gap="large")
    with counts:
        _show_counts(run, view)
        _show_cold(run, view)
    if run.twin is None:
        return
    with chance:
        _show_floor(run, view)
    if is_trained(run):
        with seeds:
            _show_seeds(run, view)


def _show_counts(run: Run, view: View) -> None:
    lifts = lifts_of(run, view.part, view.column, TARGET_HISTORY)
    table = lifts.over_floor if lifts.over_twin is None else lifts.over_twin
    assert table is not None
    everybody = table.set_index(SEGMENT).loc[ALL_USERS]
    against = "its twin" if run.twin else floor_name(run)
    st.markdown(f"**Users, against {against}**")
    if everybody[USERS] < FEWEST:
        st.caption(f"{count(int(everybody[USERS]), 'user')}: too few to say.")
        return
    same = int(everybody[USERS] - everybody[HELPED] - everybody[HARMED])
    better, worse = st.columns(2)
    for place, label, n in zip((better, worse), _ways(view.column), (HELPED, HARMED), strict=True):
        place.metric(label, f"{int(everybody[n]):,}")
    st.caption(f"{same:,} the same of {int(everybody[USERS]):,}, by {metric_title(view.column)}.")


def _ways(metric: str) -> tuple[str, str]:
    """What becomes of users for the better and the worse; up or down where neither is a gain."""
    card = metric_card(metric)
    if not card.neutral:
        return "helped", "harmed"
    return ("raised", "lowered") if card.higher_is_better else ("lowered", "raised")


def _show_floor(run: Run, view: View) -> None:
    if not metric_card(view.column).kept:
        st.caption(
            "How much of this is chance is measured for metrics that runs keep, such as nDCG; "
            f"{metric_title(view.column)} is made from lists."
        )
        return
    floor = floor_of(run, view.part, view.column)
    if floor is not None:
        info = read_reseeded(run)
        assert info is not None
        st.markdown(f"**{floor_sentence(floor)}**")
        for word, moved in (("Helped", floor.helped), ("Harmed", floor.harmed)):
            st.markdown(moved_words(word, moved))
        st.caption(_HOW[info.how], help=_WHY)
    elif is_trained(run):
        if reseeded_is_damaged(run):
            st.warning("The noise floor that was kept cannot be read any more. Measure it again.")
        st.caption("How many of them by chance alone is not measured yet.")
        task = Task(
            "reseed",
            (reseed_payload(run.id),),
            f"Noise floor of {run.label}",
            "Measure the noise floor",
            _WHY,
        )
        draw_task(task, "measure_noise")


def _show_cold(run: Run, view: View) -> None:
    floor = lifts_of(run, view.part, view.column, TARGET_HISTORY).over_floor
    if floor is None:
        return
    target, rows = plain(run.record.name_of(TARGET)), floor.set_index(SEGMENT)
    if BINS[0] not in rows.index:
        return  # nobody is without history
    cold = rows.loc[BINS[0]]
    if cold[USERS] < FEWEST:
        st.caption(f"{count(int(cold[USERS]), 'cold user')}: too few to say.")
        return
    users = f"{int(cold[USERS]):,} cold users"
    st.metric(f"over {floor_name(run)}, {users}", signed(cold[MEAN]))
    st.caption(
        f"{metric_title(view.column)}: {signed_with_interval(cold[MEAN], cold[LOW], cold[HIGH])}. "
        f"Cold users have no history in {target}."
    )


def _show_seeds(run: Run, view: View) -> None:
    """The lift over all users with every seed, or a button that trains more."""
    info, seeds = read_reseeded(run), seeds_of(run, view.part, view.column)
    if seeds.alike or (info is not None and info.how == BY_USERS):
        st.caption("Every seed gives the same model: this one knows no chance.")
        return
    if seeds.over is not None:
        over = seeds.over
        said = signed_with_interval(over[MEAN], over[LOW], over[HIGH])
        st.markdown(
            f"**{seeds.n} seeds**: {plain(said)}  \n:gray[:small[over users and seeds, all users]]"
        )
        return
    said = "One seed so far" if seeds.n <= 1 else f"{seeds.n} seeds, too few for an interval"
    ids = other_seeds(run)
    others = [other for other in cached.runs() if other.id in ids]
    st.caption(f"{said}.")
    plans = plans_of_more_seeds(run, [run, *others])
    task = Task(
        "train",
        tuple(plan.to_dict() for plan in plans),
        f"More seeds of {run.label}",
        "Train two more seeds",
        "The same model, settings and split; each a run with its twin.",
    )
    draw_task(task, "more_seeds")


# Lift with and without: the same model on versions of one pair that share their test rows.


def show_versions(run: Run, view: View) -> None:
    """A line per version with level, twin and lift; nothing where there is one version only."""
    runs = cached.runs()
    ids = _other_ids(run, runs)
    others = [one for one in runs if one.id in ids]
    versions = [run, *others]
    if len(versions) < 2 or run.twin is None:
        return
    names = version_names(workspace(), versions)
    st.markdown("**With and without: the same model on other versions of this pair**")
    rows = [_row(one, name, view) for one, name in zip(versions, names, strict=True)]
    st.table(pd.DataFrame(rows), border="horizontal", hide_index=True)
    words = "The first line is this run. All test rows are the same, so lifts may be compared."
    if any("cross-listed" in name for name in names):
        words += " A lift that goes with the cross-listed items was their leak and no transfer."
    st.caption(words)


def _row(run: Run, name: str, view: View) -> dict[str, str]:
    lifts = lifts_of(run, view.part, view.column, TARGET_HISTORY).over_twin
    assert lifts is not None
    assert run.twin is not None
    row, title = lifts.set_index(SEGMENT).loc[ALL_USERS], metric_title(view.column)
    levels = [_level(one, view) for one in (run, run.twin)]
    return {
        "Version": plain(name, 120),
        title: number(levels[0]),
        f"{title}, its twin": number(levels[1]),
        "Lift over the twin": plain(signed_with_interval(row[MEAN], row[LOW], row[HIGH])),
    }


def _level(run: Run, view: View) -> float:
    """As the run has it on record, or the mean over its users."""
    said = run.record.figures(view.part).get(view.column)
    return float(said[MEAN] if said else reader_of(view.column)(run, view.part)[view.column].mean())


@kept_data(max_entries=20)
def _other_ids(run: Run, runs: list[Run]) -> list[str]:
    return [one.id for one in other_versions(workspace(), run, runs)]


# Beside every lift: what the trust checks say of the data it is measured on.

_LIGHTS: dict[str, str] = {
    "green": "passed",
    "amber": "in doubt",
    "red": "failed",
    "grey": "without an answer",
}


def show_trust(run: Run) -> None:
    """How many checks of the pair passed; the failed ones in words, with a link to all of them."""
    dataset_hash, split_hash = run.record.dataset_hash, run.record.split_hash
    given = not (workspace().pairs / dataset_hash).exists()
    checks = checks_of(workspace(), dataset_hash, split_hash)
    if checks is None and given:
        st.caption("Trust: this split came as files of its own, so its data were not checked here.")
        return
    if checks is None:
        st.caption("Trust: this pair was not checked yet, so no lift on it is to be believed.")
        link_to("data", "Check the pair", tab="Quality")
        return
    draw_trust(dataset_hash, split_hash)
    lights = Counter[str](check.light for check in checks)
    said = [f"{lights[light]} {words}" for light, words in _LIGHTS.items() if lights[light]]
    what = "split, which came as files of its own" if given else "pair"
    st.caption(f"Trust checks of this {what}: {', '.join(said)}.")
    # The Data page shows what was found in a pair; of a given split it stands here alone
    for check in checks if given else ():
        if check.light in ("amber", "red"):
            st.caption(plain(f"{check.question} {check.answer}", 400))


def show_time_note(run: Run) -> None:
    """What training knows of the time after the test: behind a button, but a broken promise not."""
    split_hash = run.record.split_hash
    if split_hash not in cached.split_hashes():
        return
    check = time_leak_of(split_hash)
    if check.light not in ("amber", "green"):
        draw_time_note(split_hash)
        return
    with st.popover(plain(check.question, 80), icon=":material/schedule:", type="tertiary"):
        draw_time_note(split_hash)
