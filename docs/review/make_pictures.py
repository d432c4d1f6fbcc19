"""Makes the pictures of docs/review.md: the page itself, in a browser, on a roll.

`python docs/review/make_pictures.py ROLL` takes a folder of scans (it is copied, not
changed). Needs playwright and the distribution's chromium.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Page, sync_playwright

HERE = Path(__file__).parent
WIDTH = 1280
SECONDS = 90.0


def main(roll: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        scans = Path(folder) / "roll 27"
        shutil.copytree(roll, scans)
        (scans / "divere_presets.json").unlink(missing_ok=True)
        names = sorted(path.name for path in scans.glob("*.tif"))
        broken = scans / f"{Path(names[-1]).stem}x.tif"
        broken.write_bytes((scans / names[-1]).read_bytes()[:90_000])
        process = subprocess.Popen(
            [sys.executable, "-m", "divere_cli", "review", str(scans), "--no-browser"],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        try:
            pictures(process.stdout.readline().strip(), names)
        finally:
            process.terminate()
            process.wait()
            process.stdout.close()


def pictures(address: str, names: list[str]) -> None:
    with sync_playwright() as playwright:
        chromium = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(address)
        until(page, lambda: "measured" in page.inner_text("#counts"))
        until(page, lambda: page.locator("#grid img").count() >= len(names))
        page.wait_for_timeout(4000)
        page.locator(f"#grid li[data-name='{names[1]}'] button").focus()
        page.keyboard.press("d")
        page.wait_for_timeout(1000)
        page.locator(f"#grid li[data-name='{names[2]}'] button").focus()
        page.keyboard.press("x")
        page.wait_for_timeout(8000)
        save(page, "roll")
        page.locator(f"#grid li[data-name='{names[0]}'] button").click()
        shown(page)
        for key in "++y":
            page.keyboard.press(key)
        page.wait_for_timeout(3000)
        save(page, "frame")
        page.keyboard.press("k")
        page.wait_for_timeout(1500)
        for _ in range(10):
            page.keyboard.press("Shift+ArrowLeft")
            page.keyboard.press("Shift+ArrowUp")
            page.keyboard.press("ArrowRight")
        page.wait_for_timeout(500)
        save(page, "crop")
        browser.close()


def shown(page: Page) -> None:
    script = "document.getElementById('large').naturalWidth"
    until(page, lambda: page.evaluate(script) > 0)
    page.wait_for_timeout(1500)


def until(page: Page, what: Callable[[], Any]) -> None:
    deadline = time.monotonic() + SECONDS
    while not what():
        if time.monotonic() > deadline:
            raise SystemExit(f"not within {SECONDS:.0f} s: is the roll one of scans?")
        page.wait_for_timeout(50)


def save(page: Page, name: str) -> None:
    with Image.open(io.BytesIO(page.screenshot())) as image:
        small = image.convert("RGB")
        small.thumbnail((WIDTH, WIDTH), Image.Resampling.LANCZOS)
        small.save(HERE / f"{name}.jpg", quality=82)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
