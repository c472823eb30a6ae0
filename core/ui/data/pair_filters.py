"""Data page, Pair: filters, and live counts of what they leave."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.basics.columns import SOURCE
from core.basics.settings import Value
from core.data.datasets import import_counts
from core.data.pair_folder import DomainCounts
from core.data.pair_settings import PairInputs, PairSettings
from core.ui.data.shared import counts_of, ids_of
from core.ui.setting_widgets import ask_setting, info_of
from core.ui.texts import count, plain

LIVE = 3_000_000  # rows of both files up to which every change is counted at once
_FIRST = {
    "rating_threshold": "Liked from (of 5 stars)",
    "target_core": "Target k-core",
    "source_core": "Source k-core",
}
_MORE = {
    "source_fewest": "Source users: fewest interactions", "source_most": "Source users: most",
    "target_fewest": "Target users: fewest interactions", "target_most": "Target users: most",
    "first_day": "First day", "last_day": "Last day",
    "match_users": "Match users", "exchanged_columns": "Columns exchanged in",
}  # fmt: skip


def pick_settings() -> PairSettings:
    """The filters as set on the page."""
    values: dict[str, Value] = {}
    for column, (name, label) in zip(st.columns(3), _FIRST.items(), strict=True):
        with column:
            values[name] = _ask(name, label)
    with st.expander("More filters: activity, days, ids"):
        left, right = st.columns(2)
        for place, (name, label) in enumerate(_MORE.items()):
            with (left, right)[place % 2]:
                values[name] = _ask(name, label)
    return PairSettings.of(values)


def _ask(name: str, label: str) -> Value:
    return ask_setting(info_of(PairSettings, name), key=f"pair_setting_{name}", label=label)


def rows_of(inputs: PairInputs) -> int:
    """Rows of both files as imported."""
    counts = [import_counts(file) for file in (inputs.source, inputs.target)]
    return sum(count["kept"] for count in counts if count)


def draw_counts(inputs: PairInputs, settings: PairSettings) -> bool:
    """What the filters leave of both files; answers whether a pair can be made of it.

    Large files are counted on request, because that would hold up every move of a filter.
    """
    if rows_of(inputs) > LIVE and not st.toggle(
        "Count what is left", key="pair_count", help="These files are large: it takes a while."
    ):
        return True
    before, after = counts_of(inputs, settings)
    table, shared = st.columns([3, 1], vertical_alignment="center")
    sizes = [
        _row(inputs.source_name, before.source, after.source),
        _row(inputs.target_name, before.target, after.target),
    ]
    table.dataframe(pd.DataFrame(sizes), hide_index=True)
    shared.metric(
        "Shared users left", f"{after.shared:,}", help="Users in both domains after the filters.",
        delta=f"of {before.shared:,}", delta_color="off", delta_arrow="off",
    )  # fmt: skip
    if not before.shared:
        _say_why(inputs)
    elif not after.shared:
        st.warning("The filters leave no shared user. Lower the k-core or the threshold.")
    return after.shared > 0


def _row(name: str, before: DomainCounts, after: DomainCounts) -> dict[str, str]:
    return {
        "Domain": name,
        "Users": _change(before.users, after.users),
        "Items": _change(before.items, after.items),
        "Interactions": _change(before.rows, after.rows),
    }


def _change(before: int, after: int) -> str:
    return f"{before:,}" if before == after else f"{before:,} → {after:,}"


def _say_why(inputs: PairInputs) -> None:
    """Nobody is shared: what would help, and a button that does it."""
    ids = ids_of(inputs)
    if ids.exchanged:
        name = inputs.source_name if ids.exchanged == SOURCE else inputs.target_name
        found = max(ids.with_source_exchanged, ids.with_target_exchanged)
        _offer(
            f"No user is shared, but in {plain(name, 60)} the columns look exchanged: read the "
            f"other way round, {count(found, 'user is', 'users are')} shared.",
            "Read it the other way round", "exchanged_columns", ids.exchanged,
        )  # fmt: skip
    elif ids.spelt_differently:
        _offer(
            f"No user is shared as the ids are spelt; {count(ids.loosely, 'user is', 'users are')} "
            "when case, spaces, leading zeros and a trailing .0 are ignored.",
            "Ignore spelling", "match_users", "loosely",
        )  # fmt: skip
    else:
        st.error(
            "No user is in both files. Use the same user ids in both, or import a table that "
            "links them."
        )


def _offer(message: str, label: str, name: str, value: str) -> None:
    st.error(message)
    st.button(
        label, key=f"pair_fix_{name}", icon=":material/build:",
        on_click=lambda: st.session_state.update({f"pair_setting_{name}": value}),
    )  # fmt: skip
