"""The JUnit report: counts and messages for CI systems, valid for any names."""

from __future__ import annotations

import dataclasses
import re
import xml.etree.ElementTree as ET

from divere_cli.records.outcome import ErrorRecord
from divere_cli.report import junit_report
from tests.report.sample import HOSTILE, PLAIN, run_report

ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def parsed(names: tuple[str, ...]) -> ET.Element:
    return ET.fromstring(junit_report.render(run_report(names)))


def test_counts_agree_with_the_cases() -> None:
    root = parsed(PLAIN)
    (suite,) = root
    assert suite.get("tests") == str(len(PLAIN)) == str(len(suite.findall("testcase")))
    for tag, attribute in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        assert suite.get(attribute) == root.get(attribute)
        assert suite.get(attribute) == str(len(suite.findall(f"testcase/{tag}")))
    assert (suite.get("failures"), suite.get("errors"), suite.get("skipped")) == ("3", "5", "6")


def test_a_failure_shows_its_message_and_hint() -> None:
    case = parsed(("roll/a.tif", "roll/b.tif"))[0].findall("testcase")[1]
    assert (case.get("classname"), case.get("name")) == ("roll", "b.tif")
    failure = case.find("failure")
    assert failure is not None
    assert failure.get("type") == "corrupt_input"
    assert failure.get("message") == "something is wrong in roll/b.tif"
    assert failure.text is not None
    assert failure.text.splitlines()[0] == "do something with roll/b.tif"
    assert failure.text.splitlines()[-1] == r"  line 2\x1b[0m"


def test_hostile_names_are_valid_xml_of_the_same_shape() -> None:
    text = junit_report.render(run_report(HOSTILE))
    assert not ILLEGAL.search(text)

    def shape(root: ET.Element) -> list[tuple[str, list[str]]]:
        return [(element.tag, sorted(element.keys())) for element in root.iter()]

    assert shape(ET.fromstring(text)) == shape(parsed(PLAIN))


def test_the_error_that_ended_the_run_is_a_separate_case() -> None:
    report = dataclasses.replace(run_report(), error=ErrorRecord("no_space", "disk full"))
    root = ET.fromstring(junit_report.render(report))
    (error,) = root.findall("testsuite/testcase[@name='the run']/error")
    assert error.get("message") == "disk full"
