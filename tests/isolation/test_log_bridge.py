"""Log records arrive complete and in order, are bounded, and never block the caller."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterator

import pytest

from divere_cli.isolation import log_bridge
from divere_cli.isolation.log_bridge import FrameHandler, LogBridge, replay
from divere_cli.isolation.wire import FrameReader, FrameWriter, Message


class Kept(logging.Handler):
    """Keeps what it formats."""

    def __init__(self, level: int = 0) -> None:
        super().__init__(level)
        self.setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s"))
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture
def logger() -> logging.Logger:
    """A logger on its own: nobody else listens."""
    return logging.Logger("tests.bridge", logging.DEBUG)


@pytest.fixture
def named() -> Iterator[logging.Logger]:
    """The logger that a replayed record of that name goes to."""
    logger = logging.getLogger("tests.bridge")
    logger.setLevel(logging.DEBUG)
    before = list(logger.handlers)
    yield logger
    logger.handlers[:] = before
    logger.filters.clear()


def sent(logger: logging.Logger, say: object) -> list[Message]:
    reading, writing = os.pipe()
    handler = FrameHandler(FrameWriter(writing))
    logger.addHandler(handler)
    say()  # type: ignore[operator]
    logger.removeHandler(handler)
    messages = list(FrameReader().feed(os.read(reading, 1 << 16)))
    os.close(reading)
    os.close(writing)
    return messages


def test_a_log_record_arrives_unchanged(logger: logging.Logger, named: logging.Logger) -> None:
    def say() -> None:
        try:
            raise ValueError("why")
        except ValueError:
            logger.warning("scan %s \udcff", "7", exc_info=True)

    (message,) = sent(logger, say)
    kept = Kept()
    named.addHandler(kept)
    assert replay(message, 4711, {"scan": "7.tif"})
    assert kept.lines[0].startswith("WARNING tests.bridge scan 7 \udcff\nTraceback")
    assert kept.lines[0].endswith("ValueError: why")


def test_the_record_is_about_its_worker(logger: logging.Logger, named: logging.Logger) -> None:
    (message,) = sent(logger, lambda: logger.info("x"))
    seen: list[logging.LogRecord] = []
    named.addFilter(lambda record: seen.append(record) or True)
    replay(message, 4711, {"scan": "7.tif", "job_id": 3})
    (record,) = seen
    assert (record.process, record.processName) == (4711, "worker-4711")
    assert record.__dict__["job_id"] == 3
    assert abs(record.created - time.time()) < 60
    assert record.module == "test_log_bridge"


def test_levels_of_the_supervisor_hold(logger: logging.Logger, named: logging.Logger) -> None:
    messages = sent(logger, lambda: (logger.debug("low"), logger.error("high")))
    kept = Kept()
    named.addHandler(kept)
    named.setLevel(logging.INFO)
    for message in messages:
        replay(message, 1, {})
    assert kept.lines == ["ERROR tests.bridge high"]


@pytest.mark.parametrize(
    "change", [{"level": "x"}, {"created": None}, {"name": None, "created": "y"}]
)
def test_invalid_log_records_are_refused(logger: logging.Logger, change: Message) -> None:
    (message,) = sent(logger, lambda: logger.info("x"))
    with pytest.raises((TypeError, ValueError)):
        replay(message | change, 1, {})


def test_a_record_that_cannot_be_formatted_ends_nothing(
    logger: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    messages = sent(logger, lambda: (logger.info("%d", "x"), logger.info("after")))
    assert [message["text"] for message in messages] == ["after"]
    assert "Logging error" in capsys.readouterr().err


def test_all_handlers_get_all_in_order_and_each_its_level(logger: logging.Logger) -> None:
    everything, warnings = Kept(), Kept(logging.WARNING)
    with LogBridge([everything, warnings], logger=logger):
        for number in range(500):
            logger.log(logging.WARNING if number % 100 == 0 else logging.INFO, "n %d", number)
    assert [line.split()[-1] for line in everything.lines] == [str(n) for n in range(500)]
    assert len(warnings.lines) == 5
    assert logger.handlers == []


def test_a_full_queue_drops_the_least_important_first(logger: logging.Logger) -> None:
    gate, holds = threading.Event(), threading.Event()

    class Shut(Kept):
        def emit(self, record: logging.LogRecord) -> None:
            holds.set()
            gate.wait()
            super().emit(record)

    shut = Shut()
    with LogBridge([shut], limit=100, logger=logger) as bridge:
        logger.info("the one the listener holds")
        assert holds.wait(200)
        for _ in range(150):
            logger.debug("d")
        for _ in range(100):
            logger.info("i")
        for _ in range(100):
            logger.error("e")
        gate.set()
    levels = [line.split()[0] for line in shut.lines]
    assert levels.count("DEBUG") == 100
    assert levels.count("INFO") == 51
    assert levels.count("ERROR") == 50
    assert bridge.dropped == 50 + 50 + 50


def test_the_end_does_not_hang_on_a_handler_that_hangs(
    logger: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_bridge._Listener, "patience", 0.05)
    gate = threading.Event()

    class Shut(Kept):
        def emit(self, record: logging.LogRecord) -> None:
            gate.wait()

    with LogBridge([Shut()], logger=logger):
        logger.info("x")
    gate.set()  # reached at all: the bridge let go of it


def test_long_text_is_cut_with_a_mark() -> None:
    assert log_bridge.shortened("x" * 10, 10) == "x" * 10
    assert log_bridge.shortened("x" * 100, 20) == "x" * 10 + " [... cut]"


def test_a_record_keeps_the_time_and_thread_it_was_made_at(
    logger: logging.Logger, named: logging.Logger
) -> None:
    (message,) = sent(logger, lambda: logger.info("x"))
    seen: list[logging.LogRecord] = []
    named.addFilter(lambda record: seen.append(record) or True)
    replay(message | {"created": 1_700_000_000.25, "thread": "decoder", "line": 81}, 1, {})
    (record,) = seen
    assert (record.created, record.msecs) == (1_700_000_000.25, 250.0)
    assert logging.Formatter().formatTime(record).endswith(",250")
    assert (record.threadName, record.lineno, record.levelname) == ("decoder", 81, "INFO")
