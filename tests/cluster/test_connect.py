"""Values of ``--scheduler`` are checked before connecting."""

from __future__ import annotations

from pathlib import Path

import pytest

from divere_cli.cluster import connect
from divere_cli.errors import ClusterFailed


@pytest.mark.parametrize(
    ("scheduler", "said"),
    [
        ("nowhere.json", "missing port"),
        ("127.0.0.1", "missing port"),
        ("http://127.0.0.1:80", "unknown address scheme"),
        ("tls://127.0.0.1:8786", "no certificates"),
        (".", "Is a directory"),
    ],
)
def test_an_invalid_scheduler_address_is_refused_at_once(scheduler: str, said: str) -> None:
    with pytest.raises(ClusterFailed, match=f"neither a Dask scheduler's address.*{said}"):
        connect.connect(scheduler)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"address": 5}', "\xff"])
def test_an_invalid_scheduler_file_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "scheduler.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ClusterFailed, match="neither a Dask scheduler's address nor its file"):
        connect.connect(str(path))
