// One frame large: the picture under its grade, 1:1, before and after, the neutral picker, the crop.

import { Problem, picture } from "./api.js";
import { WHOLE, figures, turned, unturned, withPlace } from "./entry.js";

const SLOW_MS = 5000;
const BUSY_MS = 400;
const STEP = 32; // sizes are whole steps: a window that is dragged does not decode anew

export class Viewer {
  name = null;
  index = 0;
  #entry = null;
  #details = null;
  #opened = null;
  #shown = null; // { url, width, height, ... } of the whole picture
  #running = null;
  #dirty = false;
  #before = false;
  #zoom = null; // { x, y } center in 0..1
  #crop = null;
  #timers = [];

  constructor(parts, store, hooks) {
    Object.assign(this, parts);
    this.store = store;
    this.hooks = hooks;
    this.picking = false;
    new ResizeObserver(() => { this.#place(); this.render(); }).observe(this.stage);
    this.#pointer();
  }

  get zoomed() { return this.#zoom !== null; }
  get cropping() { return this.#crop !== null; }
  get details() { return this.#details; }
  get entry() { return this.#entry; }
  get opened() { return this.#opened; }
  get figures() { return figures(this.#entry, this.index, this.#details.pictures[this.index]); }

  // Show a frame; what was asked for another one is not shown any more.
  open(name, details, entry, index = 0) {
    const another = this.name !== name;
    Object.assign(this, { name, index });
    this.#details = details;
    this.#entry = entry;
    if (another) { this.#opened = entry; this.#zoom = null; this.#crop = null; this.#before = false; this.picking = false; this.#clear(); }
    this.#layers();
    this.render();
  }

  close() {
    this.name = null;
    this.#details = this.#entry = this.#opened = this.#zoom = this.#crop = null;
    this.#before = false;
    this.#clear();
  }

  #clear() {
    this.#shown = null;
    this.large.removeAttribute("src");
    this.detail.hidden = true;
    this.trouble.hidden = true;
    this.hooks.details(null);
  }

  set(entry) { this.#entry = entry; this.render(); }
  keepAsOpened() { this.#opened = this.#entry; }

  // Ask for the picture as it is now. One request is under way; the newest of those that come meanwhile is next.
  render() {
    if (this.name === null || !this.#details || this.stage.clientWidth < 10) return;
    if (this.#running) { this.#dirty = true; return; }
    this.#running = this.#round();
  }

  async #round() {
    this.stage.setAttribute("aria-busy", "true");
    try {
      do {
        this.#dirty = false;
        await this.#once();
      } while (this.#dirty && this.name !== null && this.#details);
    } finally {
      this.#running = null;
      this.stage.setAttribute("aria-busy", "false");
    }
  }

  async #once() {
    const name = this.name;
    const entry = this.#before ? this.#opened : this.#entry;
    const preset = this.#crop ? withPlace(entry, this.index, { crop: WHOLE }) : entry;
    const box = this.#pixels();
    const wanted = { name, preset, picture: this.index, size: this.#size(box), format: "jpeg", tag: "large" };
    this.#wait(name);
    try {
      const made = await picture(wanted);
      if (this.name !== name) { URL.revokeObjectURL(made.url); this.#dirty = true; return; }
      this.#show(made);
      if (this.#zoom) await this.#close(name, preset, box);
    } catch (problem) {
      if (this.name !== name) { this.#dirty = true; return; }
      if (problem instanceof Problem && problem.status === 409) { if (!this.#dirty) setTimeout(() => this.render(), 50); } else this.#failed(problem);
    } finally {
      this.#timers.forEach(clearTimeout);
      this.busy.hidden = true;
    }
  }

  #wait(name) {
    this.#timers.forEach(clearTimeout);
    const say = (message) => { if (this.name === name) { this.busy.textContent = message; this.busy.hidden = false; } };
    this.#timers = [
      setTimeout(() => say(this.#shown ? "…" : "Opening the scan…"), BUSY_MS),
      setTimeout(() => say("This takes longer than 5 seconds: the scan is large or slow to read. Still working…"), SLOW_MS),
    ];
  }

  #show(made) {
    const old = this.#shown;
    this.#shown = made;
    this.large.src = made.url;
    this.trouble.hidden = true;
    this.#place();
    if (old) setTimeout(() => URL.revokeObjectURL(old.url), 500);
    this.hooks.details(made);
  }

  #failed(problem) {
    const line = document.createElement("p");
    line.textContent = `${this.name}: ${problem.message}`;
    const more = document.createElement("p");
    more.className = "quiet";
    more.textContent = problem.body?.hint || "";
    const again = document.createElement("button");
    again.type = "button";
    again.textContent = "Try again";
    again.addEventListener("click", () => this.hooks.again(this.name));
    this.trouble.replaceChildren(line, more, again);
    this.trouble.hidden = false;
    this.hooks.details(null);
  }

  // ---------------------------------------------------------------- sizes and places

  #pixels() {
    const ratio = window.devicePixelRatio || 1;
    return [Math.round(this.stage.clientWidth * ratio), Math.round(this.stage.clientHeight * ratio)];
  }

  // The long edge by which the picture fits the stage.
  #size([width, height]) {
    const [w, h] = this.#full();
    const scale = Math.min(width / w, height / h);
    return Math.max(64, Math.min(4096, Math.ceil((Math.max(w, h) * scale) / STEP) * STEP));
  }

  // Pixels of the positive.
  #full() {
    const now = this.figures, crop = this.#crop ? WHOLE : now.crop;
    const width = Math.max(1, Math.round((this.#details.width || 3) * crop[2])), height = Math.max(1, Math.round((this.#details.height || 2) * crop[3]));
    return now.turn % 180 ? [height, width] : [width, height];
  }

  // Where the whole picture lies on the stage, in CSS pixels.
  #frame() {
    const [width, height] = this.#full();
    const [sw, sh] = [this.stage.clientWidth, this.stage.clientHeight];
    if (!this.#zoom) {
      const scale = Math.min(sw / width, sh / height, this.#shown ? Infinity : 1e9);
      const most = Math.max(1, 1 / (window.devicePixelRatio || 1));
      const s = Math.min(scale, Math.max(most, scale > 3 ? 3 : scale));
      return { x: (sw - width * s) / 2, y: (sh - height * s) / 2, w: width * s, h: height * s, s };
    }
    const s = 1 / (window.devicePixelRatio || 1);
    const w = width * s, h = height * s;
    const x = w <= sw ? (sw - w) / 2 : Math.min(0, Math.max(sw - w, sw / 2 - this.#zoom.x * w));
    const y = h <= sh ? (sh - h) / 2 : Math.min(0, Math.max(sh - h, sh / 2 - this.#zoom.y * h));
    return { x, y, w, h, s };
  }

  #place() {
    if (this.name === null || !this.#details) return;
    const f = this.#frame();
    put(this.large, f.x, f.y, f.w, f.h);
    if (this.#window) {
      const [x, y, w, h] = this.#window;
      put(this.detail, f.x + x * f.w, f.y + y * f.h, w * f.w, h * f.h);
    }
    this.#drawCrop(f);
  }

  #layers() {
    this.detail.hidden = true;
    this.#window = null;
    this.stage.classList.toggle("zoomed", this.zoomed);
    this.stage.classList.toggle("picking", this.picking);
    this.cropBox.hidden = !this.#crop;
    this.#place();
    this.hooks.mode();
  }

  // ---------------------------------------------------------------- 1:1

  #window = null;

  toggleZoom(at = { x: 0.5, y: 0.5 }) {
    this.#zoom = this.#zoom ? null : at;
    this.#layers();
    this.render();
  }

  pan(dx, dy) {
    if (!this.#zoom) return;
    const f = this.#frame();
    const center = { x: (this.stage.clientWidth / 2 - f.x) / f.w, y: (this.stage.clientHeight / 2 - f.y) / f.h };
    this.#zoom = { x: Math.min(1, Math.max(0, center.x + dx)), y: Math.min(1, Math.max(0, center.y + dy)) };
    this.#place();
    this.render();
  }

  // The part of the picture in sight, from the scan's own pixels.
  async #close(name, preset, [width, height]) {
    const f = this.#frame();
    const x = Math.max(0, -f.x / f.w), y = Math.max(0, -f.y / f.h);
    const w = Math.min(1 - x, this.stage.clientWidth / f.w), h = Math.min(1 - y, this.stage.clientHeight / f.h);
    const window = [x, y, w, h];
    const made = await picture({ name, preset, picture: this.index, size: Math.max(width, height, 64), format: "jpeg", window, tag: "close" });
    if (this.name !== name || !this.#zoom) { URL.revokeObjectURL(made.url); return; }
    const old = this.detail.src;
    this.#window = window;
    this.detail.src = made.url;
    this.detail.hidden = false;
    this.#place();
    if (old) setTimeout(() => URL.revokeObjectURL(old), 500);
  }

  // ---------------------------------------------------------------- before and after, picker

  before(on) {
    if (this.#before === on) return;
    this.#before = on;
    this.hooks.mode();
    this.render();
  }
  get isBefore() { return this.#before; }

  pick(on) { this.picking = on; this.#layers(); }

  // ---------------------------------------------------------------- crop

  startCrop() {
    this.#zoom = null;
    const now = this.figures;
    this.#crop = turned(now.crop, now.turn);
    this.#layers();
    this.render();
    this.cropBox.tabIndex = 0;
    this.cropBox.setAttribute("role", "application");
    this.cropBox.setAttribute("aria-label", "Crop: arrows move it, with Shift they size it, Enter takes it, Escape leaves it");
    this.cropBox.focus();
  }

  endCrop(take) {
    if (!this.#crop) return null;
    const box = take ? unturned(this.#crop, this.figures.turn).map((v) => Math.round(Math.min(1, Math.max(0, v)) * 1e5) / 1e5) : null;
    this.#crop = null;
    this.#layers();
    this.render();
    return box;
  }

  moveCrop(dx, dy, dw, dh) {
    if (!this.#crop) return;
    const [x, y, w, h] = this.#crop;
    const width = Math.min(1, Math.max(0.02, w + dw)), height = Math.min(1, Math.max(0.02, h + dh));
    this.#crop = [Math.min(1 - width, Math.max(0, x + dx)), Math.min(1 - height, Math.max(0, y + dy)), width, height];
    this.#place();
  }

  #drawCrop(f) {
    if (!this.#crop) return;
    const [x, y, w, h] = this.#crop;
    put(this.cropBox, f.x + x * f.w, f.y + y * f.h, w * f.w, h * f.h);
    if (!this.cropBox.firstChild) for (const at of ["nw", "ne", "sw", "se"]) { const handle = document.createElement("i"); handle.dataset.at = at; this.cropBox.append(handle); }
  }

  // ---------------------------------------------------------------- pointer

  #pointer() {
    let drag = null;
    this.stage.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || this.name === null || !this.trouble.hidden) return;
      const at = this.#at(event);
      if (this.picking) { if (at) this.hooks.picked(at); return; }
      drag = { x: event.clientX, y: event.clientY, handle: event.target.dataset?.at, inCrop: event.target.closest?.("#crop-box"), moved: false };
      this.stage.setPointerCapture(event.pointerId);
      this.stage.classList.add("dragging");
    });
    this.stage.addEventListener("pointermove", (event) => {
      if (!drag) return;
      const dx = event.clientX - drag.x, dy = event.clientY - drag.y;
      if (Math.abs(dx) + Math.abs(dy) > 3) drag.moved = true;
      if (!drag.moved) return;
      const f = this.#frame();
      if (this.#crop) this.#dragCrop(drag, dx / f.w, dy / f.h);
      else if (this.#zoom) this.pan(-dx / f.w, -dy / f.h);
      Object.assign(drag, { x: event.clientX, y: event.clientY });
    });
    const end = () => { drag = null; this.stage.classList.remove("dragging"); };
    this.stage.addEventListener("pointerup", end);
    this.stage.addEventListener("pointercancel", end);
    this.stage.addEventListener("dblclick", (event) => {
      if (this.#crop || this.picking) return;
      this.toggleZoom(this.#at(event) || undefined);
    });
  }

  #dragCrop(drag, dx, dy) {
    if (!drag.handle) { if (drag.inCrop) this.moveCrop(dx, dy, 0, 0); return; }
    const west = drag.handle.includes("w"), north = drag.handle.includes("n");
    const [x, y, w, h] = this.#crop;
    let left = x, top = y, right = x + w, bottom = y + h;
    if (west) left = Math.min(right - 0.02, Math.max(0, left + dx)); else right = Math.max(left + 0.02, Math.min(1, right + dx));
    if (north) top = Math.min(bottom - 0.02, Math.max(0, top + dy)); else bottom = Math.max(top + 0.02, Math.min(1, bottom + dy));
    this.#crop = [left, top, right - left, bottom - top];
    this.#place();
  }

  #at(event) {
    const box = this.stage.getBoundingClientRect(), f = this.#frame();
    const x = (event.clientX - box.left - f.x) / f.w, y = (event.clientY - box.top - f.y) / f.h;
    return x >= 0 && x <= 1 && y >= 0 && y <= 1 ? { x, y } : null;
  }
}

function put(element, x, y, w, h) {
  Object.assign(element.style, { left: `${x}px`, top: `${y}px`, width: `${w}px`, height: `${h}px` });
}
