import pandas as pd

from core.basics.files import escaped, to_csv, unescaped


def test_cells_that_would_be_formulas_are_quoted():
    frame = pd.DataFrame({"title": ["=1+1", "+x", "-x", "@x", "\tx", "fine", None]})
    shown = escaped(frame)["title"].tolist()
    assert shown[:6] == ["'=1+1", "'+x", "'-x", "'@x", "'\tx", "fine"]
    assert frame["title"][0] == "=1+1"  # the frame itself stays


def test_negative_numbers_stay_numbers():
    frame = pd.DataFrame({"a": [-1.5, 2.0], "n": [-3, 4]})
    assert escaped(frame).equals(frame)


def test_headings_are_quoted_and_chinese_survives():
    text = to_csv(pd.DataFrame({"=x": ["一"]})).decode("utf-8-sig")
    assert text == "'=x\n一\n"


def test_ids_that_are_numbers_stay_and_a_mark_can_be_taken_off_again():
    """A table of users marked every negative id, which no spreadsheet runs."""
    ids = ["-12", "+3.5", "007"]
    assert escaped(pd.DataFrame({"user": ids}))["user"].tolist() == ids
    odd = ["=a", "+b", "@c", "-x", "-1+1", "'007", "plain", "''=a"]
    marked = escaped(pd.DataFrame({"user": odd}))["user"].tolist()
    assert marked[4] == "'-1+1"
    assert [unescaped(mark) for mark in marked] == odd
