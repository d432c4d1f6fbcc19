"""Keeping scans apart: each in a fresh process, or on threads of this one.

:func:`open` gives the runner that a request asks for; :mod:`.contract` says what
a runner is, :mod:`.signals` how Ctrl-C and its like reach the loop,
:mod:`.logbridge` how records reach the handlers, :mod:`.memory` and :mod:`.cpus`
what this process may really use.
"""

from divere_cli.isolation.factory import open_runner as open  # noqa: A004
from divere_cli.isolation.runner import IsolationRequest, Runner

__all__ = ["IsolationRequest", "Runner", "open"]
