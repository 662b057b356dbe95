// Sending one draft: its photos one by one, then the report, each under its own key, so that a repeat does nothing twice.

import { readJson } from "../kit/net.js";
import { drop, keep, newOnce } from "./store.js";

const HOUR = 3600 * 1000;
// The server forgets a photo that belongs to nothing, and a key, after 48 hours.
const PHOTO_GOOD = 24 * HOUR;
const KEY_GOOD = 44 * HOUR;
// What the form calls its fields: a draft is sent from pages without it, too.
const NAMES = { photo_ids: "照片", category_code: "问题类别", location: "地点", address: "详细位置", description: "问题描述" };
const REFUSED = [400, 404, 409, 410, 413, 415, 422];

function post(address, csrf, once, fill) {
  const body = new FormData();
  body.append("csrf", csrf);
  body.append("once", once);
  fill(body);
  return readJson(address, { method: "POST", body });
}

// Nobody can tell any more whether the server has it: its person must look.
export function isUnsure(draft) {
  return Boolean(draft.tried) && Date.now() - draft.tried > KEY_GOOD;
}

function failed(answer) {
  if (answer.ended) {
    return { state: "ended", detail: "登录已失效，请重新登录，登录后自动发送。" };
  }
  if (answer.lost) {
    return { state: "lost", detail: "网络不通，联网后自动发送。" };
  }
  if (REFUSED.includes(answer.status)) {
    const fields = answer.body.errors || {};
    const told = Object.keys(fields).reduce((all, name) => {
      const called = NAMES[name.split(".")[0]];
      const sentences = fields[name].filter((each) => each !== answer.body.detail).join("");
      return all + (sentences && called ? called + "：" : "") + sentences;
    }, "");
    return { state: "refused", detail: (answer.body.detail || "内容有误。") + told };
  }
  if (answer.status === 403) {
    return { state: "later", detail: "页面已过期，请刷新页面，刷新后自动发送。" };
  }
  return { state: "later", detail: "服务繁忙，稍后自动重试。" };
}

async function sendPhotos(draft, csrf, say) {
  for (let at = 0; at < draft.photos.length; at += 1) {
    const photo = draft.photos[at];
    if (photo.id && Date.now() - photo.sent > PHOTO_GOOD) {
      photo.id = null;
      photo.once = newOnce();
    }
    if (!photo.id) {
      say("正在发送照片 " + (at + 1) + "/" + draft.photos.length + "…");
      const file = new Blob([photo.data], { type: photo.type });
      const answer = await post("/photos", csrf, photo.once, (body) => body.append("file", file, "photo.jpg"));
      if (!answer.ok) {
        return failed(answer);
      }
      photo.id = answer.body.id;
      photo.sent = Date.now();
      await keep(draft);
    }
  }
  return null;
}

// → {state: "sent", path, number} or {state: "lost" | "ended" | "refused" | "later", detail}
export async function send(draft, csrf, say) {
  const trouble = await sendPhotos(draft, csrf, say);
  if (trouble) {
    return trouble;
  }
  say("正在提交…");
  draft.tried = draft.tried || Date.now();
  await keep(draft);
  const answer = await post("/m/new", csrf, draft.once, (body) => {
    for (const field of draft.fields) {
      body.append(field[0], field[1]);
    }
    for (const photo of draft.photos) {
      body.append("photo_ids", photo.id);
    }
  });
  if (answer.ok) {
    await drop(draft.once);
    return { state: "sent", path: answer.body.path, number: answer.body.number };
  }
  if (answer.body.code === "answer_not_kept") {
    await drop(draft.once);
    return { state: "sent", path: "/m", number: "" };
  }
  const told = failed(answer);
  if (told.state === "refused") {
    draft.tried = null;
    await keep(draft);
  }
  return told;
}
