// Asking the server. A session that ended shows as `ended`, a lost network as `lost`; nothing is thrown.

export async function readJson(address, options) {
  try {
    const asked = Object.assign({ credentials: "same-origin", redirect: "manual" }, options);
    asked.headers = Object.assign({ Accept: "application/json" }, asked.headers);
    const answer = await fetch(address, asked);
    if (answer.type === "opaqueredirect" || answer.status === 401) {
      return { ok: false, ended: true, status: 401, body: {} };
    }
    const text = await answer.text();
    return { ok: answer.ok, status: answer.status, body: text ? JSON.parse(text) : {} };
  } catch (error) {
    return { ok: false, lost: true, status: 0, body: {} };
  }
}

export function wayIn() {
  return "/login?next=" + encodeURIComponent(location.pathname + location.search);
}
