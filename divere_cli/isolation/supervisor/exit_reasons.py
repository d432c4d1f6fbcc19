"""What the end of a worker means: the exit truth table, in words for the report.

Pure: facts in, end and error out. ::

    result or error message, any exit              as the message says
    ended by us                                    timeout, out_of_memory, cancelled,
                                                   lost (nonsense), infrastructure (boot)
    no start message, or the forkserver died       infrastructure
    SIGKILL, and memory was short                  out_of_memory
    SIGXCPU                                        timeout
    other signal, exit code > 0                    crashed
    exit code 0 and no result                      lost
"""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import Literal

from divere_cli.errors import Crashed, Internal, OutOfMemory, TimedOut
from divere_cli.records.outcome import End, ErrorRecord

Reason = Literal["timeout", "out_of_memory", "cancelled", "nonsense", "silent", "boot"]

_DOING = {"read": "while reading", "grade": "while grading", "write": "while writing"}
_MEMORY_HINT = "the system may be short of memory: use fewer --jobs, or see dmesg"


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a worker that ended without a result.

    ``reason`` is why we ended it, None if we did not. ``refused`` says why there never was
    a process. ``status`` is minus the signal, or the exit code; None when it would not die
    or nobody could tell.
    """

    reason: Reason | None = None
    reason_text: str = ""
    started: bool = False
    refused: str = ""
    ghost: bool = False
    status: int | None = None
    stage: str = ""
    seconds: float = 0.0
    memory_was_short: bool = False
    abandoned: bool = False
    detail: str = ""


def explain(facts: Facts) -> tuple[End, ErrorRecord]:
    """The end and the error of an attempt without a result."""
    if facts.refused:
        text = f"the worker process could not be started: {facts.refused}"
        return "infrastructure", _error(Crashed, text, facts, hint="run `divere doctor`")
    end, error = _by_us(facts) if facts.reason else _by_itself(facts)
    if facts.abandoned:
        left = f"{error.message}; its process does not even react to SIGKILL and is left behind"
        error = ErrorRecord(error.kind, left, error.hint, error.detail)
    return end, error


def _by_us(facts: Facts) -> tuple[End, ErrorRecord]:
    doing = _doing(facts)
    match facts.reason:
        case "timeout":
            text = f"took longer than {facts.reason_text} and was stopped{doing}"
            return "timeout", _error(TimedOut, text, facts)
        case "out_of_memory":
            text = f"needed more memory than {facts.reason_text} and was stopped{doing}"
            return "out_of_memory", _error(OutOfMemory, text, facts)
        case "cancelled":
            return "cancelled", _error(Crashed, f"was stopped on request{doing}", facts, hint="")
        case "boot":
            text = f"the worker process did not start within {facts.reason_text}"
            return "infrastructure", _error(Crashed, text, facts, hint="run `divere doctor`")
        case "silent":
            text = f"the worker process closed its line to divere{doing}"
            return "lost", _error(Crashed, text, facts)
        case _:
            text = f"the worker process sent nonsense{doing} ({facts.reason_text})"
            return "lost", _error(Crashed, text, facts)


def _by_itself(facts: Facts) -> tuple[End, ErrorRecord]:
    doing, status = _doing(facts), facts.status
    if facts.ghost:
        text = f"the process that starts the workers died{doing}"
        return "infrastructure", _error(Crashed, text, facts, hint="run again")
    if not facts.started:
        text = f"the worker process could not start ({_how(status)})"
        return "infrastructure", _error(Crashed, text, facts, hint="run `divere doctor`")
    if status == -signal.SIGKILL and facts.memory_was_short:
        text = f"the worker process was killed because memory ran out{doing}"
        return "out_of_memory", _error(OutOfMemory, text, facts)
    if status == -signal.SIGXCPU:
        text = f"used up its CPU time and was stopped{doing}"
        return "timeout", _error(TimedOut, text, facts)
    if status == -signal.SIGKILL:
        text = f"the worker process was killed (SIGKILL){doing}"
        return "crashed", _error(Crashed, text, facts, hint=_MEMORY_HINT)
    if status == 0:
        text = f"the worker process ended{doing} without a result"
        return "lost", _error(Crashed, text, facts)
    return "crashed", _error(Crashed, f"the worker process crashed ({_how(status)}){doing}", facts)


def _doing(facts: Facts) -> str:
    if not facts.started:
        return " before it began"
    word = _DOING.get(facts.stage)
    return f" {word}" if word else ""


def _how(status: int | None) -> str:
    if status is None:
        return "no exit status"
    if status >= 0:
        return f"exit code {status}"
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"


def _error(
    kind: type[Crashed] | type[TimedOut] | type[OutOfMemory] | type[Internal],
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
