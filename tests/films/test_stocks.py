"""The table of film stocks, looking up in it, and ``divere films``."""

from __future__ import annotations

import json

import pytest

from divere_cli.cli import app
from divere_cli.films import stocks


def test_every_row_of_the_table_is_valid() -> None:
    found = stocks.all_stocks()
    assert len(found) >= 200
    assert len({stock.dx for stock in found}) == len(found)
    for stock in found:
        assert stocks.normalized(stock.dx) == stock.dx
        assert stock.process in ("C-41", "E-6", "B&W", "K-14")
        assert stock.speed is None or 6 <= stock.speed <= 3200
        assert stock.name == stock.name.strip()


@pytest.mark.parametrize(
    ("dx", "name", "process", "speed"),
    [
        ("79-7", "Kodak ColorPlus 200", "C-41", 200),
        ("95-13", "Kodak Portra 400", "C-41", 400),
        ("64-5", "Kodak Tri-X 400", "B&W", 400),
        ("32-11", "Fujifilm Velvia 100", "E-6", 100),
        ("109-9", "Ilford HP5 Plus", "B&W", 400),
        ("84-1", "Kodak Kodachrome 64", "K-14", 64),
    ],
)
def test_common_stocks_are_in_the_table(dx: str, name: str, process: str, speed: int) -> None:
    stock = stocks.by_number(dx)
    assert stock == stocks.Stock(dx, name, process, speed)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "dx"),
    [
        ("115-4", "115-4"), ("1844", "115-4"), ("018443", "115-4"), (" 79-07 ", "79-7"),
        ("79-16", None), ("0-0", None), ("2048", None), ("0000", None), ("HP5", None), ("12", None),
    ],
)  # fmt: skip
def test_all_forms_of_dx_numbers_are_understood(text: str, dx: str | None) -> None:
    assert stocks.normalized(text) == dx


def test_films_list_and_show(capfd: pytest.CaptureFixture[str]) -> None:
    assert app.run(["films", "list", "--json"]) == 0
    listed = json.loads(capfd.readouterr().out)["films"]
    assert len(listed) == len(stocks.all_stocks())
    assert app.run(["films", "show", "1753"]) == 0
    assert "Ilford HP5 Plus" in capfd.readouterr().out
    assert app.run(["films", "show", "portra 400", "--json"]) == 0
    found = json.loads(capfd.readouterr().out)["films"]
    assert {"dx": "95-13", "name": "Kodak Portra 400", "process": "C-41", "speed": 400} in found
    assert app.run(["films", "show", "1-1"]) == 2
    assert "no film stock is known for DX number 1-1" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Portra 400", "Kodak Portra 400"),
        ("kodak portra-400", "Kodak Portra 400"),
        (" 95-13 ", "Kodak Portra 400"),
        ("HP5 plus", "Ilford HP5 Plus"),
    ],
)
def test_a_unique_name_gives_its_stock(text: str, name: str) -> None:
    stock = stocks.by_name_or_number(text)
    assert stock is not None
    assert stock.name == name


@pytest.mark.parametrize("text", ["", "1600", "99-99", "no such film", "Kodak"])
def test_an_unknown_or_ambiguous_name_gives_no_stock(text: str) -> None:
    assert stocks.by_name_or_number(text) is None
