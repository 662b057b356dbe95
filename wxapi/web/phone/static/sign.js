// Signing in: the phone's position goes with it where the session looks at it; without one it goes all the same.

const form = document.querySelector("form[data-position]");
const WAIT = { enableHighAccuracy: true, timeout: 8000, maximumAge: 30000 };

if (form && navigator.geolocation) {
  const status = form.querySelector("[data-position-status]");
  let isAsked = false;
  let isTold = false;

  // By its button, so that it goes as any other form: not twice, and anew when its page comes back.
  function send() {
    isTold = true;
    form.querySelector("button").click();
  }

  form.addEventListener("submit", (event) => {
    if (isTold) {
      return;
    }
    event.preventDefault();
    if (isAsked) {
      return;
    }
    isAsked = true;
    status.textContent = "正在获取当前位置…";
    navigator.geolocation.getCurrentPosition(
      (found) => {
        form.elements.longitude.value = found.coords.longitude.toFixed(7);
        form.elements.latitude.value = found.coords.latitude.toFixed(7);
        form.elements.accuracy.value = found.coords.accuracy.toFixed(1);
        send();
      },
      send,
      WAIT
    );
  });
}
