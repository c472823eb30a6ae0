"""Cards of ranking metrics that are read off lists when they are looked at."""

from __future__ import annotations

from functools import partial

from core.metrics.card import MetricCard

_further = partial(MetricCard, group="further", kept=False)
_area = partial(MetricCard, group="area", kept=False)

FURTHER_CARDS = (
    _further(
        "capped_recall",
        "Capped recall",
        r"hits in the top $k$ / min($k$, items to find)",
        "Recall whose best value is 1 for every user: who has more than k items to find is not "
        "blamed for the length of the list.",
        "CalibratedRecallK of RecPack; Recall of RepSys",
    ),
    _further(
        "rbp",
        "RBP",
        r"$(1 - p) \sum_{i \le k} r_i \, p^{i-1}$ with $p = 0.85$",
        "Rank-biased precision: hits seen by a reader who goes on to the next item with "
        "probability 0.85. What lies below k counts as nothing, so it is a lower bound.",
        "Moffat and Zobel 2008; p as in LensKit",
    ),
    _further(
        "r_precision",
        "R-precision",
        r"hits in the top $R$ / $R$, where $R$ is the number of items to find",
        "Precision at each user's own number of items to find. Users with more than a kept list "
        "holds (50) have no value.",
        "Manning, Raghavan, Schütze 2008, section 8.4",
        at_k=False,
    ),
    _further(
        "percentile_rank",
        "Percentile rank",
        r"mean of (rank $-$ 1) / candidates over the items to find",
        "How far down the whole catalogue held-out items stand: 0 is the top, 0.5 is chance. "
        "Worked out from each user's AUC, so ties stand in their middle; lists from elsewhere have "
        "no scores and no value.",
        "Hu, Koren, Volinsky 2008, equation 8, with every item weighing the same",
        higher_is_better=False,
        at_k=False,
    ),
    _further(
        "ips_hit_rate",
        "IPS hits",
        r"$\sum_{i \le k} r_i \, \bar n / \max(n_i, 1)$, $n_i$ interactions in training",
        "Hits, each worth the inverse of how likely anybody is to have the item: an item of "
        "average popularity counts 1, one ten times as popular a tenth. It may be above 1, and few "
        "rare hits decide it.",
        "Schnabel et al. 2016; IPSHitRateK of RecPack, over the number of items",
    ),
    _further(
        "debiased_recall",
        "Debiased recall",
        r"$\sum_{hits} w_i / \sum_{to\ find} w_i$, $w_i = \min(1, b / h_i)$, "
        r"$b = Q_3 + 1.5 (Q_3 - Q_1)$ of $h$",
        "Recall in which no item counts more often than is usual: of an item held out h times, "
        "more than the border b, every time weighs so little that all together weigh b. RecTools "
        "draws such items down to b by lot; this is the same without the lot.",
        "DebiasConfig of RecTools, with weights in place of sampling",
    ),
)

AREA_CARDS = (
    _area(
        "gauc",
        "GAUC",
        r"$\sum_u n_u \, AUC_u / \sum_u n_u$, $n_u$ items to find",
        "AUC with every held-out item weighing the same, in place of every user. Its interval "
        "resamples users with all their items.",
        "Zhu et al. 2017 (optimized cost per click), weights by items to find",
        at_k=False,
    ),
    _area(
        "lauc",
        "Limited AUC",
        r"AUC with everything below the top $k$ tied",
        "AUC of the list alone: the curve of hits over others runs along the top k, then straight "
        "to its end, as if what lies below were in no order. 0.5 is a list without use. Elliot and "
        "WarpRec give what lies below nothing at all in place of a half.",
        "Schröder, Thiele, Lehner 2011, section 4.3",
    ),
    _area(
        "pauc",
        "Partial AUC",
        r"$\sum_{hits} \max(k - m, 0) / (k \, n_u)$, $m$ others above the hit",
        "Chance that an item to find stands above one of the first k that are not. Read off the "
        "whole kept list (50), and what lies below it counts as nothing, so at k = 50 it is a "
        "lower bound.",
        "Narasimhan and Agarwal 2013; PAUC of RecTools",
    ),
    _area(
        "pap",
        "pAp",
        r"$\sum_{first\ k\ hits} \max(k - m, 0) / (k \min(k, n_u))$, $m$ others above the hit",
        "Partial AUC of the k best-placed items to find: who has more of them is not blamed for "
        "the rest.",
        "Hiranandani et al. 2020 (pAp@k); PAP of RecTools",
    ),
)
