import pandas as pd

from core.embedding.distinct import CATEGORY, DOMAIN, LIFT, POPULARITY, WORD, Trait
from core.ui.embeddings.selection import MATCHES, TOP, WORDS, listed, matching, trait_table


def test_a_search_ignores_case_and_puts_beginnings_first():
    table = pd.DataFrame({"name": ["The Dune", "dune", "Solaris", "DUNE II"]})
    assert matching(table, "Dune").tolist() == [1, 3, 0]


def test_a_search_takes_signs_literally_and_stops_at_its_limit():
    table = pd.DataFrame({"name": ["a.b", "axb", *["film"] * 80]})
    assert matching(table, "a.b").tolist() == [0]
    assert len(matching(table, "film")) == MATCHES


def trait(kind: str, name: str, here: float, elsewhere: float, effect: float) -> Trait:
    return Trait(kind, name, here, elsewhere, 50, 400, effect)


def test_a_trait_says_its_value_here_and_elsewhere_with_counts_and_the_difference():
    rows = trait_table(
        [
            trait(CATEGORY, "Crime", 0.6, 0.1, 1.1),
            trait(CATEGORY, "Love", 0.1, 0, 0.6),
            trait(POPULARITY, "", 8, 32, -0.9),
            trait(LIFT, "", 0.03, -0.01, 0.3),
        ]
    )
    cells = rows.replace(
        "\N{NO-BREAK SPACE}", " ", regex=True
    )  # a figure and its unit stay together
    assert cells.to_numpy().tolist() == [
        [
            "category: Crime",
            "60 % of 50",
            "10 % of 400",
            "6.0×",
            1.1,
        ],
        [
            "category: Love",
            "10 % of 50",
            "0 % of 400",
            "only here",
            0.6,
        ],
        ["popularity", "median 8 of 50", "median 32 of 400", ".2×", 0.9],
        ["lift", "mean +.030 of 50", "mean −.010 of 400", "+.040", 0.3],
    ]


def test_words_do_not_crowd_out_categories_and_what_is_missing_is_said_of_categories_only():
    words = [trait(WORD, f"w{number}", 0.5, 0.1, 0.9) for number in range(20)]
    lacking = [trait(kind, "x", 0, 0.5, -0.8) for kind in (WORD, DOMAIN, CATEGORY)]
    told = listed([*words, *lacking, *[trait(CATEGORY, "c", 0.5, 0.1, 0.5)] * 20])
    assert len(told) == TOP
    assert sum(one.kind == WORD for one in told) == WORDS
    assert [one.kind for one in told if one.effect < 0] == [CATEGORY]
