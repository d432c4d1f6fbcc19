"""Peak memory of one scan in a fresh process; ``python -m tests.memory`` writes docs/memory.md.

The scans are large and cheap: they name the same strip or tile again and again,
in a sparse file as large as a real one.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import imagecodecs
import numpy as np

from divere_cli.image.ifd import writer
from divere_cli.image.ifd.writer import LONG, LONG8, SHORT, numbers

PAGE = Path(__file__).parents[1] / "docs" / "memory.md"
LARGE = (23170, 30040)  # height, width: the film scan of 696 megapixels
FRAME = (4000, 6000)
SMALL = (2000, 3000)
WORKER = """
import json, sys
from contextlib import nullcontext
from divere_cli.records import serialize as plain
from divere_cli.develop.scan import develop
from divere_cli.records.job import Job

class Silent:
    def stage(self, name): return nullcontext()
    def advance(self, done): pass

result = develop(plain.from_plain(Job, json.load(sys.stdin)), Silent())
(written,) = result.written
with open("/proc/self/status") as status:
    peak = next(line for line in status if line.startswith("VmHWM"))
print(json.dumps({"peak": int(peak.split()[1]) * 1024, "bytes": written.bytes}))
"""


@dataclass(frozen=True)
class Case:
    """One way through the program and what it may need."""

    name: str
    shape: tuple[int, int]
    limit: int  # megabytes
    bound: str
    stored: str = "strips"
    channels: int = 3
    compression: str = "none"
    orientation: int = 0
    threads: int = 1


BAND = "one band read, one graded"
SEGMENT = "and a packed and a decoded segment"
CASES = (
    Case("RGB, uncompressed, 6 MP", SMALL, 120, BAND),
    Case("RGB, uncompressed, 24 MP", FRAME, 120, BAND),
    Case("RGB, uncompressed, 696 MP", LARGE, 150, BAND),
    Case("gray, uncompressed, 696 MP", LARGE, 150, BAND, channels=1),
    Case("LZW in, 696 MP", LARGE, 400, f"{BAND}, {SEGMENT}", "lzw"),
    Case("deflate in, 696 MP", LARGE, 400, f"{BAND}, {SEGMENT}", "deflate"),
    Case("zstd in, 696 MP", LARGE, 400, f"{BAND}, {SEGMENT}", "zstd"),
    Case("tiles of 256 x 256 in, 696 MP", LARGE, 400, f"{BAND}, one row of tiles", "tiles"),
    Case("deflate tiles in, 696 MP", LARGE, 400, f"{BAND}, one row of tiles", "deflate tiles"),
    Case("planar in, 696 MP", LARGE, 400, f"{BAND}, {SEGMENT}", "planar"),
    Case("LZW out, 696 MP", LARGE, 400, f"{BAND}, three strips", compression="lzw"),
    Case("deflate out, 696 MP", LARGE, 400, f"{BAND}, three strips", compression="deflate"),
    Case("zstd out, 696 MP", LARGE, 400, f"{BAND}, three strips", compression="zstd"),
    Case("rotation by 90 degrees, 696 MP", LARGE, 400, f"{BAND}, three blocks of 16 MB; "
         "the rest in a spool file in the folder of the output", orientation=90),
    Case("two threads, 696 MP", LARGE, 150, "bands of twice the height", threads=2),
)  # fmt: skip


def scan(path: Path, case: Case) -> None:
    """Write the scan of a case."""
    height, width = case.shape
    planes = case.channels if case.stored == "planar" else 1
    tiled = case.stored.endswith("tiles")
    rows, columns = (256, 256) if tiled else (8, width)
    codec = case.stored.split()[0]
    down, across = -(-height // rows), -(-width // columns)
    segment = np.random.default_rng(9).integers(
        9000, 11000, (rows, columns, case.channels // planes), dtype=np.uint16
    )
    packed = PACK[codec](segment) if codec in PACK else segment.tobytes()
    count = planes * down * across
    offsets = [16 + number * len(packed) for number in range(count)]
    counts = [len(packed)] * count
    end = 16 + count * len(packed)
    entries = [
        numbers(256, LONG, [width]),
        numbers(257, LONG, [height]),
        numbers(258, SHORT, [16] * case.channels),
        numbers(259, SHORT, [TAGS.get(codec, 1)]),
        numbers(262, SHORT, [2 if case.channels == 3 else 1]),
        numbers(277, SHORT, [case.channels]),
        numbers(284, SHORT, [2 if planes > 1 else 1]),
        numbers(324 if tiled else 273, LONG8, offsets),
        numbers(325 if tiled else 279, LONG8, counts),
    ]
    if tiled:
        entries += [numbers(322, LONG, [256]), numbers(323, LONG, [256])]
    else:
        entries.append(numbers(278, LONG, [rows]))
    made, start = writer.lay_out(entries, {}, end + end % 2, big=True)
    with path.open("wb") as out:
        out.write(b"II\x2b\0\x08\0\0\0" + start.to_bytes(8, "little"))
        out.write(packed)
        if codec in PACK:  # else the rest is a hole: zeros that take no room
            for _ in range(count - 1):
                out.write(packed)
        out.seek(end + end % 2)
        out.write(made)


TAGS = {"lzw": 5, "deflate": 8, "zstd": 50000}
PACK: dict[str, Callable[[np.ndarray], bytes]] = {
    "lzw": imagecodecs.lzw_encode,
    "deflate": lambda rows: imagecodecs.deflate_encode(rows, 1),
    "zstd": lambda rows: imagecodecs.zstd_encode(rows, 1),
}


def peak(case: Case, folder: Path) -> int:
    """Run a case in a fresh process; bytes of its resident memory at the highest."""
    from divere_cli.records import serialize
    from divere_cli.records.job import Encoding, Frame, Job, Stamp, Target
    from tests.develop.test_scan import P3, RECIPE

    path, out = folder / "scan.tif", folder / "out.tif"
    scan(path, case)
    out.touch()
    status = path.stat()
    frame = Frame(Target("out.tif", str(out), str(out)), RECIPE, orientation=case.orientation)
    job = Job(
        1, "scan.tif", str(path), Stamp(status.st_size, status.st_mtime_ns),
        Encoding("tiff", 16, P3, case.compression), (frame,), threads=case.threads,
    )  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", WORKER], input=json.dumps(serialize.to_plain(job)),
        capture_output=True, text=True, check=True, cwd=PAGE.parents[1],
    )  # fmt: skip
    out.unlink()
    return int(json.loads(done.stdout)["peak"])


def table(folder: Path) -> str:
    """Measure all cases."""
    lines = ["| scan | peak memory | at most | what bounds it |", "|---|---|---|---|"]
    for case in CASES:
        measured = round(peak(case, folder) / 1e6)
        lines.append(f"| {case.name} | {measured} MB | {case.limit} MB | {case.bound} |")
        print(lines[-1], flush=True)  # noqa: T201
    return "\n".join(lines)


def main() -> None:
    head, begin, rest = PAGE.read_text().partition("<!-- measured -->\n")
    _, end, tail = rest.partition("<!-- end -->")
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if sys.argv[1:] else None) as folder:
        PAGE.write_text(f"{head}{begin}{table(Path(folder))}\n{end}{tail}")


if __name__ == "__main__":
    main()
