"""What the figures of a domain gap are called and mean, and the sentences made from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.embedding.gap import Gap, chance_agreement
from core.runs.gap import BeforeAfter
from core.ui.texts import count, number

_NEVER = 0.05  # a permutation p above which no difference shows


@dataclass(frozen=True)
class Measure:
    """One figure of a gap as the table shows it."""

    name: str
    title: str
    closer: str  # which way is closer
    help: str


MEASURES = (
    Measure(
        "retrieval_mrr", "Retrieval MRR", "higher",
        "How high up the source-drawn vector of a user finds the same user's target-drawn one: 1 "
        "is always first. It falls when vectors collapse, so no gap is good without it.",
    ),
    Measure(
        "mmd", "MMD²", "lower",
        "Squared maximum mean discrepancy of both domains' vectors, unbiased (Gretton et al. "
        "2012): around 0 where they are alike.",
    ),
    Measure(
        "mmd_p", "MMD², p", "higher",
        "Share of 200 random exchanges of a user's two vectors that give as large a discrepancy.",
    ),
    Measure(
        "a_distance", "Proxy A-distance", "lower",
        "How well a linear classifier tells the domains apart: 0 not at all, 2 always (Ben-David "
        "et al. 2007).",
    ),
    Measure(
        "coral", "CORAL distance", "lower",
        "Squared distance of the covariances over 4 d² (Sun and Saenko 2016).",
    ),
    Measure(
        "cka", "CKA", "higher",
        "Whether both domains arrange users alike, whatever the rotation: 1 is the same "
        "arrangement (Kornblith et al. 2019).",
    ),
    Measure(
        "agreement", "Neighbours in common", "higher",
        "Share of a user's ten nearest users that both domains name.",
    ),
)  # fmt: skip


def sentence(found: BeforeAfter, names: tuple[str, str]) -> str:
    """What happened to the gap and to retrieval, which must be read together."""
    before, after = found.before, found.after
    closer = after.a_distance < before.a_distance
    finds = after.retrieval_mrr - before.retrieval_mrr
    gap = (
        f"the domains are {'closer together' if closer else 'further apart'} "
        f"(A-distance {number(before.a_distance)} → {number(after.a_distance)})"
    )
    way = "better" if finds > 0 else "worse"
    people = (
        f"a user's vector from {names[0]} finds the same user in {names[1]} {way} "
        f"(MRR {number(before.retrieval_mrr)} → {number(after.retrieval_mrr)})"
    )
    verdict = {
        (True, True): "both are what an alignment should do",
        (True, False): "closeness was bought by making users alike",
        (False, True): "the domains stay distinct, yet people are recognised better",
        (False, False): "nothing was aligned",
    }[closer, finds > 0]
    return f"**In this model {gap}, and {people}: {verdict}.**"


def figures_caption(found: BeforeAfter) -> str:
    """On whom the figures stand, what chance gives, and how the contents differ."""
    content, n = found.content, found.after.users
    categories = (
        "categories are unknown in a domain"
        if np.isnan(content.categories)
        else f"categories {number(content.categories)} "
        f"({count(content.shared_categories, 'name')} in common)"
    )
    return (
        f"Over {n:,} shared users whom the rotation of “before” never saw; a model may have "
        "trained on them. Chance level of neighbours in common: "
        f"{number(chance_agreement(n))}. {_p_words(found.after)} How the domains differ before "
        "any model, as Jensen-Shannon divergence in bits (0 alike, 1 nothing in common): "
        f"{categories}, popularity {number(content.popularity)}. "
        "A small gap does not imply a good transfer."
    )


def _p_words(gap: Gap) -> str:
    if gap.mmd_p > _NEVER:
        return "After alignment MMD² shows no difference between the domains."
    return "After alignment MMD² still tells the domains apart beyond chance."
