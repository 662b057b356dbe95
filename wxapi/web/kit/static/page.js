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

// What is typed into a [data-draft] form lies in the tab's memory until the server has taken it: it survives a session
// that ended, a page that was left, a refusal that never arrived.
function draftOf(form) {
  const kept = {};
  for (const control of form.elements) {
    if (!control.name || control.type === "hidden" || control.type === "file") {
      continue;
    }
    if (control.type === "radio" || control.type === "checkbox") {
      if (control.checked) {
        kept[control.name] = control.value;
      }
    } else if (control.value) {
      kept[control.name] = control.value;
    }
  }
  return kept;
}

function restore(form, kept) {
  let found = false;
  for (const control of form.elements) {
    const value = kept[control.name];
    if (value === undefined || control.type === "hidden" || control.type === "file") {
      continue;
    }
    if (control.type === "radio" || control.type === "checkbox") {
      if (control.value === value && !form.querySelector('[name="' + control.name + '"]:checked')) {
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

// [data-accepted]: the text of this address was taken, or that of the addresses it names.
const key = "draft:" + location.pathname;
const accepted = document.querySelector("[data-accepted]");
if (accepted) {
  for (const path of (accepted.dataset.accepted || location.pathname).split(" ")) {
    sessionStorage.removeItem("draft:" + path);
  }
}
for (const form of document.querySelectorAll("form[data-draft]")) {
  const keep = () => sessionStorage.setItem(key, JSON.stringify(draftOf(form)));
  form.addEventListener("input", keep);
  form.addEventListener("change", keep);
  const kept = JSON.parse(sessionStorage.getItem(key) || "{}");
  if (restore(form, kept)) {
    form.dispatchEvent(new CustomEvent("restored"));
  }
}
