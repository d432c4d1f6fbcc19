"""``divere verify``: every positive against the journal and the manifest.

Covers the expected files in OUTPUT, unrecorded files, inputs, and resuming an interrupted
check. Hashing and verdicts are in ``archive``.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from typing import TextIO

from divere_cli.archive import bag, checking, hashing, manifest
from divere_cli.archive.checking import Checked, Expected
from divere_cli.archive.hashing import Hashed
from divere_cli.batch import naming
from divere_cli.batch.journal import state as journal_state
from divere_cli.batch.journal.state import State
from divere_cli.errors import InputMissing, OutputUnusable, UsageError
from divere_cli.files import regular
from divere_cli.files.output_folder import Folder
from divere_cli.system import cpus
from divere_cli.text import quote

NOTES = ".divere-verify.jsonl"
_PICTURES = frozenset(naming.SUFFIXES.values())


@dataclass(frozen=True, slots=True)
class Plan:
    """The files to check: outputs by name, inputs by path."""

    output: str
    expected: tuple[Expected, ...]
    extra: tuple[str, ...]
    size: int


OnFile = Callable[[Checked], None]


def plan(output: str, *, inputs: bool = False) -> Plan:
    """Return the files that OUTPUT should contain.

    Parameters
    ----------
    output : str
        The output folder.
    inputs : bool, default False
        Whether the scans are checked, too.

    Raises
    ------
    InputMissing
        There is no such folder.
    UsageError
        Neither a journal nor a manifest is in it, or the manifest is damaged.
    JournalFailed
        The journal cannot be read.
    """
    folder = Folder.open(output, create=False)
    if folder is None:
        raise InputMissing(f"{quote(output)}: no such folder")
    try:
        state = journal_state.load(folder)
        listed = _listed(output)
        if not state.done and not listed:
            raise UsageError(
                f"{quote(output)}: nothing is recorded of it",
                hint="give the OUTPUT of a batch, or a folder with a manifest-sha256.txt",
            )
        expected = {each.name: each for each in _outputs(state)}
        for name, digest in listed.items():
            before = expected.get(name, Expected(name))
            expected[name] = replace(before, sha256=(*before.sha256, digest))
        to_check = [*expected.values(), *(_inputs(state) if inputs else ())]
        extra = tuple(name for name in _files(output, listed) if name not in expected)
        return Plan(output, tuple(to_check), extra, sum(_size(output, each) for each in to_check))
    finally:
        folder.close()


def check(
    work: Plan, on_file: OnFile = lambda checked: None, *, anew: bool = False
) -> list[Checked]:
    """Check all files, on all cores.

    Progress is noted in OUTPUT, so that an interrupted check can be resumed; a finished check
    removes its notes.

    Parameters
    ----------
    work : Plan
        The expected files.
    on_file : OnFile, default lambda checked: None
        Receives each checked file.
    anew : bool, default False
        Whether notes of an interrupted check are ignored.
    """
    path = os.path.join(work.output, NOTES)
    before = {} if anew else _noted(path)
    by_name = {_key(each): each for each in work.expected}
    done: list[Checked] = []

    def judge(hashed: Hashed) -> None:
        done.append(checking.judge(by_name[hashed.name], hashed))
        on_file(done[-1])

    todo: list[tuple[str, str]] = []
    for each in work.expected:
        noted, file_path = before.get(_key(each)), _path(work.output, each)
        if noted is not None and _unchanged(file_path, noted):
            judge(noted)
        else:
            todo.append((_key(each), file_path))
    for name in work.extra:
        done.append(Checked(name, "extra", "is recorded nowhere"))
        on_file(done[-1])
    # closed here: its threads must not go on reading after an interruption
    with _Notes(path) as notes, closing(hashing.hash_all(todo, cpus.usable())) as hashes:
        for hashed in hashes:
            notes.add(hashed)
            judge(hashed)
        notes.finish()
    return done


class _Notes:
    """Notes of files read so far, one line for each; none in a read-only folder."""

    def __init__(self, path: str) -> None:
        self._path = path
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0)
        self._file: TextIO | None = None
        with suppress(OSError):
            fd = os.open(path, flags | getattr(os, "O_NONBLOCK", 0), 0o600)
            self._file = os.fdopen(regular.only_regular(fd, path), "a", encoding="utf-8")

    def add(self, hashed: Hashed) -> None:
        """Note one file."""
        if self._file is not None and hashed.sha256:
            self._file.write(checking.note(hashed))
            self._file.flush()

    def finish(self) -> None:
        if self._file is not None:
            os.unlink(self._path)

    def __enter__(self) -> _Notes:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()


def _noted(path: str) -> dict[str, Hashed]:
    try:
        with open(path, encoding="utf-8", opener=regular.opener) as file:
            return dict(checking.noted(file))
    except (OSError, UnicodeDecodeError):
        return {}


def _outputs(state: State) -> Iterator[Expected]:
    for done in state.done.values():
        for output in done.outputs:
            digest = (output.sha256,) if output.sha256 else ()
            kept = output.name in state.kept
            yield Expected(output.name, digest, output.size, output.mtime_ns, kept)


def _inputs(state: State) -> Iterator[Expected]:
    """Yield the scans at their recorded paths; several pages of one file give one entry."""
    paths: set[str] = set()
    for done in state.done.values():
        if done.path not in paths:
            paths.add(done.path)
            digest = (done.sha256,) if done.sha256 else ()
            stamp = done.stamp
            yield Expected(done.path, digest, stamp.size, stamp.mtime_ns, source="input")


def _listed(output: str) -> dict[str, str]:
    """Return the entries of the manifest, and in a bag those of its tag files."""
    entries: dict[str, str] = {}
    for name in (manifest.NAME, bag.TAGS):
        try:
            with open(os.path.join(output, name), "rb", opener=regular.opener) as file:
                entries |= manifest.parse(file.read(), name)
        except FileNotFoundError:
            continue
        except OSError as error:
            problem = f"{quote(output)}: {name} cannot be read: {error.strerror}"
            raise OutputUnusable(problem) from error
    return entries


def _files(output: str, listed: dict[str, str]) -> Iterator[str]:
    """Yield pictures in OUTPUT, and all files in a bag's payload."""
    is_bag = any(name.startswith(f"{bag.PAYLOAD}/") for name in listed)
    for folder_path, folders, files in os.walk(output):
        folders.sort()
        below = os.path.relpath(folder_path, output).replace(os.sep, "/")
        prefix = "" if below == "." else f"{below}/"
        payload = is_bag and prefix.startswith(f"{bag.PAYLOAD}/")
        for name in sorted(files):
            ours = name.startswith(".divere-")
            picture = os.path.splitext(name)[1].lower() in _PICTURES
            if not ours and (picture or payload):
                yield prefix + name


def _key(each: Expected) -> str:
    return each.name if each.source == "output" else f"input:{each.name}"


def _path(output: str, each: Expected) -> str:
    return each.name if each.source == "input" else os.path.join(output, each.name)


def _size(output: str, each: Expected) -> int:
    try:
        return os.stat(_path(output, each)).st_size
    except OSError:
        return 0


def _unchanged(path: str, noted: Hashed) -> bool:
    try:
        status = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISREG(status.st_mode) and (status.st_size, status.st_mtime_ns) == (
        noted.size,
        noted.mtime_ns,
    )
