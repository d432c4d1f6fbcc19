"""The rewritten journal has the same state, and is complete whatever happens meanwhile."""

from __future__ import annotations

import errno
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from divere_cli.batch.journal import compaction
from divere_cli.batch.journal import state as journal_state
from divere_cli.batch.journal.record import Done, OutputStamp
from divere_cli.batch.journal.state import State
from divere_cli.batch.journal.writer import Journal
from divere_cli.errors import JournalFailed, NoSpaceLeft
from divere_cli.files import durable
from divere_cli.files.output_folder import Folder
from divere_cli.image.layout import Header
from divere_cli.records.grade import ProfileRef
from divere_cli.records.job import Stamp
from tests.batch import processes, strace
from tests.batch.lab import Lab
from tests.batch.test_publish import fail_once
from tests.conftest import FAULTS

HEADER = Header("tiff", 8, 6, 3, 16, 1000)


class Archive:
    """Runs that grade, rename outputs and die at random; ``disk`` is what lies in OUTPUT."""

    def __init__(self, folder: Folder, seed: int) -> None:
        self.folder = folder
        self.random = random.Random(seed)
        self.disk: dict[str, OutputStamp] = {}

    def run(self) -> None:
        journal = Journal.open(self.folder, "run")
        journal.begin()
        for _ in range(self.random.randrange(6)):
            if not self._scan(journal):
                break
        else:
            journal.end()
        journal.release()

    def _scan(self, journal: Journal) -> bool:
        """Grade a scan; False where the run dies between two of the steps."""
        scan = f"scan {self.random.randrange(4)}.tif"
        names = [f"{scan}-{self.random.randrange(3)}" for _ in range(self.random.randint(1, 2))]
        stamps = tuple(
            OutputStamp(n, 1, self.random.randrange(10**9)) for n in dict.fromkeys(names)
        )
        journal.publish(scan, stamps)
        dies = self.random.randrange(8)
        if dies == 0:
            return False
        self.disk |= {stamp.name: stamp for stamp in stamps[: 1 if dies == 1 else None]}
        if dies <= 2:
            return False
        stamp = Stamp(1, self.random.randrange(10**9))
        journal.done(Done(scan, "/in", stamp, "key", stamps, HEADER, ProfileRef("p", "s")))
        return True


@pytest.mark.parametrize("seed", range(20))
def test_the_new_journal_says_the_same_of_what_is_there(
    folder: Folder, tmp_path: Path, seed: int
) -> None:
    archive = Archive(folder, seed)
    for _ in range(12):
        archive.run()
        before = journal_state.load(folder)
        compaction.compact(folder)
        after = journal_state.load(folder)
        assert (after.done, after.owner) == (before.done, before.owner)
        assert after.clean == before.clean
        for name, stamp in archive.disk.items():
            assert stamp in after.owned[name], "an output is no longer known as ours"
    whole = (tmp_path / journal_state.NAME).read_bytes()
    compaction.compact(folder)
    assert (tmp_path / journal_state.NAME).read_bytes() == whole
    assert os.listdir(tmp_path) == [journal_state.NAME]


def test_what_is_no_record_stays_and_a_torn_line_goes(folder: Folder, tmp_path: Path) -> None:
    path = tmp_path / journal_state.NAME
    kept = b'{"kind":"news","from":"a later version"}\n'
    path.write_bytes(kept + b'{"kind":"end"}\n' * 3 + b'{"kind":"do')
    compaction.compact(folder)
    assert path.read_bytes() == kept + b'{"kind":"end"}\n'
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("lines", "outputs", "due"),
    [(9_000, 1, False), (20_000, 10_000, False), (11_000, 100, True), (500_000, 100_000, True)],
)
def test_it_is_due_when_most_lines_would_go(lines: int, outputs: int, due: bool) -> None:
    state = State(owned={str(number): () for number in range(outputs)}, lines=lines)
    assert compaction.due(state) == due


@pytest.fixture
def graded(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """A lab that was graded four times, and whose next run finds its journal too long."""
    lab.scans("a.tif", "r/b.tif", "c.tif")
    for _ in range(4):
        lab.run(force=True)
    monkeypatch.setattr(compaction, "_FEW", 0)
    monkeypatch.setattr(compaction, "KEPT", 1)  # figures of four runs outweigh three scans
    return lab


def test_a_run_writes_a_long_journal_anew_and_goes_on(graded: Lab) -> None:
    path = graded.outputs / journal_state.NAME
    before, state = path.read_bytes(), graded.state()
    assert set(graded.statuses(graded.run()).values()) == {"up_to_date"}
    assert len(path.read_bytes()) < len(before) / 4
    assert graded.state().done == state.done
    graded.scan("d.tif")
    graded.scan("a.tif", graded.scan("d.tif").read_bytes())
    said = {"a.tif": "ok", "r/b.tif": "up_to_date", "c.tif": "up_to_date", "d.tif": "ok"}
    assert graded.statuses(graded.run()) == said


@pytest.mark.parametrize("call", ["create", "sync", "rename"])
@pytest.mark.parametrize(
    ("code", "error"), [(errno.ENOSPC, NoSpaceLeft), (errno.EIO, JournalFailed)]
)
def test_a_call_that_fails_leaves_the_old_journal(
    graded: Lab, call: str, code: int, error: type[Exception]
) -> None:
    before = (graded.outputs / journal_state.NAME).read_bytes()
    with pytest.MonkeyPatch.context() as patch:
        fail_once(durable, call, code, patch)
        with pytest.raises(error):
            graded.run()
    assert (graded.outputs / journal_state.NAME).read_bytes() == before
    assert not list(graded.outputs.glob(".divere-tmp-*"))
    assert set(graded.statuses(graded.run()).values()) == {"up_to_date"}


@pytest.mark.slow
@pytest.mark.skipif(strace.STRACE is None, reason="needs strace")
@pytest.mark.parametrize(
    "fault", ["signal=SIGKILL", "error=EIO", "error=ENOSPC"], ids=["killed", "broken", "full"]
)
@pytest.mark.parametrize("call", ["openat", "write", "fsync", "renameat"])
def test_a_fault_at_any_call_loses_nothing(
    graded: Lab, call: str, fault: str, record_property: Callable[[str, object], None]
) -> None:
    """All is up to date before, so all the run does in OUTPUT is the journal and the report."""
    expected, counted = graded.positives(), _copy(graded, "count")
    _, calls = strace.trace(counted, "--compact")
    numbers = [each.number for each in strace.in_output(counted, calls) if each.name == call]
    assert numbers
    for number in numbers:
        lab = _copy(graded, f"run{number}")
        strace.inject(lab, f"{call}:{fault}:when={number}", "--compact")
        code, report = processes.run(lab)
        assert (code, set(processes.statuses(report).values())) == (0, {"up_to_date"})
        assert lab.positives() == expected
    record_property(FAULTS, len(numbers))


@pytest.mark.slow
@pytest.mark.skipif(strace.STRACE is None, reason="needs strace")
@pytest.mark.parametrize("variant", [(), ("--variant", "nofsync")], ids=["", "nofsync"])
def test_the_order_of_calls_survives_a_power_cut(graded: Lab, variant: tuple[str, ...]) -> None:
    graded.scan("a.tif", graded.scan("d.tif").read_bytes() + b"changed")
    code, calls = strace.trace(graded, "--compact", *variant)
    assert code == 0
    if variant:
        with pytest.raises(AssertionError, match=r"journal\.jsonl got its name with unsynced"):
            strace.lint(graded, calls)
    else:
        assert strace.lint(graded, calls) == 4  # two positives, the report, and the journal


def _copy(graded: Lab, name: str) -> Lab:
    made = Lab(graded.root / name)
    for folder in ("in", "out"):
        shutil.copytree(graded.root / folder, made.root / folder)
    return made
