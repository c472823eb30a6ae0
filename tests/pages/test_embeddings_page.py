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
    assert "this model has none" in said  # EASE has no vectors
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
    names = [trace["name"] for trace in chart(app)["data"] if trace["showlegend"]]
    assert len(names) == len(set(names)) == 8
    said = [entry["text"] for entry in chart(app)["layout"].get("annotations", [])]
    assert {f"<b>{name.rsplit(' (', 1)[0]}</b>" for name in names if "Mixed" not in name} == set(
        said
    )
    assert "What lies together?" in words(app)


def test_both_items_and_users_have_one_entry_of_the_legend_for_a_colour(trained_workspace):
    """Eighteen entries stood under the map: eight clusters, each again for its users."""
    run = trained_workspace.runs["ease"]
    for colour, entries in (("cluster", 8), ("domain", 2)):
        app = well(open_page("embeddings", run=run, what="both", colour=colour))
        shown = [trace["name"] for trace in chart(app)["data"] if trace["showlegend"]]
        assert len(shown) == entries
        assert "dots are items, diamonds users" in words(app)


def test_a_chart_has_its_answer_as_a_title_and_for_screen_readers(trained_workspace):
    run = trained_workspace.runs["ease"]
    for address in (
        {},
        {"what": "users", "colour": "activity"},
        {"embeddings_tab": "Before and after"},
    ):
        app = well(open_page("embeddings", run=run, **address))
        spoken = app.get("plotly_chart")[0].proto.alt
        assert "?" in spoken
        assert spoken.split("?")[0] in words(app)


def opened_before_and_after(run: str, **more):
    return well(open_page("embeddings", run=run, embeddings_tab="Before and after", **more))


def test_before_and_after_stand_on_two_linked_maps_with_their_figures(trained_workspace):
    app = opened_before_and_after(trained_workspace.runs["ease"])
    figure = chart(app)
    names = [trace.get("name") for trace in figure["data"]]
    assert names == [None, "users by their books", "users by their films"] * 2
    assert figure["layout"]["yaxis2"]["matches"] == "y"
    said = words(app)
    table = app.table[0].value
    assert "Retrieval MRR" in str(table)
    assert table["after"].str.contains("chance").all()  # every figure beside what chance gives
    assert set(table["says"]) <= {"no change shown", "closer", "further apart", "more alike"} | {
        "less alike",
        "found better",
        "found worse",
    }
    assert "A small gap does not imply a good transfer" in said
    assert "the same person in films is" in said
    assert "With both domains' interactions joined" in said  # EASE has no vectors
    assert "this model" not in said + json.dumps(figure["layout"]["annotations"])


def test_who_is_selected_on_one_map_stands_out_on_both_and_is_told_apart(trained_workspace):
    app = opened_before_and_after(trained_workspace.runs["ease"])
    some = list(range(0, 40))
    points = [{"curve_number": 1, "point_index": row, "customdata": row} for row in some]
    selection = {"points": points, "point_indices": [], "box": [], "lasso": []}
    app.session_state["before_after"] = {"selection": selection}
    well(app.run())
    dots = [trace for trace in chart(app)["data"] if trace["mode"] == "markers"]
    bright = [trace for trace in dots if trace["marker"]["opacity"] > 0.5]
    assert len(bright) == 4
    assert all(_x(trace["customdata"]).tolist() == some for trace in bright)
    assert "40 selected people" in words(app)
    assert "Median distance between their two places" in words(app)
    app.button(key="gap_all").click().run()
    assert "selected people" not in words(well(app))


def test_both_maps_are_coloured_by_one_scale_that_a_link_can_name(trained_workspace):
    app = opened_before_and_after(trained_workspace.runs["ease"], gap_colour="distance")
    figure = chart(app)
    assert figure["layout"]["coloraxis"]["colorbar"]["title"]["text"] == "distance"
    assert sum("coloraxis" in trace.get("marker", {}) for trace in figure["data"]) == 4


def test_the_gap_of_every_run_stands_against_its_lift_when_asked_for(trained_workspace):
    app = opened_before_and_after(trained_workspace.runs["ease"])
    assert len(app.get("plotly_chart")) == 1
    well(app.button(key="measure_gaps").click().run())
    assert "Fewer than two runs" in words(app)  # none of these models has vectors of users


def test_another_kind_of_points_forgets_a_colour_it_does_not_have(trained_workspace):
    app = open_page("embeddings", run=trained_workspace.runs["ease"], colour="popularity")
    app.segmented_control(key="what_widget").set_value("users").run()
    assert set(traces(well(app))) == {"users by their books", "users by their films"}


def test_a_search_shows_the_nearest_of_both_domains_and_marks_them(trained_workspace):
    run = trained_workspace.runs["ease"]
    app = open_page("embeddings", run=run)
    app.text_input(key="find").set_value("film number 10").run()
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
    app.text_input(key="find").set_value("film number 10").run()
    assert len(chart(app)["data"]) == layers + 2
    app.text_input(key="find").set_value("").run()
    assert len(chart(app)["data"]) == layers


def test_a_search_finds_a_title_full_of_markup_and_shows_it_as_text(trained_workspace):
    app = open_page("embeddings", run=trained_workspace.runs["ease"])
    app.text_input(key="find").set_value("![PIXEL]").run()
    well(app)
    assert app.selectbox(key="map_found").options[0].startswith(NASTY)
    assert "![pixel](http" not in words(app)


def test_a_search_for_nothing_there_says_so(trained_workspace):
    app = open_page("embeddings", run=trained_workspace.runs["ease"])
    app.text_input(key="find").set_value("no such thing").run()
    assert "No title or id on this map contains" in words(well(app))


def select(app, run: str, points: list[dict]) -> None:
    """Have these points of the map of items selected."""
    selection = {"points": points, "point_indices": [], "box": [], "lasso": []}
    app.session_state[f"map_{run}_items_domain_PCA"] = {"selection": selection}
    well(app.run())


def test_selected_points_are_explained(trained_workspace):
    run = trained_workspace.runs["ease"]
    app = open_page("embeddings", run=run)
    points = [
        {"curve_number": 0, "point_index": 3},
        {"curve_number": 1, "point_index": 0},
        {"curve_number": 1, "point_index": 5},
        {"curve_number": 9, "point_index": 0},
    ]
    select(app, run, points)
    said = words(app)
    assert "Nothing sets 3 selected points apart beyond chance" in said
    assert "1 of books, 2 of films" in said
    table = app.dataframe[-1].value
    assert sorted(table["domain"]) == ["books", "films", "films"]
    assert NASTY in set(table["name"])


def test_what_sets_a_selection_apart_is_a_ranked_list_and_can_be_looked_at_closer(
    trained_workspace,
):
    run = trained_workspace.runs["ease"]
    app = open_page("embeddings", run=run)
    whole = chart(app)
    films = [n for n, trace in enumerate(whole["data"]) if trace["name"].startswith("films")]
    select(app, run, [{"curve_number": n, "point_index": row} for n in films for row in range(9)])
    assert "36 selected points" in words(app)
    ranked = app.dataframe[0].value
    assert ranked["what"].iloc[0] == "domain: films"
    assert ranked["selected"].iloc[0] == "100\N{NO-BREAK SPACE}% of 36"
    assert (np.diff(ranked["effect"]) <= 0).all()

    app.button(key="look_closer").click().run()
    closer = chart(well(app))
    assert closer["layout"]["xaxis"]["range"]
    assert closer["data"][0]["marker"]["size"] >= whole["data"][0]["marker"]["size"]
    app.button(key="whole_map").click().run()
    assert "range" not in chart(well(app))["layout"]["xaxis"]


def test_choosing_umap_draws_it_and_the_picture_says_pca_until_it_is_there(own_workspace):
    """The button said UMAP, the picture was PCA, and another button had to be found."""
    run, workspace = own_workspace.runs["ease"], own_workspace.workspace
    app = well(open_page("embeddings", run=run))
    assert app.segmented_control(key="layout_widget").value == "PCA"
    assert not list_jobs(workspace, kind="map")
    app.segmented_control(key="layout_widget").set_value("UMAP").run()
    assert "PCA, until the UMAP map is drawn" in json.dumps(chart(well(app)))
    assert "PCA, seed" in words(app)
    app.run()
    (job,) = list_jobs(workspace, kind="map", active=True)
    assert (job.lane, job.payload["what"]) == ("short", "items")

    command = [sys.executable, "-m", "core.runs.jobs.worker", str(workspace.root), job.id]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    assert read_job(workspace, job.id).status == DONE
    kept = read_map(workspace.maps / read_job(workspace, job.id).result["map"])
    app.run()
    assert "UMAP, seed 0" in words(well(app))
    assert "until the" not in json.dumps(chart(app)["layout"])
    np.testing.assert_allclose(_x(chart(app)["data"][0]["x"]), kept.places[:80:4, 0])
    assert not [button for button in app.button if button.key == "draw_umap"]

    app = well(open_page("embeddings", run=run))  # nobody chose: the best there is
    assert "UMAP, seed 0" in words(app)
    assert "layout" not in app.query_params
    assert "PCA, seed" in words(well(open_page("embeddings", run=run, layout="PCA")))
    assert "PCA, seed" in words(well(open_page("embeddings", run=run, what="users")))
    assert len(list_jobs(workspace, kind="map")) == 1


def test_a_failed_map_says_why_and_can_be_asked_for_again(own_workspace):
    app = open_page("embeddings", run=own_workspace.runs["ease"], layout="UMAP")
    (job,) = list_jobs(own_workspace.workspace, kind="map")
    end_job(own_workspace.workspace, job.id, "failed", what="Memory ran out.", hint="Free some.")
    app.run()
    assert "Memory ran out" in words(well(app))
    assert len(list_jobs(own_workspace.workspace, kind="map")) == 1  # not begun again by itself
    assert "until the" not in json.dumps(chart(app)["layout"])
    app.button(key="draw_umap").click().run()
    assert len(list_jobs(own_workspace.workspace, kind="map", active=True)) == 1


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
