import pandas as pd

from core.basics.spreadsheet import escaped, to_csv


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
