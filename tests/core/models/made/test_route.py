"""A routed model answers every user as the member of their group does, to the last bit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from core.basics.errors import RunError, SettingsError
from core.basics.types import DomainScores
from core.data.pair import BINS
from core.models.made.blend import Blend, BlendSettings
from core.models.made.compress import INT8, compressed, decompressed
from core.models.made.recorded import BLEND, ROUTE, build_recorded, card_of_record, check_settings
from core.models.made.route import Routed, RouteSettings
from core.models.registry import CARDS
from tests.core.models.test_protocol import WORLD, fitted, same_scores, settings_of

PAIR = WORLD.pair
EVERYBODY = np.arange(len(PAIR.users))
COLD = np.flatnonzero(PAIR.target_history == 0)
WARM = np.flatnonzero(PAIR.target_history > 0)
APART = (0, 1, 1, 1, 1)  # the first for people without target history, the second for all others
POPULAR = {"model": "popularity", "settings": {}}
COUPLES = {  # both additive; additive for whom they answer; neither; with a base
    "additive": ("ridge", "ease"),
    "mixed": ("linear_map", "ease"),
    "graph": ("linear_map", "lightgcn"),
    "base": ("popularity", "ease"),
}


def record_of(names: tuple[str, ...], places=APART) -> dict:
    members = [{"model": name, "settings": settings_of(name)} for name in names]
    settings = RouteSettings.of_places(places).to_dict()
    return {"model": ROUTE, "settings": settings, "members": members}


@pytest.fixture(scope="module")
def fits() -> dict:
    names = {name for couple in COUPLES.values() for name in couple}
    return {name: fitted(name) for name in sorted(names)}


@pytest.fixture(params=COUPLES)
def names(request) -> tuple[str, str]:
    return COUPLES[request.param]


@pytest.fixture
def routed(names, fits) -> Routed:
    return routed_of(names, fits)


def routed_of(names, fits, places=APART) -> Routed:
    members = [fits[name] for name in names]
    settings = RouteSettings.of_places(places)
    return Routed(settings, members, [False] * len(names), PAIR.target_history)


def test_every_user_gets_the_scores_and_parts_of_the_member_of_their_group(routed, names, fits):
    scores = routed.score(EVERYBODY)
    for users, name in ((COLD, names[0]), (WARM, names[1])):
        said, own = scores.of(users), fits[name].score(users)
        for part in ("source", "target", "has_source", "has_target"):
            np.testing.assert_array_equal(getattr(said, part), getattr(own, part))
        assert (np.broadcast_to(said.base, said.source.shape) == own.base).all()
        np.testing.assert_array_equal(said.own_scores(), own.own_scores())


def test_tables_are_finite_float32_and_additive_where_parts_add_up_for_everybody(routed, names):
    """The linear map's do for people without target history, whom it tells from books alone."""
    scores = routed.score(EVERYBODY)
    for part in (scores.source, scores.target, scores.own_scores()):
        assert part.dtype == np.float32
        assert part.shape == (len(EVERYBODY), len(PAIR.target_items))
        assert np.isfinite(part).all()
    additive = names != COUPLES["graph"]
    assert (scores.own is None) == additive == card_of_record(record_of(names)).additive


def test_groups_begin_at_1_5_10_and_20_target_items():
    """Five members, one for every group, each told apart by the item it puts first."""
    models = [Says(place) for place in range(5)]
    known = np.array([0, 1, 4, 5, 9, 10, 19, 20, 500])
    routed = Routed(RouteSettings.of_places(range(5)), models, [False] * 5, known)
    firsts = routed.score(np.arange(len(known))).own_scores().argmax(axis=1)
    assert firsts.tolist() == [0, 1, 1, 2, 2, 3, 3, 4, 4]
    backwards = routed.score(np.arange(len(known))[::-1]).own_scores().argmax(axis=1)
    assert backwards.tolist() == firsts.tolist()[::-1]


class Says:
    """A member that puts one item first, whoever asks."""

    def __init__(self, item: int) -> None:
        self.item = item

    def score(self, users):
        empty = csr_matrix((len(users), 5))
        return self.fold_in(empty, empty)

    def fold_in(self, source_rows, target_rows):
        n_asked = source_rows.shape[0]
        said, sure = np.zeros((n_asked, 5), dtype=np.float32), np.ones(n_asked, dtype=bool)
        said[:, self.item] = 1
        return DomainScores.ranking(said, said, sure, sure)


def test_a_history_edited_beyond_its_group_is_answered_by_the_new_group(fits):
    names = COUPLES["additive"]
    routed, user = routed_of(names, fits), WARM[[0]]
    source, target = PAIR.source[user], PAIR.target[user]
    same_scores(routed.fold_in(source, target), fits["ease"].fold_in(source, target))
    nothing = csr_matrix(target.shape, dtype=np.float32)
    same_scores(routed.fold_in(source, nothing), fits["ridge"].fold_in(source, nothing))


def test_histories_of_several_groups_are_folded_in_side_by_side(routed, names, fits):
    users = EVERYBODY[::3]
    folded = routed.fold_in(PAIR.source[users], PAIR.target[users])
    for place, user in enumerate(users):
        member = fits[names[int(PAIR.target_history[user] > 0)]]
        alone = member.fold_in(PAIR.source[[user]], PAIR.target[[user]])
        close = dict(atol=1e-5, rtol=1e-4)  # one row and many are multiplied in another order
        np.testing.assert_allclose(folded.source[place], alone.source[0], **close)
        np.testing.assert_allclose(folded.own_scores()[place], alone.own_scores()[0], **close)


def test_what_a_person_says_is_passed_on_to_the_member_that_answers(fits):
    """A visitor's words were dropped: people got the list of somebody who had said nothing."""

    class Hears(Popular):
        def fold_in_words(self, words, source_rows, target_rows):
            known = self.fold_in(source_rows, target_rows)
            return replace(known, target=known.target + words.sum(axis=1, keepdims=True))

    hears = Hears(fits["popularity"])
    routed = Routed(RouteSettings.of_places(APART), [hears, fits["ease"]], [False, False])
    source = csr_matrix(PAIR.source[:2])
    target = csr_matrix(np.eye(2, PAIR.target.shape[1], dtype=np.float32) * [[0], [1]])
    said = np.array([[1.0, 2.0], [3.0, 4.0]], dtype=np.float32)
    heard, unsaid = routed.fold_in_words(said, source, target), routed.fold_in(source, target)
    np.testing.assert_array_equal(heard.target[0], unsaid.target[0] + 3)  # nobody's items known
    np.testing.assert_array_equal(heard.target[1], unsaid.target[1])  # EASE hears no words


class Popular:
    """A member that answers as another does."""

    def __init__(self, member) -> None:
        self.fold_in = member.fold_in


def test_nobody_gets_an_empty_table(routed):
    scores = routed.score(np.array([], dtype=int))
    assert scores.own_scores().shape == (0, len(PAIR.target_items))


def test_reasons_are_those_of_the_member_that_answers(routed, names, fits):
    for users, name in ((COLD, names[0]), (WARM, names[1])):
        rows = PAIR.source[users[[0]]], PAIR.target[users[[0]]]
        found, own = routed.explain(*rows, 3), fits[name].explain(*rows, 3)
        for part in ("source_items", "source_amounts", "target_items", "target_amounts"):
            np.testing.assert_array_equal(getattr(found, part), getattr(own, part))


def test_people_nobody_knows_get_popular_items_whoever_answers_the_others(fits):
    """Popularity, which tells items apart for everybody, once kept others from being filled."""
    routed = routed_of(("popularity", "ease"), fits, (1, 0, 0, 0, 0))
    nobody = csr_matrix((2, len(PAIR.source_items)), dtype=np.float32)
    histories = csr_matrix((2, len(PAIR.target_items)), dtype=np.float32).tolil()
    histories[1, 0] = 1
    scores = routed.fold_in(nobody, histories.tocsr()).filled(PAIR.popularity)
    popular = np.argsort(-PAIR.popularity, kind="stable")
    lists = np.argsort(-scores.own_scores(), axis=1, kind="stable")
    assert (lists == popular).all()


def test_a_restored_state_gives_equal_scores_from_read_only_arrays(routed, names, tmp_path):
    kept = {}
    for place, (key, array) in enumerate(routed.state().items()):
        np.save(tmp_path / f"{place}.npy", array)
        kept[key] = np.load(tmp_path / f"{place}.npy", mmap_mode="r")
    again = build_recorded(record_of(names))
    again.restore(PAIR, kept)
    same_scores(again.score(EVERYBODY), routed.score(EVERYBODY))
    rows = PAIR.source[:9], PAIR.target[:9]
    same_scores(again.fold_in(*rows), routed.fold_in(*rows))


def test_routed_and_blended_models_nest_and_are_compressed(fits):
    inner = routed_of(("ridge", "ease"), fits)
    blend = Blend(BlendSettings(), [inner, fits["popularity"]])
    about = {"model": BLEND, "settings": {}, "members": [record_of(("ridge", "ease")), POPULAR]}
    small = compressed(blend.state(), INT8)
    again = build_recorded(about)
    again.restore(PAIR, decompressed(small))
    off = again.score(EVERYBODY).own_scores() - blend.score(EVERYBODY).own_scores()
    assert 0 < np.abs(off).max() < 0.1
    check_settings(about)


def test_a_member_without_a_sense_of_time_gets_ones_where_another_reads_the_order(fits):
    timed = replace(PAIR, source=PAIR.source * 3, target=PAIR.target * 5)
    again = build_recorded(record_of(("ridge", "ease")))
    again.ordered = (True, False)
    again.restore(timed, routed_of(("ridge", "ease"), fits).state())
    rows = timed.source[WARM[:3]], timed.target[WARM[:3]]
    expected = fits["ease"].fold_in(PAIR.source[WARM[:3]], PAIR.target[WARM[:3]])
    same_scores(again.fold_in(*rows), expected)
    same_scores(again.score(WARM), fits["ease"].score(WARM))
    assert again.members[0].train.target is timed.target


def test_the_card_follows_from_members_and_from_whom_they_answer():
    card = card_of_record(record_of(("linear_map", "ease")))
    assert (card.has_twin, card.cross_domain, card.additive) == (True, True, True)
    assert not card_of_record(
        record_of(("ease", "linear_map"))
    ).additive  # for the warm it does not
    assert not card_of_record(record_of(("lightgcn", "ease"))).additive  # it knows users by number
    assert card.needs == ("shared users",)
    assert "Linear map of factors or EASE" in card.line
    assert not card_of_record(record_of(("ease", "linear_map"))).has_twin  # it answers the warm
    assert not card_of_record(record_of(("ridge", "popularity"))).has_twin
    assert card_of_record(record_of(("ease", "popularity"))).has_twin
    assert card_of_record(record_of(("cmf_rating", "mf_rating"))).task.rates
    alone = card_of_record(record_of(("ease",), (0,) * 5))
    assert "whoever it is" in alone.line


def test_a_routed_model_is_not_trained_and_not_listed(fits):
    with pytest.raises(RunError, match="not trained"):
        next(routed_of(("ridge", "ease"), fits).fit_epochs(PAIR, 0))
    assert ROUTE not in CARDS
    assert len(RouteSettings().places) == len(BINS)


@pytest.mark.parametrize(
    "record",
    [
        record_of(("ridge", "ease")) | {"members": None},
        record_of(("ridge", "ease")) | {"members": []},
        record_of(("ridge", "ease", "cmf")),  # nobody asks the third
        record_of(("ridge",)),  # there is no second
        record_of(("ease", "bias")),  # one ranks, one rates
        record_of(("ridge", "ease")) | {"members": [{"model": ROUTE, "settings": {}}] * 2},
    ],
)
def test_a_record_whose_members_do_not_fit_its_groups_is_refused(record):
    with pytest.raises(RunError, match="routed run does not say what it is made of"):
        card_of_record(record)


@pytest.mark.parametrize("setting", [{"known_0": 0}, {"known_0": 6}, {"known_3": 1}])
def test_a_record_with_other_settings_is_refused(setting):
    record = record_of(("ridge", "ease"))
    with pytest.raises(SettingsError):
        card_of_record(record | {"settings": record["settings"] | setting})
