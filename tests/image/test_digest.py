"""The digest is that of the whole file; stamps are compared in what both know."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from divere_cli.image import digest as digests
from divere_cli.image.parallel import Parallel


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
