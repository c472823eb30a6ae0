"""Text encoders of the BERT kind through `transformers`: an extra, loaded only when asked for."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from core.basics.errors import SettingsError
from core.basics.types import FloatArray
from core.models.text.encoders import VARIABLE, WEIGHTS

TEXTS = 32  # encoded at once
LONGEST = 256  # word pieces of one text that are read


class BertEncoder:
    """Mean of the last layer's vectors over a text's word pieces, brought to length 1.

    Reimers and Gurevych 2019: Sentence-BERT, EMNLP, sec. 3 (mean pooling).
    """

    def __init__(self, name: str) -> None:
        """name: a folder with config, tokenizer and safetensors, or a name on the hub.

        A folder is read without asking any network. Raises SettingsError where it cannot be read.
        """
        self._tokenizer, self._model = _loaded(name)
        self.width = int(self._model.config.hidden_size)

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """(n_texts, width) float32 of length 1."""
        found = [self._encoded(list(texts[i : i + TEXTS])) for i in range(0, len(texts), TEXTS)]
        return np.concatenate(found) if found else np.zeros((0, self.width), dtype=np.float32)

    def _encoded(self, texts: list[str]) -> FloatArray:
        import torch

        pieces = self._tokenizer(
            texts, padding=True, truncation=True, max_length=LONGEST, return_tensors="pt"
        )
        with torch.inference_mode():
            states = self._model(**pieces).last_hidden_state  # (n, length, width)
        there = pieces["attention_mask"][:, :, None].float()
        means = (states * there).sum(1) / there.sum(1).clamp(min=1)
        vectors: FloatArray = torch.nn.functional.normalize(means, dim=1).numpy()
        return vectors


def named_encoder() -> BertEncoder:
    """The encoder that the environment names; SettingsError where it names none."""
    if not (name := os.environ.get(VARIABLE, "").strip()):
        raise SettingsError(
            what="No text encoder of your own is named.",
            hint=f"Set {VARIABLE} to its folder or its name on the Hugging Face hub, "
            "or choose another encoder.",
        )
    return BertEncoder(name)


def packaged_encoder(package: str) -> BertEncoder:
    """The encoder whose files a Python package brings along."""
    spec = find_spec(package)
    roots = [] if spec is None else [Path(root) for root in spec.submodule_search_locations or []]
    for root in roots:
        for weights in sorted(root.rglob(WEIGHTS)):
            return BertEncoder(str(weights.parent))
    raise SettingsError(
        what=f"The package {package} holds no weights in safetensors form.",
        hint="Install it again, or choose another encoder.",
    )


def _loaded(name: str) -> tuple[Any, Any]:
    """Tokenizer and model; no code that a model brings along is run, and no pickle is opened."""
    here = Path(name).is_dir()
    if here and not list(Path(name).glob(WEIGHTS)):
        raise SettingsError(
            what=f"The folder {Path(name).name} holds no weights in safetensors form.",
            hint="Save the model with safetensors; other kinds of weights are not opened.",
        )
    from transformers import AutoModel, AutoTokenizer

    asked = {"local_files_only": here, "trust_remote_code": False}
    try:
        tokenizer = AutoTokenizer.from_pretrained(name, **asked)
        model = AutoModel.from_pretrained(name, use_safetensors=True, **asked)
    except Exception as error:  # the library raises kinds of its own for each way to fail
        raise SettingsError(
            what=f"The text encoder {name} cannot be loaded: {_first_line(error)}.",
            hint=f"Check {VARIABLE}, and the network if it is a name on the hub.",
        ) from error
    return tokenizer, model.eval()


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200].rstrip(".") if lines else type(error).__name__
