// Numbers as words, as viz/look.py says them, and the colours of the page.

const NB = "\u00a0";
const ROLES = ["ink", "grey", "hair", "edge", "card", "push", "pull", "push-text", "pull-text", "own", "amber", "amber-text", "good", "bad", "base"];

/** Colours of the theme, and the font, as the page has them now. */
function readLook(element) {
  const css = getComputedStyle(element), found = { font: css.fontFamily };
  for (const role of ROLES) found[role] = css.getPropertyValue(`--${role}`).trim() || "#777";
  return found;
}

function three(x) {
  if (Math.abs(x) < 0.0005) return "0";
  const places = Math.abs(x) >= 100 ? 0 : Math.abs(x) >= 10 ? 1 : 2;
  return Number(x.toPrecision(3)).toLocaleString("en-US", { maximumFractionDigits: places });
}

function amount(x) {
  if (x === null || x === undefined || Number.isNaN(x)) return "–";
  for (const [size, letter] of [[1e9, "bn"], [1e6, "M"]])
    if (Math.abs(x) >= 0.9995 * size) return three(x / size) + NB + letter;
  return three(x).replace("-", "−");
}

/** A number as short as an axis wants it. */
function tick(x, most) {
  return most >= 1e4 && most < 1e6 && x ? `${three(x / 1e3)}${NB}k` : amount(x);
}

function share(x) {
  if (x === null || x === undefined || Number.isNaN(x)) return "–";
  const text = (100 * x).toFixed(1).replace(/\.0$/, "");
  return (text === "100" && x < 1 ? "> 99.9" : text) + NB + "%";
}

function times(x) {
  return `${x.toFixed(x < 9.995 ? 2 : x < 99.95 ? 1 : 0)}×`;
}

function signed(x, say = amount) {
  return x === 0 ? say(0) : (x > 0 ? "+" : "−") + say(Math.abs(x));
}

/** Return how values of a payload are said, and how differences of them are. */
function sayers(payload) {
  if (payload.format === "share") {
    const points = (x) => `${(100 * Math.abs(x)).toFixed(1)}`;
    return { value: share, difference: (x) => (x === 0 ? "0" : (x > 0 ? "+" : "−") + points(x)), unit: "points" };
  }
  return { value: amount, difference: (x) => signed(x), unit: payload.unit || "" };
}
