"""Names of outputs.

Covers the template of ``--name``, suffixes, and the key that is equal for names which
some file system treats as the same. Name collisions are detected in :mod:`.plan`.
"""

from __future__ import annotations

import functools
import os
import re
import string
import unicodedata
from dataclasses import dataclass

from divere_cli.errors import OutputError, UsageError

FIELDS = ("stem", "crop", "index", "profile", "ext", "page", "film", "frame")
SUFFIXES = {"tiff": ".tif", "jpeg": ".jpg", "png": ".png", "jxl": ".jxl", "dng": ".dng"}
_MAX_BYTES = 255
# not allowed in file names; on Windows a colon would write to an alternate data stream
_NO_NAME = '<>:"|?*\\' if os.name == "nt" else ""


@dataclass(frozen=True, slots=True)
class Parts:
    """Values for a template, for one positive; ``name`` is the scan's, with its folders.

    ``page`` is empty if the file has one picture; ``paired`` is whether another scan
    has the same stem, such as the JPEG of a raw file.
    """

    name: str
    crop: str = ""
    index: int = 1
    profile: str = ""
    page: str = ""
    paired: bool = False
    film: str = ""
    frame: str = ""


def check(template: str) -> None:
    """Raise ``UsageError`` for a template that can never give a file name.

    Parameters
    ----------
    template : str
        The template of ``--name``.
    """
    try:
        parsed = list(string.Formatter().parse(template))
    except ValueError as problem:
        raise UsageError(f"--name '{template}': {problem}") from problem
    for text, name, spec, conversion in parsed:
        if "/" in text or "\0" in text:
            raise UsageError(f"--name '{template}': names a folder; sub-folders mirror INPUT's")
        if any(character in text for character in _NO_NAME):
            raise UsageError(f"--name '{template}': no file can have one of {_NO_NAME} in its name")
        if name is not None and (name not in FIELDS or conversion or "{" in (spec or "")):
            raise UsageError(
                f"--name '{template}': no field '{{{name}}}'",
                hint="fields: " + ", ".join(f"{{{field}}}" for field in FIELDS),
            )
        if any(int(digits[:9]) > _MAX_BYTES for digits in re.findall(r"\d+", spec or "")):
            raise UsageError(f"--name '{template}': {{{name}:{spec}}} is wider than a name may be")
    if template and not template.strip(". "):
        raise UsageError(f"--name '{template}': is not the name of a file")


def output(template: str, parts: Parts, format_: str) -> str:
    """Return the name of a positive, relative to OUTPUT.

    Parameters
    ----------
    template : str
        The template of ``--name``.
    parts : Parts
        Values of the template's fields.
    format_ : str
        The file format.

    Raises
    ------
    UsageError
        The template cannot be filled in.
    OutputError
        The name is empty or longer than a file name can be.
    """
    folder, slash, last = parts.name.rpartition("/")
    stem, ext = _split(last)
    crop = _in_a_name(parts.crop).strip()
    if not template:
        words = (ext if parts.paired else "", parts.page, crop)
        filled = stem + "".join(f"-{word}" for word in words if word)
        return folder + slash + _checked(filled, SUFFIXES[format_], parts.name)
    try:
        filled = template.format(
            stem=stem,
            crop=crop,
            index=parts.index,
            profile=_in_a_name(parts.profile),
            film=_in_a_name(parts.film),
            frame=parts.frame,
            ext=ext,
            page=parts.page,
        )
    except (ValueError, IndexError, KeyError) as problem:
        raise UsageError(f"--name '{template}': {problem}") from problem
    return folder + slash + _checked(filled, SUFFIXES[format_], parts.name)


def sidecar(positive: str, format_: str) -> str:
    """Return the name of the infrared picture beside a positive.

    Parameters
    ----------
    positive : str
        Name of the positive.
    format_ : str
        The file format.
    """
    suffix = SUFFIXES[format_]
    folder, slash, last = positive.removesuffix(suffix).rpartition("/")
    return folder + slash + _checked(last + "-ir", ".tif", positive)


def mask(positive: str, format_: str) -> str:
    """Return the name of the mask of infrared repair, beside a positive.

    Parameters
    ----------
    positive : str
        Name of the positive.
    format_ : str
        The file format.
    """
    suffix = SUFFIXES[format_]
    folder, slash, last = positive.removesuffix(suffix).rpartition("/")
    return folder + slash + _checked(last + "-ir-mask", ".png", positive)


def twin(name: str) -> str:
    """Return a key that is equal for names that some file system treats as the same.

    Parameters
    ----------
    name : str
        The name.
    """
    if name.isascii():
        return name.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _in_a_name(text: str) -> str:
    if text.isidentifier() or not text:  # the usual case, in a tenth of the time
        return text
    return _without("/\0\\" + _NO_NAME, text)


@functools.lru_cache(maxsize=64)  # a profile's name is mostly that of the scan before
def _without(forbidden: str, text: str) -> str:
    return "".join("_" if character in forbidden else character for character in text)


def _split(last: str) -> tuple[str, str]:
    stem, dot, ext = last.rpartition(".")
    return (stem, ext) if dot and stem else (last, "")


def _checked(stem: str, suffix: str, scan: str) -> str:
    if not stem.strip(". ") or stem.startswith(".divere-"):
        raise OutputError(
            f"'{scan}' would be written to '{stem}{suffix}', which is not a valid name",
            hint="add {stem} to --name: other fields may be empty",
        )
    name = stem + suffix
    size = len(name.encode("utf-8", "surrogateescape"))
    if size > _MAX_BYTES:
        raise OutputError(
            f"the output of '{scan}' would have a name of {size} bytes; {_MAX_BYTES} is the most",
            hint="use a shorter --name",
        )
    return name
