"""The contact sheet of a roll names films and frames by the film's edge."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from divere_cli.cli import app
from divere_cli.isolation.tasks import run_tasks
from divere_cli.proof import roll
from divere_cli.proof.orders import ContactOrder
from divere_cli.records import serialize
from divere_cli.records.job import Job
from divere_cli.records.outcome import Outcome
from tests.films.test_command import STRIP, write

pytest.importorskip("zxingcpp")


def test_pictures_have_their_frame_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scans = tmp_path / "scans"
    scans.mkdir()
    write(scans / "a.tif", STRIP)
    write(scans / "none.tif", replace(STRIP, codes=False))
    orders: list[ContactOrder] = []

    def watched(jobs: Iterable[Job], **options: Any) -> Iterator[Outcome]:
        listed = list(jobs)
        orders.extend(
            serialize.from_text(ContactOrder, job.parameters)
            for job in listed
            if job.task == roll.CONTACT
        )
        yield from run_tasks(listed, **options)

    monkeypatch.setattr(roll, "run_tasks", watched)
    sheet = tmp_path / "sheet.jpg"
    assert app.run(["proof", str(scans), str(sheet), "--frame", "all", "--size", "900"]) == 0
    (order,) = orders
    assert [tile.name for tile in order.tiles] == ["frame 12, a.tif", "none.tif"]
    assert order.title.startswith("2 scans; Kodak ColorPlus 200; ")
    assert sheet.stat().st_size > 0
