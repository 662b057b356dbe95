// On every page: says that scripts run, keeps typed text until it was taken, sends no form twice.

const root = document.documentElement;
root.classList.add("js");

// A page that the back button takes out of the browser's memory or its cache carries forms that were used: fetch it anew.
// What was typed into it comes back from the tab's memory.
window.addEventListener("pageshow", (event) => {
  const arrived = performance.getEntriesByType("navigation")[0];
  const isOld = event.persisted ? root.dataset.sent : arrived && arrived.type === "back_forward";
  if (isOld && document.querySelector("input[name=once]")) {
    location.reload();
  }
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented) {
    return;
  }
  if (form.dataset.sending) {
    event.preventDefault();
    return;
  }
  if (form.method === "post") {
    form.dataset.sending = "1";
    root.dataset.sent = "1";
    setTimeout(() => delete form.dataset.sending, 8000);
  }
});

// What is typed into a [data-draft] form, and ticked for it, lies in the tab's memory until the server has taken it: it
// survives a session that ended, a page that was left, a refusal that never arrived. It is its person's: who logs in after
// them in the same tab is shown nothing of it.
function keyOf(path) {
  return "draft:" + (root.dataset.owner || "") + ":" + path;
}

function draftOf(form) {
  const kept = {};
  for (const control of form.elements) {
    if (!control.name || control.type === "hidden" || control.type === "file") {
      continue;
    }
    if (control.type === "radio" || control.type === "checkbox") {
      if (control.checked) {
        kept[control.name] = (kept[control.name] || []).concat(control.value);
      }
    } else if (control.value) {
      kept[control.name] = control.value;
    }
  }
  return kept;
}

function restore(form, kept) {
  let found = false;
  const chosen = Array.from(form.elements).filter((each) => each.checked).map((each) => each.name);
  for (const control of form.elements) {
    const value = kept[control.name];
    if (value === undefined || control.type === "hidden" || control.type === "file") {
      continue;
    }
    if (control.type === "radio" || control.type === "checkbox") {
      if (!chosen.includes(control.name) && value.includes(control.value)) {
        control.checked = true;
        found = true;
      }
    } else if (!control.value) {
      control.value = value;
      found = true;
    }
  }
  return found;
}

// The server has taken what was typed at an address.
export function forget(path) {
  sessionStorage.removeItem(keyOf(path));
}

// [data-accepted]: the text of this address was taken, or that of the addresses it names.
const accepted = document.querySelector("[data-accepted]");
if (accepted) {
  (accepted.dataset.accepted || location.pathname).split(" ").forEach(forget);
}
for (const form of document.querySelectorAll("form[data-draft]")) {
  const key = keyOf(location.pathname);
  // Ticks stand in rows outside the form that they belong to.
  const keep = (event) => {
    if (event.target.form === form) {
      sessionStorage.setItem(key, JSON.stringify(draftOf(form)));
    }
  };
  document.addEventListener("input", keep);
  document.addEventListener("change", keep);
  const kept = JSON.parse(sessionStorage.getItem(key) || "{}");
  if (restore(form, kept)) {
    form.dispatchEvent(new CustomEvent("restored"));
    // It stands in its fields again.
    document.querySelectorAll("[data-kept]").forEach((each) => each.remove());
  }
}
