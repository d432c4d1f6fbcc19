"""A batch on a cluster writes the same files as a local one, byte for byte."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import psutil
import pytest
import tifffile

from tests.cluster.conftest import Cluster, batch
from tests.cluster.test_cluster import many, start, wait_for_output
from tests.develop.lights import dusty, falloff
from tests.frames.strips import Spec, draw
from tests.infrared.simulator import Film, scan

FILM = Film(height=420, width=560, specks=14, hairs=2, scratches=1, shift=(1.2, -0.6))


def flat_field(folder: Path) -> tuple[str, ...]:
    """Scans over an uneven light, and the light alone; two outputs of each."""
    random = np.random.default_rng(3)
    light = falloff(480, 320, 2.0, random)
    for number in range(2):
        picture = random.uniform(0.05, 0.3, (320, 480, 3)) * light
        save(folder / f"{number}.tif", picture)
    save(folder.parent / "light.tif", dusty(light, np.random.default_rng(4)))
    light_alone = str(folder.parent / "light.tif")
    return ("--flat-field", light_alone, "--also", "jpeg,size=128,name={stem}-proof")


def frames(folder: Path) -> tuple[str, ...]:
    """A strip of four pictures that lies turned."""
    strip = draw(Spec(count=4, scale=9.0, seed=3, turn=1.2), [])
    tifffile.imwrite(folder / "strip.tif", strip.pixels, photometric="rgb")
    return ("--frames", "find", "--deskew")


def infrared(folder: Path) -> tuple[str, ...]:
    """A dusty scan with its infrared."""
    made = scan(FILM, 900)
    samples = np.concatenate([made.rgb, made.infrared], axis=-1)
    tifffile.imwrite(
        folder / "dusty.tif", samples, photometric="rgb", extrasamples=[0], metadata=None
    )
    return ("--ir", "repair", "--ir-mask")


def several(folder: Path) -> tuple[str, ...]:
    """One picture, three outputs of its one decode."""
    random = np.random.default_rng(5)
    save(folder / "a.tif", random.uniform(0.03, 0.6, (300, 400, 3)))
    proof = "jpeg,size=128,quality=90,color-space=sRGB,name={stem}-proof"
    return ("--also", proof, "--also", "tiff,size=200,name={stem}-web")


def save(path: Path, light: object) -> None:
    codes = np.round(np.clip(np.asarray(light), 0, 1) * 65535).astype(np.uint16)
    tifffile.imwrite(path, codes, photometric="rgb")


def files(out: Path) -> dict[str, bytes]:
    """Everything that a batch made, but for what divere keeps for itself."""
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file() and "divere" not in path.name
    }


@pytest.mark.slow
@pytest.mark.parametrize("make", [flat_field, frames, infrared, several], ids=lambda f: f.__name__)
def test_the_files_are_those_of_a_run_here(
    make: object, shared_cluster: Cluster, tmp_path: Path
) -> None:
    assert callable(make)
    folder = tmp_path / "in"
    folder.mkdir()
    words = (*make(folder), "--auto", "off")
    dask = ("--engine", "dask", "--scheduler", str(shared_cluster.file))
    local = batch(folder, tmp_path / "local", *words)
    far = batch(folder, tmp_path / "far", *words, *dask)
    assert (local.code, far.code) == (0, 0), far.stderr
    made = files(tmp_path / "far")
    assert made == files(tmp_path / "local")
    assert len(made) >= 2
    again = batch(folder, tmp_path / "far", *words, *dask)
    assert again.report["summary"]["up_to_date"] == again.report["summary"]["total"]


@pytest.mark.slow
def test_a_worker_there_is_as_confined_as_here(
    shared_cluster: Cluster, negatives: Path, tmp_path: Path
) -> None:
    dask = ("--engine", "dask", "--scheduler", str(shared_cluster.file))
    local = batch(negatives, tmp_path / "local", "--isolation", "always")
    far = batch(negatives, tmp_path / "far", *dask, "--isolation", "always")
    assert (local.code, far.code) == (0, 0), far.stderr
    here, there = ({f["sandbox"] for f in run.report["files"]} for run in (local, far))
    assert there == here
    assert far.report["isolation"]["sandbox"] == local.report["isolation"]["sandbox"]


@pytest.mark.slow
def test_a_machine_lost_in_the_middle_costs_no_output_of_a_scan(
    cluster: Cluster, negatives: Path, tmp_path: Path
) -> None:
    source = many(negatives, tmp_path / "in", 24)
    more = ("--also", "jpeg,size=40,name={stem}-proof", "--also", "tiff,size=50,name={stem}-web")
    cluster.add("--no-nanny")
    cluster.add("--no-nanny")
    cluster.wait_for(2)
    running = start(source, tmp_path / "far", cluster, *more)
    wait_for_output(tmp_path / "far", running)
    psutil.Process(cluster.workers[0].pid).kill()
    _, stderr = running.communicate(timeout=300)
    assert running.returncode == 0, stderr
    assert batch(source, tmp_path / "local", *more).code == 0
    made = files(tmp_path / "far")
    assert made == files(tmp_path / "local")
    assert len(made) == 3 * 24


def apart(folder: Path) -> tuple[str, ...]:
    """Return a command that runs another one where ``folder`` is empty: a disk not mounted."""
    hide = 'mount -t tmpfs none "$0" && exec "$@"'
    return ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", hide, str(folder))


def can_be_apart(folder: Path) -> bool:
    try:
        done = subprocess.run([*apart(folder), "true"], capture_output=True, timeout=60)
    except OSError:
        return False
    return done.returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("hidden", ["in", "out"])
def test_one_machine_that_does_not_see_a_folder_is_named(
    cluster: Cluster, negatives: Path, tmp_path: Path, hidden: str
) -> None:
    source, out = tmp_path / "share-in" / "roll", tmp_path / "share-out" / "roll"
    shutil.copytree(negatives, source)
    out.mkdir(parents=True)
    folder = (source if hidden == "in" else out).parent
    if not can_be_apart(folder):
        pytest.skip("needs user namespaces")
    cluster.add("--no-nanny")
    cluster.add("--no-nanny", within=apart(folder))
    cluster.wait_for(2)
    done = batch(source, out, "--engine", "dask", "--scheduler", str(cluster.file))
    assert done.code == 16, done.stderr
    error, hint = done.stderr.splitlines()
    assert "No such file or directory" in error
    assert str(source if hidden == "in" else out) in error
    assert "--map" in hint
    assert (done.report, files(out)) == ({}, {})


def test_the_page_names_options_that_exist() -> None:
    from divere_cli.cli.batch_cmd import batch as command

    page = (Path(__file__).parents[2] / "docs" / "cluster.md").read_text(encoding="utf-8")
    part = page[page.index("## Every capability") : page.index("## When something fails")]
    known = {name for parameter in command.params for name in parameter.opts}
    named = set(re.findall(r"(?<![\w-])(--[a-z][a-z-]+)", part)) - {"--rm", "--image"}
    assert named <= known
    assert named >= {"--flat-field", "--frames", "--ir", "--also", "--sandbox", "--film-edge"}
