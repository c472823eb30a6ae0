"""Figures a model found out about itself, as the Train page shows them."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from core.ui.train.runs import findings
from tests.records import record

GOOD = {"title": "Mapping error", "value": 0.25, "help": "1 is nothing learned."}


def test_a_run_older_than_findings_has_none():
    assert findings(record()) == []


@pytest.mark.parametrize(
    "broken",
    [
        "text",
        {"title": "no value"},
        GOOD | {"value": "high"},
        GOOD | {"value": float("inf")},
        GOOD | {"title": None},
        GOOD | {"value": True},
    ],
)
def test_a_foreign_run_file_cannot_break_the_page(broken):
    assert findings(record(findings=[broken, GOOD])) == [GOOD]


def test_the_page_shows_title_value_and_help_as_plain_text(tmp_path):
    def page(folder, finding):
        from core.store.run_folder import Run
        from core.ui.train.runs import draw_findings
        from tests.records import record

        draw_findings(Run(folder, record(findings=[finding])))
        draw_findings(Run(folder, record()))

    sly = GOOD | {"title": "Gap $x$", "help": "<b>bold</b>"}
    app = AppTest.from_function(page, args=(tmp_path, sly)).run()
    assert not app.exception
    (metric,) = app.metric
    assert (metric.label, metric.value) == (r"Gap \$x\$", ".2500")
    assert metric.help == r"\<b\>bold\</b\>"
