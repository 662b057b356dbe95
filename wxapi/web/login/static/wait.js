// Waits for the phone's word: asks every two seconds, at most 60 times, and says how it stands.
import { readJson } from "../kit/net.js";

const EVERY_MS = 2000;
const AT_MOST = 60;
const box = document.querySelector("[data-wait]");
const where = box.dataset.wait || "/login/state";
const status = box.querySelector("[role=status]");
let asked = 0;

function end(sentence) {
  status.textContent = sentence;
  box.querySelector(".code").classList.add("hidden");
  box.querySelector(".number").classList.add("hidden");
  box.querySelector(".again").classList.remove("hidden");
}

async function ask() {
  if (document.hidden) {
    setTimeout(ask, EVERY_MS);
    return;
  }
  asked += 1;
  const answer = await readJson(where);
  if (answer.ok && answer.body.state === "granted") {
    status.textContent = "已确认，正在进入。";
    location.replace(answer.body.next || "/");
  } else if (answer.ok && answer.body.state === "ended") {
    end("二维码已失效，请重新获取。");
  } else if (asked >= AT_MOST) {
    end("等待时间过长，请重新获取二维码。");
  } else {
    if (!answer.ok) {
      status.textContent = "网络不稳定，正在重试。";
    }
    setTimeout(ask, EVERY_MS);
  }
}

setTimeout(ask, EVERY_MS);
