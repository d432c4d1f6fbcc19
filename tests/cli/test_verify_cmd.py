"""``--manifest``, ``--bag`` and ``divere verify`` by the public commands."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bagit
import numpy as np
import pytest
import tifffile

from divere_cli.batch import verifying
from tests.cli.program import divere

RNG = np.random.default_rng(8)


def scan(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(path, RNG.integers(3000, 50000, (40, 60, 3)).astype(np.uint16))


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    for name in ("a.tif", "roll 7/b.tif", "roll 7/ü c.tif"):
        scan(tmp_path / "in" / name)
    return tmp_path / "in"


def batch(scans: Path, out: Path, *words: str, code: int = 0) -> Any:
    done = divere("batch", scans, out, *words)
    assert done.returncode == code, done.stderr
    return done


def verified(out: Path, *words: str, code: int = 0) -> dict[str, Any]:
    done = divere("verify", out, "--json", *words)
    assert done.returncode == code, (done.stdout, done.stderr)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def statuses(found: dict[str, Any]) -> dict[str, str]:
    return {each["path"]: each["status"] for each in found["files"]}


def test_a_manifest_that_sha256sum_confirms(scans: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    batch(scans, out, "--manifest", "--also", "jpeg")
    listed = (out / "manifest-sha256.txt").read_text().splitlines()
    assert [line.split("  ")[1] for line in listed] == [
        "a.jpg", "a.tif", "roll 7/b.jpg", "roll 7/b.tif", "roll 7/ü c.jpg", "roll 7/ü c.tif"
    ]  # fmt: skip
    done = subprocess.run(["sha256sum", "-c", "manifest-sha256.txt"], cwd=out, capture_output=True)
    assert done.returncode == 0
    before = (out / "manifest-sha256.txt").stat().st_mtime_ns
    batch(scans, out, "--manifest", "--also", "jpeg")
    assert (out / "manifest-sha256.txt").stat().st_mtime_ns == before
    scan(scans / "d.tif")
    batch(scans, out, "--manifest", "--also", "jpeg")
    assert len((out / "manifest-sha256.txt").read_text().splitlines()) == 8


def test_a_bag_that_the_library_of_congress_confirms(scans: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    batch(scans, out, "--bag")
    assert (out / "data" / "roll 7" / "ü c.tif").exists()
    assert bagit.Bag(str(out)).validate()
    info = out / "bag-info.txt"
    info.write_text(info.read_text() + "Source-Organization: City Archive\n")
    scan(scans / "roll 8/e.tif")
    report = out / "divere-report.json"
    batch(scans, out, "--bag")
    assert json.loads(report.read_text())["summary"]["up_to_date"] == 3
    found = bagit.Bag(str(out))
    assert found.validate()
    assert found.info["Source-Organization"] == "City Archive"
    size = sum(path.stat().st_size for path in (out / "data").rglob("*.tif"))
    assert found.info["Payload-Oxum"] == f"{size}.4"
    assert set(statuses(verified(out)).values()) == {"ok"}


def test_all_files_in_the_payload_are_listed(scans: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    batch(scans, out, "--bag")
    (out / "data" / "notes.txt").write_text("hand-written")
    assert statuses(verified(out, code=3))["data/notes.txt"] == "extra"
    batch(scans, out, "--bag")
    assert bagit.Bag(str(out)).validate()
    assert statuses(verified(out))["data/notes.txt"] == "ok"


def test_a_bag_is_not_spoilt_by_a_run_without_the_option(scans: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    batch(scans, out, "--bag")
    done = batch(scans, out, code=2)
    assert "is a bag" in done.stderr
    assert "add --bag" in done.stderr
    assert not (out / "a.tif").exists()


def test_missing_changed_and_extra_files(scans: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    batch(scans, out)
    assert verified(out)["summary"]["ok"] == 3
    (out / "roll 7" / "b.tif").unlink()
    data = bytearray((out / "a.tif").read_bytes())
    data[1000] ^= 1
    status = (out / "a.tif").stat()
    (out / "a.tif").write_bytes(data)
    os.utime(out / "a.tif", ns=(status.st_atime_ns, status.st_mtime_ns))  # as bit rot does
    scan(out / "other.tif")
    found = verified(out, code=3)
    assert statuses(found) == {
        "a.tif": "changed", "roll 7/b.tif": "missing", "roll 7/ü c.tif": "ok", "other.tif": "extra"
    }  # fmt: skip
    summary = found["summary"]
    assert (summary["changed"], summary["missing"], summary["extra"], summary["ok"]) == (1, 1, 1, 1)
    done = divere("verify", out)
    assert done.returncode == 3
    assert "changed: 'a.tif'" in done.stdout
    assert "1 ok, 1 missing, 1 changed, 1 extra" in done.stderr


def test_reports_and_our_own_files_are_nothing_extra(scans: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    batch(scans, out, "--manifest", "--report", str(out / "r.html"), "--report", str(out / "r.csv"))
    assert verified(out)["summary"]["extra"] == 0


def test_a_manifest_alone_is_sufficient(scans: Path, tmp_path: Path) -> None:
    """A copy on another medium, where hidden files were left behind."""
    out = tmp_path / "out"
    batch(scans, out, "--manifest")
    (out / ".divere-journal.jsonl").unlink()
    assert verified(out)["summary"]["ok"] == 3


def test_inputs_are_checked_if_requested(scans: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    batch(scans, out)
    (scans / "a.tif").write_bytes(b"other")
    assert verified(out)["summary"]["ok"] == 3
    found = verified(out, "--inputs", code=3)
    changed = [each for each in found["files"] if each["status"] == "changed"]
    assert [(each["path"], each["source"]) for each in changed] == [(str(scans / "a.tif"), "input")]
    assert found["summary"]["ok"] == 5


def test_an_interrupted_check_continues(
    scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    batch(scans, out)
    work = verifying.plan(str(out))
    read: list[str] = []
    monkeypatch.setattr(verifying.cpus, "usable", lambda: 1)
    whole = verifying.hashing.hash_one

    def counted(name: str, path: str) -> Any:
        read.append(name)
        return whole(name, path)

    monkeypatch.setattr(verifying.hashing, "hash_one", counted)

    def stop(checked: Any) -> None:
        if len(read) >= 1 and checked.path != read[0]:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        verifying.check(work, stop)
    noted = len((out / verifying.NOTES).read_text().splitlines())
    assert noted >= 1
    read.clear()
    files = verifying.check(work)
    assert len(read) == 3 - noted
    assert {each.status for each in files} == {"ok"}
    assert not (out / verifying.NOTES).exists()


def test_nothing_is_read_after_an_interruption(
    scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    batch(scans, out)
    work = verifying.plan(str(out))
    ended: list[bool] = []
    whole = verifying.hashing.hash_all

    def hash_all(files: Any, threads: int) -> Iterator[Any]:
        try:
            yield from whole(files, threads)
        finally:
            ended.append(True)

    def stop(checked: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(verifying.hashing, "hash_all", hash_all)
    with pytest.raises(KeyboardInterrupt) as interruption:
        verifying.check(work, stop)
    assert ended == [True], "also while its traceback is kept"
    assert interruption.value.__traceback__ is not None


@pytest.mark.parametrize("words", [[], ["--json"]])
def test_a_folder_without_records(tmp_path: Path, words: list[str]) -> None:
    done = divere("verify", tmp_path, *words)
    assert done.returncode == 2
    assert "nothing is recorded of it" in done.stderr
    assert divere("verify", tmp_path / "none", *words).returncode == 10


def test_a_damaged_manifest_is_named_with_its_line(scans: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    batch(scans, out, "--manifest")
    path = out / "manifest-sha256.txt"
    path.write_text(path.read_text() + "rubbish\n")
    done = divere("verify", out)
    assert done.returncode == 2
    assert "line 4 is not valid in a manifest" in done.stderr
    batch(scans, out, "--manifest")  # made anew
    assert verified(out)["summary"]["ok"] == 3
