"""How many more files this process may open. Does not raise the limit: that is the user's."""

from __future__ import annotations

import os

_FOLDERS = ("/proc/self/fd", "/dev/fd")
MANY = 1 << 20  # where there is no limit, or none that can be known


def free() -> int:
    """Descriptors left below the soft limit; :data:`MANY` where that cannot be told."""
    try:
        import resource  # not on Windows
    except ImportError:
        return MANY
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return MANY
    for folder in _FOLDERS:
        try:
            return soft - len(os.listdir(folder)) + 1  # one was the listing's own
        except OSError:
            continue
    return soft
