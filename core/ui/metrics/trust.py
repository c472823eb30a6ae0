"""Beside every lift: what the trust checks say of the data it is measured on."""

from __future__ import annotations

from collections import Counter

import streamlit as st

from core.data.checks.quality import read_checks
from core.store.run_folder import Run
from core.ui.navigation import link_to
from core.ui.shell import workspace
from core.ui.trust import draw_trust

_LIGHTS: dict[str, str] = {
    "green": "passed",
    "amber": "in doubt",
    "red": "failed",
    "grey": "without an answer",
}


def show_trust(run: Run) -> None:
    """How many checks of the pair passed; the failed ones in words, with a link to all of them."""
    dataset_hash = run.record["dataset_hash"]
    folder = workspace().pairs / dataset_hash
    if not folder.exists():
        st.caption("Trust: this split came as files of its own, so its data were not checked here.")
        return
    checks = read_checks(folder)
    if checks is None:
        st.caption("Trust: this pair was not checked yet, so no lift on it is to be believed.")
        link_to("data", "Check the pair", tab="Quality")
        return
    draw_trust(dataset_hash)
    lights = Counter[str](check.light for check in checks)
    said = [f"{lights[light]} {words}" for light, words in _LIGHTS.items() if lights[light]]
    st.caption(f"Trust checks of this pair: {', '.join(said)}.")
