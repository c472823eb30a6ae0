"""What the source adds: lift over the twin by segment, and how many users it helps and harms."""

from __future__ import annotations

from collections import Counter

import pandas as pd
import streamlit as st

from core.basics.columns import HIGH, LOW, MEAN, RUN, SEGMENT, TARGET, USERS
from core.basics.formatting import count, number, signed, signed_with_interval
from core.charts.intervals import DETAIL, draw_forest, draw_overlap_curve
from core.charts.theme import CATEGORY_COLOURS, FUSED_COLOUR, TWIN_COLOUR
from core.data.checks.quality import checks_of
from core.evaluation.lift import EFFECT, HARMED, HELPED, HOLM, NOISE, SEEDS, SURE
from core.evaluation.segments import ALL_USERS, BINS, FEWEST, TARGET_HISTORY
from core.evaluation.verdict import Lifts
from core.metrics.registry import metric_card, metric_title
from core.runs.making.train_again import is_trained, plans_of_more_seeds
from core.runs.studies.noise import floor_sentence, moved_words, reseed_payload
from core.runs.studies.overlap import overlap_payload, overlap_rows, overlap_sentence
from core.runs.studies.versions import other_versions, version_names
from core.store.measured import (
    BY_SEED,
    BY_USERS,
    overlap_is_damaged,
    overlap_metrics,
    read_overlap,
    read_reseeded,
    reseeded_is_damaged,
)
from core.store.run_folder import Run
from core.ui import cached
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
from core.ui.metrics.view import View, draw_upload, missing_words, reader_of, titles_of
from core.ui.navigation import link_to
from core.ui.shell import Task, draw_task, show_chart, workspace
from core.ui.state import linked, one_of
from core.ui.widgets import plain

TWIN_NAME = "over its twin"
SEED_COLOUR = CATEGORY_COLOURS[1]


def show_lift(run: Run, view: View) -> None:
    """Sentence and forest plot on the left; counts, noise floor and seeds on the right."""
    if run.twin is None and run.floor is None:
        st.caption(f"This run is {floor_name(run)} itself: there is nothing to compare it with.")
        return
    show_trust(run)
    left, right = st.columns([3, 1.2], gap="large")
    with left:
        by = _pick_segments(run)
        lifts = lifts_of(run, view.part, view.column, by)
        st.markdown(plain(sentence_of(run, view.part, view.column, by), 1000))
        rows = _rows(run, lifts)
        colours = {TWIN_NAME: FUSED_COLOUR, _over_floor(run): TWIN_COLOUR}
        colours = (
            colours if lifts.over_seeds is None else colours | {_over_seeds(lifts): SEED_COLOUR}
        )
        show_chart(
            draw_forest(rows, x=f"difference in {metric_title(view.column)}", colours=colours),
            _caption(run, view, lifts) + missing_words(run, view.part, by),
            "lift",
        )
        show_versions(run, view)
    with right:
        show_layers(run, view)


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


def _rows(run: Run, lifts: Lifts) -> pd.DataFrame:
    """Lift over the twin everywhere; over the floor for cold users, or where there is no twin."""
    parts = [
        table.assign(**{RUN: name, DETAIL: _details(table)})
        for name, table in (
            (TWIN_NAME, lifts.over_twin),
            (_over_floor(run), lifts.over_floor),
        )
        if table is not None
    ]
    if lifts.over_seeds is not None:
        sure = (lifts.over_seeds["low"] > 0) | (lifts.over_seeds["high"] < 0)
        parts.append(lifts.over_seeds.assign(**{RUN: _over_seeds(lifts), SURE: sure, DETAIL: ""}))
    return pd.concat(parts, ignore_index=True)


def _details(table: pd.DataFrame) -> list[str]:
    return [
        ""
        if pd.isna(row[MEAN])
        else f"effect size {signed(row[EFFECT], 2)} standard deviations, "
        f"p {number(row[HOLM])} (Holm)"
        for _, row in table.iterrows()
    ]


def _over_floor(run: Run) -> str:
    return f"over {floor_name(run)}"


def _over_seeds(lifts: Lifts) -> str:
    assert lifts.over_seeds is not None
    return f"over its twin, mean of {int(lifts.over_seeds[SEEDS].max())} seeds"


def _caption(run: Run, view: View, lifts: Lifts) -> str:
    """For whom does the source help: what right of zero, a filled dot and a grey band mean."""
    card = metric_card(view.column)
    side = "Right" if card.higher_is_better else "Left"
    if lifts.over_twin is None:
        return f"{side} of zero: better than {floor_name(run)}. " + _filled(lifts.over_floor, "")
    speaks = "history in " if run.card.source_speaks else "what it learns from "
    source = f"{speaks}{plain(run.record.source_name)}"
    words = f"{side} of zero: {source} helps."
    if card.neutral:
        words = f"Right of zero: more with {source}; whether more is better depends on the purpose."
    words += " The twin is the same model without the source. "
    if lifts.over_seeds is not None:
        words += f"Violet: mean and 95 % interval over {int(lifts.over_seeds[SEEDS].max())} seeds. "
    if lifts.over_floor is not None and len(lifts.over_floor) and not card.neutral:
        words += (
            f"Users without target history stand beside {floor_name(run)} too: only where both "
            "dots are filled is it help. "
        )
    banded = lifts.over_twin[NOISE].notna().any()
    return words + _filled(lifts.over_twin, ", and it lies outside the grey band" if banded else "")


def _filled(table: pd.DataFrame | None, more: str) -> str:
    assert table is not None
    tests = int(table[MEAN].notna().sum())
    words = (
        "Filled dots: the 95 % interval over users excludes zero and a sign-flip test rejects "
        f"after Holm's correction for the {tests} shown{more}."
    )
    if more:
        words += " Grey band: how far the twin, trained again, comes from itself."
    if (table[USERS] < FEWEST).any():
        few = ", ".join(plain(name) for name in table.loc[table[USERS] < FEWEST, SEGMENT])
        words += f" Under {FEWEST} users ({few}) is too few to say."
    return words


# Beside the lifts: who is helped and harmed above the noise floor, cold users, other seeds.

_WHY = (
    "Two equally good models help and harm many users by chance; only what goes beyond is the "
    "source's doing. The twin is trained again with another seed. A model that knows no chance is "
    "trained on users drawn anew instead, three times: users and not interactions, so that "
    "everybody is asked about with the whole history and only what is learned from others differs."
)
_HOW = {
    BY_SEED: "By chance: the twin with another seed, against the twin.",
    BY_USERS: "By chance: this model knows none, so three twins that learned from users drawn "
    "anew stand against each other. They differ more than a seed would make them.",
}


def show_layers(run: Run, view: View) -> None:
    """Counts first, then the noise floor, cold users and seeds."""
    _show_counts(run, view)
    if run.twin is not None:
        _show_floor(run, view)
    _show_cold(run, view)
    if run.twin is not None and is_trained(run):
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
    st.caption(
        f"{same:,} the same, by {metric_title(view.column)} of each of the "
        f"{int(everybody[USERS]):,} users."
    )


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
        st.caption("Some of them are harmed by chance alone; how many is not measured yet.")
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
        st.caption(f"No evaluated user is without history in {target}: nobody is cold.")
        return
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
        st.markdown(f"**{seeds.n} seeds**: {plain(said)}  \n:gray[:small[over seeds, all users]]")
        return
    said = "One seed" if seeds.n <= 1 else f"{seeds.n} seeds, too few for an interval"
    ids = other_seeds(run)
    others = [other for other in cached.runs() if other.id in ids]
    st.caption(f"{said}. Whether another training gives the same is not known.")
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


# How much the source's help owes to shared users: a curve, or a button that measures it.

_WHAT = (
    "The run is trained three times more: a quarter, half and three quarters of the shared users "
    "stay linked. The source histories of the others stay too, as those of strangers."
)


def show_overlap(run: Run, view: View) -> None:
    """The curve of the run where it was measured; else what it would say, and the button."""
    if not (run.card.cross_domain and is_trained(run)):
        st.caption("Only a cross-domain run that was trained here has such a curve.")
        return
    if not metric_card(view.column).kept:
        st.caption(
            f"The curve is kept for what a run keeps of every user; {metric_title(view.column)} is "
            "made from lists. Choose another metric above, such as nDCG."
        )
        return
    info = read_overlap(run)
    if info is None:
        st.markdown("How many shared users does the lift need?")
        if overlap_is_damaged(run):
            st.warning("The curve that was kept cannot be read any more. Measure it again.")
        st.caption(_WHAT)
        task = Task(
            "overlap",
            (overlap_payload(run.id),),
            f"Overlap curve of {run.label}",
            "Measure the curve",
            _WHAT,
        )
        draw_task(task, "measure_overlap")
        return
    rows = _curve(run, view.part, view.column, info.wall_seconds)
    st.markdown(f"**{overlap_sentence(rows, view.column)}**")
    if rows.empty:
        return
    show_chart(
        draw_overlap_curve(rows, y=metric_title(view.column)),
        f"How does quality grow with the shared users that training knows? {info.shared:,} are "
        "shared; those left out keep their source history as strangers. Dashed: the twin, which "
        "knows none. Bands: 95 % interval of the difference to it over users; one draw, one seed.",
        "overlap_curve",
    )


@kept_data(max_entries=10)
def _curve(run: Run, part: str, column: str, stamp: float) -> pd.DataFrame:
    """stamp: of the measured curve, which may be measured again."""
    frames = overlap_metrics(run, part)
    return overlap_rows(frames, cached.segments(run.record.split_hash), column)
