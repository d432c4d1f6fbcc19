"""docs/roll.md says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from divere_cli.color import print_stock
from divere_cli.roll import (
    bare,
    chroma,
    decide,
    downsample,
    exposure,
    films,
    lines,
    measure,
    pool,
    regions,
    shadows,
    stocks,
)

DOCS = Path(__file__).parents[2] / "docs"
TEXT = " ".join((DOCS / "roll.md").read_text().split())


@pytest.mark.parametrize(
    "said",
    [
        f"within {exposure.LEAST_SHARE} and {exposure.MOST_SHARE}:",
        f"subjects scatter by {exposure.SUBJECTS},",
        f"thinner by {bare.UNDER} than this roll's base",
        f"follow green within {films.GRAY_SCATTER},",
        f"differ in color by {stocks.OTHER_STOCK} |",
        f"{films.FLAT:.0%} of a frame in two windows of {measure.PLATEAU} density".replace(
            "%", " %"
        ),
        f"{lines.BLANK:.0%} in one color".replace("%", " %"),
        f"at most {downsample.CELLS} cells",
        f"each at least {downsample.LEAST_SIDE} pixels wide",
        f"at least {downsample.SAMPLES} by {downsample.SAMPLES}",
        f"above {downsample.CLIPPED:.1%} of".replace("%", " %"),
        f"{lines.DEEP:.0%} of the short side deep".replace("%", " %"),
        f"or {lines.DENSE} denser than the thin end",
        f"when {lines.ALIKE_SHARE:.0%} of the rest lies within {lines.ALIKE} of".replace("%", " %"),
        f"neighbors differ by {lines.SMOOTH} at the median, and {lines.RUN:.0%}".replace("%", " %"),
        f"are grouped ({bare.ONE_COLOR})",
        f"no more than {bare.FEW:.0%} of".replace("%", " %"),
        f"thinner than it by {bare.THINNER}.",
        f"density under {bare.LIGHT}, more than {bare.BESIDE} thinner",
        f"denser than base by {regions.HOLDER_DENSITY} (lower quartile)",
        f"lines with {regions.REBATE_SHARE:.0%} within {regions.BARE}".replace("%", " %"),
        f"cells thinner by {regions.LIGHT} that",
        f"they print {print_stock.TONES[0]} to {print_stock.TONES[1]} density",
        f"sum over {chroma.BANDS} bands",
        f"a Gaussian of {chroma.BLUR} film density",
        f"{measure.ABOVE_TOE} density above bare film",
        f"{pool.LEAN} times its spread to blue, {pool.PRIOR} times its spread wide",
        f"spread wide and {pool.LEAST_PRIOR} at least",
        f"say another gray by more than {decide.CONTESTED}, it is {decide.FEW_REACH} wide",
        f"a Gaussian of {pool.BARE_REACH} around bare film plus ({pool.CARD[0]}, {pool.CARD[1]})",
        f"within {decide.ONE_SUBJECT} (one subject), bare film decides ({decide.ONE_REACH})",
        f"from {exposure.ABOVE_BASE} above bare film",
        f"`w` is {exposure.PICTURES} where they agree and 1 where they lie {exposure.APART} apart",
        f"(spread of its chroma under {decide.HARDLY_COLORED}) or {decide.FAR_EXPOSED} off its",
        f"say a gray {decide.DISPUTED} and more from what bare film says",
        f"{exposure.CARD_UNDER_PICTURES} under their median",
        f"{exposure.CARD_UNDER_BASE} under itself",
        f"`s` is {exposure.ONE_SUBJECT} for one subject",
        f"{exposure.DARKER} and {exposure.LIGHTER} for many",
        f"{exposure.DARKER_VARIED[0]} to {exposure.DARKER_VARIED[1]} apart for darker pictures",
        f"and {exposure.LIGHTER_VARIED[0]} to {exposure.LIGHTER_VARIED[1]} for lighter ones",
        f"of one color ({shadows.ALIKE} from their middle at the median)",
        f"has to be {shadows.DEEP} thinner there",
        f"(or one of three) needs {shadows.DEEP_ALONE}",
        f"a Gaussian of {shadows.REACH} around that color",
        f"plus ({shadows.CARD[0]}, {shadows.CARD[1]}) takes the place",
        f"({shadows.FEW_REACH} where pictures of few subjects say another gray",
        f"further off than {exposure.MOOD} is",
        f"lies within {decide.AGREES} of what bare film says",
        f"middle colors lie {decide.VARIED} apart",
        f"the same gray within {decide.SHADOWS_AGREE}.",
    ],
)
def test_a_figure_on_the_page_is_that_of_the_code(said: str) -> None:
    assert said in TEXT


def test_every_picture_is_there_and_small() -> None:
    pictures = re.findall(r"!\[[^]]+\]\(([^)]+)\)", TEXT)
    assert len(pictures) >= 3
    for picture in pictures:
        assert 500 < (DOCS / picture).stat().st_size < 200_000
