"""What is open and has to be closed: leaving a ``with`` statement closes it."""

from __future__ import annotations

from typing import Self


class Closing:
    """A context manager by its :meth:`close`, which is harmless when closed."""

    def close(self) -> None:
        """Free what is held."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
