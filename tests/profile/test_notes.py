"""Origins, warnings and errors of a preset that is being resolved."""

from __future__ import annotations

from divere_cli.profile import library, loading
from divere_cli.profile.notes import Notes
from divere_cli.profile.schema import Preset


def test_origins() -> None:
    notes = Notes(Preset(origins={".idt.name": "c41-neutral"}))
    notes.origin("idt", ".idt.name", True)
    notes.origin("gamma", ".idt.gamma", True)
    notes.origin("glare", ".cc_params.glare", False)
    assert notes.origins == {"idt": "base c41-neutral", "gamma": "preset", "glare": "default"}


def test_warnings_and_errors_name_the_file_and_the_place_in_it() -> None:
    preset = loading.preset({"version": 3}, "divere_presets.json", root='$["a.tif"]')
    notes = Notes(preset)
    notes.warn(".idt", "has no effect")
    assert notes.warnings == ['divere_presets.json: $["a.tif"].idt has no effect']
    assert notes.error(".idt", "is bad").message == 'divere_presets.json: $["a.tif"].idt is bad'
    unknown = notes.unknown(".base", library.unknown("profile", "x", ["a", "b"]))
    assert unknown.message == (
        "divere_presets.json: $[\"a.tif\"].base: no profile is called 'x'. There are: a, b"
    )
    assert unknown.hint == "see `divere profiles list`"
