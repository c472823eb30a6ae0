"""Texts become vectors by jobs: with progress, cancelled at once, kept for whoever asks next."""

from dataclasses import replace

import numpy as np
import pytest

from core.basics.errors import SettingsError
from core.basics.files import fingerprint
from core.basics.progress import Cancelled, silent
from core.basics.workspace import Workspace
from core.data.snapshot import read_snapshot
from core.embedding.umap_map import read_map
from core.models.text import vectors
from core.models.text.features import TextSettings, centre_of, centred, domain_vectors
from core.models.text.vectors import VECTORS
from core.runs.jobs.maps import text_map_job, text_map_payload, text_points
from core.runs.making.texts import (
    asked_job,
    asked_payload,
    asked_vector,
    encode_texts,
    read_texts,
    settings_of,
    texts_job,
    texts_payload,
    words_as_item,
)
from tests.bilingual import CHINESE, bilingual_split

WORDS = TextSettings(encoder="tf-idf")


@pytest.fixture
def workspace(tmp_path) -> Workspace:
    return Workspace(tmp_path / "workspace")


def test_texts_are_there_for_a_page_once_the_job_is_done(workspace):
    split_hash = bilingual_split(workspace)
    train = read_snapshot(workspace.splits / split_hash).train
    assert read_texts(train, WORDS) is None
    seen = []
    assert texts_job(workspace, texts_payload(split_hash, WORDS), seen.append) == {"items": 100}
    assert {step.stage for step in seen} == {"encoding texts"}
    texts = read_texts(train, WORDS)
    assert texts.source.shape == texts.target.shape == (50, 1024)
    assert read_texts(train, TextSettings()) is None  # another encoder


@pytest.mark.parametrize("silent_domain", ["source", "target"])
def test_a_domain_in_which_no_item_has_a_text_stands_beside_one_that_has(workspace, silent_domain):
    """Its vectors are zeros as wide as the others', so both can be put on one map."""
    train = read_snapshot(workspace.splits / bilingual_split(workspace)).train
    field = f"{silent_domain}_features"
    untitled = replace(getattr(train, field), titles=np.full(50, "", dtype=object))
    train = replace(train, **{field: untitled})
    encode_texts(train, WORDS, silent)
    texts = read_texts(train, WORDS)
    assert texts.source.shape == texts.target.shape == (50, 1024)
    assert not getattr(texts, silent_domain).any()


def test_a_cancelled_job_keeps_what_it_had_and_goes_on_from_there(workspace, monkeypatch):
    monkeypatch.setattr(vectors, "TEXTS", 20)
    split_hash = bilingual_split(workspace)

    def stop(progress):
        raise Cancelled

    with pytest.raises(Cancelled):
        texts_job(workspace, texts_payload(split_hash, WORDS), stop)
    steps = []
    texts_job(workspace, texts_payload(split_hash, WORDS), steps.append)
    assert steps[0].total == 30


def test_what_a_person_types_is_kept_apart_and_cleaned(workspace):
    asked_job(workspace, asked_payload("  <b>three</b> sisters ", "tf-idf"), silent)
    assert asked_vector(workspace, "three sisters", "tf-idf").shape == (1024,)
    assert asked_vector(workspace, "two sisters", "tf-idf") is None
    assert asked_vector(workspace, "three sisters", "universal") is None


def test_nothing_typed_and_an_unknown_encoder_are_refused_in_two_sentences(workspace):
    with pytest.raises(SettingsError, match="no words"):
        asked_job(workspace, asked_payload(" ", "tf-idf"), silent)
    with pytest.raises(SettingsError, match="no text encoder"):
        asked_job(workspace, asked_payload("a", "elsewhere"), silent)


def test_a_map_of_texts_is_made_in_one_go(workspace):
    split_hash = bilingual_split(workspace)
    name = text_map_job(workspace, text_map_payload(split_hash, WORDS), silent)["map"]
    kept = read_map(workspace.maps / name)
    assert kept.info.of == len(kept.places) <= 100
    assert len(CHINESE) == 50


def test_uploaded_vectors_are_read_without_any_encoding(workspace, monkeypatch):
    def refuse(name):
        raise AssertionError(f"loaded {name}")

    monkeypatch.setattr("core.models.text.vectors.encoder_of", refuse)
    train = read_snapshot(workspace.splits / bilingual_split(workspace, (12, 12))).train
    alone, seen = TextSettings(vectors="alone"), []
    encode_texts(train, alone, seen.append)
    assert not seen
    texts = read_texts(train, alone)
    assert texts.source.shape == texts.target.shape == (50, 12)
    np.testing.assert_allclose(np.linalg.norm(texts.source, axis=1), 1, rtol=1e-5)


def test_beside_the_texts_are_read_as_a_model_reads_them_before_the_centre(workspace):
    train = read_snapshot(workspace.splits / bilingual_split(workspace, (12, 0))).train
    beside = replace(WORDS, vectors="beside the text")
    assert read_texts(train, beside) is None  # the texts are not encoded yet
    encode_texts(train, beside, silent)
    texts = read_texts(train, beside)
    assert texts.source.shape == texts.target.shape == (50, 1036)
    assert not texts.target[:, -12:].any()
    model = domain_vectors(train, beside)
    for ours, theirs in zip((texts.source, texts.target), model, strict=True):
        np.testing.assert_allclose(centred(ours, centre_of(ours)), theirs, atol=1e-6)
    said = words_as_item(np.ones(1024, dtype=np.float32), texts)
    assert said.shape == (1, 1036)


def test_jobs_and_maps_of_vectors_are_told_apart_and_older_ones_keep_their_names(workspace):
    uses = [replace(WORDS, vectors=use) for use in VECTORS]
    payloads = [text_map_payload("s", use) for use in uses]
    assert payloads[0] == {"split_hash": "s", "encoder": "tf-idf", "reads": "titles", "seed": 0}
    assert [settings_of(payload) for payload in payloads] == uses
    split = read_snapshot(workspace.splits / bilingual_split(workspace, (12, 12)))
    encode_texts(split.train, WORDS, silent)
    made = {
        text_points(split, use, read_texts(split.train, use)).made_from
        for use in (*uses, TextSettings(vectors="alone"))
    }
    assert len(made) == 3  # alone no encoder matters
    assert f"texts of {split.info.split_hash}, {fingerprint('tf-idf', 'titles')}" in made


def test_a_map_of_vectors_alone_is_drawn_by_its_job(workspace):
    split_hash = bilingual_split(workspace, (12, 12), titled=False)
    answer = text_map_job(
        workspace, text_map_payload(split_hash, TextSettings(vectors="alone")), silent
    )
    assert read_map(workspace.maps / answer["map"]).info.shown == 100
