"""``--map A=B``: translates paths of the caller to paths of the machines."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

from divere_cli.errors import UsageError
from divere_cli.records.job import Job, Target

Mapping = tuple[tuple[str, str], ...]


def parse(words: Sequence[str]) -> Mapping:
    """Return the pairs of ``--map``, the longest prefix first.

    Parameters
    ----------
    words : sequence of str
        Values of the option, as ``/mnt/scans=/data/scans``.

    Raises
    ------
    UsageError
        A word without ``=``, or a side that is no absolute path.
    """
    pairs = []
    for word in words:
        here, equals, there = word.partition("=")
        if not equals or not here.startswith("/") or not there.startswith("/"):
            raise UsageError(
                f"--map {word}: needs two absolute folders",
                hint="as in --map /mnt/scans=/data/scans",
            )
        pairs.append((here.rstrip("/") or "/", there.rstrip("/") or "/"))
    return tuple(sorted(pairs, key=lambda pair: -len(pair[0])))


def there(path: str, mapping: Mapping) -> str:
    """Return the path by which a machine of the cluster reaches a file.

    Parameters
    ----------
    path : str
        The path on this machine.
    mapping : Mapping
        Pairs of prefixes.
    """
    for here, remote in mapping:
        if path == here:
            return remote
        prefix = here if here == "/" else here + "/"
        if path.startswith(prefix):
            return (remote if remote == "/" else remote + "/") + path[len(prefix) :]
    return path


def job_there(job: Job, mapping: Mapping) -> Job:
    """Return the job with all its paths translated for the machines of the cluster.

    Parameters
    ----------
    job : Job
        The job on this machine.
    mapping : Mapping
        Pairs of prefixes.
    """

    def target(item: Target) -> Target:
        return dataclasses.replace(
            item, path=there(item.path, mapping), temp=there(item.temp, mapping)
        )

    return dataclasses.replace(_with_targets(job, target), input=there(job.input, mapping))


def with_temps(job: Job, token: str) -> Job:
    """Return the job with its own temporary files, beside the planned ones.

    Dask may run a task twice when a machine only seems dead; two executions
    must never write the same file.

    Parameters
    ----------
    job : Job
        What the worker is asked to do.
    token : str
        End of the names of the temporary files.
    """

    def target(item: Target) -> Target:
        if not item.temp:
            return item
        return dataclasses.replace(item, temp=f"{item.temp}-{token}", inode=None)

    return _with_targets(job, target)


def temps(job: Job) -> tuple[str, ...]:
    """Return all temporary files of a job, in order; none for one that only measures.

    Parameters
    ----------
    job : Job
        What the worker is asked to do.
    """
    temp_paths = [frame.target.temp for frame in job.frames]
    return tuple(filter(None, [*temp_paths, job.sidecar.temp if job.sidecar else ""]))


def _with_targets(job: Job, change: Callable[[Target], Target]) -> Job:
    frames = (dataclasses.replace(item, target=change(item.target)) for item in job.frames)
    sidecar = None if job.sidecar is None else change(job.sidecar)
    return dataclasses.replace(job, frames=tuple(frames), sidecar=sidecar)
