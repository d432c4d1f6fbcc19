"""``divere review`` as a command: pictures, presets, crashes, and the fixed names of its API."""

from __future__ import annotations

import contextlib
import io
import json
import os
import select
import signal
import socket
import time
from pathlib import Path
from typing import Any

import imageio.v3 as imageio
import numpy as np
import psutil
import pytest
from PIL import Image

from divere_cli.cli import app
from tests.review.conftest import Answer, Running, numbered, start

NAME = "frame-02.tif"


def pixels(body: bytes) -> np.ndarray[Any, Any]:
    with Image.open(io.BytesIO(body)) as image:
        return np.asarray(image.convert("RGB"), np.float64)


def entry(service: Running, name: str = NAME) -> Any:
    return service.ask(f"/api/frame?name={name}").json["entry"]


def with_gains(preset: Any, *gains: float) -> Any:
    return {**preset, "cc_params": {**preset["cc_params"], "rgb_gains": list(gains)}}


def workers(service: Running) -> list[psutil.Process]:
    """Processes that hold a scan or wait for one, nearest first."""
    parent = psutil.Process(service.process.pid)
    return [p for p in parent.children(recursive=True) if _runs(p)]


def _runs(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:  # it ended since the list was made
        return False


def test_the_roll_has_the_names_that_are_fixed(service: Running) -> None:
    roll = service.ask("/api/roll").json
    assert roll["version"] >= 1
    assert [frame["name"] for frame in roll["frames"]] == [f"frame-0{n}.tif" for n in (1, 2, 3)]
    for frame in roll["frames"]:
        assert (frame["status"], frame["mark"]) == ("ok", None)
        assert frame["confidence"] in ("high", "medium", "low")


def test_every_request_passes_the_access_check(service: Running) -> None:
    assert service.ask("/api/roll", Authorization="Bearer no").status == 403
    assert service.ask("/api/roll", Host="evil.example").status == 421
    assert service.ask("/api/roll", Origin="null").status == 403
    assert service.ask("/api/render", {}, Content_Type="text/plain").status == 415


def test_a_picture_is_as_large_as_asked_and_of_its_format(service: Running) -> None:
    for form, kind in (("png", "PNG"), ("jpeg", "JPEG")):
        answer = service.render(NAME, size=200, format=form)
        assert answer.status == 200
        assert answer.headers["content-type"] == f"image/{form}"
        with Image.open(io.BytesIO(answer.body)) as image:
            assert image.format == kind
            assert max(image.size) == 200
            assert image.info["icc_profile"]


def batched(roll: Path, out: Path, name: str = NAME) -> np.ndarray[Any, Any]:
    """What a batch makes of one scan, in the page's color space."""
    options = ["--format", "png", "--bit-depth", "8", "--color-space", "sRGB", "--include", name]
    assert app.run(["batch", str(roll), str(out), *options, "-q"]) == 0
    return pixels((out / Path(name).with_suffix(".png")).read_bytes())


def test_the_preview_is_the_batchs_positive(service: Running, roll: Path, tmp_path: Path) -> None:
    """After the same downsampling: that of the scan's light, before the grade."""
    preset = with_gains(entry(service), 0.0, -0.4, -0.6)
    whole = imageio.imread(roll / NAME)
    for factor in (2, 3):
        rows, columns = whole.shape[0] // factor * factor, whole.shape[1] // factor * factor
        scan = whole[:rows, :columns]
        boxes = scan.reshape(rows // factor, factor, columns // factor, factor, 3)
        small = np.rint(boxes.mean(axis=(1, 3))).astype(np.uint16)
        imageio.imwrite(roll / f"whole-{factor}.tif", np.ascontiguousarray(scan))
        imageio.imwrite(roll / f"small-{factor}.tif", small)
        entries = {f"whole-{factor}.tif": preset, f"small-{factor}.tif": preset}
        version = service.ask("/api/roll").json["version"]
        answer = service.ask("/api/presets", {"version": version, "entries": entries})
        assert answer.status == 200
        positive = batched(roll, tmp_path / "out", f"small-{factor}.tif")
        shown = pixels(service.render(f"whole-{factor}.tif", size=max(small.shape)).body)
        assert shown.shape == positive.shape
        assert np.abs(shown - positive).max() <= 2.0


def test_a_smooth_picture_is_the_positive_made_small(
    service: Running, roll: Path, tmp_path: Path
) -> None:
    """Without edges and grain it does not matter whether light or the positive is averaged."""
    y, x = np.mgrid[0:400, 0:600] / 600.0
    scan = np.stack([0.12 + 0.1 * x, 0.05 + 0.05 * x, 0.03 + 0.02 * (x + y)], axis=2)
    imageio.imwrite(roll / "smooth.tif", np.rint(scan * 65535).astype(np.uint16))
    preset = with_gains(entry(service), 0.0, -0.4, -0.6)
    body = {"version": service.version, "entries": {"smooth.tif": preset}}
    assert service.ask("/api/presets", body).status == 200
    whole = batched(roll, tmp_path / "out", "smooth.tif").astype(np.uint8)
    for size in (600, 450, 300, 160):
        shown = pixels(service.render("smooth.tif", size=size).body)
        box = (shown.shape[1], shown.shape[0])
        small = np.asarray(Image.fromarray(whole).resize(box, Image.Resampling.BOX), np.float64)
        assert np.abs(shown - small).max() <= 2.0


def test_one_to_one_is_the_batchs_pixels(service: Running, roll: Path, tmp_path: Path) -> None:
    preset = with_gains(entry(service), 0.0, -0.4, -0.6)
    preset["metadata"] |= {"orientation": 90, "crop": [0.1, 0.2, 0.7, 0.6]}
    body = {"version": service.version, "entries": {NAME: preset}}
    assert service.ask("/api/presets", body).status == 200
    whole = batched(roll, tmp_path / "out")
    shown = pixels(service.render(NAME, size=4000).body)
    assert shown.shape == whole.shape
    assert np.abs(shown - whole).max() <= 1.0
    height, width, _ = whole.shape
    window = [0.25, 0.5, 0.5, 0.25]
    part = pixels(service.render(NAME, size=4000, window=window).body)
    top, left = round(0.5 * height), round(0.25 * width)
    assert abs(part.shape[0] - height * 0.25) <= 1
    found = min(
        float(np.abs(part[:80, :80] - whole[y : y + 80, x : x + 80]).max())
        for y in (top - 1, top, top + 1)
        for x in (left - 1, left, left + 1)
    )
    assert found <= 1.0


def test_an_error_is_one_line(service: Running, roll: Path) -> None:
    whole = (roll / NAME).read_bytes()
    (roll / "bad.tif").write_bytes(whole[: len(whole) // 2])
    answer = service.render("bad.tif")
    assert answer.status == 422
    assert "\n" not in answer.json["error"]
    assert answer.json["error"]
    frame = next(f for f in service.ask("/api/roll").json["frames"] if f["name"] == "bad.tif")
    assert frame["status"] == "failed"
    assert frame["message"]
    assert service.render(NAME).status == 200
    broken = with_gains(entry(service), 99, 0, 0)
    answer = service.render(NAME, preset=broken)
    assert answer.status == 422
    assert "rgb_gains" in answer.json["error"]
    assert service.render(NAME, preset="no preset").status == 422


def test_nothing_outside_of_the_folder_has_a_name(service: Running, roll: Path) -> None:
    (roll.parent / "secret.tif").write_bytes((roll / NAME).read_bytes())
    for name in ("../secret.tif", str(roll.parent / "secret.tif"), "nowhere.tif", "..", "x.txt"):
        assert service.render(name).status == 404
        assert service.ask(f"/api/frame?name={name}").status == 404
        body = {"version": service.version, "entries": {name: entry(service)}}
        assert service.ask("/api/presets", body).status == 404
    for path in ("/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py", "/x"):
        assert service.ask(path).status == 404
    assert not (roll / "divere_presets.json").exists()


@pytest.mark.parametrize(
    "body",
    [
        {"size": 100},
        {"name": 7},
        {"name": NAME, "size": "large"},
        {"name": NAME, "size": 0},
        {"name": NAME, "format": "webp"},
        {"name": NAME, "window": [0, 0, 2, 1]},
        {"name": NAME, "window": [0, 0, 0, 1]},
        [],
    ],
)
def test_an_invalid_request_is_explained(service: Running, body: Any) -> None:
    assert service.ask("/api/render", body).status == 400


def test_presets_are_written_and_old_versions_are_refused(service: Running, roll: Path) -> None:
    path = roll / "divere_presets.json"
    preset, first = entry(service), service.version

    def put(version: int, value: Any) -> Answer:
        return service.ask("/api/presets", {"version": version, "entries": {NAME: value}})

    assert put(first, preset).json == {"version": first + 1}
    assert json.loads(path.read_text()) == {NAME: preset}
    answer = put(first, None)
    assert (answer.status, answer.json["version"]) == (409, first + 1)
    others = {**json.loads(path.read_text()), "their.tif": {"version": 3, "cc_params": {}}}
    path.write_text(json.dumps(others))
    answer = put(first + 1, None)
    assert (answer.status, answer.json["version"]) == (409, first + 2)
    assert "another program" in answer.json["error"]
    assert json.loads(path.read_text()) == others
    assert put(first + 2, None).status == 200
    assert list(json.loads(path.read_text())) == ["their.tif"]


def test_what_was_measured_is_written_with_the_first_entry(service: Running, roll: Path) -> None:
    """So that a batch grades the others as the page showed them."""
    before = {n: pixels(service.render(n).body) for n in ("frame-01.tif", "frame-03.tif")}
    body = {"version": service.version, "entries": {NAME: entry(service)}, "freeze": True}
    assert service.ask("/api/presets", body).status == 200
    written = json.loads((roll / "divere_presets.json").read_text())
    assert set(written) == {"frame-01.tif", NAME, "frame-03.tif"}
    for name, picture in before.items():
        np.testing.assert_array_equal(pixels(service.render(name).body), picture)


def test_the_newest_request_wins(service: Running) -> None:
    """All are answered; the stale ones are dropped, and the last one is what is shown.

    The worker of the scan is stopped, so that none is answered before the last one has come.
    """
    preset = entry(service)
    service.render(NAME)  # open it first
    stopped = [p for p in workers(service) if _has_proxy(p)]
    for worker in stopped:
        worker.suspend()
    where = service.base.removeprefix("http://")
    host, _, port = where.partition(":")
    lines = []
    for number in range(25):  # in order on the wire, none waits for an answer
        wanted = with_gains(preset, 0.01 * number, -0.4, -0.6)
        body = json.dumps({"name": NAME, "size": 1600, "preset": wanted}).encode()
        head = (
            f"POST /api/render HTTP/1.1\r\nHost: {where}\r\nConnection: close\r\n"
            f"Authorization: Bearer {service.token}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        line = socket.create_connection((host, int(port)), timeout=240.0)
        line.sendall(head.encode() + body)
        lines.append(line)
    readable: list[socket.socket] = []
    while len(readable) < 23:  # all but the one at the worker and the newest
        readable = select.select(lines, [], [], 240.0)[0]
        assert readable, "no answer"
    for worker in stopped:
        worker.resume()
    statuses = []
    for line in lines:
        with line, line.makefile("rb") as answer:
            statuses.append(int(answer.readline().split()[1]))
            answer.read()
    assert statuses[-1] == 200
    assert sorted(statuses) in ([200] + [409] * 24, [200] * 2 + [409] * 23)


def test_after_a_crash_a_fresh_worker_tries_again_with_a_notice(service: Running) -> None:
    assert service.render(NAME).status == 200
    first = pixels(service.render(NAME).body)
    before = service.ask("/api/state").json["notices"]
    _kill_scan_workers(service)
    answer = service.render(NAME)
    assert answer.status == 200
    np.testing.assert_array_equal(pixels(answer.body), first)
    notices = service.ask("/api/state").json["notices"]
    fresh = [n for n in notices[len(before) :] if "fresh worker" in n["message"]]
    assert [n["name"] for n in fresh] == [NAME]  # a slow machine may add "took 9 s to open"


def _kill_scan_workers(service: Running) -> None:
    """All below the service but its forkserver and what belongs to that."""
    for process in workers(service):
        with contextlib.suppress(ProcessLookupError, psutil.NoSuchProcess):
            if process.pid and os.getpgid(process.pid) == process.pid and _has_proxy(process):
                process.send_signal(signal.SIGKILL)


def _has_proxy(process: psutil.Process) -> bool:
    try:
        maps = Path(f"/proc/{process.pid}/fd").iterdir()
        return any("divere-review-" in os.readlink(fd) for fd in maps)
    except OSError:
        return False


def test_the_last_two_workers_are_kept_and_memory_comes_back(service: Running) -> None:
    for name in ("frame-01.tif", "frame-02.tif", "frame-03.tif"):
        assert service.render(name, size=600).status == 200
    deadline = time.monotonic() + 240.0
    while len(held := [p for p in workers(service) if _has_proxy(p)]) > 2:
        assert time.monotonic() < deadline, held
        time.sleep(0.02)
    assert len(held) == 2


def test_a_neutral_is_picked_by_the_grade(service: Running) -> None:
    preset = with_gains(entry(service), 0.3, -0.4, -0.9)
    answer = service.ask("/api/pick", {"name": NAME, "preset": preset, "at": [0.085, 0.71]})
    assert answer.status == 200, answer.json
    gains = answer.json["rgb_gains"]
    shown = pixels(service.render(NAME, preset=with_gains(preset, *gains)).body)
    height, width, _ = shown.shape
    row, column = int(0.71 * height), int(0.085 * width)
    spot = shown[row - 2 : row + 3, column - 2 : column + 3]
    assert np.ptp(spot.mean(axis=(0, 1))) < 6.0
    bad = service.ask("/api/pick", {"name": NAME, "at": [2, 0]})
    assert bad.status == 400


def test_the_service_ends_in_order_and_leaves_nothing(roll: Path) -> None:
    running = start(roll)
    assert running.render(NAME).status == 200
    left = workers(running)
    assert left
    assert running.stop(signal.SIGTERM) == 143
    _, alive = psutil.wait_procs(left, 60.0)
    assert not alive
    for root in ("/dev/shm", "/tmp"):
        names = [p.name for p in Path(root).glob(f"divere-review-{running.process.pid}-*")]
        assert not names
    assert sorted(p.name for p in roll.iterdir()) == [f"frame-0{n}.tif" for n in (1, 2, 3)]


def test_a_busy_port_is_named(service: Running, capfd: pytest.CaptureFixture[str]) -> None:
    where = service.base.removeprefix("http://")
    assert app.run(["review", str(Path.cwd()), "--no-browser", "--listen", where]) == 2
    assert where in capfd.readouterr().err


def test_a_missing_folder_is_an_error(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert app.run(["review", str(tmp_path / "nowhere"), "--no-browser"]) == 10
    assert "nowhere" in capfd.readouterr().err


def test_the_file_of_presets_may_be_named(roll: Path) -> None:
    (roll / "divere_presets.json").write_text("{}")
    running = start(roll / "divere_presets.json")
    try:
        shown = running.ask("/api/roll").json
        assert (len(shown["frames"]), shown["version"]) == (3, 1)
    finally:
        running.stop()


def test_an_export_is_a_batch(service: Running, roll: Path) -> None:
    body = {"version": service.version, "entries": {}, "marks": {"frame-03.tif": "reject"}}
    assert service.ask("/api/presets", body).status == 200
    wanted = {"output": "prints", "format": "jpeg", "quality": 80}
    assert service.ask("/api/export", wanted).status == 200
    deadline = time.monotonic() + 240.0
    while (said := service.ask("/api/state").json["exporting"])["state"] == "running":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert (said["exit_code"], said["done"], said["failed"]) == (0, 2, 0)
    written = json.loads((roll / "divere_presets.json").read_text())
    assert set(written) == {"divere_cli", "frame-01.tif", "frame-02.tif", "frame-03.tif"}
    made = sorted(p.name for p in (roll / "prints").glob("*.jpg"))
    assert made == ["frame-01.jpg", "frame-02.jpg"]
    for bad in ("../out", "/tmp/out", ".hidden", "-o", ""):
        if bad:
            assert service.ask("/api/export", {"output": bad}).status == 400


def test_rolls_of_other_sizes_are_shown(tmp_path: Path) -> None:
    """A scan larger than its proxy: made small by whole boxes."""
    folder = tmp_path / "large"
    folder.mkdir()
    y, x = np.mgrid[0:2200, 0:3300].astype(np.uint16)
    scan = np.stack([9000 + 4 * x, 6000 + 3 * y, 4000 + 2 * x + y], axis=2)
    imageio.imwrite(folder / "frame-01.tif", scan)
    entry = {"version": 3, "base": "c41-endura-premier"}  # so that it is not measured
    (folder / "divere_presets.json").write_text(json.dumps({"frame-01.tif": entry}))
    running = start(folder)
    try:
        answer = running.render("frame-01.tif", size=1500)
        told = json.loads(answer.headers["x-divere-picture"])
        assert max(told["width"], told["height"]) == 1500
        close = running.render("frame-01.tif", size=400, window=[0.5, 0.5, 0.05, 0.05])
        assert json.loads(close.headers["x-divere-picture"])["scale"] == 1.0
    finally:
        running.stop()


@pytest.mark.parametrize("tag", [3, 5, 6])
def test_light_and_orientation_are_the_batchs(
    service: Running, roll: Path, tmp_path: Path, tag: int
) -> None:
    """An 8-bit JPEG is sRGB and turned by its own tag, until its entry says how it lies."""
    y, x = np.mgrid[0:120, 0:180]
    scan = np.stack([90 + x // 3, 80 + y // 3, 60 + (x + y) // 6], axis=2).astype(np.uint8)
    exif = Image.Exif()
    exif[0x0112] = tag
    Image.fromarray(scan).save(roll / "camera.jpg", quality=95, exif=exif)
    options = ["--format", "png", "--bit-depth", "8", "--color-space", "sRGB", "--auto", "off"]
    out = tmp_path / "out"
    words = ["batch", str(roll), str(out), *options, "--include", "camera.jpg", "-q"]
    assert app.run(words) == 0
    whole = pixels((out / "camera.png").read_bytes())
    shown = pixels(service.render("camera.jpg", size=600).body)
    assert shown.shape == whole.shape
    assert np.abs(shown - whole).max() <= 1.0
    spelled = pixels(
        service.render("camera.jpg", size=600, preset=entry(service, "camera.jpg")).body
    )
    if tag != 5:  # a preset knows no mirror
        assert np.abs(spelled - whole).max() <= 1.0


def test_film_and_frame_numbers_come_with_the_picture(tmp_path: Path) -> None:
    pytest.importorskip("zxingcpp")
    folder = numbered(tmp_path / "roll")
    halves = [[0.0, 0.0, 0.5, 1.0], [0.5, 0.0, 0.5, 1.0]]
    service = start(folder)
    try:
        service.measured()
        assert [frame["numbers"] for frame in service.ask("/api/roll").json["frames"]] == [[], []]
        facts = json.loads(service.render("a.tif").headers["x-divere-picture"])
        assert (facts["film"], facts["numbers"]) == ("Kodak ColorPlus 200", ["12"])
        assert "film" not in json.loads(service.render("none.tif").headers["x-divere-picture"])
        first, second = service.ask("/api/roll").json["frames"]
        assert (first["film"], first["numbers"]) == ("Kodak ColorPlus 200", ["12"])
        assert (second["film"], second["numbers"]) == ("", [])
        sheet = {
            "version": 3,
            "type": "contactsheet",
            "crops": [{"id": str(n), "metadata": {"crop": half}} for n, half in enumerate(halves)],
        }
        change = {"version": service.ask("/api/roll").json["version"], "entries": {"a.tif": sheet}}
        assert service.ask("/api/presets", change).status == 200
        (first, _) = service.ask("/api/roll").json["frames"]
        assert first["numbers"] == ["12", "13"]
    finally:
        service.stop()
