// The roll: small positives with what is known of each, one focus, many selected.

import { Problem, picture } from "./api.js";

const AT_ONCE = 3;
const AGAIN_MS = 100;

export class Thumbnails {
  #urls = new Map(); // name -> { url, key }
  #queue = [];
  #running = 0;
  #waiting = new Map(); // name -> key that is asked for
  #turns = new Map(); // name -> how often its grade changed
  constructor(store, show) { this.store = store; this.show = show; }

  get(name) { return this.#urls.get(name)?.url; }

  want(frame, { first = false } = {}) {
    if (frame.status === "failed" || frame.problem) return;
    const key = this.#key(frame);
    if (this.#urls.get(frame.name)?.key === key || this.#waiting.get(frame.name) === key) return;
    this.#waiting.set(frame.name, key);
    this.#queue = this.#queue.filter((name) => name !== frame.name);
    if (first) this.#queue.unshift(frame.name); else this.#queue.push(frame.name);
    this.#next();
  }

  // The grade of a frame changed: its picture is another one.
  stale(name) { this.#turns.set(name, (this.#turns.get(name) ?? 0) + 1); }

  #key(frame) { return `${frame.stamp} ${frame.source} ${this.#turns.get(frame.name) ?? 0}`; }

  async #next() {
    if (this.#running >= AT_ONCE || !this.#queue.length) return;
    const name = this.#queue.shift();
    const frame = this.store.frame(name);
    if (!frame) { this.#next(); return; }
    this.#running += 1;
    const key = this.#waiting.get(name);
    try {
      const preset = this.store.edited(name);
      const made = await picture({ name, size: size(), format: "jpeg", tag: "grid", ...(preset ? { preset } : {}) });
      withFilm(this.store.frame(name), made);
      this.#put(name, made.url, key);
    } catch (problem) {
      if (problem instanceof Problem && problem.status === 422) { frame.status = "failed"; frame.message = problem.message; frame.hint = problem.body.hint; this.show(name); }
      // another tab asked for the same picture: this one still needs its own
      if (problem instanceof Problem && problem.status === 409 && this.#waiting.get(name) === key) setTimeout(() => this.want(this.store.frame(name) ?? frame), AGAIN_MS);
    } finally {
      this.#running -= 1;
      if (this.#waiting.get(name) === key) this.#waiting.delete(name);
      this.#next();
    }
    this.#next();
  }

  #put(name, url, key) {
    const old = this.#urls.get(name);
    this.#urls.set(name, { url, key });
    this.show(name);
    if (old) setTimeout(() => URL.revokeObjectURL(old.url), 1000);
  }
}

const size = () => (window.devicePixelRatio > 1.2 || window.innerWidth > 1900 ? 400 : 256);

// Keep what a picture's answer says of the film and its frame numbers: they are known once the scan was read.
export function withFilm(frame, made) {
  if (!frame || !made?.numbers) return false;
  Object.assign(frame, { film: made.film, numbers: made.numbers });
  return true;
}

// The numbers of a frame's pictures on the film: "frame 12", "frames 12 to 17".
export function numbers(frame) {
  const own = frame.numbers || [];
  if (!own.length) return "";
  return own.length === 1 ? `frame ${own[0]}` : `frames ${own[0]} to ${own.at(-1)}`;
}

export function badges(frame, { film = false } = {}) {
  const labels = [];
  const number = numbers(frame);
  if (frame.film && (number || film)) labels.push([film ? [frame.film, number].filter(Boolean).join(", ") : number, "number", [frame.film, number].filter(Boolean).join(", ")]);
  if (frame.status === "failed") labels.push(["failed", "bad"]);
  if (frame.problem) labels.push(["preset", "bad"]);
  if (frame.confidence && frame.confidence !== "high") labels.push([frame.confidence === "low" ? "not sure" : "fairly sure", frame.confidence]);
  if (frame.kind === "outlier") labels.push(["unlike the roll", ""]);
  if (frame.kind === "no_picture") labels.push(["no picture", ""]);
  if (frame.pages > 1) labels.push([`1 of ${frame.pages} pages`, "", `This file holds ${frame.pages} pages. The first is shown; a batch grades all of them by the same preset.`]);
  if (frame.pictures > 1) labels.push([`${frame.pictures} pictures`, ""]);
  if (frame.turned) labels.push([`${frame.turned} to be turned level`, "", "A batch turns these pictures level. Here they are shown as they lie in the scan."]);
  if (frame.mark === "done") labels.push(["done", "done"]);
  if (frame.mark === "reject") labels.push(["reject", "reject"]);
  return labels.map(([text, kind, more]) => {
    const badge = document.createElement("span");
    if (more) badge.title = more;
    badge.className = `badge ${kind}`;
    badge.textContent = text;
    if (frame.reason && (kind === "low" || kind === "medium" || !kind)) badge.title = frame.reason;
    return badge;
  });
}

export class Grid {
  #items = new Map();
  constructor(list, empty, store, thumbnails, open) {
    Object.assign(this, { list, empty, store, thumbnails, open });
    this.current = null;
    this.names = [];
    this.seen = new IntersectionObserver((entries) => {
      for (const entry of entries) if (entry.isIntersecting) this.#want(entry.target.dataset.name);
    }, { rootMargin: "300px" });
  }

  #want(name) { const frame = this.store.frame(name); if (frame) this.thumbnails.want(frame); }

  // Ask again for what is in sight.
  refresh() {
    for (const [name, item] of this.#items) { this.seen.unobserve(item); if (this.names.includes(name)) this.seen.observe(item); }
  }

  render(frames, nothing) {
    const wanted = frames.map((frame) => this.#item(frame));
    this.names = frames.map((frame) => frame.name);
    this.list.replaceChildren(...wanted);
    this.empty.hidden = frames.length > 0;
    this.empty.textContent = nothing;
    for (const frame of frames) this.update(frame.name);
    if (!this.names.includes(this.current)) this.current = this.names[0] ?? null;
    this.mark();
  }

  #item(frame) {
    let item = this.#items.get(frame.name);
    if (item) return item;
    item = document.createElement("li");
    item.className = "frame";
    item.dataset.name = frame.name;
    item.innerHTML = '<button type="button"><span class="thumb"></span><span class="name"><b></b></span><span class="badges"></span></button>';
    const button = item.firstChild;
    button.addEventListener("click", (event) => this.#clicked(event, frame.name));
    button.addEventListener("dblclick", () => this.open(frame.name));
    button.addEventListener("focus", () => { this.current = frame.name; this.mark(); });
    this.#items.set(frame.name, item);
    this.seen.observe(item);
    return item;
  }

  #clicked(event, name) {
    if (event.ctrlKey || event.metaKey) this.toggle(name);
    else if (event.shiftKey) this.#range(name);
    else this.open(name);
  }

  toggle(name) {
    if (!this.store.selected.delete(name)) this.store.selected.add(name);
    this.current = name;
    this.mark();
  }

  #range(name) {
    const [a, b] = [this.names.indexOf(this.current), this.names.indexOf(name)].sort((x, y) => x - y);
    for (const one of this.names.slice(Math.max(0, a), b + 1)) this.store.selected.add(one);
    this.mark();
  }

  mark() {
    for (const [name, item] of this.#items) {
      item.classList.toggle("selected", this.store.selected.has(name));
      item.classList.toggle("current", name === this.current);
      item.firstChild.setAttribute("aria-pressed", String(this.store.selected.has(name)));
    }
  }

  update(name) {
    const item = this.#items.get(name), frame = this.store.frame(name);
    if (!item || !frame) return;
    item.className = `frame ${frame.status === "failed" || frame.problem ? "failed" : ""} ${frame.mark || ""}`;
    item.querySelector("b").textContent = frame.name;
    item.querySelector(".badges").replaceChildren(...badges(frame));
    const thumb = item.querySelector(".thumb"), url = this.thumbnails.get(name);
    const problemText = frame.status === "failed" ? frame.message : frame.problem;
    if (problemText) thumb.replaceChildren(text(problemText));
    else if (url) {
      let image = thumb.querySelector("img");
      if (!image) { image = document.createElement("img"); image.alt = ""; thumb.replaceChildren(image); }
      image.src = url;
    } else if (!thumb.firstChild) thumb.replaceChildren(text("…"));
    item.firstChild.setAttribute("aria-label", [frame.name, ...badges(frame).map((b) => b.textContent), problemText].filter(Boolean).join(", "));
    this.mark();
  }

  move(step) {
    const index = this.names.indexOf(this.current);
    const next = this.names[Math.max(0, Math.min(this.names.length - 1, index + step))];
    if (next) this.#items.get(next).firstChild.focus();
  }

  get columns() {
    return getComputedStyle(this.list).gridTemplateColumns.split(" ").length;
  }

  focus() { if (this.current) this.#items.get(this.current)?.firstChild.focus({ preventScroll: false }); }
}

function text(value) {
  const made = document.createElement("span");
  made.className = "none";
  made.textContent = value;
  return made;
}
