"""``divere samples``: synthetic color negatives with known truth."""

from __future__ import annotations

import click

from divere_cli.cli.options import Finite


@click.command("samples")
@click.argument("output", type=click.Path(file_okay=False))
@click.option("--count", type=click.IntRange(1, 999), default=6, show_default=True, help="Frames.")
@click.option(
    "--megapixels",
    type=Finite(0.001, 2000.0),
    default=6.0,
    show_default=True,
    help="Megapixels of a frame, 3:2.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Other scenes.")
@click.option(
    "--roll",
    is_flag=True,
    help="A roll as a lab gets it: a leader, a blank, a strongly colored frame, uneven exposures.",
)
@click.option(
    "--border",
    type=click.Choice(["none", "rebate", "holder"]),
    default="none",
    show_default=True,
    help="What is seen around the picture.",
)
def samples(output: str, count: int, megapixels: float, seed: int, roll: bool, border: str) -> None:
    """Write synthetic color negatives into OUTPUT, to try divere and to test it.

    A known scene (a ColorChecker, gray ramps, a landscape, film grain) is run
    backwards through the shipped color negative profile. OUTPUT/truth.json tells
    where the patches lie and which gains are right; OUTPUT/divere_presets.json
    grades every frame by them, so that `divere batch OUTPUT positives` shows
    the scene again. Nothing is ever overwritten.
    """
    from typing import cast

    from divere_cli.samples import plan, writing
    from divere_cli.samples.strip import Border

    wish = plan.Wish(count, megapixels, seed, roll, cast(Border, border))
    paths = writing.write(plan.samples(wish), output, on_frame=click.echo)
    click.echo(f"{len(paths)} negatives in {output}, their truth in {writing.TRUTH}")
