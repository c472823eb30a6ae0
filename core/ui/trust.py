"""A warning in the sidebar where a pair failed a check that no lift survives."""

from __future__ import annotations

import streamlit as st

from core.basics.formatting import number
from core.data.checks.check import CROSS_LISTED, DOUBLE_USERS, EXCHANGED, SAME_PEOPLE, Check
from core.data.checks.quality import read_checks
from core.ui.navigation import link_to
from core.ui.shell import workspace
from core.ui.texts import plain


def draw_trust(dataset_hash: str) -> None:
    """One red sentence per failed check of the pair, and a link to all of them.

    A split of given files has no pair behind it, and nothing is said of it.
    """
    checks = read_checks(workspace().pairs / dataset_hash) or []
    said = [sentence for check in checks if (sentence := _sentence(check))]
    if said:
        st.error(plain(" ".join(said), 400), icon=":material/dangerous:")
        link_to("data", "See all checks", tab="Quality")


def _sentence(check: Check) -> str:
    if check.light != "red":
        return ""
    if check.key == SAME_PEOPLE:
        auc = number(check.figures["auc"])
        return f"Shared ids may not be the same people (AUC {auc}): do not believe a lift."
    if check.key == CROSS_LISTED:
        items, rows = check.figures["share"], check.figures.get("row_share", 0.0)
        if rows > items:
            return f"{rows:.1%} of the target rows are of cross-listed items: they leak the answer."
        return (
            f"{items:.1%} of the target items are cross-listed in the source: they leak the answer."
        )
    if check.key == DOUBLE_USERS:
        return f"{check.figures['share']:.1%} of a domain's users have a second id."
    return "User and item columns look exchanged." if check.key == EXCHANGED else ""
