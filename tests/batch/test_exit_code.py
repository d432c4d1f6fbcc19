"""The exit code, chosen in one place."""

from __future__ import annotations

import signal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from divere_cli.batch.exit_code import exit_code
from divere_cli.errors import RunError
from divere_cli.records.outcome import ErrorRecord, ScanResult

OK = ScanResult("a")
BAD = ScanResult("b", status="failed", error=ErrorRecord("crashed", "x"))
LEFT = ScanResult("c", status="interrupted")


@pytest.mark.parametrize(
    ("number", "error", "files", "code"),
    [
        (None, None, [], 0),
        (None, None, [OK, ScanResult("d", status="deferred")], 0),
        (None, None, [OK, ScanResult("u", status="up_to_date")], 0),
        (None, None, [OK, BAD], 3),
        (None, None, [OK, LEFT], 3),
        (None, ErrorRecord("journal", ""), [BAD], 14),
        (None, ErrorRecord("no_space", ""), [BAD], 13),
        (None, ErrorRecord("cluster", ""), [LEFT], 16),
        (None, ErrorRecord("internal", ""), [BAD], 1),
        (signal.SIGINT, ErrorRecord("internal", ""), [BAD], 130),
        (signal.SIGTERM, ErrorRecord("no_space", ""), [], 143),
        (signal.SIGHUP, None, [OK], 129),
    ],
)
def test_precedence(
    number: int | None, error: ErrorRecord | None, files: list[ScanResult], code: int
) -> None:
    assert exit_code(number, error, files) == code


statuses = st.sampled_from(["ok", "up_to_date", "deferred", "failed", "interrupted"])
errors = st.none() | st.sampled_from(["internal", "no_space", "journal", "other"])


@given(st.none() | st.sampled_from([1, 2, 15]), errors, st.lists(statuses, max_size=5))
def test_zero_if_and_only_if_all_scans_are_fine(
    number: int | None, error: str | None, words: list[str]
) -> None:
    files = [ScanResult(str(i), status=word) for i, word in enumerate(words)]  # type: ignore[arg-type]
    record = ErrorRecord(error, "") if error else None
    well = set(words) <= {"ok", "up_to_date", "deferred"}
    assert (exit_code(number, record, files) == 0) == (well and not error and number is None)


def test_every_error_of_a_run_has_the_code_of_its_class() -> None:
    for cls in RunError.__subclasses__():
        if cls.exit_code in (13, 14, 15, 16):
            assert exit_code(None, ErrorRecord(cls.kind, ""), []) == cls.exit_code
