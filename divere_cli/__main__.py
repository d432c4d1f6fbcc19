"""``python -m divere_cli``."""

from __future__ import annotations

from divere_cli.cli import main

if __name__ == "__main__":
    main()
