"""The table of worker exits and errors, row by row."""

from __future__ import annotations

import dataclasses

import pytest

from divere_cli.isolation.supervisor.exit_reasons import Facts, explain

RUNNING = Facts(started=True, stage="grade", detail="its last words")


@pytest.mark.parametrize(
    ("change", "end", "kind", "message"),
    [
        ({"status": -11}, "crashed", "crashed", "crashed (SIGSEGV) while grading"),
        ({"status": -64}, "crashed", "crashed", "crashed (SIGRTMAX) while grading"),
        ({"status": -50}, "crashed", "crashed", "crashed (signal 50) while grading"),
        ({"status": 3}, "crashed", "crashed", "crashed (exit code 3) while grading"),
        ({"status": 255}, "crashed", "crashed", "exit code 255"),
        ({"status": 3, "stage": ""}, "crashed", "crashed", "crashed (exit code 3)"),
        ({"status": 0}, "lost", "crashed", "ended while grading without a result"),
        ({"status": -9}, "crashed", "crashed", "was killed (SIGKILL) while grading"),
        (
            {"status": -9, "memory_was_short": True},
            "out_of_memory",
            "out_of_memory",
            "killed because memory ran out while grading",
        ),
        ({"status": -11, "memory_was_short": True}, "crashed", "crashed", "SIGSEGV"),
        ({"status": -24}, "timeout", "timeout", "used up its CPU time"),
        (
            {"status": 255, "server_lost": True},
            "infrastructure",
            "crashed",
            "that starts the workers",
        ),
        (
            {"status": -9, "started": False},
            "infrastructure",
            "crashed",
            "ended before it could begin (SIGKILL",
        ),
        ({"status": 1, "started": False}, "infrastructure", "crashed", "begin (exit code 1)"),
        ({"reason": "timeout", "reason_text": "300 s"}, "timeout", "timeout", "longer than 300 s"),
        ({"reason": "timeout", "status": -11}, "timeout", "timeout", "longer than"),
        (
            {"reason": "out_of_memory", "reason_text": "its limit of 9 MB"},
            "out_of_memory",
            "out_of_memory",
            "more memory than its limit of 9 MB",
        ),
        ({"reason": "cancelled"}, "cancelled", "crashed", "stopped on request while grading"),
        ({"reason": "boot"}, "infrastructure", "crashed", "did not start within"),
        ({"reason": "silent"}, "lost", "crashed", "closed its connection to divere while grading"),
        ({"reason": "nonsense"}, "lost", "crashed", "sent an invalid message while grading"),
    ],
)
def test_each_kind_of_death_is_classified(
    change: dict[str, object], end: str, kind: str, message: str
) -> None:
    found, error = explain(dataclasses.replace(RUNNING, **change))  # type: ignore[arg-type]
    assert found == end
    assert error.kind == kind
    assert message in error.message
    assert error.detail == "its last words"
    assert "\n" not in error.message


def test_a_kill_from_outside_hints_at_memory() -> None:
    _, error = explain(dataclasses.replace(RUNNING, status=-9))
    assert "short of memory" in error.hint


@pytest.mark.parametrize(
    ("status", "meaning", "cure"),
    [
        (-4, "an instruction that this processor does not have", "install divere anew"),
        (-6, "a library stopped itself", "the file may be damaged"),
        (-7, "a file became shorter while it was read", "check the disk"),
        (-11, "invalid memory access", "the file may be damaged"),
        (-15, "another program ended it", "fewer --jobs"),
        (-31, "a system call that the sandbox does not allow", "--sandbox never"),
    ],
)
def test_a_signal_is_explained_and_has_a_cure(status: int, meaning: str, cure: str) -> None:
    _, error = explain(dataclasses.replace(RUNNING, status=status))
    assert f"while grading: {meaning}" in error.message
    assert cure in error.hint


@pytest.mark.parametrize("started", [True, False])
def test_every_abnormal_end_has_a_hint(started: bool) -> None:
    for change in (
        *({"status": -number} for number in range(1, 65)),
        *({"status": code} for code in (0, 1, 255)),
        {"status": -9, "memory_was_short": True},
        {"server_lost": True},
        {"refused": "Resource temporarily unavailable"},
        *(
            {"reason": reason, "reason_text": "5 s"}
            for reason in ("timeout", "boot", "silent", "nonsense")
        ),
    ):
        facts = dataclasses.replace(RUNNING, started=started, **change)  # type: ignore[arg-type]
        _, error = explain(facts)
        assert error.hint, change
        assert "None" not in error.message
        assert "  " not in error.message


def test_an_abandoned_process_is_reported() -> None:
    facts = dataclasses.replace(RUNNING, reason="timeout", reason_text="5 s", abandoned=True)
    _, error = explain(facts)
    assert error.message.endswith("did not end even after SIGKILL and was left behind")
