"""SHA-256 of files as a task for a worker: large files take seconds, and reading may hang.

Covers a scan and its outputs. Standard library only.
"""

from __future__ import annotations

import hashlib
import json
import os

from divere_cli.files import regular
from divere_cli.records.job import Job, Progress
from divere_cli.records.outcome import TaskResult

PIECE = 4 << 20


def hash_files(job: Job, progress: Progress) -> TaskResult:
    """Compute the SHA-256 of the files in ``job.parameters``, a JSON list of paths.

    Parameters
    ----------
    job : Job
        What the worker is asked to do.
    progress : Progress
        Takes stages and the share that is done.

    Returns
    -------
    TaskResult
        ``measurement`` is a JSON object: path to hexadecimal digest, empty where the
        file cannot be read.
    """
    paths: list[str] = json.loads(job.parameters)
    sizes = [_size(path) for path in paths]
    total, before = max(1, sum(sizes)), 0
    digests = {}
    for path, size in zip(paths, sizes, strict=True):
        digests[path] = _digest(path, progress, before, total)
        before += size
    return TaskResult(measurement=json.dumps(digests))


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def _digest(path: str, progress: Progress, before: int, total: int) -> str:
    digest = hashlib.sha256()
    try:
        with progress.stage("read"), open(path, "rb", buffering=0, opener=regular.opener) as stream:
            while piece := stream.read(PIECE):
                digest.update(piece)
                before += len(piece)
                progress.advance(before / total)
    except OSError:
        return ""
    return digest.hexdigest()
