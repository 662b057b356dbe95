// Where the report lies: the phone's position, a tap on the map, or down the list. The server draws what it makes of it.

const WAIT = { enableHighAccuracy: true, timeout: 10000, maximumAge: 30000 };
const WHY = {
  1: "没有获得定位权限，请在列表或地图中选择地点。",
  2: "暂时无法定位，请在列表或地图中选择地点。",
  3: "定位超时，请重试，或在列表、地图中选择地点。",
};

// left: what the form held before, by field; it goes before the phone's position.
export async function equipPlace(form, left) {
  const box = form.querySelector("[data-place]");
  const status = form.querySelector("[data-place-status]");
  let turn = 0;

  async function load(query) {
    turn += 1;
    const mine = turn;
    try {
      const answer = await fetch("/m/new/place" + query, { credentials: "same-origin", redirect: "manual" });
      if (answer.ok) {
        const text = await answer.text();
        if (mine === turn) {
          box.innerHTML = text;
          form.dispatchEvent(new Event("placed"));
        }
        return true;
      }
    } catch (error) {
      return false;
    }
    return false;
  }

  // Without a network the position alone is kept; the server finds the village when it is sent.
  function remember(fields) {
    box.textContent = "";
    for (const name of Object.keys(fields)) {
      const input = document.createElement("input");
      input.type = "hidden";
      input.name = name;
      input.value = fields[name];
      box.append(input);
    }
    form.dispatchEvent(new Event("placed"));
  }

  async function take(fields) {
    const query = Object.keys(fields).map((name) => name + "=" + encodeURIComponent(fields[name]));
    return load("?" + query.join("&"));
  }

  function locate() {
    status.textContent = "正在定位…";
    navigator.geolocation.getCurrentPosition(
      async (found) => {
        const accuracy = Math.round(found.coords.accuracy);
        const fields = {
          longitude: found.coords.longitude.toFixed(7),
          latitude: found.coords.latitude.toFixed(7),
          coord_type: "wgs84",
          accuracy: String(accuracy),
          picked_by: "gps",
        };
        status.textContent = "已定位，精度约 " + accuracy + " 米。";
        if (!(await take(fields))) {
          remember(fields);
          status.textContent += "网络不通，所属村（社区）在发送时确定。";
        }
      },
      (error) => {
        status.textContent = WHY[error.code] || WHY[2];
      },
      WAIT
    );
  }

  function tap(map, event) {
    const point = map.createSVGPoint();
    point.x = event.clientX;
    point.y = event.clientY;
    const at = point.matrixTransform(map.getScreenCTM().inverse());
    const frame = map.viewBox.baseVal;
    const edge = (name) => Number(map.dataset[name]);
    const across = at.x / frame.width;
    const down = at.y / frame.height;
    status.textContent = "";
    take({
      longitude: (edge("west") + across * (edge("east") - edge("west"))).toFixed(7),
      latitude: (edge("north") - down * (edge("north") - edge("south"))).toFixed(7),
      coord_type: "gcj02",
      picked_by: "map",
    });
  }

  box.addEventListener("click", async (event) => {
    const link = event.target.closest("a");
    const map = event.target.closest("[data-tap]");
    if (link) {
      event.preventDefault();
      const href = link.getAttribute("href");
      status.textContent = "";
      if (!(await load(href.slice(href.indexOf("?"))))) {
        status.textContent = "网络不通，列表暂时打不开，可使用当前位置。";
      }
    } else if (map) {
      tap(map, event);
    }
  });
  if (left.picked_by && !box.querySelector("[name=picked_by]")) {
    // At once: a form that is left, or sent, before the server has drawn its place has it all the same.
    remember(left);
    await take(left);
  }
  const button = form.querySelector("[data-gps]");
  if (!navigator.geolocation) {
    button.hidden = true;
    return;
  }
  button.addEventListener("click", locate);
  // Who has allowed it before need not ask for it again.
  if (navigator.permissions && !box.querySelector("[name=picked_by]")) {
    navigator.permissions.query({ name: "geolocation" }).then(
      (answer) => answer.state === "granted" && locate(),
      () => null
    );
  }
}
