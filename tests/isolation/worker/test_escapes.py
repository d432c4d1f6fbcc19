"""Code in the decoder's place tries all it can; confined it can do none of it.

The same without the sandbox shows which of them would succeed: without that, a test that
everything fails could not fail.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from divere_cli.isolation.worker import sandbox
from tests import venvs
from tests.isolation.worker import escapes

HERE = Path(__file__).parent
HARMLESS_HERE = 8  # of the escapes: what a kernel without the feature refuses to anyone


@contextlib.contextmanager
def reachable(folder: Path) -> Iterator[dict[str, object]]:
    """Something for each escape to reach."""
    sibling = subprocess.Popen(["sleep", "3600"])
    with contextlib.ExitStack() as stack:
        stack.callback(sibling.wait)
        stack.callback(sibling.kill)
        tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        unix = stack.enter_context(socket.socket(socket.AF_UNIX))
        unix.bind(str(folder / "socket"))
        unix.listen()
        abstract = stack.enter_context(socket.socket(socket.AF_UNIX))
        abstract.bind(f"\0divere-escape-{os.getpid()}")
        abstract.listen()
        yield {
            "SIBLING": sibling.pid,
            "PORT": tcp.getsockname()[1],
            "UNIX": str(folder / "socket"),
            "ABSTRACT": f"\0divere-escape-{os.getpid()}",
        }


def taken_over(folder: Path, targets: dict[str, object]) -> Path:
    """A venv whose OpenColorIO was taken over; the program is this one."""
    lines = "\n".join(f"{name} = {value!r}" for name, value in targets.items())
    modules = {"escapes": (HERE / "escapes.py").read_text(), "escape_targets": lines + "\n"}
    return venvs.make(folder / "venv", modules, "escapes")


def escaped(folder: Path, mode: str, method: str = "forkserver") -> set[str]:
    """What code in a worker could do."""
    inputs, outputs, home, tmp = (folder / name for name in ("in", "out", "home", "tmp"))
    for made in (inputs, outputs, home, tmp):
        made.mkdir()
    (home / "secret").write_text("secret")
    for number in range(5):
        (inputs / f"copy-{number}.txt").write_text("copy")
    (inputs / "other.tif").write_bytes(b"II*\0 no scan")
    (outputs / "other-output.tif").write_bytes(b"a positive")
    (outputs / ".divere-journal-of-another").write_bytes(b"x")
    subprocess.run(
        [sys.executable, "-m", "divere_cli", "samples", folder / "made", "--count", "1",
         "--megapixels", "0.1"],
        check=True, capture_output=True,
    )  # fmt: skip
    scan = next((folder / "made").glob("*.tif")).rename(inputs / "scan.tif")
    with reachable(folder) as more:
        targets = {
            "INPUT": str(inputs), "OUTPUT": str(outputs), "SCAN": str(scan),
            "OTHER_SCAN": str(inputs / "other.tif"), "TMP": str(tmp),
            "OTHER_OUTPUT": str(outputs / "other-output.tif"),
            "HOME_FILE": str(home / "secret"), "TMPDIR": str(tmp),
            "COPIES": [str(inputs / f"copy-{number}.txt") for number in range(5)], **more,
        }  # fmt: skip
        python = taken_over(folder, targets)
        environment = os.environ | {
            "DIVERE_ESCAPE_SECRET": "secret", "HOME": str(home), "TMPDIR": str(tmp)
        }  # fmt: skip
        subprocess.run(
            [python, "-P", "-m", "divere_cli", "batch", scan, outputs, "--isolation", "always",
             "-p", "c41-endura-premier", "-j", "1", "--sandbox", mode, "--start-method", method],
            cwd=folder, env=environment, capture_output=True, timeout=280,
        )  # fmt: skip
    report = json.loads((outputs / "divere-report.json").read_text())
    (file,) = report["files"]
    found = re.search(r"ESCAPED (\d+): (.*?) END", file["error"]["detail"], re.S)
    assert found is not None, file["error"]
    assert int(found[1]) == len(escapes.ESCAPES) >= 54
    return set(found[2].split())


@pytest.mark.skipif(not sandbox.offer().complete, reason=f"no sandbox here: {sandbox.offer()}")
@pytest.mark.parametrize("method", ["forkserver", pytest.param("spawn", marks=pytest.mark.slow)])
def test_a_confined_worker_can_do_nothing_but_its_work(tmp_path: Path, method: str) -> None:
    assert escaped(tmp_path, "always", method) == set()


@pytest.mark.skipif(sys.platform != "linux", reason="the escapes are Linux's")
def test_without_the_sandbox_most_escapes_work(tmp_path: Path) -> None:
    worked = escaped(tmp_path, "never")
    needs_root = {"mount", "mknod", "device-node", "namespaces", "unshare-user", "chroot", "bpf"}
    missing = set(escapes.ESCAPES) - worked - (needs_root if os.geteuid() else set())
    assert len(missing) <= HARMLESS_HERE, sorted(missing)
