"""The tag files of a BagIt bag: declaration, description, and the manifest of both.

Covers their bytes. Not covered: the payload and its manifest (``manifest``), and writing.

Source: RFC 8493 (BagIt), sections 2.1.1, 2.2.1 and 2.2.2.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from divere_cli.archive import manifest

PAYLOAD = "data"
DECLARATION, INFO, TAGS = "bagit.txt", "bag-info.txt", "tagmanifest-sha256.txt"
# Each run writes these lines again; all other lines of bag-info.txt stay.
_OURS = ("Bagging-Date", "Bag-Software-Agent", "Payload-Oxum", "Bag-Size")


def declaration() -> bytes:
    """Return bagit.txt, the file that marks a folder as a bag."""
    return b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"


def info(existing: bytes, *, day: str, agent: str, size: int, count: int) -> bytes:
    """Return the text of bag-info.txt.

    Parameters
    ----------
    existing : bytes
        The previous text; lines that divere did not write are kept.
    day : str
        ISO 8601.
    agent : str
        The program.
    size, count : int
        Bytes and files of the payload.
    """
    other_lines: list[str] = []
    ours = False
    for line in existing.decode("utf-8", "surrogateescape").splitlines():
        if not line[:1].isspace():  # else it continues the line above
            ours = line.partition(":")[0] in _OURS
        if line.strip() and not ours:
            other_lines.append(line)
    lines = [
        f"Bagging-Date: {day}",
        f"Bag-Software-Agent: {agent}",
        f"Payload-Oxum: {size}.{count}",
        *other_lines,
    ]
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")


def tag_manifest(files: Mapping[str, bytes]) -> bytes:
    """Return the manifest of the tag files.

    Parameters
    ----------
    files : Mapping[str, bytes]
        Content by path.
    """
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    return manifest.text(digests)
