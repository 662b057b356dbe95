// A wall shows its views one after another, without a pointer; a key or a touch stops that for a minute.

const SHOWN_S = 15;
const STOPPED_S = 60;
const body = document.body;
let at = 0;
let timer = null;

// The refresh exchanges what is inside a view, never the view itself.
function views() {
  return document.querySelectorAll(".view");
}

function show() {
  views().forEach((view, n) => view.classList.toggle("shown", n === at));
}

function turn() {
  at = (at + 1) % views().length;
  show();
}

function start() {
  body.classList.add("turning");
  show();
  timer = setInterval(turn, SHOWN_S * 1000);
}

function stop() {
  clearInterval(timer);
  body.classList.remove("turning");
  setTimeout(start, STOPPED_S * 1000);
}

start();
["keydown", "touchstart", "click"].forEach((kind) => {
  document.addEventListener(kind, () => {
    if (body.classList.contains("turning")) {
      stop();
    }
  });
});
