"""What a command answers, in words for a person, or short for a program."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

from core.basics.columns import HIGH, LOW, MEAN, SOURCE, TARGET, TEST, USERS, VALID
from core.basics.formatting import count, duration, number, signed_with_interval, with_interval
from core.basics.progress import Progress, Report
from core.models.protocol import ModelCard
from core.models.registry import CARDS
from core.store.record import BY_ALL, BY_HAND, BY_NEAREST, BY_VALIDATION

HEADLINES = ("ndcg@10", "rmse")
SIDES = {
    "run": "",
    "twin": "twin",
    "placebo": "placebo",
    "popularity": "popularity",
    "bias": "bias",
}
LIFTS = {
    "lift": "the twin",
    "lift_over_placebo": "the placebo",
    "lift_over_popularity": "popularity",
    "lift_over_bias": "the biases",
}
TABLE_HEAD = ("name", "model", "family", "when to use it", "needs", "additive", "paper")
LIGHTS = ("red", "amber")
MOST_LINES = 20  # of one kind that a summary shows


def shortened(answer: dict[str, Any], k: int) -> dict[str, Any]:
    """The answer with the figures at k, and of segments those of the headline metric."""
    short = dict(answer)
    for part in (VALID, TEST):
        short[part] = _at(short.get(part), k)
    for side in ("twin", "placebo", "popularity", "bias", "fused"):
        if short.get(side):
            short[side] = {
                name: _at(value, k) if name in (VALID, TEST) else value
                for name, value in short[side].items()
            }
    for lift in LIFTS:
        short[lift] = _at(short.get(lift), k)
    if short.get("segments"):
        short["segments"] = [
            segment for segment in short["segments"] if segment["metric"] in HEADLINES
        ]
    if short.get("comparators"):
        short["comparators"] = {
            part: {name: _beside(one, k) for name, one in sides.items()}
            for part, sides in short["comparators"].items()
        }
    return short


def in_words(command: str, answer: Any) -> str:
    """A short summary for a person."""
    known: dict[str, Callable[[Any], list[str]]] = {
        "run": _run_words,
        "blend": _run_words,
        "route": _run_words,
        "compress": _run_words,
        "upload": _run_words,
        "search": _search_words,
        "check": _check_words,
        "models": _model_words,
        "recommend": _list_words,
        "overlap": _overlap_words,
        "placebo": _run_words,
        "reseed": _reseed_words,
        "report": _report_words,
        "demo": _demo_words,
        "answer": _answer_words,
    }
    if command in known:
        return "\n".join(known[command](answer))
    return json.dumps(answer, ensure_ascii=False, indent=1)


def lift_words(answer: dict[str, Any]) -> str:
    """Whether the run is better than its twin, else than popularity, in one sentence."""
    for lift, other in LIFTS.items():
        metric, found = _headline(answer.get(lift))
        if found:
            sure = found[LOW] is not None and (found[LOW] > 0 or found[HIGH] < 0)
            better = (found[MEAN] > 0) != (metric == "rmse")
            if not sure:
                return f"No difference between the run and {other} is shown: too close to tell."
            return f"The run is {'better' if better else 'worse'} than {other}."
    return ""


def _at(figures: dict[str, Any] | None, k: int) -> dict[str, Any] | None:
    """Those of the figures that are of no list, or of one of k items."""
    if not isinstance(figures, dict):
        return figures
    return {
        name: value for name, value in figures.items() if "@" not in name or name.endswith(f"@{k}")
    }


def _beside(one: dict[str, Any], k: int) -> dict[str, Any]:
    short = _at(one, k) or {}
    return short | {"lift": _at(one["lift"], k)} if "lift" in one else short


def _headline(figures: dict[str, Any] | None) -> tuple[str, dict[str, Any] | None]:
    """The metric a run is first judged by and its figures, else the first of all."""
    if not figures:
        return "", None
    lists = [name for name in figures if name.startswith("ndcg@")]
    name = next((one for one in (*HEADLINES[:1], *lists, "rmse", *figures) if one in figures), "")
    return name, figures[name]


def _run_words(answer: dict[str, Any]) -> list[str]:
    metric, _ = _headline(answer[TEST])
    names = answer.get("names", {})
    pair = f" on {names[SOURCE]} → {names[TARGET]}" if names else ""
    lines = [f"{answer.get('label') or answer['model']}{pair}", ""]
    for side, called in SIDES.items():
        found = answer if side == "run" else answer.get(side)
        if found and metric in found[TEST]:
            level = found[TEST][metric]
            figure = with_interval(level[MEAN], level[LOW], level[HIGH])
            lines.append(f"  {called or 'run':<12}{metric} {figure}, {level[USERS]:,} test users")
    for lift, other in LIFTS.items():
        found = (answer.get(lift) or {}).get(metric)
        if found:
            words = signed_with_interval(found[MEAN], found[LOW], found[HIGH])
            lines.append(f"  over {other}: {words}")
    if answer.get("fused"):
        fused = answer["fused"]
        name, level = _headline(fused[TEST])
        if level:
            figure = with_interval(level[MEAN], level[LOW], level[HIGH])
            lines.append(
                f"  with alpha {fused['alpha']:g}, beta {fused['beta']:g}: {name} {figure}"
            )
    for side, called in SIDES.items():
        found = answer if side == "run" else answer.get(side)
        warnings = (found or {}).get("warnings") or []
        lines += [f"  {called or 'run'}: {warning}" for warning in warnings]
    lines += _route_words(answer)
    lines += ["", *filter(None, [answer.get("verdict"), answer.get("cut_short")])]
    light_words = _doubtful(answer)
    lines += [*_rows_words(answer), *light_words]
    lines += [finding["text"] for finding in answer.get("findings") or [] if "text" in finding]
    if cost := _cost_words(answer):
        lines.append(cost)
    kept = answer["run_dir"] if isinstance(answer["run_dir"], list) else [answer["run_dir"]]
    lines.append(f"Kept in {kept[0]}" + (f" and {len(kept) - 1} more" if kept[1:] else ""))
    return lines


def _route_words(answer: dict[str, Any]) -> list[str]:
    """Whom each group of people asks, and by what figure."""
    route = answer.get("route") or {"groups": []}
    lines = []
    for group in route["groups"]:
        asked = next(one for one in group["tried"] if one["run"] == group["run"])
        figure = with_interval(asked[MEAN], asked[LOW], asked[HIGH])
        why = {
            BY_VALIDATION: f"{route['metric']} {figure}, {count(asked[USERS], 'validation user')}",
            BY_NEAREST: f"as {group.get('like')}",
            BY_ALL: "best for all validation users",
            BY_HAND: "by hand",
        }
        lines.append(f"  {group['segment']:<6} known: {asked['label']}, {why[group['by']]}")
    return ["", *lines] if lines else []


def _rows_words(answer: dict[str, Any]) -> list[str]:
    """Everything that was dropped, merged or left out."""
    left_out = answer.get("left_out") or []
    if not left_out:
        return ["Left out: nothing."] if answer.get("files") else []
    return ["Left out:", *(f"  {sentence}" for sentence in left_out[:MOST_LINES])]


def _cost_words(answer: dict[str, Any]) -> str:
    sides = [answer, *(answer.get(side) or {} for side in SIDES if side != "run")]
    seconds = {
        step: sum((side.get(step) or {}).get("cpu_seconds") or 0 for side in sides)
        for step in ("fit", "evaluate")
    }
    if not any(seconds.values()):
        return ""
    peak = (answer.get("evaluate") or answer.get("fit") or {}).get("peak_rss_mib")
    memory = f", {number(round(peak))} MiB at most" if peak else ""
    return (
        f"Cost: {number(seconds['fit'], 1)} CPU s to fit and {number(seconds['evaluate'], 1)} to "
        f"evaluate, with what stands beside it{memory}."
    )


def _search_words(answer: dict[str, Any]) -> list[str]:
    trials = ", ".join(f"{n} {status}" for status, n in answer["counts"].items())
    lines = [f"Search of {answer['model']}: {trials} trials", ""]
    for role, winner in answer["winners"].items():
        searched = {
            name: winner["settings"][name] for name in answer["grid"] if name in winner["settings"]
        }
        settings = ", ".join(f"{name} {value}" for name, value in searched.items()) or "as they are"
        figure = f"{answer['metric']} {number(winner[MEAN], 4)} ± {number(winner['error'], 4)}"
        lines.append(f"  {role:<6}{figure} on validation with {settings}")
    said = filter(None, [answer["edges"], answer["failures"]])
    lines += ["", *said, *_rows_words(answer), *_doubtful(answer)]
    lines.append(f"Cost: {duration(answer['cpu_seconds'])} of CPU.")
    if answer["run"]:
        lines.append(f"The winner is kept as run {answer['run']}")
    lines.append(f"Kept in {answer['search_dir']}")
    return lines


def _check_words(answer: dict[str, Any]) -> list[str]:
    if answer["doubts"]:
        said = [f"  {one['file']}: {one['what']} Say {one['answer']}." for one in answer["doubts"]]
        return ["The files leave this open:", *said]
    lines = []
    for file in answer["files"]:
        roles = ", ".join(f"{label} from {column}" for label, column in file["columns"].items())
        lines.append(f"{file['file']}: {roles}; {count(file['kept'], 'row')} kept")
    checks = [f"{one['light']}: {one['question']} {one['answer']}" for one in answer["checks"]]
    counts = answer["split"]
    sizes = (
        f"{count(counts['users'], 'user')}, {count(counts['source_items'], 'source item')}, "
        f"{count(counts['target_items'], 'target item')}"
    )
    return [*lines, *_rows_words(answer), sizes, *checks]


def _model_words(cards: list[dict[str, Any]]) -> list[str]:
    width = max(len(card["name"]) for card in cards)
    return [f"{card['name']:<{width}}  {card['title']}: {card['line']}" for card in cards]


def _list_words(answer: dict[str, Any]) -> list[str]:
    lines = []
    for item in answer["items"]:
        why = [reason["item"] for side in item["reasons"].values() for reason in side][:3]
        because = f", because of {', '.join(why)}" if why else ""
        new = " (new)" if item.get("new") else ""
        lines.append(f"{item['rank']:>3}  {item['title']}{new} ({number(item['score'])}){because}")
    lines += [answer["new_items"]] if "new_items" in answer else []
    return lines or ["There is nothing to recommend."]


def _overlap_words(answer: dict[str, Any]) -> list[str]:
    lines = [f"{answer['run']}: {count(answer['shared'], 'shared user')}", ""]
    for row in answer["curve"]:
        level = with_interval(row[MEAN], row[LOW], row[HIGH])
        said = f"{answer['metric']} {level}, {count(row[USERS], 'test user')}"
        lines.append(f"  {100 * row['share']:>3.0f} % known  {row['segment']}: {said}")
    return [*lines, *_doubtful(answer)]


def _reseed_words(answer: dict[str, Any]) -> list[str]:
    how = (
        "with other seeds"
        if answer["how"] == "seed"
        else "without a tenth of the users each, drawn by seeds"
    )
    seeds = ", ".join(map(str, answer["seeds"]))
    lines = [f"{answer['run']}: noise floor of {answer['metric']}"]
    again = f"The twin was trained again {how}: {seeds}."
    return [*lines, again, answer["says"], *_doubtful(answer)]


def _report_words(answer: dict[str, Any]) -> list[str]:
    size = f"{answer['bytes'] / 2**20:,.1f} MiB"
    written = f"Written to {answer['file']} ({size})."
    return [*filter(None, [answer["verdict"]]), *_doubtful(answer), written]


def _answer_words(answer: dict[str, Any]) -> list[str]:
    said = [*answer.get("answer", ["No model with a twin could be trained."])]
    said += [answer["use"]] if answer.get("use") else []
    for title, why in answer["skipped"].items():
        said.append(f"Left out: {title[:1].lower()}{title[1:]}. {why}")
    return [*said, *_doubtful(answer)]


def _doubtful(answer: dict[str, Any]) -> list[str]:
    """Checks of the pair that leave a doubt, in words."""
    checks = [check for check in answer.get("checks") or [] if check["light"] in LIGHTS]
    return [f"{check['light']}: {check['question']} {check['answer']}" for check in checks]


def _demo_words(answer: dict[str, Any]) -> list[str]:
    kept = [f"  {label}: {run}" for label, run in answer["runs"].items()]
    return [f"The sample pair {answer['pair']} is loaded, with {count(len(kept), 'run')}:", *kept]


def model_table() -> str:
    """The models as Markdown, one row each in the order of the menus: what the README shows."""
    rows = [TABLE_HEAD, ("---",) * len(TABLE_HEAD), *(_row(card) for card in CARDS.values())]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _row(card: ModelCard) -> tuple[str, ...]:
    needs = list(card.needs) or ["–"]
    additive = "yes" if card.additive else "no"
    cells = (card.title, card.family, card.when, ", ".join(needs), additive, card.paper)
    return (f"`{card.name}`", *(cell.replace("|", "\\|") for cell in cells))


# What is said on the way goes to stderr, so that the last line of stdout stays the answer.


def say_new() -> Report:
    """Progress told once for every stage, for work that goes by its steps."""
    told: set[str] = set()

    def say_once(progress: Progress) -> None:
        if progress.stage not in told:
            told.add(progress.stage)
            say(progress)

    return say_once


def say(progress: Progress) -> None:
    """One line of progress: the stage, how far it is, loss and validation."""
    figures = [
        f"{name} {value:.4f}"
        for name, value in (("loss", progress.loss), ("valid", progress.valid))
        if value is not None
    ]
    where = f" {progress.done}/{progress.total}" if progress.total > 1 else ""
    print(f"{progress.stage}{where} {' '.join(figures)}".rstrip(), file=sys.stderr)


def tell(sentence: str) -> None:
    """A warning or a forecast, on a line of its own."""
    print(sentence, file=sys.stderr)
