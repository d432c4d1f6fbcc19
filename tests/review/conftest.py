"""A roll to review, and the service as a command beside the test."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from divere_cli.samples import plan, writing
from divere_cli.samples.plan import Wish
from tests.films.simulator import Strip, picture

START_SECONDS = 240.0  # a guard, not a figure: machines under load take their time


def negatives(folder: Path, count: int = 3, megapixels: float = 0.2) -> Path:
    """Synthetic scans without a file of presets."""
    folder.mkdir(parents=True, exist_ok=True)
    wish = Wish(count=count, megapixels=megapixels, seed=3)
    writing.write(plan.samples(wish), str(folder))
    (folder / "divere_presets.json").unlink(missing_ok=True)
    return folder


def numbered(folder: Path) -> Path:
    """Two scans of one film: ``a.tif`` shows its edge with the codes of frame 12."""
    strip = Strip(dx=(79, 7), long=40.0, tall=12.0, scale=24.0, start=2.0, grain=0.02)
    folder.mkdir(parents=True, exist_ok=True)
    for name, codes in (("a.tif", True), ("none.tif", False)):
        gray = picture(replace(strip, codes=codes), 5).astype(np.float64) / 255
        color = np.stack([gray, gray * 0.8, gray * 0.6], axis=-1)
        samples = np.rint(65535 * color).astype(np.uint16)
        tifffile.imwrite(folder / name, samples, photometric="rgb")
    return folder


@dataclass
class Answer:
    """What the service answered."""

    status: int
    body: bytes
    headers: dict[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Running:
    """``divere review`` in a process of its own."""

    process: subprocess.Popen[str]
    address: str
    folder: Path
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def base(self) -> str:
        return self.address.partition("/?")[0]

    @property
    def token(self) -> str:
        return self.address.partition("token=")[2]

    @property
    def version(self) -> int:
        """The version of the presets, which a change has to name."""
        return int(self.ask("/api/roll").json["version"])

    def ask(self, path: str, body: Any = None, timeout: float = 240.0, **more: str) -> Answer:
        headers = {"Authorization": f"Bearer {self.token}"}
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        headers |= {name.replace("_", "-"): value for name, value in more.items()}
        request = urllib.request.Request(self.base + path, data, headers)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return Answer(answer.status, answer.read(), dict(answer.headers))
        except urllib.error.HTTPError as problem:
            with problem:
                return Answer(problem.code, problem.read(), dict(problem.headers))

    def render(self, name: str, **wanted: Any) -> Answer:
        return self.ask("/api/render", {"name": name, "size": 600, "format": "png", **wanted})

    def measured(self) -> None:
        """Wait until the roll is measured, so that nothing moves under the test."""
        deadline = time.monotonic() + START_SECONDS
        while self.ask("/api/state").json["measuring"]["state"] == "running":
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def stop(self, number: int = signal.SIGINT) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(240.0)
        finally:
            for stream in (self.process.stdout, self.process.stderr):
                assert stream is not None
                stream.close()


def start(folder: Path, *arguments: str) -> Running:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("DIVERE_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "divere_cli", "review", str(folder), "--no-browser", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert process.stdout is not None
    line = process.stdout.readline().strip()
    if not line:
        assert process.stderr is not None
        said = process.stderr.read()
        Running(process, "", folder).stop()
        pytest.fail(f"divere review said: {said}")
    return Running(process, line, folder)


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three scans that no test changes."""
    return negatives(tmp_path_factory.mktemp("review") / "roll")


def copied(scans: Path, folder: Path) -> Path:
    folder.mkdir()
    for path in scans.glob("*.tif"):
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


@pytest.fixture
def roll(request: pytest.FixtureRequest, tmp_path: Path, scans: Path) -> Path:
    """The folder of the service, or a copy of the scans for one test without it."""
    if "service" in request.fixturenames:
        running: Running = request.getfixturevalue("service")
        return running.folder
    return copied(scans, tmp_path / "roll")


@pytest.fixture(scope="module")
def running(scans: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One service for the tests of a module, with its roll measured."""
    made = start(copied(scans, tmp_path_factory.mktemp("shared") / "roll"))
    try:
        made.measured()
        yield made
    finally:
        made.stop()


@pytest.fixture
def service(running: Running, scans: Path) -> Iterator[Running]:
    """The service; its folder has the three scans and nothing else before and after the test."""
    yield running
    for path in running.folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif not (scans / path.name).exists():
            path.unlink()
    assert len(list(running.folder.iterdir())) == 3
