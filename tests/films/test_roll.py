"""Warnings about frame numbers of a roll that are missing, or on two scans."""

from __future__ import annotations

import pytest

from divere_cli.films.roll import ScanCodes, number_warnings, scan_codes


def test_codes_are_half_frames() -> None:
    assert scan_codes("a", ("12A", "13", "0")) == ScanCodes("a", (0, 25, 26))


@pytest.mark.parametrize(
    "halves",
    [
        [(24, 25), (26, 27), (28, 29)],
        [(24, 25, 26), (26, 27, 28), (28, 29, 30)],
        [(23, 24), (26, 27), (27, 28)],  # 12A of both scans beside it is cut off
        [(24, 25, 26, 27, 28, 29), (28, 29, 30, 31, 32, 33)],  # strips that overlap
        [(24, 25)],
    ],
)
def test_a_complete_roll_has_no_warnings(halves: list[tuple[int, ...]]) -> None:
    assert number_warnings([ScanCodes(f"{n}.tif", each) for n, each in enumerate(halves)]) == []


def test_missing_frames_are_warnings() -> None:
    scans = [ScanCodes("a", (24, 25)), ScanCodes("b", (28, 29)), ScanCodes("c", (42, 43))]
    assert number_warnings(scans) == [
        "no scan shows frame 13 ('a' and then 'b')",
        "no scan shows frames 15 to 20 ('b' and then 'c')",
    ]
    (line,) = number_warnings(scans[:2], unread=1)
    assert line.endswith("the film's edge was not read on 1 of the folder's scans")


def test_a_frame_on_two_scans_is_a_warning() -> None:
    scans = [ScanCodes("a", (24, 25)), ScanCodes("b", (25, 24)), ScanCodes("c", (26, 27))]
    assert number_warnings(scans) == ["'a' and 'b' both show frame 12"]
