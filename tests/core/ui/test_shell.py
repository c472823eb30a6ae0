"""The frame of a page: errors in two sentences, the address bar, and jobs in the sidebar."""

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.basics.workspace import VARIABLE, Workspace
from core.jobs.table import claim, end_job, enqueue, list_jobs, read_job
from core.ui.shell import ask_job, ask_jobs, title_and_rest
from core.ui.state import bounded, one_of, some_of


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    workspace = Workspace(tmp_path / "workspace")
    monkeypatch.setenv(VARIABLE, str(workspace.root))
    st.cache_resource.clear()
    st.cache_data.clear()
    return workspace


def run(script, **address):
    app = AppTest.from_function(script, default_timeout=30)
    for name, value in address.items():
        app.query_params[name] = value
    return app.run()


def test_an_error_shows_both_sentences_and_what_stood_before_it(workspace):
    def script():
        import streamlit as st

        from core.basics.errors import DataError
        from core.ui.frame import page

        with page("Title", "Question?"):
            st.write("before")
            raise DataError(what="It broke with <b>.", hint="Do this.")

    app = run(script)
    assert [error.value for error in app.error] == ["It broke with \\<b\\>\\. Do this\\."]
    assert "before" in [text.value for text in app.markdown]
    assert not app.exception


def test_an_error_of_a_button_is_shown_even_if_the_page_begins_anew(workspace):
    """Seen: a name was refused, the page began anew at once, and nobody read why."""

    def script():
        import streamlit as st

        from core.basics.errors import RunError
        from core.ui.frame import page
        from core.ui.shell import guarded

        def refuse():
            with guarded():
                raise RunError(what="It is gone.", hint="Choose another.")
            st.session_state["again"] = True

        with page("Title", "Question?"):
            st.button("Save", on_click=refuse)
            if st.session_state.pop("again", False):
                st.rerun()

    app = run(script)
    app.button[0].click().run()
    assert [error.value for error in app.error] == ["It is gone\\. Choose another\\."]
    assert not app.run().error  # said once


def test_an_error_of_a_button_in_a_fragment_is_shown_in_the_fragment(workspace):
    def script():
        import streamlit as st

        from core.basics.errors import RunError
        from core.ui.frame import page
        from core.ui.shell import guarded

        def refuse():
            with guarded():
                raise RunError(what="It is gone.", hint="Choose another.")

        @st.fragment
        def part():
            with guarded():
                st.button("Save", on_click=refuse)

        with page("Title", "Question?"):
            part()

    app = run(script)
    app.button[0].click().run()
    assert [error.value for error in app.error] == ["It is gone\\. Choose another\\."]


def test_a_full_disk_is_called_so_whoever_met_it(workspace):
    def script():
        import errno

        from core.ui.frame import page

        with page("Title", "Question?"):
            raise OSError(errno.ENOSPC, "No space left on device")

    (error,) = run(script).error
    assert error.value.startswith("The disk is full, so this could not be done\\. Free some space")


def test_an_unknown_error_shows_no_traceback_but_the_log_has_it(workspace):
    def script():
        from core.ui.frame import page

        with page("Title", "Question?"):
            raise ZeroDivisionError("secret detail")

    app = run(script)
    (error,) = app.error
    assert "logs/app.log" in error.value
    assert "secret" not in error.value
    assert not app.exception
    text = (workspace.logs / "app.log").read_text()
    assert "Traceback" in text
    assert "secret detail" in text


def test_stop_and_rerun_pass_through(workspace):
    def script():
        import streamlit as st

        from core.ui.frame import page

        with page("Title", "Question?"):
            if "again" not in st.session_state:
                st.session_state["again"] = True
                st.rerun()
            st.write("second time")
            st.stop()
            st.write("never")

    app = run(script)
    texts = [text.value for text in app.markdown]
    assert "second time" in texts
    assert "never" not in texts
    assert not app.error


def weights_script():
    import streamlit as st

    from core.ui.state import bounded, linked, restore_address, weights

    restore_address()
    st.slider("alpha", 0.0, 1.0, step=0.05, **linked("alpha", 1.0, bounded(0.0, 1.0)))
    st.write(str(weights()))


def test_a_slider_takes_its_value_from_the_address_and_writes_it_back(workspace):
    app = run(weights_script, alpha="0.7", beta="0.25")
    assert app.slider(key="alpha_widget").value == 0.7
    assert app.markdown[0].value == "(0.7, 0.25)"
    app.slider(key="alpha_widget").set_value(0.3).run()
    assert app.query_params["alpha"] in ("0.3", ["0.3"])
    assert app.markdown[0].value == "(0.3, 0.25)"


@pytest.mark.parametrize(("text", "value"), [("abc", 1.0), ("nan", 1.0), ("7", 1.0), ("-3", 0.0)])
def test_nonsense_gives_the_default_and_too_much_the_bound(workspace, text, value):
    assert run(weights_script, alpha=text).slider(key="alpha_widget").value == value


def test_what_was_kept_comes_back_when_the_address_bar_was_emptied(workspace):
    app = run(weights_script, alpha="0.7")
    app.query_params.clear()
    app.run()
    assert app.query_params["alpha"] in ("0.7", ["0.7"])


def test_parsers_refuse_what_they_do_not_know():
    assert bounded(5, 50, int)("12") == 12
    assert bounded(5, 50, int)("1e9") == 50
    assert one_of((5, 10))("10") == 10
    assert some_of(["a", "b"])("b,c") == ["b"]
    for parse, text in ((bounded(0, 1), "x"), (one_of((5, 10)), "7"), (some_of(["a"]), "b")):
        with pytest.raises(ValueError, match=text):
            parse(text)


def tabs_script():
    import streamlit as st

    from core.ui.state import linked, one_of, restore_address, some_of

    restore_address()
    names = ["List", "Compare"]
    st.tabs(names, **linked("lists_tab", "List", one_of(names), key="lists_tab"))
    runs = ["a", "b", "c"]
    chosen = st.multiselect("With", runs, **linked("with", ["a"], some_of(runs), key="with_runs"))
    st.write(f"tab {st.session_state['lists_tab']}, with {','.join(chosen)}")


def test_tabs_and_choices_of_several_stand_in_the_address(workspace):
    """Seen: Metrics was left at its tab Fairness, reloaded, and opened at Per user."""
    app = run(tabs_script, lists_tab="Compare", **{"with": "c,b,gone"})
    assert "tab Compare, with c,b" in [text.value for text in app.markdown]
    app.multiselect(key="with_runs").set_value(["b"]).run()
    assert app.query_params["with"] in ("b", ["b"])
    app.multiselect(key="with_runs").set_value([]).run()
    fresh = run(tabs_script, **{"with": ""})
    assert fresh.multiselect(key="with_runs").value == []


@pytest.mark.parametrize(
    ("caption", "title", "rest"),
    [
        ("How long? The line is k.", "How long?", "The line is k."),
        ("Best epoch: 4, with RMSE .81 on users.", "Best epoch: 4, with RMSE .81 on users", ""),
        ("Whose is higher? 12 users; none left.", "Whose is higher?", "12 users; none left."),
        ("Books of St\\. Ives. Read", "Books of St\\. Ives", "Read"),
        ("no stop", "no stop", ""),
    ],
)
def test_the_first_sentence_of_a_caption_is_the_charts_title(caption, title, rest):
    assert title_and_rest(caption) == (title, rest)


def test_a_chart_stands_under_its_title(workspace):
    """Seen: the question stood in small grey letters below, so a projected chart had no title."""

    def script():
        import plotly.graph_objects as go

        from core.ui.shell import show_chart

        show_chart(go.Figure(), "Do they mix? Distances mean little.", "map")

    drawn = [element for element in run(script).main if element.type != "main"]
    assert [element.type for element in drawn] == ["markdown", "plotly_chart", "caption"]
    assert (drawn[0].value, drawn[2].value) == ("**Do they mix?**", "Distances mean little.")


def sidebar_script():
    from core.ui.frame import draw_sidebar

    draw_sidebar()


def test_an_empty_workspace_has_no_pair_and_no_jobs(workspace):
    app = run(sidebar_script)
    assert [caption.value for caption in app.sidebar.caption] == ["No pair yet."]
    assert not app.sidebar.button


def test_a_waiting_job_shows_and_its_cancel_works(workspace, monkeypatch):
    monkeypatch.setattr("core.ui.shell.ensure_supervisor", lambda here: False)
    job = enqueue(workspace, "train", {"a": 1}, "training", "EASE <b>x</b>")
    app = run(sidebar_script)
    assert "1 job" in "".join(text.value for text in app.sidebar.markdown)
    app.button(key=f"cancel_{job}").click().run()
    assert read_job(workspace, job).status == "cancelled"
    assert not app.sidebar.button


def test_the_panel_vanishes_when_the_last_job_has_ended(workspace, monkeypatch):
    monkeypatch.setattr("core.ui.shell.ensure_supervisor", lambda here: False)
    job = enqueue(workspace, "train", {"a": 1}, "training", "EASE")
    claim(workspace, job, None)
    app = run(sidebar_script)
    assert app.sidebar.button
    end_job(workspace, job, "done")
    app.run()
    assert not app.sidebar.button
    assert not app.exception


def test_what_is_asked_for_twice_is_one_job_and_somebody_takes_it_up(workspace, monkeypatch):
    called = []
    monkeypatch.setattr("core.ui.shell.ensure_supervisor", called.append)
    first = ask_job("quality", {"pair": "a"}, "Check a")
    assert ask_job("quality", {"pair": "a"}, "Check a") == first
    assert ask_job("quality", {"pair": "b"}, "Check b") != first
    (b, a) = list_jobs(workspace)
    assert (a.title, b.title) == ("Check a", "Check b")
    assert {a.lane, b.lane} == {"short"}
    assert called == [workspace] * 3


def test_several_jobs_are_asked_for_in_their_order_and_taken_up_once(workspace, monkeypatch):
    called = []
    monkeypatch.setattr("core.ui.shell.ensure_supervisor", called.append)
    ids = ask_jobs("train", [({"n": n}, f"Run {n}") for n in range(3)], "training")
    assert [read_job(workspace, id).payload for id in ids] == [{"n": n} for n in range(3)]
    assert called == [workspace]
    assert ask_jobs("train", []) == []


def test_a_job_that_cannot_be_asked_for_is_told_in_two_sentences(workspace, monkeypatch):
    def script():
        from core.ui.frame import page
        from core.ui.shell import ask_job

        with page("Title", "Question?"):
            ask_job("train", {}, "EASE", "fast")

    (error,) = run(script).error
    said = error.value.replace("\\", "")
    assert said == "There is no lane 'fast'. Choose from training, short, trials."
    assert list_jobs(workspace) == []
