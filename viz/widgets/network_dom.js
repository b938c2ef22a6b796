// Small helpers for elements, words and motion.

const SVG = "http://www.w3.org/2000/svg";
const SWEEP = 180; // milliseconds of any movement that is not the user's own

function svg(name, attributes = {}, parent = null) {
  return dressed(document.createElementNS(SVG, name), attributes, parent);
}

function html(name, attributes = {}, parent = null, text = "") {
  const made = dressed(document.createElement(name), attributes, parent);
  if (text) made.textContent = text;
  return made;
}

function dressed(element, attributes, parent) {
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (parent) parent.appendChild(element);
  return element;
}

/** Set or take away an attribute, touching the page only where it changes. */
function mark(element, name, value) {
  if (value === null || value === false) {
    if (element.hasAttribute(name)) element.removeAttribute(name);
  } else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, String(value));
}

const ruler = document.createElement("canvas").getContext("2d");

function textWidth(text, font) {
  ruler.font = font;
  return ruler.measureText(text).width;
}

/** The text, cut with an ellipsis to fit a room in pixels. */
function fitted(text, room, font) {
  if (textWidth(text, font) <= room) return text;
  let low = 0, high = text.length;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (textWidth(text.slice(0, middle).trimEnd() + "…", font) <= room) low = middle;
    else high = middle - 1;
  }
  return low > 1 ? text.slice(0, low).trimEnd() + "…" : "";
}

function still() {
  return window.matchMedia("(prefers-reduced-motion: reduce)").matches;
}

/** Call `step` with a share from 0 to 1 over some milliseconds; return what stops it. */
function tween(step, after = () => {}) {
  if (still()) {
    step(1);
    after();
    return () => {};
  }
  const start = performance.now();
  let frame = 0;
  const tock = (now) => {
    const t = Math.min(1, Math.max(0, (now - start) / SWEEP));
    step(1 - (1 - t) ** 3);
    if (t < 1) frame = requestAnimationFrame(tock);
    else after();
  };
  frame = requestAnimationFrame(tock);
  return () => cancelAnimationFrame(frame);
}
