"""Uploaded vectors on the pages: chosen, refused, mapped, and told without words."""

import json

import pandas as pd
import pytest

from core.basics.progress import silent
from core.basics.workspace import Workspace
from core.models.text.features import TextSettings
from core.models.text.vectors import ALONE, BESIDE
from core.runs.making.make_run import train_run
from core.runs.making.plan import RunPlan
from core.runs.making.texts import asked_job, asked_payload, texts_job, texts_payload
from core.ui.train.models import DRAWER
from tests.bilingual import bilingual_split
from tests.pages.stories import Trained, entered, open_page, well, words
from tests.pages.test_embeddings_page import traces

WISH = "a dog that is someone's friend"
SETTING = "setting_text_profile_vectors"


@pytest.fixture(autouse=True)
def nobody_starts(monkeypatch):
    """No supervisor begins what a page asks for."""
    monkeypatch.setattr("core.ui.shell.ensure_supervisor", lambda workspace: None)


@pytest.fixture
def space(tmp_path, monkeypatch) -> Workspace:
    return entered(Workspace(tmp_path / "workspace"), monkeypatch)


def train_page(split_hash: str):
    app = open_page("train", DRAWER, "search_box", "details_text_profile", split=split_hash)
    for box in app.checkbox:
        if not box.disabled:
            box.set_value(box.key == "train_text_profile")
    app.run()
    assert not app.exception
    return app


def errors(app) -> str:
    return "\n".join(str(error.value) for error in app.error).replace("\\", "")


def test_items_without_titles_train_once_vectors_are_set_to_alone(space, monkeypatch):
    asked = []
    monkeypatch.setattr("core.ui.shell.enqueue", lambda *args: asked.append(args[1:3]) or "x")
    app = train_page(bilingual_split(space, (4, 4), titled=False))
    assert "but they have vectors: set vectors to alone" in words(app)
    assert "cannot be trained here" in errors(app)
    assert app.button(key="train_start").disabled
    assert app.radio(key="setting_text_profile_encoder").value == "universal"
    app = well(app.selectbox(key=SETTING).set_value(ALONE).run())
    assert not list(app.radio)  # no text is read, so no encoder is asked for
    well(app.button(key="train_start").click().run())
    (plan,) = [payload for kind, payload in asked if kind == "train"]
    assert plan["settings"]["vectors"] == ALONE
    assert "vectors alone" in plan["label"]


def test_vectors_of_two_widths_are_refused_before_training_with_what_to_do(space):
    app = train_page(bilingual_split(space, (4, 5)))
    assert not app.button(key="train_start").disabled  # texts alone are fine
    app.selectbox(key=SETTING).set_value(BESIDE).run()
    assert "the source's vectors have 4 numbers and the target's 5." in errors(app)
    assert "Import item tables with vectors of one kind for both" in errors(app)
    assert app.button(key="train_start").disabled


def test_without_vectors_nobody_is_asked_about_them(space):
    app = train_page(bilingual_split(space))
    assert SETTING not in [box.key for box in app.selectbox]
    offered = app.multiselect(key="search_names_text_profile").options
    assert "regularization" in offered
    assert "vectors" not in offered


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Trained:
    workspace = Workspace(tmp_path_factory.mktemp("vectors") / "workspace")
    split_hash = bilingual_split(workspace, (12, 12))
    runs = {
        use: train_run(RunPlan(split_hash, "text_profile", {"vectors": use}), workspace).name
        for use in (ALONE, BESIDE)
    }
    asked_job(workspace, asked_payload(WISH, "universal"), silent)
    return Trained(workspace, runs)


@pytest.fixture
def trained(made, monkeypatch) -> Trained:
    entered(made.workspace, monkeypatch)
    return made


def test_the_map_takes_vectors_alone_without_any_encoding(space):
    bilingual_split(space, (12, 12))
    app = well(open_page("embeddings", vectors=ALONE))
    assert traces(app) == {"books": 50, "films": 50}
    assert "uploaded vectors, before any model" in words(app)
    assert "meaning_widget" not in [box.key for box in app.text_input]
    app.text_input(key="find").set_value("Alone on Mars").run()
    nearest = well(app).dataframe[1].value
    assert nearest["name"].iloc[0] == "独自在火星"  # with its book's very vector
    assert nearest["cosine"].iloc[0] == pytest.approx(1)


def test_the_map_takes_vectors_beside_texts_and_is_another_one(space):
    split_hash = bilingual_split(space, (12, 12))
    settings = TextSettings(vectors=BESIDE)
    texts_job(space, texts_payload(split_hash, settings), silent)
    asked_job(space, asked_payload(WISH, "universal"), silent)
    app = well(open_page("embeddings", vectors=BESIDE, meaning=WISH))
    assert "gives them beside uploaded vectors, before any model" in words(app)
    assert app.dataframe[0].value["name"].iloc[0] == "A Dog Named Friday"
    beside = json.loads(app.get("plotly_chart")[0].proto.spec)["data"][0]
    plain = well(open_page("embeddings", vectors="not used"))
    alone = json.loads(plain.get("plotly_chart")[0].proto.spec)["data"][0]
    assert beside["x"] != alone["x"]


def test_a_map_of_items_with_vectors_and_no_titles_has_nothing_to_choose(space):
    bilingual_split(space, (4, 4), titled=False)
    app = well(open_page("embeddings"))
    assert "shown by their uploaded vectors" in words(app)
    assert traces(app) == {"books": 50, "films": 50}
    assert not [one.key for one in app.selectbox if one.key == "encoder_widget"]


def test_vectors_of_two_widths_are_not_offered_on_the_map(space):
    split_hash = bilingual_split(space, (4, 5))
    texts_job(space, texts_payload(split_hash, TextSettings()), silent)
    app = well(open_page("embeddings", vectors=ALONE))
    assert "texts (titles) as Universal" in words(app)


def reasons(app) -> pd.DataFrame:
    return next(t.value for t in app.dataframe if "cosine" in t.value and "adds" in t.value)


def test_reasons_of_vectors_alone_name_no_words_and_say_so(trained):
    app = well(open_page("recommendations", run=trained.runs[ALONE]))
    assert "reads uploaded vectors and no text, so its reasons name no words" in words(app)
    assert "both texts share" not in reasons(app)
    assert reasons(app)["cosine"].max() > 0.9  # a film with the vector of its book
    assert "is alike to *" in words(app)


def test_reasons_of_vectors_beside_texts_name_words_too(trained):
    app = well(open_page("recommendations", run=trained.runs[BESIDE]))
    assert "What the texts share." in words(app)
    assert "the uploaded ones beside them" in words(app)
    assert "both texts share" in reasons(app)


def visitor(run: str, **address: str):
    app = open_page("recommendations", run=run, **address)
    app.session_state["lists_tab"] = "New visitor"
    return well(app.run())


def test_a_run_on_vectors_alone_has_no_box_for_words(trained):
    app = visitor(trained.runs[ALONE], wish=WISH)
    assert "cannot be asked in words" in words(app)
    assert "wish_widget" not in [box.key for box in app.text_input]


def test_words_are_heard_beside_vectors_and_their_items_come_first(trained):
    app = visitor(trained.runs[BESIDE], wish=WISH)
    books, films = (t.value for t in app.dataframe if "words in common" in t.value)
    assert books["title"].iloc[0] == "A Dog Named Friday"
    assert films["title"].iloc[0] == "一只名叫星期五的狗"
    assert "with zeros where items have their uploaded vectors" in words(app)
