"""Camera raw files that are no plain TIFF are recognized by their first bytes."""

from __future__ import annotations

from pathlib import Path

import pytest

from divere_cli.errors import Unsupported
from divere_cli.image import header


@pytest.mark.parametrize(
    ("start", "suffix"),
    [
        (b"FUJIFILMCCD-RAW 0201", "raf"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1", "cr3"),
        (b"IIRO\x08\0\0\0", "orf"),
        (b"IIU\0\x18\0\0\0", "rw2"),
    ],
)
def test_each_kind_by_its_start(tmp_path: Path, start: bytes, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(start + bytes(100))
    found = header.read(str(path))
    assert (found.format, found.variant) == ("raw", suffix)
    path.rename(tmp_path / "a.tif")
    with pytest.raises(Unsupported, match="is a camera raw file"):
        header.read(str(tmp_path / "a.tif"))
