"""Lists that another system made: what a run's record and the pages say of them."""

from __future__ import annotations

from dataclasses import dataclass

from core.basics.errors import RunError
from core.basics.settings import Settings, setting
from core.models.protocol import CrossDomainModel, ModelCard, PairSizes

UPLOADED = "uploaded"
BY_RANK, BY_SCORE, BY_DISTANCE, BY_FILE = "rank", "score", "distance", "file"


@dataclass(frozen=True)
class UploadedSettings(Settings):
    """How the lists of the file are ordered."""

    order: str = setting(
        BY_RANK,
        choices=(BY_RANK, BY_SCORE, BY_DISTANCE, BY_FILE),
        help="By rank and by distance the smallest number comes first, by score the largest, by "
        "file the earlier row; equal ones stand as the rows do.",
    )


def _no_model(settings: UploadedSettings) -> CrossDomainModel:
    raise RunError(
        what="This run has only lists: its model stands in another system.",
        hint="Choose a run that was trained here for weights, reasons and maps.",
    )


def _memory(sizes: PairSizes, settings: UploadedSettings) -> int:
    return 4 * sizes.users * 50


CARD = ModelCard(
    name=UPLOADED,
    title="Uploaded lists",
    family="From elsewhere",
    line="Lists that another system made, measured as any run is.",
    paper="",
    differs="",
    when="To compare a system that runs elsewhere on equal terms.",
    words="Uploaded lists have no parts, so alpha and beta change nothing.",
    settings=UploadedSettings,
    build=_no_model,
    memory=_memory,
    cross_domain=False,
    has_twin=False,
    additive=False,
    fold_in="none",
    source_speaks=False,
    new_items=True,  # it may be so: what is behind the lists is not known
)
