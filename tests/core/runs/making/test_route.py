"""A routed run: whom each group asks by validation, and a run that is whole without its members."""

import json
import shutil
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from core.basics.columns import TEST, USER, VALID
from core.basics.errors import CrosswalkError, RunError, SettingsError
from core.basics.progress import Cancelled, silent
from core.basics.workspace import Workspace
from core.fusion.combine import RAW, Fusion
from core.runs.explain.one_user import reasons, user_list
from core.runs.explain.recommend import ExportPlan, export_job, recommend_user
from core.runs.explain.what_if import Edit, what_if
from core.runs.jobs.worker import work_of
from core.runs.making.blend import BlendPlan, blend_runs
from core.runs.making.compress import CompressPlan, compress_run
from core.runs.making.route import Judged, RoutePlan, bins_of, choose, groups_words, route_runs
from core.store.bundle import export_run, import_run
from core.store.record import BY_ALL, BY_HAND, BY_NEAREST, BY_VALIDATION
from core.store.run_check import check_run
from core.store.run_folder import delete_run, list_runs, read_run, write_tensors
from tests.core.runs.derived_worlds import Bench, bench

MODELS = {"ease": {}, "linear_map": {}, "ridge": {}, "popularity": {}}


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Bench:
    return bench(tmp_path_factory.mktemp("routes") / "here", MODELS)


def routed(world: Bench, *names: str, **given: str):
    """given: the model whose run is asked by people without films (none), or with any (some)."""
    ids = {name: run.id for name, run in world.runs.items()}
    by_hand = {{"some": "1+"}.get(group, group): ids[name] for group, name in given.items()}
    return read_run(route_runs(world.workspace, [ids[name] for name in names], by_hand))


@pytest.fixture(scope="module")
def route(world):
    """People without films ask the linear map, all others EASE."""
    return routed(world, "ease", "linear_map", none="linear_map", some="ease")


def lists(run, split, users, k=10):
    model, fusion = run.model(split), Fusion(scale=RAW)
    return [user_list(model, split, TEST, int(user), fusion, k).items.tolist() for user in users]


# Who is asked, worked by hand.


def judged(bins: list[int], losses: list[list[float]], additive=(True, True), weights=None):
    runs = [SimpleNamespace(card=SimpleNamespace(additive=one)) for one in additive]
    counts = np.ones(len(bins)) if weights is None else np.array(weights, dtype=float)
    return Judged(tuple(runs), (), np.array(losses, dtype=float), counts, np.array(bins, dtype=int))


def asked(found: Judged, by_hand=None):
    return [(choice.run, choice.by) for choice in choose(found, by_hand or {})]


def test_each_group_asks_the_run_that_is_best_for_it():
    bins = [0] * 10 + [2] * 10
    found = judged(bins, [[-0.5] * 10 + [-0.1] * 10, [-0.4] * 10 + [-0.2] * 10])
    near, sure = BY_NEAREST, BY_VALIDATION
    assert asked(found) == [(0, sure), (0, near), (1, sure), (1, near), (1, near)]
    like = [choice.like for choice in choose(found, {})]
    assert like == [None, 0, None, 2, 2]


def test_a_group_of_nine_follows_its_neighbour_and_one_given_by_hand_does_as_told():
    bins = [0] * 9 + [1] * 10
    found = judged(bins, [[-0.9] * 9 + [-0.1] * 10, [-0.1] * 9 + [-0.2] * 10])
    assert asked(found)[0] == (1, BY_NEAREST)
    assert asked(found, {0: 0})[0] == (0, BY_HAND)
    assert asked(found, {0: 0})[1] == (1, BY_VALIDATION)


def test_between_two_neighbours_the_larger_group_is_followed():
    bins = [0] * 10 + [2] * 11
    found = judged(bins, [[-0.5] * 10 + [-0.1] * 11, [-0.4] * 10 + [-0.2] * 11])
    assert asked(found)[1] == (1, BY_NEAREST)


def test_everybody_decides_where_every_group_is_small():
    bins = [0, 0, 1, 1, 3, 3]
    found = judged(bins, [[-0.5] * 6, [-0.1, -0.1, -0.6, -0.1, -0.1, -0.1]])
    assert asked(found) == [(0, BY_ALL)] * 5


def test_nobody_to_choose_on_is_refused_unless_every_group_is_given():
    nobody = judged([], [[], []])
    with pytest.raises(RunError, match="no validation users to choose on"):
        choose(nobody, {0: 1})
    assert [choice.run for choice in choose(nobody, dict.fromkeys(range(5), 1))] == [1] * 5


LUCK = [-0.22 if place % 2 else 0.2 for place in range(100)]  # .01 better, give or take .021
PLAIN, WORSE = [0.0] * 100, [0.2] * 100


def test_within_one_standard_error_of_the_best_the_additive_run_is_asked():
    found = judged([0] * 100, [LUCK, PLAIN, WORSE], (False, True, True))
    assert asked(found)[0] == (1, BY_VALIDATION)
    far = judged([0] * 100, [LUCK, [0.03] * 100, WORSE], (False, True, True))
    assert asked(far)[0] == (0, BY_VALIDATION)


def test_among_equals_the_run_that_is_best_for_everybody_is_asked():
    bins = [0] * 100 + [1] * 50
    found = judged(bins, [[*LUCK, *[0.0] * 50], [*PLAIN, *[-0.1] * 50]])
    assert asked(found)[0] == (1, BY_VALIDATION)
    other = judged(bins, [[*LUCK, *[-0.1] * 50], [*PLAIN, *[0.0] * 50]])
    assert asked(other)[0] == (0, BY_VALIDATION)


def test_errors_of_ratings_are_pooled_over_ratings_not_over_users():
    """Nine users of one rating are worse off with the first, one of a hundred is better off."""
    losses = [[1.0] * 10, [0.5] * 9 + [2.0]]
    assert asked(judged([0] * 10, losses))[0] == (1, BY_VALIDATION)
    assert asked(judged([0] * 10, losses, weights=[1] * 9 + [100]))[0] == (0, BY_VALIDATION)


@pytest.mark.parametrize(
    ("group", "places"),
    [("none", (0,)), ("0", (0,)), ("1-4", (1,)), ("10–19", (3,)), ("20+", (4,)), ("5+", (2, 3, 4))],
)
def test_groups_are_named_as_a_person_writes_them(group, places):
    assert bins_of(group) == places


@pytest.mark.parametrize("group", ["", "cold", "2-4", "7+", "+", "0-1", "²+"])
def test_other_names_of_groups_are_refused(group):
    with pytest.raises(SettingsError, match="no group"):
        bins_of(group)


@pytest.mark.parametrize(
    ("places", "words"),
    [
        ([0], "none"),
        ([1, 2, 3, 4], "1+"),
        ([0, 1, 2], "none, 1–9"),
        ([1, 3, 4], "1–4, 10+"),
        (list(range(5)), "all"),
    ],
)
def test_groups_in_words(places, words):
    assert groups_words(places) == words


# The run that comes of it.


def test_people_without_films_get_one_runs_lists_to_the_last_item_and_the_others_the_others(
    world, route
):
    history = world.split.train.target_history
    cold, warm = np.flatnonzero(history == 0), np.flatnonzero(history > 0)
    ours, theirs = world.runs["linear_map"], world.runs["ease"]
    assert lists(route, world.split, cold) == lists(ours, world.split, cold)
    assert lists(route, world.split, warm) == lists(theirs, world.split, warm)
    assert lists(ours, world.split, warm) != lists(theirs, world.split, warm)
    assert lists(ours, world.split, cold) != lists(theirs, world.split, cold)


def test_the_figures_are_those_of_the_member_each_user_asks(world, route):
    for part in (VALID, TEST):
        kept = route.metrics(part).set_index(USER)["ndcg@10"]
        known = world.split.train.target_history[kept.index]
        for users, name in ((known == 0, "linear_map"), (known > 0, "ease")):
            own = world.runs[name].metrics(part).set_index(USER)["ndcg@10"]
            pd.testing.assert_series_equal(kept[users], own[kept.index[users]])
        assert route.record.figures(part)["ndcg@10"]["mean"] == pytest.approx(kept.mean())
        assert len(route.candidates(part).users) == len(kept)


def test_the_record_tells_whom_each_group_asks_why_and_by_which_figure(world, route):
    ids = {name: world.runs[name].id for name in ("ease", "linear_map")}
    made = routed(world, "ease", "linear_map", none="linear_map")
    groups = {one["segment"]: one for one in made.record.route["groups"]}
    assert groups["0"]["by"] == BY_HAND
    assert groups["0"]["run"] == ids["linear_map"]
    assert (groups["1–4"]["by"], groups["1–4"]["like"]) == (BY_NEAREST, "5–9")
    assert groups["5–9"]["by"] == BY_VALIDATION
    valid = {name: world.runs[name].metrics(VALID) for name in ids}
    for one, name in zip(groups["5–9"]["tried"], ids, strict=True):
        warm = valid[name][world.split.train.target_history[valid[name][USER]] > 0]
        assert (one["run"], one["users"]) == (ids[name], 72)
        assert one["mean"] == pytest.approx(warm["ndcg@10"].mean())
        assert one["low"] < one["mean"] < one["high"]
    assert groups["20+"]["tried"][0] | {"label": ""} == {
        **dict.fromkeys(("mean", "low", "high")),
        **{"users": 0, "run": ids["ease"], "label": ""},
    }
    delete_run(world.workspace, made)


def test_the_choice_is_by_validation_whatever_test_says(tmp_path):
    """The test figures of both runs are exchanged, and the same run is asked as before."""
    here = bench(tmp_path, {"ease": {}, "popularity": {}}, users=60)
    before = routed(here, "ease", "popularity").record.route["groups"]
    kept = {name: run.folder / "metrics.parquet" for name, run in here.runs.items()}
    frames = {name: pd.read_parquet(path) for name, path in kept.items()}
    for name, other in (("ease", "popularity"), ("popularity", "ease")):
        parts = [frames[name].query("part == 'valid'"), frames[other].query("part == 'test'")]
        pd.concat(parts).to_parquet(kept[name], index=False)
    after = routed(here, "ease", "popularity").record.route["groups"]
    assert [one["run"] for one in after] == [one["run"] for one in before]
    assert after[2]["run"] == here.runs["ease"].id


def test_it_stands_among_the_runs_with_twin_popularity_and_all_figures(world, route):
    assert route.id in [run.id for run in list_runs(world.workspace)]
    assert route.complete
    assert route.label == "Routed · Linear map of factors (none) · EASE (1+)"
    assert route.popularity.metrics(TEST).equals(world.runs["ease"].popularity.metrics(TEST))
    assert route.record.lift["ndcg@10"]["low"] is not None
    against = {one["name"]: one[TEST] for one in route.record.against}
    assert len(against) == 3  # the linear map has no twin
    own, ease = route.metrics(TEST)["ndcg@10"], world.runs["ease"].metrics(TEST)["ndcg@10"]
    label = world.runs["ease"].label
    assert against[label]["mean"] == pytest.approx((own - ease).mean())


def test_the_twin_asks_the_members_twins_by_the_same_choices(world, route):
    """Nothing is known of people without films when books are not read: they get popular items."""
    twin, split = route.twin, world.split
    assert twin.record.settings == route.record.settings
    assert [one["model"] for one in twin.record.members] == ["popularity", "ease"]
    scores = twin.model(split).score(split.users(TEST))
    assert not scores.has_source.any()
    history = split.train.target_history
    cold, warm = np.flatnonzero(history == 0), np.flatnonzero(history > 0)
    alone = world.runs["ease"]
    assert lists(twin, split, cold) == lists(alone.popularity, split, cold)
    kept, own = twin.metrics(TEST), alone.twin.metrics(TEST)
    warm_too = np.isin(kept[USER], warm)
    pd.testing.assert_frame_equal(kept[warm_too], own[warm_too])


def test_there_is_no_twin_where_people_with_films_ask_a_run_that_has_none(world):
    made = routed(world, "ease", "ridge", none="ease", some="ridge")
    assert made.twin is None
    assert made.complete
    assert made.record.lift is None
    delete_run(world.workspace, made)


def test_both_parts_and_reasons_pass_through(world, route):
    history, fusion = world.split.train.target_history, Fusion(1.0, 0.5, scale=RAW)
    for user, name in ((0, "linear_map"), (1, "ease")):
        assert (history[user] == 0) == (name == "linear_map")
        models = [run.model(world.split) for run in (route, world.runs[name])]
        found = [user_list(model, world.split, TEST, user, fusion, 10) for model in models]
        for part in ("items", "source", "target", "base", "own", "fused"):
            np.testing.assert_array_equal(*(getattr(one, part) for one in found))
        why, own = (
            reasons(model, world.split.train, listed, 0, fusion)
            for model, listed in zip(models, found, strict=True)
        )
        np.testing.assert_array_equal(why.source_amounts, own.source_amounts)
        np.testing.assert_array_equal(why.target_amounts, own.target_amounts)
        assert why.rest == own.rest


def test_what_is_recommended_at_1_to_1_is_what_the_member_recommends(world, route):
    """Standard scores of both parts, the default beside a member like the linear map, once stood
    in the way of EASE's own list.
    """
    for user, name in (("u0", "linear_map"), ("u1", "ease"), ("u2", "ease")):
        ours, theirs = (
            recommend_user(world.workspace, run, user, 10, 1.0, 1.0)["items"]
            for run in (route, world.runs[name])
        )
        assert [row["item"] for row in ours] == [row["item"] for row in theirs]
    assert route.card.additive


def test_a_visitor_and_an_edited_history_are_answered_by_its_length(world, route):
    films = world.split.train.target_items.ids
    for edits, name in (([], "linear_map"), ([films[0], films[3]], "ease")):
        changed = [Edit("source", "book0", True), *(Edit("target", one, True) for one in edits)]
        found, own = (
            what_if(run, run.model(world.split), world.split, TEST, None, changed, Fusion(), 10)
            for run in (route, world.runs[name])
        )
        np.testing.assert_array_equal(found.listed.items, own.listed.items)
        np.testing.assert_array_equal(found.listed.source, own.listed.source)


def test_it_outlives_its_members_moves_as_one_file_and_is_exported(tmp_path):
    here = bench(tmp_path / "here", {"ease": {}, "ridge": {}}, users=60)
    made = routed(here, "ease", "ridge", none="ridge", some="ease")
    users = here.split.users(TEST)
    before = made.model(here.split).score(users).own_scores()
    for run in here.runs.values():
        delete_run(here.workspace, run)
    after = read_run(made.folder).model(here.split).score(users).own_scores()
    np.testing.assert_array_equal(after, before)
    exported = export_job(here.workspace, ExportPlan(made.id).to_dict(), silent)
    assert exported["rows"] == 10 * len(here.split.train.users)
    name = str(here.split.train.users.ids[0])
    assert len(recommend_user(here.workspace, made, name, 5, 1.0, 1.0)["items"]) == 5

    splits = here.workspace.splits / here.split.info.split_hash
    moved = import_run(Workspace(tmp_path / "there"), export_run(made, splits, tmp_path / "r.zip"))
    assert moved.record == made.record
    np.testing.assert_array_equal(moved.model(here.split).score(users).own_scores(), before)


def test_it_can_be_blended_routed_again_and_compressed(world, route):
    both = BlendPlan((route.id, world.runs["popularity"].id), "sum", 0.6)
    blend = read_run(blend_runs(both, world.workspace))
    again = read_run(route_runs(world.workspace, [blend.id, route.id], {"none": route.id}))
    small = read_run(compress_run(CompressPlan(again.id), world.workspace))
    scores = small.model(world.split).score(world.split.users(TEST))
    assert np.isfinite(scores.own_scores()).all()
    for made in (small, again, blend):
        delete_run(world.workspace, made)


def test_only_those_that_are_asked_are_inside(world):
    made = routed(world, "ease", "ridge", "popularity", none="ridge", some="ease")
    assert [one["model"] for one in made.record.members] == ["ridge", "ease"]
    assert len(made.record.route["groups"][0]["tried"]) == 3
    delete_run(world.workspace, made)


def test_a_job_of_its_kind_makes_it(world):
    ids = [world.runs[name].id for name in ("ease", "ridge")]
    plan = RoutePlan(tuple(ids), {"none": ids[1]}, "One for all")
    done = work_of("route")(world.workspace, plan.to_dict(), silent)
    made = read_run(world.workspace.runs / done["run"])
    assert made.label == "One for all"
    assert RoutePlan.from_dict(plan.to_dict()) == plan
    delete_run(world.workspace, made)


def test_runs_that_do_not_fit_each_other_are_refused(world, tmp_path):
    ids = {name: run.id for name, run in world.runs.items()}
    for runs, given, message in (
        ([ids["ease"]], {}, "two or more different runs"),
        ([ids["ease"]] * 2, {}, "two or more different runs"),
        ([ids["ease"], ids["ridge"]], {"none": ids["popularity"]}, "none of the runs"),
    ):
        with pytest.raises(RunError, match=message):
            route_runs(world.workspace, runs, given)
    other = bench(tmp_path, {"ease": {}}, seed=1).runs["ease"]
    record = json.loads((other.folder / "run.json").read_text())
    of_this = dict(split_hash=world.split.info.split_hash, dataset_hash=f"{0:016d}")
    half = tmp_path / "half"
    shutil.copytree(other.folder, half, ignore=shutil.ignore_patterns("twin", "popularity"))
    (half / "run.json").write_text(json.dumps(record | of_this | {"cancelled": True}))
    half.rename(world.workspace.runs / "half")
    with pytest.raises(RunError, match="cancelled before it was whole"):
        route_runs(world.workspace, [ids["ease"], "half"])
    delete_run(world.workspace, read_run(world.workspace.runs / "half"))
    other.folder.rename(world.workspace.runs / other.id)
    with pytest.raises(RunError, match="different data"):
        route_runs(world.workspace, [ids["ease"], other.id])
    delete_run(world.workspace, read_run(world.workspace.runs / other.id))


def test_a_cancelled_one_leaves_nothing(world):
    def cancel(progress):
        raise Cancelled

    before = sorted(world.workspace.runs.iterdir())
    with pytest.raises(Cancelled):
        route_runs(world.workspace, [world.runs[n].id for n in ("ease", "ridge")], {}, "", cancel)
    assert sorted(world.workspace.runs.iterdir()) == before


def at(record: dict, *path):
    for name in path:
        record = record[name]
    return record


@pytest.mark.parametrize(
    ("path", "bad"),
    [
        (("route",), 3),
        (("route", "metric"), "charm"),
        (("route", "groups"), []),
        (("route", "groups", 0), None),
        (("route", "groups", 0, "segment"), "1–4"),
        (("route", "groups", 0, "by"), "chance"),
        (("route", "groups", 0, "by"), BY_NEAREST),  # and does not say which
        (("route", "groups", 0, "like"), "20+"),  # it was chosen by hand
        (("route", "groups", 0, "run"), "another"),
        (("route", "groups", 0, "tried"), []),
        (("route", "groups", 0, "tried", 0, "mean"), "high"),
        (("route", "groups", 0, "tried", 0, "users"), -1),
        (("settings", "known_0"), 3),
        (("settings", "known_0"), 2),  # nobody asks the first any more
        (("members",), []),
        (("members", 1, "model"), "charm"),
        (("members", 0, "settings"), {"charm": 1}),
        (("members", 0, "members"), [{"model": "ease"}]),
        (("model",), "ease"),
    ],
)
def test_a_bent_record_of_it_is_refused(world, route, tmp_path, path, bad):
    folder = tmp_path / route.id
    shutil.copytree(route.folder, folder)
    splits = world.workspace.splits / world.split.info.split_hash
    check_run(folder, splits)
    record = json.loads((folder / "run.json").read_text())
    at(record, *path[:-1])[path[-1]] = bad
    (folder / "run.json").write_text(json.dumps(record))
    with pytest.raises(CrosswalkError):
        check_run(folder, splits)


def test_weights_that_lack_a_member_are_refused(world, route, tmp_path):
    folder = tmp_path / route.id
    shutil.copytree(route.folder, folder)
    state = {name: np.array(table) for name, table in route.state().items()}
    less = {name: table for name, table in state.items() if not name.startswith("member1.")}
    write_tensors(folder / "model.safetensors", less)
    with pytest.raises(RunError, match="do not fit the model"):
        check_run(folder, world.workspace.splits / world.split.info.split_hash)
