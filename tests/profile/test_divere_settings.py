"""The keys that are read from DiVERE's settings file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from divere_cli.errors import UsageError
from divere_cli.profile import divere_settings
from divere_cli.profile.divere_settings import Settings


def load(tmp_path: Path, document: Any) -> Settings:
    path = tmp_path / "app_settings.json"
    path.write_text(json.dumps(document))
    return divere_settings.load(str(path))


def test_four_keys_are_read_and_the_window_is_not(tmp_path: Path) -> None:
    found = load(
        tmp_path,
        {
            "directories": {"open_image": "/a"},
            "ui": {"window_size": [1, 2], "use_process_isolation": "never"},
            "defaults": {
                "input_color_space": "sRGB",
                "output_color_space_16bit": "AdobeRGB",
                "output_color_space_8bit": "sRGB",
                "working_color_space": "ACEScg",
                "jpeg_quality_level": "6",
            },
        },
    )
    assert found == Settings("never", "AdobeRGB", "sRGB", "ACEScg")


@pytest.mark.parametrize("document", [{}, {"ui": None}, {"ui": {}, "defaults": {}}])
def test_absent_settings_are_left_to_the_program(tmp_path: Path, document: Any) -> None:
    assert load(tmp_path, document) == Settings(None, None, None, "KodakEnduraPremier")


@pytest.mark.parametrize(("value", "word"), [(True, "always"), (False, "never"), ("auto", "auto")])
def test_isolation_as_a_word_or_a_switch(tmp_path: Path, value: Any, word: str) -> None:
    assert load(tmp_path, {"ui": {"use_process_isolation": value}}).isolation == word


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], r"\$ is no object"),
        ({"ui": 1}, r"\$\.ui is no object"),
        ({"ui": {"use_process_isolation": "yes"}}, "allowed: auto, always, never"),
        ({"ui": {"use_process_isolation": 1}}, "allowed: auto, always, never"),
        (
            {"defaults": {"output_color_space_16bit": "Display P3"}},
            r"\$\.defaults\.output_color_space_16bit: no output .* did you mean 'DisplayP3'",
        ),
        (
            {"defaults": {"working_color_space": "sRGB"}},
            "no working color space is called 'sRGB'",
        ),
        ({"defaults": {"output_color_space_8bit": [1]}}, "no output color space is called"),
    ],
)
def test_invalid_settings_are_an_error(tmp_path: Path, document: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        load(tmp_path, document)
    assert str(tmp_path / "app_settings.json") in caught.value.message


def test_a_file_that_is_no_json_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text("{")
    with pytest.raises(UsageError, match="not valid JSON"):
        divere_settings.load(str(tmp_path / "s.json"))
