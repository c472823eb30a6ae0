"""What sets points apart, worked by hand on small worlds, and what groups are called by it."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from core.basics.types import IdMap
from core.data.pair import DomainPair, ItemFeatures
from core.embedding.distinct import (
    ACTIVITY,
    CATEGORY,
    DOMAIN,
    POPULARITY,
    WORD,
    Amount,
    Facts,
    Marks,
    distinct,
    facts_of_people,
    facts_of_points,
    group_names,
)
from core.embedding.maps import Points


def marks(kind: str, **shares: np.ndarray) -> Marks:
    """By name who has it."""
    has = csr_matrix(np.column_stack(list(shares.values())).astype(float))
    return Marks(kind, list(shares), has, np.ones(has.shape[0], dtype=bool))


def first(n: int, of: int = 100) -> np.ndarray:
    return np.arange(of) < n


def test_what_many_have_here_and_few_elsewhere_comes_first_with_its_shares():
    crime = np.concatenate([np.arange(20) < 15, np.arange(80) < 8])  # 15 of 20, 8 of 80
    love = np.concatenate([np.arange(20) < 10, np.arange(80) < 40])  # half of either
    rare = first(2)  # two points are no pattern
    (only,) = distinct(Facts((marks(CATEGORY, crime=crime, love=love, rare=rare),), ()), first(20))
    assert (only.name, only.here, only.elsewhere) == ("crime", 15 / 20, 8 / 80)
    assert (only.n_here, only.n_elsewhere) == (20, 80)
    assert only.effect == pytest.approx(2 * (np.arcsin(np.sqrt(0.75)) - np.arcsin(np.sqrt(0.1))))


def test_what_a_lift_rests_on_is_the_rest_and_not_everybody():
    """Most frequent inside is what is most frequent anywhere; it tells nothing."""
    drama, quest = first(100) | True, first(15)
    told = distinct(Facts((marks(CATEGORY, drama=drama, quest=quest),), ()), first(20))
    assert [trait.name for trait in told] == ["quest"]


def test_points_of_which_nothing_is_known_do_not_count():
    known = np.arange(100) % 2 == 0
    crime = Marks(
        CATEGORY, ["crime"], csr_matrix((known & first(20))[:, None].astype(float)), known
    )
    (only,) = distinct(Facts((crime,), ()), first(20))
    assert (only.here, only.elsewhere, only.n_here, only.n_elsewhere) == (1, 0, 10, 40)


def test_amounts_differ_by_their_ranks_so_that_one_large_value_does_nothing():
    even = np.tile([1.0, 2.0], 50)
    one_hit = np.where(np.arange(100) == 0, 1e9, even)
    assert not distinct(Facts((), (Amount(POPULARITY, one_hit),)), first(20))
    more = np.where(first(20), 9.0, even)
    (only,) = distinct(Facts((), (Amount(POPULARITY, more),)), first(20))
    assert (only.here, only.elsewhere, only.effect > 2) == (9, 1.5, True)


def test_chance_is_not_told():
    rng = np.random.default_rng(0)
    names = {f"c{number}": rng.random(400) < 0.2 for number in range(30)}
    facts = Facts((marks(CATEGORY, **names),), (Amount(ACTIVITY, rng.random(400)),))
    assert not distinct(facts, rng.random(400) < 0.3)


def test_no_two_groups_have_one_name_and_the_narrow_category_goes_first():
    group = np.repeat([0, 1, 2], [40, 30, 30])
    thriller = group < 2
    heist, spies = group == 0, (group == 1) & (np.arange(100) % 10 != 0)
    facts = Facts((marks(CATEGORY, Thriller=thriller, Heist=heist, Spies=spies),), ())
    assert group_names(facts, group) == ["Heist", "Spies", "Mixed"]


def test_two_groups_of_one_category_do_not_share_its_name():
    group = np.repeat([0, 1, 2], [30, 30, 60])
    crime = marks(CATEGORY, Crime=group < 2)
    popular = Amount(POPULARITY, np.where(group == 1, 50.0, 5.0))
    names = group_names(Facts((crime,), (popular,)), group)
    assert sorted(names[:2]) == ["Crime", "Much taken"]
    assert len(set(names)) == 3


def test_a_group_without_a_category_is_called_by_what_sets_it_most_apart():
    group = np.repeat([0, 1], 50)
    said = marks(WORD, midnight=np.arange(100) % 50 < 20 * (group == 0))
    domain = marks(DOMAIN, films=group == 0, books=group == 1)
    assert group_names(Facts((said, domain), ()), group) == ["Mostly films", "Mostly books"]


def test_groups_that_nothing_tells_apart_are_mixed_and_numbered():
    names = group_names(Facts((), ()), np.repeat([0, 1, -1], 20))
    assert names == ["Mixed", "Mixed 2"]


@pytest.fixture
def train() -> DomainPair:
    """Two people; the first took both crime books and the love film, the second the love film."""
    books = ItemFeatures(
        titles=np.array(["Night train", "Night boat", "Night bus"], dtype=object),
        categories=np.array(["Crime|Trains", "crime", ""], dtype=object),
        descriptions=np.array([""] * 3, dtype=object),
    )
    films = ItemFeatures(
        titles=np.array(["Rose"], dtype=object),
        categories=np.array(["Love"], dtype=object),
        descriptions=np.array([""], dtype=object),
    )
    return DomainPair(
        users=IdMap.of(["u1", "u2"]),
        source_items=IdMap.of(["b1", "b2", "b3"]),
        target_items=IdMap.of(["f1"]),
        source=csr_matrix(np.array([[1, 1, 1], [0, 0, 0]], dtype=np.float32)),
        target=csr_matrix(np.array([[1], [1]], dtype=np.float32)),
        source_features=books,
        target_features=films,
    )


def test_items_have_their_categories_and_users_the_share_of_their_history(train):
    points = Points(
        vectors=np.zeros((7, 2), dtype=np.float32),
        is_item=np.array([True] * 4 + [False] * 3),
        is_source=np.array([True] * 3 + [False] + [True] + [False] * 2),
        numbers=np.array([0, 1, 2, 0, 0, 0, 1]),
        left_out=0,
    )
    facts = facts_of_points(points, train, ["books", "films"], None)
    category, word, domain = facts.marks
    place = {name: number for number, name in enumerate(category.names)}
    crime, love = (category.has.toarray()[:, place[name]].tolist() for name in ("Crime", "Love"))
    assert crime == [1, 1, 0, 0, 1, 0, 0]  # of the user's two books with a category both
    assert love == [0, 0, 0, 1, 0, 1, 1]
    assert category.known.tolist() == [True, True, False, True, True, True, True]
    assert (word.names, word.known.tolist()) == (["night"], [True] * 4 + [False] * 3)
    assert domain.has.toarray()[:, 0].tolist() == points.is_source.tolist()
    popularity, activity = (amount.values for amount in facts.amounts)
    np.testing.assert_array_equal(popularity[:4], [1, 1, 1, 2])
    np.testing.assert_array_equal(activity[4:], [3, 1, 1])


def test_people_are_told_by_both_their_histories(train):
    facts = facts_of_people(train, np.array([0, 1]), np.array([0.5, np.nan]))
    (category,) = facts.marks
    place = {name: number for number, name in enumerate(category.names)}
    shares = category.has.toarray()
    assert shares[0, place["Crime"]] == pytest.approx(2 / 3)  # of three items with a category
    assert shares[:, place["Love"]].tolist() == pytest.approx([1 / 3, 1])
    assert facts.amounts[0].values.tolist() == [4, 1]
