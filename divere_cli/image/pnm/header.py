"""Reads the header of a portable pixmap: the text before its samples.

Covers PBM, PGM and PPM (plain and raw), PAM, and PFM (float). A :class:`Pixmap` also has the
offset of the samples and their white.

Source: the netpbm format pages (pbm, pgm, ppm, pam); for PFM the page of the
Light Stage project, rows from the bottom up.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from divere_cli.errors import CorruptInput, Unsupported
from divere_cli.image.layout import Band, Extra, Header, Sample
from divere_cli.image.limits import check_size
from divere_cli.image.source import Source

STARTS = re.compile(rb"(P[1-6Ff]|PF4)[\s#]|P7\n")
_HEAD = 4096
_CHANNELS = {"1": 1, "2": 1, "3": 3, "4": 1, "5": 1, "6": 3, "7": 0, "F": 3, "f": 1}
_SPACE = re.compile(rb"(?:\s|#[^\n]*\n)*")
_COMMENT = re.compile(rb"\s#[^\n]*\n")
_WORD = re.compile(rb"[^\s#]+")


@dataclass(frozen=True, slots=True)
class Pixmap:
    """The storage of a pixmap's samples.

    ``kind`` is the letter or digit behind the P; ``samples`` are those of a pixel,
    ``most`` the code of white (0: floats), ``start`` the first byte behind the head.
    """

    kind: str
    width: int
    height: int
    samples: int
    most: int
    start: int
    big_endian: bool = True
    scale: float = 1.0

    @property
    def plain(self) -> bool:
        """Whether samples are stored as text."""
        return self.kind in "123"

    @property
    def row_bytes(self) -> int:
        """Bytes of a row in the file; 0 for text."""
        if self.plain:
            return 0
        if self.kind == "4":
            return -(-self.width // 8)
        return self.width * self.samples * self.sample_bytes

    @property
    def sample_bytes(self) -> int:
        """Bytes of a sample."""
        return 4 if not self.most else 2 if self.most > 255 else 1


def is_pixmap(head: bytes) -> bool:
    """Return whether the first bytes are those of a portable pixmap.

    Parameters
    ----------
    head : bytes
        The first bytes of the file.
    """
    return STARTS.match(head) is not None


def read(source: Source, max_pixels: int) -> Header:
    """Read the header of a pixmap.

    Parameters
    ----------
    source : Source
        The open file.
    max_pixels : int
        Larger pictures are refused.

    Raises
    ------
    CorruptInput, Unsupported, LimitExceeded
    """
    about = pixmap(source)
    check_size(about.width, about.height, max_pixels)
    sample: Sample = "uint" if about.most else "float"
    channels = 1 if about.samples < 3 else 3
    extra: tuple[Extra, ...] = ("alpha",) if about.samples in (2, 4) else ()
    if not about.plain:
        source.inside(about.start, about.row_bytes * about.height, "the pixmap's samples")
    band: Band = ""
    if about.most:
        band = "uint8" if about.most in (1, 3, 15, 255) else "uint16"
    warnings = []
    if not about.most and abs(about.scale) not in (0.0, 1.0):
        warnings.append(f"the PFM's scale factor ({abs(about.scale):g}) is not applied")
    bits = about.most.bit_length() if about.most else 32
    full = about.width * about.height * about.samples
    return Header(
        format="pnm",
        width=about.width,
        height=about.height,
        channels=channels,
        bits=bits,
        file_size=source.size,
        sample=sample,
        extra=extra,
        big_endian=about.big_endian,
        variant={"4": "pbm", "1": "pbm", "5": "pgm", "2": "pgm", "7": "pam"}.get(
            about.kind, "pfm" if not about.most else "ppm"
        ),
        band=band,
        memory=source.size + 10 * full if about.plain else 0,
        warnings=tuple(warnings),
        notes=_of_white(about),
    )


def _of_white(about: Pixmap) -> tuple[str, ...]:
    most = about.most
    if not most or most & (most + 1) == 0:
        return ()
    return (f"the pixmap says that {most} is white; this value is used",)


def pixmap(source: Source) -> Pixmap:
    """Read the text before the samples.

    Parameters
    ----------
    source : Source
        The open file.

    Raises
    ------
    CorruptInput
        Numbers are missing or not possible.
    Unsupported
        A PAM that is neither gray nor RGB, with or without alpha.
    """
    head = source.read(0, min(_HEAD, source.size), "the pixmap's head")
    if head.startswith(b"PF4"):
        raise Unsupported("a PFM of four samples")
    kind = head[1:2].decode("latin-1")
    if kind == "7":
        return _pam(head)
    words: list[bytes] = []
    at = 2
    count = 2 if kind in "14" else 3
    while len(words) < count:
        space = _SPACE.match(head, at)
        at = space.end() if space else at
        word = _WORD.match(head, at)
        if word is None or word.end() == len(head):
            raise CorruptInput("the pixmap's header is cut off")
        words.append(word.group())
        at = word.end()
    width, height = _number(words[0]), _number(words[1])
    start = at + 1  # one white space ends the head
    comment = _COMMENT.match(head, at)
    if comment is not None and source.size == comment.end() + _size_of(kind, words):
        start = comment.end()  # some writers put a comment there
    if kind in "Ff":
        scale = _scale(words[2])
        return Pixmap(kind, width, height, _CHANNELS[kind], 0, start, scale > 0, scale)
    most = 1 if kind in "14" else _number(words[2])
    return Pixmap(kind, width, height, _CHANNELS[kind], _white(most), start)


def _size_of(kind: str, words: list[bytes]) -> int:
    """Return the bytes of the samples that the head promises; -1 if they are text."""
    if kind not in "56":
        return -1
    size = 2 if _number(words[2]) > 255 else 1
    return _number(words[0]) * _number(words[1]) * _CHANNELS[kind] * size


def _pam(head: bytes) -> Pixmap:
    end = head.find(b"\nENDHDR\n")
    if end < 0:
        raise CorruptInput("the pixmap's header is cut off")
    lines = [line.split(None, 1) for line in head[3:end].split(b"\n") if line.strip()]
    fields = {line[0]: line[1] for line in lines if len(line) == 2 and line[0] != b"#"}
    kinds = {1: b"GRAYSCALE", 2: b"GRAYSCALE_ALPHA", 3: b"RGB", 4: b"RGB_ALPHA"}
    samples = _number(fields.get(b"DEPTH", b"0"))
    kind = fields.get(b"TUPLTYPE", kinds.get(samples, b"")).strip()
    if kind.startswith(b"BLACKANDWHITE"):
        kind = kind.replace(b"BLACKANDWHITE", b"GRAYSCALE")
    if kinds.get(samples) != kind:
        label = kind.decode("latin-1", "replace")[:40]
        raise Unsupported(f"a PAM of {samples} samples called {label!r}")
    width, height = (_number(fields.get(name, b"0")) for name in (b"WIDTH", b"HEIGHT"))
    most = _white(_number(fields.get(b"MAXVAL", b"0")))
    return Pixmap("7", width, height, samples, most, end + len(b"\nENDHDR\n"))


def _number(word: bytes) -> int:
    if not word.strip().isdigit() or len(word) > 12:
        raise CorruptInput("the pixmap's header lacks a number")
    return int(word)


def _scale(word: bytes) -> float:
    try:
        scale = float(word)
    except ValueError as error:
        raise CorruptInput("the pixmap's header lacks a number") from error
    if not 0 < abs(scale) < 1e30:
        raise CorruptInput("the PFM's scale factor is not possible")
    return scale


def _white(most: int) -> int:
    if not 0 < most < 65536:
        raise CorruptInput(f"the pixmap says that {most} is white")
    return most
