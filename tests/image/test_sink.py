"""Output files: complete, or an error with its reason, and never through a link."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from divere_cli.errors import NoSpace, OutputError
from divere_cli.image import sink
from divere_cli.image.parallel import Parallel
from divere_cli.image.sink import Sink


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "out"
    made.write_bytes(b"what was there before")
    return made


def test_old_content_is_replaced_by_the_written_bytes(path: Path) -> None:
    with Sink(str(path)) as out:
        assert out.write(b"head....") == 0
        assert out.write(memoryview(b"body")) == 8
        out.rewrite(4, b"OVER")
        assert out.write(bytearray(b"tail")) == 12
        assert out.finish() == 16
    assert path.read_bytes() == b"headOVERbodytail"


def test_a_short_write_is_continued(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, data[:3]))
    with Sink(str(path)) as out:
        out.write(b"0123456789")
        out.rewrite(2, b"ABCDEFG")
        out.finish()
    assert path.read_bytes() == b"01ABCDEFG9"


@pytest.mark.parametrize("threads", [1, 3])
def test_the_digest_is_that_of_the_file(path: Path, threads: int) -> None:
    """Large and small pieces in turn: large ones are hashed beside the write."""
    pieces = [os.urandom(size) for size in (300_000, 5, 262_144, 262_143, 1_000_000)]
    with Parallel(threads) as parallel, Sink(str(path)) as out:
        out.share(parallel)
        for piece in pieces:
            out.write(piece)
        digest = out.sha256()
        out.finish()
    assert path.read_bytes() == b"".join(pieces)
    assert digest == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("threads", [1, 3])
def test_a_device_that_is_full_is_named_while_a_large_piece_is_hashed(
    path: Path, monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    with Parallel(threads) as parallel, Sink(str(path)) as out:
        out.share(parallel)
        monkeypatch.setattr(os, "write", failing(errno.ENOSPC))
        with pytest.raises(NoSpace):
            out.write(bytes(300_000))


def test_the_file_must_exist(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="No such file"):
        Sink(str(tmp_path / "none"))
    assert not (tmp_path / "none").exists()


def test_a_link_is_not_followed(tmp_path: Path, path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(path)
    with pytest.raises(OutputError):
        Sink(str(link))
    assert path.read_bytes() == b"what was there before"


def test_a_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OutputError, match="not a regular file"):
        Sink(str(pipe))


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError):
        Sink(str(tmp_path))


def failing(code: int) -> Any:
    def fail(*_: object) -> int:
        raise OSError(code, os.strerror(code))

    return fail


def write_all(path: Path) -> None:
    with Sink(str(path)) as out:
        out.write(b"data")
        out.rewrite(0, b"D")
        out.finish()


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (errno.ENOSPC, NoSpace),
        (errno.EDQUOT, NoSpace),
        (errno.EIO, OutputError),
        (errno.EFBIG, OutputError),
    ],
)
@pytest.mark.parametrize("call", ["write", "fsync", "ftruncate", "lseek"])
def test_an_error_of_the_device_is_named(
    path: Path, monkeypatch: pytest.MonkeyPatch, code: int, kind: type[Exception], call: str
) -> None:
    monkeypatch.setattr(os, call, failing(code))
    with pytest.raises(kind, match=os.strerror(code)):
        write_all(path)


def test_a_failed_flush_is_not_tried_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def fail(fd: int) -> None:
        calls.append(fd)
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", fail)
    out = Sink(str(path))
    out.write(b"data")
    with pytest.raises(OutputError):
        out.finish()
    out.close()
    assert len(calls) == 1


def test_an_error_of_close_is_not_swallowed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = Sink(str(path))
    close = os.close

    def fail(fd: int) -> None:
        close(fd)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # as NFS does

    monkeypatch.setattr(sink.os, "close", fail)
    with pytest.raises(NoSpace):
        out.finish()


def test_the_device_starts_before_the_end(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte is handed to the device once, in steps; an advice that fails is no failure."""
    spans = advised(path, monkeypatch, writes=7)
    assert spans == [(0, 1200), (1200, 1200), (0, 2800)]


def test_a_small_file_stays_in_the_cache(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert advised(path, monkeypatch, writes=2) == []


def test_stored_pages_are_dropped_from_the_cache(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that a positive of 4 GB takes the pages of the cache for 40 MB, again and again."""
    monkeypatch.setattr(sink, "KEPT_BYTES", 2000)
    *spans, last = advised(path, monkeypatch, writes=15)
    handed, forgotten = spans[:2] + spans[2::2], spans[3::2]
    assert handed == [(start, 1200) for start in range(0, 6000, 1200)]
    assert forgotten == [(0, 1600), (1600, 1200), (2800, 1200)]
    assert last == (4000, 2000)


def advised(path: Path, monkeypatch: pytest.MonkeyPatch, writes: int) -> list[tuple[int, int]]:
    """Offset and length of each advice given while 400 bytes are written at a time."""
    monkeypatch.setattr(sink, "START_BYTES", 1000)
    spans: list[tuple[int, int]] = []

    def advise(fd: int, offset: int, length: int, advice: int) -> None:
        spans.append((offset, length))
        raise OSError(22, "no advice here")

    monkeypatch.setattr(os, "posix_fadvise", advise, raising=False)
    with Sink(str(path)) as out:
        for _ in range(writes):
            out.write(bytes(400))
        assert out.finish() == 400 * writes
    return spans
