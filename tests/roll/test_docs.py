"""docs/roll.md says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from divere_cli.color import print_stock
from divere_cli.roll import chroma, decide, downsample, measure, pool, regions

DOCS = Path(__file__).parents[2] / "docs"
TEXT = " ".join((DOCS / "roll.md").read_text().split())


@pytest.mark.parametrize(
    "said",
    [
        f"{decide.PULL} of what it differs from the roll, at most {decide.BOUND} density",
        f"colors more than {decide.LEAST_FAR} density, or {decide.FAR_SPREADS} times",
        f"more than {decide.FAR_EXPOSURE} density lighter or darker",
        f"at most {downsample.CELLS} cells",
        f"each at least {downsample.LEAST_SIDE} pixels wide",
        f"they print {print_stock.TONES[0]} to {print_stock.TONES[1]} density",
        f"at least {downsample.SAMPLES} by {downsample.SAMPLES}",
        f"above {downsample.CLIPPED:.1%} of".replace("%", " %"),
        f"less than {regions.HOLDER:.0%} of".replace("%", " %"),
        f"holds {regions.THIN_SHARE:.1%} of".replace("%", " %"),
        f"lines {regions.SIDE_SHARE:.0%} of".replace("%", " %"),
        f"({regions.SMOOTH} density between neighbors)",
        f"when it is {regions.UNEXPOSED_SHARE:.0%} of".replace("%", " %"),
        f"sum over {chroma.BANDS} bands",
        f"a Gaussian of {chroma.BLUR} film density",
        f"{measure.ABOVE_TOE} density above bare film",
        f"on {decide.MANY:.0%} of the pictures".replace("%", " %"),
        f"any has film {pool.BASE_AGREES} density thinner",
        f"what is {pool.BRIGHTER} thinner than the rebates",
        f"lie {decide.DIFFERENT} density apart or more",
        f"prints within {decide.AS_GRAY} of it",
        f"at most {decide.CLEAR:.0%} as likely".replace("%", " %"),
        f"less than {decide.FEW:.0%},".replace("%", " %"),
        f"more than {decide.CLOSE:.0%} as likely".replace("%", " %"),
        f"fewer than {decide.LEAST_SHARE:.0%} of".replace("%", " %"),
        f"{decide.NO_PICTURE:.0%} of a frame in two windows of {measure.PLATEAU}".replace(
            "%", " %"
        ),
        f"less than {decide.LEAST_PICTURE:.0%} of a frame".replace("%", " %"),
    ],
)
def test_a_figure_on_the_page_is_that_of_the_code(said: str) -> None:
    assert said in TEXT


def test_every_picture_is_there_and_small() -> None:
    pictures = re.findall(r"!\[[^]]+\]\(([^)]+)\)", TEXT)
    assert len(pictures) == 4
    for picture in pictures:
        assert 500 < (DOCS / picture).stat().st_size < 200_000
