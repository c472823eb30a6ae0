"""Lights and reasons before a run starts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.basics.columns import TITLE
from core.basics.errors import RunError
from core.data.snapshot import RatingFacts
from core.models.protocol import PairSizes
from core.models.readiness import check_readiness, in_gib, proposals, readiness
from core.models.registry import CARDS, card_of
from tests.worlds import categorised, pair_of, twin_tastes

SIZES = PairSizes(1000, 500, 400, 10_000, 8_000)
GIB = 2**30


def test_enough_memory_and_shared_users_is_green():
    assert readiness(card_of("ease"), SIZES, 800, free_bytes=8 * GIB).light == "green"


def test_too_little_memory_is_red_and_says_both_sizes():
    big = PairSizes(500_000, 60_000, 60_000, 10**7, 10**7)
    found = readiness(card_of("ease"), big, 800, free_bytes=8 * GIB)
    assert found.light == "red"
    assert "8.0 GiB are free" in found.reason


def test_no_shared_users_is_red_where_they_are_needed_and_amber_elsewhere():
    assert readiness(card_of("ridge"), SIZES, 0).light == "red"
    assert readiness(card_of("ease"), SIZES, 0).light == "amber"
    assert readiness(card_of("popularity"), SIZES, 0).light == "green"


def test_few_shared_users_are_amber_with_their_number():
    found = readiness(card_of("ease"), SIZES, 12)
    assert found.light == "amber"
    assert "12 users" in found.reason


def test_new_items_are_amber_for_a_model_that_knows_items_by_interactions_alone():
    card = card_of("ease")
    found = readiness(card, SIZES, 800, of_new_items=True)
    assert found.light == "amber"
    assert "new items in an arbitrary order" in found.reason
    assert readiness(replace(card, new_items=True), SIZES, 800, of_new_items=True).light == "green"
    assert readiness(card_of("ridge"), SIZES, 0, of_new_items=True).light == "red"


def test_a_red_run_is_refused_with_what_to_do():
    apart = pair_of(np.eye(4)[:, :2], np.eye(4)[:, 2:])
    card = card_of("ridge")
    with pytest.raises(RunError, match="Choose a pair with shared users"):
        check_readiness(card, apart, card.settings())
    with pytest.raises(RunError, match="larger machine"):
        check_readiness(card_of("ease"), twin_tastes().pair, card_of("ease").settings(), 1000)


@pytest.mark.parametrize(
    ("sizes", "words"),
    [
        (PairSizes(10, 5, 1, 20, 10), r"a single item.*Bring a target with more items"),
        (PairSizes(10, 5, 4, 20, 1), r"a single interaction.*Bring more interactions"),
        (PairSizes(10, 5, 4, 20, 10), r"64 factors for 10 users.*Set factors to 10 or less"),
    ],
)
def test_too_little_to_learn_from_is_refused_with_what_to_do(sizes, words, monkeypatch):
    monkeypatch.setattr(PairSizes, "of", lambda pair: sizes)
    card = card_of("cmf_als")
    assert readiness(card, sizes, 5, card.settings()).light == "red"
    with pytest.raises(RunError, match=words):
        check_readiness(card, twin_tastes().pair, card.settings())


def test_factors_that_fit_the_users_are_not_refused():
    few = PairSizes(10, 5, 4, 20, 10)
    assert readiness(card_of("cmf_als"), few, 5).light == "amber"  # others may be chosen yet
    assert readiness(card_of("cmf_als"), few, 5, card_of("cmf_als").settings(factors=8)).light != (
        "red"
    )


def test_factors_read_from_texts_do_not_need_as_many_users():
    card, few = card_of("fine_tuned"), PairSizes(10, 50, 40, 200, 100)
    assert card.settings().factors > few.users
    assert readiness(card, few, 5, card.settings()).light == "green"


def test_a_graph_of_attributes_is_refused_where_items_share_none():
    card, bare = card_of("kgat"), twin_tastes().pair
    found = readiness(card, SIZES, 800, attributed=False)
    assert (found.light, "item tables have none" in found.reason) == ("red", True)
    assert readiness(card, SIZES, 800, attributed=True).light == "green"
    with pytest.raises(RunError, match=r"have none.*Import item tables with categories"):
        check_readiness(card, bare, card.settings())
    check_readiness(card, categorised(bare), card.settings())


def test_sizes_read_plainly():
    assert in_gib(3 * GIB) == "3.0 GiB"
    assert in_gib(5 * 2**20) == "5 MiB"
    assert in_gib(10) == "1 MiB"


@pytest.mark.parametrize(
    ("facts", "light", "words"),
    [
        (RatingFacts((1, 5), None, 0.0), "red", "no ratings"),
        (RatingFacts((1, 5), (3, 5), 3.0), "amber", "below 3 of 5 stars were filtered away"),
        (RatingFacts(None, (1, 5), 0.0), "amber", "source has no ratings"),
        (RatingFacts((1, 5), (1, 5), 0.0), "green", "It needs about"),
    ],
)
def test_a_model_of_ratings_asks_for_ratings_that_differ_and_were_not_filtered(facts, light, words):
    found = readiness(card_of("cmf_rating"), SIZES, 800, ratings=facts)
    assert found.light == light
    assert words in found.reason
    assert readiness(card_of("ease"), SIZES, 800, ratings=facts).light == "green"


def test_a_model_of_the_target_alone_does_not_ask_for_source_ratings():
    facts = RatingFacts(None, (1, 5), 0.0)
    assert readiness(card_of("mf_rating"), SIZES, 800, ratings=facts).light == "green"


def facts(texts: tuple[set, set], vectors: tuple[int, int]) -> RatingFacts:
    return RatingFacts(None, None, 0.0, texts=tuple(map(frozenset, texts)), vectors=vectors)


ALL_TITLED, NO_TITLES = ({TITLE}, {TITLE}), (set(), set())


@pytest.mark.parametrize(
    ("texts", "vectors", "use", "light", "words"),
    [
        (NO_TITLES, (4, 4), "alone", "green", ""),
        (ALL_TITLED, (4, 5), "alone", "red", "source's vectors have 4 numbers and the target's 5"),
        (ALL_TITLED, (4, 5), "beside the text", "red", "have 4 numbers"),
        (ALL_TITLED, (4, 5), "not used", "green", ""),
        (ALL_TITLED, (4, 0), "alone", "red", "the target has none"),
        (ALL_TITLED, (0, 4), "alone", "red", "the source has none"),
        (ALL_TITLED, (0, 4), "beside the text", "amber", "Only one domain has vectors"),
        (ALL_TITLED, (0, 0), "beside the text", "red", "no item has any"),
        (NO_TITLES, (4, 4), "beside the text", "green", ""),
        (NO_TITLES, (4, 4), "not used", "red", "set vectors to alone"),
        (NO_TITLES, (0, 0), "not used", "red", "target's items have none."),
    ],
)
def test_a_model_that_reads_vectors_asks_for_vectors_of_one_kind(texts, vectors, use, light, words):
    card = card_of("text_profile")
    chosen = card.settings.of({"vectors": use})
    found = readiness(card, SIZES, 0, chosen, ratings=facts(texts, vectors))
    assert found.light == light
    assert words in found.reason
    assert bool(found.hint) == (light == "red")


def test_items_with_vectors_and_no_titles_can_be_trained_on_once_that_is_set():
    """On the Train page settings come after the model is ticked, so it must not be locked."""
    found = readiness(card_of("text_profile"), SIZES, 0, ratings=facts(NO_TITLES, (4, 4)))
    assert found.light == "amber"
    assert "set vectors to alone" in found.reason
    locked = readiness(card_of("fine_tuned"), SIZES, 0, ratings=facts(NO_TITLES, (4, 4)))
    assert locked.light == "red"  # it reads nothing but texts


def test_popularity_told_from_vectors_asks_the_target_alone():
    card = card_of("text_popularity")
    chosen = card.settings.of({"vectors": "alone"})
    assert readiness(card, SIZES, 0, chosen, ratings=facts(NO_TITLES, (0, 4))).light == "green"
    assert readiness(card, SIZES, 0, chosen, ratings=facts(NO_TITLES, (4, 0))).light == "red"


def test_a_run_on_vectors_of_two_widths_is_refused_with_what_to_do():
    card, pair = card_of("text_profile"), twin_tastes().pair
    chosen = card.settings.of({"vectors": "alone"})
    with pytest.raises(RunError, match="vectors of one kind for both"):
        check_readiness(card, pair, chosen, ratings=facts(ALL_TITLED, (4, 5)))


def lights(shared: int = 800, sizes: PairSizes = SIZES, **values: object) -> dict:
    """Readiness of every model on a pair."""
    free = {"free_bytes": 8 * GIB}
    return {name: readiness(card, sizes, shared, **free, **values) for name, card in CARDS.items()}


def test_three_models_are_proposed_the_strong_and_quick_first():
    found = proposals(lights(), target="films")
    assert list(found) == ["ease", "ridge", "text_ridge"]
    assert found["ridge"] == "for people without films"


def test_what_needs_shared_users_is_not_proposed_where_there_are_none():
    found = proposals(lights(shared=0), target="films")
    assert list(found) == ["text_ridge", "popularity", "ease"]  # the last with a doubt


def test_a_catalogue_too_long_for_ease_is_offered_item_knn():
    big = PairSizes(500_000, 60_000, 60_000, 10**7, 10**7)
    found = proposals(lights(sizes=big), target="films")
    assert "ease" not in found
    assert next(iter(found)) == "item_knn"


def test_new_items_are_offered_models_that_can_tell_them_apart():
    found = proposals(lights(of_new_items=True), target="films", of_new_items=True)
    assert list(found) == ["text_profile", "text_neighbours", "kgat"]
    assert all(card_of(name).new_items for name in found)


def test_ratings_are_offered_where_low_ones_were_kept():
    assert "cmf_rating" in proposals(lights(), target="films", low_ratings=True)
    assert "cmf_rating" not in proposals(lights(), target="films")
