"""An analyst's whole way in a real browser: from an empty workspace to one user's reasons."""

import pytest

from core.charts.theme import PAGE_TEXT
from core.jobs.table import CANCELLED, DONE, read_curve, read_job
from core.store.run_folder import list_runs
from core.ui.train.models import DRAWER
from tests.browser.browsing import SECONDS, wait_until
from tests.browser.large_pair import NASTY, write_large_pair

pytestmark = pytest.mark.browser
LONG = 4 * SECONDS


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return write_large_pair(tmp_path_factory.mktemp("files"), share=0.5)


@pytest.fixture
def analyst(visit, app, files):
    """The steps of the way, in the order of the pages."""
    return Analyst(visit, app, files)


class Analyst:
    def __init__(self, visit, app, files):
        self.visit, self.app, self.files = visit, app, files

    def imports(self, slot: str, label: str, name: str):
        """Look at the preview, press Import, look at what came of it.

        What comes of a file pushes down what stands below it, so nothing is clicked meanwhile.
        """
        before = len(self.app.jobs("import"))
        self.visit.upload(label, self.files[name])
        self.visit.key(f"import_{slot}_start").wait_for()
        self.visit.settle().press_key(f"import_{slot}_start")
        wait_until(lambda: len(self.app.jobs("import")) > before, f"{name} is asked for")
        buttons = f".st-key-import_{slot}_start, .st-key-import_{slot}_cancel"
        wait_until(lambda: not self.visit.page.locator(buttons).count(), f"{name} is in", LONG)
        self.visit.settle()

    def brings_two_files_and_their_item_tables(self):
        self.visit.open().goto("Data")
        self.visit.sees("Interactions of the source domain")
        self.imports("source", "Interactions of the source domain", "books")
        self.imports("target", "Interactions of the target domain", "music")
        self.visit.page.get_by_text("Item tables and user links").first.click()
        self.imports("items_source", "Titles, categories, vectors of the source", "items_books")
        self.imports("items_target", "Titles, categories, vectors of the target", "items_music")
        assert self.ended("import", 4)
        assert {job.status for job in self.app.jobs("import")} == {DONE}

    def makes_the_pair_and_splits_it(self):
        self.visit.tab("Pair").press_key("pair_make").sees("Swap direction")
        self.visit.sees_chart()
        self.visit.tab("Split").press_key("split_make").sees("Splits of this pair")

    def trains_joint_ease_with_its_twin(self):
        self.visit.goto("Train").press_key("train_start")
        wait_until(lambda: self.ended("train", 1), "EASE is trained", LONG)
        (run,) = list_runs(self.app.workspace)
        assert run.twin is not None
        return run

    def starts_lightgcn_and_cancels_it(self):
        """The three clicks follow at once, faster than the page is drawn in between."""
        self.visit.press_drawer(DRAWER)
        self.visit.tick_only("train_ease", on=False).tick_only("train_lightgcn")
        self.visit.press_key("train_start")
        wait_until(lambda: len(self.app.jobs("train")) == 2, "a second model is asked for", LONG)
        (job,) = [job for job in self.app.jobs("train") if job.payload["model"] == "lightgcn"]
        wait_until(lambda: read_curve(self.app.workspace, job.id), "an epoch is over", LONG)
        self.visit.press_key(f"card_cancel_{job.id}")
        wait_until(lambda: self.ended("train", 2), "the cancel is heard", LONG)
        assert read_job(self.app.workspace, job.id).status == CANCELLED
        records = [run.record for run in list_runs(self.app.workspace)]
        (kept,) = [record for record in records if record.model == "lightgcn"]
        assert kept.cancelled
        assert kept.best_epoch >= 1

    def moves_the_weights_and_refreshes(self, run):
        self.visit.open(f"/fusion?run={run.id}&alpha=1&beta=1")
        weights = [self.visit.page.get_by_role("slider", name=name) for name in ("alpha", "beta")]
        for weight, presses in zip(weights, (3, 2), strict=True):
            weight.focus()
            for _ in range(presses):
                weight.press("PageDown")
        self.visit.sees_address(r"alpha=0\.7\b").sees_address(r"beta=0\.8\b")
        self.visit.page.reload()
        self.visit.settle()
        assert [float(weight.input_value()) for weight in weights] == pytest.approx([0.7, 0.8])
        self.visit.sees_address(run.id)

    def reads_the_metrics(self):
        self.visit.goto("Metrics").sees_chart()
        self.visit.sees("Beside other runs")

    def asks_for_a_umap_of_the_users(self):
        self.visit.goto("Embeddings").sees_chart()
        self.visit.pick("what_widget", "Users").pick("layout_widget", "UMAP")
        wait_until(lambda: self.ended("map", 1), "the map is drawn", LONG)
        assert self.app.jobs("map")[0].status == DONE, self.app.jobs("map")[0].what
        self.visit.settle().sees_chart()
        self.visit.sees("rustworthiness")

    def selects_people_on_one_of_two_maps(self):
        self.visit.tab("Before and after").sees_chart().sees_address("tab=Before")
        assert self.visit.key("before_after").get_by_role("figure").get_attribute("aria-label")
        title = self.visit.page.locator(".annotation-text").first
        ink = "node => getComputedStyle(node).fill"  # the page's, which Streamlit writes in place
        assert title.evaluate(ink) != f"rgb(0, 0, {int(PAGE_TEXT[-2:], 16)})"
        left = self.visit.page.locator(".nsewdrag").first.bounding_box()
        corners = [
            (left["x"] + across * left["width"], left["y"] + down * left["height"])
            for across, down in ((0.2, 0.2), (0.8, 0.2), (0.8, 0.6), (0.2, 0.6))
        ]
        self.visit.page.mouse.move(*corners[0])
        self.visit.page.mouse.down()
        for corner in [*corners[1:], corners[0]]:
            self.visit.page.mouse.move(*corner, steps=3)
        self.visit.page.mouse.up()
        self.visit.settle().sees("selected people")
        self.visit.press_key("gap_all").tab("Map")

    def looks_for_the_item_with_markup_in_its_title(self):
        self.visit.pick("what_widget", "Items").pick("layout_widget", "PCA")
        search = self.visit.key("find").locator("input")
        search.fill("script")
        search.press("Enter")
        self.visit.settle().sees(NASTY[:30])
        assert self.visit.page.locator("img[src*='example.com']").count() == 0

    def reads_one_users_list_and_its_reasons(self):
        self.visit.goto("Recommendations").sees_chart()
        self.visit.sees("Which history items carried")

    def ended(self, kind: str, count: int) -> bool:
        return sum(not job.is_active for job in self.app.jobs(kind)) >= count


def test_from_an_empty_workspace_to_one_users_reasons(analyst):
    analyst.brings_two_files_and_their_item_tables()
    analyst.makes_the_pair_and_splits_it()
    run = analyst.trains_joint_ease_with_its_twin()
    analyst.starts_lightgcn_and_cancels_it()
    analyst.moves_the_weights_and_refreshes(run)
    analyst.reads_the_metrics()
    analyst.asks_for_a_umap_of_the_users()
    analyst.selects_people_on_one_of_two_maps()
    analyst.looks_for_the_item_with_markup_in_its_title()
    analyst.reads_one_users_list_and_its_reasons()
