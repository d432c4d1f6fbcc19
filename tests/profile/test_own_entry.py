"""divere's own entry in a presets file is read and set; everything else stays unchanged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from divere_cli.errors import ProfileError
from divere_cli.profile import loading, own_entry, strict_json
from divere_cli.profile.select import Selector

OTHERS = {
    "a.tif": {"version": 3, "type": "single", "metadata": {"raw_file": "a.tif", "mine": [1, 2.50]}},
    "another program": {"type": "other/7", "x": {"y": 1e-7}},
    "folder_default": {"cc_params": {"density_gamma": 1.1}},
}


def text(document: object) -> bytes:
    return json.dumps(document).encode()


def test_a_file_without_divere_entry_gives_an_empty_one() -> None:
    found = own_entry.read(OTHERS, "presets")
    assert (found.folder, found.scans) == ({}, {})
    assert found.scan("a.tif") == {}


def test_set_keys_are_read_back_and_others_are_kept() -> None:
    made = own_entry.merged(text(OTHERS), "f", {"film": "Gold"}, {"a.tif": {"mark": "reject"}})
    document = json.loads(made)
    assert {k: v for k, v in document.items() if k != own_entry.KEY} == OTHERS
    assert list(document)[:3] == list(OTHERS)
    found = own_entry.read(document, "f")
    assert found.folder == {"film": "Gold"}
    assert found.scan("a.tif") == {"mark": "reject"}


def test_keys_of_other_rooms_and_later_versions_stay() -> None:
    there = {
        own_entry.KEY: {
            "type": own_entry.TYPE,
            "folder": {"film": "Gold", "base": [1, 2, 3]},
            "scans": {"a.tif": {"turns": {"1": 0.4}}},
            "later": True,
        }
    }
    made = json.loads(
        own_entry.merged(
            text(there), "f", {"base": None}, {"a.tif": {"mark": 1}, "b.tif": {"x": 1}}
        )
    )[own_entry.KEY]
    assert made["folder"] == {"film": "Gold"}
    assert made["scans"] == {"a.tif": {"turns": {"1": 0.4}, "mark": 1}, "b.tif": {"x": 1}}
    assert made["later"] is True


def test_a_new_presets_file_can_be_read_back() -> None:
    made = own_entry.merged(None, "f", {"film": "Gold"})
    folder = loading.folder(strict_json.parse(made, "f"), "f")
    assert not folder.has(own_entry.KEY)
    assert folder.folder_default() is None


def test_divere_entry_is_not_the_preset_of_a_scan(tmp_path: Path) -> None:
    (tmp_path / "divere_presets.json").write_bytes(own_entry.merged(None, "f", {"film": "Gold"}))
    chosen = Selector().choose(str(tmp_path / "a.tif"), None)
    assert chosen.source.startswith("the shipped default")
    (tmp_path / own_entry.KEY).touch()
    assert Selector().choose(str(tmp_path / own_entry.KEY), None).source.startswith("the shipped")


def test_nfc_and_nfd_names_are_one_scan() -> None:
    made = own_entry.merged(None, "f", None, {"e\u0301.tif": {"mark": 1}})
    assert own_entry.read(json.loads(made), "f").scan("\u00e9.tif") == {"mark": 1}


@pytest.mark.parametrize(
    "entry", [{"type": "divere-cli/2"}, [], {"type": own_entry.TYPE, "folder": 3}]
)
def test_an_unknown_version_is_refused_and_never_overwritten(entry: object) -> None:
    with pytest.raises(ProfileError, match="divere_cli"):
        own_entry.merged(text({own_entry.KEY: entry}), "f", {"a": 1})
