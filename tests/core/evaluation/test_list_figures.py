from dataclasses import replace
from math import log2

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from core.basics.columns import HIGH, LOW, MEAN, METRIC, RUN, USERS
from core.basics.types import Lists
from core.data.snapshot import read_snapshot
from core.evaluation.list_figures import (
    DIFFERENCE,
    catalogue_figures,
    compared,
    gauc,
    half_share,
    list_figures,
    lorenz_points,
    overlap_with,
)
from core.evaluation.lists import ListWorld, judge
from core.metrics.card import Seen
from core.metrics.registry import METRICS, PER_USER
from core.store.run_folder import list_runs
from tests.core.evaluation.list_worlds import small_lists, small_world


def small_figures(k=3, **options):
    world = small_world()
    return list_figures(Seen(judge(small_lists(), world), world, k, **options))


def test_hits_and_candidates_are_counted_for_the_user_of_the_list():
    judged = judge(small_lists(), small_world())
    assert judged.hits.astype(int).tolist() == [[1, 0, 1], [0, 1, 0], [0, 0, 0], [0, 0, 0]]
    assert judged.n_relevant.tolist() == [2, 1, 1, 1]
    assert judged.n_candidates.tolist() == [4, 4, 4, 6]


def test_a_list_of_one_user_only_is_judged_by_that_user():
    judged = judge(Lists(np.array([2]), np.array([[0, 3]])), small_world())
    assert judged.hits.tolist() == [[True, False]]


def test_an_empty_place_is_no_hit_though_the_user_before_wants_the_last_item():
    world = small_world()
    wanted = csr_matrix(([1.0], ([0], [5])), shape=(4, 6))
    judged = judge(Lists(np.array([1]), np.array([[-1]])), replace(world, relevant=wanted))
    assert not judged.hits.any()


def test_figures_of_each_user_are_the_hand_worked_ones():
    figures = small_figures()
    assert figures["unexpectedness@3"].tolist() == pytest.approx([0, 0, 1 / 3, 0])
    assert figures["average_popularity@3"].tolist() == pytest.approx([2 / 3, 3 / 2, 1 / 3, 5 / 3])
    assert figures["s_recall@3"].tolist() == pytest.approx([2 / 3, 2 / 3, 2 / 3, 2 / 3])
    assert figures["categorical_diversity@3"].tolist() == pytest.approx([2 / 3] * 4)
    assert figures["full_list@3"].tolist() == [1, 0, 1, 1]
    assert figures["capped_recall@3"].tolist() == pytest.approx([1, 1, 0, 0])
    # items 0 and 1 share one of their two users each, 0 and 2 one of two and one
    cosines = [1 / 2, 1 / 2**0.5, 0]
    assert figures["intra_list_diversity@3"][3] == pytest.approx(1 - sum(cosines) / 3)
    discounts = 1 + 1 / log2(3) + 1 / 2
    assert figures["epc@3"][0] == pytest.approx((2 / 3 + 1 / 2 * 1) / discounts)


def test_only_the_first_k_places_count():
    shorter = Lists(np.arange(4), small_lists().items[:, :2])
    world = small_world()
    expected = list_figures(Seen(judge(shorter, world), world, 2))
    got = small_figures(k=2)
    for column in expected.columns.drop(["r_precision", "pauc@2", "pap@2"]):  # read whole lists
        assert got[column].tolist() == pytest.approx(expected[column].tolist(), nan_ok=True), column


def test_a_hit_on_a_rare_item_is_worth_more():
    figures = small_figures()
    # six items with 2, 2, 1, 1, 0 and 0 users, one on average; nobody counts as one
    assert figures["ips_hit_rate@3"].tolist() == pytest.approx([1 + 1, 1 / 2, 0, 0])
    assert figures["debiased_recall@3"].tolist() == pytest.approx([1, 1, 0, 0])


def test_limited_auc_takes_what_is_below_the_list_for_tied():
    figures = small_figures()
    # user 0 of four candidates: hit, other, hit, and one more other below the list
    assert figures["lauc@3"][0] == pytest.approx((2 + 1) / 4)
    assert figures["lauc@3"][3] == pytest.approx((5 - 3) / 2 / 5)  # five others, three above


def test_users_without_any_list_are_not_covered():
    lists = Lists(np.arange(4), np.where(np.arange(4)[:, None] == 1, -1, small_lists().items))
    world = small_world()
    assert list_figures(Seen(judge(lists, world), world, 3))["user_coverage"].tolist() == [
        1,
        0,
        1,
        1,
    ]


def test_every_figure_of_lists_has_a_card_that_is_not_kept_with_runs():
    groups = {"further", "area", "diversity", "surprise", "popularity", "mix"}
    assert all(METRICS[name].group in groups and not METRICS[name].kept for name in PER_USER)


def test_calibration_compares_the_list_with_either_history():
    figures = small_figures()
    # user 2 took items 1 (drama and war) and 3 (none): half and half; gets war, comedy, war
    half = 0.5 * log2(0.5 / (0.99 * 2 / 3 + 0.005)) + 0.5 * log2(0.5 / 0.005)
    assert figures["calibration@3"][2] == pytest.approx(half)
    # in the source user 2 took war alone; of shared categories the list holds war alone
    assert figures["source_calibration@3"][2] == pytest.approx(0)
    assert np.isnan(figures["calibration@3"][3])
    assert np.isnan(figures["source_calibration@3"][3])


def test_without_categories_nothing_is_said_by_category():
    world = small_world(categories=False)
    columns = set(list_figures(Seen(judge(small_lists(), world), world, 3)))
    assert not columns & {"s_recall@3", "category_distance@3", "calibration@3"}
    assert "intra_list_diversity@3" in columns


def test_percentile_rank_needs_the_scores_that_auc_is_of():
    assert "percentile_rank" not in small_figures()
    assert "percentile_rank" not in small_figures(auc=np.full(4, np.nan))
    got = small_figures(auc=np.array([1.0, 0.5, 0.0, 1.0]))["percentile_rank"]
    assert got.tolist() == pytest.approx([0.5 / 4, 1.5 / 4, 3 / 4, 0])


def test_the_most_popular_items_are_the_lists_of_popularity_itself(demo_workspace):
    run = next(run for run in list_runs(demo_workspace) if run.popularity)
    split = read_snapshot(demo_workspace.splits / run.record.split_hash)
    lists = run.popularity.lists("test")
    usual = ListWorld.of(split, "test").most_popular(lists.users, lists.items.shape[1])
    assert (usual == lists.items).all()


def test_figures_of_the_catalogue_are_those_of_the_lists():
    world = small_world()
    figures = catalogue_figures(judge(small_lists(), world), world, 3)
    assert figures["coverage@3"] == 1
    assert set(figures) == {"coverage@3", "gini@3", "entropy@3", "personalisation@3"}


def test_runs_are_compared_with_intervals_and_the_first_with_its_twin():
    one, other = small_figures(), small_figures()
    other["rbp@3"] -= [0.1, 0.2, 0.1, 0.2]
    rows = compared({"run": one, "twin": other}, "twin").set_index([RUN, METRIC])
    gap = rows.loc[(DIFFERENCE, "rbp@3")]
    assert gap[MEAN] == pytest.approx(0.15)
    assert gap[LOW] < 0.15 < gap[HIGH]
    assert rows.loc[("run", "rbp@3"), MEAN] == pytest.approx(one["rbp@3"].mean())
    assert rows.loc[("run", "calibration@3"), USERS] == 3
    assert rows.loc[(DIFFERENCE, "s_recall@3"), MEAN] == 0


def test_gauc_weighs_users_by_what_they_have_to_find():
    judged = judge(small_lists(), small_world())
    got = gauc(judged, np.array([0.9, 0.5, np.nan, 0.4]))
    assert got.mean == pytest.approx((2 * 0.9 + 0.5 + 0.4) / 4)
    assert (got.users, got.skipped) == (3, 1)


def test_overlap_is_over_users_of_both():
    world = small_world()
    ours = judge(small_lists(), world)
    got = overlap_with(ours, ours.of(np.array([1, 3])), 3)
    assert got["user_id"].tolist() == [1, 3]
    assert got["rbo@3"].tolist() == pytest.approx([1, 1])


def test_the_lorenz_curve_ends_where_all_places_are_given():
    world = small_world()
    judged = judge(small_lists(), world)
    points = lorenz_points(judged, world, 3)
    assert points.iloc[0].tolist() == [0, 0]
    assert points.iloc[-1].tolist() == [1, 1]
    assert (points["exposure"] <= points["share"] + 1e-12).all()
    assert half_share(judged, world, 3) == (3, 3 / 6)  # 3, 2 and 2 of 11 places
