"""A service reads options from ``divere.toml``, again on HUP, and survives an invalid file."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from tests.batch.tiffs import tiff
from tests.cli.program import DIVERE


def until(what: Callable[[], bool], why: str) -> None:
    deadline = time.monotonic() + 240
    while not what():
        assert time.monotonic() < deadline, why
        time.sleep(0.1)


def test_hup_reads_the_file_again_and_a_bad_one_changes_nothing(tmp_path: Path) -> None:
    scans, out = tmp_path / "in", tmp_path / "out"
    scans.mkdir()
    config = tmp_path / "service.toml"
    config.write_text('name = "{stem}-one"\nisolation = "never"\n')
    command = [*DIVERE, "watch", str(scans), str(out), "--config", str(config)]
    command += ["--interval", "0.2", "--settle", "0.1"]
    log = open(tmp_path / "log", "w")  # noqa: SIM115 - as long as the service
    service = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    try:
        (scans / "a.tif").write_bytes(tiff(fill=1))
        until((out / "a-one.tif").exists, "the first scan")
        config.write_text("no-such-option = 1\n")
        service.send_signal(signal.SIGHUP)
        until(lambda: "no-such-option" in (tmp_path / "log").read_text(), "the bad file is said")
        (scans / "b.tif").write_bytes(tiff(fill=2))
        until((out / "b-one.tif").exists, "the old options stay")
        config.write_text('name = "{stem}-two"\nisolation = "never"\n')
        service.send_signal(signal.SIGHUP)
        (scans / "c.tif").write_bytes(tiff(fill=3))
        until((out / "c-two.tif").exists, "the new options count")
        service.send_signal(signal.SIGTERM)
        assert service.wait(240) == 143
    finally:
        if service.poll() is None:
            os.kill(service.pid, signal.SIGKILL)
            service.wait()
        log.close()
