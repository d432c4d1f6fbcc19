"""Files that are refused before a preset is read."""

from __future__ import annotations

import json
import os
import signal
import time
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from divere_cli.errors import ProfileError
from divere_cli.profile import loading, strict_json
from tests.profile.documents import SINGLE

# The cases P1 to P14 of what an untrusted profile may be.
HOSTILE = {
    "NaN": (b'{"cc_params": {"density_gamma": NaN}}', r"\$\.cc_params\.density_gamma is NaN"),
    "NaN where nobody looks": (b'{"metadata": {"tags": [NaN]}}', r"tags\[0\] is NaN"),
    "Infinity": (
        b'{"cc_params": {"rgb_gains": [0, -Infinity, 0]}}',
        r"rgb_gains\[1\] is -Infinity",
    ),
    "1e999": (b'{"cc_params": {"density_dmax": 1e999}}', r"density_dmax is 1e999"),
    "depth": (b"[" * 100_000, "nested too deeply"),
    "closed depth": (b"[" * 100_000 + b"]" * 100_000, "nested too deeply"),
    "object depth": (b'{"a":' * 33 + b"1" + b"}" * 33, "nested too deeply"),
    "a million keys": (
        b"{" + b",".join(b'"k%d":0' % i for i in range(1_000_000)) + b"}",
        "bytes; allowed: at most 1048576",
    ),
    "duplicate key": (
        b'{"version": 3, "idt": {"gamma": 1, "gamma": 2}}',
        r"\$\.idt\.gamma is there",
    ),
    "huge integer": (b'{"version": ' + b"1" * 4301 + b"}", "is a number of 4301 digits"),
    "byte order mark twice": (b"\xef\xbb\xbf\xef\xbb\xbf{}", "not valid JSON"),
    "UTF-16": ("{}".encode("utf-16"), "is not UTF-8.*looks like UTF-16"),
    "UTF-16 without a mark": ('{"ü": 1}'.encode("utf-16-le"), "is not UTF-8.*looks like UTF-16"),
    "Latin-1": ('{"metadata": {"note": "Müller"}}'.encode("latin-1"), "is not UTF-8"),
    "lone surrogate": (rb'{"metadata": {"raw_file": "\ud800"}}', r"raw_file is \"\\ud800\""),
    "surrogate in a key": (rb'{"\udc80": 1}', "has the key"),
    "trailing data": (b"{} {}", "not valid JSON at line 1 column 4"),
    "top-level list": (b"[]", r"\$ is \[\]; allowed: an object"),
    "bool as number": (b'{"cc_params": {"density_gamma": true}}', "density_gamma is true"),
    "escape in a name": (rb'{"idt": {"name": "\u001b[31m"}}', r"idt\.name is"),
    "raw control": (b'{"idt": {"name": "\x1b"}}', "not valid JSON"),
    "empty": (b"", "is empty, so not valid JSON"),
    "blank": (b"\n \n", "is empty, so not valid JSON"),
    "NUL": (b"\x00" * 64, "not valid JSON"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_profile_is_refused_at_once(tmp_path: Path, case: str) -> None:
    data, message = HOSTILE[case]
    path = tmp_path / "p.json"
    path.write_bytes(data)
    tracemalloc.start()
    try:
        with pytest.raises(ProfileError, match=message) as caught:
            loading.load(str(path))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert str(path) in caught.value.message
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 400 + len(str(path))
    assert peak < 50 << 20


def test_only_regular_files_are_read_without_waiting(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo.json"
    os.mkfifo(fifo)
    for path in (str(fifo), "/dev/zero", str(tmp_path)):
        with pytest.raises(ProfileError, match="not a regular file"):
            loading.load(path)


def test_a_pipe_that_takes_the_place_of_a_file_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    regular, fifo = tmp_path / "p.json", tmp_path / "fifo.json"
    regular.write_text("{}")
    os.mkfifo(fifo)
    was = os.stat(regular)
    monkeypatch.setattr(strict_json.os, "stat", lambda path: was)
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.alarm(240)
    try:
        with pytest.raises(ProfileError, match="not a regular file"):
            loading.load(str(fifo))
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)


def test_a_large_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    with path.open("wb") as file:
        file.truncate(100 << 20)
    tracemalloc.start()
    try:
        with pytest.raises(ProfileError, match="104857600 bytes; allowed: at most 1048576"):
            loading.load(str(path))
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_a_missing_file_and_one_behind_a_file(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="there is no such file"):
        loading.load(str(tmp_path / "none.json"))
    (tmp_path / "file").write_text("")
    with pytest.raises(ProfileError, match="cannot be read: Not a directory"):
        loading.load(str(tmp_path / "file" / "p.json"))
    with pytest.raises(ProfileError, match="cannot be read"):
        loading.load("a\0b.json")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    path.write_text("{}")
    path.chmod(0)
    with pytest.raises(ProfileError, match="cannot be read: Permission denied"):
        loading.load(str(path))


def test_depth_is_counted_outside_of_text() -> None:
    text = json.dumps({"note": '[{"' * 1000})
    assert strict_json.parse(text.encode(), "p") == json.loads(text)
    nested = "[" * strict_json.MAX_DEPTH + "]" * strict_json.MAX_DEPTH
    assert strict_json.parse(nested.encode(), "p") == json.loads(nested)
    with pytest.raises(ProfileError, match="nested too deeply"):
        strict_json.parse(f"[{nested}]".encode(), "p")


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["single", "contactsheet", "*Kodak_2383", "9000ED", "b&w_negative"]),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(
            st.text() | st.sampled_from(sorted({*SINGLE, *SINGLE["idt"], *SINGLE["cc_params"]})),
            inner,
            max_size=6,
        )
    ),
    max_leaves=30,
)


def error_of(data: bytes) -> str | None:
    """The message of the ProfileError that these bytes end in, if they do."""
    try:
        loading.preset(strict_json.parse(data, "p.json"), "p.json")
    except ProfileError as error:
        return error.message
    return None


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=300) | JSON.map(lambda value: json.dumps(value).encode()))
def test_only_a_profile_error_is_raised(data: bytes) -> None:
    error = error_of(data)
    assert error is None or (error.startswith("p.json: ") and error.isprintable())


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_a_damaged_preset_is_a_profile_error_or_still_valid(data: st.DataObject) -> None:
    def broken(value: object) -> object:
        if data.draw(st.integers(0, 12)) == 0:
            return data.draw(JSON)
        if isinstance(value, dict):
            return {key: broken(member) for key, member in value.items()}
        if isinstance(value, list):
            return [broken(item) for item in value]
        return value

    text = json.dumps(broken(SINGLE)).encode()
    error = error_of(text)
    assert error is None or error.startswith("p.json: $")


def signs(entry: bytes) -> int:
    return sum(entry.count(sign) for sign in strict_json.SIGNS.encode())


LARGEST = loading.MAX_FOLDER_BYTES
HUGE = {
    "one text": (b'{"a":"' + b"x" * (LARGEST - 8) + b'"}', None),
    "one text beyond U+FFFF": (
        '{"a":"\U0001f600'.encode() + b"x" * (LARGEST // 4 - 20) + b'"}',
        None,
    ),
    "one text beyond Latin-1": ('{"a":"\u5bcc'.encode() + b"x" * (LARGEST // 2 - 20) + b'"}', None),
    "more beyond U+FFFF": (
        '{"a":"\U0001f600'.encode() + b"x" * (LARGEST // 4) + b'"}',
        "allowed: 4194304 with",
    ),
    "more beyond Latin-1": (
        '{"a":"\u5bcc'.encode() + b"x" * (LARGEST // 2) + b'"}',
        "allowed: 8388608 with",
    ),
    "one escaped text": (b'{"a":"' + rb"\n" * (LARGEST // 2 - 8) + b'"}', r"\$\.a is"),
    "quotes": (b'""' * (LARGEST // 2), "too many values"),
    "lists": (b"[" + b"[]," * (LARGEST // 3 - 2) + b"0]", "too many values"),
}


@pytest.mark.parametrize("case", HUGE)
def test_the_largest_file_takes_little_memory(case: str) -> None:
    data, message = HUGE[case]
    tracemalloc.start()
    try:
        if message is None:
            strict_json.parse(data, "p.json")
        else:
            with pytest.raises(ProfileError, match=message):
                strict_json.parse(data, "p.json")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 70 << 20


def test_the_largest_allowed_number_of_values_takes_little_memory() -> None:
    part = 20
    entry = b'{"a":1},'
    data = b"[" + entry * (strict_json.MAX_SIGNS // signs(entry) // part - 1) + b"0]"
    tracemalloc.start()
    try:
        strict_json.parse(data, "p.json")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak * part < 80 << 20


def test_a_folder_of_the_largest_size_is_read_quickly() -> None:
    started = time.process_time()
    entry = json.dumps(SINGLE)
    count = strict_json.MAX_SIGNS // (signs(entry.encode()) + 3) - 1
    assert count > 3000
    text = "{" + ",".join(f'"scan {i}.tif": {entry}' for i in range(count)) + "}"
    strict_json.parse(text.encode(), "p.json")
    # Linear: this takes about a second of one core here; quadratic work would take minutes.
    assert time.process_time() - started < 60


def test_a_byte_order_mark_is_ignored(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    path.write_bytes(b"\xef\xbb\xbf{}")
    assert strict_json.read(str(path)) == {}
