// The roll: signs people in without loading the page anew, and names how many are ticked.

const tickForm = document.querySelector("#tick");
const bar = document.querySelector("#bulk");
const status = document.querySelector("[data-tick-status]");

function newOnce() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => ("0" + byte.toString(16)).slice(-2)).join("");
}

// The key stays with the button until an answer came: sent again after a lost network, it signs in once.
async function signIn(button) {
  const name = button.getAttribute("aria-label").replace(/^为 | 签到$/g, "");
  button.dataset.once = button.dataset.once || newOnce();
  button.disabled = true;
  const body = new FormData();
  body.append("csrf", tickForm.elements.csrf.value);
  body.append("once", button.dataset.once);
  body.append("user_id", button.value);
  try {
    const options = { method: "POST", body, credentials: "same-origin", redirect: "manual" };
    options.headers = { Accept: "application/json" };
    const answer = await fetch(tickForm.getAttribute("action"), options);
    if (answer.type === "opaqueredirect" || answer.status === 401) {
      status.textContent = "登录已失效，请重新登录后继续。";
      button.disabled = false;
      return;
    }
    const told = await answer.json();
    if (answer.ok) {
      const row = button.closest("tr");
      row.classList.add("done");
      button.replaceWith(document.createTextNode(told.state));
      status.textContent = name + "：" + (told.created ? "签到成功。" : "此前已签到。");
      return;
    }
    delete button.dataset.once;
    status.textContent = name + "：" + told.detail;
  } catch (error) {
    status.textContent = name + "：网络已断开，没有登记上，请再点一次。";
  }
  button.disabled = false;
}

function boxes() {
  return Array.from(document.querySelectorAll(".roll input[name=pick]"));
}

function tell() {
  if (bar) {
    const count = boxes().filter((box) => box.checked).length;
    bar.querySelector(".picked").textContent = count
      ? "已选 " + count + " 人。"
      : "勾选人员后可批量更正（最多 50 人）。";
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-tick]");
  if (button) {
    event.preventDefault();
    signIn(button);
  }
});
document.addEventListener("change", tell);
document.addEventListener("refreshed", tell);
if (bar) {
  const all = bar.querySelector("[data-all]");
  all.hidden = false;
  all.addEventListener("click", () => {
    const some = boxes().some((box) => !box.checked);
    boxes().forEach((box) => {
      box.checked = some;
    });
    tell();
  });
  bar.addEventListener("submit", (event) => {
    if (!boxes().some((box) => box.checked)) {
      event.preventDefault();
      bar.querySelector(".picked").textContent = "请先勾选人员。";
    }
  });
}
tell();
