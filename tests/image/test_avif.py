"""AVIF: what its boxes say, orientation, damage, and kinds that are refused by name."""

from __future__ import annotations

import functools
import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, features

from divere_cli.develop import transfer
from divere_cli.errors import CorruptInput, LimitExceeded, Unsupported
from divere_cli.image import embedded, header, reader
from divere_cli.image.layout import Header
from divere_cli.image.source import Source
from divere_cli.records.job import InputTransfer
from tests.image import made

Read = Callable[..., Header]
PROFILE = b"not read here, only found" * 9


def box(kind: bytes, *parts: bytes) -> bytes:
    data = b"".join(parts)
    return struct.pack(">I4s", 8 + len(data), kind) + data


def full(kind: bytes, *parts: bytes, version: int = 0, flags: int = 0) -> bytes:
    return box(kind, struct.pack(">I", version << 24 | flags), *parts)


SIZE = full(b"ispe", struct.pack(">II", 93, 60))
DEPTH = full(b"pixi", bytes((3, 10, 10, 10)))
CODEC = box(b"av1C", bytes((0x81, 0x20, 0x40, 0)))
ALPHA = full(b"auxC", b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0")
HDLR = full(b"hdlr", bytes(4), b"pict", bytes(13))
PITM = full(b"pitm", b"\0\1")


def nclx(code: int) -> bytes:
    return box(b"colr", b"nclx", struct.pack(">HHHB", 1, code, 6, 0x80))


def ipma(*items: tuple[int, tuple[int, ...]]) -> bytes:
    parts = [struct.pack(">HB", number, len(own)) + bytes(own) for number, own in items]
    return full(b"ipma", struct.pack(">I", len(items)), *parts)


def iinf(*items: tuple[int, bytes, int]) -> bytes:
    parts = [full(b"infe", struct.pack(">HH4s", number, 0, kind), b"\0", version=2, flags=flags)
             for number, kind, flags in items]  # fmt: skip
    return full(b"iinf", struct.pack(">H", len(items)), *parts)


def sequence(width: int = 93, height: int = 60, still: bool = True) -> bytes:
    """A sequence header behind a temporal delimiter: what is read of AV1 data."""
    fields = [(1, 3), (1, 1), (still, 1)]
    fields += (
        [(0, 5)] if still else [(0, 1), (1, 1), (0, 5), (0, 12), (8, 5), (0, 1), (1, 1), (9, 4)]
    )
    fields += [(15, 4), (15, 4), (width - 1, 16), (height - 1, 16)]
    text = "".join(f"{value:0{size}b}" for value, size in fields)
    data = int(text.ljust(-(-len(text) // 8) * 8, "0"), 2).to_bytes(-(-len(text) // 8), "big")
    return b"\x12\0\x0a" + bytes([len(data)]) + data


def iloc(*items: tuple[int, int, int]) -> bytes:
    """Places of items in the box idat: number, start, length."""
    parts = [struct.pack(">HHHHII", number, 1, 0, 1, start, length)
             for number, start, length in items]  # fmt: skip
    return full(b"iloc", b"\x44\0", struct.pack(">H", len(items)), *parts, version=1)


def avif(
    *properties: bytes,
    kind: bytes = b"av01",
    others: tuple[tuple[int, bytes, int], ...] = (),
    iref: bytes = b"",
    own: tuple[int, ...] | None = None,
    more: tuple[tuple[int, tuple[int, ...]], ...] = (),
    brand: bytes = b"avif",
    after: bytes = b"",
    data: bytes | None = None,
    places: bytes | None = None,
) -> bytes:
    """A file with a sequence header alone of its AV1 data; all properties are those of item 1."""
    numbers = tuple(range(1, len(properties) + 1)) if own is None else own
    coded = sequence() if data is None else data
    count = (2, 3) if kind == b"grid" else (1,)
    iloc_ = iloc(*((number, 0, len(coded)) for number in count)) if places is None else places
    meta = full(
        b"meta", HDLR, PITM, iloc_, box(b"idat", coded), iinf((1, kind, 0), *others), iref,
        box(b"iprp", box(b"ipco", *properties), ipma((1, numbers), *more)),
    )  # fmt: skip
    return box(b"ftyp", brand, bytes(4), b"mif1avif") + meta + after


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def of(data: bytes, name: str = "a.avif", most: int = 10**9) -> Header:
        path = tmp_path / name
        path.write_bytes(data)
        return header.read(str(path), most)

    return of


@functools.cache
def by_pillow(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x112] = orientation
    out = io.BytesIO()
    Image.fromarray(made.bits(made.rgb(), 8)).save(out, "AVIF", exif=exif, speed=10)
    return out.getvalue()


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow cannot write AVIF")
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_what_another_writer_meant_and_pixels_stay_as_stored(
    orientation: int, tmp_path: Path
) -> None:
    path = tmp_path / "a.avif"
    path.write_bytes(by_pillow(orientation))
    about = header.read(str(path))
    assert (about.orientation, about.width, about.height) == (orientation, 93, 60)
    np.testing.assert_array_equal(picture(path), picture(_saved(path, by_pillow(1))))


def picture(path: Path) -> NDArray[Any]:
    with reader.open(str(path)) as scan:
        return np.concatenate([band.copy() for _, band in scan.bands()])


def _saved(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("properties", "orientation"),
    [
        ((box(b"irot", b"\1"),), 8),
        ((box(b"irot", b"\2"),), 3),
        ((box(b"imir", b"\0"),), 4),
        ((box(b"imir", b"\1"),), 2),
        ((box(b"irot", b"\1"), box(b"imir", b"\1")), 7),
        ((box(b"imir", b"\1"), box(b"irot", b"\1")), 5),
    ],
)
def test_turn_and_mirror_count_in_the_order_of_the_file(
    read: Read,
    properties: tuple[bytes, ...],
    orientation: int,
) -> None:
    assert read(avif(SIZE, DEPTH, CODEC, *properties)).orientation == orientation


@pytest.mark.parametrize("bits", [8, 10, 12])
@pytest.mark.parametrize("color", [True, False])
def test_samples_are_those_of_the_library_and_of_the_source(
    bits: int, color: bool, tmp_path: Path
) -> None:
    data, want = made.avif(bits, color)
    path = _saved(tmp_path / "a.avif", data)
    about, got = header.read(str(path)), picture(path).astype(np.float64)
    decoded = made.up(imagecodecs.avif_decode(data), bits).reshape(got.shape)
    got *= 257 if bits == 8 else 1
    np.testing.assert_array_equal(got, decoded)
    np.testing.assert_array_equal(got, np.asarray(want).reshape(got.shape))
    assert (about.bits, about.channels) == (bits, 3 if color else 1)
    assert about.memory > got.size * -(-bits // 8)


@pytest.mark.parametrize(
    ("code", "word"),
    [(13, "srgb"), (8, "linear"), (16, "pq"), (18, "hlg"), (1, "bt709"), (6, "bt709"),
     (2, "srgb"), (99, "transfer function 99 of H.273")],
)  # fmt: skip
def test_transfer_function(code: int, word: str, read: Read) -> None:
    assert read(avif(SIZE, DEPTH, CODEC, nclx(code))).transfer == word


def test_a_curve_that_is_not_applied_is_a_warning(read: Read, tmp_path: Path) -> None:
    about = read(avif(SIZE, DEPTH, CODEC, nclx(16)))
    decided = transfer.decide(InputTransfer(), str(tmp_path / "a.avif"), about)
    assert "pq" in decided.warnings[0]


def test_eight_bits_without_a_word_are_srgb_as_other_formats_of_displays(
    read: Read,
    tmp_path: Path,
) -> None:
    about = read(made.avif(8)[0])
    decided = transfer.decide(InputTransfer(), str(tmp_path / "a.avif"), about)
    assert (decided.word, decided.warnings) == ("srgb", ())
    assert "8-bit AVIF without a profile" in decided.notes[0]


@pytest.mark.parametrize("kind", [b"prof", b"rICC"])
def test_profile_comes_before_the_code(kind: bytes, read: Read, tmp_path: Path) -> None:
    about = read(avif(SIZE, DEPTH, CODEC, nclx(13), box(b"colr", kind, PROFILE)))
    assert (about.transfer, about.transfer_else, about.transfer_else_by) == (
        "icc",
        "srgb",
        "colr box",
    )
    with Source(str(tmp_path / "a.avif")) as source:
        assert embedded.read(source, about) == PROFILE


def test_grid_is_read_by_its_own_size_and_depth(read: Read) -> None:
    tiles = ((2, b"av01", 1), (3, b"av01", 0))
    iref = full(b"iref", box(b"dimg", struct.pack(">HHHH", 1, 2, 2, 3)))
    small = full(b"ispe", struct.pack(">II", 64, 64))
    grid = functools.partial(
        avif, SIZE, DEPTH, small, kind=b"grid", others=tiles, iref=iref, own=(1, 2),
        more=((2, (3,)), (3, (3,))),
    )  # fmt: skip
    about = read(grid(data=sequence(64, 64)))
    assert (about.width, about.height, about.bits, about.notes) == (93, 60, 10, ())
    with pytest.raises(CorruptInput, match="64 x 64 pixels, its data 64 x 65"):
        read(grid(data=sequence(64, 65)))


def test_pixels_of_a_grid_are_those_of_its_parts(tmp_path: Path) -> None:
    codes = made.bits(made.rgb(64, 128), 8)
    parts = [
        bytes(imagecodecs.avif_encode(np.ascontiguousarray(half), level=100, speed=9))
        for half in (codes[:, :64], codes[:, 64:])
    ]
    data = [part[part.index(b"mdat") + 4 :] for part in parts]
    codec = parts[0].index(b"av1C") - 4
    color = parts[0].index(b"colr") - 4
    head = struct.pack(">BBBBHH", 0, 0, 0, 1, 128, 64)
    ends = (8, 8 + len(data[0]))
    path = _saved(tmp_path / "a.avif", avif(
        full(b"ispe", struct.pack(">II", 128, 64)), full(b"pixi", bytes((3, 8, 8, 8))),
        parts[0][color : color + 19], full(b"ispe", struct.pack(">II", 64, 64)),
        parts[0][codec : codec + 12],
        kind=b"grid", own=(1, 2, 3), others=((2, b"av01", 1), (3, b"av01", 1)),
        more=((2, (4, 2, 0x85, 3)), (3, (4, 2, 0x85, 3))),
        iref=full(b"iref", box(b"dimg", struct.pack(">HHHH", 1, 2, 2, 3))),
        data=head + data[0] + data[1],
        places=iloc((1, 0, 8), (2, ends[0], len(data[0])), (3, ends[1], len(data[1]))),
    ))  # fmt: skip
    np.testing.assert_array_equal(picture(path), codes)


def test_alpha_and_thumbnail_are_no_pictures(read: Read) -> None:
    others = ((2, b"av01", 0), (3, b"av01", 0), (4, b"Exif", 0))
    iref = full(b"iref", box(b"auxl", struct.pack(">HHH", 2, 1, 1)),
                box(b"thmb", struct.pack(">HHH", 3, 1, 1)))  # fmt: skip
    about = read(avif(SIZE, DEPTH, CODEC, ALPHA, own=(1, 2, 3), others=others, iref=iref,
                      more=((2, (1, 4)),)))  # fmt: skip
    assert (about.extra, about.notes) == (("alpha",), ())


def test_further_pictures_are_a_note(read: Read) -> None:
    about = read(avif(SIZE, DEPTH, CODEC, others=((2, b"av01", 0), (3, b"tmap", 0))))
    assert about.extra == ()
    assert any("gain map" in note for note in about.notes)
    assert any("1 more" in note for note in about.notes)


PREM = full(b"iref", box(b"prem", struct.pack(">HHH", 1, 1, 2)))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (avif(SIZE, DEPTH, CODEC, brand=b"avis"), "sequence"),
        (avif(SIZE, DEPTH, CODEC, after=box(b"moov")), "sequence"),
        (avif(SIZE, DEPTH, CODEC, box(b"clap", bytes(32))), "clap"),
        (avif(SIZE, DEPTH, CODEC, iref=PREM), "premultiplied"),
        (avif(SIZE, DEPTH, CODEC, kind=b"hvc1"), "hvc1"),
        (avif(SIZE, DEPTH, CODEC, box(b"news"), own=(1, 2, 3, 0x84)), "news"),
        (avif(full(b"ispe", struct.pack(">II", 33000, 9)), DEPTH, CODEC), "decoder"),
        (avif(SIZE, own=(1,)), "bits"),
        (avif(SIZE, DEPTH, CODEC, data=b"\x0a\x09\x04" + bytes(8)), "timing"),
        (box(b"ftyp", b"heic", bytes(4), b"mif1heic") + bytes(64), "HEIC"),
        (box(b"ftyp", b"mif1", bytes(4), b"heicmiaf") + bytes(64), "HEIC"),
    ],
)
def test_is_refused_by_name_with_a_cure(data: bytes, words: str, read: Read) -> None:
    with pytest.raises(Unsupported, match=words) as caught:
        read(data)
    assert "TIFF" in (caught.value.hint or "")


def test_a_general_brand_is_an_avif_by_its_other_brands(read: Read) -> None:
    assert read(avif(SIZE, DEPTH, CODEC, brand=b"mif1"), "a.heif").format == "avif"


GOOD = avif(SIZE, DEPTH, CODEC)
HUGE = struct.pack(">I", 0xFFFFFFFF)


@pytest.mark.parametrize(
    "data",
    [
        box(b"ftyp", b"avif", bytes(4), b"mif1"),
        GOOD + box(b"mdat", bytes(90))[:-1],
        GOOD + struct.pack(">I4sQ", 1, b"mdat", 1 << 63),
        GOOD.replace(struct.pack(">I4s", 14, b"pitm"), struct.pack(">I4s", 7, b"pitm")),
        GOOD.replace(PITM, full(b"pitm", b"\0\7")),
        GOOD.replace(PITM, full(b"free", b"\0\1")),
        GOOD.replace(ipma((1, (1, 2, 3))), full(b"ipma", HUGE, b"\0\1\3\1\2\3")),
        avif(SIZE, DEPTH, CODEC, own=(1, 2, 9)),
        avif(SIZE, DEPTH, CODEC, iref=full(b"iref", box(b"auxl", b"\0\1\xff\xff"))),
        avif(full(b"ispe", b"\0"), DEPTH, CODEC),
        avif(SIZE, full(b"pixi", b"\xff\x0a"), CODEC),
        avif(SIZE, full(b"pixi", bytes((3, 8, 8, 8))), CODEC),
        avif(DEPTH, CODEC),
        avif(SIZE, DEPTH, CODEC, box(b"colr", b"nclx")),
        avif(SIZE, DEPTH, CODEC, box(b"irot")),
        avif(SIZE, DEPTH, CODEC, data=b""),
        avif(SIZE, DEPTH, CODEC, data=b"\x12\0" * 40),
        avif(SIZE, DEPTH, CODEC, data=b"\x0a" + b"\xff" * 20),
        avif(SIZE, DEPTH, CODEC, data=sequence()[:8]),
        avif(SIZE, DEPTH, CODEC, places=iloc((1, 1 << 31, 9))),
        avif(SIZE, DEPTH, CODEC, places=iloc((2, 0, 9))),
        avif(SIZE, DEPTH, CODEC, places=full(b"iloc", b"\x44\0\xff\xff")),
        avif(SIZE, DEPTH, CODEC, places=b""),
        GOOD + box(b"free") * 5000,
        avif(SIZE, DEPTH, CODEC, *(box(b"free"),) * 5000, own=(1, 2, 3)),
        GOOD.replace(PITM, full(b"pitm", bytes(2 << 20))),
        avif(SIZE, DEPTH, CODEC, iref=full(b"iref", box(b"auxl", bytes(90_000)) * 3)),
        avif(SIZE, DEPTH, CODEC, others=((2, b"av01", 0),) * 12_000),
    ],
)
def test_boxes_that_contradict_themselves_are_corrupt(data: bytes, read: Read) -> None:
    with pytest.raises(CorruptInput):
        read(data)


def test_parts_of_no_size_take_no_time(read: Read) -> None:
    one = struct.pack(">HHHH", 2, 0, 0, 65535)
    parts = full(b"iloc", b"\0\0", struct.pack(">H", 30_000), one * 30_000, version=1)
    with pytest.raises(CorruptInput):  # two billion parts: hours, if they were counted
        read(avif(SIZE, DEPTH, CODEC, places=parts))


def test_size_is_limited_before_anything_is_decoded(read: Read) -> None:
    with pytest.raises(LimitExceeded):
        read(GOOD, most=1000)
    with pytest.raises(LimitExceeded):
        read(avif(full(b"ispe", struct.pack(">II", 0, 60)), DEPTH, CODEC))


@pytest.mark.parametrize("left", [0.3, 0.6, 0.97])
def test_a_cut_file_is_corrupt(left: float, tmp_path: Path) -> None:
    data = made.avif(10)[0]
    path = _saved(tmp_path / "a.avif", data[: int(left * len(data))])
    with pytest.raises(CorruptInput):
        reader.open(str(path))


@pytest.mark.parametrize("size", [(60, 93), (46, 30), (186, 120)])
def test_a_picture_of_another_size_than_the_boxes_say_is_corrupt(
    size: tuple[int, int],
    read: Read,
) -> None:
    data = made.avif(10)[0].replace(struct.pack(">II", 93, 60), struct.pack(">II", *size))
    with pytest.raises(CorruptInput, match="its data 93 x 60"):
        read(data)


def test_size_is_found_in_the_header_of_a_sequence_too(read: Read) -> None:
    assert read(avif(SIZE, DEPTH, CODEC, data=sequence(still=False))).width == 93


def test_without_the_codec_it_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imagecodecs.AVIF, "available", False)
    with pytest.raises(Unsupported, match="no decoder") as caught:
        reader.open(str(_saved(tmp_path / "a.avif", made.avif(8)[0])))
    assert caught.value.hint
