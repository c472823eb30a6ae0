"""Embeddings, Texts: what is written about both domains' items on one map, searched by meaning."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from core.basics.columns import ITEM, USER
from core.basics.progress import silent
from core.basics.workspace import Workspace
from core.data.snapshot import SplitTables, write_snapshot
from core.jobs.table import DONE, end_job, list_jobs, read_job
from core.models.text.features import TextSettings
from core.runs.making.texts import asked_job, asked_payload, texts_job, texts_payload
from tests.bilingual import bilingual_split
from tests.pages.stories import ROOT, entered, open_page, well, words
from tests.pages.test_embeddings_page import chart, traces

SAGA = "a story of three sisters who marry"


@pytest.fixture
def split(tmp_path, monkeypatch) -> tuple[Workspace, str]:
    """English books and Chinese films, no run at all; no supervisor starts."""
    workspace = entered(Workspace(tmp_path / "workspace"), monkeypatch)
    monkeypatch.setattr("core.ui.shell.ensure_supervisor", lambda workspace: None)
    return workspace, bilingual_split(workspace)


@pytest.fixture
def encoded(split) -> Workspace:
    """The same with its titles encoded."""
    workspace, split_hash = split
    texts_job(workspace, texts_payload(split_hash, TextSettings()), silent)
    return workspace


def table(app, domain: str) -> pd.DataFrame:
    """The nearest items of a domain."""
    return app.dataframe[("source", "target").index(domain)].value


def test_titles_are_encoded_by_a_job_and_mapped_without_any_run(split):
    workspace, _ = split
    app = well(open_page("embeddings"))
    assert "There is no run yet" in words(app)
    assert "texts of these 100 items (titles) were not encoded yet" in words(app)
    app.button(key="encode_texts").click().run()
    (job,) = list_jobs(workspace, kind="texts", active=True)
    assert job.lane == "short"
    command = [sys.executable, "-m", "core.runs.jobs.worker", str(workspace.root), job.id]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    assert read_job(workspace, job.id).status == DONE
    app.run()
    assert traces(well(app)) == {"books": 50, "films": 50}
    assert "texts (titles) as Universal" in words(app)


def test_words_in_any_language_find_items_of_both_domains(encoded):
    app = well(open_page("embeddings", meaning=SAGA))
    (job,) = list_jobs(encoded, kind="asked", active=True)
    assert (job.lane, job.payload["words"]) == ("short", SAGA)
    asked_job(encoded, asked_payload(SAGA, "universal"), silent)
    end_job(encoded, job.id, DONE)
    app = well(open_page("embeddings", meaning=SAGA))
    assert table(app, "source")["name"].iloc[0] == "Three Sisters and a Wedding"
    assert table(app, "target")["name"].iloc[0] == "三姐妹与一场婚礼"
    assert (np.diff(table(app, "target")["cosine"]) <= 0).all()
    ringed = chart(app)["data"][-1]
    assert ringed["name"] == "nearest in the original space"
    assert "by meaning" in words(app)


def test_asking_again_costs_no_second_job(encoded):
    open_page("embeddings", meaning=SAGA).run()
    assert len(list_jobs(encoded, kind="asked")) == 1


def test_a_title_finds_its_translation_among_the_texts(encoded):
    app = open_page("embeddings")
    app.text_input(key="find").set_value("Alone on Mars").run()
    assert table(well(app), "target")["name"].iloc[0] == "独自在火星"


def test_umap_of_texts_is_asked_for_as_a_short_job(encoded):
    well(open_page("embeddings", layout="UMAP"))
    (job,) = list_jobs(encoded, kind="text_map", active=True)
    assert (job.lane, job.payload["encoder"]) == ("short", "universal")


def test_words_that_fail_to_be_read_say_why(encoded):
    open_page("embeddings", meaning=SAGA)
    (job,) = list_jobs(encoded, kind="asked")
    end_job(encoded, job.id, "failed", what="Memory ran out.", hint="Free some.")
    assert "Memory ran out" in words(well(open_page("embeddings", meaning=SAGA)))


def test_a_split_without_titles_says_where_they_are_made(split):
    workspace, _ = split
    pairs = [(f"u{user}", f"i{item}") for user in range(9) for item in range(6)]
    rows = pd.DataFrame(pairs, columns=[USER, ITEM])
    bare = write_snapshot(
        workspace.splits,
        SplitTables(rows, rows, rows[:0], rows[:0], None, None),
        source_name="a",
        target_name="b",
        kind="random",
        seed=0,
        settings={},
        dataset_hash="c" * 16,
    )
    app = well(open_page("embeddings", split=bare.name))
    assert "Nothing is trained for a → b yet" in words(app)
