"""What to train on what: everything a run needs to know, as plain values."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Self

from core.basics.errors import RunError
from core.basics.files import fingerprint
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
    twin_settings: dict[str, Any] | None = None  # None: the twin takes the same settings

    def __post_init__(self) -> None:
        settings = card_of(self.model).settings
        for given in (self.settings, self.twin_settings or {}):
            settings.of(given)  # refuses what the model does not know

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
        settings = card_of(self.model).settings
        own = settings.of(self.settings).to_dict()
        twin = own if self.twin_settings is None else settings.of(self.twin_settings).to_dict()
        differing = () if twin == own else (twin,)
        return fingerprint(self.split, self.model, own, self.seed, self.device, *differing)

    def of_twin(self) -> Self:
        """The plan the target-only twin is trained by."""
        if self.twin_settings is None:
            return self
        return replace(self, settings=self.twin_settings, twin_settings=None)
