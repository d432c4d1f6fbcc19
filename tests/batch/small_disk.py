"""A batch onto a disk that is too small, then made larger: run inside ``unshare -Urm``.

``python -m tests.batch.small_disk IN OUT OPTION`` mounts a tmpfs with the mount
option (``size=16k``, ``nr_inodes=6``) on OUT, runs, looks, enlarges, runs
again, and prints what was seen as JSON.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

from tests.batch.lab import outputs
from tests.batch.processes import DRIVER


def main(inputs: str, output: str, option: str) -> None:
    mount("-t", "tmpfs", "-o", option, "tmpfs", output)
    first = batch(inputs, output)
    seen = look(Path(output))
    mount("-o", "remount,size=64m,nr_inodes=1000", output)
    second = batch(inputs, output)
    found = {
        "first": first,
        "seen": seen,
        "second": second,
        "after": look(Path(output)),
    }
    print(json.dumps(found))  # noqa: T201


def mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True)


def batch(inputs: str, output: str) -> int:
    return subprocess.run([*DRIVER, inputs, output], check=False, capture_output=True).returncode


def look(folder: Path) -> dict[str, str]:
    return {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in outputs(folder)}


if __name__ == "__main__":
    main(*sys.argv[1:])
