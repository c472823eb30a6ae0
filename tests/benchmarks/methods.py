"""Every method family on one split: `python tests/benchmarks/methods.py SPLIT [--models a,b]`.

SPLIT holds the four files that `python -m core run --splits` takes. Models that depend on chance
are trained with each of the seeds and stand with their mean. Prints a Markdown table, the bars of
the families (made for douban-book-music) beside RecBole-CDR's figures where it has the family, and
one JSON object on the last line. --ablations trains the two-tower with each robust setting on and
off instead; --blend blends two runs, its weight picked on validation; --set epochs=20 changes a
setting of every model that is trained by epochs.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import mean

ROOT = Path(__file__).resolve().parents[2]
HEAD = (
    "model",
    "seeds",
    "valid",
    "test",
    "of each seed",
    "twin",
    "lift",
    "popularity",
    "fit CPU s",
)
PEER = "RecBole-CDR"

# family -> models, lowest test nDCG@10, most CPU seconds of a fit, the peer's nDCG@10 and seconds
BARS = {
    "graph": (("bitgcf", "lightgcn"), 0.046, 100, (0.0407, 229)),
    "collective MF": (("cmf_als",), 0.042, 10, (0.0377, 43)),
    "embedding mapping, warm": (("linear_map", "emcdr"), 0.038, 25, (0.0297, 38)),
    "NeuMF-style": (("neumf",), 0.038, 40, None),
    "CoNet-style": (("conet",), 0.0170, None, (0.0140, 58)),
    "DTCDR-style": (("dtcdr",), 0.0178, None, (0.0177, 121)),
    "two-tower": (("two_tower",), 0.046, 30, None),
    "Mult-VAE": (("mult_vae",), 0.046, 60, None),
}
ROBUST = ("", "interaction_dropout=0", "perturbation=0.1", "pseudo_labels=5", "history_dropout=0.2")


def main() -> None:
    options = _options()
    cards = {card["name"]: card for card in _command("models", "--json")}
    with tempfile.TemporaryDirectory() as folder:
        workspace = options.workspace or Path(folder)
        if options.ablations:
            rows = [_row("two_tower", cards, options, workspace, extra) for extra in ROBUST]
            print(json.dumps({"ablations": rows}))
            return
        names = options.models or [
            name for name, card in cards.items() if card["task"] == "ranking"
        ]
        print("| " + " | ".join(HEAD) + " |\n|" + "---|" * len(HEAD), flush=True)
        rows = [_row(name, cards, options, workspace) for name in names]
        answer = {"rows": rows, "bars": _bars(rows), "picked on validation": _picked(rows)}
        if options.blend:
            answer["blend"] = _blend(rows, options, workspace)
        print(json.dumps(answer))


def _row(
    name: str, cards: dict, options: argparse.Namespace, workspace: Path, extra: str = ""
) -> dict:
    """Figures of one model, means over the seeds; one seed where chance plays no part."""
    by_rounds = any(setting["name"] == "epochs" for setting in cards[name]["settings"])
    seeds = options.seeds if by_rounds else options.seeds[:1]  # closed forms know no chance
    if by_rounds:
        extra = " ".join([extra, *options.set]).strip()
    found = [_trained(name, seed, options, workspace, extra) for seed in seeds]
    if any("error" in one for one in found):
        row = {"model": name, "error": next(one["error"] for one in found if "error" in one)}
    else:
        row = {"model": " ".join([name, extra]).strip(), "seeds": len(seeds)} | _figures(found)
    shown = [
        row.get("error", "") if key == "valid" and "error" in row else row.get(key) for key in HEAD
    ]
    print("| " + " | ".join(_cell(value) for value in shown) + " |", flush=True)
    return row


def _figures(found: list[dict]) -> dict:
    def over(part: str) -> list[float]:
        return [one[part]["ndcg@10"]["mean"] for one in found]

    first = found[0]
    interval = first["valid"]["ndcg@10"]
    lift = first["lift"] and first["lift"]["ndcg@10"]
    return {
        "standard error": (interval["high"] - interval["low"]) / (2 * 1.96),
        "valid": mean(over("valid")),
        "test": mean(over("test")),
        "of each seed": " ".join(f"{value:.4f}" for value in over("test")),
        "twin": first["twin"] and mean(one["twin"]["test"]["ndcg@10"]["mean"] for one in found),
        "lift": lift and f"{lift['mean']:+.4f} ({lift['low']:+.4f} to {lift['high']:+.4f})",
        "popularity": first["popularity"] and first["popularity"]["test"]["ndcg@10"]["mean"],
        "fit CPU s": mean(one["fit"]["cpu_seconds"] for one in found),
        "run_dir": first["run_dir"],
    }


def _trained(
    name: str, seed: int, options: argparse.Namespace, workspace: Path, extra: str = ""
) -> dict:
    setting = [part for one in extra.split() for part in ("--set", one)]
    return _command(
        "run",
        "--splits",
        str(options.split),
        "--model",
        name,
        "--seed",
        str(seed),
        *setting,
        "--threads",
        str(options.threads),
        "--workspace",
        str(workspace),
        "--json",
    )


def _command(*arguments: str) -> dict:
    command = [sys.executable, "-m", "core", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        return {"error": (done.stderr.strip().splitlines() or ["it was killed"])[-1]}
    answer: dict = json.loads(done.stdout.splitlines()[-1])
    return answer


def _bars(rows: list[dict]) -> list[dict]:
    """The best model of each family on validation, beside its bar and the peer's figure."""
    found = []
    for family, (names, least, most, peer) in BARS.items():
        here = [row for row in rows if row["model"] in names and "test" in row]
        if not here:
            continue
        best = max(here, key=lambda row: row["valid"])
        kept = best["test"] >= least and (most is None or best["fit CPU s"] <= most)
        found.append(
            {"family": family, "model": best["model"], "test": round(best["test"], 4)}
            | {"fit CPU s": round(best["fit CPU s"], 1), "bar": [least, most], "kept": kept}
            | {PEER: peer}
        )
    return found


def _picked(rows: list[dict]) -> dict:
    """The single model that validation picks, whatever its test figure is.

    Once as the best, and once as the cheapest fit within one standard error of the best.
    """
    whole = [row for row in rows if "valid" in row]
    if not whole:  # every model was refused; the table says why
        return {}
    best = max(whole, key=lambda row: row["valid"])
    alike = [row for row in whole if row["valid"] >= best["valid"] - best["standard error"]]
    cheapest = min(alike, key=lambda row: row["fit CPU s"])
    shown = ("model", "valid", "test", "fit CPU s")
    return {
        name: {key: row[key] for key in shown}
        for name, row in (("the best", best), ("within one standard error", cheapest))
    }


def _blend(rows: list[dict], options: argparse.Namespace, workspace: Path) -> dict:
    """A blend of the two named runs; its weight is picked on validation by the command itself."""
    folders = [
        next(row["run_dir"] for row in rows if row["model"] == name) for name in options.blend
    ]
    answer = _command("blend", "--runs", *folders, "--kind", "sum", "--json")
    if "error" in answer:
        return answer
    figures = {part: answer[part]["ndcg@10"] for part in ("valid", "test")}
    return {"settings": answer["settings"], "against": answer["against"]} | figures


def _cell(value: object) -> str:
    return f"{value:.4f}" if isinstance(value, float) else "" if value is None else str(value)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("split", type=Path)
    parser.add_argument("--models", type=_names, default=None)
    parser.add_argument("--seeds", type=_numbers, default=[1, 2, 3])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--workspace", type=Path, default=None)
    parser.add_argument("--set", action="append", default=[], help="name=value, can be repeated")
    parser.add_argument("--ablations", action="store_true")
    parser.add_argument("--blend", type=_names, default=None, help="two of the models")
    options = parser.parse_args()
    options.split = options.split.resolve()
    return options


def _names(text: str) -> list[str]:
    return text.split(",")


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


if __name__ == "__main__":
    main()
