"""``divere watch`` as a service: what comes in, what goes wrong, how it ends."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imageio.v3 as imageio
import numpy as np
import pytest

from divere_cli.cli import app

SECONDS = 240.0  # a guard, not a figure


def negative(seed: int = 0, size: tuple[int, int] = (60, 80)) -> bytes:
    random = np.random.default_rng(seed)
    picture = random.integers(2000, 20000, (*size, 3)).astype(np.uint16)
    return bytes(imageio.imwrite("<bytes>", picture, extension=".tif"))


@dataclass
class Service:
    """The service in a process of its own."""

    process: subprocess.Popen[str]
    port: int
    inputs: Path
    output: Path
    lines: list[str]

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
            time.sleep(0.03)
        return found

    def made(self) -> list[str]:
        return sorted(p.name for p in self.output.glob("*.tif"))

    def count(self, words: str) -> int:
        return sum(words in line for line in self.lines)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Callable[..., Service]]:
    running: list[tuple[Service, threading.Thread]] = []

    def start(*options: str) -> Service:
        inputs, output = tmp_path / "in", tmp_path / "out"
        inputs.mkdir(exist_ok=True)
        port = free_port()
        command = [sys.executable, "-m", "divere_cli", "watch", str(inputs), str(output)]
        command += ["--interval", "0.3", "--settle", "0.6", "--listen", f"127.0.0.1:{port}"]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("DIVERE_")}
        environment["DIVERE_WATCH_AUTO"] = "off"  # as the tests' batches, which measure nothing
        process = subprocess.Popen(
            [*command, *options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        found = Service(process, port, inputs, output, [])
        reader = threading.Thread(target=_read, args=(process, found.lines))
        reader.start()
        running.append((found, reader))
        found.until(lambda: found.count("listening on"))
        found.until(lambda: found.get("/readyz")[0] == 200)
        return found

    yield start
    for service, reader in running:
        if service.process.poll() is None:
            service.process.kill()
        service.process.wait()
        reader.join()


def _read(process: subprocess.Popen[str], lines: list[str]) -> None:
    assert process.stderr is not None
    with process.stderr as stream:
        lines.extend(line.rstrip() for line in iter(stream.readline, ""))


def ended(service: Service, number: int = signal.SIGTERM) -> int:
    service.process.send_signal(number)
    return service.process.wait(SECONDS)


def test_what_comes_is_graded_once_and_the_end_is_in_order(begin: Callable[..., Service]) -> None:
    service = begin()
    (service.inputs / "a.tif").write_bytes(negative(1))
    service.until(lambda: service.made() == ["a.tif"])
    (service.inputs / "sub").mkdir()
    (service.inputs / "sub" / "b.tif").write_bytes(negative(2))
    service.until(lambda: (service.output / "sub" / "b.tif").exists())
    service.until(lambda: service.status["done"] == 2)
    assert service.get("/healthz")[0] == 200
    assert 'divere_scans_total{status="ok"} 2' in service.get("/metrics")[1]
    assert service.count("1 ok") == 2
    assert ended(service) == 143


def test_slow_writers_of_all_kinds_are_never_early(begin: Callable[..., Service]) -> None:
    service = begin()
    whole = {f"{n}.tif": negative(n, (50, 50)) for n in range(10)}

    def steady(path: Path, data: bytes) -> None:
        with path.open("wb") as file:
            for start in range(0, len(data), len(data) // 8 + 1):
                file.write(data[start : start + len(data) // 8 + 1])
                file.flush()
                time.sleep(0.15)

    def filled(path: Path, data: bytes) -> None:
        path.write_bytes(bytes(len(data)))
        time.sleep(1.5)
        path.write_bytes(data)

    def renamed(path: Path, data: bytes) -> None:
        part = path.with_suffix(".part")
        part.write_bytes(data[: len(data) // 2])
        time.sleep(1.2)
        part.write_bytes(data)
        part.rename(path)

    def stalling(path: Path, data: bytes) -> None:
        path.write_bytes(data[: len(data) // 2])
        time.sleep(2.0)  # longer than --settle
        with path.open("ab") as file:
            file.write(data[len(data) // 2 :])

    def set_back(path: Path, data: bytes) -> None:
        path.write_bytes(data[:-100])
        time.sleep(0.8)
        path.write_bytes(data)
        os.utime(path, (10**9, 10**9))

    ways = (steady, filled, renamed, stalling, set_back)
    writers = [
        threading.Thread(target=ways[n % 5], args=(service.inputs / name, data))
        for n, (name, data) in enumerate(whole.items())
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    service.until(lambda: service.status["done"] == 10)
    assert service.made() == sorted(whole)
    assert 'divere_scans_total{status="ok"} 10.0\n' in service.get("/metrics")[1]  # each once
    assert service.status["failed"] == 0
    assert ended(service) == 143
    other = service.output.parent / "batch"
    assert app.run(["batch", str(service.inputs), str(other), "-q"]) == 0
    for name in whole:
        assert (other / name).stat().st_size == (service.output / name).stat().st_size
        picture = imageio.imread(other / name)
        np.testing.assert_array_equal(imageio.imread(service.output / name), picture)


def test_a_bad_scan_is_tried_once_until_it_changes(begin: Callable[..., Service]) -> None:
    service = begin("--on-failure", "true")
    bad = service.inputs / "bad.png"
    bad.write_bytes(b"\x89PNG\r\n\x1a\n" + b"nonsense" * 9)
    deep = service.inputs / "deep.tif"
    cut = bytearray(negative(3))
    cut[4:8] = (10**9).to_bytes(4, "little")
    deep.write_bytes(bytes(cut))
    (service.inputs / "good.tif").write_bytes(negative(4))
    service.until(lambda: service.made() == ["good.tif"])  # the others do not hold it up
    for path in (bad, deep):  # their time to become complete is over
        data = path.read_bytes()
        path.write_bytes(data)
    deep.write_bytes(negative(5))
    service.until(lambda: service.made() == ["deep.tif", "good.tif"])
    assert service.get("/readyz")[0] == 200


def test_one_lock_with_batch(begin: Callable[..., Service], capfd: Any) -> None:
    service = begin()
    assert app.run(["batch", str(service.inputs), str(service.output), "-q"]) == 11
    assert ended(service, signal.SIGINT) == 130
    assert app.run(["batch", str(service.inputs), str(service.output), "-q"]) == 0


def test_a_busy_port_is_said_before_any_work(
    begin: Callable[..., Service], tmp_path: Path, capfd: Any
) -> None:
    service = begin()
    where = f"127.0.0.1:{service.port}"
    (tmp_path / "other").mkdir()
    out = tmp_path / "other-out"
    assert app.run(["watch", str(tmp_path / "other"), str(out), "--listen", where]) == 2
    assert where in capfd.readouterr().err
    assert not out.exists()


def test_an_address_for_others_wants_a_token(tmp_path: Path, capfd: Any) -> None:
    (tmp_path / "in").mkdir()
    words = ["watch", str(tmp_path / "in"), str(tmp_path / "out"), "--listen", "0.0.0.0:0"]
    assert app.run(words) == 2
    assert "--token-file" in capfd.readouterr().err


def test_strange_hosts_hear_nothing(begin: Callable[..., Service]) -> None:
    service = begin()
    for path in ("/", "/status", "/metrics", "/healthz"):
        assert service.get(path, Host="evil.example")[0] == 421
    assert service.get("/", Host=f"localhost:{service.port}")[0] == 200
    assert service.get("/etc/passwd")[0] == 404


def test_input_that_goes_away_is_waited_for(begin: Callable[..., Service]) -> None:
    service = begin()
    service.inputs.rename(service.inputs.with_name("unmounted"))
    service.until(lambda: service.get("/readyz")[0] == 503)
    assert service.get("/healthz")[0] == 200  # a restart would mend nothing
    assert "INPUT" in service.status["problem"]
    service.inputs.with_name("unmounted").rename(service.inputs)
    (service.inputs / "a.tif").write_bytes(negative(1))
    service.until(lambda: service.made() == ["a.tif"])
    assert service.get("/readyz")[0] == 200


def test_output_that_goes_away_is_not_made_anew(begin: Callable[..., Service]) -> None:
    service = begin()
    (service.inputs / "a.tif").write_bytes(negative(1))
    service.until(lambda: service.made() == ["a.tif"])
    away = service.output.with_name("unmounted")
    service.output.rename(away)
    (service.inputs / "b.tif").write_bytes(negative(2))
    service.until(lambda: service.get("/readyz")[0] == 503)
    service.output.mkdir()  # where a share is not mounted lies an empty folder
    time.sleep(1.0)
    assert service.get("/healthz")[0] == 200
    assert list(service.output.iterdir()) == []
    service.output.rmdir()
    away.rename(service.output)
    service.until(lambda: service.made() == ["a.tif", "b.tif"])


def test_what_fails_is_named_and_counted_once(begin: Callable[..., Service]) -> None:
    service = begin("--on-failure", "true")
    (service.inputs / "bad.jpg").write_bytes(b"\xff\xd8\xff\xe0" + bytes(200) + b"\xff\xd9")
    service.until(lambda: service.status["failed"] == 1)
    (service.inputs / "a.tif").write_bytes(negative(1))
    service.until(lambda: service.made() == ["a.tif"])
    (known,) = service.status["known_failures"]
    assert known["input"] == "bad.jpg"
    assert 'divere_scans_total{status="failed"} 1.0\n' in service.get("/metrics")[1]


def test_the_unit_is_one_that_systemd_takes() -> None:
    verify = shutil.which("systemd-analyze")
    if verify is None:
        pytest.skip("no systemd-analyze here")
    unit = Path(__file__).parents[2] / "deploy" / "divere-watch.service"
    done = subprocess.run([verify, "verify", str(unit)], capture_output=True, text=True)
    said = [line for line in done.stderr.splitlines() if "is not executable" not in line]
    assert not [line for line in said if "divere-watch" in line]


def test_hup_reads_again_and_goes_on(begin: Callable[..., Service]) -> None:
    service = begin()
    service.process.send_signal(signal.SIGHUP)
    service.process.send_signal(signal.SIGUSR1)
    (service.inputs / "a.tif").write_bytes(negative(1))
    service.until(lambda: service.made() == ["a.tif"])


def test_new_presets_are_graded_by(begin: Callable[..., Service]) -> None:
    service = begin()
    (service.inputs / "divere_presets.json").write_text("{}")
    (service.inputs / "a.tif").write_bytes(negative(1))
    service.until(lambda: service.status["done"] == 1)
    before = (service.output / "a.tif").read_bytes()
    entry = {"version": 3, "base": "c41-endura-premier", "cc_params": {"rgb_gains": [0.3, 0, 0]}}
    (service.inputs / "divere_presets.json").write_text(json.dumps({"a.tif": entry}))
    service.until(lambda: (service.output / "a.tif").read_bytes() != before)


def test_the_page_shows_pictures_and_escapes_names(begin: Callable[..., Service]) -> None:
    service = begin()
    (service.inputs / "<b>x.tif").write_bytes(negative(1))
    service.until(lambda: service.status["done"] == 1)
    page = service.get("/")[1]
    assert "&lt;b&gt;x.tif" in page
    assert "<b>" not in page
    assert "data:image/jpeg;base64," in page


def test_a_loop_that_stands_still_is_told(begin: Callable[..., Service]) -> None:
    """The main thread alone is held, as a system call that never returns would."""
    service = begin()
    libc = ctypes.CDLL(None, use_errno=True)
    seize, interrupt, detach = 0x4206, 0x4207, 17
    if not sys.platform.startswith("linux") or libc.ptrace(seize, service.process.pid, 0, 0) != 0:
        pytest.skip("ptrace is not allowed here")
    try:
        assert libc.ptrace(interrupt, service.process.pid, 0, 0) == 0
        os.waitpid(service.process.pid, 0x40000000)  # __WALL: it has stopped
        began = time.monotonic()
        while service.get("/healthz")[0] == 200:
            assert time.monotonic() - began < 240.0
            time.sleep(0.2)
        assert time.monotonic() - began > 10.0
    finally:
        libc.ptrace(detach, service.process.pid, 0, 0)
    service.until(lambda: service.get("/healthz")[0] == 200)
