"""Items of the item table that nobody took stand in the lists of models that read about them."""

import numpy as np
import pandas as pd
import pytest

from core.basics.columns import ITEM, RANK, TEST, TITLE
from core.basics.errors import RunError
from core.basics.progress import silent
from core.basics.workspace import Workspace
from core.data.snapshot import read_snapshot
from core.fusion.rerank import Rerank
from core.runs.explain.new_items import why_no_new_items, with_new_items
from core.runs.explain.recommend import ExportPlan, list_chunks, recommend_user
from core.runs.making.make_run import train_run
from core.runs.making.plan import RunPlan
from core.store.run_folder import read_run
from tests.bilingual import CHINESE, bilingual_split

NEW = pd.DataFrame({ITEM: ["new0", "new1", "new2"], TITLE: [CHINESE[0], CHINESE[7], ""]})
FAST = {name: {"epochs": 1, "factors": 16} for name in ("text_tower", "text_fusion")}
READERS = ["text_profile", "text_neighbours", "text_popularity", "text_tower", "text_fusion"]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    return Workspace(tmp_path_factory.mktemp("new") / "w")


@pytest.fixture(scope="module")
def runs(workspace):
    """One of every model that reads texts, and EASE, which does not."""
    split = bilingual_split(workspace, untaken=NEW)
    return {
        name: read_run(train_run(RunPlan(split, name, FAST.get(name, {})), workspace))
        for name in [*READERS, "ease"]
    }


@pytest.mark.parametrize("name", READERS)
def test_an_item_nobody_took_is_placed_by_its_text_and_nothing_known_moves(workspace, runs, name):
    run = runs[name]
    split = read_snapshot(workspace.splits / run.record.split_hash)
    wider, users = with_new_items(run, split), np.arange(20)
    was, now = run.model(split).score(users), wider.model.score(users)
    assert wider.known == was.source.shape[1]
    for before, after in ((was.source, now.source), (was.target, now.target)):
        np.testing.assert_allclose(after[:, : wider.known], before, atol=1e-5)
        assert after.shape[1] == wider.known + len(NEW)
    own, known = now.own_scores(), split.train.target_items.numbers(["f0", "f7"])
    new = own[:, wider.known : wider.known + 2]
    if name in ("text_profile", "text_popularity"):  # no id beside the text: the same score
        np.testing.assert_allclose(new, own[:, known], atol=1e-4)
    assert np.ptp(own[:, wider.known :], axis=1).min() > 0
    lead = own[:, wider.known] - own[:, wider.known + 1]  # of f0's text, which even users like
    even = np.array([int(user[1:]) % 2 == 0 for user in split.train.users.ids[:20]])
    if name not in ("text_popularity", "text_fusion"):  # one epoch teaches that network nothing
        assert lead[even].mean() > lead[~even].mean()
    assert wider.split.masked(TEST).rows.shape == (len(split.train.users), wider.known + 3)


def test_new_items_are_listed_where_they_are_asked_for_and_marked(workspace, runs):
    run = runs["text_profile"]
    split = read_snapshot(workspace.splits / run.record.split_hash)
    plain = recommend_user(workspace, run, "u1", 20, 1.0, 1.0)
    found = recommend_user(workspace, run, "u1", 20, 1.0, 1.0, new_items=True)
    assert not any("new" in row for row in plain["items"])
    new = [row["item"] for row in found["items"] if row["new"]]
    assert set(new) <= set(NEW[ITEM])
    assert "new1" in new  # of the text of an odd film, for an odd user
    assert [row["item"] for row in found["items"] if not row["new"]] == [
        row["item"] for row in plain["items"]
    ][: 20 - len(new)]
    assert "3 items of the item table" in found["new_items"]
    first = next(row for row in found["items"] if row["new"])
    assert first["reasons"]["target"]
    asked = (workspace, run, "u1", 20, 1.0, 1.0, True)
    varied = recommend_user(*asked, Rerank("mmr", 0.9))["items"]  # another order has them too
    assert [row["item"] for row in varied] != [row["item"] for row in found["items"]]
    assert {row["item"] for row in varied if row["new"]} & set(NEW[ITEM])
    lists = pd.concat(list_chunks(run, split, ExportPlan(run.id, 20, new_items=True), silent))
    assert set(lists.loc[lists["new"] == 1, ITEM]) <= set(NEW[ITEM])
    assert set(lists.loc[lists["new"] == 0, ITEM]) <= set(split.train.target_items.ids)
    assert lists["new"].sum() > 0
    assert lists[RANK].max() == 20
    assert "new" not in pd.concat(list_chunks(run, split, ExportPlan(run.id, 20), silent))


def test_a_model_that_knows_items_by_ids_alone_says_why_it_lists_none(workspace, runs):
    run = runs["ease"]
    split = read_snapshot(workspace.splits / run.record.split_hash)
    assert "by their interactions alone" in why_no_new_items(run, split)
    with pytest.raises(RunError, match="lists no new items: its model knows"):
        recommend_user(workspace, run, "u1", 5, 1.0, 1.0, new_items=True)
