import pandas as pd

from core.ui.embeddings.map import MATCHES, category_shares, matching


def test_a_search_ignores_case_and_puts_beginnings_first():
    table = pd.DataFrame({"name": ["The Dune", "dune", "Solaris", "DUNE II"]})
    assert matching(table, "Dune").tolist() == [1, 3, 0]


def test_a_search_takes_signs_literally_and_stops_at_its_limit():
    table = pd.DataFrame({"name": ["a.b", "axb", *["film"] * 80]})
    assert matching(table, "a.b").tolist() == [0]
    assert len(matching(table, "film")) == MATCHES


def test_shares_of_categories_leave_out_points_without_one():
    shares = category_shares(
        pd.Series(["Drama", "Drama", "Crime", ""]), pd.Series(["Crime", "Love"])
    )
    assert shares["category"].tolist() == ["Drama", "Crime"]
    assert shares["share here"].tolist() == [2 / 3, 1 / 3]
    assert shares["share elsewhere"].tolist() == [0.0, 0.5]


def test_no_categories_at_all_make_an_empty_table():
    assert category_shares(pd.Series(["", ""]), pd.Series([], dtype="str")).empty
