"""Faults of a service in a process of its own: disks, shares, workers, signals, a held thread.

Slow, and with real workers; :mod:`.test_loop` and :mod:`.test_signals` have the same faults at
the seams, in the quick suite.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import psutil
import pytest

from divere_cli.cli import app
from tests.batch.test_full_disk import may_mount
from tests.batch.tiffs import tiff
from tests.service.process import DRIVER, Service, negative, serving

pytestmark = pytest.mark.slow
LINUX = sys.platform.startswith("linux")


def steady(path: Path, data: bytes) -> None:
    with path.open("wb", buffering=0) as file:
        for at in range(0, len(data), len(data) // 8):
            file.write(data[at : at + len(data) // 8])
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
    time.sleep(0.4)
    path.write_bytes(data)
    os.utime(path, (10**9, 10**9))


def backwards(path: Path, data: bytes) -> None:
    with path.open("wb", buffering=0) as file:
        for part in (3, 2, 1, 0):
            at = part * len(data) // 4
            file.seek(at)
            file.write(data[at : (part + 1) * len(data) // 4])
            time.sleep(0.2)


WAYS = (steady, filled, renamed, stalling, set_back, backwards)


def test_slow_writers_of_all_kinds_are_never_early(tmp_path: Path) -> None:
    """60 writers at once; each scan is graded once and as a batch does it."""
    whole = {f"{n}.tif": negative(n, (50, 50)) for n in range(60)}
    with serving(tmp_path, "--settle", "0.8") as service:
        writers = [
            threading.Thread(target=WAYS[n % len(WAYS)], args=(service.inputs / name, data))
            for n, (name, data) in enumerate(whole.items())
        ]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        service.until(lambda: service.status["done"] == len(whole))
        assert service.made() == sorted(whole)
        assert f'divere_scans_total{{status="ok"}} {len(whole)}.0\n' in service.get("/metrics")[1]
        assert service.status["failed"] == 0
        assert service.end() == 143
    other = tmp_path / "batch"
    assert app.run(["batch", str(service.inputs), str(other), "-q"]) == 0
    for name in whole:
        assert (other / name).stat().st_size == (service.output / name).stat().st_size
        picture = imageio.imread(other / name)
        np.testing.assert_array_equal(imageio.imread(service.output / name), picture)


def test_a_bad_scan_is_tried_once_until_it_changes(tmp_path: Path) -> None:
    with serving(tmp_path, "--on-failure", "true") as service:
        bad = service.inputs / "bad.png"
        bad.write_bytes(b"\x89PNG\r\n\x1a\n" + b"nonsense" * 9)
        deep = service.inputs / "deep.tif"
        cut = bytearray(negative(3))
        cut[4:8] = (10**9).to_bytes(4, "little")
        deep.write_bytes(bytes(cut))
        (service.inputs / "good.tif").write_bytes(negative(4))
        service.until(lambda: service.made() == ["good.tif"])  # the others do not hold it up
        deep.write_bytes(negative(5))
        service.until(lambda: service.made() == ["deep.tif", "good.tif"])
        service.until(lambda: service.status["failed"] == 1)  # its time to complete is over
        assert service.get("/readyz")[0] == 200
        (known,) = service.status["known_failures"]
        assert known["input"] == "bad.png"


def test_input_that_goes_away_is_waited_for(tmp_path: Path) -> None:
    with serving(tmp_path) as service:
        service.inputs.rename(service.inputs.with_name("unmounted"))
        service.until(lambda: service.get("/readyz")[0] == 503)
        assert service.get("/healthz")[0] == 200  # a restart would mend nothing
        assert "INPUT" in service.status["problem"]
        service.inputs.with_name("unmounted").rename(service.inputs)
        service.put("a.tif", negative(1))
        service.until(lambda: service.made() == ["a.tif"])
        assert service.get("/readyz")[0] == 200


def test_output_that_goes_away_is_not_made_anew(tmp_path: Path) -> None:
    with serving(tmp_path) as service:
        service.put("a.tif", negative(1))
        service.until(lambda: service.made() == ["a.tif"])
        away = service.output.with_name("unmounted")
        service.output.rename(away)
        service.put("b.tif", negative(2))
        service.until(lambda: service.get("/readyz")[0] == 503)
        service.output.mkdir()  # where a share is not mounted lies an empty folder
        time.sleep(1.0)
        assert service.get("/healthz")[0] == 200
        assert list(service.output.iterdir()) == []
        service.output.rmdir()
        away.rename(service.output)
        service.until(lambda: service.made() == ["a.tif", "b.tif"])


@pytest.mark.skipif(not may_mount(), reason="needs unshare and user namespaces")
def test_a_full_disk_is_waited_for_until_there_is_room(tmp_path: Path) -> None:
    """OUTPUT is a tmpfs of 64 kB in a namespace of the service's own; a helper enlarges it."""
    (tmp_path / "in").mkdir()
    output = tmp_path / "out"
    output.mkdir()
    unshare = shutil.which("unshare")
    assert unshare
    room = tmp_path / "room"
    inside = f'export ROOM="{room}" OUT="{output}"; mount -t tmpfs -o size=64k tmpfs "$OUT"; '
    inside += '( while [ ! -e "$ROOM" ]; do sleep 0.05; done; '
    inside += 'mount -o remount,size=64m "$OUT" ) >/dev/null 2>&1 & exec "$@"'
    program = (unshare, "-Urm", "sh", "-c", inside, "sh", sys.executable, "-m", "divere_cli")
    with serving(tmp_path, program=program) as service:
        for number in range(4):
            service.put(f"{number}.tif", negative(number, (100, 100)))
        service.until(lambda: service.get("/readyz")[0] == 503)
        assert service.get("/healthz")[0] == 200
        assert "space" in service.status["problem"]
        room.touch()
        service.until(lambda: service.status["done"] == 4)
        assert service.get("/readyz")[0] == 200
        assert service.end() == 143


def held(service: Service) -> list[psutil.Process]:
    """Workers and their server: children of the service's process."""
    return psutil.Process(service.process.pid).children(recursive=True)


def ended(workers: list[psutil.Process]) -> None:
    """Fail if a worker outlives its service; the last of them see its end a moment later."""
    assert not psutil.wait_procs(workers, 240.0)[1]


@pytest.mark.skipif(not LINUX, reason="the forkserver is found in /proc")
def test_a_forkserver_that_is_killed_costs_no_scan(tmp_path: Path) -> None:
    with serving(tmp_path, "--start-method", "forkserver", program=DRIVER) as service:
        gate = service.put("gated-1.tif", tiff(fill=1))
        service.put("b.tif", tiff(fill=2))
        service.until(gate.with_suffix(".began").exists)
        children = psutil.Process(service.process.pid).children()  # its workers are below it
        (server,) = (each for each in children if "forkserver" in " ".join(each.cmdline()))
        server.kill()
        gate.with_suffix(".open").touch()
        service.until(lambda: service.made() == ["b.tif", "gated-1.tif"])
        service.until(lambda: service.status["restarts"] >= 1)
        assert "divere_restarts_total 0" not in service.get("/metrics")[1]
        assert service.status["failed"] == 0
        assert service.end() == 143


def test_a_scan_that_kills_its_worker_is_tried_three_times(tmp_path: Path) -> None:
    with serving(tmp_path, program=DRIVER) as service:
        bad = service.put("killed-1.tif", tiff(fill=1))
        service.put("good.tif", tiff(fill=2))
        service.until(lambda: service.made() == ["good.tif"])
        service.until(lambda: service.status["failed"] == 1)
        (known,) = service.status["known_failures"]
        assert known["input"] == "killed-1.tif"
        report = (service.output / "divere-report.json").read_text()
        assert '"attempts": 3' in report
        service.put("later.tif", tiff(fill=3))
        service.until(lambda: "later.tif" in service.made())
        bad.unlink()
        service.until(lambda: service.status["failed"] == 0)
        assert service.end() == 143


def test_term_ends_a_scan_that_hangs_when_its_grace_is_over(tmp_path: Path) -> None:
    with serving(tmp_path, "--grace", "1", program=DRIVER) as service:
        scan = service.put("hangs-1.tif", tiff())
        service.until(scan.with_suffix(".began").exists)
        workers = held(service)
        began = time.monotonic()
        assert service.end() == 143
        assert time.monotonic() - began >= 1.0
        ended(workers)
        assert service.made() == []


def test_a_second_signal_does_not_wait_for_the_grace(tmp_path: Path) -> None:
    with serving(tmp_path, "--grace", "86400", program=DRIVER) as service:
        scan = service.put("hangs-1.tif", tiff())
        service.until(scan.with_suffix(".began").exists)
        workers = held(service)
        service.process.send_signal(signal.SIGTERM)
        service.until(lambda: service.count("SIGTERM") or service.status["state"])
        assert service.end() == 143
        ended(workers)


def test_hup_during_a_batch_kills_no_worker(tmp_path: Path) -> None:
    config = tmp_path / "service.toml"
    config.write_text('name = "{stem}-one"\n')
    with serving(tmp_path, "--config", str(config), "--jobs", "1", program=DRIVER) as service:
        gate = service.put("gated-1.tif", tiff(fill=1))
        service.until(gate.with_suffix(".began").exists)
        config.write_text('name = "{stem}-two"\n')
        service.process.send_signal(signal.SIGHUP)
        service.process.send_signal(signal.SIGHUP)
        gate.with_suffix(".open").touch()
        service.until(lambda: service.made() == ["gated-1-one.tif"])
        service.put("later.tif", tiff(fill=2))
        service.until(lambda: service.made() == ["gated-1-one.tif", "later-two.tif"])
        assert '"attempts": 2' not in (service.output / "divere-report.json").read_text()
        assert service.end() == 143


@pytest.mark.parametrize("busy", [False, True], ids=["watching", "with a scan in work"])
def test_a_stuck_loop_is_unhealthy(tmp_path: Path, busy: bool) -> None:
    """The main thread alone is held, as a system call that never returns would."""
    libc = ctypes.CDLL(None, use_errno=True)
    seize, interrupt, detach = 0x4206, 0x4207, 17
    with serving(tmp_path, program=DRIVER) as service:
        if busy:
            gate = service.put("gated-1.tif", tiff())
            service.until(gate.with_suffix(".began").exists)
        pid = service.process.pid
        if not LINUX or libc.ptrace(seize, pid, 0, 0) != 0:
            pytest.skip("ptrace is not allowed here")
        try:
            assert libc.ptrace(interrupt, pid, 0, 0) == 0
            os.waitpid(pid, 0x40000000)  # __WALL: it has stopped
            began = time.monotonic()
            service.until(lambda: service.get("/healthz")[0] == 503)
            assert time.monotonic() - began > 10.0
        finally:
            libc.ptrace(detach, pid, 0, 0)
        service.until(lambda: service.get("/healthz")[0] == 200)
        if busy:
            gate.with_suffix(".open").touch()
        assert service.end() == 143


def test_term_with_24_megapixels_in_work_ends_within_the_grace(tmp_path: Path) -> None:
    samples = [sys.executable, "-m", "divere_cli", "samples", str(tmp_path / "made")]
    subprocess.run([*samples, "--count", "1", "--megapixels", "24"], check=True)
    (scan,) = (tmp_path / "made").glob("*.tif")
    with serving(tmp_path, "--grace", "0.05") as service:
        scan.rename(service.inputs / "a.tif")
        service.until(lambda: service.status["in_work"] == 1 and held(service))
        began = time.monotonic()
        assert service.end() == 143
        print(f"{time.monotonic() - began:.2f} s from TERM to the end")  # noqa: T201
        assert time.monotonic() - began < 60.0  # the figure is on the page; here a guard
        assert not list(service.output.glob(".divere-tmp-*"))
