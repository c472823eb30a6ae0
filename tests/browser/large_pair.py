"""A pair of the size analysts really bring (about 96,000 and 70,000 rows), made on the spot."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

SHARED, SOURCE_ONLY, TARGET_ONLY = 1_566, 544, 106
CLUSTERS = 40
NASTY = "![shot](http://example.com/a.png) <b>bold</b> <script>alert(1)</script> [x](http://e.com)"


def write_large_pair(folder: Path, seed: int = 7, share: float = 1.0) -> dict[str, Path]:
    """Write books.csv, music.csv and their item tables; answers the files by those names.

    share: of the users, items and rows of the pair in its full size.
    Users share one taste over 40 clusters of items in both domains. The most popular music item
    has a title full of Markdown and HTML.
    """
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    shared, source_only, target_only = (
        round(share * count) for count in (SHARED, SOURCE_ONLY, TARGET_ONLY)
    )
    taste = rng.dirichlet(np.full(CLUSTERS, 0.15), shared + source_only + target_only)
    names = np.array([f"{number:05d}" for number in rng.permutation(len(taste))])
    reads = np.arange(shared + source_only)
    listens = np.r_[np.arange(shared), np.arange(shared + source_only, len(taste))]
    files = {}
    for name, users, n_items, rows in (
        ("books", reads, 6_777, 96_041),
        ("music", listens, 5_567, 69_709),
    ):
        n_items, rows = round(share * n_items), round(share * rows)
        user, item = _interactions(taste[users], n_items, rows, rng)
        ids = np.array([f"{name[0]}{number:05d}" for number in range(n_items)])
        table = pd.DataFrame({"user_id": names[users][user], "item_id": ids[item]})
        table["rating"] = rng.choice([1, 2, 3, 4, 5], len(table), p=[0.03, 0.07, 0.25, 0.4, 0.25])
        files[name] = folder / f"{name}.csv"
        table.to_csv(files[name], index=False)
        titles = np.array([f"{name[:-1].title()} no. {number}" for number in range(n_items)], "O")
        if name == "music":
            titles[np.bincount(item).argmax()] = NASTY
        items = pd.DataFrame({"item_id": ids, "title": titles})
        items["categories"] = [f"cluster {number % CLUSTERS}" for number in range(n_items)]
        files[f"items_{name}"] = folder / f"items_{name}.csv"
        items.to_csv(files[f"items_{name}"], index=False)
    return files


def _interactions(
    taste: np.ndarray, n_items: int, rows: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """User and item of each row; every user has one row or more, no pair occurs twice."""
    popularity = rng.lognormal(0.0, 1.3, n_items)
    weight = (taste + 0.01)[:, np.arange(n_items) % CLUSTERS] * popularity  # (users, items)
    keys = np.log(weight) + rng.gumbel(size=weight.shape)
    lengths = 1 + rng.multinomial(rows - len(taste), rng.dirichlet(np.full(len(taste), 1.2)))
    lengths = np.minimum(lengths, n_items // 4)
    chosen = [np.argpartition(-row, n)[:n] for row, n in zip(keys, lengths, strict=True)]
    return np.repeat(np.arange(len(taste)), lengths), np.concatenate(chosen)
