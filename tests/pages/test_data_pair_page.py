"""Pair, Quality and Split as a person uses them, on two small files that were really imported."""

import os
import re
import signal
import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.basics.columns import CATEGORIES, HEAD, ITEM, RATING, RELATION, TAIL, TIME, TITLE, USER
from core.basics.progress import silent
from core.basics.workspace import VARIABLE, Workspace
from core.data.checks.check import read_checks
from core.data.pair_folder import PairInputs, PairSettings, list_pairs, read_rows
from core.data.reading.ingest import import_file
from core.data.reading.options import INTERACTIONS, ITEMS, TRIPLES, ReadOptions, list_datasets
from core.data.reading.options import KINDS as DATASET_KINDS
from core.data.snapshot import read_info
from core.data.splitting import KINDS, LEAVE_K_OUT
from core.jobs.supervisor import Lock, kill
from core.jobs.table import ACTIVE, list_jobs, request_cancel
from core.runs.jobs.data_jobs import pair_job, pair_payload, quality_job, split_job
from core.ui.data.pair_filters import funnel_table
from tests.pages.stories import open_page

NASTY = "![pixel](http://elsewhere.example/p.png) <b>bold</b>"
TWICE = ["u000", "u001", "u002"]  # people with a second id
ROLES = {
    INTERACTIONS: {column: column for column in (USER, ITEM, RATING, TIME)},
    ITEMS: {column: column for column in (ITEM, TITLE, CATEGORIES)},
    TRIPLES: {column: column for column in (HEAD, RELATION, TAIL)},
}


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    """An empty workspace; what was started in it is ended after the test."""
    here = Workspace(tmp_path / "workspace")
    here.root.mkdir()
    monkeypatch.setenv(VARIABLE, str(here.root))
    st.cache_resource.clear()
    st.cache_data.clear()
    yield here
    for job in list_jobs(here, active=True, dismissed=True):
        request_cancel(here, job.id)
        if job.pid:
            kill(job.pid)
    while pid := Lock(here).holder():
        os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)
    st.cache_resource.clear()


def rows(seed: int, letter: str, users: int = 120) -> pd.DataFrame:
    """Even users like even items, with ratings 1 to 5 and times over three years."""
    draw = np.random.default_rng(seed)
    own = np.arange(users)[:, None] % 2 == np.arange(60)[None, :] % 2
    user, item = np.nonzero(draw.random((users, 60)) < np.where(own, 0.4, 0.05))
    return pd.DataFrame(
        {
            USER: [f"u{number:03}" for number in user],
            ITEM: [f"{letter}{number:02}" for number in item],
            RATING: draw.integers(1, 6, len(user)),
            TIME: 1_600_000_000 + draw.integers(0, 3 * 365, len(user)) * 86_400,
        }
    )


def add(workspace: Workspace, name: str, frame: pd.DataFrame, kind: str = INTERACTIONS) -> str:
    """Import the rows as a file of that name; answers the dataset's hash."""
    file = workspace.root / f"{name}.csv"
    frame.to_csv(file, index=False)
    roles = {column: column for column in ROLES[kind] if column in frame}
    found = import_file(file, ReadOptions(kind=kind, roles=roles), workspace.datasets)
    age = 1_000 - len(list(workspace.datasets.iterdir()))  # the later the newer, for certain
    os.utime(found.folder / "dataset.json", (time.time() - age, time.time() - age))
    return found.hash


@pytest.fixture
def two_files(workspace) -> Workspace:
    add(workspace, "books", rows(1, "b"))
    add(workspace, "films", rows(2, "f"))
    return workspace


@pytest.fixture
def pair(two_files) -> str:
    """Hash of a pair that was made without the page, and not checked."""
    return made_without_page(two_files)


def made_without_page(workspace: Workspace) -> str:
    films, books = list_datasets(workspace, INTERACTIONS)
    items = next((table.file for table in list_datasets(workspace, ITEMS)), None)
    inputs = PairInputs(
        books.file, films.file, items_target=items, source_name="books", target_name="films"
    )
    payload = pair_payload(workspace, inputs, PairSettings())
    return pair_job(workspace, payload, silent)["pair"]


def opened(tab: str) -> AppTest:
    """The Data page on one of its tabs, freshly opened; it may show an error."""
    drawers = ("checks_passed", "pair_another", "split_readiness")
    return open_page("data", *drawers, tab=tab)


def well(app: AppTest) -> AppTest:
    assert not app.exception
    assert [error.value for error in app.error] == []
    return app


def words(app: AppTest) -> str:
    kinds = (app.markdown, app.caption, app.info, app.warning, app.error, app.subheader)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def made(workspace: Workspace) -> AppTest:
    """The Pair tab after a person pressed the button."""
    return well(opened("Pair").button(key="pair_make").click().run())


def done(workspace: Workspace) -> None:
    """Wait until no job is under way."""
    deadline = time.monotonic() + 90
    while jobs := [job for job in list_jobs(workspace) if job.status in ACTIVE]:
        assert time.monotonic() < deadline, jobs
        time.sleep(0.1)
    assert {job.status for job in list_jobs(workspace)} <= {"done"}


@pytest.mark.parametrize(
    ("tab", "said"),
    [("Pair", "No file is imported yet"), ("Quality", "no pair yet"), ("Split", "no pair yet")],
)
def test_an_empty_workspace_says_what_is_missing(workspace, tab, said):
    assert said in words(opened(tab))


def test_one_file_is_not_enough(workspace):
    add(workspace, "books", rows(1, "b"))
    assert "Only one file is imported" in words(opened("Pair"))


def test_the_filters_are_counted_live_and_the_pair_is_made(two_files):
    app = opened("Pair")
    all_users = app.metric[0].value
    app.number_input(key="pair_setting_target_core").set_value(7).run()
    assert int(app.metric[0].value) < int(all_users)
    well(app.button(key="pair_make").click().run())
    (pair,) = list_pairs(two_files)
    assert pair.title == "books → films"
    assert pair.settings["target_core"] == 7
    assert f"{pair.after.shared:,}" == app.metric[0].value
    assert "Who is shared" in words(app)


def test_one_funnel_leads_from_the_files_to_the_shared_people_with_reasons(two_files, pair):
    """Seen: 2,000 people on one page, 1,943 on another, 828 on a third, and no line between."""
    (info,) = list_pairs(two_files)
    app = well(opened("Pair"))
    after = info.after
    everybody = after.source.users + after.target.users - after.shared
    assert f"the filters leave {everybody:,}, **{after.shared:,}** of them in both." in words(app)
    table = funnel_table(info, ("books", "films")).set_index("What is left")
    people = table["films, people"]
    assert people.iloc[0] == info.before.target.users
    assert people["In the k-core"] == after.target.users
    assert people["Of shared users"] == after.shared
    assert table.loc["Liked", "films, rows"] == info.steps["liked"]["target"]
    assert table.loc["Liked", "Left out"] == "rated below 3 of 5 stars"
    assert table.loc["In the k-core", "Left out"].endswith("fewer rows than 5 in the target")
    older = funnel_table(replace(info, people={}), ("books", "films"))
    assert list(older) == ["What is left", "books, rows", "films, rows", "Left out"]


def test_the_next_step_is_a_button_from_the_files_to_training(two_files):
    """Seen: after each step a person had to know which tab or page comes next."""
    app = opened("Import")
    well(app.button(key="import_next").click().run())
    app = well(app.button(key="pair_make").click().run())
    assert not [button for button in app.button if button.key == "split_make"]
    app = well(app.button(key="pair_next").click().run())
    app = well(app.button(key="split_make").click().run())
    assert "**Train on it**" in [link.proto.label for link in app.get("page_link")]
    assert not [button for button in opened("Pair").button if button.key == "pair_next"]


def test_what_passed_its_check_waits_in_a_drawer(two_files):
    app = made(two_files)
    done(two_files)
    app = opened("Quality")
    assert "Are the times plausible?" in words(app)
    app.session_state["checks_passed"] = False
    assert "Are the times plausible?" not in words(app.run())
    assert "Are shared ids the same people?" in words(app)


def test_a_pair_can_be_named_and_titles_are_proposed_where_they_fit(two_files):
    items = pd.DataFrame({ITEM: [f"f{n:02}" for n in range(60)], TITLE: NASTY, CATEGORIES: "c"})
    add(two_files, "items", items, ITEMS)
    app = opened("Pair")
    name = next(box for box in app.text_input if box.value == "films")
    app = well(name.set_value("*films* 电影").run())
    well(app.button(key="pair_make").click().run())
    (pair,) = list_pairs(two_files)
    assert pair.target_name == "*films* 电影"
    assert set(pair.inputs) == {"source", "target", "items_target"}


def test_filters_that_leave_nobody_shared_keep_the_button_off(two_files):
    app = opened("Pair")
    app.number_input(key="pair_setting_target_core").set_value(60).run()
    assert app.button(key="pair_make").disabled
    assert "Lower the k-core" in words(app)


def test_a_day_that_is_none_is_said_in_two_sentences(two_files):
    app = opened("Pair").text_input(key="pair_setting_first_day").set_value("31.5.").run()
    assert not app.exception
    assert ["not a day" in error.value for error in app.error] == [True]


def test_exchanged_columns_are_offered_to_be_read_the_other_way_round(workspace):
    add(workspace, "books", rows(1, "b"))
    add(workspace, "films", rows(2, "f").rename(columns={USER: ITEM, ITEM: USER}))
    app = opened("Pair")
    assert app.button(key="pair_make").disabled
    assert "look exchanged" in app.error[0].value
    app = well(app.button(key="pair_fix_exchanged_columns").click().run())
    well(app.button(key="pair_make").click().run())
    assert list_pairs(workspace)[0].after.shared > 100


def test_a_file_of_triples_by_itself_is_listed_and_breaks_no_tab(workspace):
    """Import and Pair met a problem they did not know: nobody had named what the file holds."""
    facts = pd.DataFrame({HEAD: ["f01", "f02"], RELATION: "by", TAIL: ["A. N.", "B. N."]})
    add(workspace, "facts", facts, TRIPLES)
    for tab in ("Import", "Pair", "Split", "Quality"):
        well(opened(tab))
    listed = next(
        frame.value for frame in well(opened("Import")).dataframe if "Holds" in frame.value
    )
    assert listed["Holds"].tolist() == ["triples"]
    assert "No file is imported yet" in words(opened("Pair"))
    assert set(DATASET_KINDS) >= set(ROLES)


def test_columns_exchanged_in_both_files_are_read_right_with_one_click(workspace):
    for seed, name in ((1, "books"), (2, "films")):
        add(workspace, name, rows(seed, name[0]).rename(columns={USER: ITEM, ITEM: USER}))
    app = opened("Pair")
    assert app.button(key="pair_make").disabled
    app = well(app.button(key="pair_fix_exchanged_columns").click().run())
    assert app.selectbox(key="pair_setting_exchanged_columns").value == "both"
    app = well(app.button(key="pair_make").click().run())
    (pair,) = list_pairs(workspace)
    assert pair.after.shared > 100
    assert "From the files to the shared people" in words(app)


def test_a_pair_without_shared_users_is_made_where_a_person_says_so(workspace):
    """It was refused, though some models need no shared users; then nothing may break of it."""
    add(workspace, "books", rows(1, "b"))
    others = rows(2, "f").assign(**{USER: lambda frame: "v" + frame[USER]})
    add(workspace, "films", others.assign(**{RATING: lambda frame: frame[RATING] - 3}))
    app = opened("Pair")
    assert app.button(key="pair_make").disabled
    assert "Use the same user ids in both" in app.error[0].value
    liked = next(frame.value for frame in app.dataframe if "Ratings" in frame.value)["Ratings"]
    assert liked.tolist() == ["liked from 3 on (of 1 to 5)", "liked from 0 on (of −2 to 2)"]
    (box,) = [box for box in app.checkbox if "although nobody is shared" in box.label]
    app = box.check().run()
    assert not app.button(key="pair_make").disabled
    app = app.button(key="pair_make").click().run()
    assert not app.exception
    assert any("No user of books is in films" in error.value for error in app.error)
    done(workspace)
    (pair,) = list_pairs(workspace)
    assert pair.after.shared == 0
    assert "only 0 users are shared" in words(well(opened("Quality")))
    app = well(opened("Split"))
    app = well(app.button(key="split_make").click().run())
    said = words(app)
    assert re.search("green.*Popularity", said)
    assert re.search("red.*EMCDR.*It learns from shared users and the pair has none", said)


def test_numbers_of_periods_are_refused_before_a_split_by_time_is_made(workspace):
    """Quality called them no times; the split was made, and a green light was shown."""
    for seed, name in ((1, "books"), (2, "films")):
        add(workspace, name, rows(seed, name[0]).assign(**{TIME: lambda f: f.index % 40 + 1}))
    made_without_page(workspace)
    app = opened("Split").selectbox(key="split_kind").set_value("temporal").run()
    assert not app.exception
    assert "numbers of periods, 40 different ones up to 40" in app.error[0].value
    assert app.button(key="split_make").disabled
    app = app.selectbox(key="split_kind").set_value("random").run()
    assert not well(app).button(key="split_make").disabled


def test_damaged_answers_are_said_on_quality_alone_and_found_again(two_files, pair):
    """One damaged file of one pair showed its error on every page."""
    payload = {"pair": pair, "settings": {}, "seed": 1}
    split_job(two_files, payload, silent)
    quality_job(two_files, payload, silent)
    (two_files.pairs / pair / "quality.json").write_text('[{"key": "same_people"')
    for page in ("start", "train", "metrics", "report"):
        well(open_page(page))
    app = opened("Quality")
    assert "cannot be read any more. Check it again" in words(app)
    well(app.button(key="quality_check").click().run())
    done(two_files)
    assert "Are shared ids the same people?" in words(well(opened("Quality")))


def test_a_damaged_pair_is_left_out_and_cleared_away(two_files, pair):
    (two_files.pairs / pair / "pair.json").write_text("{")
    for tab in ("Import", "Split", "Quality"):
        well(opened(tab))
    app = opened("Pair")
    assert "1 pair cannot be read any more and is left out" in words(app)
    app = well(app.button(key="pair_delete_damaged").click().run())
    assert "cannot be read" not in words(app)


def test_an_item_table_that_knows_no_item_is_said_before_and_after(two_files):
    """A table with other ids was taken without a word, and then no item had any text."""
    items = pd.DataFrame(
        {ITEM: [f"parent-f{n:02}" for n in range(60)], TITLE: "t", CATEGORIES: "c"}
    )
    add(two_files, "items", items, ITEMS)
    app = opened("Pair")
    (box,) = [box for box in app.selectbox if (box.key or "").startswith("pair_target_items")]
    table = next(option for option in box.options if "items" in option)
    assert table.endswith("knows 0 of 60 items")
    app = box.select(table).run()
    assert "0 of 60 items are in the item table" in words(app)
    app = well(app.button(key="pair_make").click().run())
    (pair,) = list_pairs(two_files)
    known, items = pair.items_known["target"]
    assert known == 0
    assert f"0 of {items} items of films are in the item table" in words(app)


def test_one_click_swaps_the_direction(two_files, pair):
    app = opened("Pair")
    well(app.button(key="pair_swap").click().run())
    titles = {pair.title: pair for pair in list_pairs(two_files)}
    assert set(titles) == {"books → films", "films → books"}
    assert app.selectbox(key="pair_of_pair_tab").value == titles["films → books"].dataset_hash
    well(app.button(key="pair_swap").click().run())
    assert len(list_pairs(two_files)) == 2
    assert app.selectbox(key="pair_of_pair_tab").value == titles["books → films"].dataset_hash


@pytest.mark.parametrize("seed", [2022, 7], ids=["as drawn", "typed just before"])
def test_a_split_on_a_full_disk_says_so_and_leaves_nothing_half_made(
    two_files, pair, monkeypatch, seed
):
    """Seen: the disk filled while a split was made, and nothing was said."""

    def full(path):
        raise OSError(28, "No space left on device")

    app = opened("Split")
    monkeypatch.setattr("core.basics.files._sync", full)
    app.number_input(key="split_seed").set_value(seed)
    app.button(key="split_make").click().run()
    assert not app.exception
    (error,) = app.error
    assert error.value.startswith("The disk is full, so this could not be done\\. Free some space")
    assert not list(two_files.splits.iterdir())
    monkeypatch.undo()
    monkeypatch.setenv(VARIABLE, str(two_files.root))
    well(app.button(key="split_make").click().run())
    assert len(list(two_files.splits.iterdir())) == 1


def test_a_deleted_pair_is_gone_and_its_split_stays(two_files, pair):
    well(opened("Split").button(key="split_make").click().run())
    app = well(opened("Pair").button(key="pair_delete").click().run())
    assert list_pairs(two_files) == []
    assert len(list(two_files.splits.iterdir())) == 1
    assert app.button(key="pair_make")


def test_a_pair_whose_file_was_deleted_cannot_be_swapped_and_says_so(two_files, pair):
    app = opened("Pair")
    for record in two_files.datasets.glob("*/dataset.json"):
        record.unlink()
    app = app.button(key="pair_swap").click().run()
    assert not app.exception
    assert any("Import its file again" in error.value for error in app.error)


def test_a_new_pair_is_checked_without_being_asked_to(two_files):
    made(two_files)
    done(two_files)
    app = opened("Quality")
    checks = read_checks(two_files.pairs / list_pairs(two_files)[0].dataset_hash)
    said = words(app)
    assert len(checks) == 9
    assert all(check.question in said for check in checks)
    assert "AUC" in said


def with_copies(workspace: Workspace) -> None:
    """Two films of which the books hold copies under other ids, and titles for all films."""
    films = rows(2, "f")
    copies = films[films[ITEM].isin(["f01", "f02"])].assign(**{ITEM: "copy-" + films[ITEM]})
    add(workspace, "books", pd.concat([rows(1, "b"), copies]))
    add(workspace, "films", films)
    items = pd.DataFrame({ITEM: films[ITEM].unique()}).assign(**{TITLE: NASTY})
    add(workspace, "items", items, ITEMS)


def test_every_page_warns_of_a_pair_that_failed_a_check(workspace):
    with_copies(workspace)
    payload = {"pair": made_without_page(workspace), "settings": {}, "seed": 1}
    split_job(workspace, payload, silent)
    unchecked = open_page("start")
    assert not unchecked.error
    quality_job(workspace, payload, silent)
    app = unchecked.run()
    assert "2 items that are listed in both domains carry the lift" in app.error[0].value


def test_cross_listed_items_are_shown_with_titles_and_dropped_in_one_click(workspace):
    with_copies(workspace)
    quality_job(workspace, {"pair": made_without_page(workspace)}, silent)
    app = opened("Quality")
    assert ":red[" in words(app)
    table = next(frame.value for frame in app.dataframe if "Jaccard" in frame.value)
    assert set(table["Source id"]) == {"copy-f01", "copy-f02"}
    assert set(table["In films"]) == {NASTY}
    well(app.button(key="fix_cross_listed").click().run())
    newest = list_pairs(workspace)[0]
    assert newest.settings["drop_cross_listed"]
    left = read_rows(workspace.pairs / newest.dataset_hash, "source")[ITEM]
    assert not left.str.startswith("copy").any()
    assert app.selectbox(key="pair_of_quality_tab").value == newest.dataset_hash


def test_people_with_two_ids_are_shown_and_one_id_of_each_is_dropped_in_one_click(workspace):
    own = [(user, f"{user}-{book}", 5, 1_600_000_000) for user in TWICE for book in range(12)]
    books = pd.concat([rows(1, "b"), pd.DataFrame(own, columns=[USER, ITEM, RATING, TIME])])
    again = books[books[USER].isin(TWICE)]
    again = again.assign(**{USER: "w" + again[USER]})
    add(workspace, "books", pd.concat([books, again]))
    add(workspace, "films", rows(2, "f"))
    quality_job(workspace, {"pair": made_without_page(workspace)}, silent)
    app = opened("Quality")
    table = next(frame.value for frame in app.dataframe if "Other user" in frame.value)
    assert set(table["Other user"]) == {"wu000", "wu001", "wu002"}
    assert set(table["Domain"]) == {"books"}
    well(app.button(key="fix_double_users").click().run())
    newest = list_pairs(workspace)[0]
    assert not read_rows(workspace.pairs / newest.dataset_hash, "source")[USER].str[0].eq("w").any()
    assert "without double users" in app.selectbox(key="pair_of_quality_tab").options[0]


def test_training_later_than_test_is_said_of_every_split(two_files, pair):
    for kind in ("temporal", "random"):
        payload = {"pair": pair, "settings": {"kind": kind}, "seed": 1}
        split_job(two_files, payload, silent)
    table = next(frame.value for frame in opened("Split").dataframe if "Validation" in frame.value)
    later = dict(zip(table["Kind"], table["Training later than test"], strict=True))
    assert later["temporal"] == "0%"
    assert later["random"] != "0%"
    quality_job(two_files, payload, silent)
    app = opened("Quality")
    assert "Does training know what came after the test?" in words(app)
    assert ("as expected of a split" in words(app)) != ("did later is in training" in words(app))


def test_an_unchecked_pair_offers_the_check(two_files, pair):
    app = opened("Quality")
    assert "not checked yet" in words(app)
    app.button(key="quality_check").click().run()
    (job,) = list_jobs(two_files)
    assert (job.kind, job.lane, job.payload) == ("quality", "short", {"pair": pair})


def test_a_split_is_counted_made_and_becomes_the_current_one(two_files, pair):
    app = opened("Split")
    assert "104 to test" in words(app)
    app.selectbox(key="split_kind").set_value("cold-start users").run()
    app.number_input(key="split_cold_share").set_value(0.5).run()
    assert "26 to test, 26 of them without target history" in words(app)
    well(app.button(key="split_make").click().run())
    (folder,) = two_files.splits.iterdir()
    info = read_info(folder)
    assert (info.kind, info.seed, info.settings["cold_share"]) == ("cold-start users", 2022, 0.5)
    assert folder.name in app.query_params["split"]
    table = next(frame.value for frame in app.dataframe if "Validation" in frame.value)
    assert table["Kind"].tolist() == ["cold-start users"]


def test_new_items_are_counted_hidden_and_said_to_be_strange_to_most_models(two_files, pair):
    app = opened("Split")
    app.selectbox(key="split_kind").set_value("new items").run()
    app.number_input(key="split_new_share").set_value(0.5).run()
    hidden = re.search(r"([\d,]+) of ([\d,]+) target items hidden for the test", words(app))
    test, items = (int(number.replace(",", "")) for number in hidden.groups())
    assert 0 < test <= items / 2
    assert "users hold those of the test" in words(app)
    assert "nobody trained on" not in words(app)
    well(app.button(key="split_make").click().run())
    (folder,) = two_files.splits.iterdir()
    info = read_info(folder)
    assert (info.kind, info.settings["new_share"]) == ("new items", 0.5)
    assert "lists new items in an arbitrary order" in words(app)


def test_every_kind_of_split_can_be_made(two_files, pair):
    app = opened("Split")
    for kind in KINDS:
        app.selectbox(key="split_kind").set_value(kind).run()
        if kind == LEAVE_K_OUT:  # of few rows a tenth is one, so k = 1 is the random split
            app.number_input(key="split_held_out").set_value(2).run()
        well(app.button(key="split_make").click().run())
        assert kind in {read_info(folder).kind for folder in two_files.splits.iterdir()}
    table = next(frame.value for frame in app.dataframe if "Validation" in frame.value)
    assert len(table) == len(KINDS)


def test_a_split_by_time_without_times_says_so(workspace):
    add(workspace, "books", rows(1, "b").drop(columns=TIME))
    add(workspace, "films", rows(2, "f").drop(columns=TIME))
    made_without_page(workspace)
    app = opened("Split").selectbox(key="split_kind").set_value("temporal").run()
    assert not app.exception
    assert "has no times" in app.error[0].value
