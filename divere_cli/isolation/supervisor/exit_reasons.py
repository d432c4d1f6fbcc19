"""Explains how a worker ended, as an end and an error message for the report.

Pure functions: facts in, end and error out. In order of precedence::

    a result or an error message, any exit         as the message says
    ended by divere                                timeout, out_of_memory, cancelled,
                                                   lost (invalid message), infrastructure (boot)
    never started, or its forkserver died          infrastructure
    SIGKILL while memory was short                 out_of_memory
    SIGXCPU                                        timeout
    another signal, or an exit code above 0        crashed
    exit code 0 without a result                   lost
"""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import Literal

from divere_cli.errors import Crashed, OutOfMemory, TimedOut
from divere_cli.records.outcome import End, ErrorRecord

Reason = Literal["timeout", "out_of_memory", "cancelled", "nonsense", "silent", "boot"]

_STAGES = {"read": "while reading", "grade": "while grading", "write": "while writing"}
_DOCTOR = "run `divere doctor`"
_OVERLOADED = f"the machine may be overloaded: use fewer --jobs, or {_DOCTOR}"
_KILLED = "the system may be short of memory: use fewer --jobs, or see dmesg"
_ENDED_BY_OTHERS = "another program ended it, perhaps to free memory: run again with fewer --jobs"

# Meaning of the signal of a crash, and the cure where the file is not the cause.
_MEANINGS = {
    "SIGSEGV": "invalid memory access",
    "SIGABRT": "a library stopped itself",
    "SIGFPE": "an invalid calculation",
    "SIGBUS": "a file became shorter while it was read, or the disk failed",
    "SIGILL": "an instruction that this processor does not have",
    "SIGSYS": "a system call that the sandbox does not allow",
    "SIGTERM": "another program ended it",
    "SIGHUP": "another program ended it",
    "SIGINT": "another program ended it",
    "SIGQUIT": "another program ended it",
}
_HINTS = {
    "SIGBUS": "check the disk, and that nothing changes the scan while it is graded",
    "SIGILL": "a library was built for another processor: install divere anew on this machine",
    "SIGSYS": "please report it with the detail; --sandbox never grades without the sandbox",
    "SIGTERM": _ENDED_BY_OTHERS,
    "SIGHUP": _ENDED_BY_OTHERS,
    "SIGINT": _ENDED_BY_OTHERS,
    "SIGQUIT": _ENDED_BY_OTHERS,
}


@dataclass(frozen=True, slots=True)
class Facts:
    """The known facts about a worker that ended without a result.

    ``reason`` is why divere ended it, None if divere did not; ``reason_text`` is the limit
    that was passed, or what was wrong with a message. ``started`` is whether the scan was
    begun. ``refused`` says why there never was a process. ``server_lost`` is whether its
    forkserver ended before it could tell the exit status. ``status`` is the exit code or minus
    the signal; None where it is not known. ``abandoned`` is whether the process is still there.
    """

    reason: Reason | None = None
    reason_text: str = ""
    started: bool = False
    refused: str = ""
    server_lost: bool = False
    status: int | None = None
    stage: str = ""
    seconds: float = 0.0
    memory_was_short: bool = False
    abandoned: bool = False
    detail: str = ""


def explain(facts: Facts) -> tuple[End, ErrorRecord]:
    """Return the end and the error of an attempt without a result.

    Parameters
    ----------
    facts : Facts
        What is known of the worker's end.

    Returns
    -------
    end : End
        Decides whether the scan is tried again (``batch.retries``).
    error : ErrorRecord
        One line of plain text, with a hint on what to do; ``detail`` is what the worker
        printed last.
    """
    if facts.refused:
        text = f"the worker process could not be started: {facts.refused}"
        return "infrastructure", _error(Crashed, text, facts, hint=_DOCTOR)
    end, error = _ended_by_divere(facts) if facts.reason else _ended_by_itself(facts)
    if facts.abandoned:
        message = f"{error.message}; its process did not end even after SIGKILL and was left behind"
        error = ErrorRecord(error.kind, message, error.hint, error.detail)
    return end, error


def _ended_by_divere(facts: Facts) -> tuple[End, ErrorRecord]:
    stage = _stage(facts)
    match facts.reason:
        case "timeout":
            text = f"took longer than {facts.reason_text} and was stopped{stage}"
            return "timeout", _error(TimedOut, text, facts)
        case "out_of_memory":
            text = f"needed more memory than {facts.reason_text} and was stopped{stage}"
            return "out_of_memory", _error(OutOfMemory, text, facts)
        case "cancelled":
            return "cancelled", _error(Crashed, f"was stopped on request{stage}", facts, hint="")
        case "boot":
            text = f"the worker process did not start within {facts.reason_text}"
            return "infrastructure", _error(Crashed, text, facts, hint=_OVERLOADED)
        case "silent":
            text = f"the worker process closed its connection to divere{stage}, without a result"
            return "lost", _error(Crashed, text, facts)
        case _:
            text = f"the worker process sent an invalid message{stage} ({facts.reason_text})"
            return "lost", _error(Crashed, text, facts)


def _ended_by_itself(facts: Facts) -> tuple[End, ErrorRecord]:
    stage, status = _stage(facts), facts.status
    if facts.server_lost:
        text = f"the process that starts the workers died, and this worker with it{stage}"
        return "infrastructure", _error(Crashed, text, facts, hint="run the same command again")
    if not facts.started:
        text = f"the worker process ended before it could begin ({_how(status)})"
        return "infrastructure", _error(Crashed, text, facts, hint=_DOCTOR)
    if status == -signal.SIGKILL and facts.memory_was_short:
        text = f"the worker process was killed because memory ran out{stage}"
        return "out_of_memory", _error(OutOfMemory, text, facts)
    if status == -signal.SIGXCPU:
        text = f"used up its CPU time and was stopped{stage}"
        return "timeout", _error(TimedOut, text, facts)
    if status == -signal.SIGKILL:
        text = f"the worker process was killed (SIGKILL){stage}"
        return "crashed", _error(Crashed, text, facts, hint=_KILLED)
    if status == 0:
        text = f"the worker process ended{stage} without a result"
        return "lost", _error(Crashed, text, facts)
    how = _how(status)
    meaning = f": {_MEANINGS[how]}" if how in _MEANINGS else ""
    text = f"the worker process crashed ({how}){stage}{meaning}"
    return "crashed", _error(Crashed, text, facts, hint=_HINTS.get(how))


def _stage(facts: Facts) -> str:
    """Return the stage of the worker, after a space; empty if it is not known."""
    if not facts.started:
        return " before it began"
    stage = _STAGES.get(facts.stage)
    return f" {stage}" if stage else ""


def _how(status: int | None) -> str:
    """Return an exit status as text: ``SIGSEGV``, ``signal 50``, ``exit code 3``."""
    if status is None:
        return "its exit status is not known"
    if status >= 0:
        return f"exit code {status}"
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"


def _error(
    kind: type[Crashed] | type[TimedOut] | type[OutOfMemory],
    message: str,
    facts: Facts,
    hint: str | None = None,
) -> ErrorRecord:
    return ErrorRecord(
        kind=kind.kind,
        message=message,
        hint=kind.default_hint if hint is None else hint,
        detail=facts.detail,
    )
