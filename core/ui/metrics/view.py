"""What the Metrics page looks at: part, k, metric, segment, and the runs."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from core.basics.columns import TEST, VALID
from core.metrics.registry import METRICS
from core.store.run_folder import Run
from core.ui import cached
from core.ui.metrics.run_lists import lifted_names
from core.ui.metrics.segment import EVERYBODY, titles
from core.ui.run_names import run_names
from core.ui.state import linked, one_of
from core.ui.texts import plain

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
    part, k, metric, segment = st.columns([1.2, 1.1, 1, 1.4], vertical_alignment="bottom")
    names = titles(run)
    per_user = metrics_of(run) + lifted_names(run)
    return View(
        part=part.segmented_control(
            "Held-out part",
            list(PARTS),
            format_func=PARTS.__getitem__,
            required=True,
            help="Settings and weights are chosen on validation; test is what is reported.",
            **linked("part", TEST, one_of(list(PARTS))),
        ),
        k=k.segmented_control(
            "k, length of a list", KS, required=True, **linked("k", 10, one_of(KS))
        ),
        metric=metric.selectbox(
            "Metric of lifts and users",
            per_user,
            format_func=lambda name: METRICS[name].title,
            help="Those a run keeps first, then those that are made from its lists.",
            **linked("metric", per_user[0], one_of(per_user)),
        ),
        segment=segment.selectbox(
            "Users",
            list(names),
            format_func=lambda name: names.get(name, name),
            help="Histories are counted in the training data; attributes of users can be added "
            "below. Under ten users nothing is shown.",
            **linked("segment", EVERYBODY, one_of(list(names))),
        ),
        stamp=cached.attributes_key(run.record["dataset_hash"]),
    )


def metrics_of(run: Run) -> list[str]:
    """Names of the metrics the run keeps for every user; a run of ratings has its errors first."""
    cards = [card for card in METRICS.values() if card.has_interval and card.kept]
    errors = [card.name for card in cards if card.task == "rating"]
    ranking = [card.name for card in cards if card.task == "ranking"]
    return errors + ranking if run.card.task == "rating" else ranking


def pick_runs(run: Run) -> list[Run]:
    """The runs to compare, the current one first; says which cannot be compared, and why."""
    fits, refused = comparable(run, cached.runs())
    names, others = run_names(fits), {entry.id: entry for entry in fits if entry.id != run.id}
    chosen = st.multiselect(
        "Compare with",
        list(others),
        default=list(others)[:4],
        key=f"compare_{run.id}",
        format_func=lambda id: names.get(id, id),
        placeholder="Other runs on the same split",
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
    if run.record["dataset_hash"] != other.record["dataset_hash"]:
        names = f"{other.record['source_name']} → {other.record['target_name']}"
        return f"it was trained on other data ({plain(names)}, {_hashes(run, other, 'dataset')})."
    if run.record["split_hash"] != other.record["split_hash"]:
        return (
            "it was trained on another split of the same data, so its test users differ "
            f"({_hashes(run, other, 'split')})."
        )
    return None


def _hashes(run: Run, other: Run, what: str) -> str:
    """Both hashes, short enough to read and long enough to tell apart."""
    ours, theirs = (one.record[f"{what}_hash"][:8] for one in (run, other))
    return f"{what} {theirs} against {ours}"
