// What a reporter says to their report: shows the fields of what is chosen.

const form = document.querySelector(".act form");

function show() {
  const chosen = form.querySelector("input[name=action]:checked, input[name=action][type=hidden]");
  const action = chosen ? chosen.value : "";
  for (const box of form.querySelectorAll("[data-for]")) {
    box.hidden = !box.dataset.for.split(" ").includes(action);
  }
  form.elements.note.required = Boolean(action) && !form.dataset.wordless.split(" ").includes(action);
}

form.addEventListener("change", show);
form.addEventListener("restored", show);
show();
