"""Measures everything and writes docs/benchmarks.md: the table, then what was tried (tries.md)."""

from __future__ import annotations

import argparse
import datetime
import tempfile
from pathlib import Path

from bench import (
    formats,
    grade,
    infrared,
    light_and_frames,
    many,
    proof,
    review,
    roll,
    sizes,
    small,
    startup,
    verify,
    watch,
)
from bench.timing import Row, machine

TRIES = Path(__file__).with_name("tries.md")
PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"

HEAD = """# Benchmarks

Measured by `make bench` in one run on {date}, everything beside everything else,
medians; no figure of this table is typed by hand. The machine is shared and noisy:
trust the ratios more than the seconds. File cache warm, fsync on.

{machine}

DiVERE's own export of a 24-megapixel frame took 12.2 s on this kind of machine
(1.9 load, 7.1 grade, 3.2 save); that figure was measured once, elsewhere, not in this run.

| what | target | measured | | note |
|---|---|---|---|---|
{rows}
"""


def main() -> None:
    """Run all sections; ``--quick`` shrinks them to see that they work."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small frames; writes no page")
    parser.add_argument("--scratch", type=Path, help="where to put some 12 GB of files")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.scratch) as folder:
        rows: list[Row] = []
        large = (roll.rows, grade.rows, roll.codec_rows, sizes.rows)
        sections = (
            startup.rows,
            *large,
            small.rows,
            many.rows,
            formats.rows,
            proof.rows,
            review.rows,
            watch.rows,
            infrared.rows,
            verify.rows,
            light_and_frames.rows,
        )
        for section in sections:
            for row in section(Path(folder), quick=options.quick):
                print(row, flush=True)
                rows.append(row)
    if not options.quick:
        text = HEAD.format(
            date=datetime.datetime.now(datetime.UTC).date(),
            machine="\n".join(machine()),
            rows="\n".join(map(str, rows)),
        )
        PAGE.write_text(f"{text}\n{TRIES.read_text('utf-8')}", encoding="utf-8")
        print(f"wrote {PAGE.name}")


if __name__ == "__main__":
    main()
