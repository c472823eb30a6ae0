"""What one list is like beside being right: its variety, and how much it surprises.

lists is always (users, k) item numbers, -1 where a list is shorter.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix, diags_array

from core.basics.types import BoolArray, FloatArray, IntArray
from core.metrics.card import membership, metric

BLOCK = 512  # users whose lists are looked at at once
TABLE = 4_000  # items whose cosines are held in one table, 64 MB


def unit_rows(vectors: csr_matrix) -> csr_matrix:
    """The rows scaled to length 1; empty rows stay empty."""
    lengths = np.sqrt(np.asarray(vectors.multiply(vectors).sum(axis=1)).ravel())
    scale = np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    return csr_matrix(diags_array(scale) @ vectors)


@metric(
    "Intra-list diversity",
    r"mean of $1 - \cos(v_i, v_j)$ over pairs in the top $k$",
    "How little the items of one list are taken by the same people. An item's vector is who "
    "has it in the target's training data; items nobody has are in no pair.",
    "Ziegler et al. 2005; Smyth and McClave 2001",
    "diversity",
    name="intra_list_diversity",
    of=lambda seen: (seen.lists, seen.world.item_vectors),
)
@metric(
    "Category diversity",
    r"mean of $1 - \cos(c_i, c_j)$ over pairs in the top $k$",
    "The same by categories in place of people: 1 where no two items share one. Items without "
    "categories are in no pair.",
    "Ziegler et al. 2005",
    "diversity",
    name="category_distance",
    of=lambda seen: (seen.lists, unit_rows(seen.world.kinds)),
    needs=["categories"],
)
def pair_distance(lists: IntArray, units: csr_matrix, most: int = TABLE) -> FloatArray:
    """Mean of 1 - cosine over the pairs of each list, (users,); NaN below two items with a vector.

    units: (n_items, d) rows of length 1, or empty for an item that is in no pair. With s the sum
    of m unit vectors the cosines of all pairs add up to (|s|^2 - m) / 2. Where vectors are long,
    the cosines of up to `most` shown items are worked out once, in a table: several times as fast.
    """
    members = membership(lists, units.shape[0])
    known = members @ (np.diff(units.indptr) > 0)
    shown = np.flatnonzero(members.getnnz(axis=0))
    entries = (members @ np.diff(units.indptr)).sum()  # of all vectors of all places
    if len(shown) <= most and entries > lists.size * lists.shape[1]:
        # |s|^2 of each list's summed vectors from the cosines of all shown items
        table = np.zeros(
            (len(shown) + 1, len(shown) + 1), dtype=np.float32
        )  # the last is the padding
        table[:-1, :-1] = (units[shown] @ units[shown].T).toarray()
        place = np.full(units.shape[0] + 1, len(shown))  # of each item, and of -1
        place[shown] = np.arange(len(shown))
        squares: FloatArray = np.zeros(len(lists))
        for start in range(0, len(lists), BLOCK):
            items = place[lists[start : start + BLOCK]]
            squares[start : start + BLOCK] = table[items[:, :, None], items[:, None, :]].sum(
                axis=(1, 2), dtype=np.float64
            )
    else:
        squares = _squares_by_sums(members, units)
    pairs = known * (known - 1)  # both orders
    out = np.full(len(known), np.nan)
    return 1 - np.divide(squares - known, pairs, out=out, where=pairs > 0)


def _squares_by_sums(members: csr_matrix, units: csr_matrix) -> FloatArray:
    """The same from the sums themselves, whatever the number of items."""
    found = np.zeros(members.shape[0])
    for start in range(0, members.shape[0], BLOCK):
        sums = csr_matrix(members[start : start + BLOCK] @ units)
        rows = np.repeat(np.arange(sums.shape[0]), np.diff(sums.indptr))
        squares = np.bincount(rows, sums.data**2, minlength=sums.shape[0])
        found[start : start + BLOCK] = squares
    return found


def categories_in(members: csr_matrix, categories: csr_matrix) -> FloatArray:
    """How many different categories each list touches, (users,); NaN for an empty list."""
    touched = np.diff(csr_matrix(members @ categories).indptr).astype(np.float64)
    return np.where(np.diff(members.indptr) > 0, touched, np.nan)


@metric(
    "Categories per place",
    r"distinct categories in the top $k$ / $k$",
    "How many different categories a place of the list brings; above 1 where items have several.",
    "CategoricalDiversity of RePlay",
    "diversity",
    of=lambda seen: (seen.members, seen.world.kinds, seen.k),
    needs=["categories"],
)
def categorical_diversity(members: csr_matrix, categories: csr_matrix, k: int) -> FloatArray:
    """Different categories over places, (users,); NaN for an empty list."""
    return categories_in(members, categories) / k


@metric(
    "S-recall",
    r"categories in the top $k$ / categories in the catalogue",
    "Share of all the target's categories that a list touches.",
    "Zhai, Cohen, Lafferty 2003",
    "diversity",
    of=lambda seen: (seen.members, seen.world.kinds),
    needs=["categories"],
)
def s_recall(members: csr_matrix, categories: csr_matrix) -> FloatArray:
    """Share of all categories that each list touches, (users,); NaN for an empty list."""
    return categories_in(members, categories) / int(categories.shape[1])


@metric(
    "Full lists",
    r"1 if there are $k$ different items in the list, else 0",
    "Share of users who get a whole list; below 1 where candidates run out.",
    "SufficientReco and UnrepeatedReco of RecTools",
    "diversity",
    of=lambda seen: (seen.members, seen.k),
)
def full_list(members: csr_matrix, k: int) -> FloatArray:
    """1 where a list holds k different items, else 0, (users,)."""
    return (np.diff(members.indptr) == k).astype(np.float64)


@metric(
    "User coverage",
    r"1 if there is any item in the list, else 0",
    "Share of users who get anything at all; below 1 only where lists from another system "
    "leave users out.",
    "UserCoverage of WarpRec, as a share",
    "diversity",
    of=lambda seen: (seen.all_shown,),
    at_k=False,
)
def user_coverage(shown: BoolArray) -> FloatArray:
    """1 where any place of a list is filled, else 0, (users,); shown: (users, depth)."""
    return np.asarray(shown.any(axis=1), dtype=np.float64)


# Surprise: hits that popularity would have placed lower, and items that it would not have shown.
# hits: (users, k) whether each place is to be found; n_relevant: (users,) items to find.


@metric(
    "Serendipity",
    r"mean of $\max(p_i - \hat p_i, 0) \, r_i$ over the top $k$; $p_i = (n + 1 - rank)/n$",
    "Hits that popularity would have placed lower. An item's popularity rank counts distinct "
    "popularities, and its share is 0 where nobody has it.",
    "Serendipity of RecTools",
    "surprise",
    of=lambda seen: (seen.hits, seen.lists, seen.wanted, seen.world.users_of_items),
    needs=["popularity"],
)
def serendipity(
    hits: BoolArray, lists: IntArray, n_relevant: IntArray, popularity: FloatArray
) -> FloatArray:
    """Mean over each list of how much higher a hit stands than popularity puts it, (users,).

    Popularity ranks count distinct popularities, 1 for the highest, as RecTools does; an item
    nobody has is expected with share 0. NaN with nothing to find or an empty list.
    """
    n_items = len(popularity)
    distinct, place = np.unique(popularity, return_inverse=True)
    rank = len(distinct) - place  # 1 is the most popular
    expected = np.where(popularity > 0, (n_items + 1 - rank) / n_items, 0.0)
    offered = (n_items - np.arange(lists.shape[1])) / n_items  # (n + 1 - rank) / n
    there = lists >= 0
    surprise = np.maximum(offered - expected[np.where(there, lists, 0)], 0.0) * hits
    size, none = there.sum(axis=1), np.full(len(lists), np.nan)
    mean = np.divide(surprise.sum(axis=1), size, out=none, where=size > 0)
    return np.where(n_relevant > 0, mean, np.nan)


@metric(
    "Unexpectedness",
    r"$1 - |L_u \cap P_u|$ / items in the list",
    "Share of the list that the most popular items the user does not have would not have brought.",
    "Murakami, Mori, Orihara 2008; Unexpectedness of RePlay",
    "surprise",
    name="unexpectedness",
    of=lambda seen: (
        seen.members,
        membership(seen.world.most_popular(seen.users, seen.k), seen.world.n_items),
    ),
    needs=["popularity"],
)
def outside(members: csr_matrix, others: csr_matrix) -> FloatArray:
    """Unexpectedness: share of each list that is not in the other one, (users,)."""
    size = np.diff(members.indptr)
    common = np.asarray(members.multiply(others).sum(axis=1)).ravel()
    return 1 - np.divide(common, size, out=np.full(len(size), np.nan), where=size > 0)


@metric(
    "EPC",
    r"$\sum_{i \le k} d_i r_i (1 - n_i/N) / \sum_{i \le k} d_i$, $d_i = 1/\log_2(i+1)$",
    "Hits, each worth the share of users who do not have the item: found and not popular.",
    "Vargas and Castells 2011, expected popularity complement",
    "surprise",
    name="epc",
    of=lambda seen: (seen.hits, seen.lists, seen.wanted, seen.world.unfamiliarity),
    needs=["popularity"],
)
@metric(
    "EFD",
    r"$-\sum_{i \le k} d_i r_i \log_2 \frac{n_i + 1}{N + 1} / \sum_{i \le k} d_i$",
    "Hits, each worth the bits of its rarity as in novelty.",
    "Vargas and Castells 2011, expected free discovery",
    "surprise",
    name="efd",
    of=lambda seen: (seen.hits, seen.lists, seen.wanted, seen.world.bits),
    needs=["popularity"],
)
def discounted_worth(
    hits: BoolArray, lists: IntArray, n_relevant: IntArray, worth: FloatArray
) -> FloatArray:
    """Hits times what each is worth, discounted by rank, over all the ranks' discounts, (users,).

    EPC with worth 1 - n_i / N, EFD with -log2((n_i + 1) / (N + 1)): Vargas and Castells 2011.
    """
    discounts = 1 / np.log2(np.arange(2, lists.shape[1] + 2))
    gains = hits * worth[np.where(lists >= 0, lists, 0)]
    return np.where(n_relevant > 0, gains @ discounts / discounts.sum(), np.nan)
