"""Train: models that read text ask for an encoder by what it is, not by a bare name."""

from dataclasses import replace

from core.jobs.table import list_jobs
from core.models.text.encoders import ENCODERS
from core.ui.train.models import DRAWER
from tests.pages.stories import open_page, well, words

KEY = "setting_text_profile_encoder"


def opened():
    app = open_page("train", DRAWER, "details_text_profile")
    app.checkbox(key="train_ease").uncheck()
    return well(app.checkbox(key="train_text_profile").check().run())


def test_licence_and_size_stand_beside_every_encoder(trained_workspace):
    picker = opened().radio(key=KEY)
    assert picker.value == "universal"
    captions = "\n".join(picker.proto.captions)
    assert "Apache\\-2\\.0 · 33 MB · installed" in captions
    assert next(iter(picker.proto.options)).startswith("Universal sentence encoder")


def test_an_encoder_that_is_not_installed_cannot_be_chosen_and_says_what_to_install(
    trained_workspace, monkeypatch
):
    absent = replace(ENCODERS["universal"], needs=("no_such_package",), packages="such-a-package")
    monkeypatch.setitem(ENCODERS, "universal", absent)
    app = opened()
    assert app.radio(key=KEY).value == "tf-idf"
    assert app.checkbox(key=f"{KEY}_universal").disabled
    assert "pip install such-a-package" in words(app)


def test_the_chosen_encoder_reaches_the_run(trained_workspace, monkeypatch):
    asked = []
    monkeypatch.setattr("core.ui.shell.enqueue", lambda *args: asked.append(args[1:3]) or "x")
    monkeypatch.setattr("core.ui.shell.ensure_supervisor", lambda workspace: None)
    app = opened()
    app.radio(key=KEY).set_value("tf-idf").run()
    well(app.button(key="train_start").click().run())
    (plan,) = [payload for kind, payload in asked if kind == "train"]
    assert plan["settings"]["encoder"] == "tf-idf"
    assert list_jobs(trained_workspace.workspace, kind="train") == []
