"""Errors a person can act on: one sentence on what happened, one on what to do."""


class CrosswalkError(Exception):
    """What went wrong and what to do about it; pages and the command line show both sentences."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(f"{what} {hint}")
        self.what = what
        self.hint = hint


class DataError(CrosswalkError):
    """The data cannot be read or used as asked."""


class SettingsError(CrosswalkError):
    """A setting has an unknown name or a value out of bounds."""


class RunError(CrosswalkError):
    """A run cannot be trained, read or compared as asked."""


class JobError(CrosswalkError):
    """A job cannot be started, found or finished."""
