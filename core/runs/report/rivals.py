"""All runs of the split side by side, the twin and popularity among them."""

from __future__ import annotations

import pandas as pd

from core.basics.columns import HIGH, LOW, MEAN, RUN, TEST
from core.basics.formatting import count, number, signed, signed_interval
from core.charts.report import GOOD, OPEN, TONE, WORDS, draw_levels
from core.evaluation.side_by_side import leader
from core.metrics.registry import metric_card, metric_title
from core.runs.report.blocks import Block, Figure, Grid, Section, Words
from core.runs.report.evidence import HIT_RATE, Evidence
from core.store.run_folder import Run

RANKING = ("ndcg@10", HIT_RATE, "recall@10")
RATING = ("rmse", "mae")


def rivals_section(evidence: Evidence) -> Section:
    """A picture of the headline metric, a table of the others, and who leads."""
    lines = named_lines(evidence)
    blocks: list[Block] = [Words(_leader_words(evidence, lines))]
    if (figure := levels(evidence, lines)) is not None:
        blocks.append(figure)
    blocks += [_table(evidence, lines), Words(_about(evidence, lines), "quiet")]
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
    shown = [entry.record["model"] for entry in lines.values()]
    if floor and floor.record["model"] not in shown:
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


def _table(evidence: Evidence, lines: dict[str, Run]) -> Grid:
    metrics = _metrics(evidence, lines)
    head = ["", *(metric_title(metric) for metric in metrics)]
    head += ["Coverage@10"] if RANKING[0] in metrics else []
    head += [f"{metric_title(evidence.metric)}, this run minus it"]
    rows = []
    for name, run in lines.items():
        cells = [number(evidence.level(run, m).mean, 4 if m in RATING else 3) for m in metrics]
        if RANKING[0] in metrics:
            coverage = (run.record.get(TEST) or {}).get("coverage@10") or {}
            cells.append(number(coverage.get(MEAN)))
        rows.append((name, *cells, _gap(evidence, run)))
    place = next(place for place, run in enumerate(lines.values()) if run is evidence.run)
    return Grid(tuple(head), tuple(rows), strong=(place,))


def _metrics(evidence: Evidence, lines: dict[str, Run]) -> tuple[str, ...]:
    """Those of the run's own task, then those of the other where a run beside it has that."""
    own, other = (RATING, RANKING) if evidence.rates else (RANKING, RATING)
    tasks = {run.card.task for run in lines.values()}
    return own + other if len(tasks) > 1 else own


def _gap(evidence: Evidence, other: Run) -> str:
    gap = None if other is evidence.run else evidence.difference(other, evidence.metric)
    if gap is None or not gap.users:
        return "–"
    digits = 4 if evidence.rates else 3
    return f"{signed(gap.mean, digits)} ({signed_interval(gap.low, gap.high, digits)})"


def _leader_words(evidence: Evidence, lines: dict[str, Run]) -> str:
    frames = {name: evidence.frame(run) for name, run in lines.items()}
    known = {n: f for n, f in frames.items() if f is not None and evidence.metric in f}
    if len(known) < 2:
        return "No other run of this split is in the workspace to compare with."
    best, title = leader(known, evidence.metric), metric_title(evidence.metric)
    if best is None:
        return f"No run leads in {title} beyond user sampling: the two best may be equally good."
    return f"“{best}” leads in {title}, ahead of the next one beyond user sampling."


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
    return number(value, 4 if evidence.rates else 3)
