// What is known of the roll, what was changed, undo and redo, and saving. Others listen.

import { Problem, get, post } from "./api.js";

const SAVE_MS = 700;

// What undo writes back. What was measured is written with the first entry, so it is an entry from then on.
function known(details) { return details.source === "entry" || details.source === "measured" ? details.entry : null; }

export class Store extends EventTarget {
  frames = [];
  version = 0;
  problem = "";
  folder = "";
  folders = []; // sub-folders that hold scans: other rolls
  selected = new Set();
  #details = new Map(); // name -> what the service said of a frame
  #edits = new Map(); // name -> entry that is not saved yet
  #before = new Map(); // name -> entry in the file before the edit (null: none)
  #undo = [];
  #redo = [];
  #timer = 0;
  #turn = Promise.resolve(); // of all steps: each needs the version that the one before it left
  #waiting = 0;
  #steps = 0;
  #conflict = null;

  // How many steps have ended; null while one is under way: then the file may be newer than "version".
  get settled() { return this.#waiting ? null : this.#steps; }

  #next(step) {
    this.#waiting += 1;
    const done = this.#turn.then(step).finally(() => { this.#waiting -= 1; this.#steps += 1; });
    this.#turn = done.catch(() => {});
    return done;
  }

  load() { return this.#next(() => this.#load()); }

  async #load() {
    const roll = await get("/api/roll");
    this.version = roll.version;
    this.problem = roll.problem;
    this.folder = roll.folder;
    this.frames = roll.frames;
    this.folders = roll.folders;
    this.#say("roll");
    if (roll.problem) this.#say("trouble", { message: roll.problem });
  }

  frame(name) { return this.frames.find((frame) => frame.name === name); }
  get canUndo() { return this.#undo.length > 0 || this.#edits.size > 0; }
  get canRedo() { return this.#redo.length > 0; }
  get unsaved() { return this.#edits.size > 0; }
  get conflict() { return this.#conflict; }

  // What the service says of a frame as it lies in the file; asked for once a version.
  async details(name) {
    const known = this.#details.get(name);
    if (known && known.version === this.version) return known;
    const details = await get(`/api/frame?name=${encodeURIComponent(name)}`);
    this.#details.set(name, details);
    return details;
  }

  entry(name) { return this.#edits.get(name) ?? this.#details.get(name)?.entry; }
  edited(name) { return this.#edits.get(name) ?? null; }

  // Change one frame's entry; what comes within a moment is one step of undo.
  edit(name, entry) {
    const details = this.#details.get(name);
    if (!this.#before.has(name)) this.#before.set(name, known(details));
    this.#edits.set(name, entry);
    this.#say("edit", { name });
    this.#later();
  }

  #later() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.save(), SAVE_MS);
  }

  // Write what was changed; changes that come meanwhile are the next write.
  save() {
    clearTimeout(this.#timer);
    return this.#next(() => this.#write());
  }

  async #write() {
    if (!this.#edits.size || this.#conflict) return;
    const step = { entries: Object.fromEntries(this.#edits), before: Object.fromEntries(this.#before), marks: {}, marksBefore: {} };
    this.#before.clear();
    const sent = new Map(this.#edits);
    if (!await this.#commit(step.entries, {})) {
      for (const [name, entry] of Object.entries(step.before)) this.#before.set(name, entry);
      return;
    }
    for (const [name, entry] of sent) if (this.#edits.get(name) === entry) this.#edits.delete(name);
    for (const name of this.#edits.keys()) this.#before.set(name, step.entries[name] ?? null);
    this.#done(step);
  }

  #done(step) {
    this.#undo.push(step);
    if (this.#undo.length > 200) this.#undo.shift();
    this.#redo = [];
    this.#say("history");
  }

  async #commit(entries, marks) {
    try {
      this.#say("saving");
      const answer = await post("/api/presets", { version: this.version, entries, marks, freeze: true /* with entries: see the service */ });
      this.version = answer.version;
      this.#took(entries, marks);
      this.#say("saved", { entries, marks });
      return true;
    } catch (problem) {
      if (problem instanceof Problem && problem.status === 409) this.#clash(problem, entries, marks);
      else this.#say("trouble", { message: `Not saved: ${problem.message}` });
      return false;
    }
  }

  #took(entries, marks) {
    for (const [name, entry] of Object.entries(entries)) {
      const details = this.#details.get(name);
      if (entry === null) this.#details.delete(name);
      else if (details) this.#details.set(name, { ...details, entry, source: "entry", version: this.version });
      const frame = this.frame(name);
      if (frame && entry !== null) frame.source = "entry";
    }
    for (const details of this.#details.values()) details.version = this.version;
    for (const [name, mark] of Object.entries(marks)) {
      const frame = this.frame(name);
      if (frame) frame.mark = mark;
    }
  }

  #clash(problem, entries, marks) {
    const ours = this.#conflict;
    this.#conflict = { message: problem.message, entries: { ...ours?.entries, ...entries }, marks: { ...ours?.marks, ...marks } };
    this.#say("conflict");
  }

  // Several frames at once (apply), or marks: one step of undo.
  change(entries, marks) { return this.#next(() => this.#change(entries, marks)); }

  async #change(entries, marks) {
    await this.#write();
    const before = {}, marksBefore = {};
    for (const name of Object.keys(entries)) {
      const details = await this.details(name);
      before[name] = known(details);
    }
    for (const name of Object.keys(marks)) marksBefore[name] = this.frame(name)?.mark ?? null;
    if (!await this.#commit(entries, marks)) return false;
    this.#done({ entries, before, marks, marksBefore });
    this.#say("roll");
    return true;
  }

  undo() { return this.#next(() => this.#back()); }

  async #back() {
    await this.#write();
    if (this.#conflict) return;
    const step = this.#undo.pop();
    if (!step) return;
    if (await this.#commit(step.before, step.marksBefore)) this.#redo.push(step);
    else this.#undo.push(step);
    await this.#stepped(step);
  }

  redo() { return this.#next(() => this.#forth()); }

  async #forth() {
    await this.#write();
    if (this.#conflict) return;
    const step = this.#redo.pop();
    if (!step) return;
    if (await this.#commit(step.entries, step.marks)) this.#undo.push(step);
    else this.#redo.push(step);
    await this.#stepped(step);
  }

  async #stepped(step) {
    await this.#load();
    for (const name of Object.keys(step.entries)) this.#details.delete(name);
    this.#say("history");
    this.#say("stepped", { names: Object.keys(step.entries) });
  }

  // Another program or tab was first: take its state, or put ours over the frames we changed.
  settle(ours) { return this.#next(() => this.#settle(ours)); }

  async #settle(ours) {
    if (!this.#conflict) return;
    const entries = { ...this.#conflict.entries, ...Object.fromEntries(this.#edits) }, { marks } = this.#conflict;
    this.#conflict = null;
    this.#edits.clear();
    this.#before.clear();
    this.#undo = [];
    this.#redo = [];
    this.#details.clear();
    await this.#load();
    if (ours) await this.#change(entries, marks);
    this.#say("history");
    this.#say("stepped", { names: null });
  }

  refresh() {
    return this.#next(async () => {
      this.#details.clear();
      await this.#load();
      this.#say("stepped", { names: null });
    });
  }

  // Something else by which the service writes the file; its answer has the new version.
  through(send) {
    return this.#next(async () => { this.version = (await send()).version; });
  }

  #say(type, detail = {}) { this.dispatchEvent(new CustomEvent(type, { detail })); }
}
