"""The digest is that of the whole file; stamps are compared in what both know."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import pytest

from divere_cli.errors import InputChanged, Unreadable
from divere_cli.image import digest as digests
from divere_cli.image.parallel import Parallel
from divere_cli.records.job import Stamp


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("step", [1, 64, digests.HASH_BYTES])
def test_the_digest_does_not_depend_on_its_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int, threads: int
) -> None:
    monkeypatch.setattr(digests, "HASH_BYTES", step)
    path = tmp_path / "a"
    path.write_bytes(b"0123456789" * 100)
    with Parallel(threads) as parallel, digests.Digest(str(path), parallel) as digest:
        for done in (0.1, 0.5, 0.99):
            digest.advance(done)
        assert digest.finish() == hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_digest_of_nothing(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    with Parallel() as parallel, digests.Digest(str(tmp_path / "a"), parallel) as digest:
        assert digest.finish() == hashlib.sha256().hexdigest()


def test_a_stamp_is_what_the_system_says(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"12345")
    os.utime(path, ns=(1, 2))
    found = digests.stamp(str(path))
    assert (found.size, found.mtime_ns, found.ino) == (5, 2, path.stat().st_ino)
    with pytest.raises(Unreadable):
        digests.stamp(str(tmp_path / "none"))


FULL = Stamp(size=5, mtime_ns=4, ctime_ns=3, dev=2, ino=1)


@pytest.mark.parametrize("name", ["size", "mtime_ns", "ctime_ns", "dev", "ino"])
def test_any_difference_is_a_change(name: str) -> None:
    digests.compare(FULL, FULL)
    with pytest.raises(InputChanged, match=name):
        digests.compare(FULL, replace(FULL, **{name: 99}))


def test_what_one_does_not_know_is_not_compared() -> None:
    digests.compare(Stamp(5, 4), FULL)
    digests.compare(FULL, Stamp(5, 4))
    with pytest.raises(InputChanged, match="size 5 -> 0"):
        digests.compare(FULL, replace(FULL, size=0))
