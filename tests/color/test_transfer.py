"""Encodings of color spaces, compared with colour-science."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from divere_cli.color import transfer
from divere_cli.records.grade import Transfer

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import colour

LIGHT = np.concatenate([[0.0, 1e-6, transfer.CUT, transfer.KNEE], np.linspace(0, 1, 1001)])


@pytest.mark.parametrize("kind", ["power", "l_star", "acescct"])
def test_decoding_inverts_encoding(kind: Transfer) -> None:
    codes = transfer.encode(LIGHT, kind, 2.2)
    np.testing.assert_allclose(transfer.decode(codes, kind, 2.2), LIGHT, atol=1e-12)


@pytest.mark.parametrize("kind", ["power", "l_star", "acescct"])
def test_more_light_is_never_a_lower_code(kind: Transfer) -> None:
    assert (np.diff(transfer.encode(np.sort(LIGHT), kind, 1.8)) >= 0).all()


def test_lightness_is_that_of_cie() -> None:
    want = colour.colorimetry.lightness_CIE1976(LIGHT * 100) / 100
    np.testing.assert_allclose(transfer.encode(LIGHT, "l_star", 1.0), want, atol=1e-12)
    assert transfer.encode(np.array(1.0), "l_star", 1.0) == pytest.approx(1.0)


def test_acescct_is_that_of_the_academy() -> None:
    with np.errstate(divide="ignore"):
        want = colour.models.log_encoding_ACEScct(LIGHT)
    np.testing.assert_allclose(transfer.encode(LIGHT, "acescct", 1.0), want, atol=1e-12)
    assert transfer.decode(np.array(0.0), "acescct", 1.0) == 0.0
