// An entry of divere_presets.json as the page edits it. Pure functions: entries are never changed in place.

export const WHOLE = [0, 0, 1, 1];
const clone = (value) => structuredClone(value);
const round = (value) => Math.round(value * 1e4) / 1e4;

function sheet(entry) {
  return entry.type !== "single" && Array.isArray(entry.crops) && entry.crops.length ? entry.crops : null;
}

function part(entry, index) {
  const crops = sheet(entry);
  return crops ? crops[Math.min(index, crops.length - 1)] : entry;
}

// What the grade of a picture says now; `details` are the service's figures, which fill in what is not spelled out.
export function figures(entry, index, details) {
  const own = part(entry, index);
  const grade = own.cc_params || (sheet(entry) && entry.cc_params) || {};
  const metadata = own.metadata || {};
  return {
    gains: grade.rgb_gains || details.rgb_gains,
    contrast: grade.density_gamma ?? details.density_gamma,
    turn: metadata.orientation ?? (sheet(entry) ? 0 : details.orientation),
    crop: metadata.crop || details.crop || WHOLE,
    monochrome: details.monochrome,
  };
}

function graded(entry, index, details) {
  const made = clone(entry);
  const own = part(made, index);
  if (!own.cc_params) own.cc_params = !sheet(made) && made.base ? {} : clone(details.full.cc_params);
  return [made, own];
}

export function withGains(entry, index, details, gains) {
  const [made, own] = graded(entry, index, details);
  own.cc_params.rgb_gains = gains.map((v) => round(Math.max(-5, Math.min(5, v))));
  return made;
}

export function withContrast(entry, index, details, contrast) {
  const [made, own] = graded(entry, index, details);
  own.cc_params.density_gamma = round(Math.max(0.1, Math.min(5, contrast)));
  return made;
}

export function withPlace(entry, index, place) {
  const made = clone(entry);
  const own = part(made, index);
  own.metadata = { ...(own.metadata || {}), ...place };
  return made;
}

// A shipped profile: its input space and its grade. What of color was found on this frame stays where both mean the same.
export function withProfile(entry, index, details, profile) {
  const made = clone(entry);
  const own = part(made, index);
  const before = own.cc_params || details.full.cc_params;
  own.idt = clone(profile.idt);
  own.cc_params = clone(profile.cc_params);
  if (alike(before, profile.cc_params)) own.cc_params.rgb_gains = before.rgb_gains || details.rgb_gains;
  own.metadata = { ...(own.metadata || {}), film_type: profile.film_type };
  if (!sheet(made)) {
    for (const key of ["base", "adaptation", "camera_white_balance"]) {
      delete made[key];
      if (key in profile) made[key] = profile[key];
    }
  }
  return made;
}

function alike(one, other) {
  const matrix = (grade) => JSON.stringify((grade.density_matrix || {}).values || null);
  return matrix(one) === matrix(other) && (one.density_dmax ?? 2.5) === (other.density_dmax ?? 2.5);
}

// The whole grade of one frame for another; crop, turn, names and notes stay the other's.
export function withGradeOf(entry, index, details, from, fromIndex, fromDetails) {
  const made = clone(entry);
  const own = part(made, index);
  const source = part(from, fromIndex);
  own.idt = clone(source.idt || fromDetails.full.idt);
  own.cc_params = source.cc_params && !from.base ? clone(source.cc_params) : { ...clone(fromDetails.full.cc_params), ...clone(source.cc_params || {}) };
  const film = (source.metadata || {}).film_type || fromDetails.film_type;
  own.metadata = { ...(own.metadata || {}), film_type: film };
  if (!sheet(made)) delete made.base;
  return made;
}

// The same change on top of what another frame has.
export function withChange(entry, index, details, change) {
  const now = figures(entry, index, details);
  let made = entry;
  if (change.gains.some((v) => Math.abs(v) > 1e-6)) made = withGains(made, index, details, now.gains.map((v, i) => v + change.gains[i]));
  if (Math.abs(change.contrast) > 1e-6) made = withContrast(made, index, details, now.contrast + change.contrast);
  return made;
}

export function change(before, after) {
  return { gains: after.gains.map((v, i) => v - before.gains[i]), contrast: after.contrast - before.contrast };
}

export function pictures(entry) {
  const crops = sheet(entry);
  return crops ? crops.length : 1;
}

// Exposure is what the three gains have in common; color is what they differ by.
export const exposure = (gains) => (gains[0] + gains[1] + gains[2]) / 3;
export const color = (gains) => gains.map((v) => v - exposure(gains));

export function withColor(gains, channel, value) {
  const off = value - color(gains)[channel];
  return gains.map((v, i) => v + (i === channel ? off : -off / 2));
}

// One step towards a color of the ring-around, as bright as before.
const RING = { R: [1, 0, 0], G: [0, 1, 0], B: [0, 0, 1], C: [-1, 0, 0], M: [0, -1, 0], Y: [0, 0, -1] };
export const ringNames = Object.keys(RING);
export function ringed(gains, name, step) {
  const towards = RING[name];
  const mean = (towards[0] + towards[1] + towards[2]) / 3;
  return gains.map((v, i) => v + step * (towards[i] - mean));
}

// A rectangle of the stored frame as it lies after the turn (counter-clockwise), and back.
export function turned(box, turn) {
  let [x, y, w, h] = box;
  for (let n = 0; n < ((turn / 90) % 4 + 4) % 4; n += 1) [x, y, w, h] = [y, 1 - x - w, h, w];
  return [x, y, w, h];
}
export const unturned = (box, turn) => turned(box, 360 - (turn % 360));
