"""What each metric is, in words a page can show: formula, help and where it is from."""

from __future__ import annotations

from core.metrics.card import MetricCard
from core.metrics.classification import CLASSIFICATION_CARDS, RATING_CARDS, TRADE_OFF_CARDS
from core.metrics.fairness import FAIRNESS_CARDS
from core.metrics.lists import DIVERSITY_CARDS, MIX_CARDS, POPULARITY_CARDS, SURPRISE_CARDS
from core.metrics.ranking import AREA_CARDS, FURTHER_CARDS

_CARDS = (
    MetricCard(
        "ndcg",
        "nDCG",
        r"$\sum_{i \le k} r_i / \log_2(i + 1)$ over the same sum for a perfect list",
        "How many held-out items are in the list and how high up; 1 is a perfect list. "
        "The perfect list has min(k, items to find) hits.",
        "Järvelin and Kekäläinen 2002; binary gain",
    ),
    MetricCard(
        "recall",
        "Recall",
        r"hits in the top $k$ / items to find",
        "Share of a user's held-out items that made the list; the divisor is never capped at k.",
        "Standard",
    ),
    MetricCard(
        "precision",
        "Precision",
        r"hits in the top $k$ / $k$",
        "Share of the list that is held out for the user; a short list still divides by k.",
        "Standard",
    ),
    MetricCard(
        "f1",
        "F1",
        r"$2 P R / (P + R)$",
        "Harmonic mean of a user's precision and recall; 0 without a hit.",
        "van Rijsbergen 1979",
    ),
    MetricCard(
        "hit_rate",
        "Hit rate",
        r"1 if there is a hit in the top $k$, else 0",
        "Share of users with at least one held-out item in the list.",
        "Standard",
    ),
    MetricCard(
        "mrr",
        "MRR",
        r"1 / rank of the first hit, 0 without one in the top $k$",
        "How far down a user reads to the first held-out item.",
        "Voorhees 1999",
    ),
    MetricCard(
        "map",
        "MAP",
        r"$\sum_{i \le k} P@i \, r_i$ / min($k$, items to find)",
        "Precision at each hit, averaged; it rewards hits near the top.",
        "Divisor min(k, n) as in Kaggle's MAP@k; libraries differ",
    ),
    MetricCard(
        "auc",
        "AUC",
        r"$P(s_{relevant} > s_{other}) + \tfrac{1}{2} P(s_{relevant} = s_{other})$",
        "Chance that a held-out item scores above another unmasked item of the whole catalogue.",
        "Mann and Whitney 1947; ties count half",
        at_k=False,
    ),
    MetricCard(
        "novelty",
        "Novelty",
        r"mean of $-\log_2 \frac{n_i + 1}{N + 1}$ over the top $k$",
        "How unfamiliar the list is, in bits: n of N users have the item in training.",
        "Zhou et al. 2010, add-one smoothed",
    ),
    MetricCard(
        "coverage",
        "Coverage",
        r"distinct items in all lists / items in the catalogue",
        "Share of the catalogue that somebody gets. It has no interval: resampled users always "
        "show fewer items.",
        "Ge et al. 2010",
        has_interval=False,
    ),
    MetricCard(
        "rmse",
        "RMSE",
        r"$\sqrt{\sum (\hat r - r)^2 / n}$ over all held-out ratings",
        "How far predicted ratings lie from the given ones, large misses counting more; 0 is "
        "perfect. Users are resampled with all their ratings for its interval.",
        "Herlocker et al. 2004; pooled over ratings",
        higher_is_better=False,
        at_k=False,
        task="rating",
        group="rating",
    ),
    MetricCard(
        "mae",
        "MAE",
        r"$\sum |\hat r - r| / n$ over all held-out ratings",
        "How far predicted ratings lie from the given ones on average, in points of the scale.",
        "Herlocker et al. 2004; pooled over ratings",
        higher_is_better=False,
        at_k=False,
        task="rating",
        group="rating",
    ),
)

METRICS: dict[str, MetricCard] = {
    card.name: card
    for card in (
        *_CARDS,
        *RATING_CARDS,
        *FURTHER_CARDS,
        *AREA_CARDS,
        *DIVERSITY_CARDS,
        *SURPRISE_CARDS,
        *POPULARITY_CARDS,
        *MIX_CARDS,
        *FAIRNESS_CARDS,
        *CLASSIFICATION_CARDS,
        *TRADE_OFF_CARDS,
    )
}

GROUPS: dict[str, str] = {
    "ranking": "ranking",
    "further": "further ranking",
    "area": "areas under the curve",
    "diversity": "variety",
    "surprise": "surprise",
    "popularity": "popularity",
    "mix": "categories and change",
    "rating": "ratings",
    "fairness": "fairness",
    "classification": "classification",
    "trade-off": "trade-off",
}  # what a person calls each group of cards


def metric_card(column: str) -> MetricCard:
    """The card behind a column such as "ndcg@10"; raises KeyError for an unknown metric."""
    return METRICS[column.split("@")[0]]


def metric_title(column: str) -> str:
    """How a person reads a column: "ndcg@10" is nDCG@10."""
    name, _, k = column.partition("@")
    return METRICS[name].titled(k)
