"""Write the sample pairs: `python sample_data/generate.py` makes the same bytes every time.

`books_films` has a planted truth: a person's taste over 36 strands (12 genres, 3 strands each) is
mostly the same for books and for films, so what somebody reads says what they will watch.
`case_study` is small and very sparse, with the sizes of a first pilot in a shop.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from words import (
    ADJECTIVES,
    BOOK_PATTERNS,
    FILM_PATTERNS,
    FINISHES,
    GENRES,
    HOOKS,
    LEVELS,
    NAMES,
    PLACES,
    PRODUCTS,
    SUBJECTS,
)

SEED = 2022
START, DAYS = 1_672_531_200, 1_095  # 2023-01-01, three years
STRANDS = [(genre, strand) for genre, words in GENRES.items() for strand in words[0]]
TRANSFER = 0.9  # share of a person's film taste that is their book taste
SPREAD = {"s": 1.0, "t": 2.2}  # of the popularity in the case study: courses have a few hits
WANDER = 0.2  # share of choices that follow no favourite strand


@dataclass(frozen=True)
class Group:
    """Users who are alike in where they are active."""

    name: str
    users: int
    reads: bool
    watches: bool


GROUPS = [
    Group("books and films", 1000, reads=True, watches=True),
    Group("cold", 500, reads=True, watches=False),  # their films are only in truth.json
    Group("books only", 200, reads=True, watches=False),
    Group("films only", 300, reads=False, watches=True),
]


def main() -> None:
    """Write both pairs below the folder given by --out, by default beside this file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parent)
    out = parser.parse_args().out
    write_books_films(out / "books_films", np.random.default_rng(SEED))
    write_case_study(out / "case_study", np.random.default_rng(SEED + 1))


def write_books_films(folder: Path, rng: np.random.Generator) -> None:
    """Books and films of one reading and watching public, with the truth beside them."""
    taken: set[str] = set()
    books, book_mix = describe_items("b", 1200, BOOK_PATTERNS, taken, rng)
    films, film_mix = describe_items("f", 900, FILM_PATTERNS, taken, rng)
    group = np.repeat([group.name for group in GROUPS], [group.users for group in GROUPS])
    names = np.array([f"u{number:04d}" for number in rng.permutation(len(group)) + 1])
    book_taste = draw_taste(len(group), rng)
    film_taste = TRANSFER * book_taste + (1 - TRANSFER) * draw_taste(len(group), rng)

    reads = np.isin(group, [g.name for g in GROUPS if g.reads])
    watches = np.isin(group, [g.name for g in GROUPS if g.watches])
    will_watch = watches | (group == "cold")
    read = choose(book_taste, book_mix, history_lengths(reads, 24.0, 5, 120, rng), rng)
    seen = choose(film_taste, film_mix, history_lengths(will_watch, 11.0, 3, 110, rng), rng)
    began = START + rng.integers(0, 700 * 86_400, len(group))
    read_table = as_table(read, names, books, began, book_taste @ book_mix.T, rng)
    seen_table = as_table(seen, names, films, began, film_taste @ film_mix.T, rng)

    later = seen_table["user_id"].isin(names[group == "cold"])
    folder.mkdir(parents=True, exist_ok=True)
    save(read_table, folder / "books.csv")
    save(seen_table[~later], folder / "films.csv")
    save(books, folder / "items_books.csv")
    save(films, folder / "items_films.csv")
    truth = {
        "about": about(names, group, read_table, seen_table, later),
        "strands": [" / ".join(strand) for strand in STRANDS],
        "users": {
            name: {"group": kind, "favourites": favourites(taste)}
            for name, kind, taste in sorted(zip(names, group, book_taste, strict=True), key=first)
        },
        "books": strongest(books, book_mix),
        "films": strongest(films, film_mix),
        "later_films": films_by_user(seen_table[later]),
    }
    text = json.dumps(truth, ensure_ascii=False, separators=(",", ":"))
    (folder / "truth.json").write_text(text.replace("},", "},\n") + "\n", encoding="utf-8")


def describe_items(
    letter: str, count: int, patterns: list[str], taken: set[str], rng: np.random.Generator
) -> tuple[pd.DataFrame, np.ndarray]:
    """Items with title, categories and description, and their strands, (count, n_strands)."""
    rows, mix = [], np.zeros((count, len(STRANDS)))
    for number in range(count):
        main, other = rng.choice(len(STRANDS), size=2, replace=False)
        mixed = rng.random() < 0.3
        mix[number, main], mix[number, other] = (0.7, 0.3) if mixed else (1.0, 0.0)
        genre, strand = STRANDS[main]
        categories = [genre, strand]
        if mixed and STRANDS[other][0] != genre:
            categories.append(STRANDS[other][0])
        title = new_title(patterns, genre, taken, rng)
        row = [f"{letter}{number + 1:04d}", title, "|".join(categories), blurb(genre, strand, rng)]
        rows.append(row)
    mix *= rng.lognormal(0.0, 1.2, size=(count, 1))  # row sums are the items' popularity
    return pd.DataFrame(rows, columns=["item_id", "title", "categories", "description"]), mix


def new_title(patterns: list[str], genre: str, taken: set[str], rng: np.random.Generator) -> str:
    """A title nobody has yet."""
    while True:
        pattern, adjective = pick(patterns, rng), pick(ADJECTIVES, rng)
        thing = pick(GENRES[genre][1], rng)
        title = pattern.format(
            adjective=adjective,
            thing=thing,
            things=plural(thing),
            place=pick(PLACES, rng),
            name=pick(NAMES, rng),
        )
        if title not in taken:
            taken.add(title)
            return title


def plural(thing: str) -> str:
    """More than one of a thing: Witnesses, Oases, Estuaries, Relays, Ferrymen."""
    if thing.endswith("man"):
        return f"{thing[:-3]}men"
    if thing.endswith("sis"):
        return f"{thing[:-2]}es"
    if thing.endswith(("s", "x", "ch", "sh", "z")):
        return f"{thing}es"
    if thing.endswith("y") and thing[-2] not in "aeiou":
        return f"{thing[:-1]}ies"
    return f"{thing}s"


def blurb(genre: str, strand: str, rng: np.random.Generator) -> str:
    """One sentence about an item."""
    person = pick(GENRES[genre][2], rng)
    return f"{strand}: in {pick(PLACES, rng)}, {person} {pick(HOOKS, rng)}."


def draw_taste(users: int, rng: np.random.Generator) -> np.ndarray:
    """Share of each strand in what a user likes, (users, n_strands): two to five favourites."""
    taste = np.full((users, len(STRANDS)), WANDER / len(STRANDS))
    for row in taste:
        liked = rng.choice(len(STRANDS), size=rng.integers(2, 6), replace=False)
        row[liked] += (1 - WANDER) * rng.dirichlet(np.full(len(liked), 2.0))
    return taste


def history_lengths(
    active: np.ndarray, median: float, low: int, high: int, rng: np.random.Generator
) -> np.ndarray:
    """How many items each user has, (users,); 0 where not active in the domain."""
    lengths = median * rng.lognormal(0.0, 0.75, len(active))
    return np.where(active, np.clip(lengths, low, high).astype(int), 0)


def choose(
    taste: np.ndarray, mix: np.ndarray, lengths: np.ndarray, rng: np.random.Generator
) -> list[np.ndarray]:
    """Each user's items, drawn without replacement by taste times popularity (Gumbel top-n)."""
    keys = np.log(taste @ mix.T) + rng.gumbel(size=(len(taste), len(mix)))
    return [np.argsort(-row)[:length] for row, length in zip(keys, lengths, strict=True)]


def as_table(
    chosen: list[np.ndarray],
    names: np.ndarray,
    items: pd.DataFrame,
    began: np.ndarray,
    liking: np.ndarray,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Interactions with ratings 1 to 5 and times, in the order of time."""
    lengths = [len(own) for own in chosen]
    user, item = np.repeat(np.arange(len(chosen)), lengths), np.concatenate(chosen)
    fit = np.log(liking[user, item])
    fit = (fit - fit.mean()) / fit.std()
    mood, quality = rng.normal(0, 0.35, len(names)), rng.normal(0, 0.35, len(items))
    rating = 3.75 + 0.3 * fit + mood[user] + quality[item] + rng.normal(0, 0.7, len(user))
    left = START + DAYS * 86_400 - began[user]
    table = pd.DataFrame(
        {
            "user_id": names[user],
            "item_id": items["item_id"].to_numpy()[item],
            "rating": np.clip(np.rint(rating), 1, 5).astype(int),
            "timestamp": began[user] + (left * rng.random(len(user))).astype(int),
        }
    )
    return table.sort_values(["timestamp", "user_id", "item_id"], ignore_index=True)


def write_case_study(folder: Path, rng: np.random.Generator) -> None:
    """A shop (1,000 users, 10,000 items) and a course platform (50 of them, 500 courses)."""
    folder.mkdir(parents=True, exist_ok=True)
    users = np.array([f"c{number:04d}" for number in range(1, 1001)])
    for name, n_users, n_items, rows in (
        ("source", 1000, 10_000, 10_000),
        ("target", 50, 500, 500),
    ):
        things, endings = (PRODUCTS, FINISHES) if name == "source" else (SUBJECTS, LEVELS)
        save(catalogue(name[0], n_items, things, endings, rng), folder / f"items_{name}.csv")
        sparse = sparse_rows(users[:n_users], n_items, rows, len(things), name[0], rng)
        save(sparse, folder / f"{name}.csv")


def catalogue(
    letter: str, count: int, things: list[str], endings: list[str], rng: np.random.Generator
) -> pd.DataFrame:
    """Items named by what they are; the kind of item `n` is `things[n % len(things)]`."""
    kinds = [things[number % len(things)] for number in range(count)]
    titles = [f"{kind} {pick(endings, rng)}, no. {n + 1}" for n, kind in enumerate(kinds)]
    ids = [f"{letter}{number + 1:05d}" for number in range(count)]
    return pd.DataFrame({"item_id": ids, "title": titles, "categories": kinds})


def sparse_rows(
    users: np.ndarray, n_items: int, rows: int, kinds: int, letter: str, rng: np.random.Generator
) -> pd.DataFrame:
    """`rows` different pairs in which every user occurs; each user leans to two kinds of item."""
    popularity = rng.lognormal(0.0, SPREAD[letter], n_items)
    kind_of = np.arange(n_items) % kinds
    lengths = 1 + rng.multinomial(rows - len(users), rng.dirichlet(np.full(len(users), 3.0)))
    chosen = []
    for length in lengths:
        liked = np.isin(kind_of, rng.choice(kinds, size=2, replace=False))
        keys = np.log(popularity * np.where(liked, 6.0, 1.0)) + rng.gumbel(size=n_items)
        chosen.append(np.argsort(-keys)[:length])
    return pd.DataFrame(
        {
            "user_id": np.repeat(users, lengths),
            "item_id": [f"{letter}{number + 1:05d}" for number in np.concatenate(chosen)],
            "rating": rng.integers(3, 6, rows),
            "timestamp": START + rng.integers(0, DAYS * 86_400, rows),
        }
    ).sort_values(["timestamp", "user_id", "item_id"], ignore_index=True)


def about(
    names: np.ndarray, group: np.ndarray, read: pd.DataFrame, seen: pd.DataFrame, later: pd.Series
) -> dict:
    """What was planted, in numbers, and what an honest analysis should find."""
    return {
        "seed": SEED,
        "transfer_strength": TRANSFER,
        "wandering_share": WANDER,
        "users": {kind.name: int((group == kind.name).sum()) for kind in GROUPS},
        "rows": {"books": len(read), "films": int((~later).sum()), "later_films": int(later.sum())},
        "cold_users": sorted(names[group == "cold"].tolist()),
        "expected": [
            "Shared ids are the same people: a book profile finds its own film profile.",
            "No item is listed in both domains.",
            "Joint EASE beats its target-only twin, most for users with few films.",
            "For users without films, ridge from books to films is far above popularity.",
        ],
    }


def favourites(taste: np.ndarray) -> dict[str, float]:
    """Strand numbers a user likes, with their shares, the strongest first."""
    liked = [int(strand) for strand in np.argsort(-taste) if taste[strand] > WANDER / 20]
    return {str(strand): round(float(taste[strand]), 3) for strand in liked}


def strongest(items: pd.DataFrame, mix: np.ndarray) -> dict[str, int]:
    """The main strand of each item."""
    return dict(zip(items["item_id"], mix.argmax(axis=1).tolist(), strict=True))


def films_by_user(table: pd.DataFrame) -> dict[str, str]:
    """Films each cold user goes on to watch, joined by spaces."""
    return {user: " ".join(own["item_id"]) for user, own in table.groupby("user_id")}


def first(row: tuple) -> str:
    """The name a row starts with."""
    return row[0]


def pick(words: list[str], rng: np.random.Generator) -> str:
    """One of the words."""
    return words[rng.integers(len(words))]


def save(table: pd.DataFrame, path: Path) -> None:
    """CSV with the same bytes on every system."""
    table.to_csv(path, index=False, lineterminator="\n", encoding="utf-8")


if __name__ == "__main__":
    main()
