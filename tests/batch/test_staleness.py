"""What counts as up to date."""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import replace

import pytest

from divere_cli.batch import staleness
from divere_cli.records.job import Encoding, Stamp
from tests.batch.lab import ENCODING, Chooser, Lab

CUT = ("a.tif", (0.0, 0.0, 1.0, 1.0), 0, "sha")


def test_the_key_holds_everything_that_decides_an_output(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [
        staleness.key([CUT], "", ENCODING),
        staleness.key([CUT, CUT], "", ENCODING),
        staleness.key([("b.tif", *CUT[1:])], "", ENCODING),
        staleness.key([("a.tif", (0.0, 0.0, 1.0, 0.5), 0, "sha")], "", ENCODING),
        staleness.key([("a.tif", CUT[1], 90, "sha")], "", ENCODING),
        staleness.key([("a.tif", CUT[1], 0, "other")], "", ENCODING),
        staleness.key([CUT], "a-ir.tif", ENCODING),
        *(staleness.key([CUT], "", changed) for changed in encodings()),
    ]
    monkeypatch.setattr(staleness, "__version__", "0.0.0")
    keys.append(staleness.key([CUT], "", ENCODING))
    assert len(set(keys)) == len(keys)


def encodings() -> list[Encoding]:
    other = replace(ENCODING.color_space, name="Other")
    changes: list[dict[str, object]] = [
        {"format": "png"},
        {"bit_depth": 8},
        {"color_space": other},
        {"compression": "lzw"},
        {"quality": 90},
        {"dither": True},
        {"metadata": False},
        {"infrared": "sidecar"},
    ]
    return [replace(ENCODING, **change) for change in changes]  # type: ignore[arg-type]


def test_the_key_is_the_same_each_time() -> None:
    assert staleness.key([CUT], "", ENCODING) == staleness.key([CUT], "", ENCODING)
    name = os.fsdecode(b"\xff.tif")
    assert staleness.key([(name, *CUT[1:])], "", ENCODING)


def test_a_stamp_is_size_and_time() -> None:
    stamp = Stamp(1, 2, 3, 4, 5)
    assert staleness.same_stamp(stamp, Stamp(1, 2, 9, 9, 9))
    assert not staleness.same_stamp(stamp, Stamp(2, 2, 3, 4, 5))
    assert not staleness.same_stamp(stamp, Stamp(1, 1, 3, 4, 5))


def test_sha256_of_a_file(lab: Lab) -> None:
    path = lab.scan("a.tif")
    assert staleness.sha256(str(path)) == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("harm", ["gone", "shorter", "touched"])
def test_an_output_that_is_not_as_recorded_is_not_up_to_date(lab: Lab, harm: str) -> None:
    lab.scans("a.tif", "b.tif")
    lab.run()
    path = lab.outputs / "a.tif"
    if harm == "gone":
        path.unlink()
    elif harm == "shorter":
        path.write_bytes(path.read_bytes()[:-1])
    else:
        os.utime(path, (1, 1))
    report = lab.run()
    expected = "ok" if harm == "gone" else "failed"
    assert lab.statuses(report) == {"a.tif": expected, "b.tif": "up_to_date"}


def test_another_version_grades_again(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.scans("a.tif")
    lab.run()
    monkeypatch.setattr(staleness, "__version__", "99")
    assert lab.statuses(lab.run()) == {"a.tif": "ok"}
    assert lab.statuses(lab.run()) == {"a.tif": "up_to_date"}


def test_same_size_other_bytes_other_time_is_graded_again(lab: Lab) -> None:
    path = lab.scan("a.tif")
    lab.run()
    data = bytearray(path.read_bytes())
    data[20] ^= 1
    path.write_bytes(bytes(data))
    assert lab.statuses(lab.run()) == {"a.tif": "ok"}


@pytest.mark.parametrize("days", [-400, -30, 30, 400])
def test_jumps_of_the_clock_decide_nothing(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    lab.scans("a.tif", "b.tif")
    lab.run()
    before = lab.positives()
    real, real_ns = time.time, time.time_ns
    monkeypatch.setattr(time, "time", lambda: real() + days * 86400)
    monkeypatch.setattr(time, "time_ns", lambda: real_ns() + days * 86400 * 10**9)
    assert set(lab.statuses(lab.run()).values()) == {"up_to_date"}
    assert set(lab.statuses(lab.run(settle_seconds=60.0, force=True)).values()) == {"deferred"}
    assert lab.run(force=True).exit_code == 0
    assert lab.positives() == before


def test_a_profile_that_comes_back_is_graded_again(lab: Lab) -> None:
    lab.scans("a.tif")
    for profile in ("one", "two", "one"):
        assert lab.statuses(lab.run(chooser=Chooser(profile))) == {"a.tif": "ok"}
