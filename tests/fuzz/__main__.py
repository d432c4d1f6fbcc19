"""``python -m tests.fuzz SECONDS [TARGET...]``: each target in a process of its own, in turn.

Guided by coverage where atheris is installed (``make fuzz`` installs it); else broken at random
by structure. What fails is kept in ``tests/fuzz/found`` and fails the tests until it is mended.
"""

from __future__ import annotations

import hashlib
import importlib.util
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.fuzz import targets
from tests.image.fuzz import mutated

FOUND = targets.HERE / "found"
ONE_SECONDS = 20  # one input that takes longer has hung


def guided(name: str, seconds: int) -> None:
    """Fuzz one target in this process until its time is up."""
    import atheris

    with atheris.instrument_imports(include=["divere_cli"]):
        target = targets.targets()[name]
        target(b"")
    with tempfile.TemporaryDirectory() as corpus:
        for data in targets.seeds(name):
            (Path(corpus) / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
        words = [f"-max_total_time={seconds}", f"-timeout={ONE_SECONDS}", "-rss_limit_mb=4096"]
        words += ["-max_len=65536", f"-artifact_prefix={FOUND}/{name}-", "-print_final_stats=1"]
        atheris.Setup([sys.argv[0], *words, corpus], target)
        atheris.Fuzz()


def unguided(name: str, seconds: int) -> None:
    """Break seeds at random until the time is up."""
    target, begins = targets.targets()[name], targets.seeds(name) or [b"{}"]
    dice, deadline, count = random.Random(), time.monotonic() + seconds, 0
    while time.monotonic() < deadline:
        data = mutated(dice.choice(begins), dice)
        running = FOUND / f"{name}-running"
        running.write_bytes(data)
        try:
            target(data)
        except Exception:
            running.rename(FOUND / f"{name}-crash-{hashlib.sha256(data).hexdigest()[:16]}")
            raise
        count += 1
    running.unlink()
    print(f"{count} inputs")  # noqa: T201


def main() -> int:
    """All targets, or those that are named; how many failed."""
    seconds, names = int(sys.argv[1]), sys.argv[2:] or list(targets.targets())
    share = max(1, seconds // len(names))
    how = "guided" if importlib.util.find_spec("atheris") else "unguided"
    failed = []
    for name in names:
        print(f"{name}: {share} s, {how}", flush=True)  # noqa: T201
        words = [sys.executable, "-m", "tests.fuzz", how, str(share), name]
        done = subprocess.run(words, capture_output=True, text=True)
        said = [line for line in done.stderr.splitlines() if "stat::number_of" in line]
        print("  ", *said, done.stdout.strip()[-300:], flush=True)  # noqa: T201
        if done.returncode:
            failed.append(name)
            print(done.stderr[-3000:], flush=True)  # noqa: T201
    print(f"{len(names)} targets, failed: {', '.join(failed) or 'none'}")  # noqa: T201
    return len(failed)


if __name__ == "__main__":
    if sys.argv[1] in ("guided", "unguided"):
        targets.quiet()
        {"guided": guided, "unguided": unguided}[sys.argv[1]](sys.argv[3], int(sys.argv[2]))
    else:
        sys.exit(main())
