"""Drawn scans of strips with the truth beside them: what frame detection is tested on.

A strip is drawn in millimeters: film with base, holes and edge print, pictures with
soft edges on it, a holder or light around, and the scanner's turn, fall-off and grain
over all. Pictures are photographs where a folder of them is given, else drawn ones.
The same seed and options give the same pixels.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float64]
PHOTOS = Path(__file__).parents[3] / "shared" / "rolls" / "photos"

# film height, picture along, picture across, pitch (range)
SIZES: dict[str, tuple[float, float, float, tuple[float, float]]] = {
    "135": (35.0, 36.0, 24.0, (38.0, 38.0)),
    "135-half": (35.0, 17.5, 24.0, (19.0, 19.0)),
    "xpan": (35.0, 65.0, 24.0, (66.5, 68.0)),
    "120-645": (61.5, 41.5, 56.0, (44.0, 46.5)),
    "120-66": (61.5, 56.0, 56.0, (58.5, 61.0)),
    "120-67": (61.5, 69.5, 56.0, (72.0, 74.5)),
    "120-68": (61.5, 76.0, 56.0, (78.5, 81.0)),
    "120-69": (61.5, 84.0, 56.0, (86.5, 89.0)),
    "110": (16.0, 17.0, 13.0, (25.4, 25.4)),
}
PERFORATED = ("135", "135-half", "xpan")
BASES = ((0.275, 0.58, 0.805), (0.29, 0.64, 0.86), (0.285, 0.56, 0.72), (0.24, 0.24, 0.24))
GAMMA = (0.55, 0.62, 0.62)
DENSE = 2.3  # density over base of a fogged leader


@dataclass
class Spec:
    """What to draw; lengths in millimeters, ``scale`` in pixels a millimeter."""

    film: str = "135"
    count: int = 6
    seed: int = 1
    hard: bool = False
    scale: float = 12.0
    turn: float = 0.0  # degrees, counter-clockwise
    around: str = "holder"  # or "light", "clipped"
    margin: float = 3.0  # of holder or light in view
    covered: float = 0.0  # of the film's rims that the holder covers
    ends: float = 6.0  # of film before the first and after the last picture
    upright: bool = False
    night: tuple[int, ...] = ()
    blank: tuple[int, ...] = ()
    thin: tuple[int, ...] = ()
    overlap: tuple[int, ...] = ()  # this one overlaps the one before
    leader: bool = False
    partly: bool = False  # the first picture lies half outside of the scan
    gap_sd: float = 0.12
    grain: float = 0.02
    falloff: float = 0.06
    strips: int = 1
    base: int | None = None


@dataclass
class Truth:
    """A picture: its corners in pixels of the scan (4, 2), which of its edges can be seen.

    Edges are in the order of the strip: left, right, top, bottom, by ``corners``
    (top left, top right, bottom right, bottom left of the strip before any turn).
    ``slack`` widens what is right at an overlapped edge, pixels inward and outward.
    """

    corners: Floats
    judged: tuple[bool, bool, bool, bool]
    slack: tuple[float, float] = (0.0, 0.0)
    kind: str = "picture"


@dataclass
class Scan:
    pixels: NDArray[np.uint16]
    truth: list[Truth]
    scale: float
    spec: Spec = field(default_factory=Spec)


def linear(v: Floats) -> Floats:
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


@lru_cache(maxsize=64)
def photograph(path: str) -> Image.Image:
    return Image.open(path).convert("RGB")


def photographs(folder: Path | None = None) -> list[str]:
    folder = folder or Path(os.environ.get("FRAME_PHOTOS", PHOTOS))
    return sorted(str(p) for p in folder.glob("*.jpg"))


def octaves(rng: np.random.Generator, size: tuple[int, int], cells: int, fall: float) -> Floats:
    w, h = size
    out, amp, n = np.zeros((h, w)), 1.0, cells
    for _ in range(4):
        g = rng.standard_normal((max(2, n * h // w + 1), max(2, n))).astype(np.float32)
        out += amp * np.asarray(Image.fromarray(g).resize((w, h), Image.Resampling.BICUBIC))
        amp, n = amp * fall, n * 3
    return out


def drawn(rng: np.random.Generator, size: tuple[int, int]) -> Floats:
    """A scene of sky, hills and blocks, linear light."""
    w, h = size
    y = np.linspace(0, 1, h)[:, None]
    horizon = rng.uniform(0.2, 0.7) + 0.05 * octaves(rng, size, 3, 0.5)[:1]
    sky = rng.uniform(0.25, 0.8) * (1 - 0.4 * y) * np.exp(0.15 * octaves(rng, size, 3, 0.6))
    land = rng.uniform(0.03, 0.2) * np.exp(0.6 * octaves(rng, size, 6, 0.7))
    tint = rng.uniform(0.6, 1.2, (2, 3))
    out = np.where((y > horizon)[..., None], land[..., None] * tint[0], sky[..., None] * tint[1])
    for _ in range(rng.integers(2, 9)):
        x0, y0 = rng.uniform(0, 0.95), rng.uniform(0.1, 0.9)
        x1, y1 = x0 + rng.uniform(0.02, 0.3), y0 + rng.uniform(0.05, 0.6)
        part = out[int(y0 * h) : int(y1 * h), int(x0 * w) : int(x1 * w)]
        part *= rng.uniform(0.1, 3.0)
    return np.clip(out, 0.002, 1.0)


def light_of(rng: np.random.Generator, size: tuple[int, int], photos: list[str]) -> Floats:
    if not photos:
        return drawn(rng, size)
    im = photograph(photos[rng.integers(len(photos))])
    w, h = size
    k = rng.uniform(0.65, 1.0)
    cw, ch = im.width * k, im.height * k
    if cw / ch > w / h:
        cw = ch * w / h
    else:
        ch = cw * h / w
    x, y = rng.uniform(0, im.width - cw), rng.uniform(0, im.height - ch)
    im = im.resize((w, h), Image.Resampling.LANCZOS, box=(x, y, x + cw, y + ch))
    if rng.random() < 0.5:
        im = im.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return linear(np.asarray(im, np.float64) / 255)


def over_base(light: Floats, exposure: float) -> Floats:
    """Density over base of light, stops off by ``exposure``."""
    x = np.log10(np.maximum(light, 1e-4) / 0.18) + 0.30103 * exposure
    width = 0.16
    d = width * (np.logaddexp(0, (x + 1.2) / width) - np.logaddexp(0, (x - 2.3) / width))
    return np.asarray(d * np.array(GAMMA))


def smooth(v: Floats, sigma: float) -> Floats:
    r = max(1, int(3 * sigma + 0.5))
    k = np.exp(-0.5 * (np.arange(-r, r + 1) / max(sigma, 1e-3)) ** 2)
    k /= k.sum()
    for axis in (0, 1):
        p = np.moveaxis(np.pad(v, [(r, r) if a == axis else (0, 0) for a in (0, 1)]), axis, 0)
        v = np.moveaxis(sum(w * p[i : i + v.shape[axis]] for i, w in enumerate(k)), 0, axis)
    return v


def strip_density(
    spec: Spec, rng: np.random.Generator, photos: list[str]
) -> tuple[Floats, NDArray[np.bool_], list[tuple[float, float, float, float, Truth]], Floats]:
    """Density of a strip (rows, columns, 3), its holes, and its pictures in pixels of it."""
    height, along, across, pitches = SIZES[spec.film]
    s = spec.scale
    sd = 0.45 if spec.hard else spec.gap_sd
    if spec.film == "135-half":
        along = float(rng.uniform(17.0, 18.0))
    pitch = float(rng.uniform(*pitches)) if pitches[0] != pitches[1] else pitches[0]
    starts, x = [], spec.ends
    for i in range(spec.count):
        if i:
            gap = max(0.25, pitch - along + float(rng.normal(0, sd)))
            if spec.film.startswith("120") and spec.hard:
                gap = float(rng.uniform(2.0, 5.0))
            if i in spec.overlap:
                gap = -float(rng.uniform(0.6, 1.4))
            x += along + gap
        starts.append(x)
    total = x + along + spec.ends
    top = (height - across) / 2 + float(rng.normal(0, 0.1))
    if spec.film == "110":
        top = (height - across) / 2 - 0.5
    columns, rows = round(total * s), round(height * s)
    base = np.array(BASES[rng.integers(len(BASES)) if spec.base is None else spec.base])
    exposure = np.zeros((rows, columns, 3))
    found = []
    xx, yy = (np.arange(columns) + 0.5) / s, (np.arange(rows) + 0.5) / s
    blur = 0.05

    def edge(v: Floats, at: float) -> Floats:
        return 1 / (1 + np.exp(-np.clip((v - at) / (0.55 * blur), -50, 50)))

    for i, x0 in enumerate(starts):
        if i in spec.blank:
            found.append(
                (
                    x0,
                    top,
                    x0 + along,
                    top + across,
                    Truth(np.zeros((4, 2)), (False,) * 4, kind="blank"),
                )
            )
            continue
        pad = 2
        c0, c1 = int(x0 * s) - pad, int((x0 + along) * s) + pad + 1
        r0, r1 = int(top * s) - pad, int((top + across) * s) + pad + 1
        light = light_of(rng, (c1 - c0, r1 - r0), photos)
        if i in spec.night:
            light *= 0.25
            d = np.linspace(0, 1, c1 - c0)[None, :, None]
            light *= np.where(d > 0.7, 0.012, 1.0)
        ex = -2.0 if i in spec.thin else float(rng.normal(0.3, 0.4))
        d = over_base(light, ex)
        a0, a1 = max(c0, 0), min(c1, columns)
        mask = (edge(xx, x0) * edge(-xx, -(x0 + along)))[None, a0:a1] * (
            edge(yy, top) * edge(-yy, -(top + across))
        )[r0:r1, None]
        part = d[:, a0 - c0 : a1 - c0] * mask[..., None]
        old = exposure[r0:r1, a0:a1]
        exposure[r0:r1, a0:a1] = np.where(
            (old > 0.01) & (part > 0.01), np.log10(10**old + 10**part - 1), old + part
        )
        inner = d.mean(axis=2)
        n = max(2, round(0.5 * s))

        def seen(side: Floats) -> bool:
            return bool((side > 0.06).mean() > 0.5)

        judged = (
            seen(inner[:, pad : pad + n].mean(1)),
            seen(inner[:, -pad - n : -pad].mean(1)),
            seen(inner[pad : pad + n].mean(0)),
            seen(inner[-pad - n : -pad].mean(0)),
        )
        kind = "night" if i in spec.night else "thin" if i in spec.thin else "picture"
        slack = [0.0, 0.0]
        if i in spec.overlap:
            slack[0] = (starts[i - 1] + along - x0) * s
        if i + 1 in spec.overlap:
            slack[1] = (x0 + along - starts[i + 1]) * s
        found.append(
            (
                x0,
                top,
                x0 + along,
                top + across,
                Truth(np.zeros((4, 2)), judged, (slack[0], slack[1]), kind),
            )
        )
    if spec.leader:
        end = starts[0] + along * float(rng.uniform(0.25, 0.6))
        fog = 1 / (1 + np.exp(np.clip((xx - end) / 0.5, -50, 50)))
        exposure = np.maximum(exposure, (DENSE * fog)[None, :, None] * np.array(GAMMA) / 0.6)
        f = found[0]
        j = f[4].judged
        found[0] = (*f[:4], Truth(f[4].corners, (False, j[1], False, False), f[4].slack, "leader"))
    holes = np.zeros((rows, columns), bool)
    if spec.film in PERFORATED:
        phase = float(rng.uniform(0, 4.75))
        inside = ((xx - phase) % 4.75) < 1.98
        for a, b in ((2.0, 4.8), (height - 4.8, height - 2.0)):
            holes |= ((yy > a) & (yy < b))[:, None] & inside[None]
    printed = print_edge(rng, xx, yy, spec, height)
    exposure = np.maximum(exposure, printed[..., None] * np.array(GAMMA))
    d = base + exposure
    g = rng.standard_normal(d.shape)
    g = (g + np.roll(g, 1, 0) + np.roll(g, 1, 1) + np.roll(g, (1, 1), (0, 1))) / 2
    d = d + g * spec.grain * np.sqrt(0.6 + np.maximum(exposure, 0))
    return d, holes, found, base


def print_edge(
    rng: np.random.Generator, xx: Floats, yy: Floats, spec: Spec, height: float
) -> Floats:
    """Letters and numbers in the rebate."""
    out = np.zeros((len(yy), len(xx)))
    for _ in range(int(xx[-1] / 9)):
        x, w = rng.uniform(0, xx[-1]), rng.uniform(1.0, 5.0)
        top = rng.uniform(0.4, 0.7) if rng.random() < 0.5 else height - rng.uniform(1.7, 2.0)
        tall = 1.0 if spec.film != "110" else 0.5
        bars = (np.sin(xx * rng.uniform(6, 14)) > -0.2) & (xx > x) & (xx < x + w)
        out[np.ix_((yy > top) & (yy < top + tall), bars)] = 1.0
    return out


def draw(spec: Spec, photos: list[str] | None = None) -> Scan:
    """Draw a scan."""
    rng = np.random.default_rng([spec.seed, 7])
    photos = photographs() if photos is None else photos
    s = spec.scale
    parts = [strip_density(spec, rng, photos) for _ in range(spec.strips)]
    margin, gap = round(spec.margin * s), round((spec.margin + 4) * s)
    width = max(p[0].shape[1] for p in parts) + 2 * margin
    height = sum(p[0].shape[0] for p in parts) + gap * (spec.strips - 1) + 2 * margin
    a = np.deg2rad(spec.turn)
    more = int(abs(np.sin(a)) * max(width, height) / 2)
    big_w, big_h = width + (2 * more if height > width / 2 else 0), height + 2 * more
    lit = spec.around != "holder"
    lamp = {"holder": 0.0008, "light": 0.9, "clipped": 1.2}[spec.around]
    canvas = np.full((height, width, 3), lamp)
    inside = np.zeros((height, width), bool)
    truths: list[tuple[float, float, float, float, Truth]] = []
    y = margin
    gain = 0.9 if spec.around != "clipped" else 1.15
    for d, holes, found, _ in parts:
        x = margin + (
            0 if spec.strips == 1 else int(rng.uniform(0, width - 2 * margin - d.shape[1] + 1))
        )
        light = gain * 10**-d
        light[holes] = gain * 1.02 if lit else gain
        canvas[y : y + d.shape[0], x : x + d.shape[1]] = light
        cover = round(spec.covered * s)
        if cover:
            canvas[y : y + cover] = lamp
            canvas[y + d.shape[0] - cover : y + d.shape[0]] = lamp
        inside[y : y + d.shape[0], x : x + d.shape[1]] = True
        for x0, y0, x1, y1, t in found:
            truths.append((x0 * s + x, y0 * s + y, x1 * s + x, y1 * s + y, t))
        y += d.shape[0] + gap
    # turned by inverse mapping about the middle, bilinear
    yy, xx = np.mgrid[0:big_h, 0:big_w].astype(np.float64)
    cx, cy = (big_w - 1) / 2, (big_h - 1) / 2
    px = np.cos(a) * (xx - cx) - np.sin(a) * (yy - cy) + (width - 1) / 2
    py = np.sin(a) * (xx - cx) + np.cos(a) * (yy - cy) + (height - 1) / 2
    out = sampled(canvas, px, py, lamp) if spec.turn else canvas
    h, w = out.shape[:2]
    ry = np.linspace(-1, 1, h)[:, None] ** 2
    rx = np.linspace(-1, 1, w)[None] ** 2
    out = out * (1 - spec.falloff * (rx + ry) / 2)[..., None]
    out = out + rng.standard_normal(out.shape) * 0.0004 + 0.0006
    scan: list[Truth] = []
    for x0, y0, x1, y1, t in truths:
        c = np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)]) - 0.5
        if spec.turn:
            dx, dy = c[:, 0] - (width - 1) / 2, c[:, 1] - (height - 1) / 2
            c = np.stack(
                [np.cos(a) * dx + np.sin(a) * dy + cx, -np.sin(a) * dx + np.cos(a) * dy + cy], 1
            )
        t.corners = c + 0.5
        scan.append(t)
    if spec.partly:
        cut = int(scan[0].corners[:, 0].mean())
        out = out[:, cut:]
        for t in scan:
            t.corners = t.corners - np.array([cut, 0])
        scan[0].kind = "partly"
    if spec.upright:
        out = np.rot90(out, -1)  # clockwise: x' = h - y, y' = x
        h = out.shape[1]
        for t in scan:
            t.corners = np.stack([h - t.corners[:, 1], t.corners[:, 0]], 1)
    codes = np.clip(np.round(out * 65535), 0, 65535).astype(np.uint16)
    return Scan(np.ascontiguousarray(codes), scan, s, spec)


def sampled(picture: Floats, x: Floats, y: Floats, beyond: float) -> Floats:
    h, w = picture.shape[:2]
    padded = np.pad(picture, [(1, 1), (1, 1), (0, 0)], constant_values=beyond)
    x, y = np.clip(x + 1, 0, w + 0.999), np.clip(y + 1, 0, h + 0.999)
    x0, y0 = x.astype(int), y.astype(int)
    fx, fy = (x - x0)[..., None], (y - y0)[..., None]
    top = padded[y0, x0] * (1 - fx) + padded[y0, x0 + 1] * fx
    low = padded[y0 + 1, x0] * (1 - fx) + padded[y0 + 1, x0 + 1] * fx
    return np.asarray(top * (1 - fy) + low * fy)
