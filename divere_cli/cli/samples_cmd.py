"""``divere samples``: synthetic color negatives with known truth."""

from __future__ import annotations

import click

from divere_cli.cli.options import Finite, Word


@click.command("samples")
@click.argument("output", metavar="OUTPUT", type=click.Path(file_okay=False))
@click.option(
    "--count",
    type=click.IntRange(1, 999),
    default=6,
    show_default=True,
    metavar="N",
    help="Number of negatives.",
)
@click.option(
    "--megapixels",
    type=Finite(0.001, 2000.0),
    default=6.0,
    show_default=True,
    metavar="M",
    help="Size of each negative in megapixels, 3:2.",
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    metavar="N",
    help="Another number gives other scenes.",
)
@click.option(
    "--roll",
    is_flag=True,
    help="Make a roll as a lab gets it: a leader, a blank frame, a strongly colored frame, uneven "
    "exposures.",
)
@click.option(
    "--border",
    type=Word(["none", "rebate", "holder"]),
    default="none",
    show_default=True,
    help="What the scan shows around the picture.",
)
@click.option(
    "--views",
    is_flag=True,
    help="Drawn views as on photographs (mountains, a coast, a street at night), no chart.",
)
def samples(
    output: str,
    count: int,
    megapixels: float,
    seed: int,
    roll: bool,
    border: str,
    views: bool,
) -> None:
    """Make synthetic color negatives in OUTPUT, to try divere and to test it.

    They show a known scene (a ColorChecker, gray ramps, a landscape, film grain), turned into
    negatives by a shipped profile. OUTPUT/divere_presets.json has the right gains for each
    negative, so that `divere batch OUTPUT positives` gives the scene again. OUTPUT/truth.json
    has the gains and the positions of the patches. Existing files are never replaced.
    """
    from typing import cast

    from divere_cli.samples import plan, writing
    from divere_cli.samples.strip import Border

    wish = plan.Wish(count, megapixels, seed, roll, cast(Border, border), views=views)
    paths = writing.write(plan.samples(wish), output, on_frame=click.echo)
    click.echo(f"{len(paths)} negatives in {output}, their truth in {writing.TRUTH}")
