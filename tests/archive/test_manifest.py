"""Manifests: any name survives, sha256sum reads them, paths out of the folder are refused."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

from divere_cli.archive import manifest
from divere_cli.errors import UsageError

ODD = ["a.tif", "roll 7/ä é.tif", "50% grau.tif", "line\nbreak.tif", "%0A.tif", "\udcff.tif"]


def test_any_file_name_survives_a_round_trip() -> None:
    entries = {name: hashlib.sha256(str(n).encode()).hexdigest() for n, name in enumerate(ODD)}
    assert manifest.parse(manifest.text(entries)) == entries


@pytest.mark.skipif(not shutil.which("sha256sum"), reason="no sha256sum")
def test_sha256sum_reads_it(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    entries = {}
    for name in ("a.tif", "sub/b c.tif"):
        (tmp_path / name).write_bytes(name.encode())
        entries[name] = hashlib.sha256(name.encode()).hexdigest()
    (tmp_path / manifest.NAME).write_bytes(manifest.text(entries))
    done = subprocess.run(["sha256sum", "-c", manifest.NAME], cwd=tmp_path, capture_output=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "line", ["no hash at all", "abc  a.tif", f"{'0' * 64}", f"{'0' * 64}  /etc/passwd",
             f"{'0' * 64}  ../a.tif", f"{'0' * 64}  a/../../b"]
)  # fmt: skip
def test_an_invalid_line_is_refused_with_its_number(line: str) -> None:
    with pytest.raises(UsageError, match=r"manifest-sha256\.txt: line 2"):
        manifest.parse(f"{'0' * 64}  a.tif\n{line}\n".encode())


def test_other_programs_lines_are_read() -> None:
    assert manifest.parse(b"\xef\xbb\xbf" + b"A" * 64 + b" *./x.tif\r\n") == {"x.tif": "a" * 64}
