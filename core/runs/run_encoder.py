"""The text encoder of one run, as its training left it, among the encoders by name."""

from __future__ import annotations

from collections.abc import Sequence

from core.basics.errors import SettingsError
from core.basics.scores import FloatArray
from core.basics.workspace import Workspace
from core.models.compress import decompressed
from core.models.fine_tuned import CARD
from core.models.protocol import State
from core.models.text.encoders import TextEncoder, encoder_of
from core.models.text.student import Student
from core.models.text.tuned_settings import FineTunedSettings
from core.models.text.tuned_state import STUDENT_TABLE
from core.models.text.tuning import Readable, base_weights, tuned_weights
from core.store.run_folder import read_run

OF_RUN = "run "  # before the id of the run whose encoder it is


class RunEncoder:
    """Encodes texts as a run of the fine-tuned encoder does; the same vectors it compares from."""

    width = 512

    def __init__(self, settings: FineTunedSettings, state: State) -> None:
        """state: what the run keeps, its tables whole."""
        stages = ("source", "target")  # the delta of a stage that was not trained is 0
        self._theta = tuned_weights(base_weights() | state, stages, settings.share * settings.pace)
        self._tuned = None if settings.freeze else settings.tuned

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """(n_texts, 512) float32, zeros where there is nothing to read."""
        return Readable(list(texts), self._tuned, None).all_encoded(self._theta)


def name_of(run_id: str) -> str:
    """Under which the encoder of a run is asked for, and its vectors are kept."""
    return OF_RUN + run_id


def named_encoder(workspace: Workspace, name: str) -> TextEncoder:
    """An encoder by name, that of a run among them.

    Raises SettingsError where there is no such encoder, RunError where the run is gone.
    """
    if not name.startswith(OF_RUN):
        return encoder_of(name)
    run = read_run(workspace.runs / name.removeprefix(OF_RUN))
    if run.record["model"] != CARD.name:
        raise SettingsError(
            what=f"{run.label} has no text encoder of its own.",
            hint="Choose a run of the fine-tuned text encoder.",
        )
    state = decompressed(run.state())
    if STUDENT_TABLE in state:
        return Student(state[STUDENT_TABLE])
    return RunEncoder(FineTunedSettings.of(run.record["settings"]), state)
