"""What the figures of a domain gap are called and mean, and the sentences made from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.basics.formatting import count, number
from core.embedding.gap import Gap, chance_agreement
from core.runs.studies.gap import BeforeAfter

_DISTANCE = {1: "closer together", 0: "as far apart as before", -1: "further apart"}
_FINDS = {1: "better", 0: "as well as before", -1: "worse"}
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
        "retrieval_mrr",
        "Retrieval MRR",
        "higher",
        "How high up the source-drawn vector of a user finds the same user's target-drawn one: 1 "
        "is always first. It falls when vectors collapse, so no gap is good without it.",
    ),
    Measure(
        "mmd",
        "MMD²",
        "lower",
        "Squared maximum mean discrepancy of both domains' vectors, unbiased (Gretton et al. "
        "2012): around 0 where they are alike.",
    ),
    Measure(
        "mmd_p",
        "MMD², p",
        "higher",
        "Share of 200 random exchanges of a user's two vectors that give as large a discrepancy.",
    ),
    Measure(
        "a_distance",
        "Proxy A-distance",
        "lower",
        "How well a linear classifier tells the domains apart: 0 not at all, 2 always (Ben-David "
        "et al. 2007).",
    ),
    Measure(
        "coral",
        "CORAL distance",
        "lower",
        "Squared distance of the covariances over 4 d² (Sun and Saenko 2016).",
    ),
    Measure(
        "cka",
        "CKA",
        "higher",
        "Whether both domains arrange users alike, whatever the rotation: 1 is the same "
        "arrangement (Kornblith et al. 2019).",
    ),
    Measure(
        "agreement",
        "Neighbours in common",
        "higher",
        "Share of a user's ten nearest users that both domains name.",
    ),
)


def sentence(found: BeforeAfter, names: tuple[str, str]) -> str:
    """What happened to the gap and to retrieval, which must be read together."""
    before, after = found.before, found.after
    closer = _sign(before.a_distance - after.a_distance)
    finds = _sign(after.retrieval_mrr - before.retrieval_mrr)
    gap = (
        f"the domains are {_DISTANCE[closer]} "
        f"(A-distance {number(before.a_distance)} → {number(after.a_distance)})"
    )
    people = (
        f"a user's vector from {names[0]} finds the same user in {names[1]} {_FINDS[finds]} "
        f"(MRR {number(before.retrieval_mrr)} → {number(after.retrieval_mrr)})"
    )
    verdict = {
        (1, 1): "both are what an alignment should do",
        (1, 0): "closeness alone recognises nobody better",
        (1, -1): "closeness was bought by making users alike",
        (0, 1): "people are recognised better at the same distance",
        (-1, 1): "the domains stay distinct, yet people are recognised better",
    }.get((closer, finds), "nothing was aligned")
    return f"**In this model {gap}, and {people}: {verdict}.**"


def _sign(change: float) -> int:
    """1, −1, or 0 for a change too small to be seen in the figures beside it."""
    return int(np.sign(round(change, 3)))


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
        return "After alignment MMD² cannot tell the domains apart."
    return "After alignment MMD² still tells the domains apart beyond chance."
