"""What the numbers are about, on every page: pair, run, split, users, running jobs."""

from __future__ import annotations

from unicodedata import east_asian_width

import streamlit as st

from core.basics.columns import TEST, USERS, VALID
from core.basics.files import SPARE, free_space
from core.basics.formatting import count
from core.data.snapshot import SplitInfo
from core.models.readiness import in_gib
from core.store.run_folder import Run
from core.ui import cached
from core.ui.jobs_panel import draw_jobs
from core.ui.run_names import run_names
from core.ui.shell import guarded, pick_figure_format, workspace
from core.ui.state import current_run, current_split_info, notice, pick_run, restore_address
from core.ui.texts import plain
from core.ui.trust import draw_trust

ROOM = 24  # letters of a run's name that fit into its box; Chinese ones count twice
_PARTS = {TEST: "test", VALID: "validation"}


def draw_sidebar() -> None:
    """Draw the sidebar; app.py calls it before the page, so that the page reads what is set."""
    restore_address()
    with st.sidebar, guarded():
        run = current_run()
        _draw_pair(run)
        if run is not None:
            pick_run("sidebar_run")
            _draw_run(run)
        if message := notice():
            st.warning(message, icon=":material/link_off:")
        _draw_room()
        draw_jobs()
        if run is not None:
            pick_figure_format()


def _draw_room() -> None:
    """A warning before the disk is full: what is started then may not be kept."""
    free = free_space(workspace().root)
    if free is not None and free < SPARE:
        left = f"{in_gib(free)} are" if free >= 2**20 else "less than 1 MiB is"
        st.warning(
            f"The disk is nearly full: {left} free. Free some space before you start "
            "anything, or it may fail when it is kept.",
            icon=":material/hard_drive:",
        )


def _draw_pair(run: Run | None) -> None:
    info = _info_of(run) if run else current_split_info()
    if info is None:
        st.caption("Its data are not in this workspace." if run else "No pair yet.")
        return
    source, target = plain(info.source_name, 40), plain(info.target_name, 40)
    shared = count(cached.shared_users(info.split_hash), "shared user")
    st.markdown(f":orange[**{source}**] → :blue[**{target}**]  \n:gray[:small[{shared}]]")
    draw_trust(info.dataset_hash)


def _draw_run(run: Run) -> None:
    """What the box may cut off its name, model, seed and twin; the split; users of each part."""
    counts, info = run.record["counts"], _info_of(run)
    parts = [f"{counts[part][USERS]:,} {name}" for part, name in _PARTS.items() if part in counts]
    twin = "twin ✓" if run.twin else "no twin"
    seed = f"seed {run.record['seed']}" if run.has_model else "no model"
    name, title = run_names(cached.runs()).get(run.id, run.label), plain(run.card.title)
    lines = [plain(name, 200)] if _width(name) > ROOM else []
    said = bool(lines) and name.startswith(run.card.title)
    lines.append(" · ".join([*([] if said else [title]), seed, twin]))
    if info:
        lines.append(f"Split: {plain(info.kind)} · seed {info.seed} · {info.split_hash[:8]}")
    lines.append(f"Users evaluated: {' · '.join(parts)}")
    st.caption("  \n".join(lines))


def _width(name: str) -> int:
    """Letters as a line has room for them: wide ones, such as Chinese, count twice."""
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in name)


def _info_of(run: Run) -> SplitInfo | None:
    split_hash = run.record["split_hash"]
    return cached.split_info(split_hash) if split_hash in cached.split_hashes() else None
