"""Data › Import asks how values are written where that is open, with what each choice makes."""

import pandas as pd

from core.basics.columns import RATING, TIME, USER
from core.data.reading.options import list_datasets
from tests.pages.test_data_import_page import (
    data_page,
    keyed,
    press_import,
    upload,
    words,
    workspace,
)

__all__ = ["data_page", "workspace"]

ROWS = [f"u{n},i{n},{n % 5 + 1},0{n % 9 + 1}/0{n % 8 + 1}/2018" for n in range(40)]
DATES = "\n".join(["user_id,item_id,rating,when", *ROWS]) + "\n"
JESTER = "\n".join(
    ["user_id,item_id,rating", *(f"u{n},i{n},{99 if n % 3 == 0 else n % 9 - 4}" for n in range(90))]
)


def test_times_with_two_readings_are_left_out_until_one_is_chosen(data_page, workspace):
    app = upload(data_page, "source", DATES)
    assert "can be read in more than one way" in words(app)
    form = keyed(app.selectbox, "source", "_form_when")
    assert form.value is None
    assert any("%d/%m/%Y: 01/01/2018 → 2018-01-01" in option for option in form.options)
    app = form.set_value("%d/%m/%Y").run()
    app, _ = press_import(app, workspace, "source")
    kept = pd.read_parquet(list_datasets(workspace)[0].file)
    assert pd.to_datetime(kept[TIME], unit="s").dt.strftime("%d/%m/%Y").tolist()[:2] == [
        "01/01/2018",
        "02/02/2018",
    ]


def test_times_nobody_chose_a_form_for_are_left_out_and_no_row_is_lost(data_page, workspace):
    app = upload(data_page, "source", DATES)
    app, _ = press_import(app, workspace, "source")
    kept = pd.read_parquet(list_datasets(workspace)[0].file)
    assert (len(kept), TIME in kept, RATING in kept) == (40, False, True)


def test_a_rating_that_may_mean_not_rated_is_offered_and_its_rows_left_out(data_page, workspace):
    app = upload(data_page, "source", JESTER)
    assert "The rating 99 of rating stands apart from all others" in words(app)
    app = keyed(app.multiselect, "source", "_unrated_rating").set_value(["99"]).run()
    assert "Of the first 90 rows, **30** would be rejected" in words(app)
    app, _ = press_import(app, workspace, "source")
    assert "90 rows in the file = 60 kept + 30 rejected" in words(app)
    assert pd.read_parquet(list_datasets(workspace)[0].file)[RATING].max() == 4


def test_rounded_ids_are_warned_of_before_the_import(data_page):
    rows = "".join(f"1.23457E+17,i{n},5\n" for n in range(30))
    app = upload(data_page, "source", f"{USER},item_id,rating\n{rows}")
    assert "were rounded, as a spreadsheet" in words(app)
    assert "1 different one in 30 rows looked at" in words(app)
