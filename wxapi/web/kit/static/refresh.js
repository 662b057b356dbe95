// Keeps a part of a page fresh: asks again and again, each time only for what is new.
//
// <div data-refresh="/address" data-every="15">: rows of a [data-keyed] body are exchanged one by one by their
// data-key, so that ticks, focus and scroll stay; a [data-part] is exchanged whole when it differs.
// Asleep while the page is hidden, slower while the server is in trouble, and it says what it does.

const SLOWER = 4;

function wait(seconds) {
  return seconds * 1000 * (0.9 + Math.random() * 0.2);
}

function keyed(body) {
  const found = new Map();
  for (const row of body.children) {
    found.set(row.dataset.key, row);
  }
  return found;
}

// A tick that was set stays with the version that was seen; the row says that it has changed since.
function carryOver(old, fresh) {
  const ticked = old.querySelector("input[type=checkbox]");
  const box = fresh.querySelector("input[type=checkbox]");
  if (ticked && box && ticked.checked) {
    box.checked = true;
    if (box.value !== ticked.value) {
      box.value = ticked.value;
      fresh.classList.add("changed");
    }
  }
  if (old.classList.contains("at")) {
    fresh.classList.add("at");
  }
  const inside = old.contains(document.activeElement) ? document.activeElement : null;
  const again = inside && fresh.querySelector(inside.tagName.toLowerCase());
  return again;
}

function mergeRows(body, fresh) {
  const present = keyed(body);
  const focused = body.contains(document.activeElement) ? document.activeElement : null;
  let last = null;
  for (const row of Array.from(fresh.children)) {
    const old = present.get(row.dataset.key);
    let kept = row;
    if (old) {
      present.delete(row.dataset.key);
      if (old.dataset.was === row.outerHTML) {
        kept = old;
      } else {
        row.dataset.was = row.outerHTML;
        const focus = carryOver(old, row);
        old.replaceWith(row);
        if (focus) {
          focus.focus();
        }
      }
    } else {
      row.dataset.was = row.outerHTML;
    }
    const place = last ? last.nextElementSibling : body.firstElementChild;
    if (place !== kept) {
      body.insertBefore(kept, place);
    }
    last = kept;
  }
  for (const gone of present.values()) {
    gone.remove();
  }
  // A row that moved lost the focus that was in it.
  if (focused && focused.isConnected && document.activeElement !== focused) {
    focused.focus();
  }
}

// Whether all of it was taken: a part in which somebody is stays as it is until they have left.
function merge(box, text) {
  const fresh = document.createElement("div");
  fresh.innerHTML = text;
  const bodies = box.querySelectorAll("[data-keyed]");
  const news = fresh.querySelectorAll("[data-keyed]");
  if (bodies.length !== news.length) {
    box.innerHTML = text;
    remember(box);
    return true;
  }
  news.forEach((body, n) => mergeRows(bodies[n], body));
  let whole = true;
  for (const part of fresh.querySelectorAll("[data-part]")) {
    const old = box.querySelector('[data-part="' + part.dataset.part + '"]');
    if (old && old.innerHTML !== part.innerHTML) {
      if (old.contains(document.activeElement)) {
        whole = false;
      } else {
        old.innerHTML = part.innerHTML;
      }
    }
  }
  return whole;
}

// What a row looked like when it came, before anybody ticked it.
function remember(box) {
  for (const body of box.querySelectorAll("[data-keyed]")) {
    for (const row of body.children) {
      row.dataset.was = row.outerHTML;
    }
  }
}

function keep(box) {
  const every = Number(box.dataset.every || 15);
  const status = document.querySelector("[data-refresh-status]");
  let tag = null;
  let pause = every;

  function say(sentence) {
    if (status && status.textContent !== sentence) {
      status.textContent = sentence;
    }
  }

  async function ask() {
    if (document.hidden) {
      return;
    }
    const headers = tag ? { "If-None-Match": tag } : {};
    let answer = null;
    try {
      const asked = { headers, cache: "no-store", credentials: "same-origin", redirect: "manual" };
      answer = await fetch(box.dataset.refresh, asked);
    } catch (error) {
      pause = every * SLOWER;
      say("网络已断开，显示的是之前的内容，正在重试。");
      return;
    }
    if (answer.type === "opaqueredirect" || answer.status === 401) {
      pause = every * SLOWER;
      say("登录已失效，请重新登录后继续。");
    } else if (answer.status === 304 || answer.ok) {
      pause = every;
      if (answer.ok) {
        tag = merge(box, await answer.text()) ? answer.headers.get("ETag") : null;
        box.dispatchEvent(new CustomEvent("refreshed", { bubbles: true }));
      }
      say("");
    } else if (answer.status === 404) {
      pause = every * SLOWER;
      say("内容已不存在，或您已无权查看；显示的是之前的内容。");
    } else {
      pause = Math.max(every * SLOWER, Number(answer.headers.get("Retry-After") || 0));
      say("服务繁忙，稍后自动刷新。");
    }
  }

  let timer = null;
  let turns = 0;
  async function turn() {
    turns += 1;
    const mine = turns;
    await ask();
    // One that was woken meanwhile goes on instead; else each waking would leave one more turning for ever.
    if (mine === turns) {
      timer = setTimeout(turn, wait(pause));
    }
  }
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) {
      clearTimeout(timer);
      turn();
    }
  });
  remember(box);
  timer = setTimeout(turn, wait(every));
}

document.querySelectorAll("[data-refresh]").forEach(keep);
