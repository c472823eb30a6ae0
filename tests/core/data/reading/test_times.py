"""Times in the forms that files have: which reading is taken, and which is asked about."""

import pandas as pd
import pytest

from core.basics.columns import ITEM, TIME, USER
from core.basics.errors import DataError
from core.data.reading.doubts import find_doubts
from core.data.reading.ingest import import_file
from core.data.reading.preview import preview_file
from core.data.reading.times import check_form, find_time_form, seconds_in

JUNE = 1529101469  # 2018-06-15 22:24:29 UTC
DAY = 1529020800  # that day at midnight
MINUTE = 1529101440
SEPTEMBER = 1504687918  # 2017-09-06 08:51:58 UTC


def write(tmp_path, times: list[str]):
    file = tmp_path / "f.csv"
    rows = [f'u{n},i{n},"{time}"' for n, time in enumerate(times)]
    file.write_text("\n".join(["user_id,item_id,timestamp", *rows]) + "\n")
    return file


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        (["1529101469", "1504687918"], JUNE),
        (["1529101469123", "1504687918123"], JUNE),
        (["1529101469123456", "1504687918123456"], JUNE),
        (["1529101469000000007", "1504687918000000007"], JUNE),
        (["1529101469.068", "1504687918.068"], JUNE),
        (["1.529101469E+09", "1.504687918E+09"], JUNE),
        (["2018-06-15T22:24:29Z", "2017-09-06T08:51:58Z"], JUNE),
        (["2018-06-16T00:24:29+02:00", "2017-09-06T10:51:58+02:00"], JUNE),
        (["2018-06-15T22:24:29.123+0000", "2017-09-06T08:51:58.123+0000"], JUNE),
        (["2018-06-15 22:24:29,250", "2017-09-06 08:51:58,250"], JUNE),
        (["2018/06/15 22:24", "2017/09/06 08:51"], MINUTE),
        (["2018-6-15", "2017-9-6"], DAY),
        (["15/06/2018", "06/09/2017"], DAY),
        (["06/15/2018 10:24:29 PM", "09/06/2017 08:51:58 AM"], JUNE),
        (["15.06.2018 22:24", "06.09.2017 08:51"], MINUTE),
        (["15 Jun 2018", "06 Sep 2017"], DAY),
        (["June 15, 2018", "September 6, 2017"], DAY),
        (["06 15, 2018", "09 06, 2017"], DAY),
        (["Fri Jun 15 22:24:29 2018", "Wed Sep 06 08:51:58 2017"], JUNE),
        (["Fri, 15 Jun 2018 22:24:29 +0000", "Wed, 06 Sep 2017 08:51:58 +0000"], JUNE),
        (["20180615", "20170906"], DAY),
        (["201806152224", "201709060851"], MINUTE),
        (["20180615222429", "20170906085158"], JUNE),
        (["20180615222429587", "20170906085158587"], JUNE),
        (["20180615T222429Z", "20170906T085158Z"], JUNE),
        (["2018年06月15日", "2017年09月06日"], DAY),
        (["43266.93367", "42984.36942"], JUNE),
    ],
)
def test_a_form_that_only_one_reading_fits_is_taken(tmp_path, written, seconds):
    file = write(tmp_path, written)
    preview = preview_file(file)
    assert find_doubts(preview.sample, preview.options) == []
    done = import_file(file, preview.options, tmp_path / "d")
    kept = pd.read_parquet(done.folder / "interactions.parquet")
    assert kept[TIME].tolist()[0] == pytest.approx(seconds, abs=1)
    assert (done.kept, done.rejected, done.odd_times) == (2, 0, 0)


@pytest.mark.parametrize(
    ("written", "says"),
    [
        (["01/02/2018", "03/04/2018"], "more than one way"),
        (["15-06-18", "06-09-17"], "more than one way"),
        (["18/06/15", "17/09/06"], "more than one way"),
        (["22:24:29", "08:51:58"], "times of day without a day"),
        (["0", "0"], "no times: they are always 0"),
        (["-1", "-1"], "no times: they are always -1"),
        (["1", "40", "7"], "numbers of periods"),
        (["17697", "17415"], "days since 1970, or numbers of something else"),
        (["week one", "week two"], "cannot be read as times"),
    ],
)
def test_what_is_open_is_asked_and_costs_no_row(tmp_path, written, says):
    file = write(tmp_path, written)
    preview = preview_file(file)
    [doubt] = find_doubts(preview.sample, preview.options)
    assert (doubt.column, doubt.option) == ("timestamp", "date_format")
    assert says in doubt.what
    assert import_file(file, preview.options, tmp_path / "d").kept == len(written)


def test_an_answer_of_two_shows_what_it_makes_of_the_first_values():
    found = find_time_form(["01/02/2018", "03/04/2018"])
    assert found.choices["%d/%m/%Y"] == "01/02/2018 → 2018-02-01, 03/04/2018 → 2018-04-03"
    assert found.choices["%m/%d/%Y"] == "01/02/2018 → 2018-01-02, 03/04/2018 → 2018-03-04"


def test_a_zone_that_names_several_is_said():
    found = find_time_form(["2018-06-15 22:24:29 CST", "2017-09-06 08:51:58 CST"])
    assert (found.doubt, "CST names more than one time zone" in found.said) == ("", True)


def test_a_column_of_times_that_cannot_be_read_is_left_out_and_its_rows_stay(tmp_path):
    file = write(tmp_path, ["never", "once", "twice"])
    done = import_file(file, preview_file(file).options, tmp_path / "d")
    kept = pd.read_parquet(done.folder / "interactions.parquet")
    assert list(kept) == [USER, ITEM]
    assert done.notes() == ["The column timestamp was left out: 3 cells of it could not be read."]


def test_single_times_no_interaction_can_have_are_counted(tmp_path):
    file = write(tmp_path, ["1529101469", "1504687918", "1504687919", "20180615222429"])
    done = import_file(file, preview_file(file).options, tmp_path / "d")
    assert (done.kept, done.odd_times) == (4, 1)
    assert "1 row lies before 1960 or after next year" in done.notes()[0]


def test_a_form_is_checked_before_anything_is_read():
    check_form("%d.%m.%Y %H:%M")
    for wrong in ("%Q", "day"):
        with pytest.raises(DataError, match="no form of a time"):
            check_form(wrong)
    assert seconds_in(["15.06.2018"], ["%d.%m.%Y"]) == {"%d.%m.%Y": [DAY]}
