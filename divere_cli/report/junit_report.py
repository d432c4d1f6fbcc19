"""The report as JUnit XML for GitHub, GitLab and Jenkins: one test case per scan.

A scan that failed by itself is a ``failure``; a worker that died, ran out of
time or memory, a bug, and a scan that was interrupted are an ``error``; up to
date and deferred are ``skipped``. Not covered: thumbnails.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET

from divere_cli.records.outcome import ErrorRecord, ScanResult
from divere_cli.records.report import RunReport
from divere_cli.report.summary import digits, megapixels
from divere_cli.text import format_bytes, safe, safe_lines

_MACHINERY = frozenset({"crashed", "timeout", "out_of_memory", "internal"})


def render(report: RunReport) -> str:
    """Return the document; characters that XML does not allow are escaped.

    Parameters
    ----------
    report : RunReport
        The report of a run.
    """
    suite = ET.Element("testsuite", name="divere", timestamp=report.started.rstrip("Z"))
    _properties(suite, report)
    for file in report.files:
        _case(suite, file)
    if report.error is not None:
        case = ET.SubElement(suite, "testcase", classname="divere", name="the run", time="0")
        _problem(case, "error", report.error)
    counts = {
        "tests": len(suite.findall("testcase")),
        "failures": len(suite.findall("testcase/failure")),
        "errors": len(suite.findall("testcase/error")),
        "skipped": len(suite.findall("testcase/skipped")),
    }
    root = ET.Element("testsuites", name="divere")
    for element in (root, suite):
        element.attrib.update({key: str(value) for key, value in counts.items()})
        element.set("time", f"{report.seconds:.3f}")
    root.append(suite)
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _properties(suite: ET.Element, report: RunReport) -> None:
    info = report.isolation
    properties = ET.SubElement(suite, "properties")
    for name, value in (
        ("version", report.version),
        ("exit_code", str(report.exit_code)),
        ("isolation", info.effective),
        ("start_method", info.start_method or ""),
        ("jobs", str(info.jobs)),
    ):
        ET.SubElement(properties, "property", name=name, value=safe(value))


def _case(suite: ET.Element, file: ScanResult) -> None:
    folder, _, name = file.input.rpartition("/")
    case = ET.SubElement(
        suite,
        "testcase",
        classname=safe(folder or "scans"),
        name=safe(name),
        file=safe(file.input),
        time=f"{file.seconds:.3f}",
    )
    if file.error is not None:
        machinery = file.status == "interrupted" or file.error.kind in _MACHINERY
        _problem(case, "error" if machinery else "failure", file.error)
    elif file.status == "interrupted":
        _problem(case, "error", ErrorRecord("interrupted", "the run ended before this scan did"))
    elif file.status != "ok":
        ET.SubElement(case, "skipped", message=file.status.replace("_", " "))
    lines = [*file.warnings, *file.notes]
    if file.peak_rss_bytes:
        size = digits(megapixels(file))
        lines.append(f"{size} MP, peak memory {format_bytes(file.peak_rss_bytes)}")
    if lines:
        ET.SubElement(case, "system-out").text = "\n".join(safe(line) for line in lines)


def _problem(case: ET.Element, tag: str, error: ErrorRecord) -> None:
    problem = ET.SubElement(case, tag, type=safe(error.kind), message=safe(error.message))
    problem.text = safe_lines("\n".join(part for part in (error.hint, error.detail) if part))
