// The action panel: shows the fields of the chosen action, what the reporter will read, and standard texts.

const form = document.querySelector(".panel form");

// Only the reasons of the chosen action; one that stands in the list of another, too, stays chosen.
function offerReasons(action) {
  const select = form.elements.reason_code;
  if (!select) {
    return;
  }
  const value = select.value;
  for (const group of select.querySelectorAll("optgroup")) {
    group.hidden = group.dataset.for !== action;
    group.disabled = group.hidden;
  }
  const same = Array.from(select.querySelectorAll("optgroup:not([hidden]) option")).find((each) => each.value === value);
  select.selectedIndex = same ? same.index : 0;
}

function show() {
  const chosen = form.querySelector("input[name=action]:checked");
  const fields = chosen ? chosen.dataset.fields.split(" ") : [];
  const needs = chosen ? chosen.dataset.needs.split(" ") : [];
  form.elements.note.closest(".field").classList.toggle("needed", needs.includes("note"));
  for (const box of form.querySelectorAll("[data-field]")) {
    const name = box.dataset.field;
    box.hidden = !fields.includes(name);
    box.classList.toggle("needed", needs.includes(name));
    const control = box.querySelector("select, input:not([type=file])");
    if (control && name !== "photo_ids") {
      control.required = needs.includes(name);
      control.disabled = box.hidden;
    }
  }
  offerReasons(chosen ? chosen.value : "");
  form.elements.note.required = needs.includes("note");
  for (const row of form.querySelectorAll(".phrases")) {
    row.hidden = !chosen || row.dataset.for !== chosen.value;
  }
  const told = chosen && chosen.dataset.told;
  form.querySelector(".told").textContent = told ? "上报人将收到：" + told : "";
}

if (form) {
  form.addEventListener("change", (event) => {
    if (event.target.name === "action") {
      show();
    }
  });
  form.addEventListener("click", (event) => {
    const phrase = event.target.dataset.phrase;
    if (phrase) {
      const note = form.elements.note;
      note.value = note.value ? note.value + "\n" + phrase : phrase;
      note.dispatchEvent(new Event("input", { bubbles: true }));
      note.focus();
    }
  });
  form.addEventListener("restored", show);
  show();
}
