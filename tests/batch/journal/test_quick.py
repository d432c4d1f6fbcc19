"""Lines that are read by a pattern give the same state as lines that are parsed as JSON."""

from __future__ import annotations

import json
import os
import random
from dataclasses import replace
from pathlib import Path

import pytest

from divere_cli.batch import naming
from divere_cli.batch.journal import quick
from divere_cli.batch.journal.record import Done, Failure, OutputStamp, Peak
from divere_cli.batch.journal.state import NAME, About, State, parse
from divere_cli.batch.journal.writer import Journal
from divere_cli.batch.walked import Scan
from divere_cli.files.output_folder import Folder
from divere_cli.image.layout import Header, Resolution
from divere_cli.records.grade import ProfileRef
from divere_cli.records.job import Stamp
from divere_cli.records.outcome import FilmEdge
from tests.fuzz.json_mutants import mutants

HEADER = Header("tiff", 60, 40, 3, 16, 0, warnings=("a warning",))


def record(name: str, number: int = 1) -> Done:
    return Done(
        input=name,
        path=f"/in/{name}",
        stamp=Stamp(100 + number, 10**18 + number, 10**18 + number % 2, 7, number),
        key="ab" * 32,
        outputs=(OutputStamp(name, 5 * number, 10**18 + 3 * number, "cd" * 32),),
        header=HEADER,
        profile=ProfileRef("c41", "ef" * 32),
        sha256="01" * 32,
        peak=Peak("tiff/none", 14400, 75_000_000 + number),
        basis="",
    )


def records() -> list[Done]:
    """Return records of many kinds, most of them as archives have them."""
    plain = [record(f"s{number}.tif", number) for number in range(6)]
    one = plain[0]
    return [
        *plain,
        replace(one, input="a/b.tif", outputs=(OutputStamp("a/b.jpg", 1, 2),)),
        replace(one, peak=None, basis="12" * 32, decided='{"gain": [1.5, 2], "why": "a \\u00e9"}'),
        replace(one, film_edge=FilmEdge("52-1", "Kodak Portra 400", ("12", "12A"), True)),
        replace(one, no_edge_code=True),
        replace(one, grade=2, outputs=(replace(one.outputs[0], name="s1.tif"),)),
        replace(one, outputs=(*plain[1].outputs, *plain[2].outputs)),
        replace(one, header=replace(HEADER, resolution=Resolution(300.0, 300.0), icc=(1, 2))),
        replace(one, input="gr\u00fcn.tif"),
        replace(one, input=os.fsdecode(b"a \xff\xe9\n.tif")),
        replace(one, input='quoted "x\\.tif'),
        replace(one, stamp=Stamp(1, -5, 6)),
    ]


def journal(folder: Path) -> list[bytes]:
    """Return lines as a run writes them."""
    place = Folder.open(str(folder), create=True)
    assert place is not None
    written = Journal.open(place, "553bff3a", "2026-01-01T00:00:00Z")
    written.begin()
    for each in records():
        written.publish(each.input, each.outputs)
        written.done(each)
    written.publish("s2.tif", (OutputStamp("s2.tif", 9, 9),))
    written.publish("s3.tif", record("s3.tif").outputs)
    written.done(record("s4.tif", 12))
    written.failed(Failure("s1.tif", 1, 2, "k", "v", "corrupt_input", "bad"))
    written.kept(["s5.tif"])
    written.done(record("s5.tif", 5))
    written.end()
    written.release()
    place.close()
    return (folder / NAME).read_bytes().splitlines(keepends=True)


def parsed(lines: list[bytes], monkeypatch: pytest.MonkeyPatch) -> State:
    with monkeypatch.context() as patch:
        patch.setattr(quick, "done", lambda line, shared, known: None)
        patch.setattr(quick, "published", lambda line: None)
        return parse(lines)


def test_lines_of_an_archive_are_read_by_the_pattern(tmp_path: Path) -> None:
    taken = [line for line in journal(tmp_path) if quick.done(line, {})]
    assert [json.loads(line)["input"] for line in taken] == [
        *(f"s{number}.tif" for number in range(6)),
        "a/b.tif",
        *["s0.tif"] * 4,
        *("s4.tif", "s5.tif"),
    ]


def test_both_readings_agree_on_every_kind_of_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = journal(tmp_path)
    assert parse(lines) == parsed(lines, monkeypatch)
    dice = random.Random(3)
    for _ in range(30):
        dice.shuffle(lines)
        assert parse(lines) == parsed(lines, monkeypatch)


def test_records_share_the_values_of_scans_that_the_walk_found(tmp_path: Path) -> None:
    lines = journal(tmp_path)
    plain = [record(f"s{number}.tif", number) for number in (0, 1, 2)]
    same, elsewhere, changed = (Scan(each.input, each.path, each.stamp) for each in plain)
    elsewhere = replace(elsewhere, path=f"in/{elsewhere.name}")
    changed = replace(changed, stamp=replace(changed.stamp, size=1))
    state = parse(lines, known={scan.name: scan for scan in (same, elsewhere, changed)})
    assert state == parse(lines)
    done = [quick.done(line, {}, {scan.name: scan for scan in (same, elsewhere, changed)})
            for line in lines]  # fmt: skip
    first, second, third = [pair[0] for pair in done if pair is not None][:3]
    assert first.path is same.path
    assert first.stamp is same.stamp
    assert second.path == plain[1].path
    assert second.stamp is elsewhere.stamp
    assert third.stamp == plain[2].stamp


def test_both_readings_agree_on_damaged_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Values that are wrong, bytes that changed, keys that moved."""
    lines = journal(tmp_path)
    dice = random.Random(5)
    for number in range(400):
        edited = list(lines)
        at = dice.randrange(len(lines))
        if number % 2:
            (value,) = mutants(json.loads(lines[at]), 1, seed=number)
            edited[at] = json.dumps(value, separators=(",", ":")).encode("utf-8", "replace") + b"\n"
        else:
            changed = bytearray(lines[at])
            for _ in range(dice.randrange(1, 3)):
                changed[dice.randrange(len(changed) - 1)] = dice.choice(
                    b'"\\{}[],:0e9\x00\x1f\x7f\xff'
                )
            edited[at] = bytes(changed)
        assert parse(edited) == parsed(edited, monkeypatch), edited[at]


def restricted(state: State, about: About) -> State:
    """Return what a state says about some scans and outputs."""
    return replace(
        state,
        done={name: done for name, done in state.done.items() if about.scan(name)},
        failed={name: one for name, one in state.failed.items() if about.scan(name)},
        owned={name: one for name, one in state.owned.items() if about.output(name)},
        owner={name: one for name, one in state.owner.items() if about.output(name)},
        kept={name for name in state.kept if about.output(name)},
        about=about,
        recent=(),
    )


def test_a_reading_about_some_scans_is_the_part_of_the_whole_that_is_about_them(
    tmp_path: Path,
) -> None:
    lines = journal(tmp_path)
    lines.append(json.dumps({**json.loads(lines[2]), "input": "s0.tif#2"}).encode() + b"\n")
    whole = parse(lines)
    dice = random.Random(7)
    scans, outputs = list(whole.done), [*whole.owned, "S1.TIF", "none.tif"]
    for number in range(60):
        chosen = dice.sample(scans, number % 4)
        twins = frozenset(map(naming.twin, dice.sample(outputs, number % 5)))
        about = About(frozenset(chosen), twins)
        state = parse(lines, about)
        assert replace(state, recent=(), names=0) == restricted(whole, about)
        assert state.names == len(whole.owned)
        assert state.peaks()[-1] == whole.done["s5.tif"].peak
    nothing = parse([b"hello\n", *lines[:3], b"torn"], About(frozenset()))
    assert (nothing.lines, nothing.ignored, nothing.done, nothing.owned) == (4, 1, {}, {})


@pytest.mark.parametrize("size", ["9223372036854775807", "9223372036854775808", "01", "1e3", "1.0"])
def test_both_readings_agree_on_numbers(
    size: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [
        line.replace(b'"stamp":{"size":101,', b'"stamp":{"size":' + size.encode() + b",")
        for line in journal(tmp_path)
    ]
    assert parse(lines) == parsed(lines, monkeypatch)
