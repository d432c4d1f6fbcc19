"""The output of a worker by line; which lines belong to a trace."""

from __future__ import annotations

from divere_cli.isolation.supervisor.process import LINE_LIMIT, TAIL_LINES, OutputLines

DUMP = b"""Fatal Python error: Segmentation fault

Current thread 0x00007f1 (most recent call first):
  File "x.py", line 3 in f
  ...

Extension modules: numpy (total: 1)
"""


def test_lines_are_complete_however_the_output_is_split() -> None:
    lines = OutputLines()
    assert lines.feed(b"on") == []
    assert [line.text for line in lines.feed(b"e\ntwo\r\n\n\nthr")] == ["one", "two"]
    assert [line.text for line in lines.end()] == ["thr"]
    assert lines.end() == []
    assert list(lines.tail) == ["one", "two", "thr"]


def test_a_trace_is_told_from_what_comes_after_it() -> None:
    lines = OutputLines().feed(b"before\n" + DUMP + b"libtiff: warning\n")
    assert [line.text for line in lines if not line.trace] == ["before", "libtiff: warning"]


def test_a_line_without_an_end_is_cut_not_kept() -> None:
    lines = OutputLines()
    found = lines.feed(b"x" * (3 * LINE_LIMIT + 5))
    assert [len(line.text) for line in found] == [LINE_LIMIT] * 3
    assert [line.text for line in lines.end()] == ["xxxxx"]


def test_only_the_last_lines_are_kept() -> None:
    lines = OutputLines()
    lines.feed(b"".join(b"%d\n" % number for number in range(1000)))
    assert len(lines.tail) == TAIL_LINES
    assert lines.tail[-1] == "999"


def test_bytes_that_are_no_text_are_shown_escaped() -> None:
    assert OutputLines().feed(b"\xff\x1b[31m\n")[0].text == "\\xff\x1b[31m"
