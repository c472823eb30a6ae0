"""What the Metrics page looks at: part, k, metric, segment, and the runs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from core.basics.columns import SOURCE, TARGET, TEST, USER, VALID
from core.basics.errors import CrosswalkError, DataError
from core.basics.formatting import count
from core.basics.types import IntArray
from core.charts.theme import one_line
from core.data.attributes import (
    is_damaged,
    keep_attributes,
    list_attributes,
    read_counts,
    remove_attributes,
    user_attributes,
)
from core.data.snapshot import Split
from core.evaluation.lift import segment_names
from core.evaluation.list_figures import list_figures
from core.evaluation.lists import LIFTED, ListWorld, judge, sayable
from core.evaluation.segments import (
    ALL_USERS,
    ATTRIBUTE,
    BINS,
    FEWEST,
    SOURCE_HISTORY,
    TARGET_HISTORY,
    TITLES,
    attribute_segments,
)
from core.evaluation.side_by_side import users_in
from core.metrics.card import Judged, Seen
from core.metrics.registry import METRICS, metric_card
from core.runs.studies.noise import Read
from core.store.run_folder import RUN, Run
from core.ui import cached
from core.ui.keeping import kept_data, kept_resource
from core.ui.shell import safely, show_error, workspace
from core.ui.state import linked, one_of, run_names, runs_of_pair, some_of
from core.ui.widgets import plain

KS = (5, 10, 20, 50)
PARTS = {TEST: "Test", VALID: "Validation"}


@dataclass(frozen=True)
class View:
    """The choices above the table."""

    part: str
    k: int
    metric: str  # without its k
    segment: str  # "all", or kind and name as in "target_history:1–4"
    stamp: str = ""  # changes when attributes of users come or go

    @property
    def column(self) -> str:
        """The metric as a column of the per-user frames."""
        return column_of(self.metric, self.k)

    @property
    def who(self) -> str:
        """The segment as a cache knows it: its users may be others with another file."""
        return f"{self.segment} {self.stamp}"


def column_of(metric: str, k: int) -> str:
    """ "ndcg" at 10 is "ndcg@10"; AUC has no k."""
    return f"{metric}@{k}" if METRICS[metric].at_k else metric


def pick_view(run: Run) -> View:
    """One row of controls, each tied to the address bar."""
    names = titles(run)
    per_user = metrics_of(run) + lifted_names(run)
    row = st.container(horizontal=True, vertical_alignment="bottom")  # wraps where it is narrow
    return View(
        part=row.segmented_control(
            "Held-out part",
            list(PARTS),
            format_func=PARTS.__getitem__,
            required=True,
            help="Settings and weights are chosen on validation; test is what is reported.",
            **linked("part", TEST, one_of(list(PARTS))),
        ),
        k=row.segmented_control(
            "k, length of a list", KS, required=True, **linked("k", 10, one_of(KS))
        ),
        metric=row.selectbox(
            "Metric of lifts and users",
            per_user,
            width=200,
            format_func=lambda name: METRICS[name].title,
            help="Those a run keeps first, then those that are made from its lists.",
            **linked("metric", per_user[0], one_of(per_user)),
        ),
        segment=row.selectbox(
            "Users",
            list(names),
            width=270,
            format_func=lambda name: names.get(name, name),
            help="Histories are counted in the training data; attributes of users can be added "
            "below. Under ten users nothing is shown.",
            **linked("segment", EVERYBODY, one_of(list(names))),
        ),
        stamp=cached.attributes_key(run.record.dataset_hash),
    )


def metrics_of(run: Run) -> list[str]:
    """Names of the metrics the run keeps for every user; a run of ratings has its errors first."""
    cards = [card for card in METRICS.values() if card.has_interval and card.kept]
    errors = [card.name for card in cards if card.task == "rating"]
    ranking = [card.name for card in cards if card.task == "ranking"]
    return errors + ranking if run.card.task.rates else ranking


def pick_runs(run: Run) -> list[Run]:
    """The runs to compare, the current one first; says which cannot be compared, and why."""
    fits, refused = comparable(run, runs_of_pair())
    names, others = run_names(fits), {entry.id: entry for entry in fits if entry.id != run.id}
    chosen = st.multiselect(
        "Compare with",
        list(others),
        format_func=lambda id: names.get(id, id),
        placeholder="Other runs on the same split",
        **linked("with", list(others)[:4], some_of(list(others)), key=f"compare_{run.id}"),
    )
    if refused:
        with st.expander(f"Not compared: {len(refused)} on other data or another split"):
            for entry, reason in refused:
                st.markdown(f"- {plain(entry.label)}: {reason}")
    return [run, *(others[id] for id in chosen if id in others)]


def comparable(run: Run, runs: list[Run]) -> tuple[list[Run], list[tuple[Run, str]]]:
    """Runs whose users can be paired with those of `run`, and the others with the reason."""
    fits, refused = [], []
    for other in runs:
        reason = why_not(run, other)
        if reason is None:
            fits.append(other)
        else:
            refused.append((other, reason))
    return fits, refused


def why_not(run: Run, other: Run) -> str | None:
    """Why numbers of the two must not be subtracted; None where they may."""
    if run.record.dataset_hash != other.record.dataset_hash:
        names = f"{other.record.source_name} → {other.record.target_name}"
        return f"it was trained on other data ({plain(names)}, {_hashes(run, other, 'dataset')})."
    if run.record.split_hash != other.record.split_hash:
        return (
            "it was trained on another split of the same data, so its test users differ "
            f"({_hashes(run, other, 'split')})."
        )
    return None


def _hashes(run: Run, other: Run, what: str) -> str:
    """Both hashes, short enough to read and long enough to tell apart."""
    ours, theirs = (getattr(one.record, f"{what}_hash")[:8] for one in (run, other))
    return f"{what} {theirs} against {ours}"


# The users the Metrics page is about: everybody, or one segment by history or attribute.

EVERYBODY = "all"
LONGEST = 40  # characters of an attribute's name in a box


def choices(run: Run) -> dict[str, tuple[str, str]]:
    """Kind and name of every segment with users in it, by the name the address bar uses."""
    return _choices(run.record.split_hash, run.record.dataset_hash)


def _attributes(split_hash: str, dataset_hash: str) -> str:
    return cached.attributes_key(dataset_hash)


@kept_data(max_entries=8, also=_attributes)
def _choices(split_hash: str, dataset_hash: str) -> dict[str, tuple[str, str]]:
    segments, _ = _segments(split_hash, dataset_hash)
    found: dict[str, tuple[str, str]] = {}
    for by in segments:
        there = set(segments[by].dropna().astype("str"))
        for name in segment_names(segments, by):
            if name in there:
                found.setdefault(f"{by}:{name}", (by, name))
    return found


def titles(run: Run) -> dict[str, str]:
    """What a person calls everybody and every segment."""
    return {EVERYBODY: "All users"} | {
        key: f"{_kind(by)}: {name[:LONGEST]}" for key, (by, name) in choices(run).items()
    }


def users_of(run: Run, segment: str) -> IntArray | None:
    """Numbers of the users of a segment; None for everybody."""
    place = choices(run).get(segment)
    return None if place is None else users_in(segments_of(run), *place)


def too_few(run: Run, part: str, segment: str) -> bool:
    """Whether under FEWEST of the segment's users were evaluated; then a word says so."""
    evaluated, users = cached.per_user(run, part)[USER].to_numpy(), users_of(run, segment)
    n = len(evaluated) if users is None else int(np.isin(evaluated, users).sum())
    if n < FEWEST:
        st.info(f"{count(n, 'user')} of this segment evaluated: too few to say.")
    return n < FEWEST


def _kind(by: str) -> str:
    title = TITLES.get(by) or by.partition(":")[2]
    return f"{title[:1].upper()}{title[1:LONGEST]}"


# Kinds of segments a run can be looked at by: its histories, where users were seen, attributes.

_ADDED, _REFUSED = "attributes_added", "attributes_refused"


def titles_of(run: Run) -> dict[str, str]:
    """What each kind of segment is called, by the name the address bar uses."""
    names = segments_of(run).columns
    return TITLES | {name: plain(name.partition(":")[2], 40) for name in names[len(TITLES) :]}


def segments_of(run: Run) -> pd.DataFrame:
    """Which segments each user is in, one row per user number and one column per kind."""
    return _segments(run.record.split_hash, run.record.dataset_hash)[0]


def refused_attributes(run: Run) -> list[str]:
    """Attributes that make no segments, each with the reason."""
    return _segments(run.record.split_hash, run.record.dataset_hash)[1]


def missing_words(run: Run, part: str, by: str) -> str:
    """How many evaluated users have no value of an attribute; "" where all have."""
    users = cached.per_user(run, part)[USER].to_numpy()
    known = segments_of(run)[by].notna().to_numpy()[users]
    without = int((~known).sum())
    return f" {count(without, 'evaluated user')} without a value are left out." if without else ""


def draw_upload(run: Run) -> None:
    """Take up a table of attributes; says what came of it."""
    with st.popover("User attributes", icon=":material/group_add:"):
        st.markdown(
            "A CSV with a header: `user`, then one column per attribute, such as age or country. "
            "Numbers become quartiles; of words the 11 commonest are kept apart."
        )
        st.file_uploader("Table of users", type=["csv", "tsv", "txt"], key="attributes_file")
        st.button(
            "Add these attributes",
            key="attributes_add",
            on_click=safely(_add),
            args=(run,),
            disabled=st.session_state.get("attributes_file") is None,
        )
        if refused := st.session_state.pop(_REFUSED, None):
            show_error(refused)
        if added := st.session_state.get(f"{_ADDED}_{run.record.dataset_hash}"):
            words = [f"{plain(', '.join(added.attributes), 300)}: {count(added.matched, 'user')}"]
            for n, what in (
                (added.missing, "of the pair are not in the file"),
                (added.unknown, "of the file are not in the pair"),
            ):
                if n:
                    words.append(f"{count(n, 'user')} {what}")
            if added.repeated:
                words.append(
                    f"{count(added.repeated, 'row')} of a user who came again, the last counts"
                )
            if added.unnamed:
                words.append(
                    f"{count(added.unnamed, 'row')} without a user or of another length left out"
                )
            said = "; ".join(words) + "."
            st.success(said)
        for reason in refused_attributes(run):
            st.warning(plain(reason, 400))
        _draw_files(run)


def _draw_files(run: Run) -> None:
    """Every kept file with what is in it, and a button that takes it away."""
    dataset_hash = run.record.dataset_hash
    for folder in list_attributes(workspace(), dataset_hash):
        words, button = st.columns([3, 1], vertical_alignment="center")
        if is_damaged(folder):
            words.caption(":orange[A kept file cannot be read any more. Add it again.]")
        else:
            counts = read_counts(folder)
            names = plain(", ".join(counts.attributes), 120)
            words.caption(f"Kept: {names} of {count(counts.matched, 'user')}")
        button.button(
            "Remove",
            key=f"attributes_remove_{folder.name}",
            icon=":material/delete:",
            on_click=safely(_remove),
            args=(dataset_hash, folder.name),
            type="tertiary",
        )


def _remove(dataset_hash: str, name: str) -> None:
    remove_attributes(workspace(), dataset_hash, name)
    st.session_state.pop(f"{_ADDED}_{dataset_hash}", None)


def _add(run: Run) -> None:
    data = st.session_state["attributes_file"].getvalue()
    dataset_hash = run.record.dataset_hash
    try:
        users = cached.split_of(run).train.users
        counts = keep_attributes(workspace(), dataset_hash, data, users)
    except CrosswalkError as error:
        st.session_state[_REFUSED] = error
    else:
        st.session_state[f"{_ADDED}_{dataset_hash}"] = counts


@kept_resource(max_entries=4, also=_attributes)
def _segments(split_hash: str, dataset_hash: str) -> tuple[pd.DataFrame, list[str]]:
    segments = cached.segments(split_hash)
    users = cached.split(split_hash).train.users
    refused: list[str] = []
    extra: dict[str, np.ndarray] = user_attributes(workspace(), dataset_hash, users)
    for name, values in extra.items():
        try:
            found = attribute_segments(values)
        except DataError as error:
            refused.append(f"{name}: {error.what} {error.hint}")
        else:
            segments = segments.assign(**{f"{ATTRIBUTE}:{name}": found})
    return segments, refused


# Lists of a run, judged once and kept by its folder, and every figure made from them.

USUAL_K = 10  # length at which a figure that has no k is read


def world_of(run: Run, part: str) -> ListWorld:
    """What lists of the run's split are judged by."""
    return _world(cached.split_of(run), part)


@kept_resource(max_entries=2)
def _world(split: Split, part: str) -> ListWorld:
    return ListWorld.of(split, part)


@kept_resource(max_entries=12)
def judged_of(run: Run, part: str) -> Judged:
    """The run's lists with their hits."""
    return judge(run.lists(part), world_of(run, part))


@kept_data(max_entries=30)
def frame_of(run: Run, part: str, k: int) -> pd.DataFrame:
    """USER and every figure of lists of length k, made when first asked for."""
    judged = judged_of(run, part)
    kept = cached.per_user(run, part)
    auc = kept.set_index(USER)["auc"].reindex(judged.users).to_numpy() if "auc" in kept else None
    # Whether what each domain adds to a score was kept, and both together are the score
    ranks = not run.card.task.rates
    keeps_parts = bool(ranks and run.card.additive and run.record.role == RUN)
    parts = cached.candidates(run, part) if keeps_parts else None
    return list_figures(Seen(judged, world_of(run, part), k, auc, parts))


def lifted_names(run: Run) -> list[str]:
    """Figures of lists that the run can be compared by with its twin and floor, user by user."""
    beside = [run, *(other for other in (run.twin, run.floor) if other)]
    if not all(one.has_lists for one in beside):
        return []
    there = sayable(world_of(run, TEST))
    return [name for name in METRICS if name in LIFTED and name in there]


def reader_of(metric: str) -> Read:
    """Reads frames of runs that hold the metric: as they are kept, or made from their lists."""
    if metric_card(metric).kept:
        return cached.per_user
    k = int(metric.partition("@")[2] or USUAL_K)
    return lambda run, part: frame_of(run, part, k)


def group_label(run: Run, by: str, name: str) -> str:
    """A group as it stands beside a picture, with what it is counted in: `1–4 in films`."""
    if name == ALL_USERS:
        return name
    domains = {TARGET_HISTORY: TARGET, SOURCE_HISTORY: SOURCE}
    if by not in domains:
        return name
    domain = one_line(run.record.name_of(domains[by]), 18)
    return f"{'nothing' if name == BINS[0] else name} in {domain}"
