// The form of a new report: photos made small, asked once whether it is known already, kept until the server has it.

import { forget } from "../kit/page.js";
import { isBlank, recall, remember } from "./open.js";
import { equipPlace } from "./place.js";
import { shrunk } from "./shrink.js";
import { dropForm, newOnce } from "./store.js";
import { keptWhere, owner, sendNow, show } from "./waiting.js";

const LARGEST = 20 * 1024 * 1024;
const ASK_MS = 6000;
const PAUSE_MS = 400;
const form = document.querySelector("#new");
const status = form.querySelector("[data-send-status]");
const near = form.querySelector("[data-near]");
const send = form.querySelector(".send");
const shots = form.querySelector("[data-photos]");
const list = shots.querySelector("ul");
const left = form.querySelector("[data-left]");
const photos = new Map();
let pressed = null;
let sending = false;
let isRecalled = false;
let pending = 0;
let typing = null;

function say(text) {
  status.textContent = text;
}

function held() {
  clearTimeout(typing);
  // What was left is not to be written over before it stands here again.
  return sending || !isRecalled ? null : remember(form, owner, Array.from(photos.values()));
}

function put(item, photo) {
  const picture = document.createElement("img");
  const remove = document.createElement("button");
  picture.src = URL.createObjectURL(new Blob([photo.data], { type: photo.type }));
  picture.alt = "已选的照片";
  picture.width = 96;
  picture.height = 96;
  // HEIC in most browsers: the server reads it.
  picture.addEventListener("error", () => {
    const unseen = document.createElement("span");
    unseen.className = "shot";
    unseen.textContent = "已选，无法预览";
    picture.replaceWith(unseen);
  });
  remove.type = "button";
  remove.textContent = "移除";
  remove.addEventListener("click", () => {
    photos.delete(item);
    item.remove();
    held();
  });
  item.textContent = "";
  item.append(picture, remove);
  photos.set(item, photo);
}

async function take(file) {
  const told = shots.querySelector("[role=status]");
  if (list.children.length >= Number(shots.dataset.limit)) {
    told.textContent = "最多 " + shots.dataset.limit + " 张照片。";
    return;
  }
  const item = document.createElement("li");
  item.textContent = "正在处理…";
  list.append(item);
  pending += 1;
  try {
    const small = await shrunk(file);
    if (small.size > LARGEST) {
      told.textContent = "照片不能超过 20 MB，请压缩后再上传。";
      item.remove();
      return;
    }
    const data = await new Response(small).arrayBuffer();
    put(item, { once: newOnce(), type: small.type, data });
    await held();
  } catch (error) {
    told.textContent = "这张照片读不出来，请换一张。";
    item.remove();
  } finally {
    pending -= 1;
  }
}

function fieldsOf() {
  const fields = [];
  for (const pair of new FormData(form).entries()) {
    if (typeof pair[1] === "string" && !["csrf", "once", "asked"].includes(pair[0])) {
      fields.push(pair);
    }
  }
  return fields;
}

function draftOf(join) {
  const chosen = form.elements.category_code.selectedOptions[0];
  return {
    once: form.elements.once.value,
    owner,
    written: Date.now(),
    title: chosen ? chosen.textContent : "上报",
    fields: fieldsOf().concat(join ? [["join", join]] : [["asked", "1"]]),
    photos: Array.from(photos.values()),
  };
}

// What was reported already around the place: its text, "" for nothing, or a refusal.
async function known() {
  const fields = fieldsOf().filter((pair) => pair[0] !== "description" && pair[0] !== "address" && pair[0] !== "photo_ids");
  const query = fields.map((pair) => pair.map(encodeURIComponent).join("=")).join("&");
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), ASK_MS);
  try {
    const asked = { credentials: "same-origin", redirect: "manual", signal: stop.signal };
    asked.headers = { Accept: "text/html, application/json;q=0.9" };
    const answer = await fetch("/m/new/nearby?" + query, asked);
    return answer.ok ? (await answer.text()).trim() : "";
  } catch (error) {
    return ""; // no network: it is kept, and goes without asking
  } finally {
    clearTimeout(timer);
  }
}

function begin() {
  form.reset();
  form.elements.once.value = newOnce();
  photos.clear();
  list.textContent = "";
  near.textContent = "";
  send.hidden = false;
  left.hidden = true;
  forget(location.pathname);
}

async function submit(join, asked) {
  if (!join && !form.querySelector("[data-place] [name=picked_by]")) {
    say("请选择地点：点“使用当前位置”，或在列表中选到村（社区）。");
    return;
  }
  if (!join && !asked && navigator.onLine) {
    say("正在查看附近是否已有同类上报…");
    const text = await known();
    if (text) {
      near.innerHTML = text;
      send.hidden = true;
      say("");
      near.scrollIntoView({ block: "nearest" });
      return;
    }
  }
  const answer = await sendNow(draftOf(join), say);
  if (answer.state === "sent") {
    begin();
    location.assign(answer.path);
    return;
  }
  if (answer.state === "refused") {
    near.textContent = "";
    send.hidden = false;
    form.elements.once.value = newOnce();
    remember(form, owner, Array.from(photos.values()));
    say(answer.detail);
    return;
  }
  begin();
  await show();
  say((answer.detail ? answer.detail : "网络不通。") + "上报" + keptWhere());
}

form.addEventListener("click", (event) => {
  pressed = event.target.closest("button");
});
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (sending) {
    return;
  }
  if (pending) {
    say("照片正在处理，请稍候再提交。");
    return;
  }
  const by = pressed || {};
  sending = true;
  send.disabled = true;
  try {
    await submit(by.name === "join" ? by.value : "", by.name === "asked");
  } finally {
    sending = false;
    send.disabled = false;
    pressed = null;
  }
});
// Another class or place is another question.
form.addEventListener("change", (event) => {
  if (event.target.type === "file") {
    Array.from(event.target.files).forEach(take);
    event.target.value = "";
  } else if (event.target.name === "category_code" && near.children.length) {
    near.textContent = "";
    send.hidden = false;
  }
});
form.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(held, PAUSE_MS);
});
document.addEventListener("visibilitychange", () => document.hidden && held());
form.addEventListener("placed", held);
left.querySelector("button").addEventListener("click", () => {
  begin();
  dropForm(owner);
});
document.addEventListener("sent", () => say(""));

async function start() {
  const kept = await recall(form, owner);
  isRecalled = true;
  for (const photo of kept ? kept.photos : []) {
    const item = document.createElement("li");
    list.append(item);
    put(item, photo);
  }
  left.hidden = !kept && isBlank(form);
  await equipPlace(form, kept ? kept.place : {});
}

start();
