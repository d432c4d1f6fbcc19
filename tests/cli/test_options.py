"""Values as users write them."""

from __future__ import annotations

import click
import pytest

from divere_cli.batch.words import compression_meant
from divere_cli.cli.options import Finite, Jobs, Seconds, Size, SizeOrPercent, Word
from divere_cli.profile import library


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("900M", 900 * 2**20),
        ("1.5G", 3 * 2**29),
        ("2 GiB", 2**31),
        ("10kb", 10240),
        ("3t", 3 * 2**40),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert Size().convert(text, None, None) == size
    assert SizeOrPercent().convert(text, None, None) == size


@pytest.mark.parametrize(
    "text", ["", "0", "-1G", "G", "1 X", "1e9", "nan", "0.0001", "1G1", "٣G", "9" * 400, "9000000T"]
)
def test_invalid_sizes(text: str) -> None:
    with pytest.raises(click.BadParameter):
        Size().convert(text, None, None)


@pytest.mark.parametrize(("text", "share"), [("70%", 0.7), ("100 %", 1.0), ("0.5%", 0.005)])
def test_shares(text: str, share: float) -> None:
    found = SizeOrPercent().convert(text, None, None)
    assert isinstance(found, float)
    assert found == pytest.approx(share)


@pytest.mark.parametrize("text", ["0%", "-5%", "101%", "%", "x%", "nan%", "inf%"])
def test_invalid_shares(text: str) -> None:
    with pytest.raises(click.BadParameter):
        SizeOrPercent().convert(text, None, None)


@pytest.mark.parametrize(("text", "jobs"), [("auto", None), ("1", 1), ("12", 12)])
def test_jobs(text: str, jobs: int | None) -> None:
    assert Jobs().convert(text, None, None) == jobs


@pytest.mark.parametrize("text", ["0", "-1", "two", "", "1.5", "²", "AUTO"])
def test_invalid_numbers_of_jobs(text: str) -> None:
    with pytest.raises(click.BadParameter):
        Jobs().convert(text, None, None)


@pytest.mark.parametrize(("text", "number"), [("0.5", 0.5), ("1e1", 10.0)])
def test_numbers_in_a_range(text: str, number: float) -> None:
    assert Finite(min=0, max=10).convert(text, None, None) == number


@pytest.mark.parametrize("text", ["nan", "-nan", "inf", "-inf", "1e400", "11", "x"])
def test_invalid_numbers_in_a_range(text: str) -> None:
    with pytest.raises(click.BadParameter):
        Finite(min=0, max=10).convert(text, None, None)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("1.5", 1.5),
        ("300sec", 300),
        ("2 hours", 7200),
        ("1h 30min", 5400),
        ("1d", 86_400),
        ("1 minute 5 seconds", 65),
        (".5h", 1800),
        ("1e3", 1000),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert Seconds(min=0).convert(text, None, None) == seconds


@pytest.mark.parametrize("text", ["5x", "PT5M", "5,5", "inf", "-5", "", "1.2.3s", "5 m 5 h"])
def test_invalid_durations(text: str) -> None:
    with pytest.raises(click.BadParameter):
        Seconds(min=0, max=10_000_000).convert(text, None, None)


@pytest.mark.parametrize(("text", "word"), [("LZW", "lzw"), ("Zip", "deflate"), ("none", "none")])
def test_words_in_any_case_and_their_aliases(text: str, word: str) -> None:
    kind = Word(["none", "lzw", "deflate"], compression_meant)
    assert kind.convert(text, None, None) == word
    with pytest.raises(click.BadParameter, match="jpeg"):
        kind.convert("jpeg", None, None)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("srgb", "sRGB"),
        ("adobe rgb (1998)", "AdobeRGB"),
        ("display-p3", "DisplayP3"),
        ("Rec.2020", "Rec2020"),
        ("ECIRGB", "eciRGB_v2"),
    ],
)
def test_color_spaces_as_people_write_them(text: str, name: str) -> None:
    assert library.output_space(text) == library.output_space(name)
