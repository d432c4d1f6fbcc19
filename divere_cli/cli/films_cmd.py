"""``divere films``: film stocks by DX number.

Covers printing the table of ``films``, for people and as JSON.
"""

from __future__ import annotations

import json as json_text
from typing import TYPE_CHECKING

import click

from divere_cli.cli.options import json_option
from divere_cli.errors import UsageError
from divere_cli.text import quote

if TYPE_CHECKING:
    from divere_cli.films.stocks import Stock


@click.group("films")
def films() -> None:
    """List film stocks with DX number, name, process and speed."""


@films.command("list", short_help="List all known film stocks.")
@json_option
def list_films(json: bool) -> None:
    """List all known film stocks; those sold today come first."""
    from divere_cli.films import stocks

    _print(stocks.all_stocks(), json)


@films.command("show", short_help="Show one film stock.")
@click.argument("number_or_name", metavar="DX|NAME")
@json_option
def show_film(number_or_name: str, json: bool) -> None:
    """Show the film stock with a DX number, or those whose name has all the words of NAME.

    DX is the number from the edge of the film, as in 79-7, or the four or six digits on the
    cartridge.
    """
    from divere_cli.films import stocks

    dx = stocks.normalized(number_or_name)
    if dx is not None:
        matches = tuple(stock for stock in stocks.all_stocks() if stock.dx == dx)
    else:
        matches = stocks.search(number_or_name)
    if not matches:
        subject = f"DX number {dx}" if dx is not None else quote(number_or_name)
        raise UsageError(f"no film stock is known for {subject}", hint="see `divere films list`")
    _print(matches, json)


def _print(matches: tuple[Stock, ...], json: bool) -> None:
    if json:
        entries = [
            {"dx": stock.dx, "name": stock.name, "process": stock.process, "speed": stock.speed}
            for stock in matches
        ]
        click.echo(json_text.dumps({"films": entries}, indent=2))
        return
    wide = max(len(stock.name) for stock in matches)
    for stock in matches:
        speed = f"ISO {stock.speed}" if stock.speed else ""
        click.echo(f"{stock.dx:>6}  {stock.name:<{wide}}  {stock.process:<4}  {speed}".rstrip())
