"""What stands around every page: title, navigation, sidebar, heading and question."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from unicodedata import east_asian_width

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager
from streamlit.runtime.scriptrunner_utils.exceptions import StopException

from core.basics.columns import TEST, USERS, VALID
from core.basics.errors import CrosswalkError
from core.basics.files import SPARE, free_space
from core.basics.formatting import count, number
from core.data.checks.check import alarm_words, checks_of
from core.data.snapshot import SplitInfo
from core.metrics.registry import metric_title
from core.models.readiness import in_gib
from core.runs.answer.standing import choose
from core.store.run_folder import Run
from core.ui import cached
from core.ui.jobs import draw_jobs
from core.ui.navigation import draw_links, link_to, pages
from core.ui.shell import (
    forget_press,
    guarded,
    pick_figure_format,
    safely,
    show_error,
    workspace,
)
from core.ui.state import (
    choose_pair,
    current_pair,
    current_run,
    current_split_info,
    notice,
    pick_run,
    restore_address,
    run_names,
    use_run,
)
from core.ui.widgets import plain

NAME = "Crosswalk"
PURPOSE = "Does what people do in one domain improve what you recommend in another?"


def enter() -> st.Page:
    """Draw all of it, and return the page that was asked for, which the caller runs.

    The first run of a process starts again at once: until `st.navigation` is called, Streamlit
    takes the pages folder for an app of its old kind, and widgets drawn so lose their first click.
    """
    # An emoji, because the browser would fetch a Material icon from a font server. The menu of a
    # minimal toolbar shows, and with it the choice of light and dark, where it has an entry.
    st.set_page_config(page_icon="🔀", layout="wide", menu_items={"About": f"{NAME}: {PURPOSE}"})
    drawn_as_old_kind = PagesManager.uses_pages_directory
    chosen = st.navigation(pages(), position="hidden")
    if drawn_as_old_kind:
        st.rerun()
    with st.sidebar:
        # Words rather than a heading: the page's title is the one heading of the first level
        st.markdown(f"**{NAME}**  \n:small[{PURPOSE}]")
        draw_links()
    try:
        workspace()
    except CrosswalkError as error:  # nothing can be drawn without one
        show_error(error)
        st.stop()
    draw_sidebar()
    st.set_page_config(page_title=_title_of(chosen.title))
    return chosen


def _title_of(page: str) -> str:
    """What the browser's tab says: page, pair, product."""
    pair = current_pair()
    domains = [f"{pair.source_name[:40]} → {pair.target_name[:40]}"] if pair else []
    return " · ".join([page, *domains, NAME])


@contextmanager
def page(title: str, question: str) -> Iterator[None]:
    """Heading and question of a page; whatever goes wrong inside becomes two sentences."""
    # Draw what app.py draws, where Streamlit opened the page's file by itself
    if PagesManager.uses_pages_directory:
        enter()
    st.title(title, anchor=False)
    st.caption(question)
    try:
        with guarded(whole_page=True):
            yield
    except StopException:  # drawn to its end: it has nothing more to show
        forget_press()
        raise
    forget_press()


# What the numbers are about, on every page: pair, run, split, users, running jobs.

ROOM = 24  # letters of a run's name that fit into its box; Chinese ones count twice
_PARTS = {TEST: "test", VALID: "validation"}


def draw_sidebar() -> None:
    """Draw the sidebar; app.py calls it before the page, so that the page reads what is set."""
    restore_address()
    with st.sidebar, guarded():
        run = current_run()
        _draw_pair()
        if run is not None:
            pick_run("sidebar_run")
            _draw_standing(run)
            # What the box may cut off its name, model, seed and twin; the split; users of each part
            counts, info = run.record.counts, _info_of(run)
            parts = [
                f"{counts[part][USERS]:,} {name}" for part, name in _PARTS.items() if part in counts
            ]
            twin = "twin ✓" if run.twin else "no twin"
            seed = f"seed {run.record.seed}" if run.has_model else "no model"
            name, title = run_names(cached.runs()).get(run.id, run.label), plain(run.card.title)
            lines = (
                [plain(name, 200)]
                if sum(2 if east_asian_width(letter) in "WF" else 1 for letter in name) > ROOM
                else []
            )
            said = bool(lines) and name.startswith(run.card.title)
            lines.append(" · ".join([*([] if said else [title]), seed, twin]))
            if info:
                lines.append(
                    f"Split: {plain(info.kind)} · seed {info.seed} · {info.split_hash[:8]}"
                )
            lines.append(f"Users evaluated: {' · '.join(parts)}")
            st.caption("  \n".join(lines))
        if message := notice():
            st.warning(message, icon=":material/link_off:")
        # A warning before the disk is full: what is started then may not be kept
        free = free_space(workspace().root)
        if free is not None and free < SPARE:
            left = f"{in_gib(free)} are" if free >= 2**20 else "less than 1 MiB is"
            st.warning(
                f"The disk is nearly full: {left} free. Free some space before you start "
                "anything, or it may fail when it is kept.",
                icon=":material/hard_drive:",
            )
        draw_jobs()
        if run is not None:
            pick_figure_format()


def _draw_pair() -> None:
    """The pair every page is about, how many people it shares, and whether to believe it."""
    pair, info = current_pair(), current_split_info()
    if pair is None:
        st.caption("No pair yet.")
        return
    _pick_pair(pair)
    source, target = plain(pair.source_name, 40), plain(pair.target_name, 40)
    shared = "no split yet"
    if info is not None:
        shared = count(cached.shared_users(info.split_hash), "shared user")
    elif current_run() is not None:
        shared = "its data are not in this workspace"
    st.markdown(f":orange[**{source}**] → :blue[**{target}**]  \n:gray[:small[{shared}]]")
    draw_trust(pair.dataset_hash, info.split_hash if info else "")


def _pick_pair(pair: cached.Question) -> None:
    """A box that changes the pair of every page, where there are several."""
    questions = cached.questions()
    if len(questions) < 2:
        return
    names = {
        one.dataset_hash: f"{one.source_name} → {one.target_name}, {count(one.n_runs, 'run')}"
        for one in questions
    }
    seen = Counter(names.values())
    told = {one: f"{name}, {one[:6]}" if seen[name] > 1 else name for one, name in names.items()}
    st.session_state["sidebar_pair"] = pair.dataset_hash
    st.selectbox(
        "Pair",
        list(told),
        format_func=lambda one: told.get(one, one),
        key="sidebar_pair",
        on_change=lambda: choose_pair(st.session_state["sidebar_pair"]),
    )


def _draw_standing(run: Run) -> None:
    """Which run the pair opens on, where it is not this one or a better one came since."""
    found = cached.standing(run.record.dataset_hash)
    if found is None:
        return
    other = found.better if found.run.id == run.id else found.run
    if found.better is not None and found.run.id == run.id:
        metric = run.card.task.metric
        ours, theirs = (one.record.valid[metric]["mean"] for one in (run, found.better))
        st.caption(
            f"{plain(found.better.label, 60)} is better on validation: "
            f"{metric_title(metric)} {number(theirs)} against {number(ours)}."
        )
    if other is not None:
        st.button(
            f"Look at {plain(other.label, 40)}",
            key="look_at_standing",
            type="tertiary",
            on_click=use_run,
            args=(other,),
        )
    if found.run.id != run.id or not found.pinned:
        st.button(
            "Pin this run",
            key="pin_run",
            icon=":material/push_pin:",
            type="tertiary",
            help="Whoever opens this workspace sees this run of the pair first.",
            on_click=safely(choose),
            args=(workspace(), run),
            kwargs={"pinned": True},
        )


def _info_of(run: Run) -> SplitInfo | None:
    split_hash = run.record.split_hash
    return cached.split_info(split_hash) if split_hash in cached.split_hashes() else None


# A warning in the sidebar where a pair failed a check that no lift survives.


def draw_trust(dataset_hash: str, split_hash: str) -> None:
    """One red sentence per failed check, and a link to all of them where there is a pair."""
    checks = checks_of(workspace(), dataset_hash, split_hash) or []
    if said := alarm_words(checks):
        st.error(plain(said, 400), icon=":material/dangerous:")
        if (workspace().pairs / dataset_hash).exists():
            link_to("data", "See all checks", tab="Quality")
