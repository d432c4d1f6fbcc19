"""The page in a real browser: what a photographer does, by keyboard and by mouse."""

from __future__ import annotations

import contextlib
import json
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.review.conftest import Running, numbered, start

CHROMIUM = next(
    (p for n in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(n))), None
)
SECONDS = 240.0  # a guard, not a figure

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no browser here: apt-get install chromium, and the page is tested"
)
NAME = "frame-02.tif"


SHOWN = """(() => {
  const large = document.getElementById("large"), stage = document.getElementById("stage");
  const busy = stage.ariaBusy !== "false" || !document.getElementById("busy").hidden;
  return !busy && large.complete && large.naturalWidth > 0 ? large.src : "";
})()"""


class Page:
    """The page, and what the tests ask of it. Scripts are never evaluated from strings in it."""

    def __init__(self, page: Any, service: Running, roll: Path) -> None:
        self.page = page
        page.set_default_timeout(SECONDS * 1000)
        self.service = service
        self.roll = roll
        self.problems: list[str] = []
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("console", self._console)
        self.writes: list[Any] = []  # under way
        page.on("request", lambda one: self.writes.append(one) if _writes(one) else None)
        for end in ("requestfinished", "requestfailed"):
            page.on(end, lambda one: self.writes.remove(one) if one in self.writes else None)

    def end(self) -> None:
        """Close the page when no change of it is under way: the next test has the same folder."""
        self.page.route("**/api/presets", lambda route: route.abort())
        self.until(lambda: not self.writes)
        self.page.context.close()

    def _console(self, message: Any) -> None:
        if message.type == "error" and "status of 4" not in message.text:
            self.problems.append(message.text)

    def until(self, what: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + SECONDS
        while not (found := what()):
            assert time.monotonic() < deadline, (what, self.problems)
            self.page.wait_for_timeout(30)
        return found

    def js(self, script: str) -> Any:
        return self.page.evaluate(script)

    def open(self, name: str = NAME) -> None:
        self.page.locator(f"#grid li[data-name='{name}'] button").click()
        self.shown()

    def shown(self) -> str:
        """Wait for a picture that no newer one will replace by itself.

        Its address is returned, which is another one for each render.
        """
        return str(self.until(lambda: self.js(SHOWN)))

    def size(self) -> list[int]:
        """Width and height of the picture in pixels; zeros while it loads."""
        large = "document.getElementById('large')"
        return list(self.js(f"[{large}.naturalWidth, {large}.naturalHeight]"))

    def changes(self, act: Callable[[], Any]) -> None:
        """Do something and wait for another picture."""
        before = self.shown()
        act()
        self.until(lambda: self.shown() != before)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def text(self, name: str) -> str:
        return str(self.page.locator(name).inner_text())

    @contextlib.contextmanager
    def held(self, pattern: str) -> Iterator[list[Any]]:
        """Hold back answers that the service has given to requests of a pattern, until the end."""
        held: list[tuple[Any, Any]] = []
        ended = False

        def hold(route: Any) -> None:
            answer = route.fetch(timeout=SECONDS * 1000)
            if ended:
                route.fulfill(response=answer)
            else:
                held.append((route, answer))

        self.page.route(pattern, hold)
        try:
            yield held
        finally:
            ended = True
            for route, answer in held:
                route.fulfill(response=answer)
            self.page.unroute(pattern)

    def put(self, presets: Any) -> None:
        """Write the presets as another program, at once."""
        part = self.roll / "theirs.part"
        part.write_text(presets if isinstance(presets, str) else json.dumps(presets))
        part.rename(self.roll / "divere_presets.json")

    @property
    def presets(self) -> Any:
        path = self.roll / "divere_presets.json"
        return json.loads(path.read_text()) if path.exists() else {}

    def gains(self, name: str = NAME) -> list[float]:
        found = self.presets.get(name, {}).get("cc_params", {}).get("rgb_gains", [])
        return [float(v) for v in found]


def _writes(request: Any) -> bool:
    return request.url.endswith("/api/presets")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One browser for all tests; each has a profile of its own in it."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"], timeout=SECONDS * 1000
        )
        yield launched
        launched.close()


@pytest.fixture
def page(browser: Any, service: Running, roll: Path) -> Iterator[Page]:
    """The page of the service in a profile of its own, with its three pictures."""
    tab = browser.new_page(viewport={"width": 1280, "height": 800})
    page = Page(tab, service, roll)
    tab.goto(service.address)
    page.until(lambda: tab.locator("#grid img").count() == 3)
    yield page
    page.end()
    assert not page.problems


def test_the_grid_shows_the_roll(page: Page) -> None:
    assert page.page.url == page.service.base + "/"  # the token is gone from it
    assert "3 frames" in page.text("#counts")
    names = page.page.locator("#grid .frame b").all_inner_texts()
    assert names == ["frame-01.tif", "frame-02.tif", "frame-03.tif"]
    label = page.page.locator("#grid li button").first.get_attribute("aria-label")
    assert "frame-01.tif" in label


def test_a_change_is_shown_saved_and_undone(page: Page) -> None:
    page.open()
    before = page.service.ask(f"/api/frame?name={NAME}").json["pictures"][0]["rgb_gains"]
    brighter = [b + 0.05 for b in before]
    reddish = [brighter[0] + 0.0333, brighter[1] - 0.0167, brighter[2] - 0.0167]
    for key, after in (("+", brighter), ("r", reddish)):  # each saved: two steps of undo
        page.changes(lambda key=key: page.press(key))
        page.until(lambda after=after: page.gains() == pytest.approx(after, abs=2e-4))
    page.until(lambda: page.text("#saved") == "Saved")
    assert len(page.presets) == 3  # the others as they were measured
    for after in (brighter, before):
        page.changes(lambda: page.press("Control+z"))
        page.until(lambda after=after: page.gains() == pytest.approx(after, abs=2e-4))
    for after in (brighter, reddish):
        page.changes(lambda: page.press("Control+Shift+z"))
        page.until(lambda after=after: page.gains() == pytest.approx(after, abs=2e-4))


def test_the_slider_moves_the_picture(page: Page) -> None:
    page.open()
    slider = page.page.locator("#exposure")
    value = float(slider.input_value())
    page.changes(lambda: slider.fill(str(round(value + 0.3, 3))))
    page.until(lambda: page.gains() != [])
    assert sum(page.gains()) / 3 == pytest.approx(value + 0.3, abs=6e-3)
    page.changes(lambda: page.page.locator("#contrast-value").fill("1.3") or page.press("Enter"))
    page.until(lambda: page.presets[NAME]["cc_params"]["density_gamma"] == 1.3)
    page.changes(lambda: page.page.locator("#ring button[aria-label='more cyan']").click())


def test_crop_and_turn_go_into_the_preset(page: Page) -> None:
    page.open()
    page.changes(lambda: page.press(","))
    page.until(lambda: page.presets.get(NAME, {}).get("metadata", {}).get("orientation") == 90)
    page.until(lambda: 0 < page.size()[0] < page.size()[1])
    page.press("k")
    page.until(lambda: page.js("!document.getElementById('crop-box').hidden"))
    page.press(
        *["Shift+ArrowUp"] * 10
    )  # from the bottom of the turned picture: the left of the scan
    page.press("Enter")
    page.until(lambda: page.presets[NAME]["metadata"].get("crop") not in (None, [0, 0, 1, 1]))
    x, y, width, height = page.presets[NAME]["metadata"]["crop"]
    assert (y, height) == pytest.approx((0.0, 1.0))
    assert (x, width) == pytest.approx((0.05, 0.95))


def test_one_to_one_and_before(page: Page) -> None:
    page.open()
    page.press("z")
    page.until(lambda: page.js("!document.getElementById('close').hidden"))
    assert page.page.locator("#zoom").get_attribute("aria-pressed") == "true"
    page.press("Escape")
    page.changes(lambda: page.press("+"))
    before = page.shown()
    page.page.keyboard.down("\\")
    page.until(lambda: page.shown() != before)
    assert page.page.locator("#before").get_attribute("aria-pressed") == "true"
    page.page.keyboard.up("\\")
    page.until(lambda: page.page.locator("#before").get_attribute("aria-pressed") == "false")


def test_a_neutral_is_picked_with_a_click(page: Page) -> None:
    page.open()
    before = page.gains()
    page.press("n")
    box = page.page.locator("#large").bounding_box()
    place = (box["x"] + 0.14 * box["width"], box["y"] + 0.71 * box["height"])
    page.changes(lambda: page.page.mouse.click(*place))
    page.until(lambda: page.gains() != before)
    assert page.page.locator("#pick").get_attribute("aria-pressed") == "false"


def test_a_scan_that_fails_says_so_and_cannot_be_changed(page: Page) -> None:
    (page.roll / "frame-00.tif").write_bytes((page.roll / NAME).read_bytes()[:5000])
    page.page.reload()
    page.until(lambda: "1 failed" in page.text("#counts"))
    page.open("frame-01.tif")
    page.press("ArrowLeft")
    page.until(lambda: page.text("#title") == "frame-00.tif")
    page.until(page.page.locator("#trouble").is_visible)
    assert "frame-00.tif" in page.text("#trouble")
    page.press("+", "r", ",", "z", "k", "n", "Escape")
    page.until(lambda: page.page.locator("#grid img").count() == 3)
    assert page.presets == {}


def test_marks_filter_and_selection(page: Page) -> None:
    page.open()
    page.press("d")
    page.until(lambda: "1 done" in page.text("#counts"))
    page.press("ArrowRight")
    page.until(lambda: page.text("#title") == "frame-03.tif")
    page.press("x", "Escape")
    page.until(lambda: "1 rejected" in page.text("#counts"))
    own = page.presets["divere_cli"]
    assert own["scans"] == {NAME: {"mark": "done"}, "frame-03.tif": {"mark": "reject"}}
    page.page.locator("#filter").select_option("reject")
    page.until(lambda: page.page.locator("#grid li").count() == 1)
    page.press("Control+z")
    page.until(lambda: page.page.locator("#grid li").count() == 0)
    page.page.locator("#filter").select_option("unsure")
    page.until(lambda: page.page.locator("#grid li").count() == 3)


def test_a_grade_goes_to_the_others(page: Page) -> None:
    page.open("frame-01.tif")
    third = page.service.ask("/api/frame?name=frame-03.tif").json["pictures"][0]["rgb_gains"]
    page.changes(lambda: page.press("+"))
    page.press("a")
    page.until(lambda: page.page.locator("#apply-dialog").is_visible())
    page.page.locator("#apply-go").click()
    brighter = [v + 0.05 for v in third]
    page.until(lambda: page.gains("frame-03.tif") == pytest.approx(brighter, abs=2e-4))
    page.press("Control+z")
    page.until(lambda: page.gains("frame-03.tif") == pytest.approx(third, abs=2e-4))


def test_another_programs_change_is_shown_and_not_overwritten(page: Page) -> None:
    page.open()
    page.changes(lambda: page.press("+"))
    page.until(lambda: len(page.presets) == 3)
    page.until(lambda: page.text("#saved") == "Saved")
    theirs = page.presets
    theirs[NAME]["cc_params"]["rgb_gains"] = [0.11, 0.12, 0.13]
    with page.held("**/api/state*") as looks:
        page.until(lambda: looks)
        page.put(theirs)
        page.press("-")  # our page does not know it yet
    banner = page.page.locator("#banner")
    page.until(banner.is_visible)
    assert "nother program" in banner.inner_text()
    assert page.gains() == [0.11, 0.12, 0.13]
    banner.get_by_role("button").first.click()
    page.until(lambda: not banner.is_visible())
    page.until(lambda: page.page.locator("#exposure-value").input_value() == "0.120")
    page.changes(lambda: page.press("+"))
    page.until(lambda: page.gains() == pytest.approx([0.16, 0.17, 0.18], abs=1e-4))


def test_late_answers_are_no_change_of_another_program_and_disorder_no_steps(page: Page) -> None:
    """A mark is in the file; the page hears of it late, and has asked for the state meanwhile."""
    page.open()
    with page.held("**/api/presets") as answers:
        page.press("d")
        page.until(lambda: answers)
        states: list[Any] = []
        page.page.on("response", lambda one: states.append(one) if "state" in one.url else None)
        page.until(lambda: len(states) > 1)
        page.press("Control+z")
        assert page.presets["divere_cli"]["scans"] == {NAME: {"mark": "done"}}
    page.until(lambda: page.presets["divere_cli"]["scans"] == {})
    page.until(lambda: page.page.locator("#redo").is_enabled())
    assert page.page.locator("#banner").is_hidden()
    page.put("{")  # as a program that is still writing
    page.until(lambda: "divere_presets.json" in page.text("#banner"))
    page.put({})
    page.until(page.page.locator("#banner").is_hidden)


def test_keys_and_answers_belong_to_the_frame_that_is_opened(page: Page) -> None:
    page.open()
    measured = page.service.ask(f"/api/frame?name={NAME}").json["pictures"][0]["rgb_gains"]
    third = page.service.ask("/api/frame?name=frame-03.tif").json["pictures"][0]["rgb_gains"]
    with page.held("**/api/frame?name=frame-03.tif") as answers:
        page.press("ArrowRight", "+")
        page.until(lambda: answers)
        assert page.text("#title") == "frame-03.tif"
    brighter = [v + 0.05 for v in third]
    page.until(lambda: page.gains("frame-03.tif") == pytest.approx(brighter, abs=2e-4))
    assert page.gains() == pytest.approx(measured, abs=2e-4)

    page.until(lambda: page.text("#saved") == "Saved")
    refused: list[Any] = []
    page.page.route("**/api/frame?name=frame-01.tif", lambda route: refused.append(route))
    page.press("ArrowLeft")
    page.changes(lambda: page.press("ArrowLeft", "ArrowRight"))
    page.until(lambda: refused)
    with page.page.expect_response("**/api/frame?name=frame-01.tif"):
        for route in refused:
            route.fulfill(status=422, json={"error": "it cannot be read"})
    page.changes(lambda: page.press("+"))
    assert page.text("#title") == NAME
    assert page.page.locator("#trouble").is_hidden()


def test_a_picture_of_the_grid_that_another_tab_took_is_asked_for_again(page: Page) -> None:
    refused: list[str] = []

    def once(route: Any) -> None:
        name = route.request.post_data_json["name"]
        if name in refused:
            route.continue_()
        else:
            refused.append(name)
            route.fulfill(status=409, json={"error": "replaced by a newer request"})

    page.page.route("**/api/render", once)
    page.page.reload()
    page.until(lambda: page.page.locator("#grid img").count() == 3)
    assert len(refused) == 3


def test_a_crashed_worker_is_said_on_the_page(page: Page) -> None:
    from tests.review.test_service import _kill_scan_workers

    page.open()
    _kill_scan_workers(page.service)
    page.changes(lambda: page.press("+"))
    page.until(lambda: page.text("#saved") == "Saved")
    page.until(lambda: "fresh worker" in page.text("#notices"))  # "Saved" does not overwrite it
    page.page.locator("#notices-close").click()
    assert page.page.locator("#notices").is_hidden()


def test_an_export_shows_how_far_it_is(page: Page) -> None:
    page.press("e")
    page.page.locator("#export-format").select_option("jpeg")
    page.page.locator("#export-go").click()
    page.until(lambda: "3 ok" in page.text("#export-message"))
    assert len(list((page.roll / "positives").glob("*.jpg"))) == 3


def test_everything_has_a_name_and_fits(page: Page) -> None:
    page.open()
    for width, height in ((1280, 800), (2560, 1440)):
        page.page.set_viewport_size({"width": width, "height": height})
        stage = page.page.locator("#stage")
        page.until(lambda: 0.6 * width < stage.bounding_box()["width"] <= width)  # noqa: B023
        page.until(lambda: page.js("document.documentElement.scrollWidth") <= width)  # noqa: B023
    nameless = page.js(
        "[...document.querySelectorAll('button, input, select, canvas')].filter(e =>"
        " e.offsetParent && !(e.getAttribute('aria-label') || e.title || e.innerText"
        " || (e.labels && e.labels.length))).map(e => e.outerHTML)"
    )
    assert nameless == []
    outside = page.js(
        "[...performance.getEntriesByType('resource')].map(e => e.name)"
        ".filter(n => !n.startsWith(location.origin) && !n.startsWith('blob:'))"
    )
    assert outside == []


@pytest.mark.slow
def test_frame_numbers_stand_in_the_grid_and_beside_the_title(browser: Any, tmp_path: Path) -> None:
    pytest.importorskip("zxingcpp")
    roll = numbered(tmp_path / "roll")
    service = start(roll)
    try:
        service.measured()
        tab = browser.new_page()
        page = Page(tab, service, roll)
        tab.goto(service.address)
        page.until(lambda: tab.locator("#grid img").count() == 2)
        item = tab.locator("#grid li[data-name='a.tif']")
        page.until(lambda: item.locator(".badge.number").count() == 1)
        assert item.locator(".badge.number").inner_text() == "frame 12"
        assert "frame 12" in item.locator("button").get_attribute("aria-label")
        assert tab.locator("#grid li[data-name='none.tif'] .badge.number").count() == 0
        page.open("a.tif")
        page.until(lambda: tab.locator("#badges .badge.number").count() == 1)
        assert page.text("#badges .badge.number") == "Kodak ColorPlus 200, frame 12"
        tab.context.close()
        assert not page.problems
    finally:
        service.stop()
