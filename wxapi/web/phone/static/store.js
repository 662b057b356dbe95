// Drafts with their photos, kept on the phone until the server has them. Where a browser keeps nothing, in memory.

const BASE = "wx-drafts";
const SHELF = "drafts";
// A base of its own: a page of the release before would send the open form as a draft.
const FORM_BASE = "wx-form";
let memory = null;

export function newOnce() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (n) => n.toString(16).padStart(2, "0")).join("");
}

function opened(name) {
  return new Promise((resolve, reject) => {
    const asked = indexedDB.open(name, 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore(SHELF, { keyPath: name === BASE ? "once" : "owner" });
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
    asked.onblocked = () => reject(new Error("blocked"));
  });
}

async function run(mode, work, name = BASE) {
  const base = await opened(name);
  try {
    return await new Promise((resolve, reject) => {
      const turn = base.transaction(SHELF, mode);
      const asked = work(turn.objectStore(SHELF));
      turn.oncomplete = () => resolve(asked.result);
      turn.onerror = () => reject(turn.error);
      turn.onabort = () => reject(turn.error);
    });
  } finally {
    base.close();
  }
}

async function orInMemory(stored, remembered) {
  if (!memory) {
    try {
      return await stored();
    } catch (error) {
      memory = new Map();
    }
  }
  return remembered(memory);
}

// What one person wrote, oldest first: a phone may be passed on.
export async function draftsOf(owner) {
  const all = await orInMemory(
    () => run("readonly", (shelf) => shelf.getAll()),
    (kept) => Array.from(kept.values())
  );
  return all.filter((draft) => draft.owner === owner).sort((one, other) => one.written - other.written);
}

export function keep(draft) {
  return orInMemory(
    () => run("readwrite", (shelf) => shelf.put(draft)),
    (kept) => kept.set(draft.once, draft)
  );
}

export function drop(once) {
  return orInMemory(
    () => run("readwrite", (shelf) => shelf.delete(once)),
    (kept) => kept.delete(once)
  );
}

// Whether drafts outlive this page.
export function isLasting() {
  return !memory;
}

// The form that is open, one for each person. A browser that keeps nothing keeps it while the page is open.
export function keepForm(kept) {
  return run("readwrite", (shelf) => shelf.put(kept), FORM_BASE).catch(() => null);
}

export function dropForm(owner) {
  return run("readwrite", (shelf) => shelf.delete(owner), FORM_BASE).catch(() => null);
}

export function formOf(owner) {
  return run("readonly", (shelf) => shelf.get(owner), FORM_BASE).catch(() => null);
}
