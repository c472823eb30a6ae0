"""Data, Import and Pair: event types that are weighed, and counts that are added up."""

import pandas as pd
from test_data_import_page import (
    data_page,
    keyed,
    press_import,
    upload,
    well,
    words,
    workspace,
)

from core.basics.columns import COUNT, EVENT, ITEM, USER
from core.data.datasets import list_datasets

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
        ["u", "a", 5.0], ["v", "a", 1.0], ["v", "b", 5.0],
    ]  # fmt: skip
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
