"""Options to the request: priority, and values that depend on other options."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import pytest

from divere_cli.cli import batch_options
from divere_cli.cli.batch_cmd import batch
from divere_cli.cli.batch_options import CommandLine
from divere_cli.errors import UsageError


def asked(*args: str, env: dict[str, str] | None = None) -> CommandLine:
    """Return what ``divere batch ARGS in out`` asks for."""
    with pytest.MonkeyPatch.context() as patch:
        for key, value in (env or {}).items():
            patch.setenv(key, value)
        context = batch.make_context(
            "batch", [*args, "in", "out"], auto_envvar_prefix="DIVERE_BATCH"
        )
    with context:
        return batch_options.read(context, context.params)


def settings_file(folder: Path, **sections: Any) -> str:
    path = folder / "app_settings.json"
    path.write_text(json.dumps(sections))
    return str(path)


def test_defaults_are_those_of_the_interface(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DIVERE_BATCH_AUTO")
    found = asked()
    request, encoding = found.request, found.request.outputs.encoding
    assert (encoding.format, encoding.bit_depth, encoding.compression) == ("tiff", 16, "none")
    assert (encoding.quality, encoding.dither, encoding.metadata) == (95, False, True)
    assert encoding.infrared == "drop"
    assert encoding.color_space.name == "KodakEnduraPremier_gamma_2_2"
    assert request.inputs.recursive
    assert (request.inputs.max_pixels, request.inputs.settle_seconds) == (2_000_000_000, 0)
    assert (request.isolation.requested, request.isolation.start_method) == ("auto", None)
    bounds = request.bounds
    assert (bounds.jobs, bounds.timeout_seconds, bounds.retries) == (None, 300, None)
    assert (bounds.max_failures, bounds.worker_memory) == (None, None)
    assert bounds.memory_budget == pytest.approx(0.7)
    outputs = request.outputs
    assert (outputs.folder, outputs.name) == ("out", "")
    assert (outputs.overwrite, outputs.force, outputs.wait) == (False, False, False)
    assert [report.path for report in request.reports] == ["out/divere-report.json"]
    assert (found.progress, found.json, found.dry_run) == (None, False, False)
    assert not request.thumbnails
    assert repr(request.roll) == "Auto(mode='auto', roll_by=None, strict=False)"
    assert request.open_runner is None


@pytest.mark.parametrize(
    ("args", "depth", "space"),
    [
        (["--format", "jpeg"], 8, "DisplayP3"),
        (["--format", "png"], 16, "KodakEnduraPremier_gamma_2_2"),
        (["--bit-depth", "8"], 8, "DisplayP3"),
        (["--format", "jpeg", "--color-space", "sRGB"], 8, "sRGB"),
    ],
)
def test_depth_follows_the_format_and_space_follows_the_depth(
    args: list[str], depth: int, space: str
) -> None:
    encoding = asked(*args).request.outputs.encoding
    assert (encoding.bit_depth, encoding.color_space.name) == (depth, space)


def test_flag_then_environment_then_settings_then_default(tmp_path: Path) -> None:
    path = settings_file(
        tmp_path,
        ui={"use_process_isolation": "never"},
        defaults={
            "output_color_space_16bit": "ACEScg",
            "output_color_space_8bit": "sRGB",
        },
    )
    env = {"DIVERE_BATCH_ISOLATION": "always", "DIVERE_BATCH_COLOR_SPACE": "AdobeRGB"}

    def resolved(*args: str, env: dict[str, str] | None = None) -> tuple[str, str]:
        request = asked(*args, env=env).request
        return request.isolation.requested, request.outputs.encoding.color_space.name

    assert resolved() == ("auto", "KodakEnduraPremier_gamma_2_2")
    assert resolved("--settings", path) == ("never", "ACEScg")
    assert resolved("--settings", path, "--bit-depth", "8") == ("never", "sRGB")
    assert resolved("--settings", path, env=env) == ("always", "AdobeRGB")
    flags = ("--isolation", "auto", "--color-space", "DisplayP3")
    assert resolved("--settings", path, *flags, env=env) == ("auto", "DisplayP3")


def test_every_option_has_its_environment_variable() -> None:
    env = {
        "DIVERE_BATCH_JOBS": "3",
        "DIVERE_BATCH_RECURSIVE": "no",
        "DIVERE_BATCH_MEMORY_BUDGET": "2G",
        "DIVERE_BATCH_WORKER_MEMORY": "900M",
        "DIVERE_BATCH_RETRIES": "1",
        "DIVERE_BATCH_FAIL_FAST": "1",
        "DIVERE_BATCH_NO_METADATA": "true",
        "DIVERE_BATCH_IR": "sidecar",
        "DIVERE_BATCH_PROGRESS": "0",
        "DIVERE_BATCH_SETTLE": "10",
        "DIVERE_BATCH_DRY_RUN": "1",
        "DIVERE_BATCH_VERBOSE": "2",
        "DIVERE_BATCH_LOG_FORMAT": "json",
        "DIVERE_BATCH_NAME": "{stem}-print",
    }
    found = asked(env=env)
    bounds, encoding = found.request.bounds, found.request.outputs.encoding
    assert (bounds.jobs, bounds.retries, bounds.max_failures) == (3, 1, 1)
    assert (bounds.memory_budget, bounds.worker_memory) == (2**31, 900 * 2**20)
    assert (encoding.metadata, encoding.infrared) == (False, "sidecar")
    assert (found.request.inputs.recursive, found.request.inputs.settle_seconds) == (False, 10)
    assert (found.progress, found.dry_run) == (False, True)
    assert (found.log.verbose, found.log.format) == (2, "json")
    assert found.request.outputs.name == "{stem}-print"


def test_every_parameter_is_named_as_its_option() -> None:
    for option in batch.params:
        if isinstance(option, click.Option):
            assert f"--{option.name}".replace("_", "-") in option.opts, option.name


def test_variables_that_do_not_apply_are_ignored(tmp_path: Path) -> None:
    env = {"DIVERE_BATCH_QUALITY": "80", "DIVERE_BATCH_DITHER": "1"}
    assert not asked(env=env).request.outputs.encoding.dither
    assert asked("--bit-depth", "8", env=env).request.outputs.encoding.dither


def test_reports_choose_their_format_and_request_thumbnails(tmp_path: Path) -> None:
    paths = [str(tmp_path / f"r.{suffix}") for suffix in ("JSON", "csv", "html", "xml")]
    found = asked(*(word for path in paths for word in ("--report", path)))
    assert [report.path for report in found.request.reports] == paths
    assert found.request.thumbnails


def test_the_report_has_every_resolved_option() -> None:
    command = asked("--format", "jpeg").request.command
    assert command["bit_depth"] == 8
    assert command["color_space"] == "DisplayP3"
    assert command["jobs"] == "auto"
    assert command["inputs"] == ("in",)
    assert command["output"] == "out"
    json.dumps(command)


@pytest.mark.parametrize(
    "args",
    [
        ("--scheduler", "tcp://x:1"),
        ("--map", "a=b"),
        ("--engine", "dask"),
        ("--auto", "off", "--strict"),
    ],
)
def test_options_that_need_another_are_refused_alone(args: tuple[str, ...]) -> None:
    with pytest.raises(UsageError):
        asked(*args)


@pytest.mark.parametrize("option", ["--report", "--log-file"])
def test_files_that_the_run_reads_are_never_written(option: str, tmp_path: Path) -> None:
    for name in ("mine.json", "divere_presets.json", "app_settings.json"):
        (tmp_path / name).write_text("{}")
    for name in ("mine.json", "divere_presets.json", "app_settings.json", ".divere-journal.json"):
        with pytest.raises(UsageError, match="would overwrite"):
            asked(
                *("--profile", str(tmp_path / "mine.json"), option, str(tmp_path / name)),
                *("--settings", str(tmp_path / "app_settings.json")),
            )
    asked(option, str(tmp_path / "new.json"))


def test_a_log_is_no_scan_and_no_report(tmp_path: Path) -> None:
    for path in ("scan.tif", "SCAN.NEF"):
        with pytest.raises(UsageError, match="would overwrite a scan"):
            asked("--log-file", str(tmp_path / path))
    with pytest.raises(UsageError, match="is also the file of a report"):
        asked("--log-file", str(tmp_path / "r.csv"), "--report", f"{tmp_path}/./r.csv")
    with pytest.raises(UsageError, match="does not exist"):
        asked("--log-file", str(tmp_path / "none" / "log"))
