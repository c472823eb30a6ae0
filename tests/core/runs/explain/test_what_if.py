from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from core.basics.columns import ITEM, SOURCE, TARGET, TEST, TRAIN, USER, VALID
from core.basics.progress import silent
from core.evaluation.evaluate import evaluate
from core.evaluation.given_lists import GivenLists, measure_lists
from core.fusion.combine import Fusion
from core.runs.explain.one_user import user_list
from core.runs.explain.reasons import (
    KEPT,
    check_run,
    faithfulness_job,
    faithfulness_payload,
    kept_faithfulness,
)
from core.runs.explain.recommend import ExportPlan, list_chunks
from core.runs.explain.what_if import Edit, moves, what_if
from core.runs.making.texts import Catalogue
from tests.core.runs.derived_worlds import bench

WARM, COLD = "u7", "u5"  # they like every third item, from the second and the third on
MIXED = Fusion(0.6, 1.0)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    settings = {"epochs": 2, "factors": 4}
    return bench(
        tmp_path_factory.mktemp("what_if") / "w",
        {
            "ease": {"regularization": 10.0},
            "item_knn": {},
            "cmf_als": {"factors": 4},
            "popularity": {},
            "two_tower": settings,
        },
    )


def asked(world, name, user, *edits, part=TEST, k=10):
    run = world.runs[name]
    model = run.model(world.split)
    who = None if user is None else number(world, user)
    return what_if(run, model, world.split, part, who, edits, MIXED, k)


def number(world, user):
    return int(world.split.train.users.numbers([user])[0])


@pytest.mark.parametrize("name", ["ease", "item_knn", "cmf_als", "popularity", "two_tower"])
@pytest.mark.parametrize("part", [TEST, VALID])
def test_without_edits_it_is_the_users_own_list(world, name, part):
    model = world.runs[name].model(world.split)
    for user in (WARM, COLD):
        own = user_list(model, world.split, part, number(world, user), MIXED, 10)
        again = asked(world, name, user, part=part).listed
        np.testing.assert_array_equal(again.items, own.items)
        np.testing.assert_array_equal(again.places, own.places)
        np.testing.assert_array_equal(again.hits, own.hits)


def test_what_a_user_rated_low_stands_in_no_list_of_theirs(world):
    """31 % of EASE's users on the movielens pair were listed something they had rated low."""
    run = world.runs["ease"]
    model, user = run.model(world.split), number(world, WARM)
    best, valid_best = user_list(model, world.split, TEST, user, MIXED, 2).items
    shape = world.split.valid.shape

    def low(item):
        return csr_matrix(([1.0], ([user], [item])), shape=shape)

    seen = {TRAIN: low(best), VALID: low(valid_best), TEST: csr_matrix(shape)}
    split = replace(world.split, disliked=seen)
    exported = pd.concat(list_chunks(run, split, ExportPlan(run.id), silent))
    titles = split.train.target_items.names([best, valid_best])
    given = GivenLists(np.array([user, user]), np.array([best, valid_best]), {})
    for part, known in ((VALID, [best]), (TEST, [best, valid_best])):
        shown = user_list(model, split, part, user, MIXED, 36).items
        again = what_if(run, model, split, part, user, (), MIXED, 36).listed.items
        kept = evaluate(model.score, split, part, depth=10)
        listed = kept.lists[kept.users == user][0]
        place = int(np.flatnonzero(kept.candidates.users == user)[0])
        fused = kept.candidates.items[slice(*kept.candidates.starts[place : place + 2])]
        for items in (shown, again, listed, fused):
            assert not np.isin(known, items).any()
        if part == VALID:  # not known yet: it may be listed, and costs a place
            assert valid_best in shown
        assert measure_lists(given, split, part).rows["masked"] == len(known)
    assert not exported[exported[USER] == WARM][ITEM].isin(titles).any()


def test_a_removed_target_item_may_be_listed_and_an_added_one_may_not(world):
    train = world.split.train
    had = int(train.target[[number(world, WARM)]].indices[0])
    before = asked(world, "ease", WARM)
    assert before.listed.places[had] == 0
    gone = Edit(TARGET, str(train.target_items.ids[had]), False)
    assert asked(world, "ease", WARM, gone).listed.places[had] > 0
    first = int(before.listed.items[0])
    taken = Edit(TARGET, str(train.target_items.ids[first]), True)
    after = asked(world, "ease", WARM, taken)
    assert after.listed.places[first] == 0
    assert first not in after.listed.items


def test_a_visitor_gets_popular_items_until_something_is_chosen(world):
    popular = asked(world, "ease", None).listed
    counts = world.split.train.popularity
    np.testing.assert_array_equal(popular.fused, np.sort(counts)[::-1][:10])
    chosen = [Edit(SOURCE, f"book{item}", True) for item in (1, 4, 7)]
    ids = world.split.train.target_items.ids[asked(world, "ease", None, *chosen).listed.items]
    assert np.mean([int(id.removeprefix("film")) % 3 == 1 for id in ids]) > 0.8


def test_moves_say_where_each_item_stood_and_where_those_that_left_stand_now(world):
    before = asked(world, "ease", COLD, k=5).listed
    edits = [Edit(SOURCE, f"book{item}", True) for item in (0, 3, 6, 9, 12, 15)]
    after = asked(world, "ease", COLD, *edits, k=5).listed
    found = moves(before, after)
    stood = dict(zip(before.items.tolist(), range(1, 6), strict=True))
    for item, place in zip(after.items.tolist(), found.places_before.tolist(), strict=True):
        assert place == stood[item] if item in stood else place > 5
    assert set(found.left) == set(before.items) - set(after.items)
    assert (found.left_places > 5).all()
    assert found.entered == len(found.left) > 0


def test_an_unchanged_list_has_no_moves(world):
    same = asked(world, "ease", WARM).listed
    found = moves(same, same)
    assert (found.entered, found.moved, len(found.left)) == (0, 0, 0)


def test_the_reasons_of_ease_hold_over_many_users_and_are_kept_with_the_run(world):
    run = world.runs["ease"]
    assert kept_faithfulness(run) is None
    seen = []
    faithfulness_job(world.workspace, faithfulness_payload(run.id), seen.append)
    kept = kept_faithfulness(run)
    for scope in kept.scopes.values():
        assert scope.deletion.mean > 0
        assert scope.deletion.excludes_zero
        assert scope.users + scope.skipped == 90
        assert 0 <= scope.curves["top_stays"][0].mean <= 1
    assert len(seen) == 90
    (run.folder / KEPT).write_text('{"definition": 0}')
    assert kept_faithfulness(run) is None


def test_reasons_of_popularity_carry_nothing(world):
    run = world.runs["popularity"]
    scope = check_run(run, world.split, lambda step: None, 20).scopes[SOURCE]
    assert scope.deletion.mean == 0
    assert not scope.deletion.excludes_zero


def test_items_are_found_by_words_of_the_title_or_by_id(world):
    found = Catalogue.of(world.split.train, TARGET)
    ids = found.ids[found.find("FILM1", 50)].tolist()
    assert ids[0] == "film1"
    assert set(ids) == {f"film{item}" for item in (1, *range(10, 20))}
    assert len(found.find("film", 4)) == 4
    assert len(found.find("  ", 4)) == len(found.find("nothing like it", 4)) == 0
