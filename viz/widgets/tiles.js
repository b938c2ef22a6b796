// Tiles: one card a KPI. Text only by textContent: names come from files.
const COUNTING = 200; // ms

const quiet = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

function part(parent, tag, name) {
  const made = document.createElement(tag);
  made.className = `twin-tile-${name}`;
  parent.append(made);
  return made;
}

function card(name) {
  const box = document.createElement("div");
  box.className = "twin-tile";
  box.dataset.tile = name;
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", name);
  part(box, "div", "name").textContent = name;
  const line = part(box, "div", "line");
  const value = part(line, "span", "value");
  value.dataset.value = "";
  part(line, "span", "unit");
  part(box, "div", "change").dataset.change = "";
  return box;
}

// The number in a text, with the digits behind its point, so that it can be counted up to.
function parsed(text) {
  const found = /-?[\d,]+(\.\d+)?/.exec(text);
  if (!found) return null;
  const number = Number(found[0].replaceAll(",", ""));
  const digits = found[1] ? found[1].length - 1 : 0;
  return { number, digits, before: text.slice(0, found.index), after: text.slice(found.index + found[0].length) };
}

function count(node, to) {
  const a = parsed(node.textContent), b = parsed(to);
  cancelAnimationFrame(node.__frame || 0);
  if (!a || !b || quiet() || a.number === b.number) { node.textContent = to; return; }
  const begun = performance.now();
  const step = (now) => {
    const part = Math.min(1, (now - begun) / COUNTING);
    if (part >= 1) { node.textContent = to; return; }
    const x = a.number + (b.number - a.number) * part;
    const shown = x.toLocaleString("en", { minimumFractionDigits: b.digits, maximumFractionDigits: b.digits });
    node.textContent = b.before + shown + b.after;
    node.__frame = requestAnimationFrame(step);
  };
  node.__frame = requestAnimationFrame(step);
}

function fill(box, tile, first) {
  const value = box.querySelector(".twin-tile-value");
  if (first) value.textContent = tile.value;
  else if (value.__to !== tile.value) count(value, tile.value);
  value.__to = tile.value;
  box.dataset.to = tile.value;
  box.querySelector(".twin-tile-unit").textContent = tile.unit;
  const change = box.querySelector(".twin-tile-change");
  change.dataset.tone = tile.tone;
  change.textContent = tile.change;
  change.title = tile.change;
}

function render({ model, el }) {
  const root = document.createElement("div");
  root.className = "twin-tiles";
  root.dataset.tiles = "";
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", model.get("label"));
  el.append(root);
  const draw = () => {
    const tiles = model.get("tiles");
    const names = tiles.map((t) => t.name).join("|");
    const fresh = root.__names !== names;
    if (fresh) root.replaceChildren(...tiles.map((t) => card(t.name)));
    root.__names = names;
    tiles.forEach((tile, i) => fill(root.children[i], tile, fresh));
  };
  const status = () => {
    root.dataset.stale = model.get("stale");
    root.dataset.runs = model.get("runs");
  };
  model.on("change:tiles", draw);
  model.on("change:stale change:runs", status);
  draw();
  status();
}

export default { render };
