r"""Makes names and metadata harmless for a terminal, a log or a report.

Covers every string that comes from outside (file names, metadata, messages that quote them):
control characters, line breaks, bidi and other invisible format characters, bytes that are no
UTF-8, unassigned code points. Not covered: the syntax of a format (HTML, CSV and XML are escaped
by their modules), and the way back, for which reports keep the bytes.
"""

from __future__ import annotations

import unicodedata

_KILO, _MEGA, _GIGA = 1e3, 1e6, 1e9

_SHOWN_SPACES = frozenset({"Zs"})


def safe(text: str, limit: int | None = None) -> str:
    r"""Return ``text`` as one harmless line.

    Parameters
    ----------
    text : str
        Anything, also with surrogate escapes as :func:`os.fsdecode` gives them.
    limit : int, optional
        Characters of ``text`` to keep; a cut is shown as ``…``.

    Returns
    -------
    str
        Printable characters as they are; all others as ``\xNN``, ``\uNNNN`` or
        ``\UNNNNNNNN``, a byte that is no UTF-8 as ``\xNN``. Calling it again
        changes nothing. A backslash stays, so two names may look alike: use
        :func:`quote` where that matters.
    """
    if limit is not None and len(text) > limit:
        text = text[:limit] + "…"
    if text.isprintable():
        return text
    return "".join(c if _is_shown(c) else _escape(c) for c in text)


def safe_lines(text: str) -> str:
    """Return a text of several lines, such as a traceback, with each line made harmless.

    Parameters
    ----------
    text : str
        The text.
    """
    return "\n".join(safe(line) for line in text.splitlines())


def tail(text: str, width: int) -> str:
    """Return the last ``width`` characters; the first is ``…`` if the text was cut.

    Parameters
    ----------
    text : str
        The text.
    width : int
        Most characters.
    """
    return text if len(text) <= width else "…" + text[len(text) - width + 1 :]


def quote(name: str) -> str:
    r"""Return ``name`` for a message: ``'scan 7\x0a.tif'``.

    Quotes and backslashes in the name are escaped, so that no two names look alike.

    Parameters
    ----------
    name : str
        The name.
    """
    return "'" + safe(name.replace("\\", "\\\\").replace("'", "\\'")) + "'"


def format_bytes(size: float) -> str:
    """Return a number of bytes for people, in decimal units: ``73 MB``, ``1.25 GB``.

    Parameters
    ----------
    size : float
        Bytes.
    """
    if size < _KILO:
        return f"{size:.0f} bytes"
    if size < _MEGA:
        return f"{size / _KILO:.0f} kB"
    if size < _GIGA:
        return f"{size / _MEGA:.0f} MB"
    return f"{size / _GIGA:.2f} GB"


def _is_shown(c: str) -> bool:
    return c.isprintable() or unicodedata.category(c) in _SHOWN_SPACES


def _escape(c: str) -> str:
    code = ord(c)
    if 0xDC80 <= code <= 0xDCFF:
        code -= 0xDC00
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
