"""Messages are complete or refused, never block, and never exceed the limit."""

from __future__ import annotations

import os
import threading
from multiprocessing import Pipe

import pytest
from hypothesis import given
from hypothesis import strategies as st

from divere_cli.files.durable import write_all
from divere_cli.isolation.wire import (
    LIMIT,
    FrameError,
    FrameReader,
    FrameWriter,
    encode,
    encode_order,
)

MESSAGES = st.lists(
    st.fixed_dictionaries({"t": st.text(), "x": st.none() | st.integers() | st.text()}), max_size=5
)


@given(messages=MESSAGES, cuts=st.lists(st.integers(0, 400), max_size=8))
def test_any_cutting_of_the_stream_gives_the_same_messages(
    messages: list[dict[str, object]], cuts: list[int]
) -> None:
    stream = b"".join(encode(message) for message in messages)
    reader, found, last = FrameReader(), [], 0
    for cut in [*sorted(cuts), len(stream)]:
        found += list(reader.feed(stream[last:cut]))
        last = max(last, cut)
    assert found == messages
    assert reader.pending == 0


@given(data=st.binary(max_size=300))
def test_random_bytes_are_only_ever_refused(data: bytes) -> None:
    reader = FrameReader(limit=200)
    try:
        for message in reader.feed(data):
            assert isinstance(message["t"], str)
    except FrameError:
        return
    assert reader.pending <= 204


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\x40\x00\x00\x00", "1073741824 bytes"),
        (b"\x00\x00\x00\x02{]", "not JSON"),
        (b"\x00\x00\x00\x0212", "not an object"),
        (b"\x00\x00\x00\x02{}", "not an object"),
        (b"\x00\x01\x86\xa0" + b"[" * 100_000, "not JSON"),
        (b"\x00\x00\x00\x01\xff", "not JSON"),
    ],
)
def test_invalid_messages_are_refused(data: bytes, words: str) -> None:
    with pytest.raises(FrameError, match=words):
        list(FrameReader().feed(data))


def test_messages_before_an_invalid_one_are_kept() -> None:
    messages = FrameReader().feed(encode({"t": "a"}) + b"\xff" * 8)
    assert next(messages) == {"t": "a"}
    with pytest.raises(FrameError):
        next(messages)


def test_a_message_over_the_limit_is_not_sent() -> None:
    with pytest.raises(FrameError, match="at most"):
        encode({"t": "x" * LIMIT})


def test_messages_of_many_threads_do_not_mix() -> None:
    reading, writing = os.pipe()
    writer = FrameWriter(writing)
    reader, found = FrameReader(), []

    def talk(name: str) -> None:
        for number in range(200):
            writer.send({"t": name, "n": number, "pad": "x" * 2000})

    talkers = [threading.Thread(target=talk, args=(name,)) for name in "abc"]
    for talker in talkers:
        talker.start()
    while len(found) < 600:
        found += list(reader.feed(os.read(reading, 65536)))
    for talker in talkers:
        talker.join()
    for name in "abc":
        assert [m["n"] for m in found if m["t"] == name] == list(range(200))
    os.close(reading)
    os.close(writing)


def test_an_order_arrives_whole_as_a_connection_reads_it() -> None:
    reading, writing = Pipe(duplex=False)
    order = ("\udcff", b"x" * 100_000, 1.5)
    data = encode_order(order)
    os.write(writing.fileno(), data[:7])
    rest = threading.Thread(target=write_all, args=(writing.fileno(), data[7:]))
    rest.start()
    assert reading.recv() == order
    rest.join()
    writing.close()
    with pytest.raises(EOFError):
        reading.recv()
    reading.close()
