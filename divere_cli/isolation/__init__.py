"""Runs each scan isolated: in a process of its own, or on a thread of this one.

:func:`open` gives the runner that a request asks for; :mod:`divere_cli.isolation.runner`
says what a runner is, :mod:`divere_cli.system.signals` how Ctrl-C and its like reach the
loop, :mod:`divere_cli.isolation.log_bridge` how records reach the handlers,
:mod:`divere_cli.system.memory` and :mod:`divere_cli.system.cpus` what this process may
really use.
"""

from divere_cli.isolation.factory import open_runner as open  # noqa: A004
from divere_cli.isolation.runner import IsolationRequest, Runner

__all__ = ["IsolationRequest", "Runner", "open"]
