"""The number of cores that this process may use: affinity, and the quotas of its cgroups.

``os.cpu_count`` and ``psutil.cpu_count`` ignore both. Not covered: how busy the cores are.
"""

from __future__ import annotations

import math
import os

from divere_cli.system.memory import cgroup_folders


def usable(root: str = "/") -> int:
    """Return the number of cores that can be used at the same time, at least 1.

    Parameters
    ----------
    root : str, default '/'
        Folder that has ``proc`` and ``sys``; another one in tests.
    """
    return max(1, math.ceil(min(_affinity(), quota(root))))


def quota(root: str = "/") -> float:
    """Return the cores that the tightest cgroup quota allows; infinite without one.

    Parameters
    ----------
    root : str, default '/'
        Folder that has ``proc`` and ``sys``; another one in tests.
    """
    best = math.inf
    for folder in cgroup_folders("cpu", root):
        best = min(best, _v2(folder), _v1(folder))
    return best


def _affinity() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _v2(folder: str) -> float:
    words = _words(os.path.join(folder, "cpu.max"))
    return _ratio(words[0], words[1]) if len(words) == 2 else math.inf


def _v1(folder: str) -> float:
    names = ("cpu.cfs_quota_us", "cpu.cfs_period_us")
    limit, period = (_words(os.path.join(folder, name)) for name in names)
    return _ratio(limit[0], period[0]) if limit and period else math.inf


def _ratio(limit: str, period: str) -> float:
    if not limit.isdigit() or not period.isdigit() or int(period) == 0:
        return math.inf  # "max" in version 2, -1 in version 1
    return int(limit) / int(period)


def _words(path: str) -> list[str]:
    try:
        with open(path, encoding="ascii") as file:
            return file.read().split()
    except (OSError, UnicodeDecodeError):
        return []
