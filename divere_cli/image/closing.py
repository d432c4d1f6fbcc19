"""A base for open resources: leaving a ``with`` statement closes them."""

from __future__ import annotations

from typing import Self


class Closing:
    """A context manager that calls :meth:`close`, which may be called again."""

    def close(self) -> None:
        """Release the resources."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
