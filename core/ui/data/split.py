"""Data page, Split: what is held out, what that leaves, and which split runs are trained on."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.basics.errors import DataError
from core.basics.formatting import count
from core.basics.settings import Value
from core.charts.data import draw_split_strip
from core.data.pair_folder import PairInfo
from core.data.snapshot import NEW_ITEMS, PARTS, SplitInfo
from core.data.splitting import (
    BY_TIME,
    COLD_FOLD,
    COLD_USERS,
    FOLDS,
    LATEST,
    LEAVE_K_OUT,
    RANDOM,
    ROW_FOLD,
    TEMPORAL,
    SplitCounts,
    SplitSettings,
)
from core.models.registry import CARDS
from core.ui import cached
from core.ui.data.checks import draw_time_leak, time_leak_of
from core.ui.data.shared import (
    AT_ONCE,
    attempt,
    do_or_enqueue,
    draw_failed_attempt,
    draw_work,
    folder_of,
    names_of,
    pick_pair,
    split_counts_of,
    splits_of,
    time_doubt,
)
from core.ui.navigation import link_to
from core.ui.shell import draw_press, show_chart, show_error
from core.ui.state import current_split_hash, set_current
from core.ui.train.models import LIGHTS, lights_of
from core.ui.widgets import ask_setting, info_of, plain, show_table

SEED = 2022
LARGEST_SEED = 2**31 - 1
_SIZES = ("Source train", "Target train", "Validation", "Test")
_LATER = "Training later than test"
_SHARES = {"valid_share": "Validation share", "test_share": "Test share"}
_LATER_HELP = (
    "Of the training rows of test users, those later than the user's first test row. 0 % in a "
    "split by time; in others it is expected, and their figures are no forecast."
)
_KINDS = {  # kind -> what it is for, and the settings it looks at
    RANDOM: ("Held-out rows of every user: does the model rank what they like?", _SHARES),
    LEAVE_K_OUT: ("The same number of rows of every user.", {"held_out": "k"}),
    TEMPORAL: (
        "Everything after a moment: does the model foresee? Source rows from after the "
        "first cut are left out of training.",
        _SHARES | {"test_from": "Test from day"},
    ),
    LATEST: (
        "The latest rows of every user, by their own time: what comes next? A user's source rows "
        "from then on are left out of training, what others did later is not.",
        {"held_out": "k"},
    ),
    COLD_USERS: (
        "Shared users who lose their whole target history: does the source serve "
        "people the target does not know?",
        {"cold_share": "Cold share"},
    ),
    COLD_FOLD: (
        "The same in turns: each shared user is tested once. Train starts all folds at once, and "
        "Metrics says what they find together.",
        {"folds": "Folds", "fold": "Fold"},
    ),
    ROW_FOLD: (
        "Cross-validation: rows of every user in turns, each tested once. Train starts all folds "
        "at once, and Metrics says what they find together.",
        {"folds": "Folds", "fold": "Fold"},
    ),
    NEW_ITEMS: (
        "Target items nobody is trained on, ranked among themselves: can the model place "
        "what has just arrived?",
        {
            "new_share": "Test share of items",
            "new_valid_share": "Validation share",
            "new_rows": "Fewest interactions",
        },
    ),
}


def show_split_tab() -> None:
    """The form of a split with live counts, over the splits that were made of this pair."""
    draw_failed_attempt()
    draw_work("split")
    pair = pick_pair("pair_of_split_tab")
    if pair is None:
        st.info("There is no pair yet. Make one under Pair, then split it here.")
        return
    settings, seed = _pick_settings()
    doubt = time_doubt(str(folder_of(pair))) if settings.kind in BY_TIME else None
    if doubt is not None:
        show_error(DataError(*doubt))
    else:
        _draw_counts(pair, settings, seed)
    made = splits_of(pair)
    with st.container(horizontal=True, vertical_alignment="center"):
        draw_press(
            "Make this split",
            attempt,
            (lambda: _make(pair, settings, seed),),
            type="secondary" if made else "primary",
            key="split_make",
            icon=":material/call_split:",
            disabled=doubt is not None,
        )
        if made:
            # A link: Streamlit lets no button leave a page whose tabs stand in the address
            with st.container(border=True, width="content", key="split_next"):
                link_to("train", "**Train on it**")
    _draw_splits(pair, made)


def _pick_settings() -> tuple[SplitSettings, int]:
    kind, *rest = st.columns([2, 1, 1, 1, 1], vertical_alignment="top")
    with kind:
        chosen = str(ask_setting(info_of(SplitSettings, "kind"), key="split_kind", label="Kind"))
        said, labels = _KINDS[chosen]
        st.caption(said)
    values: dict[str, Value] = {"kind": chosen}
    for place, (name, label) in zip(rest, labels.items(), strict=False):
        with place:
            values[name] = ask_setting(info_of(SplitSettings, name), f"split_{name}", label)
    with rest[-1]:
        seed = st.number_input(
            "Seed",
            min_value=0,
            max_value=LARGEST_SEED,
            value=SEED,
            step=1,
            key="split_seed",
            help="Where chance starts: the same seed gives the same split.",
            persist_state="session",
        )
    return SplitSettings.of(values), int(seed)


def _draw_counts(pair: PairInfo, settings: SplitSettings, seed: int) -> None:
    if pair.after.source.rows + pair.after.target.rows > AT_ONCE:
        st.caption("This pair is large: the parts are counted when the split is made.")
        return
    counts = split_counts_of(str(folder_of(pair)), settings, seed)
    show_chart(
        draw_split_strip(counts.rows, left_out=counts.source_left_out, names=names_of(pair)),
        f"{_said(counts, settings.kind)}",
        key="split_strip",
    )


def _said(counts: SplitCounts, kind: str) -> str:
    text = (
        f"{count(counts.train_users, 'user')} to train on, {counts.valid_users:,} to validate, "
        f"{counts.test_users:,} to test"
    )
    cold = f", {counts.cold_test_users:,} of them without target history"
    text += f"{cold if counts.cold_test_users else ''}."
    if kind == NEW_ITEMS:
        valid, test, items = counts.new_items
        return (
            f"{test:,} of {count(items, 'target item')} hidden for the test and {valid:,} for "
            f"validation; {count(counts.test_users, 'user')} hold those of the test. " + text
        )
    if counts.unseen_test_rows:
        rows = count(counts.unseen_test_rows, "test row")
        text += f" {rows} have an item nobody trained on: no model without texts can find it."
    if counts.on_a_cut > 2:
        rows = count(counts.on_a_cut, "target row")
        text += (
            f" {rows} lie exactly on a cut: rows of one moment stay together, in the later part."
        )
    return text


def _make(pair: PairInfo, settings: SplitSettings, seed: int) -> None:
    """Make the split; it becomes the one that runs are trained on."""
    payload = {"pair": pair.dataset_hash, "settings": settings.to_dict(), "seed": seed}
    rows = pair.after.source.rows + pair.after.target.rows
    made = do_or_enqueue("split", payload, f"Split {pair.title}", rows)
    if made:
        set_current(split=made["split"])


def _draw_splits(pair: PairInfo, infos: list[SplitInfo]) -> None:
    if not infos:
        return
    st.markdown("**Splits of this pair**")
    current = current_split_hash()
    localized = st.column_config.NumberColumn(format="localized")
    table_of = pd.DataFrame(
        [
            {
                "Current": "●" if info.split_hash == current else "",
                "Kind": info.kind + _fold_of(info),
                "Seed": info.seed,
                **{name: info.counts[part] for name, part in zip(_SIZES, PARTS, strict=True)},
                _LATER: _later(info),
            }
            for info in infos
        ]
    )
    chosen = show_table(
        table_of,
        key="splits",
        selection="single-row",
        column_config={name: localized for name in _SIZES}
        | {_LATER: st.column_config.TextColumn(help=_LATER_HELP)},
    )
    picked = infos[chosen[0]].split_hash if chosen else None
    if picked and picked != current:
        set_current(split=picked)
        st.rerun()
    st.caption("Tick a row to train on that split.")
    if current in [info.split_hash for info in infos]:
        draw_time_leak(pair)
        _draw_readiness(cached.split_info(current))


def _draw_readiness(info: SplitInfo) -> None:
    """Which models can be trained on the current split, and why not."""
    drawer = st.expander(
        "Which models can be trained on it?",
        icon=":material/model_training:",
        key="split_readiness",
        on_change="rerun",
    )
    if drawer.open:
        with drawer:
            for name, found in lights_of(info).items():
                st.markdown(f"{LIGHTS[found.light]} **{CARDS[name].title}**: {plain(found.reason)}")


def _later(info: SplitInfo) -> str:
    share = time_leak_of(info.split_hash).figures.get("share")
    return "–" if share is None else f"{share:.0%}"


def _fold_of(info: SplitInfo) -> str:
    if info.kind not in FOLDS:
        return ""
    return f" {info.settings['fold']} of {info.settings['folds']}"
