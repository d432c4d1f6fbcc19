"""TIFF pictures that are refused before decoding, and their messages."""

from __future__ import annotations

from pathlib import Path

import pytest

from divere_cli.errors import CorruptInput, DivereError, LimitExceeded, Unsupported
from tests.image import tiff_files
from tests.image.tiff.test_header import read
from tests.image.tiff_files import Entry


@pytest.mark.parametrize(
    ("changed", "kind", "said"),
    [
        ({"t256": (4, [0])}, LimitExceeded, "0 x 1 pixels"),
        ({"t256": (4, [2**32 - 1])}, LimitExceeded, "a side must be"),
        ({"t256": (4, [100_000]), "t257": (4, [100_000])}, LimitExceeded, "more than the limit"),
        ({"t256": (4, [100])}, CorruptInput, "300 bytes of pixels cannot be in a file of"),
        ({"t262": (3, [5])}, Unsupported, "CMYK"),
        ({"t262": (3, [8])}, Unsupported, "L\\*a\\*b"),
        ({"t262": (3, [3]), "t277": (3, [1]), "t258": (3, [8])}, CorruptInput, "ColorMap"),
        ({"t262": (3, [3]), "t258": (3, [32] * 3)}, Unsupported, "palette of 32-bit"),
        ({"t262": (3, [32844])}, Unsupported, "LogL"),
        ({"t262": (3, [32845])}, Unsupported, "LogLuv"),
        ({"t262": (3, [77])}, Unsupported, "photometric interpretation 77"),
        ({"t277": (3, [65535])}, Unsupported, "65535 samples"),
        ({"t277": (3, [2])}, CorruptInput, "RGB picture with 2 samples"),
        ({"t258": (3, [8, 8, 16])}, Unsupported, "different sizes"),
        ({"t258": (3, [20] * 3)}, Unsupported, "20-bit integer"),
        ({"t258": (3, [128] * 3), "t339": (3, [3] * 3)}, Unsupported, "128-bit float"),
        ({"t258": None}, CorruptInput, "BitsPerSample is missing"),
        ({"t256": (4, [1, 1])}, CorruptInput, "ImageWidth \\(256\\) has 2 values"),
        ({"t277": (3, [3, 3])}, CorruptInput, "SamplesPerPixel \\(277\\) has 2 values"),
        ({"t317": (3, [])}, CorruptInput, "Predictor \\(317\\) has 0 values"),
        ({"t257": (5, [1, 1])}, CorruptInput, "ImageLength \\(257\\) has 1 values of TIFF type 5"),
        ({"t259": (3, [50001]), "t258": (3, [16] * 3)}, Unsupported, "16-bit integer .* WebP"),
        ({"t259": (3, [4])}, CorruptInput, "CCITT code of 3 samples"),
        ({"t259": (3, [5]), "t258": (3, [12] * 3), "t317": (3, [2])}, Unsupported, "2 of 12-bit"),
        ({"t266": (3, [3])}, CorruptInput, "FillOrder 3"),
        ({"t339": (3, [2, 2, 2])}, Unsupported, "8-bit samples that are signed"),
        ({"t259": (3, [4711])}, Unsupported, "4711 \\(unknown\\)"),
        ({"t259": (3, [5]), "t317": (3, [9])}, Unsupported, "predictor 9"),
        ({"t273": None}, CorruptInput, "table of strips is missing"),
        ({"t278": (4, [0])}, CorruptInput, "strips of no rows"),
        ({"t257": (4, [2]), "t256": (3, [1]), "t278": (4, [1])}, CorruptInput, "1 entries instead"),
        ({"t322": (3, [7]), "t323": (3, [16])}, CorruptInput, "tiles of 7 x 16"),
        ({"t322": (3, [0]), "t323": (3, [0])}, CorruptInput, "tiles of 0 x 0"),
    ],
)  # fmt: skip
def test_unreadable_tiffs_are_refused_with_the_reason(
    tmp_path: Path, changed: dict[str, Entry], kind: type[DivereError], said: str
) -> None:
    with pytest.raises(kind, match=said):
        read(tmp_path, tiff_files.file(tiff_files.entries(1, 1, **changed), bytes(60)))


def test_a_bomb_is_refused_before_it_expands(tmp_path: Path) -> None:
    side = 10_000
    bomb = tiff_files.entries(side, side, t259=(3, [8]), t279=(4, [200_000]))
    with pytest.raises(LimitExceeded, match="would expand"):
        read(tmp_path, tiff_files.file(bomb, bytes(200_000)))


def test_too_many_segments_are_refused(tmp_path: Path) -> None:
    many = tiff_files.entries(
        150_000, 10_000, t259=(3, [8]), t279=(4, [1]), t322=(3, [16]), t323=(3, [16])
    )
    with pytest.raises(LimitExceeded, match="5859375 tiles"):
        read(tmp_path, tiff_files.file(many, bytes(9_000_000)))
