"""Commands called in this process, and small files of two domains to call them with."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from core.__main__ import main


def answer(capsys, *words) -> dict:
    """What a command that succeeds prints on the last line of stdout."""
    assert main([str(word) for word in (*words, "--json")]) == 0
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def refusal(capsys, *words) -> str:
    """What a command that cannot be done prints on stderr."""
    try:
        code = main([str(word) for word in words])
    except SystemExit as leaving:
        code = leaving.code
    assert code == 2
    return capsys.readouterr().err.splitlines()[-1]


def rows_of(domain: str, users: int = 40, items: int = 12, liked: int = 8) -> pd.DataFrame:
    """Rows of user, item and time; even users like the first half of the items more."""
    rng = np.random.default_rng(len(domain))
    half = items // 2
    rows = []
    for user in range(users):
        chance = np.where((np.arange(items) < half) == (user % 2 == 0), 4.0, 1.0)
        for item in rng.choice(items, liked, replace=False, p=chance / chance.sum()):
            rows.append((f"u{user}", f"{domain[0]}{item}", 1_500_000_000 + len(rows) * 1000))
    return pd.DataFrame(rows, columns=["user_id", "item_id", "timestamp"])


def write_pair(folder: Path, change=lambda frame, domain: frame, **style) -> list[str]:
    """Two files of interactions, changed as asked, and the flags that name them."""
    flags = []
    for domain in ("source", "target"):
        path = folder / f"{domain}.csv"
        change(rows_of(domain), domain).to_csv(path, index=False, **style)
        flags += [f"--{domain}", str(path)]
    return flags
