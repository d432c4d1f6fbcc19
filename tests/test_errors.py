"""The error classes match the interface and the drawing in their module."""

from __future__ import annotations

import pickle
from collections.abc import Iterator

import pytest

from divere_cli import errors

KINDS = {
    "unreadable", "unsupported", "corrupt_input", "input_changed", "limit_exceeded", "profile",
    "output_exists", "output_error", "no_space", "crashed", "timeout", "out_of_memory", "internal",
}  # fmt: skip


def below(cls: type[errors.DivereError]) -> Iterator[type[errors.DivereError]]:
    for child in cls.__subclasses__():
        if child.__module__ != errors.__name__:
            continue  # of one room alone, with the kind of its base
        yield child
        yield from below(child)


def test_the_kinds_of_scan_errors_are_the_words_of_the_report() -> None:
    assert {cls.kind for cls in below(errors.ScanError)} == KINDS


def test_every_class_stands_in_the_drawing_with_its_kind() -> None:
    drawing = {}
    for line in (errors.__doc__ or "").splitlines():
        if "── " in line:
            name, *columns = line.split("── ")[1].split()
            drawing[name] = columns
    leaves = set(below(errors.DivereError)) - {errors.RunError, errors.ScanError}
    assert set(drawing) == {cls.__name__ for cls in leaves} | {"RunError", "ScanError"}
    for cls in leaves:
        assert drawing[cls.__name__][0] == cls.kind
        if issubclass(cls, errors.RunError):
            assert int(drawing[cls.__name__][1]) == cls.exit_code


@pytest.mark.parametrize("cls", sorted(below(errors.DivereError), key=lambda c: c.__name__))
def test_an_error_survives_the_way_between_processes(cls: type[errors.DivereError]) -> None:
    sent = cls("what", hint="do", detail="trace")
    back = pickle.loads(pickle.dumps(sent))
    assert type(back) is cls
    assert (back.message, back.hint, back.detail) == ("what", "do", "trace")
    assert cls("what").hint == cls.default_hint
