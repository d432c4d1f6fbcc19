"""``divere prune``: remove positives whose scans were deleted."""

from __future__ import annotations

import sys

import click

from divere_cli.errors import UsageError
from divere_cli.text import format_bytes, quote


@click.command("prune")
@click.argument("output", metavar="OUTPUT", type=click.Path(file_okay=False))
@click.option("--dry-run", is_flag=True, help="List the positives; remove nothing.")
@click.option("--yes", is_flag=True, help="Remove without asking.")
def prune(output: str, dry_run: bool, yes: bool) -> None:
    """Remove positives in OUTPUT whose scans no longer exist.

    The journal of OUTPUT says which scan a positive was made from. Positives that were edited
    or adopted stay. If a folder of scans is missing or empty, all its positives stay: the
    drive may only be disconnected.
    """
    from divere_cli.batch import prune as room

    orphans = room.orphans(output)
    going = [orphan for orphan in orphans if not orphan.reason]
    for orphan in orphans:
        word = f"left, {orphan.reason}" if orphan.reason else "scan is gone"
        click.echo(f"{word}: {quote(orphan.name)} (scan {quote(orphan.scan)})")
    total = format_bytes(sum(orphan.bytes for orphan in going))
    if dry_run or not going:
        click.echo(f"{len(going)} to remove ({total}); nothing was removed")
        return
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError(
                "nothing was removed: there is no terminal to ask on",
                hint="use --yes to remove them, or --dry-run to see the list",
            )
        click.confirm(f"remove {len(going)} positives ({total})?", abort=True)
    removed = [orphan for orphan in room.prune(output) if not orphan.reason]
    click.echo(f"{len(removed)} removed ({format_bytes(sum(orphan.bytes for orphan in removed))})")
