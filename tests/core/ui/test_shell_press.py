"""A press that is faster than the page acts on the choices made before it, not on older ones."""

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.basics.workspace import VARIABLE


def script():
    import streamlit as st

    from core.basics.errors import DataError
    from core.ui.frame import page
    from core.ui.shell import draw_press

    def work(size):
        if size > 90:
            raise DataError(what="Too large.", hint="Choose less.")
        st.session_state.setdefault("done", []).append(size)

    with page("Title", "Question?"):
        st.write(f"done: {st.session_state.get('done', [])}")
        size = st.number_input("Size", 0, 100, 10, key="size")
        if not st.checkbox("Without a button", key="without"):
            draw_press("Go", work, (size,), key="go", disabled=size == 0)


@pytest.fixture
def app(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path / "workspace"))
    st.cache_resource.clear()
    return AppTest.from_function(script, default_timeout=30).run()


def said(app):
    assert not app.exception
    return next(text.value for text in app.markdown if text.value.startswith("done"))


def test_a_press_does_its_work_once(app):
    app.button(key="go").click().run()
    assert said(app.run()) == "done: [10]"
    app.button(key="go").click().run()
    assert said(app.run()) == "done: [10, 10]"


def test_a_number_typed_and_a_press_at_once_act_on_the_number(app):
    """A person typed 50, pressed the button in the same moment and got 10, which stood before."""
    app.number_input(key="size").set_value(50)
    app.button(key="go").click().run()
    assert said(app) == "done: [50]"
    assert said(app.run()) == "done: [50]"


def test_a_press_counts_where_the_choice_before_it_made_the_button_work(app):
    """The server had drawn it as disabled, the browser still showed what came before."""
    app.number_input(key="size").set_value(0).run()
    app.number_input(key="size").set_value(20)
    app.button(key="go")._value = True  # click() refuses what was drawn as disabled
    assert said(app.run()) == "done: [20]"
    assert said(app.run()) == "done: [20]"


def test_nothing_is_done_where_the_new_choice_forbids_it(app):
    app.number_input(key="size").set_value(0)
    app.button(key="go").click().run()
    app.number_input(key="size").set_value(20).run()
    assert said(app) == "done: []"


def test_a_press_on_a_button_that_went_away_is_not_made_up_for_later(app):
    app.checkbox(key="without").check()
    app.button(key="go").click().run()
    app.checkbox(key="without").uncheck().run()
    assert said(app) == "done: []"


@pytest.mark.parametrize("at_once", [True, False])
def test_an_error_of_the_work_is_shown_in_two_sentences(app, at_once):
    app.number_input(key="size").set_value(95)
    if not at_once:
        app.run()
    app.button(key="go").click().run()
    assert [error.value for error in app.error] == ["Too large\\. Choose less\\."]


def test_why_a_press_could_not_be_done_is_read_also_where_the_page_begins_anew(app):
    """Seen: a number was typed, the button pressed, the disk was full, and nothing was said."""

    def full(tmp):
        import errno

        import streamlit as st

        from core.ui.data.shared import attempt, draw_failed_attempt
        from core.ui.frame import page
        from core.ui.shell import draw_press, guarded

        def refuse():
            raise OSError(errno.ENOSPC, "No space left on device")

        def at_once():
            with guarded():
                refuse()

        with page("Title", "Question?"):
            draw_failed_attempt()
            st.number_input("Size", 0, 100, 10, key="size")
            draw_press("Go", attempt, (refuse,), key="go")
            draw_press("Go at once", at_once, (), key="at_once")

    for key in ("go", "at_once"):
        for typed in (10, 50):  # as drawn, and faster than the page
            full_app = AppTest.from_function(full, args=(None,), default_timeout=30).run()
            full_app.number_input(key="size").set_value(typed)
            full_app.button(key=key).click().run()
            (error,) = full_app.error
            assert error.value.startswith("The disk is full, so this could not be done")
            assert not full_app.run().error  # said once
