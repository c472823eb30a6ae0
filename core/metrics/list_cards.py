"""Cards of what is read off lists: variety, surprise, popularity, mix."""

from __future__ import annotations

from functools import partial

from core.metrics.card import MetricCard

_diversity = partial(MetricCard, group="diversity", kept=False)
_surprise = partial(MetricCard, group="surprise", kept=False)
_popularity = partial(MetricCard, group="popularity", kept=False)
_mix = partial(MetricCard, group="mix", kept=False)

DIVERSITY_CARDS = (
    _diversity(
        "intra_list_diversity",
        "Intra-list diversity",
        r"mean of $1 - \cos(v_i, v_j)$ over pairs in the top $k$",
        "How little the items of one list are taken by the same people. An item's vector is who "
        "has it in the target's training data; items nobody has are in no pair.",
        "Ziegler et al. 2005; Smyth and McClave 2001",
    ),
    _diversity(
        "category_distance",
        "Category diversity",
        r"mean of $1 - \cos(c_i, c_j)$ over pairs in the top $k$",
        "The same by categories in place of people: 1 where no two items share one. Items without "
        "categories are in no pair.",
        "Ziegler et al. 2005",
    ),
    _diversity(
        "categorical_diversity",
        "Categories per place",
        r"distinct categories in the top $k$ / $k$",
        "How many different categories a place of the list brings; above 1 where items have "
        "several.",
        "CategoricalDiversity of RePlay",
    ),
    _diversity(
        "s_recall",
        "S-recall",
        r"categories in the top $k$ / categories in the catalogue",
        "Share of all the target's categories that a list touches.",
        "Zhai, Cohen, Lafferty 2003",
    ),
    _diversity(
        "full_list",
        "Full lists",
        r"1 if there are $k$ different items in the list, else 0",
        "Share of users who get a whole list; below 1 where candidates run out.",
        "SufficientReco and UnrepeatedReco of RecTools",
    ),
    _diversity(
        "user_coverage",
        "User coverage",
        r"1 if there is any item in the list, else 0",
        "Share of users who get anything at all; below 1 only where lists from another system "
        "leave users out.",
        "UserCoverage of WarpRec, as a share",
        at_k=False,
    ),
    _diversity(
        "personalisation",
        "Personalisation",
        r"$1 -$ mean of $|L_u \cap L_v| / \sqrt{|L_u| |L_v|}$ over all pairs of users",
        "How different two users' lists are: 0 if all get the same, 1 if no two share an item. "
        "Exact over all pairs. It has no interval: a resampled user meets copies of himself.",
        "personalization of recmetrics",
        has_interval=False,
    ),
)

SURPRISE_CARDS = (
    _surprise(
        "serendipity",
        "Serendipity",
        r"mean of $\max(p_i - \hat p_i, 0) \, r_i$ over the top $k$; $p_i = (n + 1 - rank)/n$",
        "Hits that popularity would have placed lower. An item's popularity rank counts distinct "
        "popularities, and its share is 0 where nobody has it.",
        "Serendipity of RecTools",
    ),
    _surprise(
        "unexpectedness",
        "Unexpectedness",
        r"$1 - |L_u \cap P_u|$ / items in the list",
        "Share of the list that the most popular items the user does not have would not have "
        "brought.",
        "Murakami, Mori, Orihara 2008; Unexpectedness of RePlay",
    ),
    _surprise(
        "epc",
        "EPC",
        r"$\sum_{i \le k} d_i r_i (1 - n_i/N) / \sum_{i \le k} d_i$, $d_i = 1/\log_2(i+1)$",
        "Hits, each worth the share of users who do not have the item: found and not popular.",
        "Vargas and Castells 2011, expected popularity complement",
    ),
    _surprise(
        "efd",
        "EFD",
        r"$-\sum_{i \le k} d_i r_i \log_2 \frac{n_i + 1}{N + 1} / \sum_{i \le k} d_i$",
        "Hits, each worth the bits of its rarity as in novelty.",
        "Vargas and Castells 2011, expected free discovery",
    ),
)

POPULARITY_CARDS = (
    _popularity(
        "average_popularity",
        "Average popularity",
        r"mean number of training interactions of the items in the top $k$ (ARP)",
        "How popular the recommended items are; less leaves more room to the rest of the "
        "catalogue.",
        "Yin et al. 2012; Abdollahpouri, Burke, Mobasher 2019",
        higher_is_better=False,
    ),
    _popularity(
        "tail_share",
        "Long-tail share",
        r"items outside the head in the top $k$ / items in the list (APLT)",
        "Share of the list beyond the head, the most popular fifth of the catalogue. Times k it is "
        "ACLT, the number of such items.",
        "Abdollahpouri, Burke, Mobasher 2017 and 2019",
    ),
    _popularity(
        "gini",
        "Gini of exposure",
        r"$\sum_j (2j - n - 1) c_j / ((n - 1) \sum c)$, $c$ rising",
        "How unevenly lists share out the catalogue: 0 if every item is recommended as often, 1 if "
        "one item takes all. It has no interval: resampled users show fewer items.",
        "Fleder and Hosanagar 2009; ExposureGini of LensKit",
        higher_is_better=False,
        has_interval=False,
    ),
    _popularity(
        "entropy",
        "Entropy of exposure",
        r"$-\sum_i p_i \log_2 p_i$, $p_i$ the item's share of all places",
        "Bits of choice over the catalogue; two to its power is the number of equally shown items. "
        "It has no interval: resampled users show fewer items.",
        "Shani and Gunawardana 2011, section 8.3.3.2",
        has_interval=False,
    ),
    _popularity(
        "delta_gap",
        "Delta-GAP",
        r"(popularity of lists $-$ of histories) / popularity of histories, of a group of users",
        "By how much a group's lists are more popular than what its users took: 0 keeps their "
        "level, 1 doubles it. Users without target history are left out.",
        "Abdollahpouri et al. 2019 (the unfairness of popularity bias); ClayRS",
        higher_is_better=False,
    ),
)

MIX_CARDS = (
    _mix(
        "calibration",
        "Miscalibration",
        r"$\sum_c p_c \log_2 (p_c / \tilde q_c)$, $\tilde q = 0.99 q + 0.01 p$",
        "How far the list's mix of categories is from the user's target history, in bits; 0 is the "
        "same mix. Users without target history have no value.",
        "Steck 2018, KL divergence with alpha 0.01",
        higher_is_better=False,
    ),
    _mix(
        "source_calibration",
        "Miscalibration to the source",
        r"the same with $p$ from the source history, over categories of both domains",
        "How far the list's mix is from what the user took in the source: low where tastes are "
        "carried across. Only categories that both domains name.",
        "Our own; after Steck 2018",
        higher_is_better=False,
    ),
    _mix(
        "domain_mix",
        "Source share of scores",
        r"$\sum_{i \le k} |s_i| / \sum_{i \le k} (|s_i| + |t_i|)$, "
        r"$s_i$ and $t_i$ what source and target add to an item's score",
        "How much of the scores in the list comes from the source: 0 is target alone, 1 source "
        "alone. Only models whose score is the sum of both parts have it, at equal weights, and "
        "only users with evidence in both domains: others have nothing to share between. Like the "
        "parts, it is told for at most 5,000 users.",
        "Our own",
    ),
    _mix(
        "rbo",
        "List overlap (RBO)",
        r"$\frac{|A \cap B|_k}{k} p^k + \frac{1-p}{p} \sum_{d \le k} \frac{|A \cap B|_d}{d} p^d$, "
        r"$p = 0.9$",
        "How alike two lists of one user are, the top counting more: 1 for the same list in the "
        "same order, 0 for no item in common. Read to the end of the shorter one.",
        "Webber, Moffat, Zobel 2010, equation 30 (extrapolated)",
    ),
)
