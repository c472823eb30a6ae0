"""Every page on runs of a pair that shares nobody, or next to nobody."""

import numpy as np
import pandas as pd
import pytest
import streamlit as st

from core.basics.columns import ITEM, TITLE, USER
from core.basics.progress import silent
from core.basics.workspace import VARIABLE, Workspace
from core.data.build_pair import build_pair
from core.data.checks.quality import check_pair
from core.data.database import in_memory
from core.data.pair_folder import PairInputs, PairSettings
from core.data.splitting import SplitSettings, split_pair
from core.runs.making.make_run import train_run
from core.runs.making.plan import RunPlan
from tests.pages.stories import open_page
from tests.pages.test_data_pair_page import rows

PAGES = ("data", "train", "fusion", "metrics", "recommendations", "embeddings", "report")
TABS = {"data": ("Import", "Pair", "Quality", "Split", "Text")}
MODELS = {"ease": {}, "text_ridge": {}}


@pytest.fixture(scope="module", params=[0, 3])
def workspace(request, tmp_path_factory) -> Workspace:
    """A pair with so many shared users, split and trained on."""
    here = Workspace(tmp_path_factory.mktemp("unshared") / "workspace")
    files = here.root / "files"
    files.mkdir(parents=True)
    target = rows(2, "f")
    shared = target[USER].isin([f"u{n:03}" for n in range(request.param)])
    target[USER] = target[USER].where(shared, "v" + target[USER])
    frames = {"books": rows(1, "b"), "films": target}
    for name, frame in frames.items():
        frame.to_parquet(files / f"{name}.parquet", index=False)
        ids = np.sort(frame[ITEM].unique())
        words = [("sea ship", "wood king")[int(item[1:]) % 2] for item in ids]
        titles = pd.DataFrame(
            {ITEM: ids, TITLE: [f"{w} {i}" for w, i in zip(words, ids, strict=True)]}
        )
        titles.to_parquet(files / f"{name}_items.parquet", index=False)
    inputs = PairInputs(
        files / "books.parquet",
        files / "films.parquet",
        files / "books_items.parquet",
        files / "films_items.parquet",
        source_name="books",
        target_name="films",
    )
    with in_memory(here.root) as connection:
        pair = build_pair(connection, inputs, PairSettings(), here.pairs)
        check_pair(connection, pair, inputs)
    split = split_pair(pair, SplitSettings(), 1, here.splits).name
    for model, settings in MODELS.items():
        train_run(RunPlan(split, model, settings), here, silent)
    return here


def test_no_page_breaks_where_nobody_is_shared(workspace, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(workspace.root))
    st.cache_resource.clear()
    st.cache_data.clear()
    broken = {}
    for page in PAGES:
        for tab in TABS.get(page, ("",)):
            app = open_page(page, **({"tab": tab} if tab else {}))
            said = [error.value for error in app.error if "No user of" not in error.value]
            if app.exception or any("does not know" in one for one in said):
                log = (workspace.logs / "app.log").read_text()[-3000:]
                broken[f"{page} {tab}"] = (app.exception, said, log)
    assert not broken
    st.cache_resource.clear()
