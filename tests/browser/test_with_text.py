"""With the network cut: texts are encoded, mapped and searched, a visitor asks in words, and the
encoder itself is fine-tuned."""

import re
from pathlib import Path

import psutil
import pytest

from core.basics.workspace import Workspace
from core.jobs.table import DONE
from core.runs.making.make_run import train_run
from core.runs.making.plan import RunPlan
from core.store.run_folder import list_runs
from core.ui.train.models import DRAWER
from tests.bilingual import bilingual_split
from tests.browser.browsing import App, wait_until

pytestmark = pytest.mark.browser
NOWHERE = "http://127.0.0.1:9"  # a proxy that is not there: nothing but this machine is reached
BOX = "Search by meaning"


@pytest.fixture(scope="module")
def app(browser, tmp_path_factory):
    """The app on English books and Chinese films, with one run that reads their titles."""
    workspace = Workspace(tmp_path_factory.mktemp("with_text") / "workspace")
    with pytest.MonkeyPatch.context() as cut:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            cut.setenv(name, NOWHERE)
            cut.setenv(name.lower(), NOWHERE)
        for name in ("NO_PROXY", "no_proxy"):
            cut.setenv(name, "127.0.0.1,localhost")
        train_run(RunPlan(bilingual_split(workspace), "text_profile"), workspace)
        running = App(workspace.root)
        running.start()
        yield running
        running.stop()


def say(visit, label: str, words: str) -> None:
    """Type words into a box and press Enter."""
    box = visit.page.get_by_role("textbox", name=label)
    box.fill(words)
    box.press("Enter")
    visit.settle()


def loaded_for_texts(app) -> list[str]:
    """Files of torch and scikit-learn in the app itself: none, texts are read by children."""
    files = {Path(part.path).as_posix() for part in psutil.Process(app.process.pid).memory_maps()}
    return sorted(file for file in files if re.search(r"/torch/|/sklearn/", file))


def test_texts_are_encoded_mapped_and_found_by_words_in_either_language(visit, app):
    visit.open("/data?tab=Text").sees("In which script")
    visit.open("/embeddings?what=texts&reads=titles%20and%20categories")
    visit.sees("were not encoded yet")
    visit.press_key("encode_texts")
    visit.sees("texts (titles and categories) as Universal", seconds=120)
    visit.sees_chart()
    for words in ("three sisters who marry", "一只狗"):
        say(visit, BOX, words)
        visit.sees(f"Nearest to “{words}”", seconds=120)
        visit.sees("nearest in the original space")
    visit.sees_address("meaning=").page.reload()
    visit.settle().sees("Nearest to “一只狗”")
    assert loaded_for_texts(app) == []


def test_a_visitor_gets_items_by_what_they_say(visit, app):
    visit.open("/recommendations").tab("New visitor").sees("the most popular items")
    say(visit, "What do they like, in words?", "a dog that is someone's friend")
    visit.sees("follow from the words alone", seconds=120)
    visit.sees_chart()
    rows = visit.page.locator("[data-testid=stPlotlyChart] .textpoint text, .text text")
    listed = [text for text in rows.all_text_contents() if re.match(r"\d+ ", text)]
    assert "一只名叫星期五的狗" in listed[0]
    visit.sees("count as one more item of the history in films")
    assert loaded_for_texts(app) == []


def test_the_encoder_is_fine_tuned_from_the_page(visit, app):
    """On the source's titles and then on the target's, with its twin, and compared."""
    visit.open("/train").press_drawer(DRAWER)
    visit.tick("train_ease", on=False).tick("train_fine_tuned")
    visit.press_drawer("details_fine_tuned")
    factors = visit.page.get_by_role("spinbutton", name="Factors")
    factors.fill("16")
    factors.press("Enter")
    visit.settle().press_key("train_start")
    wait_until(lambda: app.jobs("train"), "the training is asked for")
    wait_until(lambda: not app.jobs("train")[0].is_active, "the encoder is tuned", seconds=240)
    assert app.jobs("train")[0].status == DONE, app.jobs("train")[0].what
    (run,) = [run for run in list_runs(app.workspace) if run.record.model == "fine_tuned"]
    assert run.twin is not None
    visit.goto("Metrics").sees(run.label)
    visit.sees_chart()
    assert loaded_for_texts(app) == []
