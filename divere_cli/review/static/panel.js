// The controls of one frame's grade, and the ring-around: the picture itself, one step towards each color.

import { get, picture } from "./api.js";
import { color, exposure, ringNames, ringed, withColor, withContrast, withGains, withProfile } from "./entry.js";

const RING_MS = 250;
const ORDER = ["R", "Y", "M", "", "G", "B", "C"]; // opposite colors across the center, as in the printer's chart
const PLACES = { R: [1, 2], Y: [1, 4], M: [2, 1], "": [2, 3], G: [2, 5], B: [3, 2], C: [3, 4] };
const WORDS = { R: "more red", G: "more green", B: "more blue", C: "more cyan", M: "more magenta", Y: "more yellow", "": "as it is" };
const CHANNELS = ["red", "green", "blue"];

export class Panel {
  #ring = new Map();
  #timer = 0;
  #drawing = false;
  #again = false;
  constructor(parts, viewer, changed) {
    Object.assign(this, parts);
    this.viewer = viewer;
    this.changed = changed;
    this.#controls();
    this.#makeRing();
  }

  get step() { return Number(this.stepChoice.value); }

  // Show what the frame's entry says.
  show() {
    const now = this.viewer.figures;
    const e = exposure(now.gains), c = color(now.gains);
    const range = this.exposure;
    if (!range.min || e < Number(range.min) || e > Number(range.max) || this.#of !== this.viewer.name) {
      const middle = exposure(this.viewer.details.pictures[this.viewer.index].rgb_gains);
      range.min = Math.min(middle, e) - 0.8;
      range.max = Math.max(middle, e) + 0.8;
      this.#of = this.viewer.name;
    }
    set(range, e); set(this.exposureValue, e.toFixed(3));
    CHANNELS.forEach((name, i) => { set(this[name], c[i]); set(this[`${name}Value`], c[i].toFixed(3)); });
    set(this.contrast, now.contrast); set(this.contrastValue, now.contrast.toFixed(2));
    for (const name of [...CHANNELS, ...CHANNELS.map((n) => `${n}Value`)]) this[name].disabled = now.monochrome;
    this.ring.hidden = now.monochrome;
    this.pick.disabled = now.monochrome;
    this.#later();
  }
  #of = null;

  #controls() {
    const gains = (made) => this.#apply((entry, i, details) => withGains(entry, i, details, made(this.viewer.figures.gains)));
    const level = (value) => gains((now) => now.map((v) => v + value - exposure(now)));
    this.exposure.addEventListener("input", () => level(Number(this.exposure.value)));
    number(this.exposureValue, level);
    CHANNELS.forEach((name, channel) => {
      const shift = (value) => gains((now) => withColor(now, channel, value));
      this[name].addEventListener("input", () => shift(Number(this[name].value)));
      number(this[`${name}Value`], shift);
    });
    const slope = (value) => this.#apply((entry, i, details) => withContrast(entry, i, details, value));
    this.contrast.addEventListener("input", () => slope(Number(this.contrast.value)));
    number(this.contrastValue, slope);
    this.profile.addEventListener("change", () => this.#profile(this.profile.value));
    this.stepChoice.addEventListener("change", () => this.#later());
    this.nudge = {
      brighter: (fine) => gains((now) => now.map((v) => v + (fine ? 0.01 : this.step))),
      darker: (fine) => gains((now) => now.map((v) => v - (fine ? 0.01 : this.step))),
      harder: (fine) => slope(this.viewer.figures.contrast + (fine ? 0.01 : 0.05)),
      softer: (fine) => slope(this.viewer.figures.contrast - (fine ? 0.01 : 0.05)),
      ring: (name, fine) => { if (!this.viewer.figures.monochrome) gains((now) => ringed(now, name, fine ? 0.01 : this.step)); },
      gains: (value) => gains(() => value),
    };
  }

  #apply(make) {
    if (this.viewer.name === null || !this.viewer.details) return;
    this.changed(make(this.viewer.entry, this.viewer.index, this.viewer.details.pictures[this.viewer.index]));
  }

  async listProfiles() {
    const library = await get("/api/profiles");
    const first = document.createElement("option");
    first.value = "";
    first.textContent = "as the entry has it";
    const groups = new Map();
    for (const one of library.profiles) {
      if (!groups.has(one.group)) { const group = document.createElement("optgroup"); group.label = one.group || "profiles"; groups.set(one.group, group); }
      const option = document.createElement("option");
      option.value = one.name;
      option.textContent = one.title === one.name ? one.name : `${one.name}: ${one.title}`;
      groups.get(one.group).append(option);
    }
    this.profile.replaceChildren(first, ...groups.values());
    return library.spaces;
  }

  async #profile(name) {
    if (!name) return;
    const { name: frame, index } = this.viewer;
    const profile = await get(`/api/profiles/${encodeURIComponent(name)}`);
    if (this.viewer.name === frame && this.viewer.index === index) this.#apply((entry, i, details) => withProfile(entry, i, details, profile));
  }

  // ---------------------------------------------------------------- the ring-around

  #makeRing() {
    for (const name of ORDER) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = name ? "" : "center";
      button.innerHTML = "<img alt=\"\"><span></span>";
      button.lastChild.textContent = name || "now";
      button.setAttribute("aria-label", WORDS[name]);
      button.title = name ? `${WORDS[name]} (${name})` : "as it is";
      const [row, column] = PLACES[name];
      Object.assign(button.style, { gridRow: String(row), gridColumn: `${column} / span 2` });
      if (name) button.addEventListener("click", () => this.nudge.ring(name, false));
      else button.disabled = true;
      this.ring.append(button);
      this.#ring.set(name, button.firstChild);
    }
  }

  #later() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#draw(), RING_MS);
  }

  async #draw() {
    if (this.#drawing) { this.#again = true; return; }
    this.#drawing = true;
    do {
      this.#again = false;
      await this.#drawOnce();
    } while (this.#again);
    this.#drawing = false;
  }

  async #drawOnce() {
    const { name, index } = this.viewer;
    if (name === null || !this.viewer.details || this.viewer.figures.monochrome || this.ring.offsetParent === null) return;
    const details = this.viewer.details.pictures[index], entry = this.viewer.entry, gains = this.viewer.figures.gains;
    for (const one of ["", ...ringNames]) {
      if (this.#again || this.viewer.name !== name) return;
      const preset = one ? withGains(entry, index, details, ringed(gains, one, this.step)) : entry;
      try {
        const made = await picture({ name, preset, picture: index, size: 176, format: "jpeg", tag: `ring${one}` });
        const image = this.#ring.get(one), old = image.src;
        image.src = made.url;
        if (old) URL.revokeObjectURL(old);
      } catch { return; /* the large picture says what is wrong */ }
    }
  }
}

function set(input, value) { if (document.activeElement !== input || input.type === "range") input.value = value; }

function number(input, apply) {
  const take = () => { const value = Number(input.value); if (input.value !== "" && Number.isFinite(value)) apply(value); };
  input.addEventListener("change", take);
}
