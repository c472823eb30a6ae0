"""Embeddings as a person uses it: a map at once, UMAP by a job, neighbours, and selections."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

from core.basics.workspace import Workspace
from core.embedding.neighbours import nearest
from core.embedding.umap_map import read_map
from core.jobs.table import DONE, end_job, list_jobs, read_job
from core.store.run_folder import read_run
from core.ui.embeddings.data import NAME, map_data
from tests.pages.stories import NASTY, ROOT, Trained, entered, open_page, well, words


def chart(app) -> dict:
    """The map as the browser gets it."""
    return json.loads(app.get("plotly_chart")[0].proto.spec)


def traces(app) -> dict[str, int]:
    """Points per layer, by the layer's name without its count."""
    points: dict[str, int] = {}
    for trace in chart(app)["data"]:
        name = trace["name"].rsplit(" (", 1)[0]
        points[name] = points.get(name, 0) + len(trace["text"])
    return points


@pytest.fixture
def own_workspace(_trained, tmp_path, monkeypatch) -> Trained:
    """A copy of the trained workspace that a test may write into; no supervisor starts."""
    shutil.copytree(_trained.workspace.root, tmp_path / "own")
    monkeypatch.setattr("core.ui.shell.ensure_supervisor", lambda workspace: None)
    return Trained(entered(Workspace(tmp_path / "own"), monkeypatch), _trained.runs)


def test_without_a_run_the_page_says_where_to_make_one(empty_workspace):
    app = well(open_page("embeddings"))
    assert "no trained run yet" in words(app)
    assert not app.get("plotly_chart")


def test_both_domains_are_on_the_map_at_once(trained_workspace):
    app = well(open_page("embeddings", run=trained_workspace.runs["ease"]))
    assert traces(app) == {"books": 80, "films": 64}
    said = words(app)
    assert "144 of 144 points" in said
    assert "not from this model" in said  # EASE has no vectors
    assert "trustworthiness" in said
    assert "distances between clusters mean little" in said


def test_titles_are_literal_in_hover_boxes(trained_workspace):
    app = well(open_page("embeddings", run=trained_workspace.runs["ease"]))
    hover = "".join(text for trace in chart(app)["data"] for text in trace["text"])
    assert "<img" not in hover
    assert "&lt;img src=x&gt; **bold" in hover


@pytest.mark.parametrize(
    ("what", "colour", "layers"),
    [
        ("users", "domain", {"users by their books": 240, "users by their films": 192}),
        ("users", "activity", {"users": 432}),
        ("both", "popularity", {"users": 432, "items": 144}),
        ("items", "category", {"other or none": 144}),
        ("items", "activity", {"books": 80, "films": 64}),  # no colour of items: the first instead
    ],
)
def test_a_link_opens_what_it_names(trained_workspace, what, colour, layers):
    address = {"run": trained_workspace.runs["ease"], "what": what, "colour": colour}
    assert traces(well(open_page("embeddings", **address))) == layers


def test_users_are_coloured_by_what_the_source_did_for_them(trained_workspace):
    run = trained_workspace.runs["ease"]
    app = well(open_page("embeddings", run=run, what="users", colour="lift"))
    found = read_run(trained_workspace.workspace.runs / run).record.lift["ndcg@10"]
    shown = traces(app)
    for name in ("helped", "harmed"):  # at most two points each: as either domain sees them
        assert found[name] <= shown[name] <= 2 * found[name]
    assert "mostly chance" in words(app)
    app = well(
        open_page(
            "embeddings", run=trained_workspace.runs["popularity"], what="users", colour="lift"
        )
    )
    assert set(traces(app)) == {"not evaluated"}
    assert "no twin" in words(app)


def test_clusters_part_the_items_of_different_tastes(trained_workspace):
    app = open_page("embeddings", run=trained_workspace.runs["ease"], colour="cluster")
    assert sum(traces(well(app)).values()) == 144
    assert "cluster 1" in traces(app)


def opened_before_and_after(run: str):
    app = open_page("embeddings", run=run)
    app.session_state["embeddings_tab"] = "Before and after"
    return well(app.run())


def test_before_and_after_stand_on_two_linked_maps_with_their_figures(trained_workspace):
    app = opened_before_and_after(trained_workspace.runs["ease"])
    figure = chart(app)
    names = [trace.get("name") for trace in figure["data"]]
    assert names == [None, "users by their books", "users by their films"] * 2
    assert figure["layout"]["yaxis2"]["matches"] == "y"
    said = words(app)
    assert "Retrieval MRR" in str(app.table[0].value)
    assert "A small gap does not imply a good transfer" in said
    assert "finds the same user" in said
    assert "vectors from the interactions" in said  # EASE has none


def test_the_gap_of_every_run_stands_against_its_lift_when_asked_for(trained_workspace):
    app = opened_before_and_after(trained_workspace.runs["ease"])
    assert len(app.get("plotly_chart")) == 1
    app.session_state["embeddings_tab"] = "Before and after"
    well(app.button(key="measure_gaps").click().run())
    assert "Fewer than two runs" in words(app)  # none of these models has vectors of users


def test_another_kind_of_points_forgets_a_colour_it_does_not_have(trained_workspace):
    app = open_page("embeddings", run=trained_workspace.runs["ease"], colour="popularity")
    app.segmented_control(key="what_widget").set_value("users").run()
    assert set(traces(well(app))) == {"users by their books", "users by their films"}


def test_a_search_shows_the_nearest_of_both_domains_and_marks_them(trained_workspace):
    run = trained_workspace.runs["ease"]
    app = open_page("embeddings", run=run)
    app.text_input(key="map_search").set_value("film number 10").run()
    well(app)
    books, films = (table.value for table in app.dataframe[:2])
    assert len(books) == len(films) == 10
    data = map_data(read_run(trained_workspace.workspace.runs / run), "items")
    row = int(np.flatnonzero(data.table[NAME] == "Film number 10")[0])
    rows, cosines = nearest(data.points.vectors, row, 10, np.flatnonzero(data.points.is_source))
    assert books[NAME].tolist() == data.table[NAME].iloc[rows].tolist()
    np.testing.assert_allclose(books["cosine"], cosines)
    assert [trace["marker"]["symbol"] for trace in chart(app)["data"][-2:]] == [
        "circle-open",
        "star",
    ]


def test_marks_of_a_search_go_with_it(trained_workspace):
    """The map is kept; a search marks a copy, or the star would stay for everybody."""
    app = open_page("embeddings", run=trained_workspace.runs["ease"])
    layers = len(chart(app)["data"])
    app.text_input(key="map_search").set_value("film number 10").run()
    assert len(chart(app)["data"]) == layers + 2
    app.text_input(key="map_search").set_value("").run()
    assert len(chart(app)["data"]) == layers


def test_a_search_finds_a_title_full_of_markup_and_shows_it_as_text(trained_workspace):
    app = open_page("embeddings", run=trained_workspace.runs["ease"])
    app.text_input(key="map_search").set_value("![PIXEL]").run()
    well(app)
    assert app.selectbox(key="map_found").options[0].startswith(NASTY)
    assert "![pixel](http" not in words(app)


def test_a_search_for_nothing_there_says_so(trained_workspace):
    app = open_page("embeddings", run=trained_workspace.runs["ease"])
    app.text_input(key="map_search").set_value("no such thing").run()
    assert "No title or id on this map contains" in words(well(app))


def test_selected_points_are_explained(trained_workspace):
    run = trained_workspace.runs["ease"]
    app = open_page("embeddings", run=run)
    points = [
        {"curve_number": 0, "point_index": 3},
        {"curve_number": 1, "point_index": 0},
        {"curve_number": 1, "point_index": 5},
        {"curve_number": 9, "point_index": 0},
    ]
    selection = {"points": points, "point_indices": [], "box": [], "lasso": []}
    app.session_state[f"map_{run}_items_domain_PCA"] = {"selection": selection}
    app.run()
    well(app)
    said = words(app)
    assert "3 selected points" in said
    assert "1 of books, 2 of films" in said
    table = app.dataframe[-1].value
    assert sorted(table["domain"]) == ["books", "films", "films"]
    assert NASTY in set(table["name"])


def test_umap_is_made_by_a_job_and_pca_shown_meanwhile(own_workspace):
    run, workspace = own_workspace.runs["ease"], own_workspace.workspace
    app = well(open_page("embeddings", run=run, layout="UMAP"))
    assert "below is PCA" in words(app)
    app.button(key="draw_umap").click().run()
    well(app)
    assert "PCA, seed" in words(app)
    (job,) = list_jobs(workspace, kind="map", active=True)
    assert (job.lane, job.payload["what"]) == ("short", "items")

    command = [sys.executable, "-m", "core.runs.jobs.worker", str(workspace.root), job.id]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    assert read_job(workspace, job.id).status == DONE
    kept = read_map(workspace.maps / read_job(workspace, job.id).result["map"])
    app.run()
    assert "UMAP, seed 0" in words(well(app))
    np.testing.assert_allclose(_x(chart(app)["data"][0]["x"]), kept.places[:80:4, 0])
    assert not [button for button in app.button if button.key == "draw_umap"]


def test_a_failed_map_says_why_and_can_be_asked_for_again(own_workspace):
    app = open_page("embeddings", run=own_workspace.runs["ease"], layout="UMAP")
    app.button(key="draw_umap").click().run()
    (job,) = list_jobs(own_workspace.workspace, kind="map")
    end_job(own_workspace.workspace, job.id, "failed", what="Memory ran out.", hint="Free some.")
    app.run()
    assert "Memory ran out" in words(well(app))
    assert app.button(key="draw_umap")


def _x(values) -> np.ndarray:
    """Numbers of a Plotly axis, which may travel as base64."""
    if isinstance(values, dict):
        import base64

        return np.frombuffer(base64.b64decode(values["bdata"]), dtype=values["dtype"])
    return np.array(values)


def test_figures_download_in_the_format_chosen_in_the_sidebar(trained_workspace):
    app = open_page("embeddings", run=trained_workspace.runs["ease"])
    formats = []
    for wanted in ("PNG", "SVG"):
        app.segmented_control(key="figure_format").set_value(wanted).run()
        config = json.loads(well(app).get("plotly_chart")[0].proto.config)
        formats.append(config["toImageButtonOptions"]["format"])
    assert formats == ["png", "svg"]
