// Signing in: the phone's position goes with it where the session looks at it; without one it goes all the same.

const form = document.querySelector("form[data-position]");
const WAIT = { enableHighAccuracy: true, timeout: 8000, maximumAge: 30000 };

if (form && navigator.geolocation) {
  const status = form.querySelector("[data-position-status]");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (form.dataset.asking) {
      return;
    }
    form.dataset.asking = "1";
    status.textContent = "正在获取当前位置…";
    navigator.geolocation.getCurrentPosition(
      (found) => {
        form.elements.longitude.value = found.coords.longitude.toFixed(7);
        form.elements.latitude.value = found.coords.latitude.toFixed(7);
        form.elements.accuracy.value = found.coords.accuracy.toFixed(1);
        form.submit();
      },
      () => form.submit(),
      WAIT
    );
  });
}
