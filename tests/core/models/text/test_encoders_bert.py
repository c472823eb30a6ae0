"""Encoders of the BERT kind: what is refused, and a tiny one where the library is installed."""

from importlib.util import find_spec

import numpy as np
import pytest

from core.basics.errors import SettingsError
from core.models.text.encoders import (
    ENCODERS,
    VARIABLE,
    BertEncoder,
    encoder_of,
    named_encoder,
    packaged_encoder,
)
from core.models.text.vectors import text_vectors

HERE = find_spec("transformers") is not None
with_library = pytest.mark.skipif(not HERE, reason="transformers is an extra")


def refusal(act) -> SettingsError:
    with pytest.raises(SettingsError) as refused:
        act()
    assert refused.value.what.endswith(".")
    assert refused.value.hint.endswith(".")
    return refused.value


@pytest.mark.parametrize("name", ["minilm", "own"])
def test_an_encoder_whose_packages_are_missing_says_what_to_install(name):
    if ENCODERS[name].installed:
        pytest.skip("everything it needs is here")
    assert "transformers" in refusal(lambda: encoder_of(name)).hint


def test_an_own_encoder_nobody_named_is_refused(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    assert VARIABLE in refusal(named_encoder).hint


def test_a_folder_without_safetensors_is_refused_and_nothing_in_it_opened(tmp_path, monkeypatch):
    (tmp_path / "pytorch_model.bin").write_bytes(b"a pickle, perhaps")
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    assert "safetensors" in refusal(named_encoder).what


def test_a_package_without_weights_is_refused():
    assert "email" in refusal(lambda: packaged_encoder("email")).what


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A BERT of one layer with random weights, and a vocabulary of ten words."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder = tmp_path_factory.mktemp("tiny")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "sea", "star", "garden", "the", "old"]
    (folder / "vocab.txt").write_text("\n".join(words))
    torch.manual_seed(0)
    shape = {"num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    BertModel(BertConfig(vocab_size=len(words), hidden_size=8, **shape)).save_pretrained(folder)
    BertTokenizerFast(vocab=str(folder / "vocab.txt")).save_pretrained(folder)
    return folder


@with_library
def test_a_folder_is_read_without_a_network_and_each_text_by_itself(tiny, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tiny))
    texts = ["the old sea", "star", "", "garden " * 400]
    found = text_vectors(texts, "own")
    assert found.shape == (4, 8)
    np.testing.assert_allclose(np.linalg.norm(found[[0, 1, 3]], axis=1), 1.0, rtol=1e-5)
    assert not found[2].any()
    np.testing.assert_allclose(BertEncoder(str(tiny)).encode([texts[1]])[0], found[1], atol=1e-5)


@with_library
def test_a_broken_weights_file_is_refused(tiny, tmp_path):
    for file in tiny.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "model.safetensors").write_bytes(b"not what it says")
    refusal(lambda: BertEncoder(str(tmp_path)))


@with_library
def test_a_name_that_cannot_be_fetched_is_refused(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    refusal(lambda: BertEncoder("nobody-here/no-such-encoder"))
