"""Data page, Quality: can this pair be trusted? One row per question, red where it is bad."""

from __future__ import annotations

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.basics.columns import DOMAIN, SOURCE, TARGET
from core.basics.formatting import count
from core.data.checks.check import (
    CROSS_LISTED,
    DOUBLE_USERS,
    EXCHANGED,
    SAME_PEOPLE,
    SPELLING,
    Check,
    read_checks,
)
from core.data.checks.cross_listed import (
    COMMON_USERS,
    CONTAINMENT,
    JACCARD,
    SOURCE_ITEM,
    TARGET_ITEM,
)
from core.data.checks.quality import (
    SOURCE_TITLE,
    TARGET_TITLE,
    checks_are_damaged,
    find_time_leak,
    read_cross_listed,
    read_double_users,
    time_check,
)
from core.data.checks.same_people import COMMON_ITEMS, OTHER_ID, USER_ID
from core.data.pair_folder import PairInfo
from core.ui import cached
from core.ui.data.pair import remake_pair
from core.ui.data.pair_filters import other_way_round
from core.ui.data.shared import (
    attempt,
    draw_failed_attempt,
    draw_work,
    folder_of,
    names_of,
    pick_pair,
)
from core.ui.keeping import kept_data
from core.ui.navigation import link_to
from core.ui.shell import ask_job, workspace
from core.ui.state import current_split_hash
from core.ui.widgets import plain, show_table

_DOUBLE_NAMES = {
    DOMAIN: "Domain",
    USER_ID: "User",
    OTHER_ID: "Other user",
    COMMON_ITEMS: "Common items",
    JACCARD: "Jaccard",
}
_HOW = (
    "Shared users are held out by fifths. The others teach how often items of both domains are "
    "liked by one person; then each held-out source profile ranks all held-out target profiles. "
    "The AUC is how often its own stands above another person's. The range beside it is what the "
    "same test gives when the ids are shuffled: 95 % of 200 shuffles. The share: among strangers "
    "an own profile stands anywhere, among the same people higher, so all places together are a "
    "mixture whose weight is the share of the same people. No share is believed for which people "
    "would have to be far worse to tell than by halves of one domain's own histories. Red where at "
    "most half can be the same people, or nothing speaks for any; green where at least three "
    "fifths are and all may be."
)
_RULE = (
    "Items of both domains with at least 3 common users, a Jaccard of .5, or a containment of .7 "
    "with a Jaccard of .3, beyond what chance gives to such items; on the training rows of a "
    "random split. Red where they carry most of what the source adds to a ridge regression on "
    "shared people's held-out rows; where nothing can be told from that, from 5 % of the shared "
    "people whose held-out rows they reach."
)


_DOUBLE_RULE = (
    "Two ids of one domain with at least 5 items each whose histories have a Jaccard of .8 or "
    "more, beyond what chance gives to users as active. Dropping keeps the first id of every group."
)


PASSED = "checks_passed"  # key of the drawer with what is well


def show_quality_tab() -> None:
    """Every check of the current pair with its light, its answer and what to do about it."""
    draw_failed_attempt()
    pair = pick_pair("pair_of_quality_tab")
    if pair is None:
        st.info("There is no pair yet. Make one under Pair, then its questions are answered here.")
        return
    working = draw_work("quality")
    checks, damaged = read_checks(folder_of(pair)), checks_are_damaged(folder_of(pair))
    if checks is None or damaged:
        if damaged:
            st.warning("What was found of this pair cannot be read any more. Check it again.")
        elif working is None:
            st.info("This pair was not checked yet. It takes some seconds, and you can go on.")
        if working is None:
            label = "Check again" if damaged else "Check this pair"
            st.button(
                label,
                key="quality_check",
                type="primary",
                icon=":material/fact_check:",
                on_click=attempt,
                args=(lambda: _check(pair),),
            )
        return
    passed = [check for check in checks if check.light == "green" and check.key != SAME_PEOPLE]
    for check in checks:
        if check not in passed:
            with st.container(border=True, key=f"check_{check.key}"):
                _draw_check(pair, check)
    draw_time_leak(pair)
    if not passed:
        return
    drawer = st.expander(
        f"{count(len(passed), 'more check')} passed",
        key=PASSED,
        on_change="rerun",
        icon=":material/check_circle:",
    )
    if drawer.open:
        with drawer:
            for check in passed:
                _draw_check(pair, check)


def _check(pair: PairInfo) -> None:
    ask_job("quality", {"pair": pair.dataset_hash}, f"Check {pair.title}")


def _draw_check(pair: PairInfo, check: Check) -> None:
    with draw_light(check):
        _draw_fix(pair, check)
    if check.key == SAME_PEOPLE:
        with st.expander("How this is measured"):
            st.caption(_HOW)
    if check.key == CROSS_LISTED and check.figures["pairs"]:
        with st.expander(f"Show me the {check.figures['pairs']:,} pairs of items"):
            st.caption(_RULE)
            _draw_cross_listed(pair)
    if check.key == DOUBLE_USERS and check.figures["pairs"]:
        with st.expander(f"Show me the {check.figures['pairs']:,} pairs of ids"):
            st.caption(_DOUBLE_RULE)
            found = read_double_users(folder_of(pair))
            source, target = names_of(pair)
            shown = found.replace({DOMAIN: {SOURCE: source, TARGET: target}})[
                [DOMAIN, USER_ID, OTHER_ID, COMMON_ITEMS, JACCARD]
            ].rename(columns=_DOUBLE_NAMES)
            digits = st.column_config.NumberColumn(format="%.2f")
            show_table(
                shown,
                key="double_users",
                download="double_users.csv",
                height=320,
                column_config={"Jaccard": digits},
            )
    if check.key == SPELLING and check.figures.get("ignoring"):
        with st.expander("Show me the overlap before and after"):
            # Shared users with each thing about spelling ignored, and ids that only then are equal
            left, right = st.columns(2)
            with left:
                counts = check.figures["ignoring"]
                table = pd.DataFrame(
                    {"Ignoring": list(counts), "Shared users": list(counts.values())}
                )
                show_table(table, key="spellings")
            with right:
                if check.figures["examples"]:
                    names = ["Id in the source", "Id in the target"]
                    examples = pd.DataFrame(check.figures["examples"], columns=names)
                    show_table(examples, key="spelling_examples")


def _draw_fix(pair: PairInfo, check: Check) -> None:
    """A button that makes a version of the pair without the problem, where there is one."""
    if check.light not in ("red", "amber"):
        return
    if check.key == CROSS_LISTED:
        items = f"{check.figures['source_items']:,} source items"
        _fix(pair, check, f"Drop {items}", drop_cross_listed=True)
    elif check.key == DOUBLE_USERS:
        _fix(pair, check, f"Drop {count(check.figures['spare'], 'id')}", drop_double_users=True)
    elif check.key == EXCHANGED and pair.settings["exchanged_columns"] == "none":
        file = check.figures["file"]
        _fix(pair, check, other_way_round(file), exchanged_columns=file)
    elif check.key == SPELLING and pair.settings["match_users"] == "exactly":
        _fix(pair, check, "Ignore spelling", match_users="loosely")


def _fix(pair: PairInfo, check: Check, label: str, **changes: object) -> None:
    st.button(
        label,
        key=f"fix_{check.key}",
        icon=":material/build:",
        width="stretch",
        help="Makes another version of this pair; this one stays.",
        on_click=attempt,
        args=(lambda: remake_pair(pair, **changes),),
    )


def _draw_cross_listed(pair: PairInfo) -> None:
    """Titles first; ids alone where no item table was given."""
    found = read_cross_listed(folder_of(pair))
    shown = {
        f"In {name}": found[title].where(found[title] != "", found[item])
        for name, title, item in zip(
            names_of(pair), (SOURCE_TITLE, TARGET_TITLE), (SOURCE_ITEM, TARGET_ITEM), strict=True
        )
    }
    figures = {"Common users": COMMON_USERS, "Jaccard": JACCARD, "Containment": CONTAINMENT}
    if (found[[SOURCE_TITLE, TARGET_TITLE]] != "").any(axis=None):
        figures |= {"Source id": SOURCE_ITEM, "Target id": TARGET_ITEM}
    shown |= {label: found[column] for label, column in figures.items()}
    digits = st.column_config.NumberColumn(format="%.2f")
    show_table(
        pd.DataFrame(shown),
        key="cross_listed",
        download="cross_listed_items.csv",
        height=320,
        column_config={"Jaccard": digits, "Containment": digits},
    )


# One question with its light and answer, as the Data and Metrics pages show it.

LIGHTS = {
    "green": ":green[:material/check_circle:]",
    "amber": ":orange[:material/error:]",
    "red": ":red[:material/dangerous:]",
    "grey": ":gray[:material/help:]",
}


def draw_light(check: Check) -> DeltaGenerator:
    """Light, question and answer; the place on the right where it is fixed."""
    light, words, action = st.columns([1, 14, 5], vertical_alignment="center")
    light.markdown(f"## {LIGHTS[check.light]}")
    answer = plain(check.answer, 600)
    said = f":red[{answer}]" if check.light == "red" else answer
    words.markdown(f"**{check.question}**  \n{said}")
    return action


def draw_time_leak(pair: PairInfo) -> None:
    """Whether training knows what came after the test, in the current or newest split of a pair."""
    current = current_split_hash()
    hashes = [current, *cached.split_hashes()] if current else []
    known = (h for h in hashes if cached.split_info(h).dataset_hash == pair.dataset_hash)
    split_hash = next(known, None)
    if split_hash is None:
        return
    check = time_leak_of(split_hash)
    with st.container(border=True, key=f"check_{check.key}"), draw_light(check):
        st.caption(f"Split: {plain(cached.split_info(split_hash).kind)} · {split_hash[:8]}")
        if check.light in ("amber", "red"):
            link_to("data", "Split by time", tab="Split")


def draw_time_note(split_hash: str) -> None:
    """The same beside results: one quiet line, red where a temporal split breaks its promise."""
    if split_hash not in cached.split_hashes():
        return
    check = time_leak_of(split_hash)
    said = plain(f"{check.question} {check.answer}", 700)
    if check.light == "red":
        st.error(said, icon=":material/dangerous:")
    elif check.light in ("amber", "green"):
        st.caption(f"{LIGHTS[check.light]} {said}")


@kept_data(max_entries=50)
def time_leak_of(split_hash: str) -> Check:
    """The check of a split, kept by its hash."""
    return time_check(
        cached.split_info(split_hash), find_time_leak(workspace().splits / split_hash)
    )
