"""A student in place of a fine-tuned encoder: smaller, a run of its own, figures beside it."""

import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from core.basics.columns import ITEM, TEST, TITLE
from core.basics.errors import RunError, SettingsError
from core.basics.progress import silent
from core.basics.workspace import Workspace
from core.data.snapshot import read_snapshot, write_snapshot
from core.models.made.compress import decompressed
from core.models.text.features import Student, taught
from core.models.text.fine_tuned import STUDENT_TABLE
from core.runs.making.compress import CompressPlan, beside, compress_run
from core.runs.making.make_run import train_run
from core.runs.making.plan import RunPlan
from core.runs.making.texts import asked_job, asked_payload, asked_vector, name_of
from core.store.run_folder import delete_run, read_run
from core.ui.train.derived import compression_table, student_words
from tests.core.runs.derived_worlds import tables
from tests.worlds import GARDEN, SPACE

SEA = ["harbour", "sail", "island", "whale", "tide", "anchor", "captain", "reef"]
QUICK = {"epochs": 2, "source_epochs": 1, "factors": 16}


def titled(kind: str, count: int) -> pd.DataFrame:
    rng = np.random.default_rng(count)
    titles = [
        " ".join(rng.permutation((SPACE, GARDEN, SEA)[item % 3])[:3]) for item in range(count)
    ]
    return pd.DataFrame({ITEM: [f"{kind}{item}" for item in range(count)], TITLE: titles})


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    workspace = Workspace(tmp_path_factory.mktemp("student") / "here")
    parts = replace(tables(), items_source=titled("book", 45), items_target=titled("film", 36))
    folder = write_snapshot(
        workspace.splits,
        parts,
        source_name="books",
        target_name="films",
        kind="given files",
        seed=0,
        settings={},
        dataset_hash="0" * 16,
    )
    runs = {
        name: read_run(train_run(RunPlan(folder.name, name, settings), workspace))
        for name, settings in {"fine_tuned": QUICK, "popularity": {}}.items()
    }
    return workspace, read_snapshot(folder), runs


@pytest.fixture(scope="module")
def made(world):
    workspace, _, runs = world
    return read_run(compress_run(CompressPlan(runs["fine_tuned"].id, "student"), workspace))


def test_the_items_are_those_the_student_reads(world, made):
    _, split, _ = world
    state = decompressed(made.state())
    read = Student(state[STUDENT_TABLE]).encode(list(split.train.target_features.titles))
    np.testing.assert_allclose(read, state["target.items"], atol=0.03)  # both kept as int8
    assert not any("delta" in name for name in state)


def test_quality_speed_and_size_stand_beside_the_encoders(world, made):
    runs = world[2]
    found = made.record.compression
    assert found["bytes"]["after"] < found["bytes"]["before"]
    assert found["encoder"]["bytes"]["after"] < found["encoder"]["bytes"]["before"]
    speed = found["encoder"]["texts_per_cpu_second"]
    assert speed["after"] > speed["before"]
    assert found["encoder"]["cosine"] > 0.6
    assert found["encoder"]["unseen"] == 8
    assert found["quality"][TEST]["after"] == pytest.approx(made.metrics(TEST)["ndcg@10"].mean())
    assert (
        found["quality"][TEST]["after"] > 1.2 * runs["popularity"].metrics(TEST)["ndcg@10"].mean()
    )
    assert made.twin is not None
    assert list(compression_table([made])["Weights"]) == ["the original", "student"]
    assert "The student is" in student_words([made])
    assert "8 texts kept from it" in student_words([made])


def test_a_text_kept_from_a_student_is_kept_in_both_domains():
    """Titles of cross-listed items were said to be unseen and had been taught."""
    titles = [chr(97 + place) * 5 for place in range(20)]
    vectors = np.eye(20, dtype=np.float32)
    found = beside(titles * 2, np.tile(vectors, (2, 1)), Student(taught(titles, vectors)), {})
    assert found["unseen"] == 2
    assert abs(found["cosine"]) < 0.5
    assert found["bytes"]["before"] == 33_000_000  # the encoder as it came: nothing was added


def test_it_answers_like_any_run(world, made):
    _, split, _ = world
    model = made.model(split)
    scores = model.score(np.arange(5))
    assert np.isfinite(scores.own_scores()).all()
    reasons = model.explain(split.train.source[[0]], split.train.target[[0]], 3)
    total = reasons.source_amounts.sum() + reasons.target_amounts.sum()
    assert total == pytest.approx(float(scores.own_scores()[0, 3]), rel=1e-3)


def test_words_are_read_by_the_student_and_by_the_encoder_it_learned_from(world, made):
    """A title in words is the item of that title, to either run."""
    workspace, split, runs = world
    title = split.train.target_features.titles[5]
    for run in (runs["fine_tuned"], made):
        name = name_of(run.id)
        asked_job(workspace, asked_payload(title, name), silent)
        vector = asked_vector(workspace, title, name)
        model = run.model(split)
        words = model.words_as_items(vector[None])[1]
        np.testing.assert_allclose(words[0], model.state()["target.items"][5], atol=0.03)
    assert asked_vector(workspace, title, name_of("another")) is None


def test_an_encoder_of_a_run_that_has_none_is_refused(world):
    workspace, _, runs = world
    with pytest.raises(SettingsError, match="no text encoder of its own"):
        asked_job(workspace, asked_payload("a", name_of(runs["popularity"].id)), silent)
    elsewhere = workspace.root.parent / "elsewhere"
    shutil.copytree(runs["fine_tuned"].folder, elsewhere)
    for outside in ("../../elsewhere", str(elsewhere)):
        with pytest.raises(RunError, match="no run"):
            asked_job(workspace, asked_payload("a", name_of(outside)), silent)


def test_what_was_typed_to_a_run_goes_with_it(world):
    workspace, _, runs = world
    run = read_run(shutil.copytree(runs["fine_tuned"].folder, workspace.runs / "copied"))
    asked_job(workspace, asked_payload("a secret", name_of(run.id)), silent)
    assert asked_vector(workspace, "a secret", name_of(run.id)) is not None
    delete_run(workspace, run)
    assert asked_vector(workspace, "a secret", name_of(run.id)) is None
    assert not run.folder.exists()


def test_a_run_without_an_encoder_of_its_own_is_refused(world):
    workspace, _, runs = world
    with pytest.raises(RunError, match="no text encoder"):
        compress_run(CompressPlan(runs["popularity"].id, "student"), workspace)
