"""How much each domain should count: quality over the ratio, on validation users only."""

from __future__ import annotations

import numpy as np
import pandas as pd

from core.basics.columns import NEAR, SEGMENT, SHARE, VALID
from core.basics.errors import RunError
from core.basics.formatting import signed
from core.charts.fusion import TICKS, draw_fusion_curve
from core.charts.report import Drawn
from core.charts.theme import plain
from core.evaluation.segments import SEGMENTS, TARGET_HISTORY
from core.evaluation.weightings import RatioPicture, ratio_picture
from core.fusion.candidates import pick_users
from core.fusion.combine import WEIGHTED_SUM
from core.fusion.fused import prepare, ratio_curve
from core.runs.recommend import scale_of
from core.runs.report.blocks import Figure, Section, Words
from core.runs.report.evidence import Evidence

MOST_USERS = 5_000  # validation users, beyond it a seeded sample as on the Fusion page
K = 10


def weights_section(evidence: Evidence) -> Section:
    """The curve with its sentence, or why there is none."""
    reason = _why_not(evidence)
    found = None if reason else _picture(evidence)
    if reason or found is None:
        reason = reason or _NOTHING
        return Section("weights", "How much each domain should count", (Words(reason, "missing"),))
    drawn = _named(draw_fusion_curve(*_labelled(found, evidence), metric=f"nDCG@{K}"), evidence)
    caption = (
        f"Does it pay to let {evidence.source} count more, or less? Left {evidence.target} alone, "
        f"right {evidence.source} alone; the green band is the 95 % interval, the grey one holds "
        "every mix that is no worse than the best beyond user sampling."
    )
    blocks = (Words(weight_words(found, evidence)), Figure(drawn, caption), Words(_LIMITS, "quiet"))
    return Section("weights", "How much each domain should count", blocks)


def _labelled(found: RatioPicture, evidence: Evidence) -> tuple[pd.DataFrame, ...]:
    """Curve, lines and best points with segments that say what is counted."""
    target = plain([evidence.target], 20)[0]
    parts = (
        part.assign(**{SEGMENT: part[SEGMENT].astype("str") + f" in {target}"})
        for part in (found.lines, found.best)
    )
    return found.curve, *parts


def _named(drawn: Drawn, evidence: Evidence) -> Drawn:
    """The curve with the names of the two domains under it, and its legend below."""
    source, target = plain([evidence.source, evidence.target], 18)
    ends = {0.0: f"{target}<br>alone", 1.0: f"{source}<br>alone"}
    ticks = TICKS | ends
    drawn.update_layout(legend={"y": -0.3, "yanchor": "top"}, margin_t=20)
    return drawn.update_xaxes(
        tickvals=list(ticks),
        ticktext=list(ticks.values()),
        title={"text": f"how much {source} counts against {target}"},
    )


_NOTHING = (
    "No validation user of this run has evidence from both domains, so no weight could change a "
    "list: whoever is known from one domain gets what that one says."
)
_LIMITS = (
    "The mix is set after training and was looked for on validation users alone; the test users of "
    "this report had no say in it. Only the ratio of the two weights can change a ranking."
)


def weight_words(found: RatioPicture, evidence: Evidence) -> str:
    """Which mix to use, what it gains, and how far from it nothing changes."""
    source, target = evidence.source, evidence.target
    if found.overall is None:
        return "There are too few validation users to tell one mix from another."
    near = found.curve.loc[found.curve[NEAR], SHARE].to_numpy()
    best, gain = found.overall, found.overall.gain
    if np.isclose(best.share, 0.5):
        said = (
            f"Counting {source} and {target} alike (1 : 1), as the model does, is the best choice"
        )
        said += " there is evidence for."
    else:
        said = (
            f"On validation users the best choice lets {source} count {_ratio(best.share)} against "
            f"{target}: {signed(gain.mean)} nDCG@{K} over 1 : 1 (95 % {signed(gain.low)} to "
            f"{signed(gain.high)})."
        )
    low, high = float(near.min()), float(near.max())
    if low == 0 and high == 1:
        return (
            f"{said} In truth no mix is worse than the best beyond user sampling: the weights "
            "hardly matter here."
        )
    return f"{said} Anything from {_ratio(low)} to {_ratio(high)} is as good beyond user sampling."


def _ratio(share: float) -> str:
    """A share of source evidence as source : target."""
    if share in (0.0, 1.0):
        return "not at all" if share == 0 else "alone"
    smaller = min(share, 1 - share)
    return f"{share / smaller:.2g} : {(1 - share) / smaller:.2g}"


def _why_not(evidence: Evidence) -> str:
    if evidence.rates:
        return (
            "This run predicts ratings. Its weights move the size of an error, not an order, and "
            "stand on the Fusion page."
        )
    if not evidence.run.has_model:
        return "Uploaded lists have no parts, so there is nothing to weigh."
    if evidence.run.record["model"] == "popularity":
        return "Popularity looks at neither history, so there is nothing to weigh."
    return "" if evidence.split else "The data of this run are gone, so no mix can be judged."


def _picture(evidence: Evidence) -> RatioPicture | None:
    """Quality over the ratio as on the Fusion page; None without candidates or users."""
    assert evidence.split is not None
    assert evidence.segments is not None
    try:
        candidates = evidence.run.candidates(VALID)
    except RunError:
        return None
    n_users = len(candidates.users)
    if not n_users:
        return None
    if n_users > MOST_USERS:
        rows = np.random.default_rng(0).choice(n_users, MOST_USERS, replace=False)
        candidates = pick_users(candidates, np.sort(rows))
    if not (candidates.has_source & candidates.has_target).any():
        return None
    prepared = prepare(candidates, WEIGHTED_SUM, scale_of(evidence.run.card), K)
    curve = ratio_curve(prepared, evidence.split.held_out(VALID), K)
    segment = evidence.segments[TARGET_HISTORY].astype("str").to_numpy()[prepared.users]
    return ratio_picture(curve, segment, SEGMENTS[TARGET_HISTORY])
