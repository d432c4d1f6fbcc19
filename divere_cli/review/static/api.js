// Requests to the service. An answer that is no success becomes a Problem with its line.

export class Problem extends Error {
  constructor(status, body) {
    super(body.error || `the service answered ${status}`);
    this.status = status;
    this.body = body;
  }
}

async function refuse(response) {
  let body = {};
  try { body = await response.json(); } catch { /* no JSON: the status says enough */ }
  throw new Problem(response.status, body);
}

export async function get(path) {
  const response = await fetch(path, { cache: "no-store" });
  if (!response.ok) await refuse(response);
  return response.json();
}

export async function post(path, body) {
  const response = await send(path, body);
  if (!response.ok) await refuse(response);
  return response.json();
}

// A picture: an address to show it by (the caller revokes it) and the figures of it.
export async function picture(wanted) {
  const response = await send("/api/render", wanted);
  if (!response.ok) await refuse(response);
  const details = JSON.parse(response.headers.get("x-divere-picture") || "{}");
  return { url: URL.createObjectURL(await response.blob()), ...details };
}

function send(path, body) {
  return fetch(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
}
