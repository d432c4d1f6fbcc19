"""Decide which files in OUTPUT may be replaced: those that a run recorded for the same scan.

Covers the check of existing files before a scan is graded, and again before each
rename. Which scans need grading is decided in :mod:`.staleness`; nothing is written here.
"""

from __future__ import annotations

import os
import stat

from divere_cli.batch import naming
from divere_cli.batch.journal.state import State
from divere_cli.batch.plan import ScanPlan
from divere_cli.errors import OutputError, OutputExists
from divere_cli.files import stamp
from divere_cli.files.output_folder import Folder, split


class Ownership:
    """Compares the files in OUTPUT with the records of the journal.

    Parameters
    ----------
    state : State
        State read from the journal.
    folder : Folder or None
        OUTPUT; None where it does not exist yet.
    overwrite : bool
        ``--overwrite``: everything may be replaced.
    """

    def __init__(self, state: State, folder: Folder | None, *, overwrite: bool) -> None:
        self._state = state
        self._folder = folder
        self._overwrite = overwrite
        self._foreign: dict[str, dict[str, str]] = {}
        self._restored: dict[str, tuple[int, int]] = {}

    def check(self, plan: ScanPlan) -> None:
        """Check the existing files that have the names of a scan's outputs.

        Raises
        ------
        OutputExists, OutputError
            A file may not be replaced, or the name belongs to something that is not a file.
        """
        if self._folder is None:
            return
        for output in plan.makes:
            status = self._folder.look(output)
            if status is None:
                self._check_twin(output)
            elif stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode):
                self._check_owned(plan, output, status)
            else:
                raise OutputError(f"'{output}' in OUTPUT is not a file", hint="move it away")

    def accept(self, output: str, size: int, mtime_ns: int) -> None:
        """Accept a file as the recorded one: its content is equal, only its times differ."""
        self._restored[output] = (size, mtime_ns)

    def may_replace(self, plan: ScanPlan, output: str) -> bool:
        """Return whether the file that has this output's name may be replaced."""
        if self._overwrite:
            return True
        status = None if self._folder is None else self._folder.look(output)
        if status is None:
            return False
        try:
            self._check_owned(plan, output, status)
        except OutputExists:
            return False
        return True

    def _check_twin(self, output: str) -> None:
        if self._overwrite:
            return
        twin = self._names(split(output)[0]).get(naming.twin(split(output)[1]))
        if twin is not None:
            raise OutputExists(
                f"'{twin}' in OUTPUT differs from the output '{output}' only in case or in its "
                "Unicode form, and was not written by divere",
                hint="move it away, or use --overwrite",
            )

    def _names(self, folder: str) -> dict[str, str]:
        """Return files in a folder of OUTPUT that no run recorded, by their twin key."""
        if folder not in self._foreign:
            assert self._folder is not None
            self._foreign[folder] = {}
            try:
                with self._folder.sub(folder) as subfolder:
                    names = subfolder.names()
            except FileNotFoundError:
                names = []
            prefix, about = folder + "/" if folder else "", self._state.about
            self._foreign[folder] = {
                naming.twin(name): prefix + name
                for name in names
                if prefix + name not in self._state.owned
                and (about is None or about.output(prefix + name))
            }
        return self._foreign[folder]

    def _check_owned(self, plan: ScanPlan, output: str, status: os.stat_result) -> None:
        if self._overwrite:
            return
        recorded = self._state.owned.get(output, ())
        present = (status.st_size, status.st_mtime_ns)
        allowed = [(each.size, each.mtime_ns) for each in recorded]
        if present not in allowed and present != self._restored.get(output):
            why = "was changed since divere wrote it" if recorded else "was not written by divere"
            raise OutputExists(f"'{output}' exists in OUTPUT and {why}")
        if not self._same_scan(plan, output):
            owner = self._state.owner[output]
            raise OutputExists(
                f"'{output}' exists in OUTPUT and was made from another scan '{owner}'"
            )

    def _same_scan(self, plan: ScanPlan, output: str) -> bool:
        scan = plan.scan
        if self._state.owner.get(output) != scan.name:
            return False
        done = self._state.done.get(scan.name)
        if done is None or done.path == os.path.abspath(scan.path):
            return True
        return stamp.same(done.stamp, scan.stamp)
