"""Train page, below the table: open, rename, download, delete and compare runs, load a run file."""

from __future__ import annotations

import io
import os
import shutil
import uuid
from collections.abc import Callable

import pandas as pd
import streamlit as st

from core.basics.columns import TEST
from core.basics.errors import CrosswalkError
from core.basics.formatting import count, with_interval
from core.metrics.registry import metric_title
from core.store.bundle import export_run, import_run
from core.store.run_folder import Run, delete_run, rename_run
from core.ui import cached
from core.ui.navigation import link_to
from core.ui.setting_widgets import spoken
from core.ui.shell import guarded, safely, show_error, workspace
from core.ui.state import recall, set_current
from core.ui.tables import show_table
from core.ui.texts import plain
from core.ui.train.derived import draw_blend, draw_compress, draw_derivation
from core.ui.train.findings import draw_findings
from core.ui.train.upload import draw_upload_notes

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
        draw_derivation(chosen[0])
        draw_findings(chosen[0])
    elif chosen:
        _draw_comparison(chosen)
        with st.container(horizontal=True):
            if len(chosen) == 2:
                draw_blend(chosen)
            _draw_delete(chosen)


def _draw_one(run: Run) -> None:
    st.button(
        "Use on every page",
        icon=":material/visibility:",
        key="run_use",
        disabled=recall("run") == run.id,
        on_click=_use,
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
    if record["split_hash"] in cached.split_hashes():
        return None
    return plain(
        f"The data of this run is not in this workspace: {record['source_name']} → "
        f"{record['target_name']}, dataset {record['dataset_hash'][:8]}, split "
        f"{record['split_hash'][:8]}. Its figures in the table of runs can be seen; for all else "
        "import the same two files on the Data page and split them the same way.",
        longest=600,
    )


def _draw_comparison(runs: list[Run]) -> None:
    st.markdown(f"**{count(len(runs), 'run')} side by side**")
    show_table(comparison(runs), key="runs_side_by_side", download="runs-side-by-side.csv")
    splits = {run.record["split_hash"] for run in runs}
    if len(splits) > 1:
        st.caption("These runs stand on different splits: their figures are not to be subtracted.")
    else:
        link_to("metrics", "Differences with their intervals, by segment")


def comparison(runs: list[Run]) -> pd.DataFrame:
    """One column per run; rows are test metrics with intervals, then settings that differ."""
    said = dict.fromkeys(name for run in runs for name in run.record[TEST])
    metrics = [name for name in said if name.endswith("@10") or "@" not in name]
    rows = {metric_title(name): [_figure(run, name) for run in runs] for name in metrics}
    for name in sorted({name for run in runs for name in run.record["settings"]}):
        values = [str(run.record["settings"].get(name, "–")) for run in runs]
        if len(set(values)) > 1:
            rows[spoken(name)] = values
    labels = [f"{place}. {run.label}" for place, run in enumerate(runs, start=1)]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=labels)
    return table.rename_axis("On test users").reset_index()


def _figure(run: Run, metric: str) -> str:
    figure = run.record[TEST].get(metric) or {}
    return with_interval(figure.get("mean"), figure.get("low"), figure.get("high"))


def _draw_delete(runs: list[Run]) -> None:
    with st.popover(f"Delete {count(len(runs), 'run')}", icon=":material/delete:"):
        names = ", ".join(plain(run.label, 60) for run in runs)
        st.markdown(f"Delete {names}? Weights and figures are gone for good.")
        st.button("Yes, delete", type="primary", key="run_delete", on_click=_delete, args=(runs,))


def draw_load() -> None:
    """Take up a run that was trained elsewhere."""
    with st.expander("Load a run file"):
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
        _use(run)
        st.toast(f"{plain(run.label)} is here.")
    finally:
        path.unlink(missing_ok=True)


def _bundle_of(run: Run) -> Callable[[], io.RawIOBase]:
    """Packs the run when the button is pressed; the file has no name left once it is open."""

    here, snapshot = workspace(), workspace().splits / run.record["split_hash"]

    def pack() -> io.RawIOBase:
        path = export_run(run, snapshot, here.uploads / _own_name())
        packed = path.open("rb", buffering=0)
        path.unlink()
        return packed

    return pack


def _own_name() -> str:
    """A name that tells whose process the file is: what a killed one leaves is swept."""
    return f"{uuid.uuid4().hex}.{os.getpid()}.part"


def _use(run: Run) -> None:
    known = run.record["split_hash"] in cached.split_hashes()
    set_current(run=run.id, split=run.record["split_hash"] if known else None, user=None)


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
