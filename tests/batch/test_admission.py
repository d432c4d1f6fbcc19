"""The memory budget."""

from __future__ import annotations

from dataclasses import replace

import pytest

from divere_cli.batch import admission
from divere_cli.batch.admission import Admission
from divere_cli.batch.journal.record import Peak
from divere_cli.image.layout import Header
from divere_cli.system import capacity
from divere_cli.system.capacity import BASE
from tests.batch.lab import ENCODING

MB = 1 << 20
GB = 1 << 30
ONE = (ENCODING,)


def header(megapixels: float, format_: str = "tiff") -> Header:
    return Header(format_, int(megapixels * 1e6), 1, 3, 16, 0)  # type: ignore[arg-type]


def peaks(header: Header, *megabytes: int) -> list[Peak]:
    sort, raw = admission.sort(header, (ENCODING,)), admission.raw_bytes(header)
    return [Peak(sort, raw, size * MB) for size in megabytes]


def test_raw_bytes_include_every_channel() -> None:
    assert admission.raw_bytes(Header("raw", 0, 0, 3, 16, 1000)) == 6000
    assert admission.raw_bytes(Header("tiff", 10, 10, 3, 16, 0)) == 600
    assert admission.raw_bytes(Header("tiff", 10, 10, 3, 16, 0, extra=("infrared",))) == 800
    assert admission.raw_bytes(Header("tiff", 10, 10, 1, 12, 0)) == 200


def test_an_unknown_scan_is_estimated_from_its_size() -> None:
    none = Admission(GB)
    assert none.predict(header(24), (ENCODING,)) == BASE + 72_000_000
    assert none.predict(header(24, "png"), (ENCODING,)) > none.predict(header(24), (ENCODING,))


def test_peaks_of_similar_scans_are_learned() -> None:
    taught = Admission(GB, peaks(header(24), 80, 81, 82, 83))
    assert taught.predict(header(24), (ENCODING,)) == 83 * MB
    assert taught.predict(header(20), (ENCODING,)) == 83 * MB
    assert taught.predict(header(30), (ENCODING,)) == pytest.approx(83 * MB * 30 / 24, rel=1e-6)


@pytest.mark.parametrize("other", [header(100), header(5), header(24, "png")])
def test_peaks_of_different_scans_are_not_used(other: Header) -> None:
    taught = Admission(GB, peaks(other, 80, 81, 82))
    assert taught.predict(header(24), (ENCODING,)) == Admission(GB).predict(header(24), (ENCODING,))


def test_two_scans_are_too_few_to_learn_from() -> None:
    taught = Admission(GB, peaks(header(24), 80, 81))
    assert taught.predict(header(24), (ENCODING,)) > 100 * MB


def test_one_outlier_counts_only_among_few_scans() -> None:
    assert (
        Admission(GB, peaks(header(24), *[80] * 40, 900)).predict(header(24), (ENCODING,))
        == 80 * MB
    )
    assert (
        Admission(GB, peaks(header(24), 80, 80, 900)).predict(header(24), (ENCODING,)) == 900 * MB
    )


def test_one_scan_always_fits_and_more_only_within_the_budget() -> None:
    admits = Admission(GB, available=lambda: 64 * GB)
    assert admits.fits(8 * GB, reserved=0)
    assert admits.fits(GB // 2, reserved=GB // 2)
    assert not admits.fits(GB // 2 + 1, reserved=GB // 2)


def test_memory_used_by_other_programs_is_not_available() -> None:
    admits = Admission(8 * GB, available=lambda: GB)
    assert admits.fits(GB, reserved=1)
    assert not admits.fits(GB + 1, reserved=1)


def test_unknown_free_memory_admits_no_more_scans() -> None:
    def unseen() -> int:
        raise OSError(24, "Too many open files")

    admits = Admission(8 * GB, available=unseen)
    assert admits.fits(GB, reserved=0)
    assert not admits.fits(GB, reserved=1)


def test_the_cap_is_generous_or_as_requested_and_the_budget_when_alone() -> None:
    admits = Admission(16 * GB)
    assert admits.cap(100 * MB, None, alone=False) == GB
    assert admits.cap(GB, None, alone=False) == 4 * GB
    assert admits.cap(GB, 300 * MB, alone=False) == 300 * MB
    assert admits.cap(100 * MB, None, alone=True) == 16 * GB


def test_a_budget_is_bytes_or_a_share() -> None:
    assert capacity.budget(5 * GB) == 5 * GB
    assert capacity.budget(0.5, lambda: 8 * GB) == 4 * GB


def test_jobs_by_cores_budget_and_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("divere_cli.system.cpus.usable", lambda: 8)
    assert capacity.jobs(3, [GB], GB) == 3
    assert capacity.jobs(None, [GB] * 20, 64 * GB) == 8
    assert capacity.jobs(None, [GB] * 20, 5 * GB) == 5
    assert capacity.jobs(None, [GB] * 2, 64 * GB) == 2
    assert capacity.jobs(None, [GB] * 20, 1) == 1
    assert capacity.jobs(None, [], GB) == 8


def test_memory_of_a_writer_that_holds_the_picture_is_counted() -> None:
    """JPEG XL has no other way; the measured figures are in its writer."""
    none = Admission(GB)
    plain = none.predict(header(24), (ENCODING,))
    lossless, lossy = (replace(ENCODING, format="jxl", quality=quality) for quality in (100, 90))
    assert none.predict(header(24), (lossless,)) == plain + 24 * 22 * 1_000_000
    assert none.predict(header(24), (ENCODING, lossy)) == plain + 24 * 36 * 1_000_000
    proof = replace(lossy, size=1000)
    assert none.predict(header(24), (ENCODING, proof)) == plain + 36 * 1_000_000


def test_a_repair_needs_memory_and_is_learned_separately() -> None:
    repaired = replace(ENCODING, infrared="repair")
    none, scan = Admission(GB), header(24)
    assert none.predict(scan, (repaired,)) >= none.predict(scan, ONE) + 57_000_000
    wide = replace(scan, width=scan.width * 10)
    more = none.predict(wide, (repaired,)) - none.predict(wide, ONE)
    assert more >= none.predict(scan, (repaired,)) - none.predict(scan, ONE) + 60_000_000
    assert admission.sort(scan, (repaired,)) != admission.sort(scan, ONE)
