"""Recommendations of models that read text: reasons in words, and a visitor who asks in words."""

import json
import shutil

import pandas as pd
import pytest

from core.basics.columns import ITEM, TITLE
from core.basics.progress import silent
from core.basics.workspace import Workspace
from core.jobs.table import DONE, end_job, list_jobs
from core.models.text.fine_tuned import FIRST_HEAD
from core.runs.making.compress import CompressPlan, compress_run
from core.runs.making.make_run import train_run
from core.runs.making.plan import RunPlan
from core.runs.making.route import route_runs
from core.runs.making.texts import asked_job, asked_payload, name_of
from core.store.run_folder import WEIGHTS, read_tensors, write_tensors
from tests.bilingual import bilingual_split
from tests.pages.stories import Trained, entered, open_page, well, words

NEW = "灯塔看守人的儿子"  # a film nobody took
WISH = "a dog that is someone's friend"
MODELS = ("text_profile", "text_ridge", "text_neighbours", "fine_tuned")
COMPRESSED = {
    "student": {"kind": "student"},
    "pruned": {"kind": "pruned", "keep": 0.05, "anyway": True},
}
QUICK = {"fine_tuned": {"epochs": 1, "source_epochs": 0, "factors": 16}}


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Trained:
    workspace = Workspace(tmp_path_factory.mktemp("texts") / "workspace")
    split_hash = bilingual_split(workspace, untaken=pd.DataFrame({ITEM: ["n"], TITLE: [NEW]}))
    runs = {
        name: train_run(RunPlan(split_hash, name, QUICK.get(name, {})), workspace).name
        for name in MODELS
    }
    for name, plan in COMPRESSED.items():
        runs[name] = compress_run(CompressPlan(runs["fine_tuned"], **plan), workspace).name
    older = shutil.copytree(workspace.runs / runs["fine_tuned"], workspace.runs / "older")
    state = {
        name: table for name, table in read_tensors(older / WEIGHTS).items() if name != FIRST_HEAD
    }
    write_tensors(older / WEIGHTS, state)
    for encoder in ("universal", *(name_of(runs[name]) for name in ("fine_tuned", *COMPRESSED))):
        asked_job(workspace, asked_payload(WISH, encoder), silent)
    return Trained(workspace, runs)


@pytest.fixture
def bilingual(made, monkeypatch) -> Trained:
    """English books and Chinese films with runs that read them; one wish was read before."""
    monkeypatch.setattr("core.ui.shell.ensure_supervisor", lambda workspace: None)
    entered(made.workspace, monkeypatch)
    return made


def test_an_item_nobody_took_is_listed_in_a_drawer_and_marked(bilingual):
    address = {"run": bilingual.runs["text_profile"], "user": "u0", "k": "50"}
    assert "With new items" not in words(
        open_page("recommendations", run=bilingual.runs["text_ridge"])
    )
    app = well(open_page("recommendations", "with_new_items", **address))
    assert "1 item of the item table that nobody took yet may be listed" in words(app)
    specs = [element.proto.spec for element in app.get("plotly_chart")]
    assert any(NEW in json.loads(spec).__repr__() and "new" in spec for spec in specs)


def visitor(run: str, **address: str):
    app = open_page("recommendations", run=run, **address)
    app.session_state["lists_tab"] = "New visitor"
    return well(app.run())


def column(app, name: str) -> list:
    """The tables that have such a column."""
    return [table.value for table in app.dataframe if name in table.value]


@pytest.mark.parametrize("model", MODELS)
def test_reasons_name_what_the_texts_share(bilingual, model):
    app = well(open_page("recommendations", run=bilingual.runs[model]))
    assert "What the texts share." in words(app)
    (table,) = column(app, "both texts share")
    assert len(table)
    assert table["cosine"].between(-1, 1).all()
    books = table[table["from"] == "books"]
    assert books["both texts share"].str.startswith("no word").all()  # English beside Chinese


@pytest.mark.parametrize(
    ("some", "others", "said"),
    [
        ("text_ridge", "text_neighbours", "learned from other users what a text"),
        ("text_neighbours", "text_ridge", "grows with how alike the texts are"),
    ],
)
def test_a_routed_run_tells_texts_by_the_model_that_answers(bilingual, some, others, said):
    """All of these people have six films in training."""
    ids = [bilingual.runs[name] for name in (some, others)]
    given = {"none": ids[1], "1-4": ids[1], "5+": ids[0]}
    routed = route_runs(bilingual.workspace, ids, given).name
    app = well(open_page("recommendations", run=routed))
    assert "What the texts share." in words(app)
    assert said in words(app)
    alone = well(open_page("recommendations", run=ids[0]))
    assert column(app, "both texts share")[0].equals(column(alone, "both texts share")[0])


def test_a_visitor_of_a_routed_run_is_heard_by_the_model_that_answers(bilingual):
    """Its words went nowhere, even where the model for new people can be asked in words."""
    ids = [bilingual.runs[name] for name in ("text_profile", "text_neighbours")]
    routed = route_runs(bilingual.workspace, ids, {"none": ids[0], "1+": ids[1]}).name
    ours, alone = visitor(routed, wish=WISH), visitor(ids[0], wish=WISH)
    listed = [
        json.loads(app.get("plotly_chart")[0].proto.spec)["data"][2]["text"]
        for app in (ours, alone)
    ]
    assert listed[0] == listed[1]
    assert listed[0][0] == "1  一只名叫星期五的狗"
    assert column(ours, "words in common")[1].equals(column(alone, "words in common")[1])
    knows = visitor(routed, wish=WISH, visitor="+tf16")
    assert "hears no words" in words(knows)


def test_a_run_that_reads_no_text_gives_no_reasons_in_words(trained_workspace):
    app = well(open_page("recommendations", run=trained_workspace.runs["ease"]))
    assert "What the texts share" not in words(app)


@pytest.mark.parametrize("model", ["text_profile", "text_ridge", "fine_tuned"])
def test_a_visitor_says_in_words_what_they_like(bilingual, model):
    app = visitor(bilingual.runs[model], wish=WISH)
    books, films = column(app, "words in common")
    assert books["title"].iloc[0] == "A Dog Named Friday"
    assert books["words in common"].iloc[0] == "dog"
    assert films["title"].iloc[0] == "一只名叫星期五的狗"
    assert "follow from the words alone" in words(app)
    assert "count as one more item of the history in films" in words(app)
    assert ("as this run tuned it" in words(app)) == (model == "fine_tuned")
    if model != "text_ridge":
        rows = json.loads(app.get("plotly_chart")[0].proto.spec)["data"][2]["text"]
        assert rows[0] == "1  一只名叫星期五的狗"


@pytest.mark.parametrize(
    ("run", "said"),
    [("student", "the student of this run's encoder"), ("pruned", "less surely")],
)
def test_a_smaller_run_says_who_read_the_words(bilingual, run, said):
    app = visitor(bilingual.runs[run], wish=WISH)
    assert said in words(app)
    assert ("the centre of a domain's texts" in words(app)) == (run == "pruned")
    assert len(column(app, "words in common")) == 2


def test_a_run_of_an_older_version_keeps_its_tab_and_hears_no_words(bilingual):
    app = visitor("older", wish=WISH)
    assert "Train this run again to ask it in words" in words(app)
    assert "the most popular items" in words(app)


def test_words_that_are_like_no_item_bring_the_most_popular_ones(
    nothing_kept, bilingual, monkeypatch
):
    """What the page says is about what was found, not about what was typed."""
    monkeypatch.setattr(
        "core.models.text.fine_tuned.FineTuned.likeness",
        lambda self, ours, theirs: 0 * (ours @ theirs.T),
    )
    app = visitor(bilingual.runs["fine_tuned"], wish=WISH)
    assert "No item is like these words" in words(app)
    assert "follow from the words alone" not in words(app)


def test_the_page_itself_never_encodes(nothing_kept, bilingual, monkeypatch):
    def refuse(name):
        raise AssertionError(f"the page loaded {name}")

    monkeypatch.setattr("core.models.text.vectors.encoder_of", refuse)
    for model in MODELS:
        well(open_page("recommendations", run=bilingual.runs[model]))
    for model in ("text_profile", "fine_tuned"):
        visitor(bilingual.runs[model], wish="never read before")
    well(open_page("embeddings", run=bilingual.runs["text_profile"], what="texts", meaning=WISH))


def test_words_that_were_never_read_are_asked_for_at_once(bilingual):
    app = visitor(bilingual.runs["text_profile"])
    app.text_input(key="wish_widget").set_value("pirates at sea").run()
    well(app)
    job = list_jobs(bilingual.workspace, kind="asked", active=True)[0]  # the newest
    assert job.payload == {"words": "pirates at sea", "encoder": "universal"}
    assert "in the background" in words(app)
    asked_job(bilingual.workspace, job.payload, silent)
    end_job(bilingual.workspace, job.id, DONE)
    app.run()
    assert column(app, "words in common")[0]["title"].iloc[0] == "Revenge of the Pirates"


def test_markup_in_a_wish_stays_literal(bilingual):
    app = visitor(bilingual.runs["text_profile"], wish="![x](http://elsewhere.example/p.png) $a$")
    assert "![x](http" not in words(app)


def test_other_runs_say_which_can_be_asked_in_words(trained_workspace):
    assert "can also be asked in words" in words(visitor(trained_workspace.runs["ease"]))
