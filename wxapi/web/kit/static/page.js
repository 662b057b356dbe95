// On every page: says that scripts run, keeps typed text until it was taken, sends no form twice.

const root = document.documentElement;
root.classList.add("js");

// A page out of the browser's memory carries forms that were used: fetch it anew.
window.addEventListener("pageshow", (event) => {
  if (event.persisted && root.dataset.sent) {
    location.reload();
  }
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented) {
    return;
  }
  if (form.dataset.sending) {
    event.preventDefault();
    return;
  }
  if (form.method === "post") {
    form.dataset.sending = "1";
    root.dataset.sent = "1";
    setTimeout(() => delete form.dataset.sending, 8000);
  }
});
