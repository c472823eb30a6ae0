"""Cards of fairness: to groups of users, to groups of items, and of predicted ratings."""

from __future__ import annotations

from functools import partial

from core.metrics.card import MetricCard

_fairness = partial(MetricCard, group="fairness", kept=False, higher_is_better=False)
_score = partial(_fairness, task="rating", at_k=False, has_interval=False)

FAIRNESS_CARDS = (
    _fairness(
        "gap",
        "Gap between groups",
        r"largest $-$ smallest mean over groups of users",
        "How much better the best-served group fares than the worst-served. Groups under 10 users "
        "are too few to say and left out. How often random groups of the same sizes are as far "
        "apart says whether it may be chance.",
        "Our own; over any metric per user",
    ),
    _fairness(
        "user_mad",
        "UserMAD",
        r"mean of $|m_g - m_h|$ over pairs of groups",
        "How much two groups of users differ on average, by any metric per user.",
        "Deldjoo et al. 2021; MAD ranking",
        has_interval=False,
    ),
    _fairness(
        "exposure_share",
        "Exposure share",
        r"places a group of items has in all lists / all places",
        "What a group of items gets; beside its share of the catalogue, which is an even share.",
        "Singh and Joachims 2018, without discount by rank",
        has_interval=False,
    ),
    _fairness(
        "pop_rsp",
        "PopRSP",
        r"std / mean of $P(rec \mid g)$ over head and tail",
        "Whether head and tail are recommended at one rate, given what could have been: 0 is equal "
        "rates. The head is the most popular fifth of the catalogue.",
        "Zhu, Wang, Caverlee 2020, ranking-based statistical parity; WarpRec",
        has_interval=False,
    ),
    _fairness(
        "pop_reo",
        "PopREO",
        r"std / mean of $P(rec \mid g, relevant)$ over head and tail",
        "Whether held-out items of head and tail are found at one rate: 0 is equal rates. None "
        "where a group has nothing to find.",
        "Zhu, Wang, Caverlee 2020, ranking-based equal opportunity; WarpRec",
        has_interval=False,
    ),
    _fairness(
        "rsp",
        "RSP over categories",
        r"std / mean of $P(rec \mid g)$ over categories",
        "Whether categories are recommended at one rate, given what could have been: 0 is equal "
        "rates. Categories of fewer than 10 items are left out.",
        "Zhu, Wang, Caverlee 2020, ranking-based statistical parity; WarpRec",
        has_interval=False,
    ),
    _fairness(
        "reo",
        "REO over categories",
        r"std / mean of $P(rec \mid g, relevant)$ over categories",
        "Whether held-out items of all categories are found at one rate: 0 is equal rates. None "
        "where a category has nothing to find.",
        "Zhu, Wang, Caverlee 2020, ranking-based equal opportunity; WarpRec",
        has_interval=False,
    ),
    _fairness(
        "item_mad",
        "ItemMAD",
        r"mean of $|m_g - m_h|$ over pairs of groups, $m_g$ mean of $r_i / \log_2(i + 1)$ of its "
        r"items when recommended",
        "How much two groups of items differ in what a place brings them: a hit high up counts "
        "most. Items that are never recommended are left out.",
        "Deldjoo et al. 2021, MAD ranking of items; WarpRec",
        has_interval=False,
    ),
    _fairness(
        "bias_source",
        "Bias of histories (BS)",
        r"$\frac{taken\ in\ C}{taken} / \frac{|C|}{|I|}$ of a group of users",
        "How much a group of users prefers a category: 1 is the category's share of the catalogue.",
        "Tsintzou, Pitoura, Tsaparas 2018 (arXiv 1811.01461)",
        at_k=False,
        has_interval=False,
    ),
    _fairness(
        "bias_lists",
        "Bias of lists (BR)",
        r"$\frac{places\ of\ C}{places} / \frac{|C|}{|I|}$ of the same users",
        "How much the group's lists prefer the category: 1 is its share of the catalogue.",
        "Tsintzou, Pitoura, Tsaparas 2018 (arXiv 1811.01461)",
        has_interval=False,
    ),
    _fairness(
        "bias_disparity",
        "Bias disparity (BD)",
        r"$(BR - BS) / BS$",
        "By how much lists exaggerate what the group prefers: 0 keeps it, 1 doubles it, below 0 is "
        "less than they took. Users without target history are left out; its interval resamples "
        "the others.",
        "Tsintzou, Pitoura, Tsaparas 2018 (arXiv 1811.01461)",
    ),
    _score(
        "value_unfairness",
        "Value unfairness",
        r"mean of $|e_g - e_h|$ over items, $e$ mean predicted minus mean given rating",
        "Whether one group is rated too high where the other is rated too low. Over the items that "
        "both groups rated; few ratings an item make it large by chance, so that stands beside.",
        "Yao and Huang 2017; one group against all other users",
    ),
    _score(
        "absolute_unfairness",
        "Absolute unfairness",
        r"mean of $||e_g| - |e_h||$ over items",
        "Whether one group is predicted worse than the other, in whichever direction.",
        "Yao and Huang 2017; one group against all other users",
    ),
    _score(
        "under_unfairness",
        "Underestimation unfairness",
        r"mean of $|\max(-e_g, 0) - \max(-e_h, 0)|$ over items",
        "Whether one group's ratings are underestimated more than the other's: good items missed.",
        "Yao and Huang 2017; one group against all other users",
    ),
    _score(
        "over_unfairness",
        "Overestimation unfairness",
        r"mean of $|\max(e_g, 0) - \max(e_h, 0)|$ over items",
        "Whether one group's ratings are overestimated more than the other's: poor items shown.",
        "Yao and Huang 2017; one group against all other users",
    ),
    _score(
        "non_parity",
        "Non-parity",
        r"$|\bar{\hat r}_g - \bar{\hat r}_h|$",
        "How far the mean predicted ratings of two groups are apart, whatever they gave; groups "
        "that like other things may differ rightly.",
        "Yao and Huang 2017; one group against all other users",
    ),
)
