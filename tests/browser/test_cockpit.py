"""The weights while they are dragged, in a real browser: the list moves and nobody is asked."""

import itertools

import numpy as np
import pytest

from core.basics.formatting import number, signed, signed_interval
from core.basics.types import DomainScores
from core.fusion.candidates import find_candidates, pick_users
from core.fusion.combine import KINDS, NO_ITEM, SCALES
from core.fusion.fused import prepare, prepared_top_k
from core.runs.making.make_run import train_run
from core.runs.making.plan import RunPlan
from core.ui.fusion.cockpit import SCRIPT, packed
from core.ui.fusion.data import ratio_text
from tests.browser.browsing import Visit, expect, wait_until
from tests.core.fusion.fusion_worlds import random_mask
from tests.pages.stories import NASTY, planted_split

pytestmark = pytest.mark.browser
RANKED = """async ([code, lists, weights]) => {
    const url = URL.createObjectURL(new Blob([code], {type: 'text/javascript'}));
    const {ranked, unpack} = await import(url);
    return lists.map(list => {
        const parts = unpack(list);
        return weights.map(pair => ranked(parts, ...pair).slice(0, list.depth));
    });
}"""
DEPTH = 200


def prepared_users(kind: str, scale: str):
    """Five users: scores that tie often, fine ones with a base, one history alone (two), none."""
    rng = np.random.default_rng(7)
    n_items = 900
    source, target = (rng.normal(size=(5, n_items)).astype(np.float32) for _ in range(2))
    source[0], target[0] = (rng.integers(-3, 4, n_items) / 4 for _ in range(2))
    source[1] = np.round(source[1], 1)
    known = np.array([True, True, True, False, False])
    heard = np.array([True, True, False, True, False])
    source[~known], target[~heard] = 0, 0
    base = np.zeros((5, n_items), np.float32)
    base[1] = rng.normal(size=n_items)
    base[4] = rng.integers(0, 30, n_items)  # popularity, where nothing is known
    scores = DomainScores(source, target, base, None, known, heard)
    candidates = find_candidates(scores, np.arange(5), random_mask(5, n_items), DEPTH)
    return [
        prepare(pick_users(candidates, np.array([row])), kind, scale, DEPTH) for row in range(5)
    ]


@pytest.mark.parametrize(("kind", "scale"), list(itertools.product(KINDS, SCALES)))
def test_browser_and_server_agree_to_the_last_rank(visit, kind, scale):
    """The same script as on the page, 200 positions of both sliders, lists of 200, ties and all."""
    rng = np.random.default_rng(3)
    drawn = rng.integers(0, 101, (195, 2)) / 100
    weights = [*drawn.tolist(), [1.0, 1.0], [0.0, 1.0], [1.0, 0.0], [0.0, 0.0], [0.5, 0.5]]
    users = prepared_users(kind, scale)
    visit.page.goto("about:blank")
    found = visit.page.evaluate(RANKED, [SCRIPT, [packed(one) for one in users], weights])
    for one, of_user in zip(users, found, strict=True):
        assert (one.items[0] != NO_ITEM).all()
        for pair, places in zip(weights, of_user, strict=True):
            ours = prepared_top_k(one, *pair, DEPTH).items[0]
            np.testing.assert_array_equal(one.items[0][places], ours, err_msg=f"{kind} {pair}")


def called(visit, expression):
    """What an expression over the script's functions, `cockpit`, gives in the browser."""
    visit.page.goto("about:blank")
    return visit.page.evaluate(
        """async ([code, expression]) => {
            const url = URL.createObjectURL(new Blob([code], {type: 'text/javascript'}));
            return new Function('cockpit', `return ${expression}`)(await import(url));
        }""",
        [SCRIPT, expression],
    )


def test_numbers_and_ratios_read_as_the_server_writes_them(visit):
    values = [0, 0.0004, -0.0004, 0.5, 0.12345, -0.98765, 1, 9.5, 12, 1566, -0.01]
    rows = called(visit, f"{values}.map(v => [3, 4].map(d => cockpit.number(v, d)))")
    assert rows == [[number(value, digits) for digits in (3, 4)] for value in values]
    rows = called(visit, f"{values}.map(v => cockpit.signed(v))")
    assert rows == [signed(value) for value in values]
    ends = [(0.0004, 0.012), (-0.00004, 0.0077), (0.01, 0.02), (0.0, 0.0)]
    digits = called(visit, f"{[list(pair) for pair in ends]}.map(e => cockpit.telling(...e, 3))")
    for (low, high), telling in zip(ends, digits, strict=True):
        ours = f"{signed(low, telling)} to {signed(high, telling)}"
        assert ours == signed_interval(low, high)
    weights = [(1, 1), (0.33, 1), (0.65, 0.9), (1, 0.005), (0, 0.3), (0.2, 0)]
    found = called(visit, f"{[list(pair) for pair in weights]}.map(w => cockpit.ratio(...w))")
    assert found == [ratio_text(*pair) for pair in weights]


def test_between_two_ratios_a_figure_is_said_to_be_about_so_much(visit):
    rows = "[0, .5, 1], [[0, null], [1, null], [3, 5]]"
    found = called(visit, f"[.25, .5, .75, 1].map(s => cockpit.between({rows}, s))")
    assert [one["numbers"] for one in found] == [[0.5, None], [1, None], [2, None], [3, 5]]
    assert [one["exact"] for one in found] == [False, True, False, True]


@pytest.fixture(scope="module")
def run(app):
    """EASE on a planted pair."""
    return train_run(RunPlan(planted_split(app.workspace, seed=1), "ease"), app.workspace).name


@pytest.fixture
def sent(tab):
    """What the page says to its server, message by message."""
    messages: list = []

    def heard(frame):
        messages.append(frame)

    tab.page.on("websocket", lambda socket: socket.on("framesent", heard))
    return messages


class Cockpit:
    """What a person sees of it."""

    def __init__(self, visit, run, **address):
        more = "".join(f"&{name}={value}" for name, value in address.items())
        self.visit = visit.open(f"/fusion?run={run}&order=typical{more}")
        self.slider("alpha").wait_for()

    def slider(self, letter):
        return self.visit.page.get_by_role("slider", name=f"{letter}, weight of")

    def list(self):
        return self.visit.page.get_by_role("list", name="The list at these weights").inner_text()

    def tiles(self):
        return self.visit.page.locator(".figure").all_inner_texts()

    def line(self):
        return self.visit.page.locator("svg.curve .where").text_content()

    def hold(self, letter, at):
        """Take the slider where it stands and hold it at `at`."""
        box = self.slider(letter).bounding_box()
        middle = box["y"] + box["height"] / 2
        x = [box["x"] + 10 + weight * (box["width"] - 20) for weight in (self.value(letter), at)]
        self.visit.page.mouse.move(x[0], middle)
        self.visit.page.mouse.down()
        self.visit.page.mouse.move(x[1], middle, steps=12)

    def value(self, letter):
        return float(self.slider(letter).input_value())


def test_a_drag_asks_the_server_nothing_and_its_release_asks_once(visit, sent, run):
    cockpit = Cockpit(visit, run, alpha=1, beta=1)
    page = visit.page
    list_before, tiles_before, line_before = cockpit.list(), cockpit.tiles(), cockpit.line()
    count = len(sent)
    cockpit.hold("alpha", 0.1)
    expect(page.locator("svg.curve .where")).not_to_have_text(line_before)
    assert cockpit.list() != list_before
    assert cockpit.tiles() != tiles_before
    assert cockpit.tiles()[0].startswith("≈") or cockpit.value("alpha") == 0
    page.wait_for_timeout(700)  # longer than it waits for a rest of the keys
    assert len(sent) == count
    assert "alpha=1" in page.url
    held = cockpit.value("alpha")
    page.mouse.up()
    visit.sees_address(rf"alpha={held:g}\b").sees_address(r"beta=1\.0\b").settle()
    assert len(sent) == count + 1
    assert not cockpit.tiles()[0].startswith("≈")  # what the server found there
    assert cockpit.value("alpha") == held


def test_the_keys_move_a_weight_and_tell_it_when_they_rest(visit, sent, run):
    cockpit = Cockpit(visit, run, alpha=0.5, beta=1)
    count = len(sent)
    alpha = cockpit.slider("alpha")
    alpha.focus()
    for key in ("PageUp", "PageUp", "ArrowRight", "ArrowRight", "ArrowLeft"):
        alpha.press(key)
    assert cockpit.value("alpha") == pytest.approx(0.71)
    assert alpha.get_attribute("aria-valuetext") == "0.71, books to films 0.71 : 1"
    visit.sees_address(r"alpha=0\.71\b").settle()
    assert len(sent) == count + 1
    for key, end in (("Home", 0), ("End", 1)):
        alpha.press(key)
        assert cockpit.value("alpha") == end
    visit.sees_address(r"alpha=1\.0\b").settle()
    expect(visit.page.get_by_role("status").filter(has_text="nDCG@10, validation")).to_have_count(1)


def test_the_curve_is_dragged_like_a_slider(visit, sent, run):
    cockpit = Cockpit(visit, run, alpha=1, beta=1)
    box = visit.page.locator("svg.curve").bounding_box()
    count = len(sent)
    visit.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 150)
    visit.page.mouse.down()
    visit.page.mouse.move(box["x"] + 110, box["y"] + 150, steps=6)
    expect(cockpit.slider("beta")).to_have_value("1")
    assert cockpit.value("alpha") < 0.5
    assert len(sent) == count
    visit.page.mouse.up()
    visit.sees_address(rf"alpha={cockpit.value('alpha'):g}\b").settle()
    assert len(sent) == count + 1


def test_buttons_move_the_sliders_after_a_drag_and_other_pages_follow(visit, run):
    cockpit = Cockpit(visit, run, alpha=1, beta=1)
    cockpit.hold("beta", 0.4)
    visit.page.mouse.up()
    visit.sees_address(r"beta=0\.4\d*\b").settle().press("Equal, 1 : 1")
    wait_until(lambda: cockpit.value("beta") == 1, "the slider stands at 1")
    cockpit.hold("beta", 0.2)
    visit.page.mouse.up()
    left = f"beta={cockpit.value('beta'):g}"
    visit.sees_address(left).settle().goto("Recommendations").sees_address(left)


def test_all_of_it_stands_on_one_screen(browser, app, run):
    """The sliders' effect was off screen: tiles at 1,250 pixels, the list at 1,650."""
    visit = Visit(browser, app.url, viewport={"width": 1440, "height": 900})
    cockpit = Cockpit(visit, run)
    for place in (".sliders", ".tiles", "svg.curve", "ol"):
        box = visit.page.locator(place).first.bounding_box()
        assert box["y"] + box["height"] <= 900, place
    assert cockpit.list().count("\n")
    visit.check()
    visit.context.close()


def test_titles_from_files_stay_text(visit, run):
    cockpit = Cockpit(visit, run, k=50)
    assert NASTY[:10] in cockpit.list()
    assert visit.page.locator("ol li").count() > 30
    assert visit.page.locator("ol li img, ol li script, ol li a").count() == 0
