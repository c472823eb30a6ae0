"""How much each domain should count: quality over the ratio, on validation users only."""

from __future__ import annotations

import numpy as np
import pandas as pd

from core.basics.columns import HIGH, LOW, MEAN, NEAR, RUN, SEGMENT, SHARE, VALID
from core.basics.errors import RunError
from core.basics.formatting import count, number, signed, signed_interval
from core.charts.fusion import TICKS, draw_fusion_curve
from core.charts.report import GOOD, OPEN, TONE, WORDS, Drawn, draw_levels
from core.charts.theme import plain
from core.evaluation.segments import SEGMENTS, TARGET_HISTORY
from core.evaluation.side_by_side import leader
from core.evaluation.weightings import RatioPicture, ratio_picture
from core.fusion.candidates import pick_users
from core.fusion.combine import WEIGHTED_SUM
from core.fusion.fused import prepare, ratio_curve
from core.metrics.registry import metric_card, metric_title
from core.runs.explain.recommend import scale_of
from core.runs.report.blocks import Block, Figure, Grid, Section, Words
from core.runs.report.evidence import HIT_RATE, Evidence
from core.store.run_folder import Run

MOST_USERS = 5_000  # validation users, beyond it a seeded sample as on the Fusion page
K = 10


def weights_section(evidence: Evidence) -> Section:
    """The curve with its sentence, or why there is none."""
    reason = _why_not(evidence)
    found = None if reason else _picture(evidence)
    if reason or found is None:
        reason = reason or _NOTHING
        return Section("weights", "How much each domain should count", (Words(reason, "missing"),))
    # Curve, lines and best points with segments that say what is counted
    target = plain([evidence.target], 20)[0]
    parts = (
        part.assign(**{SEGMENT: part[SEGMENT].astype("str") + f" in {target}"})
        for part in (found.lines, found.best)
    )
    labelled = found.curve, *parts
    drawn = _named(draw_fusion_curve(*labelled, metric=f"nDCG@{K}"), evidence)
    caption = (
        f"Does it pay to let {evidence.source} count more, or less? Left {evidence.target} alone, "
        f"right {evidence.source} alone; the green band is the 95 % interval, the grey one holds "
        "every mix that is not shown to be worse than the best."
    )
    blocks = (Words(weight_words(found, evidence)), Figure(drawn, caption), Words(_LIMITS, "quiet"))
    return Section("weights", "How much each domain should count", blocks)


def _named(drawn: Drawn, evidence: Evidence) -> Drawn:
    """The curve with the names of the two domains under it, and its legend below."""
    source, target = plain([evidence.source, evidence.target], 18)
    ends = {0.0: f"{target}<br>alone", 1.0: f"{source}<br>alone"}
    ticks = TICKS | ends
    drawn.update_layout(legend={"y": -0.3, "yanchor": "top"}, margin_t=20)
    return drawn.update_xaxes(
        tickvals=list(ticks),
        ticktext=list(ticks.values()),
        title={"text": f"how much {source} counts against {target}"},
    )


_NOTHING = (
    "No validation user of this run has evidence from both domains, so no weight could change a "
    "list: whoever is known from one domain gets what that one says."
)
_LIMITS = (
    "The mix is set after training and was looked for on validation users alone; the test users of "
    "this report had no say in it. Only the ratio of the two weights can change a ranking."
)


def weight_words(found: RatioPicture, evidence: Evidence) -> str:
    """Which mix to use, what it gains, and how far from it nothing changes."""
    source, target = evidence.source, evidence.target
    if found.overall is None:
        return "There are too few validation users to tell one mix from another."
    near = found.curve.loc[found.curve[NEAR], SHARE].to_numpy()
    best, gain = found.overall, found.overall.gain
    if np.isclose(best.share, 0.5):
        said = (
            f"Counting {source} and {target} alike (1 : 1), as the model does, is the best choice"
        )
        said += " there is evidence for."
    else:
        said = (
            f"On validation users the best choice lets {source} count {_ratio(best.share)} against "
            f"{target}: {signed(gain.mean)} nDCG@{K} over 1 : 1 (95 % {signed(gain.low)} to "
            f"{signed(gain.high)})."
        )
    low, high = float(near.min()), float(near.max())
    if low == 0 and high == 1:
        return (
            f"{said} In truth no mix is shown to be worse than the best: the weights "
            "hardly matter here."
        )
    return (
        f"{said} Anything from {_ratio(low)} to {_ratio(high)} is as good, as far as can be told."
    )


def _ratio(share: float) -> str:
    """A share of source evidence as source : target."""
    if share in (0.0, 1.0):
        return "not at all" if share == 0 else "alone"
    smaller = min(share, 1 - share)
    return f"{share / smaller:.2g} : {(1 - share) / smaller:.2g}"


def _why_not(evidence: Evidence) -> str:
    if evidence.rates:
        return (
            "This run predicts ratings. Its weights move the size of an error, not an order, and "
            "stand on the Fusion page."
        )
    if not evidence.run.has_model:
        return "Uploaded lists have no parts, so there is nothing to weigh."
    if evidence.run.record.model == "popularity":
        return "Popularity looks at neither history, so there is nothing to weigh."
    return "" if evidence.split else "The data of this run are gone, so no mix can be judged."


def _picture(evidence: Evidence) -> RatioPicture | None:
    """Quality over the ratio as on the Fusion page; None without candidates or users."""
    assert evidence.split is not None
    assert evidence.segments is not None
    try:
        candidates = evidence.run.candidates(VALID)
    except RunError:
        return None
    n_users = len(candidates.users)
    if not n_users:
        return None
    if n_users > MOST_USERS:
        rows = np.random.default_rng(0).choice(n_users, MOST_USERS, replace=False)
        candidates = pick_users(candidates, np.sort(rows))
    if not (candidates.has_source & candidates.has_target).any():
        return None
    prepared = prepare(candidates, WEIGHTED_SUM, scale_of(evidence.run.card), K)
    curve = ratio_curve(prepared, evidence.split.held_out(VALID), K)
    segment = evidence.segments[TARGET_HISTORY].astype("str").to_numpy()[prepared.users]
    return ratio_picture(curve, segment, SEGMENTS[TARGET_HISTORY])


# All runs of the split side by side, the twin and popularity among them.

RANKING = ("ndcg@10", HIT_RATE, "recall@10")
RATING = ("rmse", "mae")


def rivals_section(evidence: Evidence) -> Section:
    """A picture of the headline metric, a table of the others, and who leads."""
    lines = named_lines(evidence)
    blocks: list[Block] = [Words(_leader_words(evidence, lines))]
    if (figure := levels(evidence, lines)) is not None:
        blocks.append(figure)
    metrics = _metrics(evidence, lines)
    head = ["", *(metric_title(metric) for metric in metrics)]
    head += ["Coverage@10"] if RANKING[0] in metrics else []
    head += [f"{metric_title(evidence.metric)}, this run minus it"]
    rows = []
    for name, run in lines.items():
        cells = [number(evidence.level(run, m).mean, 4 if m in RATING else 3) for m in metrics]
        if RANKING[0] in metrics:
            coverage = run.record.test.get("coverage@10") or {}
            cells.append(number(coverage.get(MEAN)))
        rows.append((name, *cells, _gap(evidence, run)))
    place = next(place for place, run in enumerate(lines.values()) if run is evidence.run)
    table = Grid(tuple(head), tuple(rows), strong=(place,))
    blocks += [table, Words(_about(evidence, lines), "quiet")]
    return Section("runs", "All runs side by side", tuple(blocks))


def named_lines(evidence: Evidence) -> dict[str, Run]:
    """The run, the others of its split, its twin and its floor, the best first; names differ."""
    run, lines = evidence.run, {}
    for entry in (run, *evidence.rivals):
        name, again = entry.label, 2
        while name in lines:
            name, again = f"{entry.label} ({again})", again + 1
        lines[name] = entry
    if run.twin:
        lines[f"{run.label}, without {evidence.source}"] = run.twin
    floor = run.floor
    shown = [entry.record.model for entry in lines.values()]
    if floor and floor.record.model not in shown:
        lines[evidence.floor_name.capitalize()] = floor
    sign = -1 if metric_card(evidence.metric).higher_is_better else 1
    levels = {name: evidence.level(entry, evidence.metric).mean for name, entry in lines.items()}
    order = sorted(lines, key=lambda name: (levels[name] != levels[name], sign * levels[name]))
    return {name: lines[name] for name in order}


def levels(evidence: Evidence, lines: dict[str, Run]) -> Figure | None:
    """Dots with intervals of the headline metric, the run of the report in green."""
    rows = []
    for name, run in lines.items():
        level = evidence.level(run, evidence.metric)
        if level.users:
            between = f"{_figure(level.low, evidence)} to {_figure(level.high, evidence)}"
            words = f"{_figure(level.mean, evidence)} ({between})"
            tone = GOOD if run is evidence.run else OPEN
            rows.append(
                {RUN: name, MEAN: level.mean, LOW: level.low, HIGH: level.high}
                | {WORDS: words, TONE: tone}
            )
    if not rows:
        return None
    title = metric_title(evidence.metric)
    side = "right" if metric_card(evidence.metric).higher_is_better else "left"
    return Figure(
        draw_levels(pd.DataFrame(rows), x=f"{title}, mean over test users"),
        f"Which run is best by {title}? Further {side} is better; the bars are 95 % intervals. "
        "Overlapping bars do not settle it: the same people are compared pair by pair below.",
    )


def _metrics(evidence: Evidence, lines: dict[str, Run]) -> tuple[str, ...]:
    """Those of the run's own task, then those of the other where a run beside it has that."""
    own, other = (RATING, RANKING) if evidence.rates else (RANKING, RATING)
    tasks = {run.card.task for run in lines.values()}
    return own + other if len(tasks) > 1 else own


def _gap(evidence: Evidence, other: Run) -> str:
    gap = None if other is evidence.run else evidence.difference(other, evidence.metric)
    if gap is None or not gap.users:
        return "–"
    digits = evidence.task.digits
    return f"{signed(gap.mean, digits)} ({signed_interval(gap.low, gap.high, digits)})"


def _leader_words(evidence: Evidence, lines: dict[str, Run]) -> str:
    frames = {name: evidence.frame(run) for name, run in lines.items()}
    known = {n: f for n, f in frames.items() if f is not None and evidence.metric in f}
    if len(known) < 2:
        return "No other run of this split is in the workspace to compare with."
    best, title = leader(known, evidence.metric), metric_title(evidence.metric)
    if best is None:
        return f"No run is shown to lead in {title}: the two best may be equally good."
    return f"“{best}” leads in {title}, surely ahead of the next one."


def _about(evidence: Evidence, lines: dict[str, Run]) -> str:
    said = "Every line was measured on the same hidden choices of the same people. "
    if evidence.left_out:
        said += f"{count(evidence.left_out, 'older run')} of this split left out. "
    if {run.card.task for run in lines.values()} > {evidence.run.card.task}:
        said += "Some runs rank and others predict ratings: a dash stands where one has no figure. "
    metrics = _metrics(evidence, lines)
    if RATING[0] in metrics:
        said += "RMSE and MAE are errors in points of the rating scale: smaller is better. "
    if RANKING[0] not in metrics:
        return said.strip()
    return said + (
        f"{metric_title(HIT_RATE)}: share of people with a hidden choice in their first ten. "
        "Recall@10: share of the hidden choices found. Coverage@10: share of the catalogue that "
        "somebody is shown."
    )


def _figure(value: float, evidence: Evidence) -> str:
    return number(value, evidence.task.digits)
