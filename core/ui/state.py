"""What every page is about - run, split, user, weights - kept in the address bar and the session.

The address bar wins when a page is opened from a link, refreshed or gone back to; the session
carries the values from page to page, because changing the page empties the address bar.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from core.basics.formatting import number, signed
from core.data.pair_folder import list_pairs
from core.data.snapshot import Split, SplitInfo
from core.store.run_folder import Run
from core.ui import cached
from core.ui.cached import Question
from core.ui.navigation import link_to
from core.ui.shell import workspace
from core.ui.widgets import plain

ADDRESS = (
    "pair",
    "run",
    "split",
    "user",
    "k",
    "alpha",
    "beta",
    "part",
    "rerank",  # on Recommendations: another order than by score, and how much it counts
    "strength",
    "metric",
    "segment",
    "by",
    "look",  # on Metrics, Beyond accuracy: which figures of every run
    "shown",  # on Metrics: differences or figures
    "order",
    "kind",
    "scale",  # of the fusion
    "what",
    "colour",
    "layout",  # of the map
    "encoder",
    "reads",
    "vectors",
    "meaning",  # of the map of texts, and what is searched on it
    "edits",
    "visitor",
    "wish",  # of histories: of one user, and of somebody new, also in words
    "tab",
    "metrics_tab",
    "fusion_tab",
    "embeddings_tab",
    "lists_tab",  # which tab of Data, Metrics, Fusion, Embeddings, Recommendations is open
    "with",
    "beside",  # the runs that Metrics compares with, and the one that Recommendations shows beside
    "across",
    "up",  # of the trade-off of two metrics
    "yes",
    "curve",  # of the classification
    "lines",
    "gap_colour",  # of the maps before and after
    "find",  # on the map
    "taken",
    "against",  # of the reasons' check, and of the marks of edits
    "opens",  # of everybody's lists
    "sections",
    "ids",  # of the report: what it says, and whether users are named
    "runs_of",
    "models",
    "preset",
    "models_search",
    "runs_search",  # of Train: one pair's runs or all, which models are ticked, what is searched
    "classified_k",  # of the classification: how many items of a list are a yes
    "report_title",
    "report_note",
    "profile",
    "text_reads",  # of Data: what is drawn of both domains, what is read of a text
)
_OF_A_PAIR = ("pair", "run", "split")
NEWEST = "newest"  # a pair that is being made: its hash is not known yet
LONGEST = 200  # characters of one value; anything longer was not written by a page
# Lists of items, of runs, of models, and what a person writes
LONGER = {"edits": 2000, "visitor": 2000, "with": 1000, "models": 1000, "report_note": 4000}
SEVERAL = ","  # between the values of a choice of several
_KEPT = "kept_address"
_NOTICE = "notice"
_PAGE = "page_of_the_widgets"


def restore_address() -> None:
    """At the start of every script run: take up the address bar, then fill in what it lacks."""
    kept = st.session_state.setdefault(_KEPT, {})
    _forget_widgets_of_other_pages()
    new = {n for n in _OF_A_PAIR if st.query_params.get(n) not in (None, kept.get(n))}
    old = {*_OF_A_PAIR} - new if new else set()
    for name in old:
        # A link to another pair or run says nothing of what was looked at in the one before
        kept.pop(name, None)
    for name in ADDRESS:
        text = st.query_params.get(name)
        if text is not None and name not in old and fits(name, text):
            kept[name] = text
    _write_address(kept)


def _write_address(kept: dict[str, str]) -> None:
    """The address bar with all that is kept, at once: each writing is a step of going back."""
    there: dict[str, str] = st.query_params.to_dict()
    others = {name: text for name, text in there.items() if name not in ADDRESS}
    ours = {name: kept[name] for name in ADDRESS if name in kept}
    if others | ours != there:
        st.query_params.from_dict(others | ours)


def fits(name: str, text: str) -> bool:
    """Whether the address bar takes so long a text under the name."""
    return len(text) <= LONGER.get(name, LONGEST)


def recall(name: str) -> str | None:
    """The text kept under one of the names of ADDRESS; None where there is none."""
    return st.session_state.get(_KEPT, {}).get(name)


def set_current(**values: object) -> None:
    """Keep values under names of ADDRESS, in the session and the address bar; None forgets."""
    kept = st.session_state.setdefault(_KEPT, {})
    for name, value in values.items():
        if name not in ADDRESS:
            raise KeyError(name)
        if value is None:
            kept.pop(name, None)
        else:
            kept[name] = _text(value)
    _write_address(kept)


def linked(
    name: str,
    default: Any,
    parse: Callable[[str], Any],
    forgets: Sequence[str] = (),
    key: str | None = None,
) -> dict[str, Any]:
    """Arguments that tie a widget to the address bar: `st.slider("k", 5, 50, **linked("k", …))`.

    parse turns the text of the address into the widget's value; where it raises ValueError the
    default stands. forgets: other names that a change of this one makes meaningless. key: of the
    widget, where it has to be another than the name's own. Do not pass the widget a value, a key
    or on_change of its own.
    """
    key = key or f"{name}_widget"
    if key not in st.session_state or _went_back() or not _fits(st.session_state[key], parse):
        st.session_state[key] = recalled(name, default, parse)
    return {"key": key, "on_change": _keep_widget, "args": (name, key, tuple(forgets))}


def recalled(name: str, default: Any, parse: Callable[[str], Any]) -> Any:
    """The kept value as `parse` reads it, on pages that do not show its widget."""
    text = recall(name)
    try:
        return default if text is None else parse(text)
    except ValueError:
        return default


def bounded(low: float, high: float, kind: type = float) -> Callable[[str], Any]:
    """A parser for numbers: beyond the bounds gives the bound, nonsense raises ValueError."""

    def parse(text: str) -> Any:
        value = float(text)
        if value != value:
            raise ValueError(text)
        return kind(min(high, max(low, value)))

    return parse


def one_of(options: Sequence[Any]) -> Callable[[str], Any]:
    """A parser that takes the text of one of the options; anything else raises ValueError."""
    by_text = {str(option): option for option in options}

    def parse(text: str) -> Any:
        if text not in by_text:
            raise ValueError(text)
        return by_text[text]

    return parse


def some_of(options: Sequence[str]) -> Callable[[str], list[str]]:
    """A parser for several of the options; where none of them is left it raises ValueError."""

    def parse(text: str) -> list[str]:
        named = [name for name in text.split(SEVERAL) if name]
        known = [name for name in named if name in options]
        if named and not known:
            raise ValueError(text)
        return known

    return parse


def weights() -> tuple[float, float]:
    """alpha and beta as set on the Fusion page, both in [0, 1]; 1 and 1 at first."""
    fraction = bounded(0.0, 1.0)
    return recalled("alpha", 1.0, fraction), recalled("beta", 1.0, fraction)


def current_pair() -> Question | None:
    """The pair every page is about; None where the workspace has none.

    It is the pair of the run, else of the split, that is asked for; else the pair itself; where
    nothing is asked for, the newest with runs, else the newest.
    """
    questions = {question.dataset_hash: question for question in cached.questions()}
    asked = {run.id: run.record.dataset_hash for run in cached.runs()}.get(recall("run") or "")
    if asked is None and (split := recall("split")) in cached.split_hashes():
        asked = cached.split_info(str(split)).dataset_hash
    pair = asked or recall("pair")
    if pair == NEWEST:
        pair = next((made.dataset_hash for made in list_pairs(workspace())), None)
    return questions.get(pair or "") or next(iter(questions.values()), None)


def choose_pair(dataset_hash: str) -> None:
    """Let every page be about this pair; NEWEST: about the one that is made now."""
    now = current_pair()
    if now is None or now.dataset_hash != dataset_hash:
        set_current(pair=dataset_hash, run=None, split=None, user=None)


def runs_of_pair() -> list[Run]:
    """The current pair's runs, newest first."""
    pair = current_pair()
    return [run for run in cached.runs() if pair and run.record.dataset_hash == pair.dataset_hash]


def current_run() -> Run | None:
    """The run every page is about: the one asked for, else the one that stands for the pair."""
    wanted, runs = recall("run"), runs_of_pair()
    if (run := next((run for run in runs if run.id == wanted), None)) is None:
        found = cached.standing(runs[0].record.dataset_hash) if runs else None
        run = found.run if found else None
    if wanted is not None and (run is None or run.id != wanted):
        other = f"Showing {plain(run.label)} instead." if run else "There is no other run."
        st.session_state[_NOTICE] = f"There is no run {plain(wanted, 60)} here any more. {other}"
    if run is None:
        set_current(run=None)
    else:
        set_current(run=run.id, pair=run.record.dataset_hash)
    return run


def require_run() -> Run:
    """The current run; without one the page says what is missing and where it is made."""
    if (run := current_run()) is not None:
        return run
    if (pair := current_pair()) is None:
        st.info("There is no trained run yet. Train one, or load the sample pair with its runs.")
        link_to("start", "Load the sample pair")
    else:
        domains = f"{plain(pair.source_name, 40)} → {plain(pair.target_name, 40)}"
        st.info(f"Nothing is trained for {domains} yet. Train a model; it takes seconds.")
    link_to("train", "Train a model")
    st.stop()


def require_model() -> Run:
    """The current run where it has a model; else two sentences on why the page stays empty."""
    run = require_run()
    if run.has_model:
        return run
    st.info(
        f"{plain(run.label)} has only lists: its model stands in another system, so there are no "
        "parts to weigh and no vectors to draw. Choose a run that was trained here in the "
        "sidebar; the Metrics page compares both."
    )
    link_to("metrics", "Compare it with other runs")
    st.stop()


def pick_run(key: str, label: str = "Run") -> Run | None:
    """A box that changes the current run on every page, among the runs of the current pair.

    Nothing where there are none. Runs of one split stand together, those of the run that stands
    for the pair first; beside each name its figure on test users and what its source adds.
    """
    run = current_run()
    if run is None:
        return None
    runs, found = runs_of_pair(), cached.standing(run.record.dataset_hash)
    first = (found.run if found else run).record.split_hash
    splits = dict.fromkeys([first, *(one.record.split_hash for one in runs)])
    names = run_names(runs)
    several = len(splits) > 1
    told = {
        one.id: " · ".join([names[one.id], *_figures_of(one), *([_split(one)] if several else [])])
        for split_hash in splits
        for one in runs
        if one.record.split_hash == split_hash
    }
    st.session_state[key] = run.id
    st.selectbox(
        label,
        list(told),
        format_func=lambda id: told.get(id, id),
        key=key,
        on_change=_keep_run,
        args=(key,),
    )
    return run


def _figures_of(run: Run) -> list[str]:
    """Its figure on test users and its lift over the twin, as far as it has them: .242, +.014."""
    metric = run.card.task.metric
    mean = run.record.test.get(metric, {}).get("mean")
    lift = (run.record.lift or {}).get(metric, {}).get("mean")
    return [word for word in (number(mean), signed(lift)) if word != "–"]


def current_split() -> Split | None:
    """The split to train on: the one chosen last, else the current run's, else the newest."""
    chosen = current_split_hash()
    return cached.split(chosen) if chosen else None


def current_split_info() -> SplitInfo | None:
    """What the current split is about, without its rows."""
    chosen = current_split_hash()
    return cached.split_info(chosen) if chosen else None


def current_split_hash() -> str | None:
    """Hash of the current split, None where the current pair has none."""
    hashes = splits_of_pair()
    run = current_run()
    wanted = [recall("split"), run.record.split_hash if run else None]
    return next((entry for entry in wanted if entry in hashes), hashes[0] if hashes else None)


def splits_of_pair() -> list[str]:
    """Hashes of the current pair's splits, the newest first."""
    pair = current_pair()
    return [
        split_hash
        for split_hash in cached.split_hashes()
        if pair and cached.split_info(split_hash).dataset_hash == pair.dataset_hash
    ]


def notice() -> str | None:
    """One sentence for the person about something that could not be taken up; said once."""
    return st.session_state.pop(_NOTICE, None)


def _keep_run(key: str) -> None:
    chosen = st.session_state[key]
    if (run := next((run for run in cached.runs() if run.id == chosen), None)) is not None:
        use_run(run)


def use_run(run: Run) -> None:
    """Let every page be about this run; the user stays where both have the same users."""
    by_id = {one.id: one.record.split_hash for one in cached.runs()}
    split = run.record.split_hash
    same = by_id.get(recall("run") or "") == split
    set_current(
        pair=run.record.dataset_hash,
        run=run.id,
        split=split if split in cached.split_hashes() else None,
        user=recall("user") if same else None,
    )


def linked_ticks(name: str, keys: dict[str, str], default: Sequence[str]) -> Callable[[], None]:
    """Tie check boxes to one name of the address; what each of them takes as its `on_change`.

    keys: of the boxes, by option. The address names the options that are ticked; where it says
    nothing those of `default` are. Do not pass the boxes a value.
    """
    kept, back = recalled(name, list(default), some_of(list(keys))), _went_back()
    for option, key in keys.items():
        if back or (option in kept and key not in st.session_state):
            st.session_state[key] = option in kept

    def keep() -> None:
        ticked = [option for option, key in keys.items() if st.session_state.get(key)]
        set_current(**{name: ticked})

    return keep


def _keep_widget(name: str, key: str, forgets: tuple[str, ...]) -> None:
    value = st.session_state.get(key)
    set_current(**{name: None if value == "" else value}, **dict.fromkeys(forgets))


def _forget_widgets_of_other_pages() -> None:
    """A widget that another page drew under the same key leaves a value this page's cannot take."""
    context = get_script_run_ctx()
    here = context.page_script_hash if context else ""
    if st.session_state.get(_PAGE) == here:
        return
    st.session_state[_PAGE] = here
    for name in ADDRESS:
        st.session_state.pop(f"{name}_widget", None)


def _text(value: Any) -> str:
    """A value as the address has it."""
    return SEVERAL.join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _fits(value: Any, parse: Callable[[str], Any]) -> bool:
    """Whether the widget's value is still a choice: another run may have other ones."""
    try:
        return bool(parse(_text(value)) == value)
    except ValueError:
        return False


def _went_back() -> bool:
    context = get_script_run_ctx()
    return bool(context and getattr(context, "is_history_navigation", False))


# Names of runs that differ: boxes tell their choices apart by what is written on them.


def run_names(runs: list[Run]) -> dict[str, str]:
    """A name for every run id, all different: its label, and what differs where labels repeat."""
    names = {run.id: run.label for run in runs}
    for add in (_pair, _split, _time, _id):
        # The names, with something added to those that several runs bear, if that helps
        seen = Counter(names.values())
        added = {run.id: add(run) for run in runs if seen[names[run.id]] > 1}
        names = {
            id: f"{name} · {added[id]}"
            if id in added and len({added[other] for other in added if names[other] == name}) > 1
            else name
            for id, name in names.items()
        }
    return names


def _pair(run: Run) -> str:
    return f"{run.record.source_name} → {run.record.target_name}"


def _split(run: Run) -> str:
    split_hash = run.record.split_hash
    here = split_hash in cached.split_hashes()
    return cached.split_info(split_hash).kind if here else f"split {split_hash[:8]}"


def _time(run: Run) -> str:
    return f"{datetime.fromtimestamp(run.record.created):%d %b %H:%M:%S}"


def _id(run: Run) -> str:
    return run.id
