"""The lab of the batch tests: what holds a folder is tested by whole runs, too."""

from __future__ import annotations

from tests.batch.conftest import by_path, folder, lab

__all__ = ["by_path", "folder", "lab"]
