"""Data page, Pair: filters, and live counts of what they leave."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.basics.columns import DOMAIN, SOURCE, TARGET
from core.basics.formatting import count
from core.basics.settings import Value
from core.charts.data import draw_bins, draw_deciles, draw_overlap, draw_times
from core.data.build_pair import OF_SHARED, disliked_in_words, known_in_words
from core.data.checks.same_people import BOTH
from core.data.filters import ACTIVE, CORE, IN_DAYS, LIKED, MERGED, POPULAR, RATED
from core.data.pair_folder import DomainCounts, PairInfo, PairInputs, PairSettings, steps_that_tell
from core.data.reading.options import import_counts
from core.ui.data.shared import (
    counts_of,
    doubts_of_ratings,
    figures_of,
    folder_of,
    ids_of,
    liked_of,
    names_of,
)
from core.ui.shell import show_chart
from core.ui.state import linked, one_of
from core.ui.widgets import ask_setting, info_of, plain, show_rows

LIVE = 3_000_000  # rows of both files up to which every change is counted at once
_FIRST = {
    "rating_threshold": "Liked from (of 5 stars)",
    "target_core": "Target k-core",
    "source_core": "Source k-core",
}
_MORE = {
    "source_fewest": "Source users: fewest interactions",
    "source_most": "Source users: most",
    "target_fewest": "Target users: fewest interactions",
    "target_most": "Target users: most",
    "source_item_fewest": "Source items: fewest interactions",
    "target_item_fewest": "Target items: fewest interactions",
    "first_day": "First day",
    "last_day": "Last day",
    "match_users": "Match users",
    "exchanged_columns": "Columns exchanged in",
    "source_liked_from": "Source liked from (a rating)",
    "target_liked_from": "Target liked from (a rating)",
}


def pick_settings() -> PairSettings:
    """The filters as set on the page."""
    values: dict[str, Value] = {}
    for column, (name, label) in zip(st.columns(3), _FIRST.items(), strict=True):
        with column:
            values[name] = _ask(name, label)
    with st.expander("More filters: activity, days, ids, exact ratings"):
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
    """Draw what the filters leave of both files, and return whether a pair can be made of it.

    Large files are counted on request, because that would hold up every move of a filter.
    """
    if rows_of(inputs) > LIVE and not st.toggle(
        "Count what is left", key="pair_count", help="These files are large: it takes a while."
    ):
        return True
    before, after = counts_of(inputs, settings)
    table, shared = st.columns([3, 1], vertical_alignment="center")
    source_liked, target_liked = liked_of(inputs, settings)
    sizes = [
        _row(inputs.source_name, before.source, after.source, source_liked),
        _row(inputs.target_name, before.target, after.target, target_liked),
    ]
    table.dataframe(pd.DataFrame(sizes), hide_index=True)
    for doubt in doubts_of_ratings(inputs, settings):
        table.warning(plain(doubt, 300), icon=":material/help:")
    shared.metric(
        "Shared users left",
        f"{after.shared:,}",
        help="Users in both domains after the filters.",
        delta=f"of {before.shared:,}",
        delta_color="off",
        delta_arrow="off",
    )
    if not after.source.rows or not after.target.rows:
        st.warning("The filters leave no rows in a domain. Lower the k-core or the threshold.")
        return False
    if after.shared:
        return True
    if before.shared:
        st.warning("The filters leave no shared user. Lower the k-core or the threshold.")
    else:
        _say_why(inputs, settings)
    return st.checkbox(
        "Make it although nobody is shared",
        key=f"pair_unshared_{_files_of(inputs)}",
        help="Models that read texts or patterns of ratings need no shared users, and those of the "
        "target alone do not either. Every other model will be refused, with its reason.",
    )


def _files_of(inputs: PairInputs) -> str:
    """Names the two files, so that what was confirmed of them is not confirmed of others."""
    return f"{inputs.source.parent.name}_{inputs.target.parent.name}"


def _row(name: str, before: DomainCounts, after: DomainCounts, liked: str) -> dict[str, str]:
    return {
        "Domain": name,
        "Ratings": liked,
        "Users": _change(before.users, after.users),
        "Items": _change(before.items, after.items),
        "Interactions": _change(before.rows, after.rows),
    }


def _change(before: int, after: int) -> str:
    return f"{before:,}" if before == after else f"{before:,} → {after:,}"


def _say_why(inputs: PairInputs, settings: PairSettings) -> None:
    """Nobody is shared: what would help, and a button that does it."""
    ids = ids_of(inputs)
    if ids.exchanged and settings.exchanged_columns == "none":
        said = ids.exchange_in_words(inputs.source_name, inputs.target_name)
        message = f"No user is shared as the files are read. {plain(said, 300)}"
        label = other_way_round(ids.exchanged)
        _offer(message, label, "exchanged_columns", ids.exchanged, sure=ids.plainly_exchanged)
    elif ids.spelt_differently and settings.match_users == "exactly":
        _offer(
            f"No user is shared as the ids are spelt; {count(ids.loosely, 'user is', 'users are')} "
            "when case, spaces, leading zeros, a trailing .0, "
            "full width and the encoding of accents are ignored.",
            "Ignore spelling",
            "match_users",
            "loosely",
        )
    else:
        st.error(
            "No user is in both files. Use the same user ids in both, or import a table that "
            "links them."
        )


def other_way_round(file: str) -> str:
    """What a button says that exchanges user and item in one file, or in both."""
    return "Read both the other way round" if file == BOTH else "Read it the other way round"


def _offer(message: str, label: str, name: str, value: str, sure: bool = True) -> None:
    (st.error if sure else st.warning)(message)
    st.button(
        label,
        key=f"pair_fix_{name}",
        icon=":material/build:",
        on_click=lambda: st.session_state.update({f"pair_setting_{name}": value}),
    )


# Data page, Pair: how much both domains share, and how they look side by side.


def draw_overlap_of(pair: PairInfo) -> None:
    """Two bars to scale, and which users are shared."""
    st.subheader("Who is shared", anchor=False)
    (found, _), names = figures_of(str(folder_of(pair))), names_of(pair)
    source, target = (plain(name, 60) for name in names)
    bars, deciles = st.columns(2, gap="large")
    with bars:
        show_chart(
            draw_overlap(found.source_users, found.target_users, found.shared, names=names),
            f"How many users do both domains share? {found.shared:,}: {found.share_of(SOURCE):.0%} "
            f"of {source} and {found.share_of(TARGET):.0%} of {target}. They carry "
            f"{found.carried(SOURCE):.0%} of the {source} interactions and "
            f"{found.carried(TARGET):.0%} of the {target} ones.",
            key="pair_overlap",
        )
    with deciles:
        show_chart(
            draw_deciles(found.deciles, names=names),
            "Are the shared users the active ones? Each domain's users in tenths by activity.",
            key="pair_deciles",
        )


def draw_funnel_of(pair: PairInfo) -> None:
    """From the files to the people models can learn from: rows and people after every filter."""
    st.subheader("From the files to the shared people", anchor=False)
    st.markdown(_funnel_in_words(pair))
    if pair.steps:
        names = tuple(name[:40] for name in names_of(pair))
        # Two domains of one name would be one column
        called = names if names[0] != names[1] else (f"{names[0]} (source)", f"{names[1]} (target)")
        show_rows(
            funnel_table(pair, called), "pair_steps", "Rows and people left after every filter."
        )
    if pair.disliked > 0:
        st.caption(plain(disliked_in_words(pair.disliked), 200))
    for domain, known in pair.items_known.items():
        if known[0] < known[1]:
            called_so = dict(zip((SOURCE, TARGET), names_of(pair), strict=True))[domain]
            st.caption(plain(known_in_words(known, called_so), 200))


def _funnel_in_words(pair: PairInfo) -> str:
    """`2,000 people in the files, 1,000 of them in both; the filters leave 1,943 and 828.`"""
    before, after = pair.before, pair.after
    people = [
        counts.source.users + counts.target.users - counts.shared for counts in (before, after)
    ]
    if before == after:
        return f"{people[0]:,} people, **{after.shared:,}** of them in both domains."
    return (
        f"{people[0]:,} people in the files, {before.shared:,} of them in both; the filters leave "
        f"{people[1]:,}, **{after.shared:,}** of them in both."
    )


def funnel_table(pair: PairInfo, called: tuple[str, ...]) -> pd.DataFrame:
    """A row per step that left something out: rows and people of either domain, and the reason.

    called: what the two domains are called in its heads. A pair of an older version knows rows
    alone.
    """
    why = _reasons(PairSettings.of(pair.settings))
    rows = []
    for step, left in steps_that_tell(pair.steps).items():
        row: dict[str, str | int | None] = {"What is left": step.capitalize()}
        for domain, name in zip((SOURCE, TARGET), called, strict=True):
            row[f"{name}, rows"] = left.get(domain)
            row[f"{name}, people"] = pair.people.get(step, {}).get(domain)
        rows.append(row | {"Left out": why.get(step, "")})
    return pd.DataFrame(rows).dropna(axis="columns", how="all")


def _reasons(settings: PairSettings) -> dict[str, str]:
    """Why a step leaves rows out, by the step."""
    cores = [
        f"{core} in the {domain}"
        for domain, core in ((SOURCE, settings.source_core), (TARGET, settings.target_core))
        if core > 1
    ]
    return {
        RATED: "rows without a rating",
        LIKED: f"rated below {settings.rating_threshold:g} of 5 stars",
        IN_DAYS: f"before {settings.first_day or '…'} or after {settings.last_day or '…'}",
        MERGED: "all but the latest row of a user and item",
        ACTIVE: "users with too few or too many rows",
        POPULAR: "items with too few rows",
        CORE: f"users and items with fewer rows than {' and '.join(cores)}",
        OF_SHARED: "people of one domain alone; models still learn from them",
    }


LENGTHS, POPULARITY, RATINGS, TIMES = "Histories", "Popularity", "Ratings", "Times"


def draw_profile_of(pair: PairInfo) -> None:
    """Activity, popularity, ratings or times of both domains on shared axes."""
    st.subheader("Both domains side by side", anchor=False)
    (_, found), names = figures_of(str(folder_of(pair))), names_of(pair)
    for domain, called in zip((SOURCE, TARGET), names, strict=True):
        if domain in found.counts:
            st.caption(f"{plain(called, 60)} · counts: {found.counts[domain].words()}")
    # One picture at a time: each costs a fresh tab a third of a CPU second
    there = [LENGTHS, POPULARITY]
    there += [RATINGS] if len(found.ratings) else []
    there += [TIMES] if len(found.times) else []
    chosen = st.segmented_control(
        "What",
        there,
        required=True,
        label_visibility="collapsed",
        **linked("profile", LENGTHS, one_of(there)),
    )
    if chosen == TIMES:
        show_chart(
            draw_times(found.times, found.time_step, names=names),
            "Do both domains cover the same time?",
            key="pair_times",
        )
        return
    bins, x, y, said, key = {
        LENGTHS: (
            found.activity,
            "interactions of a user, from",
            "share of users",
            f"How long are histories? Their medians are {_medians(found.sizes, 'user')}.",
            "pair_activity",
        ),
        POPULARITY: (
            found.popularity,
            "users of an item, from",
            "share of items",
            f"How popular are items? Their medians are {_medians(found.sizes, 'item')} users.",
            "pair_popularity",
        ),
        RATINGS: (
            found.ratings,
            "rating",
            "share of interactions",
            "Which ratings are left after the threshold?",
            "pair_ratings",
        ),
    }[chosen]
    show_chart(draw_bins(bins, names=names, x=x, y=y), said, key=key)


def _medians(sizes: pd.DataFrame, what: str) -> str:
    values = sizes.set_index(DOMAIN)[f"median_{what}"]
    return f"{values[SOURCE]:g} and {values[TARGET]:g}"
