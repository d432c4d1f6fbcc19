"""``python -m divere_cli``."""

from __future__ import annotations

import os
import sys

# -m puts the current folder first on the module path, and scans of strangers may lie there.
_OWN = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
if not sys.flags.safe_path and sys.path[0] == os.getcwd() != _OWN:
    del sys.path[0]

from divere_cli.cli import main  # noqa: E402

if __name__ == "__main__":
    main()
