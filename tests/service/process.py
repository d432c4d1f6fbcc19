"""The service in a process of its own, for tests that ask it by HTTP and send it signals."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import imageio.v3 as imageio
import numpy as np

from tests.cli.program import DIVERE

SECONDS = 240.0  # a guard, not a figure
DRIVER = (sys.executable, "-m", "tests.service.driver")
ROOT = Path(__file__).parents[2]


def negative(seed: int = 0, size: tuple[int, int] = (60, 80)) -> bytes:
    """A 16-bit TIFF of noise."""
    random = np.random.default_rng(seed)
    picture = random.integers(2000, 20000, (*size, 3)).astype(np.uint16)
    return bytes(imageio.imwrite("<bytes>", picture, extension=".tif"))


@dataclass
class Service:
    """A service under way, and the lines that it wrote to stderr."""

    process: subprocess.Popen[str]
    inputs: Path
    output: Path
    lines: list[str] = field(default_factory=list)

    @property
    def port(self) -> int:
        found = (
            re.search(r"listening on: http://127\.0\.0\.1:(\d+)/", line) for line in self.lines
        )
        return next((int(match.group(1)) for match in found if match), 0)

    def get(self, path: str, **headers: str) -> tuple[int, str]:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=120.0) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as problem:
            with problem:
                return problem.code, problem.read().decode()

    @property
    def status(self) -> Any:
        return json.loads(self.get("/status")[1])

    def until(self, what: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + SECONDS
        while not (found := what()):
            assert self.process.poll() is None, self.lines
            assert time.monotonic() < deadline, (self.lines, self.status)
            time.sleep(0.02)
        return found

    def made(self) -> list[str]:
        return sorted(p.name for p in self.output.glob("*.tif"))

    def count(self, words: str) -> int:
        return sum(words in line for line in self.lines)

    def put(self, name: str, data: bytes) -> Path:
        """Write a scan at once, as a rename does."""
        path = self.inputs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.part")
        part.write_bytes(data)
        part.rename(path)
        return path

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(SECONDS)


@contextmanager
def serving(
    folder: Path, *options: str, program: Sequence[str] = DIVERE, ready: bool = True
) -> Iterator[Service]:
    """A service over ``in`` and ``out`` of a folder; killed in the end where it still runs."""
    inputs, output = folder / "in", folder / "out"
    inputs.mkdir(exist_ok=True)
    command = [*program, "watch", str(inputs), str(output), "--interval", "0.2"]
    if "--settle" not in options:
        command += ["--settle", "0.3"]
    command += ["--listen", "127.0.0.1:0", *options]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("DIVERE_")}
    environment["DIVERE_WATCH_AUTO"] = "off"  # as the tests' batches, which measure nothing
    process = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=ROOT,
    )
    service = Service(process, inputs, output)
    reader = threading.Thread(target=_read, args=(process, service.lines))
    reader.start()
    try:
        if ready:
            service.until(lambda: service.port)
            service.until(lambda: service.get("/readyz")[0] == 200)
        yield service
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        reader.join()


def _read(process: subprocess.Popen[str], lines: list[str]) -> None:
    assert process.stderr is not None
    with process.stderr as stream:
        lines.extend(line.rstrip() for line in iter(stream.readline, ""))
