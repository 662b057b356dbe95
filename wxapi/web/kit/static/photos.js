// Photos of a form: chosen, dropped or pasted, each sent at once with its progress, each removable.

import { readJson } from "./net.js";

const LARGEST = 20 * 1024 * 1024;
const ASK_AGAIN_MS = 1000;
const ASK_AT_MOST = 60;
// A network that is gone without a word: nothing moved for so long.
const STALLED_MS = 30000;

function send(file, form, progress) {
  return new Promise((resolve) => {
    const body = new FormData();
    body.append("csrf", form.elements.csrf.value);
    body.append("once", Array.from(crypto.getRandomValues(new Uint8Array(16)), (n) => n.toString(16).padStart(2, "0")).join(""));
    body.append("file", file, file.name || "photo.jpg");
    const call = new XMLHttpRequest();
    call.open("POST", "/photos");
    call.setRequestHeader("Accept", "application/json");
    let watch = null;
    const stir = () => {
      clearTimeout(watch);
      watch = setTimeout(() => call.abort(), STALLED_MS);
    };
    call.upload.onprogress = (event) => {
      stir();
      progress.value = event.lengthComputable ? event.loaded / event.total : 0;
    };
    call.onloadend = () => clearTimeout(watch);
    call.onload = () => {
      let said = {};
      try {
        said = JSON.parse(call.responseText);
      } catch (error) {
        said = { detail: "登录已失效，请重新登录后再上传。" };
      }
      resolve({ ok: call.status === 201, body: said });
    };
    call.onerror = () => resolve({ ok: false, body: { detail: "网络中断，照片没有传完，请重新选择。" } });
    call.onabort = call.onerror;
    stir();
    call.send(body);
  });
}

function equip(box) {
  const list = box.querySelector("ul");
  const input = box.querySelector("input[type=file]");
  const status = box.querySelector("[role=status]");
  const limit = Number(box.dataset.limit);
  const form = box.closest("form");
  let pending = 0;

  function button(item) {
    const remove = document.createElement("button");
    remove.type = "button";
    remove.textContent = "移除";
    remove.addEventListener("click", () => item.remove());
    item.append(remove);
  }

  async function watch(item, id, times) {
    if (!item.isConnected) {
      return;
    }
    const answer = await readJson("/photos/" + id);
    if (answer.ok && answer.body.state === "ready") {
      const picture = document.createElement("img");
      picture.src = answer.body.thumb;
      picture.alt = "已上传的照片";
      picture.width = 64;
      picture.height = 64;
      item.querySelector(".shot").replaceWith(picture);
      status.textContent = "照片已上传。";
    } else if (answer.ok && answer.body.state === "rejected") {
      item.remove();
      status.textContent = answer.body.detail;
    } else if (times < ASK_AT_MOST) {
      setTimeout(() => watch(item, id, times + 1), ASK_AGAIN_MS);
    } else {
      status.textContent = "照片已上传，仍在处理，可以先提交。";
    }
  }

  async function take(file) {
    if (list.children.length >= limit) {
      status.textContent = "最多 " + limit + " 张照片。";
      return;
    }
    if (file.size > LARGEST) {
      status.textContent = "照片不能超过 20 MB，请压缩后再上传。";
      return;
    }
    const item = document.createElement("li");
    const shot = document.createElement("span");
    const progress = document.createElement("progress");
    shot.className = "shot";
    shot.textContent = "正在上传";
    progress.max = 1;
    progress.setAttribute("aria-label", "上传进度");
    item.append(shot, progress);
    list.append(item);
    pending += 1;
    const answer = await send(file, form, progress);
    pending -= 1;
    progress.remove();
    if (!answer.ok) {
      item.remove();
      status.textContent = answer.body.detail || "照片没有传上去，请重试。";
      return;
    }
    shot.textContent = "处理中";
    const hidden = document.createElement("input");
    hidden.type = "hidden";
    hidden.name = "photo_ids";
    hidden.value = answer.body.id;
    item.append(hidden);
    button(item);
    watch(item, answer.body.id, 0);
  }

  function takeAll(files) {
    for (const file of Array.from(files).filter((each) => each.type.startsWith("image/"))) {
      take(file);
    }
  }

  for (const item of list.children) {
    button(item);
  }
  input.addEventListener("change", () => {
    takeAll(input.files);
    input.value = "";
  });
  box.addEventListener("dragover", (event) => {
    event.preventDefault();
    box.classList.add("over");
  });
  box.addEventListener("dragleave", () => box.classList.remove("over"));
  box.addEventListener("drop", (event) => {
    event.preventDefault();
    box.classList.remove("over");
    takeAll(event.dataTransfer.files);
  });
  // A form that went now would go without the photo that is still on its way.
  form.addEventListener("submit", (event) => {
    if (pending && !box.closest("[hidden]")) {
      event.preventDefault();
      status.textContent = "照片正在上传，请稍候再提交。";
    }
  });
  document.addEventListener("paste", (event) => {
    if (event.clipboardData && event.clipboardData.files.length) {
      takeAll(event.clipboardData.files);
    }
  });
}

document.querySelectorAll("[data-photos]").forEach(equip);
