"""Keeping scans apart: each in a fresh process, or on threads of this one.

:func:`open` gives the runner that a request asks for; :mod:`.contract` says what
a runner is, :mod:`.signals` how Ctrl-C and its like reach the loop,
:mod:`.logbridge` how records reach the handlers, :mod:`.memory` and :mod:`.cpus`
what this process may really use.
"""

from divere_cli.isolation.contract import IsolationRequest, Runner
from divere_cli.isolation.opening import open_runner as open  # noqa: A004

__all__ = ["IsolationRequest", "Runner", "open"]
