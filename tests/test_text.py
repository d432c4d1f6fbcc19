"""Names are made harmless, whatever they contain."""

from __future__ import annotations

import os
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from divere_cli.text import quote, safe, tail

# What RELIABILITY G13 forbids on any stream, with line breaks and tabs on top.
FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("scan 7.tif", "scan 7.tif"),
        ("胶片\u3000扫描.tif", "胶片\u3000扫描.tif"),
        ("scan\n7\r.tif", r"scan\x0a7\x0d.tif"),
        ("\x1b[31mred\x1b]0;title\x07", r"\x1b[31mred\x1b]0;title\x07"),
        ("c1 \x9b.tif", r"c1 \x9b.tif"),
        ("txt\u202etif.exe", r"txt\u202etif.exe"),
        (os.fsdecode(b"\xff\xe9.tif"), r"\xff\xe9.tif"),
        ("\ud800", r"\ud800"),
        ("zero\u200bwidth", r"zero\u200bwidth"),
        ("\u2028\ufeff", r"\u2028\ufeff"),
        ("\U000e0001", r"\U000e0001"),
        ("[/red].tif", "[/red].tif"),
    ],
)
def test_safe_shows_what_cannot_be_printed(text: str, shown: str) -> None:
    assert safe(text) == shown


@given(st.text(st.characters()))
def test_safe_is_one_harmless_line_and_stays_so(text: str) -> None:
    shown = safe(text)
    assert not FORBIDDEN.search(shown)
    assert len(shown.splitlines()) <= 1
    assert safe(shown) == shown
    shown.encode()


@given(st.text(st.characters()), st.text(st.characters()))
def test_quoted_names_are_never_alike(one: str, other: str) -> None:
    # A surrogate escape and the control character of the same byte are shown alike.
    folded = [re.sub("[\udc80-\udcff]", lambda m: chr(ord(m[0]) - 0xDC00), s) for s in (one, other)]
    assert (quote(one) == quote(other)) == (folded[0] == folded[1])


def test_quote_is_the_form_of_the_messages() -> None:
    assert quote("scan 7\n.tif") == r"'scan 7\x0a.tif'"
    assert quote(r"it's\x0a") == r"'it\'s\\x0a'"


@pytest.mark.parametrize(
    ("width", "end"), [(1, "…"), (3, "…ef"), (5, "…cdef"), (6, "abcdef"), (9, "abcdef")]
)
def test_tail_keeps_the_end(width: int, end: str) -> None:
    assert tail("abcdef", width) == end


def test_safe_cuts_long_metadata() -> None:
    assert safe("x" * 10_000, limit=200) == "x" * 200 + "…"
    assert safe("x" * 200, limit=200) == "x" * 200
