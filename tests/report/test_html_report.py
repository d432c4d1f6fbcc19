"""The HTML report: safe for any names, complete, self-contained, and shown in a browser."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

from divere_cli.records.outcome import ErrorRecord, ScanResult, Thumbnail
from divere_cli.records.pictures import Album, PictureFile
from divere_cli.records.report import RunReport
from divere_cli.report import html_report, summary
from divere_cli.text import safe
from tests.report.sample import HOSTILE, JPEG, PLAIN, run_report

BROWSER_SECONDS = 240  # a guard: machines under load take their time
UNWANTED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufffe\uffff]")


class Outline(HTMLParser):
    """What a browser would build: every element and attribute, and the text."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, tuple[tuple[str, str | None], ...]]] = []
        self.text: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple(attrs)))  # no attribute is made from a name

    def handle_endtag(self, tag: str) -> None:
        self.elements.append(("/" + tag, ()))

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def script_of(page: str) -> str:
    found = re.search(r"<script>(.*?)</script>", page, re.DOTALL)
    assert found is not None
    return found[1]


def named(tag: str, outline: Outline) -> list[dict[str, str | None]]:
    return [dict(attrs) for found, attrs in outline.elements if found == tag]


def test_the_elements_are_the_same_whatever_the_names() -> None:
    plain, hostile = (Outline(html_report.render(run_report(names))) for names in (PLAIN, HOSTILE))
    assert hostile.elements == plain.elements


def test_every_name_is_shown_as_safe_text() -> None:
    page = html_report.render(run_report(HOSTILE))
    assert not UNWANTED.search(page)
    page.encode("utf-8")
    text = "".join(Outline(page).text)
    for number in (5, 8, 10):
        assert safe(HOSTILE[number]) in text


def test_the_page_has_one_script_and_no_external_resources() -> None:
    page = html_report.render(run_report(HOSTILE))
    outline = Outline(page)
    tags = {tag for tag, _ in outline.elements}
    assert [attrs for tag, attrs in outline.elements if tag == "script"] == [()]
    assert script_of(page) == script_of(html_report.render(run_report(PLAIN)))
    assert not tags & {"iframe", "object", "embed", "link", "base", "form"}
    assert [attrs for attrs in named("img", outline) if "src" in attrs]
    for tag, attrs in outline.elements:
        for key, value in attrs:
            assert not key.startswith("on"), tag
            assert key != "style", tag
            if key == "href":
                assert re.fullmatch(r"#scan-\d+", value or "")
            if key == "src":
                assert (value or "").startswith("data:image/jpeg;base64,")
    assert "url(" not in page
    assert "@import" not in page


@pytest.mark.parametrize(
    ("album", "pictures"), [(None, "data:"), (Album("r-files"), "'self' file:")]
)
def test_the_policy_allows_this_style_and_script_and_nothing_else(
    album: Album | None, pictures: str
) -> None:
    page = html_report.render(run_report(), album)
    (policy,) = [m.get("content") for m in named("meta", Outline(page)) if "http-equiv" in m]
    assert policy is not None
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    assert style is not None
    assert policy.split("; ") == [
        "default-src 'none'",
        f"style-src 'sha256-{digest(style[1])}'",
        f"script-src 'sha256-{digest(script_of(page))}'",
        f"img-src {pictures}",
        "base-uri 'none'",
        "form-action 'none'",
    ]


def test_pictures_beside_the_page_are_shown_from_there_as_they_are_seen() -> None:
    name = "0" * 32 + ".jfif"
    album = Album('a "b" #?%\udcff-files', {2: (PictureFile("<x>", 3, 2, name, 9),)})
    page = html_report.render(run_report(HOSTILE), album)
    (picture,) = [attrs for attrs in named("img", Outline(page)) if "src" in attrs]
    assert picture["src"] == "a%20%22b%22%20%23%3F%25%FF-files/" + name
    assert picture["loading"] == "lazy"
    assert "data:image" not in page


def test_every_control_has_a_name() -> None:
    outline = Outline(html_report.render(run_report()))
    for tag in ("input", "select"):
        assert all(attrs.get("aria-label") for attrs in named(tag, outline))
    buttons = named("button", outline)
    assert len(buttons) > 3
    for attrs in buttons:  # those of pictures are named by what they show
        assert attrs.get("aria-label") or attrs.get("class") == "pictures"
    assert all(attrs.get("alt") for attrs in named("img", outline))


def test_the_page_shows_the_figures_of_the_report() -> None:
    report = run_report()
    text = re.sub(r"\s+", " ", "".join(Outline(html_report.render(report)).text))
    for file in report.files:
        assert file.input in text
        if file.error:
            assert f"{file.error.kind} {file.error.message}" in text
            assert file.error.hint in text
    for word in ("exit 3", "forkserver", "Peak memory", "Time", "interrupted 3", "corrupt_input"):
        assert word in text


def test_the_page_shows_each_stage_of_the_graded_scans() -> None:
    report = run_report()
    text = "".join("".join(Outline(html_report.render(report)).text).split())
    table = text.partition("secondsbystage")[2]
    by_stage = summary.summarize(report).seconds_by_stage
    assert {"start", "read", "grade", "write"} <= by_stage.keys()
    for name, each in by_stage.items():
        row = "".join(html_report._seconds(value) for value in (each.mean, each.p50, each.p95))
        assert name + "".join(row.split()) in table
    nothing = html_report.render(dataclasses.replace(report, files=()))
    assert "seconds by stage" not in nothing


def test_filters_exist_for_the_statuses_of_the_run() -> None:
    report = run_report()
    ok = dataclasses.replace(report, files=report.files[:1], exit_code=0)
    inputs = named("input", Outline(html_report.render(ok)))
    picks = [attrs["id"] for attrs in inputs if attrs["type"] == "radio"]
    assert picks == ["show-all", "show-ok"]
    kept = tuple(ScanResult(input=status, status=status) for status in ("kept", "known_failure"))
    style = html_report.render(dataclasses.replace(report, files=(*report.files, *kept)))
    inputs = [attrs for attrs in named("input", Outline(style)) if attrs["type"] == "radio"]
    assert {"show-kept", "show-known_failure"} <= {attrs["id"] for attrs in inputs}
    for attrs in inputs:
        status = (attrs["id"] or "").removeprefix("show-")
        assert f"#show-{status}:checked ~ nav label.{status}" in style
        assert status == "all" or f"#show-{status}:checked ~ main .scan:not(.{status})" in style


def test_a_thumbnail_that_is_no_base64_is_left_out() -> None:
    report = run_report()
    evil = Thumbnail("x", 1, 1, '" onload="alert(1)')
    files = (dataclasses.replace(report.files[0], thumbnails=(evil, Thumbnail("", 1, 1, JPEG))),)
    outline = Outline(html_report.render(dataclasses.replace(report, files=files)))
    assert len([attrs for attrs in named("img", outline) if "src" in attrs]) == 1


@pytest.mark.parametrize(
    ("change", "headline"),
    [
        ({"files": (), "exit_code": 0}, "There was nothing to do"),
        ({"error": ErrorRecord("no_space", "full", "free some")}, "The run was ended early"),
        ({"stopped": "SIGINT", "exit_code": 130}, "The run was stopped"),
    ],
)
def test_the_headline_is_about_the_run(change: dict[str, object], headline: str) -> None:
    report: RunReport = dataclasses.replace(run_report(), warnings=(), **change)  # type: ignore[arg-type]
    outline = Outline(html_report.render(report))
    assert headline in "".join(outline.text)


def in_browser(page: str, probe: str, folder: Path) -> tuple[str, list[str]]:
    """Let a browser show ``page`` in the frame ``f`` of ``probe``.

    What the probe writes into its element ``o`` is returned, and the browser's messages.
    """
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("chromium is not here: apt-get install chromium")
    (folder / "page.html").write_text(page, encoding="utf-8")
    (folder / "probe.html").write_text(probe, encoding="utf-8")
    messages: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program,
            args=["--no-sandbox", "--allow-file-access-from-files"],
            timeout=BROWSER_SECONDS * 1000,
        )
        tab = browser.new_page()
        tab.set_default_timeout(BROWSER_SECONDS * 1000)
        tab.on("console", lambda message: messages.append(message.text))
        tab.on("pageerror", lambda error: messages.append(str(error)))
        tab.goto((folder / "probe.html").as_uri())
        output = tab.locator("#o:not(:empty)")
        output.wait_for(state="attached")
        text = output.text_content() or ""
        browser.close()
    return text, messages


_USE = """<iframe id=f src=page.html width=1200 height=900></iframe><pre id=o></pre><script>
f.onload = async () => {
  const d = f.contentDocument, w = f.contentWindow, seen = [];
  const wait = () => new Promise((done) => setTimeout(done, 300));
  const set = async (id, value, event) => {
    d.getElementById(id).value = value;
    d.getElementById(id).dispatchEvent(new w.Event(event));
    await wait();
  };
  const cards = () => [...d.querySelectorAll(".scan")].filter((c) => c.checkVisibility());
  const large = d.getElementById("large");
  const key = (k) => large.dispatchEvent(new w.KeyboardEvent("keydown", { key: k }));
  const pair = () => [large.open, d.getElementById("large-place").textContent,
    d.getElementById("large-negative").src.slice(-9),
    d.getElementById("large-positive-caption").textContent.trim()];
  await set("search", "SCRIPT alert", "input");
  seen.push(cards().map((c) => c.id));
  await set("search", "", "input");
  for (const key of ["rank", "seconds", "memory", ""]) {
    await set("order", key, "change");
    seen.push(cards().slice(0, 3).map((c) => c.id));
  }
  d.getElementById("show-ok").click();
  d.querySelector(".ok .pictures").click();
  seen.push(pair());
  for (const k of ["ArrowDown", "ArrowLeft", "ArrowRight"]) { key(k); seen.push(pair()); }
  large.close();
  await wait();
  seen.push([large.open, d.activeElement.closest(".scan").id]);
  o.textContent = JSON.stringify(seen);
};
</script>"""


@pytest.mark.slow
def test_search_order_and_the_large_view_in_a_browser(tmp_path: Path) -> None:
    report = run_report(HOSTILE)
    first = report.files[0]
    twice = (*first.thumbnails, Thumbnail("second.jpg", 192, 128, JPEG))
    files = (dataclasses.replace(first, thumbnails=twice), *report.files[1:])
    page = html_report.render(dataclasses.replace(report, files=files))
    text, messages = in_browser(page, _USE, tmp_path)
    seen = json.loads(text)
    assert seen[0] == ["scan-10"]
    orders = [[f"scan-{number}" for number in each] for each in (
        (2, 6, 8), (13, 7, 1), (13, 7, 1), (1, 2, 3),
    )]  # fmt: skip
    assert seen[1:5] == orders
    tail = JPEG[-9:]
    assert seen[5] == [True, "1 of 3", tail, "--help.tif.jpg"]
    second = [True, "1 of 3", tail, "second.jpg"]
    assert seen[6:8] == [second, second], "nothing comes before the first scan"
    assert seen[8] == [True, "2 of 3", tail, "[/red].tif.jpg"]
    assert seen[9] == [False, "scan-7"]
    assert not messages


@pytest.mark.slow
@pytest.mark.parametrize("width", [390, 1280])
def test_a_browser_shows_the_page_without_errors(width: int, tmp_path: Path) -> None:
    # A page around the page reads its layout: a frame of a phone's width must not scroll sideways.
    probe = (
        f"<iframe id=f src=page.html width={width} height=900></iframe><pre id=o></pre><script>"
        "f.onload = () => { const d = f.contentDocument, count = what => "
        "d.querySelectorAll(what).length; o.textContent = JSON.stringify({"
        "wide: d.documentElement.scrollWidth, scans: count('article'), bars: count('svg a'),"
        "scripts: d.scripts.length, tools: !d.getElementById('tools').hidden,"
        "styled: getComputedStyle(d.body).maxWidth}) }</script>"
    )
    text, messages = in_browser(html_report.render(run_report(HOSTILE)), probe, tmp_path)
    shown = json.loads(text)
    assert shown["wide"] <= width
    assert shown["scans"] == len(HOSTILE)
    assert shown["bars"] > 0
    assert (shown["scripts"], shown["tools"], shown["styled"]) == (1, True, "1440px")
    assert not messages  # a breach of the page's policy would be one
