"""What the figures cannot show, whether the data can be trusted, and what to do next."""

from __future__ import annotations

import json
import platform
import shlex
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from core import __version__
from core.basics.columns import TEST, USERS
from core.basics.formatting import count, number, signed, signed_interval
from core.data.checks.check import (
    CROSS_LISTED,
    DOUBLE_USERS,
    EXCHANGED,
    RATINGS,
    SAME_PEOPLE,
    SAME_ROWS,
    TIME_LEAK,
    Check,
)
from core.evaluation.lift import ENOUGH_LAYERS
from core.evaluation.new_items import ORACLE, RANDOM, comparators, deciding, new_items_sentence
from core.metrics.registry import metric_title
from core.runs.report.blocks import Block, Code, Grid, Lights, Points, Section, Words
from core.runs.report.data import GONE
from core.runs.report.evidence import Evidence, tone_of
from core.store.measured import looks

NO_LIFT = {
    SAME_PEOPLE: "the shared ids may not be the same people",
    CROSS_LISTED: "items listed in both domains leak the answer",
    DOUBLE_USERS: "many people are in the data twice, under a second id",
    EXCHANGED: "user and item columns look exchanged",
    SAME_ROWS: "source and target look like one table",
    RATINGS: "a high rating is a good one in one file alone",
    TIME_LEAK: "training knows what came after the test",
}
WORDS_OF_LIGHTS = {
    "green": "no doubt found",
    "amber": "look twice",
    "red": "do not trust",
    "grey": "not known",
}


def limits_section(evidence: Evidence) -> Section:
    """The checks of the pair, then every reservation that holds for this run."""
    blocks: list[Block] = []
    if evidence.checks:
        rows = tuple((check.light, check.question, check.answer) for check in evidence.checks)
        blocks += [Words("Before anything was trained the data were questioned:"), Lights(rows)]
    else:
        blocks.append(Words(_no_checks(evidence), "missing"))
    blocks += [Words("What these figures cannot show:"), Points(tuple(limits(evidence)))]
    return Section("limits", "Limits and trust", tuple(blocks))


def red_checks(evidence: Evidence) -> list[Check]:
    """Failed checks that no lift survives."""
    return [c for c in evidence.checks or [] if c.light == "red" and c.key in NO_LIFT]


def limits(evidence: Evidence) -> list[str]:
    """Sentences that hold for this run, the gravest first."""
    red = [NO_LIFT[check.key] for check in red_checks(evidence)]
    red_words = f"A gain on these data would mean little: {'; '.join(red)}." if red else ""
    said = [red_words, _cancelled_words(evidence), evidence.run.cut_short, _twin_words(evidence)]
    said += evidence.record.warnings
    if evidence.run.twin is not None:
        said += [f"Without the source: {w}" for w in evidence.run.twin.record.warnings]
    said += [
        _new_items_words(evidence),
        _floor_words(evidence),
        _reach_words(evidence),
        _by_popularity_words(evidence),
    ]
    said += [
        _seed_words(evidence),
        "Measured offline, on choices people made without these recommendations. An item nobody "
        "had seen counts as a miss even if it would have been liked: an A/B test can still say "
        "something else.",
        _looks_words(evidence),
    ]
    return [sentence for sentence in said if sentence]


def next_steps(evidence: Evidence) -> list[str]:
    """What to do with the answer, by rules."""
    source, target = evidence.source, evidence.target
    if red := red_checks(evidence):
        return [f"Mend the data first: {NO_LIFT[red[0].key]}.", "Then train and judge it again."]
    if evidence.run.twin is None:
        return [f"Compare it with a model that also reads {source}, and with that one's twin."]
    steps = {
        "good": f"Try it on a share of the visitors of {target}, against the model without "
        f"{source}.",
        "bad": f"Do not let {source} decide what people see in {target} with this model.",
        "open": f"Do not build on {source} for everybody: look at the groups that gain, or gather "
        "more people who are in both.",
    }
    last = "Watch the people it harms, not only the mean."
    again = (
        [] if _enough_seeds(evidence) else ["Repeat the training with other seeds: this was one."]
    )
    return [steps[evidence.tone], *again, last]


def _no_checks(evidence: Evidence) -> str:
    if evidence.split is None:
        return GONE
    return (
        "The checks of this pair (same people? items in both domains? columns exchanged?) were not "
        "run in this workspace, so nothing here speaks for or against the data."
    )


def _cancelled_words(evidence: Evidence) -> str:
    if not evidence.record.cancelled:
        return ""
    return "The training was cancelled: this is its best state until then, not the finished model."


def _twin_words(evidence: Evidence) -> str:
    if evidence.run.twin is not None:
        return ""
    if evidence.run.card.has_twin:
        return (
            f"The same model without {evidence.source} was not trained to the end, so what "
            f"{evidence.source} adds cannot be told apart from what the model does anyway."
        )
    return (
        f"This run has no target-only twin, so the report compares it with {evidence.floor_name}: "
        f"a lead over it does not show that {evidence.source} is the reason."
    )


def _floor_words(evidence: Evidence) -> str:
    if evidence.split is not None and evidence.split.new_items is not None:
        return ""  # popularity orders new items by one draw: see _new_items_words
    floor = evidence.run.floor
    gap = evidence.difference(floor, evidence.metric)
    if gap is None or not gap.users:
        return ""
    digits = evidence.task.digits
    verb = {"good": "does better than", "bad": "does worse than"}.get(
        tone_of(gap, evidence.metric), "is not shown to differ from"
    )
    return (
        f"This run {verb} {evidence.floor_name}, the least any model must beat "
        f"({signed(gap.mean, digits)} {metric_title(evidence.metric)}, 95 % "
        f"{signed_interval(gap.low, gap.high, digits)})."
    )


def _new_items_words(evidence: Evidence) -> str:
    """How a run on new items compares with lists that need no model."""
    split = evidence.split
    if split is None or split.new_items is None:
        return ""
    metric, own = deciding(split.masked(TEST).n_rankable), evidence.run.metrics(TEST)
    found = comparators(split, TEST)
    random, oracle = (number(found[name][metric].mean()) for name in (RANDOM, ORACLE))
    return (
        f"{metric_title(metric)} of this run is {number(own[metric].mean())}, a random order of the"
        f" new items gives {random}, and the best-chosen ones first, which nobody can know, "
        f"{oracle}. {new_items_sentence(own, found, evidence.run.card.new_items, metric)}"
    )


def _reach_words(evidence: Evidence) -> str:
    counts = evidence.record.counts.get(TEST) or {}
    users, skipped = counts.get(USERS, 0), counts.get("skipped", 0)
    if not skipped:
        return ""
    share = number(100 * users / max(1, users + skipped), 0)
    return (
        f"{count(users, 'person', 'people')} could be tested, {share} % of all; the other "
        f"{skipped:,} had nothing hidden, and nothing is said of them."
    )


def _by_popularity_words(evidence: Evidence) -> str:
    said = (evidence.record.counts.get(TEST) or {}).get("by_popularity", 0)
    if not said or evidence.record.model == "popularity":
        return ""
    return f"{count(said, 'test user')} had no usable history and got the most popular items."


def seed_doubt(evidence: Evidence) -> str:
    """What the number of seeds leaves open, in a few words."""
    if not evidence.run.has_model:
        return "These lists came from elsewhere: how they were made is not known here."
    if seeds := _enough_seeds(evidence):
        return f"{seeds} seeds on one data set: other data may say something else."
    return "One seed: another start of the training may move the figure."


def _enough_seeds(evidence: Evidence) -> int:
    """How many seeds of the run there are; 0 where they are too few for an interval."""
    seeds = 0 if evidence.comparison is None else len(evidence.comparison.seeds)
    return seeds if seeds >= ENOUGH_LAYERS else 0


def _seed_words(evidence: Evidence) -> str:
    if not evidence.run.has_model:
        return "How the lists were made, and whether chance had a part in it, is not known here."
    known = evidence.comparison
    if seeds := _enough_seeds(evidence):
        return f"{seeds} seeds were trained; what is called sure holds over all of them."
    if known is not None and known.again:
        return "The model without the source was trained again to see what chance alone does."
    return (
        f"One seed ({evidence.record.seed}): the intervals tell how much other people would "
        "change the figure, not how much another start of the training would. Train it again with "
        "other seeds before a close call."
    )


def _looks_words(evidence: Evidence) -> str:
    times = len(looks(evidence.run))
    if not times:
        return ""
    return f"The test users were looked at {count(times, 'time')} while weights were tried."


# How to get the same figures again: command, settings, hashes, versions, and all of it as JSON.

PACKAGES = ("numpy", "scipy", "pandas", "torch", "scikit-learn", "plotly")
KEPT = (
    "crosswalk",
    "created",
    "model",
    "label",
    "settings",
    "seed",
    "device",
    "split_hash",
    "dataset_hash",
    "source_name",
    "target_name",
    "best_epoch",
    "fit",
    "evaluate",
    "counts",
)


def reproduce_section(evidence: Evidence) -> Section:
    """What was run, on what, with what."""
    record = evidence.record
    trained = datetime.fromtimestamp(record.created, UTC)
    split = evidence.split.info if evidence.split else None
    kind = f"{split.kind}, seed {split.seed}" if split else "its data are gone"
    rows = [
        ("Run", evidence.run.id),
        ("Model", f"{evidence.run.card.title}, seed {record.seed}"),
        ("Trained", f"{trained:%d %B %Y %H:%M} UTC, Crosswalk {record.crosswalk}"),
        ("Split", f"{kind}, hash {record.split_hash}"),
        ("Data", f"hash {record.dataset_hash}"),
        ("Cost of the fit", _cost(record.fit or {})),
    ]
    facts = Grid(("", ""), tuple(rows))
    blocks: list[Block] = [facts]
    command = command_line(evidence)
    if command is None:
        blocks.append(Words(_no_command(evidence), "missing"))
    else:
        blocks += [
            Words(
                "From the same files and filters the Data page makes the same split, with the "
                "hash above, and the Train page the same run. Without a screen, on a folder with "
                "the four files of the split:"
            ),
            Code(command),
        ]
    blocks += [Words("Everything that decides the figures, for a machine to read:")]
    # JSON with one line per entry
    values = config(evidence)
    lines = [
        f" {json.dumps(key)}: {json.dumps(value, ensure_ascii=False, default=str)}"
        for key, value in values.items()
    ]
    readable = "{\n" + ",\n".join(lines) + "\n}"
    blocks.append(Code(readable))
    return Section("reproduce", "How to reproduce it", tuple(blocks))


def command_line(evidence: Evidence) -> str | None:
    """One line for a shell; None where a run was not trained from files by one command."""
    record = evidence.record
    if not evidence.run.has_model or record.members is not None or record.compression is not None:
        return None
    words = ["python", "-m", "core", "run", "--splits", f"split-{record.split_hash}"]
    words += ["--model", record.model, "--seed", str(record.seed)]
    for name, value in record.settings.items():
        words += ["--set", f"{name}={value}"]
    return shlex.join(words)


def config(evidence: Evidence) -> dict[str, Any]:
    """The run's record without its figures, the split, the pair's filters and the versions."""
    values = evidence.record.to_dict()
    said: dict[str, Any] = {key: values[key] for key in KEPT if key in values}
    if evidence.split is not None:
        info = evidence.split.info
        said["split"] = {"kind": info.kind, "seed": info.seed} | {"settings": info.settings}
    if evidence.pair is not None:
        said["pair"] = {"settings": evidence.pair.settings, "files": evidence.pair.inputs}
    return said | {"versions": versions(), "run": evidence.run.id}


def versions() -> dict[str, str]:
    """Versions of what made this report."""
    found = {"crosswalk": __version__, "python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def _cost(fit: dict[str, Any]) -> str:
    seconds, memory = fit.get("cpu_seconds"), fit.get("peak_rss_mib")
    if seconds is None:
        return "not kept"
    return f"{seconds:,.1f} CPU s" + (f", {memory:,.0f} MiB at the peak" if memory else "")


def _no_command(evidence: Evidence) -> str:
    if not evidence.run.has_model:
        return "These lists were uploaded from another system; how they were made is known there."
    return "This run was made from other runs, on the Train page or by `python -m core`."
