"""The options of ``divere batch`` as one typed record, and the request made from them.

Covers defaults, options that depend on each other, and contradictions; the command line and
``divere_cli.api`` use the same record. It does not parse a command line (``cli``) and does
not look at INPUT or OUTPUT.

Only this module of the room imports ``profile``, ``roll`` and ``report``: it turns the
values of options into the objects that a run uses.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal, cast

from divere_cli import extras
from divere_cli.batch import also as further_outputs
from divere_cli.batch import film_data, film_edges
from divere_cli.batch.film_presets import FilmPresets
from divere_cli.batch.request import (
    BatchRequest,
    Bounds,
    Inputs,
    Isolation,
    OpenRunner,
    Outputs,
    ReportFile,
)
from divere_cli.errors import UsageError
from divere_cli.isolation.runner import Choice, StartMethod
from divere_cli.profile import divere_settings, library
from divere_cli.profile.divere_settings import Settings
from divere_cli.profile.select import AUTO, Selector
from divere_cli.records.grade import Space
from divere_cli.records.job import Encoding
from divere_cli.records.report import OptionValue
from divere_cli.report import formats
from divere_cli.roll.auto import Auto

REPORT_NAME = "divere-report.json"
_DEFAULT_SPACE = {8: "DisplayP3"}
_DEEP_SPACE = "KodakEnduraPremier_gamma_2_2"
# Options that are valid for some file formats only.
_ONLY_WITH = {"compression": ("tiff",), "quality": ("jpeg", "jxl")}
_NO_BUDGET = 1 << 62  # on a cluster each machine has its own, and its own admission


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchOptions:
    """The options of ``divere batch``: a field for each, of the same name and default.

    ``None`` is the default that depends on the machine or on another option.
    ``from_file`` is ``--from``. ``memory_budget`` is bytes (int) or a share of 0..1;
    ``worker_memory`` is bytes; times are seconds.
    """

    profile: str = "auto"
    auto: Literal["auto", "off", "frame", "roll"] = "auto"
    exposure_pull: float | None = None
    from_file: str | None = None
    roll_by: str | None = None
    gray_frame: tuple[str, ...] = ()
    strict: bool = False
    recursive: bool = True
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    max_pixels: int = 2_000_000_000
    settle: float = 0.0
    pages: Literal["first", "all"] = "all"
    pairs: Literal["raw", "both"] = "raw"
    input_transfer: str = "auto"
    orientation: Literal["auto", "apply", "ignore"] = "auto"
    format: further_outputs.Format = "tiff"
    bit_depth: further_outputs.BitDepth | None = None
    color_space: str | None = None
    compression: Literal["none", "lzw", "deflate", "zstd"] = "none"
    quality: int | None = None
    size: int | None = None
    flat: bool = False
    also: tuple[str, ...] = ()
    name: str = ""
    flat_field: str | None = None
    frames: Literal["off", "find"] = "off"
    film: str = "auto"
    deskew: bool = False
    ir: Literal["drop", "sidecar", "repair"] = "drop"
    ir_strength: Literal["low", "normal", "high"] = "normal"
    ir_mask: bool = False
    no_metadata: bool = False
    film_data: str | None = None
    film_edge: Literal["auto", "off"] = "auto"
    dither: bool = False
    engine: Literal["local", "dask"] = "local"
    scheduler: str | None = None
    map: tuple[str, ...] = ()
    isolation: Choice = "auto"
    start_method: StartMethod | None = None
    sandbox: Choice = "auto"
    jobs: int | None = None
    timeout: float = 300.0
    retries: int | None = None
    memory_budget: int | float = 0.7
    worker_memory: int | None = None
    manifest: bool = False
    bag: bool = False
    wait: bool = False
    lock_wait: float | None = None
    known_failures: Literal["retry", "skip"] = "retry"
    overwrite: bool = False
    force: bool = False
    max_failures: int | None = None
    fail_fast: bool = False
    report: tuple[str, ...] = ()
    report_inline: bool = False
    settings: str | None = None

    def given(self) -> frozenset[str]:
        """Return the names of the options that are not at their default."""
        return frozenset(
            field.name
            for field in dataclasses.fields(self)
            if getattr(self, field.name) != field.default
        )

    def request(
        self, inputs: Sequence[str], output: str, *, given: Collection[str] | None = None
    ) -> BatchRequest:
        """Return the batch request of these options for INPUTs and an OUTPUT.

        Parameters
        ----------
        inputs : sequence of str
            Folders and files.
        output : str
            A folder.
        given : collection of str, optional
            Names of options that were given explicitly, also with their default value; None:
            those that differ from the default.

        Raises
        ------
        UsageError, ProfileError
            An option is invalid or conflicts with another one, or a settings file, a
            preset or a name cannot be used.
        """
        explicit = frozenset(given) if given is not None else self.given()
        self._check(explicit)
        settings = divere_settings.load(self.settings) if self.settings else Settings()
        resolved = self._resolved(explicit, settings, output)
        by_film = self._film_presets(settings)
        return BatchRequest(
            inputs=resolved._inputs(inputs),
            outputs=resolved._outputs(output, settings),
            chooser=by_film or Selector(self.from_file or self.profile, settings),
            film_presets=by_film,
            bounds=self._bounds(),
            isolation=Isolation(resolved.isolation, self.start_method, self.sandbox),
            reports=tuple(
                ReportFile(
                    path,
                    formats.renderer(path),
                    private=not self.report,
                    beside=None if self.report_inline else formats.with_pictures_beside(path),
                    inline=self.report_inline and formats.shows_pictures(path),
                )
                for path in resolved.report
            ),
            command=resolved._command(inputs, output),
            roll=self._roll(),
            open_runner=self._engine(inputs, output),
            film_log=film_data.read(self.film_data) if self.film_data else None,
            flat_field=self.flat_field or "",
            frames=self.film if self.frames == "find" else None,
            deskew=self.deskew,
            thumbnails=any(formats.shows_pictures(path) for path in resolved.report),
        )

    def _film_presets(self, settings: Settings) -> FilmPresets | None:
        """Return the presets of ``-p FOLDER``; None where ``-p`` is no folder."""
        by_name = self.profile == AUTO or self.profile in library.names()
        if self.from_file or by_name or not os.path.isdir(self.profile):
            return None
        if not self.film_data and self.film_edge == "off":
            raise UsageError(
                "-p has a folder, whose presets are chosen by film: leave out --film-edge off",
                hint="--film-data names films, too",
            )
        if not self.film_data and not film_edges.can_be_read():
            raise UsageError(
                "-p has a folder, whose presets are chosen by film, and the DX code at the film's "
                f"edge cannot be read here; to read it: {extras.how_to_add('dx')}",
                hint="--film-data names films, too",
            )
        return FilmPresets(self.profile, settings)

    def _check(self, given: frozenset[str]) -> None:
        for name, containers in _ONLY_WITH.items():
            if name in given and self.format not in containers:
                allowed = " or ".join(containers)
                raise UsageError(f"--{name} is for --format {allowed}, not {self.format}")
        if self.format == "dng" and "color_space" in given:
            raise UsageError("--format dng is linear light of the working space: no --color-space")
        if self.report_inline and not any(map(formats.shows_pictures, self.report)):
            raise UsageError("--report-inline is for --report FILE.html")
        depth = self._depth()
        if "film" in given and self.frames != "find":
            raise UsageError("--film is for --frames find")
        if self.deskew and self.frames != "find":
            raise UsageError(
                "--deskew is for --frames find",
                hint="angles that `divere frames --deskew` wrote into a divere_presets.json are "
                "corrected without it",
            )
        if self.film_data and self.no_metadata:
            raise UsageError("--film-data is metadata: leave out --no-metadata")
        if self.from_file and (self.auto in ("frame", "roll") or "profile" in given):
            raise UsageError("--from contains the whole grade: leave out --auto and --profile")
        for name in ("roll_by", "strict", "exposure_pull", "gray_frame"):
            if name in given and self.auto == "off":
                raise UsageError(f"--{name.replace('_', '-')} is for --auto auto, frame or roll")
        if self.from_file and self.gray_frame:
            raise UsageError("--from contains the whole grade: leave out --gray-frame")
        if self.input_transfer not in ("auto", "linear", "srgb", "icc"):
            self._check_gamma()
        if self.exposure_pull is not None and not 0.0 <= self.exposure_pull <= 1.0:
            raise UsageError(f"--exposure-pull {self.exposure_pull} is not within 0 and 1")
        for name in ("ir_strength", "ir_mask"):
            if name in given and self.ir != "repair":
                raise UsageError(f"--{name.replace('_', '-')} is for --ir repair")
        if self.sandbox == "always" and self.isolation == "never":
            raise UsageError("--sandbox always needs worker processes: leave out --isolation never")
        if depth != 8 and self.dither and "dither" in given:
            raise UsageError("--dither is for 8-bit outputs", hint="add --bit-depth 8")

    def _check_gamma(self) -> None:
        try:
            gamma = float(self.input_transfer)
        except ValueError:
            gamma = 0.0
        if not 0.2 <= gamma <= 5.0:
            raise UsageError(
                f"--input-transfer {self.input_transfer!r} is none of auto, linear, srgb, icc "
                "and no gamma from 0.2 to 5"
            )

    def _roll(self) -> Auto | None:
        """Return the measuring of rolls; None if it is off or a saved analysis is used."""
        if self.auto == "off" or self.from_file:
            return None
        return Auto(self.auto, self.roll_by, self.strict, self.exposure_pull, self.gray_frame)

    def _depth(self) -> further_outputs.BitDepth:
        return further_outputs.depth(self.format, self.bit_depth)

    def _resolved(self, given: frozenset[str], settings: Settings, output: str) -> BatchOptions:
        """Fill in values that depend on another option or on the settings file."""
        depth = self._depth()
        quality = self.quality or further_outputs.QUALITIES.get(self.format, 95)
        isolation = self.isolation
        if "isolation" not in given and settings.isolation is not None:
            isolation = settings.isolation
        return dataclasses.replace(
            self,
            bit_depth=depth,
            color_space=self.color_space or _default_space(settings, depth),
            quality=quality,
            isolation=isolation,
            report=self.report or (str(PurePath(output) / REPORT_NAME),),
        )

    def _inputs(self, paths: Sequence[str]) -> Inputs:
        return Inputs(
            paths=tuple(paths),
            recursive=self.recursive,
            include=self.include,
            exclude=self.exclude,
            settle_seconds=self.settle,
            max_pixels=self.max_pixels,
            film_edge=self.film_edge == "auto",
            pages=self.pages,
            pairs=self.pairs,
            transfer=self.input_transfer,
            orientation=self.orientation,
        )

    def _outputs(self, folder: str, settings: Settings) -> Outputs:
        assert self.color_space is not None
        assert self.quality is not None
        depth = self._depth()
        encoding = Encoding(
            format=self.format,
            bit_depth=depth,
            color_space=library.output_space(self.color_space),
            compression=self.compression,
            quality=self.quality,
            dither=self.dither and depth == 8,
            metadata=not self.no_metadata,
            infrared=self.ir,
            ir_strength=self.ir_strength if self.ir == "repair" else "normal",
            ir_mask=self.ir_mask and self.ir == "repair",
            size=self.size or 0,
            flat=self.flat or self.format == "dng",
        )
        further_outputs.check(encoding)

        def space(name: str | None, bits: int) -> Space:
            return library.output_space(name or _default_space(settings, bits))

        return Outputs(
            folder=folder,
            encoding=encoding,
            name=self.name,
            also=tuple(further_outputs.parse(spec, encoding, space) for spec in self.also),
            manifest=self.manifest,
            bag=self.bag,
            overwrite=self.overwrite,
            force=self.force,
            wait=self.wait or self.lock_wait is not None,
            wait_seconds=self.lock_wait,
            skip_known_failures=self.known_failures == "skip",
        )

    def _bounds(self) -> Bounds:
        return Bounds(
            jobs=self.jobs,
            timeout_seconds=self.timeout,
            retries=self.retries,
            max_failures=1 if self.fail_fast else self.max_failures,
            memory_budget=_NO_BUDGET if self.engine == "dask" else self.memory_budget,
            worker_memory=self.worker_memory,
        )

    def _engine(self, inputs: Sequence[str], output: str) -> OpenRunner | None:
        """Return the runner of a cluster; None for the one of this machine."""
        if self.engine == "local":
            if self.scheduler or self.map:
                raise UsageError("--scheduler and --map are for --engine dask")
            return None
        if not self.scheduler:
            raise UsageError("--engine dask needs --scheduler ADDRESS or FILE")
        try:
            from divere_cli.cluster.connect import ClusterRequest
            from divere_cli.cluster.runner import opener
        except ModuleNotFoundError as error:
            raise UsageError(f"--engine dask: {error}", hint=extras.how_to_add("dask")) from error
        request = ClusterRequest(
            scheduler=self.scheduler,
            inputs=tuple(inputs),
            output=output,
            mapping=self.map,
            jobs=self.jobs,
            memory_budget=self.memory_budget,
        )
        return cast(OpenRunner, opener(request))

    def _command(self, inputs: Sequence[str], output: str) -> dict[str, OptionValue]:
        """Return the options for the report, with every default resolved."""
        values: dict[str, OptionValue] = {"inputs": tuple(inputs), "output": output}
        for field in dataclasses.fields(self):
            values[field.name] = getattr(self, field.name)
        values["from"] = values.pop("from_file")
        values["jobs"] = self.jobs or "auto"
        return values


def _default_space(settings: Settings, depth: int) -> str:
    """Return the output space of a bit depth: DiVERE's setting, else its default."""
    named = settings.output_space_8bit if depth == 8 else settings.output_space_16bit
    return named or _DEFAULT_SPACE.get(depth, _DEEP_SPACE)
