"""A run that another tab deletes stays deleted, whatever still writes about it."""

from dataclasses import replace

import pytest

from core.basics.errors import CrosswalkError
from core.basics.progress import Progress
from core.embedding.umap_map import KeptMap, MapInfo, write_map
from core.models.text.encoders import DEFAULT, encoder_of
from core.models.text.vectors import encoded_vectors
from core.runs.explain.reasons import faithfulness_job
from core.runs.explain.recommend import export_job
from core.runs.making.texts import kept_words, name_of, record_of
from core.runs.studies.noise import reseed_job, reseed_payload
from core.runs.studies.overlap import overlap_job
from core.runs.studies.placebo import placebo_job
from core.store.measured import (
    BY_SEED,
    OverlapInfo,
    Placebos,
    Reseeded,
    count_look,
    write_overlap,
    write_placebos,
    write_reseeded,
)
from core.store.run_folder import delete_run, read_run, rename_run
from tests.core.runs.derived_worlds import bench


@pytest.fixture
def world(tmp_path):
    return bench(tmp_path / "workspace", {"ease": {}}, users=45)


def _says_deleted(workspace, run, write):
    """Refused in two sentences, and neither the run's folder nor anything of it is there."""
    with pytest.raises(CrosswalkError, match="was deleted") as said:
        write()
    assert said.value.what.endswith(".")
    assert said.value.hint.endswith(".")
    assert list(workspace.runs.iterdir()) == []
    for folder in (workspace.exports, workspace.maps):
        assert not folder.exists() or list(folder.iterdir()) == []
    with pytest.raises(CrosswalkError, match="no run"):
        read_run(run.folder)


def _typed(workspace, run):
    name = name_of(run.id)
    kept_in, kept_as = kept_words(workspace, name)
    record = record_of(workspace, name)
    encoded_vectors(["words"], encoder_of(DEFAULT), kept_as, kept_in, beside=record)


def _metrics(run):
    return {part: run.metrics(part) for part in ("valid", "test")}


WRITERS = {
    "a name": lambda here, run, kept: rename_run(run, "another"),
    "a look": lambda here, run, kept: count_look(run, {"alpha": 0.5}),
    "an overlap curve": lambda here, run, kept: write_overlap(
        run, OverlapInfo(20, [10], [0.5], 0, 1.0), {0.5: kept}
    ),
    "placebos": lambda here, run, kept: write_placebos(
        run, Placebos([1], 1.0, 1.0), {part: [frame] for part, frame in kept.items()}
    ),
    "a noise floor": lambda here, run, kept: write_reseeded(
        run, Reseeded(BY_SEED, [1], 1.0), {part: [frame] for part, frame in kept.items()}
    ),
    "words typed to it": lambda here, run, kept: _typed(here, run),
}


@pytest.mark.parametrize("writer", WRITERS)
def test_what_is_written_to_a_deleted_run_is_refused_and_no_folder_comes_back(world, writer):
    """Seen: a name saved to a run deleted in another tab made a folder that held no run."""
    run = world.runs["ease"]
    kept = _metrics(run)
    delete_run(world.workspace, run)
    _says_deleted(world.workspace, run, lambda: WRITERS[writer](world.workspace, run, kept))


def test_a_map_of_a_deleted_run_is_not_kept(world):
    run = world.runs["ease"]
    points = run.metrics("test").to_numpy()[:1, :2]
    kept = KeptMap(MapInfo(run.id, "items", 0, 1, 1, None, 0.0, {}), points[:, 0], points)
    delete_run(world.workspace, run)
    _says_deleted(
        world.workspace,
        run,
        lambda: write_map(world.workspace.maps, kept, run.folder / "run.json"),
    )


JOBS = {
    "lists": (export_job, lambda run: {"run": run.id}),
    "faithfulness": (faithfulness_job, lambda run: {"run_id": run.id}),
    "overlap": (overlap_job, lambda run: {"run_id": run.id, "seed": 0}),
    "placebo": (placebo_job, lambda run: {"run_id": run.id, "deals": 1}),
    "noise": (reseed_job, lambda run: reseed_payload(run.id)),
}


@pytest.mark.parametrize("kind", JOBS)
def test_a_job_whose_run_is_deleted_meanwhile_says_so_and_keeps_nothing(world, kind):
    run, (job, payload_of) = world.runs["ease"], JOBS[kind]

    def delete(progress: Progress) -> None:
        delete_run(world.workspace, run)

    _says_deleted(world.workspace, run, lambda: job(world.workspace, payload_of(run), delete))


def test_a_run_deleted_in_two_tabs_is_deleted_once(world):
    run = world.runs["ease"]
    delete_run(world.workspace, run)
    delete_run(world.workspace, replace(run))
    assert list(world.workspace.runs.iterdir()) == []
