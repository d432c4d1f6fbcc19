// The page: puts the parts together, hears the keyboard, asks now and then what changed by itself.

import { Problem, get, post } from "./api.js";
import { WHOLE, change, figures, pictures, withChange, withGradeOf, withPlace } from "./entry.js";
import { Grid, Thumbnails, badges, withFilm } from "./grid.js";
import * as histogram from "./histogram.js";
import { Panel } from "./panel.js";
import { Store } from "./store.js";
import { Viewer } from "./viewer.js";

const $ = (id) => document.getElementById(id);
const SURE = { low: 0, medium: 1 };
const LOOK_MS = 1500;

const store = new Store();
const thumbnails = new Thumbnails(store, (name) => { grid.update(name); strip(); });
const grid = new Grid($("grid"), $("empty"), store, thumbnails, (name) => openFrame(name));
const viewer = new Viewer(
  { stage: $("stage"), large: $("large"), detail: $("close"), cropBox: $("crop-box"), busy: $("busy"), trouble: $("trouble") },
  store,
  { details, mode, picked, again },
);
const panel = new Panel(
  {
    exposure: $("exposure"), exposureValue: $("exposure-value"), red: $("red"), redValue: $("red-value"), green: $("green"), greenValue: $("green-value"),
    blue: $("blue"), blueValue: $("blue-value"), contrast: $("contrast"), contrastValue: $("contrast-value"), profile: $("profile"), ring: $("ring"),
    stepChoice: $("step"), pick: $("pick"),
  },
  viewer,
  changed,
);

// ------------------------------------------------------------------ the roll

function listed() {
  const wanted = $("filter").value;
  const frames = store.frames.filter((frame) => {
    if (wanted === "open") return !frame.mark && frame.status !== "failed";
    if (wanted === "done" || wanted === "reject") return frame.mark === wanted;
    if (wanted === "failed") return frame.status === "failed" || frame.problem;
    return true;
  });
  if (wanted !== "unsure") return frames;
  const rank = (frame) => (frame.status === "failed" || frame.problem ? -1 : (SURE[frame.confidence] ?? 2) + (frame.kind === "outlier" || frame.kind === "no_picture" ? -0.5 : 0));
  return [...frames].sort((a, b) => rank(a) - rank(b));
}

function showRoll() {
  $("folder").textContent = store.folder;
  document.title = `${store.folder} – divere review`;
  const unsure = store.frames.filter((f) => f.confidence === "low").length, failed = store.frames.filter((f) => f.status === "failed" || f.problem).length;
  const done = store.frames.filter((f) => f.mark === "done").length, reject = store.frames.filter((f) => f.mark === "reject").length;
  const parts = [`${store.frames.length} frames`];
  if (unsure) parts.push(`${unsure} not sure`);
  if (failed) parts.push(`${failed} failed`);
  if (done) parts.push(`${done} done`);
  if (reject) parts.push(`${reject} rejected`);
  const others = store.folders.length;
  if (others) parts.push(others === 1 ? "1 sub-folder with scans is not shown" : `${others} sub-folders with scans are not shown`);
  $("counts").textContent = parts.join(" · ");
  $("counts").title = others ? `Each folder is a roll with presets of its own: divere review ${store.folders.join(", ")}` : "";
  grid.render(listed(), store.frames.length ? "No frame is like that." : "There are no scans in this folder.");
  strip();
}

function strip() {
  if ($("frame-view").hidden) return;
  const frames = listed(), at = frames.findIndex((frame) => frame.name === viewer.name);
  const near = frames.slice(Math.max(0, at - 3), at + 4);
  $("strip").replaceChildren(...near.map((frame) => {
    const item = document.createElement("li"), button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-label", frame.name);
    button.title = frame.name;
    const url = thumbnails.get(frame.name);
    if (url) { const image = document.createElement("img"); image.src = url; image.alt = ""; button.append(image); } else button.textContent = frame.name;
    if (frame.name === viewer.name) { item.className = "current"; button.setAttribute("aria-current", "true"); }
    button.addEventListener("click", () => openFrame(frame.name));
    item.append(button);
    return item;
  }));
}

// ------------------------------------------------------------------ one frame

// The frame that is to be seen large, from the key on; the viewer has it only with the service's answer.
let large = null, opening = Promise.resolve();

function openFrame(name, index = 0) {
  opening = opened(name, index);
  return opening;
}

async function opened(name, index) {
  const frame = store.frame(name);
  if (!frame) return;
  if (viewer.name !== null && viewer.name !== name) { leave(); }
  grid.current = large = name;
  $("grid-view").hidden = true;
  $("frame-view").hidden = false;
  $("title").textContent = name;
  $("badges").replaceChildren(...badges(frame, { film: true }));
  location.hash = encodeURIComponent(name);
  try {
    const details = await store.details(name);
    if (large !== name) return; // answers come late, and not in order
    const entry = store.entry(name);
    viewer.open(name, details, entry, Math.min(index, pictures(entry) - 1));
    choosePicture();
    refreshPanel();
  } catch (problem) {
    if (large !== name) return;
    viewer.close();
    viewer.name = name;
    trouble(frame, problem);
  }
  strip();
}

// Do something with the picture that is to be seen large, as soon as the viewer has it.
function onPicture(act) {
  const name = large;
  if (viewer.name === name) { if (viewer.details) act(); return; }
  opening.then(() => { if (large === name && viewer.name === name && viewer.details) act(); });
}

function trouble(frame, problem) {
  const box = $("trouble"), line = document.createElement("p"), hint = document.createElement("p");
  line.textContent = `${frame.name}: ${frame.message || problem.message}`;
  hint.className = "quiet";
  hint.textContent = frame.hint || problem.body?.hint || "";
  box.replaceChildren(line, hint);
  box.hidden = false;
  $("busy").hidden = true;
}

function leave() {
  if (viewer.cropping) viewer.endCrop(false);
  if (store.unsaved) store.save();
}

function toGrid() {
  leave();
  viewer.close();
  large = null;
  $("frame-view").hidden = true;
  $("grid-view").hidden = false;
  history.replaceState(null, "", "/");
  showRoll();
  grid.refresh();
  grid.focus();
}

function choosePicture() {
  const count = pictures(viewer.entry), details = viewer.details.pictures;
  $("picture-label").hidden = count < 2;
  $("picture").replaceChildren(...Array.from({ length: count }, (_, i) => {
    const option = document.createElement("option");
    option.value = String(i);
    const name = details[i]?.name || String(i + 1), number = store.frame(viewer.name)?.numbers?.[i];
    option.textContent = number && number !== name ? `${name} (frame ${number})` : name;
    return option;
  }));
  $("picture").value = String(viewer.index);
}

const SOURCES = { entry: "its own entry in divere_presets.json", folder_default: "the folder's default", measured: "measured just now, not written yet", shipped: "a shipped profile as it is" };

function refreshPanel() {
  if (viewer.name === null || !viewer.details) return;
  panel.show();
  const frame = store.frame(viewer.name);
  const source = store.edited(viewer.name) ? "changed here" : SOURCES[frame?.source] || "";
  $("source").textContent = `Now: ${source}${frame?.reason ? `. ${frame.reason}` : ""}`;
  $("badges").replaceChildren(...badges(frame, { film: true }));
  $("mark-done").setAttribute("aria-pressed", String(frame?.mark === "done"));
  $("mark-reject").setAttribute("aria-pressed", String(frame?.mark === "reject"));
  panel.profile.value = "";
  panel.profile.options[0].textContent = frame?.source === "shipped" ? `now: ${viewer.details.profile}` : "as its entry has it";
}

function changed(entry) {
  if (viewer.name !== large) { refreshPanel(); return; } // a slider of the frame before
  viewer.set(entry);
  store.edit(viewer.name, entry);
  refreshPanel();
}

function details(made) {
  const frame = store.frame(viewer.name);
  if (withFilm(frame, made)) {
    $("badges").replaceChildren(...badges(frame, { film: true }));
    grid.update(frame.name);
  }
  histogram.draw($("histogram"), made?.histogram);
  const words = made ? histogram.words(made.histogram, viewer.details?.facts) : [];
  $("clipping").replaceChildren(...words.flatMap(([what, share, where], i) => {
    const strong = document.createElement("b");
    strong.textContent = share + where;
    return [document.createTextNode((i ? " · " : "") + what), strong];
  }));
  $("histogram").setAttribute("aria-label", `Histogram. ${$("clipping").textContent || "Nothing clips."}`);
}

function mode() {
  $("zoom").setAttribute("aria-pressed", String(viewer.zoomed));
  $("before").setAttribute("aria-pressed", String(viewer.isBefore));
  $("crop").setAttribute("aria-pressed", String(viewer.cropping));
  $("crop").textContent = viewer.cropping ? "Take crop" : "Crop";
  $("pick").setAttribute("aria-pressed", String(viewer.picking));
}

async function picked(at) {
  const { name, index } = viewer;
  viewer.pick(false);
  try {
    const answer = await post("/api/pick", { name, preset: viewer.entry, picture: index, at: [at.x, at.y] });
    if (viewer.name === name && viewer.index === index) panel.nudge.gains(answer.rgb_gains);
  } catch (problem) { say(problem.message); }
}

async function again(name) {
  await post("/api/again", { name });
  await store.load();
  viewer.render();
}

function turn(by) {
  if (viewer.cropping) return;
  const now = viewer.figures;
  changed(withPlace(viewer.entry, viewer.index, { orientation: (now.turn + by + 360) % 360, crop: now.crop }));
}

function crop() {
  if (!viewer.cropping) { viewer.startCrop(); return; }
  const box = viewer.endCrop(true);
  changed(withPlace(viewer.entry, viewer.index, { crop: box, orientation: viewer.figures.turn }));
}

function uncrop() {
  if (viewer.cropping) viewer.endCrop(false);
  changed(withPlace(viewer.entry, viewer.index, { crop: WHOLE, orientation: viewer.figures.turn }));
}

function step(by) {
  const names = listed().map((frame) => frame.name);
  const next = names[names.indexOf(large) + by];
  if (next) openFrame(next);
}

async function mark(kind) {
  const names = large === null && store.selected.size ? [...store.selected] : [large ?? grid.current].filter(Boolean);
  if (!names.length) return;
  const all = kind && names.every((name) => store.frame(name)?.mark === kind);
  const marks = Object.fromEntries(names.map((name) => [name, all ? null : kind]));
  if (await store.change({}, marks)) { showRoll(); refreshPanel(); }
}

// ------------------------------------------------------------------ to other frames

function targets(kind) {
  const names = listed().filter((frame) => frame.status !== "failed" && !frame.problem).map((frame) => frame.name);
  const from = viewer.name;
  if (kind === "all") return names.filter((name) => name !== from);
  if (kind === "selected") return [...store.selected].filter((name) => name !== from && store.frame(name)?.status !== "failed");
  return names.slice(names.indexOf(from) + 1);
}

function askApply() {
  if (viewer.name === null || !viewer.details) return;
  for (const span of document.querySelectorAll("[data-count]")) span.textContent = `(${targets(span.dataset.count).length})`;
  $("apply-dialog").returnValue = "";
  $("apply-dialog").showModal();
}

async function apply() {
  const to = document.querySelector("[name=apply-to]:checked").value, as = document.querySelector("[name=apply-as]:checked").value;
  const names = targets(to);
  if (!names.length) return;
  const details = viewer.details.pictures[viewer.index];
  const delta = change(figures(viewer.opened, viewer.index, details), viewer.figures);
  const from = viewer.entry, fromIndex = viewer.index;
  await store.save();
  const entries = {};
  for (const name of names) {
    try {
      const other = await store.details(name);
      let entry = store.entry(name);
      for (let i = 0; i < pictures(entry); i += 1) {
        entry = as === "grade" ? withGradeOf(entry, i, other.pictures[i], from, fromIndex, details) : withChange(entry, i, other.pictures[i], delta);
      }
      entries[name] = entry;
    } catch (problem) { say(`${name}: ${problem.message}`); }
  }
  if (await store.change(entries, {})) say(`Applied to ${names.length} frame${names.length === 1 ? "" : "s"}.`);
}

// ------------------------------------------------------------------ export

async function exportRoll() {
  const [format, bits] = { tiff16: ["tiff", 16], tiff8: ["tiff", 8], jpeg: ["jpeg", null], png16: ["png", 16] }[$("export-format").value];
  await store.save();
  try {
    await store.through(() => post("/api/export", { // what was measured is written down for it
      output: $("export-folder").value.trim(), format, bit_depth: bits, color_space: $("export-space").value, quality: Number($("export-quality").value) || null,
    }));
    $("export-failures").replaceChildren();
    await store.load();
    look();
  } catch (problem) { $("export-running").hidden = false; $("export-message").textContent = problem.message; }
}

function showExport(progress) {
  const running = progress.state === "running";
  $("export").textContent = running ? `Export ${progress.done}/${progress.total || "…"}` : "Export…";
  $("export-stop").hidden = !running;
  $("export-go").disabled = running;
  if (progress.state === "idle") return;
  $("export-running").hidden = false;
  $("export-progress").value = progress.total ? progress.done / progress.total : running ? 0 : 1;
  $("export-message").textContent = running ? `${progress.done} of ${progress.total || "…"}` : progress.message;
  $("export-failures").replaceChildren(...progress.failures.map(({ name, message }) => {
    const item = document.createElement("li");
    item.textContent = `${name}: ${message}`;
    return item;
  }));
}

// ------------------------------------------------------------------ what happens by itself

let notice = 0, measuring = "", messageUntil = 0, looking = null;

// One question at a time: of two, the older answer could come last.
function look() { return looking ??= lookOnce().finally(() => { looking = null; }); }

async function lookOnce() {
  try {
    const settled = store.settled;
    const state = await get(`/api/state?after=${notice}`);
    online(true);
    showExport(state.exporting);
    for (const one of state.notices) { notice = Math.max(notice, one.number); showNotice(`${one.name}: ${one.message}`); }
    if (measuring === "running" && state.measuring.state === "ended") await measured(state.measuring);
    measuring = state.measuring.state;
    if (measuring === "running" && Date.now() > messageUntil) $("saved").textContent = "Measuring the roll…";
    if (settled === null || settled !== store.settled) return; // a step of our own came in between
    if (!state.problem && store.problem) { if (!store.conflict) hideBanner(); await store.refresh(); return; } // it was mended
    if (state.problem && !store.problem) { await store.load(); return; }
    if (state.version !== store.version && !store.unsaved && !store.conflict) foreign();
  } catch (problem) {
    if (problem instanceof TypeError) online(false); else if (problem instanceof Problem) banner(problem.message, []);
  }
}

async function measured(progress) {
  await store.refresh();
  for (const frame of store.frames) thumbnails.stale(frame.name);
  grid.refresh();
  say(progress.exit_code === 0 ? "The roll was measured." : `The roll was not measured: ${progress.message}`);
}

function foreign() {
  if (!$("banner").hidden) return;
  banner("Another program changed divere_presets.json.", [["Show its state", async () => { await store.save(); if (store.conflict) return; await store.refresh(); for (const f of store.frames) thumbnails.stale(f.name); grid.refresh(); }]]);
}

function online(yes) {
  if (!yes) banner("The service has ended, or cannot be reached. What is not saved stays on this page.", []);
  else if ($("banner").dataset.kind === "offline") hideBanner();
  if (!yes) $("banner").dataset.kind = "offline";
}

function banner(message, choices) {
  const box = $("banner"), line = document.createElement("p");
  line.textContent = message;
  box.replaceChildren(line, ...choices.map(([label, act]) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = label;
    button.addEventListener("click", async () => { hideBanner(); await act(); });
    return button;
  }));
  box.dataset.kind = "";
  box.hidden = false;
}

function hideBanner() { $("banner").hidden = true; $("banner").dataset.kind = ""; }

// What happened to a frame stays until it was read: a line that "Saved" overwrites is lost.
function showNotice(message) {
  const line = document.createElement("li");
  line.textContent = message;
  $("notice-list").append(line);
  while ($("notice-list").children.length > 5) $("notice-list").firstElementChild.remove();
  $("notices").hidden = false;
}

function closeNotices() { $("notices").hidden = true; $("notice-list").replaceChildren(); }

function say(message) {
  messageUntil = Date.now() + 6000;
  $("saved").textContent = message;
  $("counts").dataset.message = message;
  if ($("frame-view").hidden) { $("counts").textContent = message; setTimeout(() => { if (Date.now() >= messageUntil) showRoll(); }, 6200); }
}

store.addEventListener("roll", showRoll);
store.addEventListener("edit", () => { history_(); });
store.addEventListener("saving", () => { $("saved").textContent = "Saving…"; });
store.addEventListener("saved", ({ detail }) => {
  $("saved").textContent = "Saved";
  for (const name of Object.keys(detail.entries)) { thumbnails.stale(name); const frame = store.frame(name); if (frame) thumbnails.want(frame, { first: true }); grid.update(name); }
  for (const name of Object.keys(detail.marks)) grid.update(name);
  refreshPanel();
});
store.addEventListener("history", history_);
store.addEventListener("trouble", ({ detail }) => banner(detail.message, []));
store.addEventListener("conflict", () => {
  const { message, entries, marks } = store.conflict;
  const names = [...new Set([...Object.keys(entries), ...Object.keys(marks)])];
  banner(`${message}. Your change of ${names.length === 1 ? names[0] : `${names.length} frames`} is not written.`, [
    ["Take theirs", () => store.settle(false)],
    ["Write mine over it", () => store.settle(true)],
  ]);
});
store.addEventListener("stepped", async ({ detail }) => {
  const names = detail.names ?? store.frames.map((frame) => frame.name);
  for (const name of names) { thumbnails.stale(name); const frame = store.frame(name); if (frame && detail.names) thumbnails.want(frame, { first: true }); }
  if (large !== null) {
    const name = detail.names?.length === 1 && store.frame(detail.names[0]) ? detail.names[0] : large;
    await openFrame(name, name === viewer.name ? viewer.index : 0);
  }
  grid.refresh();
});

function history_() {
  $("undo").disabled = !store.canUndo;
  $("redo").disabled = !store.canRedo;
}

// ------------------------------------------------------------------ keyboard

const KEYS = [
  ["← →", "previous, next frame"], ["↑ ↓", "rows; large: a little brighter, darker; 1:1: move"], ["Enter", "open a frame, take a crop"], ["Esc", "back"],
  ["+ −", "brighter, darker"], ["[ ]", "softer, harder"], ["R C", "more red, cyan"], ["G M", "more green, magenta"], ["B Y", "more blue, yellow"], ["Shift", "with letters and brackets: a fine step"],
  ["N", "pick a neutral gray"], ["\\", "hold: as it was"], ["Z", "1:1"], ["K", "crop"], [", .", "turn left, right"], ["P", "profile"],
  ["D", "done"], ["X", "reject"], ["S", "select"], ["Ctrl A", "select all"], ["A", "apply to others"], ["F", "what is shown"], ["E", "export"],
  ["Ctrl Z", "undo"], ["Ctrl Shift Z", "redo"], ["?", "this list"],
];

const inFrame = {
  "+": () => panel.nudge.brighter(false), "=": () => panel.nudge.brighter(false), "-": () => panel.nudge.darker(false), _: () => panel.nudge.darker(false),
  "[": () => panel.nudge.softer(false), "]": () => panel.nudge.harder(false), "{": () => panel.nudge.softer(true), "}": () => panel.nudge.harder(true),
  n: () => viewer.pick(!viewer.picking), z: () => viewer.toggleZoom(), k: crop, ",": () => turn(90), ".": () => turn(-90), p: () => panel.profile.focus(), a: askApply,
};
for (const name of ["r", "g", "b", "c", "m", "y"]) {
  inFrame[name] = () => panel.nudge.ring(name.toUpperCase(), false);
  inFrame[name.toUpperCase()] = () => panel.nudge.ring(name.toUpperCase(), true);
}
const anywhere = {
  d: () => mark("done"), x: () => mark("reject"), e: () => openExport(), "?": () => $("help-dialog").showModal(), f: () => $("filter").focus(),
  s: () => { const name = large ?? grid.current; if (name) { grid.toggle(name); say(store.selected.has(name) ? `${name} is selected` : `${name} is not selected`); } },
};

document.addEventListener("keydown", (event) => {
  if (document.querySelector("dialog[open]")) return;
  const control = event.ctrlKey || event.metaKey;
  const typing = event.target.matches?.("input[type=number], input[type=text], select, textarea");
  if (control && event.key.toLowerCase() === "z") { event.preventDefault(); if (event.shiftKey) store.redo(); else store.undo(); return; }
  if (control && event.key.toLowerCase() === "y") { event.preventDefault(); store.redo(); return; }
  if (control && event.key.toLowerCase() === "a" && !typing) { event.preventDefault(); for (const frame of listed()) store.selected.add(frame.name); grid.mark(); return; }
  if (control || event.altKey) return;
  if (typing) { if (event.key === "Escape") event.target.blur(); return; }
  if (large !== null ? frameKey(event) : gridKey(event)) { event.preventDefault(); return; }
  const change = large !== null ? inFrame[event.key] : null;
  if (change) { event.preventDefault(); onPicture(() => change()); return; }
  const act = anywhere[event.key];
  if (act) { event.preventDefault(); act(event); }
});

function frameKey(event) {
  const slider = event.target.matches?.("input[type=range]");
  if (viewer.cropping) return cropKey(event);
  if (event.key === "Escape") {
    if (viewer.picking) viewer.pick(false); else if (viewer.zoomed) viewer.toggleZoom(); else toGrid();
    return true;
  }
  if (event.key === "\\" && viewer.details) { viewer.before(true); return true; }
  if (slider || !event.key.startsWith("Arrow")) return false;
  if (viewer.zoomed) { viewer.pan({ ArrowLeft: -0.1, ArrowRight: 0.1 }[event.key] || 0, { ArrowUp: -0.1, ArrowDown: 0.1 }[event.key] || 0); return true; }
  const act = { ArrowLeft: () => step(-1), ArrowRight: () => step(1), ArrowUp: () => panel.nudge.brighter(true), ArrowDown: () => panel.nudge.darker(true) }[event.key];
  if (event.key === "ArrowLeft" || event.key === "ArrowRight") act(); else onPicture(act);
  return true;
}

function cropKey(event) {
  const by = 0.005;
  const way = { ArrowLeft: [-by, 0], ArrowRight: [by, 0], ArrowUp: [0, -by], ArrowDown: [0, by] }[event.key];
  if (way) { if (event.shiftKey) viewer.moveCrop(0, 0, ...way); else viewer.moveCrop(...way, 0, 0); return true; }
  if (event.key === "Enter") { crop(); return true; }
  if (event.key === "Escape") { viewer.endCrop(false); return true; }
  return event.key !== "Tab";
}

function gridKey(event) {
  const moves = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -grid.columns, ArrowDown: grid.columns };
  if (event.key in moves) { grid.move(moves[event.key]); return true; }
  if (event.key === "Enter" && grid.current && event.target.closest?.(".frame")) { openFrame(grid.current); return true; }
  if (event.key === " " && grid.current && event.target.closest?.(".frame")) { grid.toggle(grid.current); return true; }
  if (event.key === "Escape") { store.selected.clear(); grid.mark(); return true; }
  return false;
}

document.addEventListener("keyup", (event) => { if (event.key === "\\" && viewer.details) viewer.before(false); });

// ------------------------------------------------------------------ buttons

const clicks = {
  undo: () => store.undo(), redo: () => store.redo(), export: () => openExport(), help: () => $("help-dialog").showModal(), "to-grid": toGrid,
  previous: () => step(-1), next: () => step(1), before: () => viewer.before(!viewer.isBefore), zoom: () => viewer.toggleZoom(), pick: () => viewer.pick(!viewer.picking),
  crop, uncrop, "turn-left": () => turn(90), "turn-right": () => turn(-90), "mark-done": () => mark("done"), "mark-reject": () => mark("reject"), apply: askApply,
  reset: () => changed(viewer.opened), "export-go": exportRoll, "export-stop": () => post("/api/export/stop", {}), "notices-close": closeNotices,
};
const NEED_A_PICTURE = new Set(["before", "zoom", "pick", "crop", "uncrop", "turn-left", "turn-right", "apply", "reset"]);
for (const [id, act] of Object.entries(clicks)) {
  $(id).addEventListener("click", () => { if (NEED_A_PICTURE.has(id)) onPicture(() => act()); else act(); });
}
for (const button of document.querySelectorAll("[data-do]")) button.addEventListener("click", (event) => panel.nudge[button.dataset.do](event.shiftKey));
$("filter").addEventListener("change", () => { showRoll(); $("filter").blur(); if ($("frame-view").hidden) grid.focus(); });
$("picture").addEventListener("change", () => openFrame(viewer.name, Number($("picture").value)));
$("apply-dialog").addEventListener("close", () => { if ($("apply-dialog").returnValue === "go") apply(); });
$("keys").replaceChildren(...KEYS.flatMap(([key, what]) => { const dt = document.createElement("dt"), dd = document.createElement("dd"); dt.textContent = key; dd.textContent = what; return [dt, dd]; }));

function openExport() {
  const rejected = store.frames.filter((frame) => frame.mark === "reject").length;
  $("export-note").textContent = `Runs “divere batch” over the folder: what did not change is not graded again.${rejected ? ` ${rejected} rejected frame${rejected === 1 ? " is" : "s are"} left out.` : ""}`;
  $("export-dialog").showModal();
}

window.addEventListener("beforeunload", (event) => { if (store.unsaved || store.conflict) event.preventDefault(); });
document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });

// ------------------------------------------------------------------ start

async function start() {
  const spaces = await panel.listProfiles();
  $("export-space").append(...spaces.map((name) => { const option = document.createElement("option"); option.value = option.textContent = name; return option; }));
  await store.load();
  await look();
  setInterval(() => { if (!document.hidden) look(); }, LOOK_MS);
  if (large !== null) return; // a frame was opened meanwhile
  const requested = decodeURIComponent(location.hash.slice(1));
  if (requested && store.frame(requested)) await openFrame(requested); else grid.focus();
}

start().catch((problem) => banner(problem.message, []));
