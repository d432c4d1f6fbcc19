"""What is fuzzed: each reader, the headers that the parent reads, and the texts that come in.

A target takes bytes. It returns where they are good or are refused by an error of ours, and
raises where something else happens; a decoder that ends the process has failed, too.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

from divere_cli.errors import DivereError

MOST_PIXELS = 250_000
TEXTS = ("preset", "folder", "message")
# a target for each reader: the suffix of its files, and of which seeds it begins with
READERS = {
    "tiff": "tif", "png": "png", "jpeg": "jpg", "dng": "dng", "jxl": "jxl", "jp2": "jp2",
    "bmp": "bmp", "webp": "webp", "pnm": "ppm", "raw": "raw", "avif": "avif",
}  # fmt: skip
HERE = Path(__file__).parent
_FOLDER = tempfile.TemporaryDirectory(prefix="divere-fuzz-")


def _file(data: bytes, suffix: str) -> str:
    path = os.path.join(_FOLDER.name, f"{os.getpid()}.{suffix}")
    with open(path, "wb") as file:
        file.write(data)
    return path


def quiet() -> None:
    """Log nothing and warn of nothing in this process."""
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")


def read(data: bytes, suffix: str) -> None:
    """A scan as a worker reads it: header, metadata, every band."""
    from divere_cli.image import header, reader
    from divere_cli.image.metadata import carried

    path = _file(data, suffix)
    with contextlib.suppress(DivereError):
        about = header.read(path, MOST_PIXELS)
        carried.read(path)
        with reader.open(path, about) as scan:
            for first, band in scan.bands():
                assert 0 <= first < scan.header.height
                assert band.shape[1] == scan.header.width


def look(data: bytes) -> None:
    """A header as the parent reads it, whatever the file is called."""
    from divere_cli.image import header

    for suffix in ("tif", "png", "jpg", "dng", "jxl", "avif"):
        with contextlib.suppress(DivereError):
            header.read(_file(data, suffix), MOST_PIXELS)


def preset(data: bytes) -> None:
    """A preset of a stranger's."""
    from divere_cli.profile import loading

    with contextlib.suppress(DivereError):
        loading.load(_file(data, "json"))


def folder(data: bytes) -> None:
    """A folder's presets."""
    from divere_cli.profile import loading

    with contextlib.suppress(DivereError):
        loading.load_folder(_file(data, "json"))


def message(data: bytes) -> None:
    """What a worker sends."""
    from divere_cli.isolation.wire import FrameError, FrameReader, encode

    with contextlib.suppress(FrameError):
        for found in FrameReader().feed(data):
            encode(json.loads(json.dumps(found)))


def targets() -> dict[str, Callable[[bytes], None]]:
    """All of them by name."""

    def of(suffix: str) -> Callable[[bytes], None]:
        return lambda data: read(data, suffix)

    readers = {name: of(suffix) for name, suffix in READERS.items()}
    return readers | {"header": look, "preset": preset, "folder": folder, "message": message}


def seeds(name: str) -> list[bytes]:
    """What a target begins with: files that the tests make, and those kept in the tree."""
    from tests.image.made import MADE

    suffix = READERS.get(name, "")
    found = [made.build()[0] for made in MADE if name == "header" or made.file.endswith(suffix)]
    kept = [*(HERE / "corpus").glob(f"{name}-*"), *(HERE / "found").glob(f"{name}-*")]
    small = [data for data in found if len(data) < 40_000] if name not in TEXTS else []
    return [*small, *(path.read_bytes() for path in sorted(kept))]
