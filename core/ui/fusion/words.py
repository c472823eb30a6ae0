"""The formula with its numbers, and what the weights can and cannot change, in words."""

from __future__ import annotations

from core.fusion.combine import MIN_MAX, PRODUCT, RAW, RECIPROCAL_RANK, WEIGHTED_SUM, Z_SCORE
from core.store.run_folder import Run
from core.ui.widgets import plain

KIND_WORDS = {
    WEIGHTED_SUM: "Both parts are scaled, weighed and added.",
    PRODUCT: "Both parts become chances by a sigmoid and are multiplied; the weights are "
    "exponents. A plain product alpha · source × beta · target would only be scaled by "
    "alpha · beta and could not change a single list.",
    RECIPROCAL_RANK: "Only the rank in each part counts, not the distance: 1 / (60 + rank). "
    "No scale is needed.",
}
SCALE_WORDS = {
    RAW: "the parts as the model gives them",
    Z_SCORE: "each user's parts have mean 0 and standard deviation 1 over all unmasked items",
    MIN_MAX: "each user's parts run from 0 to 1 over all unmasked items",
}


def formula(run: Run, kind: str, scale: str, alpha: float, beta: float) -> str:
    """One line of Markdown: the formula in the two domains' names and colours."""
    source, target = (plain(run.record.name_of(domain), 30) for domain in ("source", "target"))
    a, b = f"{alpha:.2f}", f"{beta:.2f}"
    if kind == RECIPROCAL_RANK:
        parts = f"{a} / (60 + rank in {source})", f"{b} / (60 + rank in {target})"
    elif kind == PRODUCT:
        shapes = {RAW: "σ({})", Z_SCORE: "σ(z({}))", MIN_MAX: "σ(scaled {})"}
        parts = (
            f"{a} · log {shapes[scale].format(source)}",
            f"{b} · log {shapes[scale].format(target)}",
        )
    else:
        shapes = {RAW: "{}", Z_SCORE: "z({})", MIN_MAX: "scaled {}"}
        parts = f"{a} · {shapes[scale].format(source)}", f"{b} · {shapes[scale].format(target)}"
    return f"#### score = :orange[{parts[0]}] + :blue[{parts[1]}]"


def ratio_words(alpha: float, beta: float) -> str:
    """Where the sliders stand, as the only thing that matters for a ranking."""
    if alpha == beta == 0:
        return (
            "With both weights at 0 nothing is ranked: items stand in the order that breaks ties."
        )
    if beta == 0:
        where = "source only"
    elif alpha == 0:
        where = "target only"
    else:
        larger = max(alpha, beta)
        where = f"{alpha / larger:.2g} : {beta / larger:.2g}"
    return f"Only the ratio alpha : beta changes a ranking: you are at **{where}**."


def scale_words(run: Run, kind: str, scale: str) -> str:
    """Which scale the parts have, and why."""
    if kind == RECIPROCAL_RANK:
        return KIND_WORDS[RECIPROCAL_RANK]
    default = RAW if run.card.additive and kind != PRODUCT else Z_SCORE
    if kind == PRODUCT:
        why = "A product needs parts in like units, so z-score is the default."
    elif run.card.additive:
        why = (
            "This model's parts add up to its own score, so raw is the default: 1 : 1 gives the "
            "model's own lists. Scaling each user's parts apart hurts models solved jointly."
        )
    else:
        why = (
            "This model's score is no sum of its parts, so their units differ and z-score is the "
            "default. 1 : 1 is then not the model's own list."
        )
    own = "" if scale == default else f" You chose {scale}: {SCALE_WORDS[scale]}."
    return why + own


def reach_words(run: Run, users: int, both: int) -> str | None:
    """For whom the weights change nothing; None where they count for everybody."""
    source, target = (plain(run.record.name_of(domain), 30) for domain in ("source", "target"))
    if both == users:
        return None
    if both == 0:
        return (
            "No validation user has evidence from both domains in this run, so no weight changes "
            "any list: whoever has evidence from one domain gets that part alone."
        )
    return (
        f"The weights move the lists of the {both:,} of {users:,} validation users with evidence "
        f"from both domains. Without history in {source} the {target} part stands alone, and the "
        "other way round; without either, popularity."
    )


def limits(run: Run) -> str:
    """The folded text: what the weights can and cannot change."""
    points = [
        plain(run.card.words, 600),
        "The weights act after training: moving a slider never trains anything again.",
        "Doubling both weights changes no list, so quality is a curve over the ratio, not a "
        "surface over alpha and beta.",
        *KIND_WORDS.values(),
        "A missing part is never a silent zero: a user without history in one domain gets the "
        "other part alone, a user without any gets popularity.",
        "Every list here is exact for the whole catalogue: an item is left out only if enough "
        "others stand before it at every weighting.",
        "Weights are chosen on validation users. Test is shown for a pinned point only, and looks "
        "are counted: whoever looks often enough finds a lucky point.",
    ]
    return "\n".join(f"- {point}" for point in points)
