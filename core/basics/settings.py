"""Settings written once: one line feeds the model, the form, the saved file and the error."""

from __future__ import annotations

import dataclasses
import math
import typing
from dataclasses import dataclass
from typing import Any, Self

from core.basics.errors import SettingsError

Value = bool | int | float | str
_KINDS = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}


@dataclass(frozen=True)
class SettingInfo:
    """What a form or an error message needs to know about one setting."""

    name: str
    kind: type
    default: Value
    low: float | None
    high: float | None
    choices: tuple[str, ...] | None
    help: str


def setting(
    default: Value,
    *,
    help: str,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] | None = None,
) -> Any:
    """A dataclass field with bounds, choices and a help text."""
    about = {"help": help, "low": low, "high": high, "choices": choices}
    return dataclasses.field(default=default, metadata=about)


@dataclass(frozen=True)
class Settings:
    """Base of every settings class: values are checked when built, unknown names refused."""

    def __post_init__(self) -> None:
        for info in self.infos():
            _check(info, getattr(self, info.name))

    @classmethod
    def infos(cls) -> list[SettingInfo]:
        """One entry per setting, in the order they are written."""
        kinds = typing.get_type_hints(cls)
        return [
            SettingInfo(
                name=field.name,
                kind=kinds[field.name],
                default=typing.cast(Value, field.default),
                low=field.metadata.get("low"),
                high=field.metadata.get("high"),
                choices=field.metadata.get("choices"),
                help=field.metadata.get("help", ""),
            )
            for field in dataclasses.fields(cls)
        ]

    @classmethod
    def of(cls, values: dict[str, Any]) -> Self:
        """Settings from plain values or text, as they come from JSON or `--set key=value`.

        Raises SettingsError for an unknown name, a value of the wrong kind or out of bounds.
        """
        infos = {info.name: info for info in cls.infos()}
        if unknown := sorted(set(values) - set(infos)):
            raise SettingsError(
                what=f"There is no setting {', '.join(unknown)}.",
                hint=f"Choose from {', '.join(infos) or 'none: this takes no settings'}.",
            )
        return cls(**{name: _converted(infos[name], value) for name, value in values.items()})

    def to_dict(self) -> dict[str, Value]:
        """Plain values by name, ready for JSON."""
        return dataclasses.asdict(self)


def _converted(info: SettingInfo, value: Any) -> Value:
    try:
        if info.kind is bool:
            return {"true": True, "false": False}[str(value).lower()]
        if info.kind is int and float(value) != int(float(value)):
            raise ValueError
        return info.kind(float(value)) if info.kind is int else info.kind(value)
    except (ValueError, KeyError, TypeError, OverflowError):
        raise SettingsError(
            what=f"{info.name} cannot be {value!r}.",
            hint=f"Give {_KINDS[info.kind]}, such as {info.default!r}.",
        ) from None


def _check(info: SettingInfo, value: Any) -> None:
    if info.choices is not None and value not in info.choices:
        raise SettingsError(
            what=f"{info.name} cannot be {value!r}.", hint=f"Choose from {', '.join(info.choices)}."
        )
    if info.kind not in (int, float):
        return
    low = -math.inf if info.low is None else info.low
    high = math.inf if info.high is None else info.high
    if not low <= value <= high:  # NaN fails both comparisons, so it is refused too
        raise SettingsError(
            what=f"{info.name} is {value}, outside its range.",
            hint=f"Choose a value from {low:g} to {high:g}.",
        )
