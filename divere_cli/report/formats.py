"""Chooses the renderer of a report file by its suffix; renderers are loaded when needed."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import PurePath

from divere_cli import extras
from divere_cli.errors import UsageError
from divere_cli.records.pictures import Album
from divere_cli.records.report import RunReport
from divere_cli.text import quote

Render = Callable[[RunReport], Iterator[str]]  # pieces of the text: there may be 100 MB of it
RenderBeside = Callable[[RunReport, Album], str]


def renderer(path: str) -> Render:
    """Return the renderer for the file's suffix.

    Parameters
    ----------
    path : str
        Path of the report.

    Raises
    ------
    UsageError
        The suffix is unknown, or the library for it is not installed.
    """
    suffix = PurePath(path).suffix.lower()
    if suffix == ".prom":
        check_prometheus("--report", path)
    if suffix not in _RENDERERS:
        suffixes = ", ".join(_RENDERERS)
        raise UsageError(f"--report {quote(path)}: the suffix must be one of {suffixes}")
    return _RENDERERS[suffix]


def check_prometheus(option: str, path: str) -> None:
    """Check that the library for Prometheus text is installed; it is not imported.

    Parameters
    ----------
    option : str
        Name of the option that asks for it, for the message.
    path : str
        Path of the report.

    Raises
    ------
    UsageError
    """
    if importlib.util.find_spec("prometheus_client") is None:
        raise UsageError(
            f"{option} {quote(path)} needs prometheus_client", hint=extras.how_to_add("metrics")
        )


def by_suffix(suffix: str) -> Render:
    """Return the renderer of a known suffix.

    Parameters
    ----------
    suffix : str
        The suffix, with its dot.
    """
    return _RENDERERS[suffix]


def shows_pictures(path: str) -> bool:
    """Return whether a report of this suffix shows thumbnails.

    Parameters
    ----------
    path : str
        Path of the report.
    """
    return PurePath(path).suffix.lower() == ".html"


def with_pictures_beside(path: str) -> RenderBeside | None:
    """Return the renderer of a page with pictures in a folder beside it; None for other formats.

    Parameters
    ----------
    path : str
        Path of the report.
    """
    return html_beside if shows_pictures(path) else None


def html_beside(report: RunReport, album: Album) -> str:
    """Render the page with pictures in a folder beside it.

    Parameters
    ----------
    report : RunReport
        The report of a run.
    album : Album
        The pictures in the folder.
    """
    from divere_cli.report import html_report

    return html_report.render(report, album)


def _json(report: RunReport) -> Iterator[str]:
    from divere_cli.report import json_report

    yield from json_report.pieces(report)


def _csv(report: RunReport) -> Iterator[str]:
    from divere_cli.report import csv_report

    yield csv_report.render(report)


def _html(report: RunReport) -> Iterator[str]:
    from divere_cli.report import html_report

    yield html_report.render(report)


def _junit(report: RunReport) -> Iterator[str]:
    from divere_cli.report import junit_report

    yield junit_report.render(report)


def _prometheus(report: RunReport) -> Iterator[str]:
    from divere_cli.report import prometheus_report

    yield prometheus_report.render(report)


_RENDERERS: dict[str, Render] = {
    ".json": _json,
    ".csv": _csv,
    ".html": _html,
    ".xml": _junit,
    ".prom": _prometheus,
}
