"""The text encoder of one run, as its training left it, among the encoders by name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from core.basics.errors import RunError, SettingsError
from core.basics.types import FloatArray
from core.basics.workspace import Workspace
from core.models.made.compress import decompressed
from core.models.protocol import State
from core.models.text.encoders import DEFAULT, TextEncoder, encoder_of
from core.models.text.fine_tuned import (
    BOTH_STAGES,
    CARD,
    STUDENT_TABLE,
    FineTunedSettings,
    asked_weights,
)
from core.models.text.forward import WIDTH
from core.models.text.student import Student
from core.models.text.tuning import Readable, base_weights
from core.store.run_folder import RECORD, is_run_id, read_run

OF_RUN = "run "  # before the id of the run whose encoder it is
ASKED = "asked"  # folder of what people typed: apart from items' texts, or in the run's own folder


class RunEncoder:
    """Encodes texts as a run of the fine-tuned encoder does; the same vectors it compares from."""

    width = WIDTH

    def __init__(self, settings: FineTunedSettings, state: State) -> None:
        """state: what the run keeps, its tables whole."""
        self._theta = asked_weights(base_weights() | state, BOTH_STAGES, settings)
        self._tuned = None if settings.freeze else settings.tuned

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """(n_texts, 512) float32, zeros where there is nothing to read."""
        return Readable(list(texts), self._tuned, None).all_encoded(self._theta)


def name_of(run_id: str) -> str:
    """Under which the encoder of a run is asked for."""
    return OF_RUN + run_id


def asked_encoder(workspace: Workspace, name: str) -> TextEncoder:
    """An encoder by name, that of a run among them.

    Raises SettingsError where there is no such encoder, RunError where the run is gone.
    """
    if not name.startswith(OF_RUN):
        return encoder_of(name)
    run = read_run(_folder_of(workspace, name))
    if run.record["model"] != CARD.name:
        raise SettingsError(
            what=f"{run.label} has no text encoder of its own.",
            hint="Choose a run of the fine-tuned text encoder.",
        )
    state = decompressed(run.state())
    if STUDENT_TABLE in state:
        return Student(state[STUDENT_TABLE])
    return RunEncoder(FineTunedSettings.of(run.record["settings"]), state)


def kept_words(workspace: Workspace, name: str) -> tuple[Path, str]:
    """Where the words that an encoder read are kept, and under which encoder's name and version.

    What was typed to a run lies in its folder and goes with it.
    """
    if not name.startswith(OF_RUN):
        return workspace.texts / ASKED, name
    return _folder_of(workspace, name) / ASKED, DEFAULT


def record_of(workspace: Workspace, name: str) -> Path | None:
    """The record of the run that an encoder belongs to, None where it belongs to none."""
    return _folder_of(workspace, name) / RECORD if name.startswith(OF_RUN) else None


def _folder_of(workspace: Workspace, name: str) -> Path:
    run_id = name.removeprefix(OF_RUN)
    if not is_run_id(run_id):
        raise RunError(
            what=f"There is no run {run_id[:80]!r} in this workspace.", hint="Choose another run."
        )
    return workspace.runs / run_id
