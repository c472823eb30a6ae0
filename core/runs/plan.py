"""What to train on what: everything a run needs to know, as plain values."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

from core.basics.errors import RunError
from core.basics.fingerprint import fingerprint
from core.models.registry import card_of


@dataclass(frozen=True)
class RunPlan:
    """A model with its settings on one split; equal plans give equal runs."""

    split: str  # split hash: names the snapshot folder
    model: str
    settings: dict[str, Any] = field(default_factory=dict)
    seed: int = 2022
    device: str = "auto"
    label: str = ""

    def __post_init__(self) -> None:
        card_of(self.model).settings.of(self.settings)  # refuses what the model does not know

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """A plan from JSON; raises RunError for a field that is no part of a plan."""
        known = {field.name for field in fields(cls)}
        if unknown := sorted(set(values) - known):
            raise RunError(
                what=f"A plan has no field {', '.join(unknown)}.",
                hint=f"It has {', '.join(sorted(known))}.",
            )
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)

    @property
    def key(self) -> str:
        """Hash of all that decides the result; the label does not."""
        settings = card_of(self.model).settings.of(self.settings).to_dict()
        return fingerprint(self.split, self.model, settings, self.seed, self.device)
