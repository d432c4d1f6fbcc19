"""Names of outputs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from divere_cli.batch import naming
from divere_cli.batch.naming import Parts
from divere_cli.errors import OutputError, UsageError


@pytest.mark.parametrize(
    ("template", "parts", "name"),
    [
        ("", Parts("a.tif"), "a.tif"),
        ("", Parts("r/s/a.b.fff"), "r/s/a.b.tif"),
        ("", Parts("a.tif", "left"), "a-left.tif"),
        ("", Parts("noext"), "noext.tif"),
        ("{stem}_{profile}_{index:03}", Parts("r/a.tif", "", 7, "portra"), "r/a_portra_007.tif"),
        ("{ext}{crop}", Parts("a.TIF", "x"), "TIFx.tif"),
        ("{{stem}}", Parts("a.tif"), "{stem}.tif"),
        ("{stem}", Parts("{crop}.tif"), "{crop}.tif"),
        ("{crop}", Parts("a.tif", "../x"), ".._x.tif"),
    ],
)
def test_a_template_is_filled_in(template: str, parts: Parts, name: str) -> None:
    naming.check(template)
    assert naming.output(template, parts, "tiff") == name


@pytest.mark.parametrize(
    "template", ["{nope}", "{0}", "{}", "{stem", "a/{stem}", "{stem!r}", "{stem:{index}}", "a\0"]
)
def test_an_invalid_template_is_refused(template: str) -> None:
    with pytest.raises(UsageError) as caught:
        naming.check(template)
    assert caught.value.exit_code == 2


def test_names_of_windows_streams_and_folders_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    naming.check("a:b")
    assert naming.output("{crop}", Parts("a.tif", "1:2", 1), "tiff") == "1:2.tif"
    monkeypatch.setattr(naming, "_NO_NAME", ':\\"')
    assert naming.output("{crop}", Parts("a.tif", "1:2", 1), "tiff") == "1_2.tif"
    for template in ("a:{stem}", "b\\{stem}"):
        with pytest.raises(UsageError, match="in its name"):
            naming.check(template)


def test_a_format_that_does_not_fit_is_refused() -> None:
    with pytest.raises(UsageError):
        naming.output("{stem:03d}", Parts("a.tif"), "tiff")


@pytest.mark.parametrize(
    ("template", "scan"),
    [("{crop}", "a.tif"), ("...", "a.tif"), (" ", "a.tif"), ("{stem}", "x" * 252)],
)
def test_an_empty_name_fails_the_scan(template: str, scan: str) -> None:
    with pytest.raises(OutputError):
        naming.output(template, Parts(scan), "tiff")


@pytest.mark.parametrize(
    ("format_", "suffix"), [("tiff", ".tif"), ("jpeg", ".jpg"), ("png", ".png")]
)
def test_the_suffix_is_that_of_the_format(format_: str, suffix: str) -> None:
    assert naming.output("", Parts("a.x"), format_) == "a" + suffix


def test_the_sidecar_is_a_tiff_beside_the_positive() -> None:
    assert naming.sidecar("r/a.jpg", "jpeg") == "r/a-ir.tif"


@given(st.text(min_size=1, max_size=20))
def test_twins_are_the_same_in_any_case_and_form(text: str) -> None:
    import unicodedata

    key = naming.twin(text)
    assert naming.twin(unicodedata.normalize("NFD", text)) == key
    assert naming.twin(unicodedata.normalize("NFC", text)) == key


@given(st.text(max_size=40), st.text(max_size=20))
def test_an_output_stays_in_its_folder(stem: str, crop: str) -> None:
    scan = stem.replace("/", "").replace("\0", "") + ".tif"
    try:
        name = naming.output("", Parts("r/" + scan, crop), "tiff")
    except OutputError:
        return
    assert name.startswith("r/")
    assert name.count("/") == 1
    assert name.endswith(".tif")


@pytest.mark.parametrize(
    "template", [".", "..", " . ", "{index:99999999999d}", "{stem:>1000000000}"]
)
def test_a_template_that_can_give_no_name_is_a_usage_error(template: str) -> None:
    with pytest.raises(UsageError):
        naming.check(template)
