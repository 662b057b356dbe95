// The hall's screen: asks every 2 s for what is new, and at the very change of the code. Nobody touches it.
// A lost network is said at once; the code stays while it still signs in, and is covered when it no longer does.

const EVERY_MS = 2000;
const SLOWER = 4;
const LENGTH = 276.5;

const box = document.querySelector("[data-screen]");
const part = (name) => box.querySelector("[data-" + name + "]");
let tag = null;
let pause = EVERY_MS;
let timer = null;
let begun = mark();
let refreshMs = Number(box.dataset.refreshMs);
let lifeMs = Number(box.dataset.lifeMs);
let stepMs = Number(box.dataset.stepMs);

function mark() {
  return { wall: Date.now(), steady: performance.now() };
}

// The steady clock stands still while the machine sleeps, the other one may be set back: the later of both is safe.
function since(moment) {
  return Math.max(Date.now() - moment.wall, performance.now() - moment.steady);
}

function put(name, text) {
  const found = part(name);
  if (found.textContent !== text) {
    found.textContent = text;
  }
}

function cover(sentence) {
  part("code").textContent = "";
  part("typed").hidden = true;
  put("cover", sentence);
  part("cover").hidden = false;
}

function show(state, asked) {
  begun = asked;
  refreshMs = state.refresh_ms;
  lifeMs = state.life_ms;
  stepMs = state.step_ms;
  put("arrived", String(state.arrived));
  put("expected", String(state.expected));
  put("say", state.say);
  if (!state.code) {
    cover(state.say);
    return;
  }
  part("code").innerHTML = state.code;
  put("short", state.short);
  part("typed").hidden = false;
  part("cover").hidden = true;
}

async function ask() {
  const asked = mark();
  let answer = null;
  try {
    const headers = tag ? { Accept: "application/json", "If-None-Match": tag } : { Accept: "application/json" };
    const options = { headers, cache: "no-store", credentials: "same-origin", redirect: "manual" };
    answer = await fetch(box.dataset.screen, options);
    if (answer.ok) {
      show(await answer.json(), asked);
      tag = answer.headers.get("ETag");
    }
  } catch (error) {
    pause = EVERY_MS * SLOWER;
    put("net", "网络已断开，正在重新连接。当前签到码到期前仍可使用。");
    return;
  }
  if (answer.ok || answer.status === 304) {
    pause = EVERY_MS;
    put("net", "");
  } else if (answer.type === "opaqueredirect" || answer.status === 401) {
    pause = EVERY_MS * SLOWER;
    put("net", "登录已失效，请重新登录后再打开会场大屏。");
  } else if (answer.status === 404 || answer.status === 409) {
    pause = EVERY_MS * SLOWER;
    tag = null;
    lifeMs = 0;
    cover("本场培训已取消或不再由您组织，签到码不再显示。");
  } else {
    pause = Math.max(EVERY_MS * SLOWER, 1000 * Number(answer.headers.get("Retry-After") || 0));
    put("net", "服务繁忙，正在重试。当前签到码到期前仍可使用。");
  }
}

// Whoever is in trouble does not ask at the change of the code either: the pause stands.
function untilNext() {
  const usual = pause * (0.9 + Math.random() * 0.2);
  const change = refreshMs - since(begun) + 50;
  return pause === EVERY_MS && change > 0 ? Math.min(usual, change) : usual;
}

async function turn() {
  clearTimeout(timer);
  if (!document.hidden) {
    await ask();
  }
  clearTimeout(timer);
  timer = setTimeout(turn, untilNext());
}

function draw() {
  const passed = since(begun);
  const left = Math.max(0, refreshMs - passed);
  part("ring").setAttribute("stroke-dashoffset", String(LENGTH * (1 - Math.min(1, left / stepMs))));
  put("seconds", String(Math.ceil(left / 1000)));
  if (passed >= lifeMs && part("cover").hidden) {
    tag = null;
    cover("网络中断，签到码已失效。网络恢复后会自动显示新的签到码；急需签到的，请找签到员登记。");
  }
}

async function stayAwake() {
  if (!navigator.wakeLock || document.hidden) {
    return;
  }
  try {
    await navigator.wakeLock.request("screen");
  } catch (error) {
    // A machine that saves power says no: the screen then sleeps by its own settings.
  }
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) {
    draw();
    stayAwake();
    turn();
  }
});
window.addEventListener("online", turn);
const full = part("full");
if (document.documentElement.requestFullscreen) {
  full.hidden = false;
  full.addEventListener("click", () => document.documentElement.requestFullscreen());
}
draw();
stayAwake();
setInterval(draw, 250);
timer = setTimeout(turn, untilNext());
