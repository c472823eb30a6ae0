"""Train page, below: every run in one table, with search, and what can be done with the chosen."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from core.basics.columns import TEST
from core.basics.formatting import count, interval, signed_interval
from core.store.run_folder import Run
from core.ui import cached
from core.ui.tables import show_table
from core.ui.texts import plain
from core.ui.train.derived_tables import compression_words

METRIC, ERROR = "ndcg@10", "rmse"
NAME, MODEL, PAIR, NDCG, NDCG_RANGE = "Name", "Model", "Pair and split", "nDCG@10", "95 % nDCG"
RMSE, RMSE_LIFT, RMSE_LIFT_RANGE = "RMSE", "RMSE over twin", "95 % RMSE over twin"
LIFT, LIFT_RANGE, SECONDS, PEAK, WHEN, NOTE = (
    "Lift over twin",
    "95 % lift",
    "Fit s",
    "Peak MiB",
    "When",
    "Note",
)


def pick_runs() -> list[Run]:
    """Draw the table; answers the runs that are chosen in it."""
    st.subheader("Runs", anchor=False)
    runs = cached.runs()
    for name, error in cached.damaged_runs().items():
        st.warning(
            plain(
                f"{name[:80]} is left out. {error.what} Delete its folder and train it again.", 400
            ),
            icon=":material/broken_image:",
        )
    if not runs:
        st.info("There are no runs yet. Start one above, or load a run file.")
        return []
    words = st.text_input(
        "Search runs",
        key="runs_search",
        placeholder="model, name or pair",
        icon=":material/search:",
        label_visibility="collapsed",
    )
    table = runs_table(runs, cached.split_hashes())
    shown = matching(table, words)
    chosen = show_table(
        _without_idle_columns(table).iloc[shown],
        key="runs_table",
        download="runs.csv",
        column_config=_columns(),
        selection="multi-row",
        names=[runs[row].id for row in shown],
    )
    st.caption(
        f"{count(len(shown), 'run')} of {len(runs)}. Quality on the test users of each run's own "
        "split: compare rows of one pair and split. Tick rows to act on them."
    )
    return [runs[shown[row]] for row in chosen if row < len(shown)]


def runs_table(runs: list[Run], split_hashes: list[str]) -> pd.DataFrame:
    """One row per run: what it is, how good it came out, what it cost."""
    rows = [_row(run, run.record["split_hash"] in split_hashes) for run in runs]
    return pd.DataFrame(rows)


def _without_idle_columns(table: pd.DataFrame) -> pd.DataFrame:
    """The table without a pair that is always the same, empty notes, and errors nobody has."""
    idle = [NOTE] if not table[NOTE].any() else []
    if table[RMSE].isna().all():
        idle += [RMSE, RMSE_LIFT, RMSE_LIFT_RANGE]
    return table.drop(columns=idle if table[PAIR].nunique() > 1 else [*idle, PAIR])


def matching(table: pd.DataFrame, words: str) -> list[int]:
    """Positions of the rows that hold every word in their name, model or pair."""
    text = (table[NAME] + " " + table[MODEL] + " " + table[PAIR]).str.lower()
    found = pd.Series(True, index=table.index)
    for word in words.lower().split():
        found &= text.str.contains(word, regex=False)
    return [int(place) for place in found.to_numpy().nonzero()[0]]


def _row(run: Run, has_split: bool) -> dict[str, Any]:
    record = run.record
    figure = record[TEST].get(METRIC, {})
    lift, lower = ((record.get("lift") or {}).get(name, {}) for name in (METRIC, ERROR))
    return {
        NAME: run.label,
        MODEL: run.card.title,
        PAIR: f"{record['source_name']} → {record['target_name']} · {record['split_hash'][:6]}",
        NDCG: figure.get("mean"),
        NDCG_RANGE: interval(figure.get("low"), figure.get("high")),
        LIFT: lift.get("mean"),
        LIFT_RANGE: signed_interval(lift.get("low"), lift.get("high")),
        RMSE: record[TEST].get(ERROR, {}).get("mean"),
        RMSE_LIFT: lower.get("mean"),
        RMSE_LIFT_RANGE: signed_interval(lower.get("low"), lower.get("high")),
        SECONDS: record["fit"]["wall_seconds"],
        PEAK: record["fit"]["peak_rss_mib"],
        WHEN: pd.Timestamp(record["created"], unit="s", tz="UTC"),
        NOTE: _note(run, has_split),
    }


def _note(run: Run, has_split: bool) -> str:
    notes = list(filter(None, [compression_words(run.record)]))
    if run.record.get("cancelled"):
        notes.append(f"cancelled, best epoch {run.record['best_epoch']}")
    if run.card.has_twin and run.twin is None:
        notes.append("no twin")
    if not has_split:
        notes.append("its data is not here")
    return ", ".join(notes)


def _columns() -> dict[str, Any]:
    column = st.column_config
    return {
        NAME: column.TextColumn(width="medium", pinned=True),
        NDCG: column.NumberColumn(
            format="%.4f",
            help="Mean over test users of the gain of hits in the first 10, discounted by rank: "
            "1/log2(rank + 1), over the best possible. Every target item is ranked; training and "
            "validation items are left out. Users with nothing to find are skipped.",
        ),
        NDCG_RANGE: column.TextColumn(help="Bootstrap over test users, 95 %."),
        LIFT: column.NumberColumn(
            format="%+.4f",
            help="nDCG@10 minus that of the twin: the same model trained without the source.",
        ),
        LIFT_RANGE: column.TextColumn(
            help="Paired bootstrap over test users, 95 %. Where it holds 0, the source may not "
            "help at all."
        ),
        RMSE: column.NumberColumn(
            format="%.4f", help="How far predicted ratings lie from held-out ones; less is better."
        ),
        RMSE_LIFT: column.NumberColumn(
            format="%+.4f", help="RMSE minus that of the twin: below 0 the source helps."
        ),
        RMSE_LIFT_RANGE: column.TextColumn(help="Paired bootstrap over test users, 95 %."),
        SECONDS: column.NumberColumn(
            format="%.1f",
            help="Wall seconds of the fit, twin apart; a run made from runs counts theirs too.",
        ),
        PEAK: column.NumberColumn(
            format="%.0f", help="Highest memory of the process up to the end of the fit."
        ),
        WHEN: column.DatetimeColumn(format="distance"),
        NOTE: column.TextColumn(help="What to know before using the run."),
    }
