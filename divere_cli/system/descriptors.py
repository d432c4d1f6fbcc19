"""The number of files that this process can still open. The user sets the limit, not divere."""

from __future__ import annotations

import os

_FOLDERS = ("/proc/self/fd", "/dev/fd")
MANY = 1 << 20  # if there is no limit, or it is unknown


def free() -> int:
    """Return the free descriptors below the soft limit; :data:`MANY` if they are unknown."""
    try:
        import resource  # not on Windows
    except ImportError:
        return MANY
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return MANY
    for folder in _FOLDERS:
        try:
            return soft - len(os.listdir(folder)) + 1  # one was used by the listing
        except OSError:
            continue
    return soft
