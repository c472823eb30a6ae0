"""Data, Import and Pair: event types that are weighed, and counts that are added up."""

import numpy as np
import pandas as pd
from streamlit.testing.v1 import AppTest

from core.basics.columns import COUNT, EVENT, ITEM, RATING, USER
from core.basics.progress import silent
from core.data.pair_folder import PairInputs, PairSettings
from core.data.reading.ingest import import_file
from core.data.reading.options import ReadOptions, list_datasets
from core.runs.jobs.data_jobs import pair_job, pair_payload, split_job
from tests.pages.stories import open_page
from tests.pages.test_data_import_page import (
    data_page,
    keyed,
    press_import,
    upload,
    well,
    words,
    workspace,
)

__all__ = ["data_page", "workspace"]  # fixtures
EVENTS = "visitor,item,event\nu,a,view\nu,a,view\nu,a,purchase\nu,b,view\nv,a,cart\nv,b,purchase\n"


def test_event_types_are_listed_with_their_rows_and_weighed_kept_or_left_out(data_page, workspace):
    app = upload(data_page, "source", EVENTS)
    assert keyed(app.selectbox, "source", "_role_3_event").value == EVENT
    table = app.data_editor[0]
    assert table.value.to_numpy().tolist() == [["view", 3, 1], ["purchase", 2, 1], ["cart", 1, 1]]
    assert "0 leaves its rows out" in words(app)

    key = keyed(app.data_editor, "source", "_events_event").key
    edits = {"edited_rows": {0: {"weight": 0.0}, 1: {"weight": 5.0}}}
    app.session_state[key] = edits | {"added_rows": [], "deleted_rows": []}
    app = well(app.run())
    assert "Of the first 6 rows, **3** would be rejected" in words(app)
    reasons = next(frame.value for frame in app.dataframe if "reason" in frame.value.columns)
    assert reasons["reason"].tolist() == ["the event type 'view' weighs 0"]

    app, _ = press_import(app, workspace, "source")
    (dataset,) = list_datasets(workspace)
    kept = pd.read_parquet(dataset.file)
    assert kept[[USER, ITEM, COUNT]].to_numpy().tolist() == [
        ["u", "a", 5.0],
        ["v", "a", 1.0],
        ["v", "b", 5.0],
    ]
    said = words(app)
    assert "6 rows in the file = 3 kept + 3 rejected + 0 merged" in said
    assert "Events by weight: 3 view × 0, 2 purchase × 5, 1 cart × 1." in said


def test_counts_are_added_up_and_a_score_with_a_long_tail_is_asked_about(data_page, workspace):
    rows = [f"u{n % 3},i{n % 9},{count}" for n, count in enumerate([1, 1, 2, 565, 1, 9] * 6)]
    app = upload(data_page, "target", "user_id,item_id,score\n" + "\n".join(rows) + "\n")
    assert keyed(app.selectbox, "target", "_role_3_score").value == COUNT
    assert "Guessed its numbers have a long tail" in words(app)
    app, _ = press_import(app, workspace, "target")
    assert "merged into the last one, and their counts added up." in words(app)
    (dataset,) = list_datasets(workspace)
    assert pd.read_parquet(dataset.file)[COUNT].sum() == 6 * (1 + 1 + 2 + 565 + 1 + 9)


def bought(seed: int, letter: str) -> pd.DataFrame:
    """Rows of 80 users and 30 items; a few of them many hundred times."""
    rng = np.random.default_rng(seed)
    user, item = np.nonzero(rng.random((80, 30)) < 0.4)
    often = np.resize([1, 2, 2, 3, 1, 5, 2, 900], len(user))
    return pd.DataFrame(
        {"user": [f"u{n:02}" for n in user], "item": [f"{letter}{n}" for n in item], "n": often}
    )


def opened(page: str, **address: str) -> AppTest:
    return well(
        open_page(page, "train_ease", "details_ease", "train_all_models", "train_tell", **address)
    )


def add(workspace, role: str) -> PairInputs:
    """Two imported files whose numbers are counts, or taken for ratings."""
    files = []
    for seed, name, letter in ((2, "films", "f"), (1, "books", "b")):
        path = workspace.root / f"{name}.csv"
        bought(seed, letter).to_csv(path, index=False)
        options = ReadOptions(roles={"user": USER, "item": ITEM, "n": role})
        files.append(import_file(path, options, workspace.datasets).folder / "interactions.parquet")
    return PairInputs(*files[::-1], source_name="books", target_name="films")


def test_a_pair_says_how_often_and_models_that_can_learn_from_it_ask(workspace):
    payload = pair_payload(workspace, add(workspace, COUNT), PairSettings())
    pair = pair_job(workspace, payload, silent)["pair"]
    said = words(opened("data", tab="Pair"))
    for name in ("books", "films"):
        assert f"{name} · counts: 1 to 900, median 2" in said
    assert "look like counts" not in said

    split = {"pair": pair, "settings": {}, "seed": 1}
    train = opened("train", split=split_job(workspace, split, silent)["split"])
    asked = train.selectbox(key="setting_ease_counts")
    assert (asked.value, asked.options) == ("ones", ["ones", "log", "sqrt"])
    said = words(train)
    assert "It reads counts as ones, by their logarithm" in said
    assert "It reads counts as ones." in said


def test_without_counts_nobody_asks_about_them(workspace):
    """And ratings that are counts are doubted where the pair is made."""
    inputs = add(workspace, RATING)
    said = words(opened("data", tab="Pair"))
    assert "The ratings of books look like counts (1 to 900, median 2)" in said
    assert "set the threshold to 0" in said
    payload = pair_payload(workspace, inputs, PairSettings(rating_threshold=0.0))
    pair = pair_job(workspace, payload, silent)["pair"]
    split = {"pair": pair, "settings": {}, "seed": 1}
    train = opened("train", split=split_job(workspace, split, silent)["split"])
    assert "setting_ease_regularization" in {box.key for box in train.number_input}
    assert "setting_ease_counts" not in {box.key for box in train.selectbox}
    assert "counts as ones" not in next(b for b in train.checkbox if b.key == "train_ease").help
