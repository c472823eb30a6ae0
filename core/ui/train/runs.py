"""Train page, below: every run in one table, with search, and what can be done with the chosen."""

from __future__ import annotations

import io
import math
import os
import re
import shutil
import uuid
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st
from pandas.io.formats.style import Styler

from core.basics.errors import CrosswalkError
from core.basics.formatting import (
    count,
    interval,
    number,
    signed,
    signed_interval,
    with_interval,
)
from core.metrics.registry import metric_title
from core.store.bundle import export_run, import_run
from core.store.record import Record, few_to_choose_by
from core.store.run_folder import Run, delete_run, rename_run
from core.ui import cached
from core.ui.navigation import link_to
from core.ui.shell import guarded, safely, show_error, workspace
from core.ui.state import current_pair, linked, one_of, recall, runs_of_pair, set_current, use_run
from core.ui.train.derived import (
    compression_words,
    draw_blend,
    draw_compress,
    draw_derivation,
    draw_upload_notes,
)
from core.ui.train.route import draw_route, show_route
from core.ui.widgets import plain, show_table, spoken

METRIC, ERROR = "ndcg@10", "rmse"
NAME, MODEL, PAIR, SPLIT = "Name", "Model", "Pair", "Split"
NDCG, NDCG_RANGE, LIFT, LIFT_RANGE = "nDCG@10", "95 %", "Over twin", "95 %, over twin"
RMSE, RMSE_LIFT, RMSE_LIFT_RANGE = "RMSE", "RMSE over twin", "95 %, RMSE over twin"
CURVE, SECONDS, PEAK, WHEN, NOTE = "Epochs", "Fit, s", "Peak, MiB", "When", "Note"
TINTS = {"helps": "rgba(46, 158, 91, .22)", "harms": "rgba(214, 69, 65, .22)"}  # light and dark


def pick_runs() -> list[Run]:
    """Draw the table, and return the runs that are chosen in it."""
    st.subheader("Runs", anchor=False)
    runs = _offered()
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
        **linked("runs_search", "", str, key="runs_search"),
        placeholder="model, name or pair",
        icon=":material/search:",
        label_visibility="collapsed",
    )
    table = runs_table(runs, cached.split_hashes())
    shown = matching(table, words)
    chosen = show_table(
        table.drop(columns=idle_columns(table)).iloc[shown],
        key="runs_table",
        download="runs.csv",
        column_config=_columns(table),
        selection="multi-row",
        names=[runs[row].id for row in shown],
        look=lambda table: _look(table, [runs[row] for row in shown]),
    )
    few = f"{len(shown)} of {count(len(runs), 'run')}. " if len(shown) < len(runs) else ""
    st.caption(
        f"{few}Figures are of each split's test users: compare rows of one split. Tick rows to act "
        "on them."
    )
    return [runs[shown[row]] for row in chosen if row < len(shown)]


def _offered() -> list[Run]:
    """Runs of the current pair, or of all pairs where a person wants to see those too."""
    mine, all_runs = runs_of_pair(), cached.runs()
    if len(mine) == len(all_runs):
        return all_runs
    pair = current_pair()
    assert pair is not None  # there are runs, and each is of a pair
    name = f"{pair.source_name} → {pair.target_name}"
    every = f"All pairs ({len(all_runs)})"
    shown = st.segmented_control(
        "Runs of",
        ["pair", "all"],
        required=True,
        format_func={"pair": name, "all": every}.__getitem__,
        label_visibility="collapsed",
        **linked("runs_of", "pair", one_of(["pair", "all"]), key=f"runs_of_{pair.dataset_hash}"),
    )
    return all_runs if shown == "all" else mine


def runs_table(runs: list[Run], split_hashes: list[str]) -> pd.DataFrame:
    """One row per run: what it is, how good it came out, what it cost."""
    splits = _split_names(runs, split_hashes)
    rows = [_row(run, splits[run.record.split_hash], split_hashes) for run in runs]
    return pd.DataFrame(rows)


def idle_columns(table: pd.DataFrame) -> list[str]:
    """Columns that tell nothing: all rows alike, empty, or said by the names of the runs."""
    idle = [column for column in (PAIR, SPLIT) if table[column].nunique() < 2]
    idle += [
        column for column in (NOTE, LIFT, LIFT_RANGE) if table[column].isin(["", "–", None]).all()
    ]
    if table[CURVE].map(len).max() < 2:  # one fit, no way to draw
        idle.append(CURVE)
    if table[RMSE].isna().all():
        idle += [RMSE, RMSE_LIFT, RMSE_LIFT_RANGE]
    if all(_words(name) & _words(model) for name, model in table[[NAME, MODEL]].to_numpy()):
        idle.append(MODEL)
    return idle


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w{3,}", text.lower()))


def _look(table: pd.DataFrame, runs: list[Run]) -> Styler:
    """Figures in one way of writing; lifts whose interval leaves out 0 are tinted."""
    written: dict[str, Any] = {NDCG: number, RMSE: number, LIFT: signed, RMSE_LIFT: signed}
    written |= {SECONDS: partial(number, digits=1), PEAK: partial(number, digits=0)}
    styled = table.style.format({name: how for name, how in written.items() if name in table})
    for name, metric, better in ((LIFT, METRIC, 1), (RMSE_LIFT, ERROR, -1)):
        if name in table:
            tints = [_tint(run, metric, better) for run in runs]
            styled = styled.apply(lambda _, tints=tints: tints, subset=[name])
    return styled


def _tint(run: Run, metric: str, better: int) -> str:
    """CSS of a lift; better: the sign of a lift that is good."""
    lift = (run.record.lift or {}).get(metric, {})
    low, high = lift.get("low"), lift.get("high")
    if low is None or high is None or not low * high > 0:
        return ""
    return f"background-color: {TINTS['helps' if low * better > 0 else 'harms']}"


def matching(table: pd.DataFrame, words: str) -> list[int]:
    """Positions of the rows that hold every word in their name, model or pair."""
    text = table[[NAME, MODEL, PAIR, SPLIT]].agg(" ".join, axis=1).str.lower()
    found = pd.Series(True, index=table.index)
    for word in words.lower().split():
        found &= text.str.contains(word, regex=False)
    return [int(place) for place in found.to_numpy().nonzero()[0]]


def _split_names(runs: list[Run], split_hashes: list[str]) -> dict[str, str]:
    """What each split of the runs is called: its kind, and its hash where that is not enough."""
    kinds = {
        one: cached.split_info(one).kind if one in split_hashes else ""
        for one in {run.record.split_hash for run in runs}
    }
    alike = Counter(kinds.values())
    return {
        one: kind if kind and alike[kind] == 1 else f"{kind} {one[:6]}".strip()
        for one, kind in kinds.items()
    }


def _row(run: Run, split: str, split_hashes: list[str]) -> dict[str, Any]:
    record = run.record
    figure = record.test.get(METRIC, {})
    lift, lower = ((record.lift or {}).get(name, {}) for name in (METRIC, ERROR))
    notes = list(filter(None, [compression_words(run.record)]))
    if run.record.cancelled:
        notes.append(f"cancelled, best epoch {run.record.best_epoch}")
    if run.cut_short:
        notes.append("not trained to its end")
    if record.ending and few_to_choose_by(record.choosers, ""):
        notes.append(f"epoch chosen by {count(record.choosers, 'person', 'people')}")
    if run.card.has_twin and run.twin is None:
        notes.append("no twin")
    if record.split_hash not in split_hashes:
        notes.append("its data is not here")
    note = ", ".join(notes)
    return {
        NAME: run.label,
        MODEL: run.card.title,
        PAIR: f"{record.source_name} → {record.target_name}",
        SPLIT: split,
        NDCG: figure.get("mean"),
        NDCG_RANGE: interval(figure.get("low"), figure.get("high")),
        LIFT: lift.get("mean"),
        LIFT_RANGE: signed_interval(lift.get("low"), lift.get("high")),
        RMSE: record.test.get(ERROR, {}).get("mean"),
        RMSE_LIFT: lower.get("mean"),
        RMSE_LIFT_RANGE: signed_interval(lower.get("low"), lower.get("high")),
        CURVE: [one["valid"] for one in record.curve if one.get("valid") is not None],
        SECONDS: record.fit["wall_seconds"],
        PEAK: record.fit["peak_rss_mib"],
        WHEN: pd.Timestamp(record.created, unit="s", tz="UTC"),
        NOTE: note,
    }


def _columns(table: pd.DataFrame) -> dict[str, Any]:
    column = st.column_config
    longest = int(table[NAME].str.len().max())
    return {
        # Name, figure and lift with their intervals fit a window of 1024 pixels
        NAME: column.TextColumn(width=min(250, 30 + 7 * longest), pinned=True),
        NDCG: column.NumberColumn(
            width=75,
            help="Mean over test users of the gain of hits in the first 10, discounted by rank: "
            "1/log2(rank + 1), over the best possible. Every target item is ranked; training and "
            "validation items are left out. Users with nothing to find are skipped.",
        ),
        NDCG_RANGE: column.TextColumn(width=95, help="Bootstrap over test users, 95 %."),
        LIFT: column.NumberColumn(
            width=80,
            help="nDCG@10 minus that of the twin: the same model trained without the source.",
        ),
        LIFT_RANGE: column.TextColumn(
            width=115,
            help="Paired bootstrap over test users, 95 %. Where it leaves out 0 the lift is "
            "tinted: green where the source helps, red where it harms.",
        ),
        RMSE: column.NumberColumn(
            help="How far predicted ratings lie from held-out ones; less is better."
        ),
        RMSE_LIFT: column.NumberColumn(
            help="RMSE minus that of the twin: below 0 the source helps."
        ),
        RMSE_LIFT_RANGE: column.TextColumn(help="Paired bootstrap over test users, 95 %."),
        CURVE: column.LineChartColumn(
            width=70,
            help="The figure on validation users after every epoch, each run on a scale of its "
            "own; empty where a model is fitted in one step.",
        ),
        SECONDS: column.NumberColumn(
            width=60,
            help="Wall seconds of the fit, twin apart; a run made from runs counts theirs too.",
        ),
        PEAK: column.NumberColumn(
            width=80, help="Highest memory of the process up to the end of the fit."
        ),
        WHEN: column.DatetimeColumn(width=90, format="distance"),
        NOTE: column.TextColumn(help="What to know before using the run."),
    }


# Train page, below the table: open, rename, download, delete and compare runs, load a run file.

SUFFIX = "crosswalk.zip"
_CHUNK = 2**20
_REFUSED = "run_file_refused"


def draw_actions(chosen: list[Run]) -> None:
    """What can be done with the chosen runs."""
    if len(chosen) == 1:
        if missing := missing_data(chosen[0]):
            st.warning(missing, icon=":material/database_off:")
        with st.container(horizontal=True):
            _draw_one(chosen[0])
            draw_compress(chosen[0])
            _draw_delete(chosen)
        draw_upload_notes(chosen[0])
        show_route(chosen[0])
        draw_derivation(chosen[0])
        draw_findings(chosen[0])
    elif chosen:
        st.markdown(f"**{count(len(chosen), 'run')} side by side**")
        show_table(comparison(chosen), key="runs_side_by_side", download="runs-side-by-side.csv")
        splits = {run.record.split_hash for run in chosen}
        if len(splits) > 1:
            st.caption(
                "These runs stand on different splits: their figures are not to be subtracted."
            )
        else:
            link_to("metrics", "Differences with their intervals, by segment")
        with st.container(horizontal=True):
            if len(chosen) == 2:
                draw_blend(chosen)
            draw_route(chosen)
            _draw_delete(chosen)


def _draw_one(run: Run) -> None:
    st.button(
        "Use on every page",
        icon=":material/visibility:",
        key="run_use",
        disabled=recall("run") == run.id,
        on_click=use_run,
        args=(run,),
    )
    with st.popover("Rename", icon=":material/edit:"):
        st.text_input("New name", value=run.label, max_chars=120, key=f"rename_{run.id}")
        st.button("Save name", key="run_rename", on_click=_rename, args=(run,))
    st.download_button(
        "Download as one file",
        data=_bundle_of(run),
        file_name=f"{run.id}.{SUFFIX}",
        mime="application/zip",
        icon=":material/download:",
        key="run_download",
        on_click="ignore",
        help="Weights (safetensors), figures (JSON, Parquet) and id maps; load it on another "
        "machine with Load a run file.",
    )


def missing_data(run: Run) -> str | None:
    """What is missing to score with this run, None where nothing is."""
    record = run.record
    if record.split_hash in cached.split_hashes():
        return None
    return plain(
        f"The data of this run is not in this workspace: {record.source_name} → "
        f"{record.target_name}, dataset {record.dataset_hash[:8]}, split "
        f"{record.split_hash[:8]}. Its figures in the table of runs can be seen; for all else "
        "import the same two files on the Data page and split them the same way.",
        longest=600,
    )


def comparison(runs: list[Run]) -> pd.DataFrame:
    """One column per run; rows are test metrics with intervals, then settings that differ."""
    said = dict.fromkeys(name for run in runs for name in run.record.test)
    metrics = [name for name in said if name.endswith("@10") or "@" not in name]
    rows = {metric_title(name): [_figure(run, name) for run in runs] for name in metrics}
    for name in sorted({name for run in runs for name in run.record.settings}):
        values = [str(run.record.settings.get(name, "–")) for run in runs]
        if len(set(values)) > 1:
            rows[spoken(name)] = values
    labels = [f"{place}. {run.label}" for place, run in enumerate(runs, start=1)]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=labels)
    return table.rename_axis("On test users").reset_index()


def _figure(run: Run, metric: str) -> str:
    figure = run.record.test.get(metric) or {}
    return with_interval(figure.get("mean"), figure.get("low"), figure.get("high"))


def _draw_delete(runs: list[Run]) -> None:
    with st.popover(f"Delete {count(len(runs), 'run')}", icon=":material/delete:"):
        names = ", ".join(plain(run.label, 60) for run in runs)
        st.markdown(f"Delete {names}? Weights and figures are gone for good.")
        st.button("Yes, delete", type="primary", key="run_delete", on_click=_delete, args=(runs,))


def draw_load() -> None:
    """Take up a run that was trained elsewhere."""
    drawer = st.expander(
        "Load a run file", icon=":material/folder_open:", key="load_box", on_change="rerun"
    )
    if not drawer.open:
        return
    with drawer:
        file = st.file_uploader(
            "A run downloaded from Crosswalk",
            type="zip",
            key="run_file",
            help="Nothing in the file is executed; it is checked before it is taken up.",
        )
        st.button("Load this run", key="run_load", disabled=file is None, on_click=safely(_load))
        if refused := st.session_state.pop(_REFUSED, None):
            show_error(refused)


def _load() -> None:
    """Copy the upload out in chunks under a name of our own, then unpack it."""
    path = workspace().uploads / _own_name()
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("wb") as copy:
            shutil.copyfileobj(st.session_state["run_file"], copy, _CHUNK)
        run = import_run(workspace(), path)
    except CrosswalkError as error:
        st.session_state[_REFUSED] = error
    else:
        use_run(run)
        st.toast(f"{plain(run.label)} is here.")
    finally:
        path.unlink(missing_ok=True)


def _bundle_of(run: Run) -> Callable[[], io.RawIOBase]:
    """Packs the run when the button is pressed; the file has no name left once it is open."""

    here, snapshot = workspace(), workspace().splits / run.record.split_hash

    def pack() -> io.RawIOBase:
        path = export_run(run, snapshot, here.uploads / _own_name())
        packed = path.open("rb", buffering=0)
        path.unlink()
        return packed

    return pack


def _own_name() -> str:
    """A name that tells whose process the file is: what a killed one leaves is swept."""
    return f"{uuid.uuid4().hex}.{os.getpid()}.part"


def _rename(run: Run) -> None:
    with guarded():
        rename_run(run, st.session_state[f"rename_{run.id}"])


def _delete(runs: list[Run]) -> None:
    with guarded():
        for run in runs:
            if run.folder.exists():  # another browser may have been faster
                delete_run(workspace(), run)
            if recall("run") == run.id:
                set_current(run=None)


# Train page, beside a ticked run: the figures its model found out about itself.


def draw_findings(run: Run) -> None:
    """One figure each, with its explanation; nothing where the model found out nothing."""
    found = findings(run.record)
    if not found:
        return
    st.markdown("**What the model found out about itself**")
    with st.container(horizontal=True):
        for finding in found:
            st.metric(
                plain(finding["title"], 60),
                number(finding["value"], 4),
                help=plain(finding["help"], 600),
                width="content",
            )


def findings(record: Record) -> list[dict[str, Any]]:
    """The record's findings that can be shown; [] in a record older than findings."""
    return [entry for entry in record.findings if _whole(entry)]


def _whole(entry: Any) -> bool:
    """A run file may come from anywhere, so each part is looked at."""
    if not isinstance(entry, dict):
        return False
    value = entry.get("value")
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return False
    return all(isinstance(entry.get(name), str) for name in ("title", "help"))
