// The queue by keyboard, and a bar that names what is ticked.
// j, k: down and up; Enter: open; x: tick; /: search; ?: this help.

const bar = document.querySelector("#bulk");

function rows() {
  return Array.from(document.querySelectorAll(".queue tbody tr"));
}

function ticked() {
  return Array.from(document.querySelectorAll(".queue input[name=pick]:checked"));
}

function tell() {
  if (!bar) {
    return;
  }
  const numbers = ticked().map((box) => box.value.split(":")[0]);
  const named = numbers.slice(0, 5).join("、") + (numbers.length > 5 ? " 等" : "");
  bar.querySelector(".picked").textContent = numbers.length
    ? "已选 " + numbers.length + " 件：" + named
    : "勾选办件后可批量办理（最多 50 件）。";
}

function step(by) {
  const all = rows();
  if (!all.length) {
    return;
  }
  const at = all.findIndex((row) => row.classList.contains("at"));
  const next = Math.min(all.length - 1, Math.max(0, at + by));
  all.forEach((row, n) => row.classList.toggle("at", n === next));
  const link = all[next].querySelector("a");
  link.focus();
  all[next].scrollIntoView({ block: "nearest" });
}

// Over the list, wherever one is in it; once more, or Escape: away.
function help(shown) {
  const sheet = document.querySelector("[data-keys]");
  sheet.hidden = !shown;
  sheet.textContent = shown ? sheet.dataset.keys : "";
}

document.addEventListener("keydown", (event) => {
  const busy = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName) && event.target.type !== "checkbox";
  if (event.key === "Escape") {
    help(false);
  }
  if (busy || event.ctrlKey || event.altKey || event.metaKey) {
    return;
  }
  const row = document.querySelector(".queue tr.at");
  if (event.key === "j" || event.key === "k") {
    step(event.key === "j" ? 1 : -1);
  } else if (event.key === "x" && row) {
    const box = row.querySelector("input[name=pick]");
    if (box) {
      box.click();
    }
  } else if (event.key === "/") {
    const search = document.querySelector("input[type=search]");
    if (search) {
      event.preventDefault();
      search.focus();
    }
  } else if (event.key === "?") {
    help(document.querySelector("[data-keys]").hidden);
  }
});
document.addEventListener("change", tell);
document.addEventListener("refreshed", tell);
if (bar) {
  bar.addEventListener("submit", (event) => {
    if (!ticked().length) {
      event.preventDefault();
      bar.querySelector(".picked").textContent = "请先勾选办件。";
    }
  });
}
tell();
