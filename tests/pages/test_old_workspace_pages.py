"""Every page opens on a workspace that an older version made, with every kind of run."""

import json
import tarfile
from pathlib import Path

import pytest

from core.basics.workspace import Workspace
from tests.pages.stories import entered, open_page, well

FOLDER = Path(__file__).resolve().parents[1] / "old_workspace"
TOLD = json.loads((FOLDER / "told.json").read_text())


@pytest.fixture
def old_workspace(tmp_path, monkeypatch):
    with tarfile.open(FOLDER / "workspace.tar.gz") as packed:
        packed.extractall(tmp_path, filter="data")
    workspace = Workspace(tmp_path / "workspace")
    workspace.jobs.unlink()  # pages look, and nothing is begun
    return entered(workspace, monkeypatch)


@pytest.mark.parametrize("page", ["start", "data", "train"])
def test_a_page_of_the_whole_workspace_opens(old_workspace, page):
    well(open_page(page))


@pytest.mark.parametrize("kind", TOLD["runs"])
def test_every_page_opens_with_every_kind_of_run(old_workspace, kind):
    for page in ("fusion", "metrics", "embeddings", "recommendations", "report"):
        well(open_page(page, run=TOLD["runs"][kind]))
