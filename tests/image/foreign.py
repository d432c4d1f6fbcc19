"""Files that other programs write: what is in them, how they are made, what divere must see.

The committed fixtures were made by these very commands (``python -m tests.image.foreign`` makes
them again); the slow tier runs the commands live. ``docs/formats.md`` has a row for each.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.image import dng_files

FIXTURES = Path(__file__).parent / "fixtures"
WIDTH, HEIGHT = 24, 20


@dataclass(frozen=True)
class Case:
    """One row of the table of formats.

    ``commands`` are run in a folder that holds ``rgb16.ppm``, ``rgb8.ppm``, ``gray16.pgm`` and
    ``gray8.pgm`` and leave ``file``. ``truth`` names the picture that is in it; ``scale`` what
    its samples were divided by (floats). ``facts`` are attributes of the header.
    """

    row: str
    program: str
    file: str
    commands: tuple[str, ...]
    truth: str = "rgb16"
    scale: float = 1.0
    tolerance: float = 0.0
    infrared: bool = False
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Refused:
    """A file that is whole, and that divere does not grade: the words of its error."""

    row: str
    program: str
    file: str
    commands: tuple[str, ...]
    says: str


IM = "ImageMagick"
GM = "GraphicsMagick"
VIPS = "libvips"
TIFF = "libtiff"
EXIF = "exiftool"
PLAIN = "convert rgb16.ppm -depth 16 -compress none plain.tif"
PLAIN8 = "convert rgb8.ppm -depth 8 -compress none plain8.tif"
GRAY = "convert gray16.pgm -depth 16 -compress none gray.tif"
FOURTH = (
    "convert rgb16.ppm gray16.pgm -alpha off -compose CopyOpacity -composite -depth 16"
    " -define tiff:alpha={kind} -compress none {file}"
)

CASES = (
    Case("TIFF 16-bit RGB, uncompressed", IM, "im-rgb16.tif",
         ("convert rgb16.ppm -depth 16 -compress none im-rgb16.tif",),
         facts={"bits": 16, "channels": 3, "compression": "none", "warnings": ()}),
    Case("TIFF 8-bit RGB, uncompressed", IM, "im-rgb8.tif",
         ("convert rgb8.ppm -depth 8 -compress none im-rgb8.tif",), "rgb8", facts={"bits": 8}),
    Case("TIFF 16-bit gray", IM, "im-gray16.tif",
         ("convert gray16.pgm -depth 16 -compress none im-gray16.tif",), "gray16",
         facts={"channels": 1}),
    Case("TIFF MinIsWhite", IM, "im-miniswhite.tif",
         ("convert gray16.pgm -depth 16 -define quantum:polarity=min-is-white -compress none"
          " im-miniswhite.tif",), "gray16-turned", facts={"inverted": True}),
    Case("TIFF big-endian, LZW with predictor", TIFF, "tiffcp-lzw-be.tif",
         (PLAIN, "tiffcp -c lzw:2 -B plain.tif tiffcp-lzw-be.tif"),
         facts={"compression": "lzw", "big_endian": True}),
    Case("TIFF LZW without predictor", TIFF, "tiffcp-lzw1.tif",
         (PLAIN, "tiffcp -c lzw:1 plain.tif tiffcp-lzw1.tif"), facts={"compression": "lzw"}),
    Case("TIFF deflate with predictor, strips of 3 rows", TIFF, "tiffcp-zip.tif",
         (PLAIN, "tiffcp -c zip:2 -r 3 plain.tif tiffcp-zip.tif"),
         facts={"compression": "deflate"}),
    Case("TIFF zstd with predictor", TIFF, "tiffcp-zstd.tif",
         (PLAIN, "tiffcp -c zstd:2 plain.tif tiffcp-zstd.tif"), facts={"compression": "zstd"}),
    Case("TIFF PackBits", TIFF, "tiffcp-packbits.tif",
         (PLAIN8, "tiffcp -c packbits plain8.tif tiffcp-packbits.tif"), "rgb8",
         facts={"compression": "packbits"}),
    Case("TIFF JPEG, YCbCr", TIFF, "tiffcp-jpeg.tif",
         (PLAIN8, "tiffcp -c jpeg:95 -r 16 plain8.tif tiffcp-jpeg.tif"), "rgb8", tolerance=60,
         facts={"compression": "jpeg"}),
    Case("TIFF tiles, deflate", TIFF, "tiffcp-tiles.tif",
         (PLAIN, "tiffcp -t -w 16 -l 16 -c zip:2 plain.tif tiffcp-tiles.tif")),
    Case("TIFF tiles, zstd, smaller copies in sub-directories", VIPS, "vips-pyramid.tif",
         ("vips tiffsave rgb16.ppm vips-pyramid.tif --tile --tile-width 16 --tile-height 16"
          " --pyramid --subifd --compression zstd",), facts={"warnings": (), "notes": ()}),
    Case("TIFF planar, 16 bit", IM, "im-planar16.tif",
         ("convert rgb16.ppm -depth 16 -interlace plane -compress none im-planar16.tif",),
         facts={"planar": True}),
    Case("TIFF planar, LZW, 8 bit", TIFF, "tiffcp-planar-lzw.tif",
         (PLAIN8, "tiffcp -p separate -c lzw:2 plain8.tif tiffcp-planar-lzw.tif"), "rgb8",
         facts={"planar": True, "compression": "lzw"}),
    Case("BigTIFF", TIFF, "tiffcp-big.tif", (PLAIN, "tiffcp -8 plain.tif tiffcp-big.tif"),
         facts={"variant": "bigtiff"}),
    Case("BigTIFF, zstd", VIPS, "vips-big-zstd.tif",
         ("vips tiffsave rgb16.ppm vips-big-zstd.tif --bigtiff --compression zstd"
          " --predictor horizontal",), facts={"variant": "bigtiff", "compression": "zstd"}),
    Case("TIFF LZW, 16 bit", GM, "gm-lzw.tif",
         ("gm convert rgb16.ppm -depth 16 -compress LZW gm-lzw.tif",),
         facts={"compression": "lzw"}),
    Case("TIFF 32-bit float", IM, "im-float32.tif",
         ("convert rgb16.ppm -define quantum:format=floating-point -depth 32 -compress LZW"
          " im-float32.tif",), scale=65535, tolerance=1e-6, facts={"sample": "float", "bits": 32}),
    Case("TIFF 16-bit float", IM, "im-float16.tif",
         ("convert rgb16.ppm -define quantum:format=floating-point -depth 16 -compress Zip"
          " im-float16.tif",), scale=65535, tolerance=1e-3, facts={"sample": "float", "bits": 16}),
    Case("TIFF 32-bit float, tiles, deflate with float predictor", VIPS, "vips-float.tif",
         ("vips linear rgb16.ppm float.v 0.0000152590218967 0",
          "vips tiffsave float.v vips-float.tif --compression deflate --predictor float --tile"
          " --tile-width 16 --tile-height 16",), scale=65535, tolerance=1e-6,
         facts={"sample": "float"}),
    Case("TIFF RGB + alpha", IM, "im-alpha.tif",
         (FOURTH.format(kind="unassociated", file="im-alpha.tif"),), facts={"extra": ("alpha",)}),
    Case("TIFF RGB + infrared in a fourth sample (SilverFast HDRi, VueScan)", IM, "im-rgbi.tif",
         (FOURTH.format(kind="unspecified", file="im-rgbi.tif"),), infrared=True,
         facts={"extra": ("infrared",)}),
    Case("SilverFast HDR", EXIF, "silverfast-hdr.tif",
         ("convert rgb16.ppm -depth 16 -compress none silverfast-hdr.tif",
          "exiftool -q -overwrite_original '-Software=SilverFast 8.8' silverfast-hdr.tif"),
         facts={"variant": "hdr"}),
    Case("SilverFast HDRi: infrared as a further page", EXIF, "silverfast-hdri.tif",
         (PLAIN, GRAY, "tiffcp -c none plain.tif gray.tif silverfast-hdri.tif",
          "exiftool -q -overwrite_original '-IFD0:Software=SilverFast 8.8' -IFD1:SubfileType=4"
          " silverfast-hdri.tif"), infrared=True,
         facts={"variant": "hdri", "extra": ("infrared",)}),
    Case("VueScan raw TIFF", EXIF, "vuescan.tif",
         ("convert rgb16.ppm -depth 16 -compress none vuescan.tif",
          "exiftool -q -overwrite_original '-Software=VueScan 9 x64 (9.7.50)' vuescan.tif"),
         facts={"variant": "vuescan"}),
    Case("Imacon / Hasselblad Flextight .fff", EXIF, "flextight.fff",
         (PLAIN, "convert rgb8.ppm -resize 50% -depth 8 small.tif",
          "tiffcp -c none -B plain.tif small.tif flextight.tif",
          "exiftool -q -overwrite_original -IFD0:Make=Imacon '-IFD0:Model=Flextight X5'"
          " -IFD1:SubfileType=1 flextight.tif", "mv flextight.tif flextight.fff"),
         facts={"variant": "fff", "big_endian": True}),
    Case("Nikon Scan NEF: the scan is a sub-directory", "tifffile", "nikon-scan.nef",
         ("{python} -m tests.image.foreign nikon-scan nikon-scan.nef",),
         facts={"variant": "nikon-scan"}),
    Case("TIFF gray + alpha", IM, "im-gray-alpha.tif",
         ("convert gray16.pgm gray16.pgm -alpha off -compose CopyOpacity -composite -depth 16"
          " -type GrayscaleMatte -compress LZW im-gray-alpha.tif",), "gray16",
         facts={"extra": ("alpha",), "channels": 1}),
    Case("TIFF with a color palette", IM, "im-palette.tif",
         ("convert rgb8.ppm -colors 16 -type palette im-palette.tif",), "pillow:im-palette.tif",
         scale=1 / 257, tolerance=256, facts={"bits": 4, "channels": 3}),
    Case("TIFF YCbCr without JPEG compression", IM, "im-ycbcr.tif",
         ("convert rgb8.ppm -colorspace YCbCr -depth 8 -compress none im-ycbcr.tif",), "rgb8",
         scale=1 / 257, tolerance=4 * 257),
    Case("TIFF of 32-bit integers", IM, "im-uint32.tif",
         ("convert gray16.pgm -depth 32 -define quantum:format=unsigned -compress none"
          " im-uint32.tif",), "gray16", facts={"bits": 32}),
    Case("TIFF fax (CCITT, 1 bit)", IM, "im-bilevel.tif",
         ("convert gray8.pgm -monochrome -compress Group4 im-bilevel.tif",),
         "pillow:im-bilevel.tif", facts={"bits": 1, "compression": "CCITT"}),
    Case("DNG, and what else LibRaw reads (with the extra `[raw]`)", "tifffile", "camera.dng",
         ("{python} -m tests.image.foreign dng camera.dng",), "flat", tolerance=2,
         facts={"format": "raw", "variant": "dng"}),
    Case("PNG 16-bit RGB", IM, "im-rgb16.png", ("convert rgb16.ppm PNG48:im-rgb16.png",)),
    Case("PNG 16-bit RGB, interlaced", IM, "im-interlaced.png",
         ("convert rgb16.ppm -interlace PNG PNG48:im-interlaced.png",),
         facts={"variant": "interlaced"}),
    Case("PNG 8-bit RGB", GM, "gm-rgb8.png", ("gm convert rgb8.ppm -depth 8 gm-rgb8.png",), "rgb8",
         facts={"bits": 8}),
    Case("PNG 16-bit gray", VIPS, "vips-gray16.png", ("vips pngsave gray16.pgm vips-gray16.png",),
         "gray16", facts={"channels": 1, "bits": 16}),
    Case("PNG 16-bit RGB + alpha", IM, "im-alpha.png",
         ("convert rgb16.ppm gray16.pgm -alpha off -compose CopyOpacity -composite"
          " PNG64:im-alpha.png",), facts={"extra": ("alpha",)}),
    Case("PNG 16-bit gray + alpha", IM, "im-gray-alpha.png",
         ("convert gray16.pgm gray16.pgm -alpha off -compose CopyOpacity -composite -depth 16"
          " -define png:color-type=4 -define png:bit-depth=16 im-gray-alpha.png",), "gray16",
         facts={"extra": ("alpha",), "channels": 1}),
    Case("PNG with a color palette", IM, "im-palette.png",
         ("convert rgb8.ppm -colors 16 PNG8:im-palette.png",), "pillow:im-palette.png",
         facts={"variant": "palette", "channels": 3}),
    Case("PNG of fewer than 8 bits", IM, "im-bilevel.png",
         ("convert gray8.pgm -monochrome -define png:bit-depth=1 -define png:color-type=0"
          " im-bilevel.png",), "pillow:im-bilevel.png", facts={"bits": 1, "channels": 1}),
    Case("WebP", IM, "im.webp", ("convert rgb8.ppm im.webp",), "pillow:im.webp",
         facts={"format": "webp", "bits": 8}),
    Case("GIF", GM, "gm.gif", ("gm convert rgb8.ppm gm.gif",), "pillow:gm.gif",
         facts={"format": "gif"}),
    Case("JPEG", VIPS, "vips.jpg",
         ("vips jpegsave rgb8.ppm vips.jpg --Q 98 --subsample-mode off",), "rgb8", tolerance=12,
         facts={"bits": 8}),
    Case("JPEG, progressive", IM, "im-progressive.jpg",
         ("convert rgb8.ppm -quality 98 -sampling-factor 4:4:4 -interlace JPEG"
          " im-progressive.jpg",), "rgb8", tolerance=12, facts={"variant": "progressive"}),
    Case("JPEG, gray", GM, "gm-gray.jpg", ("gm convert gray8.pgm -quality 98 gm-gray.jpg",),
         "gray8", tolerance=12, facts={"channels": 1}),
)  # fmt: skip

REFUSED = (
    Refused("TIFF CMYK", IM, "im-cmyk.tif",
            ("convert rgb8.ppm -colorspace CMYK -compress none im-cmyk.tif",), "CMYK"),
    Refused("TIFF L\\*a\\*b\\*", IM, "im-lab.tif",
            ("convert rgb16.ppm -colorspace Lab -depth 16 -compress none im-lab.tif",),
            "CIE L*a*b*"),
    Refused("JPEG CMYK", IM, "im-cmyk.jpg", ("convert rgb8.ppm -colorspace CMYK im-cmyk.jpg",),
            "CMYK"),
)  # fmt: skip


@dataclass(frozen=True)
class Written:
    """A file that divere writes; ``readers`` are commands that print it as a pixmap."""

    row: str
    format: str
    bits: int
    channels: int
    compression: str = "none"
    readers: tuple[str, ...] = ("convert {file} {kind}:-", "gm convert {file} {kind}:-")


BY_VIPS = "vips copy {file} out.{kind} && cat out.{kind}"
WRITTEN = (
    Written("TIFF 16-bit RGB", "tiff", 16, 3),
    Written("TIFF 8-bit RGB", "tiff", 8, 3),
    Written("TIFF 16-bit gray", "tiff", 16, 1),
    Written("TIFF 8-bit gray", "tiff", 8, 1),
    Written("TIFF 16-bit RGB, LZW", "tiff", 16, 3, "lzw"),
    Written("TIFF 16-bit RGB, deflate", "tiff", 16, 3, "deflate"),
    Written("TIFF 16-bit RGB, zstd", "tiff", 16, 3, "zstd", ("convert {file} {kind}:-", BY_VIPS)),
    Written("TIFF 8-bit gray, LZW", "tiff", 8, 1, "lzw"),
    Written("PNG 16-bit RGB", "png", 16, 3),
    Written("PNG 8-bit RGB", "png", 8, 3),
    Written("PNG 16-bit gray", "png", 16, 1, readers=("convert {file} {kind}:-", BY_VIPS)),
    Written("JPEG RGB, 4:4:4", "jpeg", 8, 3),
    Written("JPEG gray", "jpeg", 8, 1),
)


def truth(name: str) -> NDArray[np.uint16]:
    """The picture that is in a file: ``rgb16``, ``rgb8``, ``gray16`` or ``gray8``.

    ``gray16-turned``: ImageMagick says MinIsWhite without turning the samples, so white is black.
    ``pillow:NAME``: a fixture as Pillow reads it, where its colors were chosen by its program.
    """
    if name.startswith("pillow:"):
        with Image.open(FIXTURES / name[7:]) as picture:
            gray = picture.mode in ("1", "L", "I;16")
            pixels = np.asarray(picture.convert("L" if gray else "RGB")).astype(np.uint16)
        return pixels[:, :, None] if gray else pixels
    if name == "flat":
        return np.broadcast_to(np.round(dng_files.developed()).astype(np.uint16), (40, 64, 3))
    if name == "gray16-turned":
        return 65535 - truth("gray16")
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    planes = (x * 2600 + y * 131, y * 3200 + x * 7, x * y * 139 + 300)
    rgb = np.stack(planes, axis=-1).astype(np.uint16)
    if name.endswith("8"):
        rgb >>= 8
    return rgb[:, :, 1:2] if name.startswith("gray") else rgb


def sources(folder: Path) -> None:
    """Write the pictures as every program reads them: portable pixmaps."""
    for name, ending, magic in (
        ("rgb16", "ppm", "P6"),
        ("rgb8", "ppm", "P6"),
        ("gray16", "pgm", "P5"),
        ("gray8", "pgm", "P5"),
    ):
        kind, most = (">u2", 65535) if name.endswith("16") else ("u1", 255)
        head = f"{magic}\n{WIDTH} {HEIGHT}\n{most}\n".encode()
        (folder / f"{name}.{ending}").write_bytes(head + truth(name).astype(kind).tobytes())


def missing(case: Case | Refused) -> list[str]:
    """Programs that are needed and not here."""
    names = {command.split()[0] for command in case.commands} - {"{python}", "mv"}
    return sorted(name for name in names if not available(name))


@cache
def available(name: str) -> bool:
    """Whether a program is installed; a ``convert`` need not be ImageMagick's."""
    if shutil.which(name) is None:
        return False
    if name != "convert":
        return True
    shown = subprocess.run([name, "-version"], capture_output=True, check=False).stdout
    return b"Version: ImageMagick" in shown


def make(case: Case | Refused, folder: Path) -> Path:
    """Run the commands of a case in ``folder``."""
    sources(folder)
    for command in case.commands:
        subprocess.run(
            command.replace("{python}", sys.executable),
            shell=True,
            cwd=folder,
            check=True,
            capture_output=True,
            env={"PATH": "/usr/local/bin:/usr/bin:/bin", "PYTHONPATH": str(FIXTURES.parents[2])},
        )
    return folder / case.file


def readme() -> str:
    """Which program wrote which fixture."""
    lines = [
        "# Files that other programs wrote",
        "",
        "Made by the commands in `tests/image/foreign.py` (`python -m tests.image.foreign`).",
        "",
        *(f"- `{case.file}`: {case.row}, by {case.program}" for case in (*CASES, *REFUSED)),
    ]
    return "\n".join(lines) + "\n"


def nikon_scan(path: str) -> None:
    """As Nikon Scan stores it: page 0 is a small copy, the scan its sub-directory."""
    import tifffile

    with tifffile.TiffWriter(path, byteorder=">") as tiff:
        small = (truth("rgb8")[::4, ::4]).astype(np.uint8)
        tags = [(271, 2, 0, "Nikon", True), (272, 2, 0, "LS-5000", True)]
        about: dict[str, Any] = {"photometric": "rgb", "metadata": None, "software": False}
        tiff.write(small, subfiletype=1, subifds=1, extratags=tags, **about)
        tiff.write(truth("rgb16"), subfiletype=0, **about)


def main(args: list[str]) -> None:
    """Make the fixtures again (all, or those named), or one file that no program writes."""
    if args[:1] == ["nikon-scan"]:
        nikon_scan(args[1])
        return
    if args[:1] == ["dng"]:
        dng_files.write(Path(args[1]), dng_files.bayer(40, 64))
        return
    FIXTURES.mkdir(exist_ok=True)
    (FIXTURES / "README.md").write_text(readme(), "utf-8")
    for case in (*CASES, *REFUSED):
        with tempfile.TemporaryDirectory() as folder:
            if args and case.file not in args:
                continue
            shutil.copy(make(case, Path(folder)), FIXTURES / case.file)


if __name__ == "__main__":
    main(sys.argv[1:])
