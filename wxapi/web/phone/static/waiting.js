// What waits on the phone: shown on every page of the room, and sent as soon as there is a network.

import { wayIn } from "../kit/net.js";
import { isUnsure, send } from "./sending.js";
import { draftsOf, drop, dropForm, isLasting, keep } from "./store.js";

const AGAIN_MS = 30000;
const box = document.querySelector("[data-drafts]");
const status = document.createElement("p");
const list = document.createElement("ul");
const sent = document.createElement("ul");
let busy = false;

status.setAttribute("role", "status");
list.className = "plain";
sent.className = "plain";

function button(text, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.addEventListener("click", act);
  return made;
}

function titleOf(draft) {
  const photos = draft.photos.length ? "，" + draft.photos.length + " 张照片" : "";
  return draft.title + photos;
}

function line(draft) {
  const item = document.createElement("li");
  const text = document.createElement("span");
  text.textContent = titleOf(draft) + (draft.error ? "：" + draft.error : "");
  item.append(text);
  if (isUnsure(draft)) {
    text.textContent += "：可能已经发出，请先在“我的上报”中核对。";
    item.append(button("没有，重新发送", () => again(draft)));
  }
  if (draft.error || isUnsure(draft)) {
    item.append(button("删除", () => drop(draft.once).then(show)));
  }
  return item;
}

async function again(draft) {
  draft.tried = null;
  await keep(draft);
  flush();
}

export async function show() {
  const drafts = await draftsOf(box.dataset.owner);
  const heading = document.createElement("h2");
  heading.textContent = "待发送的上报（" + drafts.length + "）";
  heading.hidden = !drafts.length;
  list.textContent = "";
  drafts.forEach((draft) => list.append(line(draft)));
  box.textContent = "";
  box.append(heading, list, sent, status);
  box.hidden = !drafts.length && !sent.children.length;
  return drafts;
}

function tell(answer, draft) {
  if (answer.state === "sent") {
    const item = document.createElement("li");
    const link = document.createElement("a");
    link.href = answer.path;
    link.textContent = "已发送：" + titleOf(draft) + (answer.number ? "（" + answer.number + "）" : "");
    item.append(link);
    sent.append(item);
    status.textContent = "";
    box.dispatchEvent(new CustomEvent("sent", { bubbles: true }));
  } else {
    status.textContent = answer.detail;
    if (answer.state === "ended") {
      const link = document.createElement("a");
      link.href = wayIn();
      link.textContent = "去登录";
      status.append(link);
    }
  }
}

// Everything that may go, oldest first; stops at the first that finds no network.
async function flush() {
  if (busy || !navigator.onLine) {
    return;
  }
  busy = true;
  try {
    for (const draft of await show()) {
      if (draft.error || isUnsure(draft)) {
        continue;
      }
      const answer = await send(draft, box.dataset.csrf, (text) => {
        status.textContent = text;
      });
      if (answer.state === "refused") {
        draft.error = answer.detail;
        await keep(draft);
      }
      tell(answer, draft);
      await show();
      if (answer.state !== "sent" && answer.state !== "refused") {
        break;
      }
    }
  } finally {
    busy = false;
  }
}

// A draft of the form that is open: kept first, then sent while its person waits.
export async function sendNow(draft, say) {
  busy = true;
  try {
    await keep(draft);
    await dropForm(draft.owner);
    if (!navigator.onLine) {
      return { state: "lost" };
    }
    const answer = await send(draft, box.dataset.csrf, say);
    if (answer.state === "refused") {
      await drop(draft.once); // it is all still in the form
    }
    return answer;
  } finally {
    busy = false;
  }
}

export function keptWhere() {
  return isLasting()
    ? "已保存在本机，联网后自动发送。"
    : "此浏览器不能保存草稿，请不要关闭页面，联网后自动发送。";
}

export const owner = box.dataset.owner;

window.addEventListener("online", flush);
setInterval(() => {
  if (!document.hidden && list.children.length) {
    flush();
  }
}, AGAIN_MS);
show().then(flush);
