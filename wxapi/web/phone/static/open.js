// The form that is open: what it holds lies on the phone, so that a reload, the back button or a closed tab loses nothing.

import { dropForm, formOf, keepForm } from "./store.js";

const LONGEST = 7 * 24 * 3600 * 1000;
const TYPED = ["category_code", "address", "description"];
let turn = Promise.resolve();

export function isBlank(form) {
  return TYPED.every((name) => !form.elements[name].value);
}

// One write after the other: the last that was asked for is the one that stays.
export function remember(form, owner, photos) {
  const kept = { owner, once: form.elements.once.value, written: Date.now(), typed: {}, place: {}, photos };
  for (const name of TYPED) {
    kept.typed[name] = form.elements[name].value;
  }
  for (const input of form.querySelectorAll("[data-place] input[type=hidden], [data-place] input:checked")) {
    kept.place[input.name] = input.value;
  }
  const empty = !photos.length && isBlank(form);
  turn = turn.then(() => (empty ? dropForm(owner) : keepForm(kept)));
  return turn;
}

// What was left: its text stands in the form again; null where nothing was, or the page brings something of its own.
export async function recall(form, owner) {
  const kept = await formOf(owner);
  if (!kept || form.querySelector("[name=photo_ids], .notice.bad")) {
    return null;
  }
  if (Date.now() - kept.written > LONGEST) {
    await dropForm(owner);
    return null;
  }
  form.elements.once.value = kept.once;
  for (const name of TYPED) {
    if (!form.elements[name].value) {
      form.elements[name].value = kept.typed[name] || "";
    }
  }
  return kept;
}
