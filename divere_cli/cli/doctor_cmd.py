"""``divere doctor``: test what this machine and installation can do.

Covers start methods (a worker must answer), usable cores and memory, libraries, codecs and
extras, and the choice of ``--isolation auto``. Scans and profiles have ``inspect`` and
``profiles``.
"""

from __future__ import annotations

import importlib.util
import json
import platform
import sys
import time
from dataclasses import dataclass
from importlib import metadata

import click

from divere_cli import __version__, extras
from divere_cli.cli.options import json_option
from divere_cli.errors import IsolationUnavailable
from divere_cli.records.serialize import to_plain
from divere_cli.report.json_report import valid
from divere_cli.text import safe

_LIBRARIES = ("numpy", "opencolorio", "imagecodecs", "tifffile", "imageio", "pillow", "exiv2")
_MODULES = {
    "opencolorio": "PyOpenColorIO",
    "pillow": "PIL",
    "zxing-cpp": "zxingcpp",
    "prometheus-client": "prometheus_client",
}
_EXTRAS = {
    "raw": "rawpy",
    "dask": "distributed",
    "dx": "zxing-cpp",
    "review": "starlette",
    "metrics": "prometheus-client",
}


@dataclass(frozen=True, slots=True)
class StartMethod:
    """Result of one start method; ``seconds`` until the first worker answered."""

    name: str
    works: bool
    seconds: float = 0.0
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Cores:
    """Cores that may be used, and all cores of the machine."""

    usable: int
    system: int


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes; ``limited_by`` is ``system`` or a cgroup."""

    available: int
    total: int
    limited_by: str


@dataclass(frozen=True, slots=True)
class Auto:
    """The choice of ``--isolation auto``."""

    effective: str
    start_method: str | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Findings:
    """All findings; None for a library that is not installed."""

    version: str
    python: str
    system: str
    cores: Cores
    memory: Memory
    start_methods: tuple[StartMethod, ...]
    isolation: Auto
    sandbox: str
    libraries: dict[str, str | None]
    codecs: dict[str, bool]
    extras: dict[str, str | None]


@click.command()
@json_option
def doctor(**values: bool) -> None:
    """Show what this machine can do: cores, memory, worker processes, libraries, codecs.

    Each way to start worker processes is tried, with a worker that must answer.
    """
    findings = examine()
    if values["json"]:
        click.echo(json.dumps(valid(to_plain(findings)), indent=1))
        return
    for name, text in described(findings):
        click.echo(f"{name:<12}{safe(text)}")


def examine() -> Findings:
    """Examine this machine and return the findings."""
    methods = _start_methods()
    from divere_cli.image import codecs  # after the workers: it loads numpy and its threads

    return Findings(
        version=__version__,
        python=platform.python_version(),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        cores=_cores(),
        memory=_memory(),
        start_methods=methods,
        isolation=_auto(methods),
        sandbox=_sandbox(),
        libraries={name: _version(name) for name in _LIBRARIES},
        codecs=codecs.available(),
        extras={extra: _version(name) for extra, name in _EXTRAS.items()},
    )


def described(findings: Findings) -> list[tuple[str, str]]:
    """Return the findings as lines for a person.

    Parameters
    ----------
    findings : Findings
        The findings.
    """
    memory, auto = findings.memory, findings.isolation
    lines = [
        ("divere", f"{findings.version}, Python {findings.python}, {findings.system}"),
        ("cores", f"{findings.cores.usable} usable of {findings.cores.system}"),
        ("memory", f"{_gb(memory.available)} of {_gb(memory.total)}, as the {_who(memory)} allows"),
    ]
    for method in findings.start_methods:
        verdict = f"works, {method.seconds:.2f} s to the first worker"
        lines.append((method.name, verdict if method.works else f"does not work: {method.problem}"))
    chosen = f"a fresh process for each scan, by {auto.start_method}"
    threads = "threads in this process" + (f" ({auto.reason})" if auto.reason else "")
    lines.append(("auto", chosen if auto.effective == "process" else threads))
    lines.append(("sandbox", findings.sandbox))
    installed = {name: version or "missing" for name, version in findings.libraries.items()}
    lines.append(("libraries", ", ".join(f"{name} {is_}" for name, is_ in installed.items())))
    missing = [name for name, there in findings.codecs.items() if not there]
    there = [name for name, there in findings.codecs.items() if there]
    lack = f"; missing: {', '.join(missing)}" if missing else ""
    lines.append(("codecs", ", ".join(there) + lack))
    for extra, version in findings.extras.items():
        absent = f"not installed; {extras.how_to_add(extra)}"
        lines.append((extra, f"{_EXTRAS[extra]} {version}" if version else absent))
    return lines


def _start_methods() -> tuple[StartMethod, ...]:
    from divere_cli.isolation.factory import open_runner
    from divere_cli.isolation.runner import IsolationRequest

    tried = []
    for name in ("forkserver", "spawn", "fork"):
        request = IsolationRequest(requested="always", start_method=name, jobs=1)
        began = time.perf_counter()
        try:
            runner = open_runner(request, lambda _event: None)
        except IsolationUnavailable as error:
            tried.append(StartMethod(name, works=False, problem=error.message))
            continue
        seconds = time.perf_counter() - began
        runner.close(0)
        tried.append(StartMethod(name, works=True, seconds=round(seconds, 3)))
    return tuple(tried)


def _auto(methods: tuple[StartMethod, ...]) -> Auto:
    from divere_cli.isolation.factory import prefers_processes
    from divere_cli.isolation.runner import IsolationRequest

    request = IsolationRequest(requested="auto")
    if not prefers_processes(request):
        return Auto("thread", None, "the default of this system")
    from divere_cli.isolation.factory import methods as in_order

    works = {method.name for method in methods if method.works}
    best = next((name for name in in_order(request) if name in works), None)
    return Auto("process", best) if best else Auto("thread", None, "no start method works")


def _sandbox() -> str:
    from divere_cli.isolation.worker import sandbox

    offer = sandbox.offer()
    version = f" (Landlock {offer.landlock})" if offer.landlock else ""
    return f"{offer}{version}"


def _cores() -> Cores:
    import os

    from divere_cli.system import cpus

    return Cores(cpus.usable(), os.cpu_count() or 1)


def _memory() -> Memory:
    import psutil

    from divere_cli.system import memory

    free = memory.available()
    return Memory(free.bytes, psutil.virtual_memory().total, free.source)


def _version(distribution: str) -> str | None:
    """Return a library's version; ``built in`` if a frozen program has it without a version."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        module = _MODULES.get(distribution, distribution)
        there = getattr(sys, "frozen", False) and importlib.util.find_spec(module) is not None
        return "built in" if there else None


def _who(memory: Memory) -> str:
    return "system" if memory.limited_by == "system" else f"cgroup {memory.limited_by}"


def _gb(size: int) -> str:
    return f"{size / 1e9:.1f} GB"
