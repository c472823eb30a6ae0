"""The sentence over the two maps says closer and better only where the figures under it do."""

import numpy as np
import pytest

from core.embedding.gap import (
    A_DISTANCE,
    AGREEMENT,
    CKA,
    CORAL,
    MMD,
    MRR,
    Change,
    ContentGap,
    Figure,
    Gap,
)
from core.runs.studies.gap import AFTER, BEFORE, CHANGE, BeforeAfter, Figures
from core.ui.embeddings.gap import gap_table, sentence

SAME = {MRR: 0.2, AGREEMENT: 0.3, CKA: 0.5, A_DISTANCE: 1.0, MMD: 0.1, CORAL: 0.1}
SURE = 0.001  # the least p of 999 exchanges
NAMES = ("books", "films")


def found(
    own: bool = False,
    by_chance: tuple[str, ...] = (),
    unsure: tuple[str, ...] = (),
    **after: float,
) -> BeforeAfter:
    """Both spaces, SAME but for what is given of the one after.

    own: a model's own vectors, which trained on the users; by_chance: figures within chance before
    and after; unsure: figures whose change is within chance, as is every change of 0.
    """
    late = SAME | after
    changes = {name: late[name] - SAME[name] for name in SAME}
    figures = Figures(
        _gap(SAME, by_chance),
        _gap(late, by_chance),
        {
            name: Change(change, 1.0 if name in unsure or change == 0 else SURE)
            for name, change in changes.items()
        },
        trained=own,
    )
    places = np.zeros((1, 2))
    return BeforeAfter(
        figures,
        ContentGap(categories=0.1, shared_categories=3, popularity=0.1),
        from_interactions=not own,
        users=np.array([0]),
        places={when: (places, places) for when in (BEFORE, AFTER)},
        lengths={when: np.zeros(1) for when in (BEFORE, AFTER)},
    )


def _gap(values: dict[str, float], by_chance: tuple[str, ...]) -> Gap:
    return Gap(
        {
            name: Figure(value, 0.05, 0.4 if name in by_chance else SURE)
            for name, value in values.items()
        },
        users=100,
    )


def said(**facts) -> str:
    return sentence(found(**facts), NAMES)


def says(**facts) -> dict[str, str]:
    """What the table says of each figure."""
    table = gap_table(found(**facts).figures)
    return dict(zip(table["figure"], table["says"], strict=True))


@pytest.mark.parametrize(
    ("after", "distance", "recognition"),
    [
        (
            {A_DISTANCE: 0.5, MRR: 0.3},
            "? Closer than before.**",
            "from books the same person in films is found better (MRR .200 → .300).",
        ),
        (
            {A_DISTANCE: 0.5, MRR: 0.1},
            "? Closer than before.**",
            "found worse (MRR .200 → .100): closeness may be bought by making users alike.",
        ),
        (
            {A_DISTANCE: 1.5, MRR: 0.1},
            "? Further apart than before.**",
            "found worse (MRR .200 → .100).",
        ),
        (
            {A_DISTANCE: 0.5, MRR: 0.2001},
            "? Closer than before.**",
            "found beyond chance, no better than before (MRR .200 → .200).",
        ),
        (
            {A_DISTANCE: 0.5, "by_chance": (MRR,)},
            "? Closer than before.**",
            "from books the same person in films is not found beyond chance.",
        ),
    ],
)
def test_distance_and_recognition_are_read_together(after, distance, recognition):
    words = said(**after)
    assert distance in words
    assert words.endswith(recognition)


def test_a_model_that_trained_on_the_users_is_believed_only_where_it_finds_them_worse():
    """Vectors that had collapsed were closer, and that nobody was found any more went unsaid."""
    better, worse = {A_DISTANCE: 0.5, MRR: 0.9}, {A_DISTANCE: 0.5, MRR: 0.05, CKA: 0.1}
    words = said(own=True, **better)
    assert words.endswith("in films is no evidence, as it trained on who is who.")
    assert "better" not in words
    assert says(own=True, **better)["Retrieval MRR"] == "trained on them"
    words = said(own=True, **worse)
    assert "found worse (MRR .200 → .050), although it trained on who is who: closeness" in words
    assert says(own=True, **worse)["Retrieval MRR"] == "found worse"
    assert says(own=True, **worse)["Neighbours in common"] == "trained on them"


def test_the_same_figures_are_not_called_further_apart_and_worse():
    """Over "A-distance .000 → .000" stood: the domains are further apart."""
    words = said()
    assert "? As far apart as before.**" in words
    assert "MMD² (.100 → .100), A-distance (1.000 → 1.000) and CORAL (.100 → .100) still" in words
    assert "further" not in words.lower()
    assert "worse" not in words
    assert set(says().values()) == {"no change shown"}
    nothing = said(by_chance=(MMD, A_DISTANCE, CORAL))
    assert "? No gap shows.**" in nothing
    assert "no distance leaves what chance gives" in nothing
    one = said(by_chance=(MMD, CORAL))
    assert "joined, A-distance (1.000 → 1.000) still tells the domains apart" in one


def test_figures_that_disagree_are_named_on_both_sides():
    """The headline said further apart over a table in which three of five figures said closer."""
    after = {A_DISTANCE: 1.7, MMD: 0.3, CORAL: 0.05, CKA: 0.6, MRR: 0.3}
    words = said(**after)
    assert "? The figures disagree.**" in words
    assert "CORAL (.100 → .050) says closer" in words
    assert "MMD² (.100 → .300) and A-distance (1.000 → 1.700) say further apart" in words
    assert words.endswith("found better (MRR .200 → .300).")
    assert says(**after) == {
        "Retrieval MRR": "found better",
        "Neighbours in common": "no change shown",
        "CKA": "more alike",
        "A-distance": "further apart",
        "MMD²": "further apart",
        "CORAL": "closer",
    }
    mixed = said(**after | {MRR: 0.1})
    assert "bought" not in mixed  # where it is not even close


def test_nothing_is_said_of_a_model_that_has_no_vectors():
    assert said(own=True).count("In this model") == 1
    words = said()
    assert "this model" not in words
    assert "With both domains' interactions joined" in words


def test_a_figure_within_chance_before_and_after_is_no_change():
    noise = {MMD: 0.3, MRR: 0.3, "by_chance": (MMD, MRR)}  # each change for itself looks sure
    assert "MMD²" not in said(**noise)
    assert said(**noise).endswith("is not found beyond chance.")
    assert set(says(**noise).values()) == {"no change shown"}
    assert not found(**noise).figures.beyond()[CHANGE]
    assert "? Further apart than before.**" in said(mmd=0.3)


def test_a_change_that_is_unsure_or_too_small_to_be_read_is_none():
    """Figures that stood as .100 → .100 were said to have changed."""
    tiny = {MMD: 0.1004, AGREEMENT: 0.2996, MRR: 0.2004}
    assert "? As far apart as before.**" in said(**tiny)
    assert "no better than before" in said(**tiny)
    assert set(says(**tiny).values()) == {"no change shown"}
    unsure = {MMD: 0.3, CKA: 0.6, "unsure": (MMD, CKA)}
    assert "? As far apart as before.**" in said(**unsure)
    assert set(says(**unsure).values()) == {"no change shown"}
    assert says(cka=0.6)["CKA"] == "more alike"
