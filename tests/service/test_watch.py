"""``divere watch`` as a process: scans come in, people and machines ask it, signals end it.

What goes wrong is in :mod:`.test_loop` (this process) and :mod:`.test_faults` (slow).
"""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import imageio.v3 as imageio
import numpy as np
import pytest

from divere_cli.cli import app
from tests.service.process import Service, negative, serving


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One service for all tests of this module; each puts in scans of its own."""
    with serving(tmp_path_factory.mktemp("watch"), "--isolation", "never") as made:
        yield made
        assert made.end() == 143, made.lines


def metric(service: Service, status: str) -> float:
    lines = service.get("/metrics")[1].splitlines()
    found = [each for each in lines if each.startswith(f'divere_scans_total{{status="{status}"}} ')]
    return float(found[0].split()[-1]) if found else 0.0


def test_new_scans_are_graded_once(service: Service) -> None:
    done, before = service.status["done"], metric(service, "ok")
    service.put("first.tif", negative(1))
    service.put("sub/second.tif", negative(2))
    service.until((service.output / "first.tif").exists)
    service.until((service.output / "sub" / "second.tif").exists)
    service.until(lambda: service.status["done"] == done + 2)
    service.until(lambda: service.get("/healthz")[0] == 200)  # not while the machine stands still
    service.until(lambda: service.get("/readyz")[0] == 200)
    assert metric(service, "ok") == before + 2


def test_a_failure_is_named_and_counted_once(service: Service) -> None:
    before = metric(service, "failed")
    service.put("bad.png", nonsense())
    service.until(lambda: metric(service, "failed") == before + 1)
    service.put("after.tif", negative(3))
    service.until((service.output / "after.tif").exists)
    known = [each["input"] for each in service.status["known_failures"]]
    assert known.count("bad.png") == 1
    assert metric(service, "failed") == before + 1


def nonsense() -> bytes:
    """A PNG that begins and ends as one, with broken pixels."""
    picture = np.random.default_rng(7).integers(0, 255, (40, 60, 3)).astype(np.uint8)
    whole = bytearray(imageio.imwrite("<bytes>", picture, extension=".png"))
    at = whole.index(b"IDAT") + 4
    whole[at : at + 200] = bytes(200)
    return bytes(whole)


def test_one_lock_with_batch(service: Service, capfd: Any) -> None:
    assert app.run(["batch", str(service.inputs), str(service.output), "-q"]) == 11


def test_int_ends_it_and_a_batch_goes_on(tmp_path: Path, capfd: Any) -> None:
    """Here with worker processes, as a service has them where nothing else is asked for."""
    with serving(tmp_path) as service:
        service.put("a.tif", negative(8))
        service.until(lambda: service.made() == ["a.tif"])
        assert service.end(signal.SIGINT) == 130
        assert app.run(["batch", str(service.inputs), str(service.output), "-q"]) == 0


def test_a_busy_port_is_an_error_before_any_work(
    service: Service, tmp_path: Path, capfd: Any
) -> None:
    where = f"127.0.0.1:{service.port}"
    (tmp_path / "other").mkdir()
    out = tmp_path / "other-out"
    assert app.run(["watch", str(tmp_path / "other"), str(out), "--listen", where]) == 2
    assert where in capfd.readouterr().err
    assert not out.exists()


def test_an_address_that_others_can_reach_needs_a_token(tmp_path: Path, capfd: Any) -> None:
    (tmp_path / "in").mkdir()
    words = ["watch", str(tmp_path / "in"), str(tmp_path / "out"), "--listen", "0.0.0.0:0"]
    assert app.run(words) == 2
    assert "--token-file" in capfd.readouterr().err


def test_requests_for_other_hosts_are_refused(service: Service) -> None:
    for path in ("/", "/status", "/metrics", "/healthz"):
        assert service.get(path, Host="evil.example")[0] == 421
    assert service.get("/", Host=f"localhost:{service.port}")[0] == 200
    assert service.get("/etc/passwd")[0] == 404


def test_hup_and_usr1_do_no_harm(service: Service) -> None:
    service.process.send_signal(signal.SIGHUP)
    service.process.send_signal(signal.SIGUSR1)
    service.put("after-hup.tif", negative(4))
    service.until((service.output / "after-hup.tif").exists)


def test_new_presets_are_graded_by(service: Service) -> None:
    made = service.output / "roll" / "a.tif"
    service.put("roll/a.tif", negative(5))
    service.until(made.exists)
    service.until(lambda: service.status["in_work"] == 0)
    before = made.read_bytes()
    entry = {"version": 3, "base": "c41-endura-premier", "cc_params": {"rgb_gains": [0.3, 0, 0]}}
    service.put("roll/divere_presets.json", json.dumps({"a.tif": entry}).encode())
    service.until(lambda: made.read_bytes() != before)


def test_the_page_shows_pictures_and_escapes_names(service: Service) -> None:
    service.put("<b>x.tif", negative(6))
    service.until(lambda: "&lt;b&gt;x.tif" in service.get("/")[1])
    page = service.get("/")[1]
    assert "<b>" not in page
    assert "data:image/jpeg;base64," in page
