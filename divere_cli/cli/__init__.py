"""The command line: options to requests, events to the screen, results to exit codes.

Importing this package must be fast: worker processes import the main module again, and
``divere --help`` must appear at once.
"""

from __future__ import annotations

from collections.abc import Sequence


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line and leave the process with its exit code.

    Parameters
    ----------
    args : sequence of str, optional
        The command line without the program's name; that of the process when absent.
    """
    import gc
    import sys

    if getattr(sys, "frozen", False):  # its workers are started as itself
        from divere_cli.isolation.worker import birth

        birth.answer(sys.argv[1:])
    # Imported modules are no garbage: not searching them, here and at the end of the process,
    # takes a fifth off `divere --help`.
    gc.disable()
    from divere_cli.cli import app

    gc.freeze()
    gc.enable()
    sys.exit(app.run(sys.argv[1:] if args is None else args))
