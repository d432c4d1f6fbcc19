"""``divere adopt``: keep positives that were changed by hand."""

from __future__ import annotations

import click

from divere_cli.text import quote


@click.command("adopt")
@click.argument("output", metavar="OUTPUT", type=click.Path(file_okay=False))
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path())
def adopt(output: str, files: tuple[str, ...]) -> None:
    """Keep positives that you edited: later runs neither replace them nor report an error.

    FILE is a positive in OUTPUT, given by its path or by its name in OUTPUT. To have it
    graded again, delete it, or use `divere batch --overwrite`.
    """
    from divere_cli.batch import adopt as room

    for name in room.adopt(output, files):
        click.echo(f"kept from now on: {quote(name)}")
