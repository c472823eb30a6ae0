import numpy as np
import pandas as pd
import pytest

from core.basics.columns import (
    COUNT,
    DOMAIN,
    HIGH,
    ITEM,
    LOW,
    RATING,
    SHARE,
    SOURCE,
    TARGET,
    TIME,
    USER,
)
from core.data.profile import profile
from tests.core.data.small_files import random_rows


def one(frame: pd.DataFrame, domain: str) -> pd.DataFrame:
    return frame[frame[DOMAIN] == domain].reset_index(drop=True)


def test_activity_and_popularity_are_counted_in_doubling_bins(connection, write):
    source = pd.DataFrame(
        [(f"u{n}", f"i{item}") for n in (1, 2, 3, 4, 7, 8) for item in range(n)],
        columns=[USER, ITEM],
    )
    found = profile(connection, write("s", source), write("t", source))
    activity = one(found.activity, SOURCE)
    assert activity[LOW].tolist() == [1, 2, 4, 8]
    assert activity[HIGH].tolist() == [1, 3, 7, 15]
    assert activity[COUNT].tolist() == [1, 2, 2, 1]
    assert one(found.popularity, TARGET)[COUNT].sum() == 8


def test_sizes_are_those_of_the_files(connection, inputs):
    rows = random_rows(1, "b")
    size = one(profile(connection, inputs.source, inputs.target).sizes, SOURCE).iloc[0]
    assert size["interactions"] == len(rows)
    assert size["users"] == rows[USER].nunique()
    assert size["median_user"] == rows.groupby(USER).size().median()
    assert size["median_item"] == rows.groupby(ITEM).size().median()
    assert size["density"] == pytest.approx(len(rows) / 40 / 25)


def test_few_ratings_are_shown_one_by_one(connection, inputs):
    found = profile(connection, inputs.source, inputs.target).ratings
    assert one(found, SOURCE)[LOW].tolist() == [1, 2, 3, 4, 5]
    assert one(found, SOURCE)[SHARE].sum() == pytest.approx(1)


def test_many_ratings_share_bins_over_both_domains(connection, write):
    low, high = np.linspace(0, 50, 500), np.linspace(50, 100, 500)
    files = [
        write(name, pd.DataFrame({USER: "u", ITEM: [str(n) for n in range(500)], RATING: ratings}))
        for name, ratings in (("s", low), ("t", high))
    ]
    found = profile(connection, *files).ratings
    assert found[LOW].nunique() <= 21
    assert found[COUNT].sum() == 1000
    assert one(found, SOURCE)[LOW].max() <= one(found, TARGET)[LOW].min()


def test_times_are_counted_in_utc_by_a_step_that_fits(connection, write):
    moments = pd.to_datetime(["2023-12-31 23:59:59", "2024-01-01 00:00:00", "2024-01-15 00:00:00"])
    rows = pd.DataFrame({USER: "u", ITEM: list("abc"), TIME: moments.as_unit("s").astype("int64")})
    late = rows.assign(**{TIME: rows[TIME] + 3 * 365 * 86_400})
    found = profile(connection, write("s", rows), write("t", late))
    assert found.time_step == "month"
    assert one(found.times, SOURCE)[TIME].dt.strftime("%Y-%m").tolist() == ["2023-12", "2024-01"]
    assert one(found.times, SOURCE)[COUNT].tolist() == [1, 2]


def test_files_without_ratings_and_times_have_empty_frames(connection, write):
    rows = random_rows(1, "b")[[USER, ITEM]]
    found = profile(connection, write("s", rows), write("t", rows))
    assert found.ratings.empty
    assert found.times.empty
    assert len(found.sizes) == 2


def test_one_file_with_times_is_shown_alone(connection, inputs, write):
    found = profile(connection, write("s", random_rows(1, "b")[[USER, ITEM]]), inputs.target)
    assert set(found.times[DOMAIN]) == {TARGET}
