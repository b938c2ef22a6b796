// Points of a study in two numbers, drawn as large as there is room.

const PLANE = { height: 320, left: 56, right: 20, top: 28, bottom: 40 };
const SHAPES = {
  o: "M-5 0a5 5 0 1 0 10 0a5 5 0 1 0-10 0", s: "M-4.5-4.5h9v9h-9z", "^": "M0-5.5L5.5 4.5h-11z",
  D: "M0-6L6 0L0 6L-6 0z", v: "M0 5.5L5.5-4.5h-11z", P: "M-2-5.5h4v3.5h3.5v4h-3.5v3.5h-4v-3.5h-3.5v-4h3.5z",
};

/** A few round numbers from one to the other. */
function ticksOf(low, high, most) {
  const rough = (high - low) / Math.max(1, most), size = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((k) => k * size).find((s) => s >= rough * 0.999);
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k += 1) found.push(k * step);
  return found;
}

function decades(low, high) {
  const found = [];
  for (let k = Math.floor(Math.log10(low)); k <= Math.ceil(Math.log10(high)); k += 1)
    for (const m of [1, 2, 5]) if (m * 10 ** k >= low * 0.999 && m * 10 ** k <= high * 1.001) found.push(m * 10 ** k);
  return found;
}

/** An axis: where a number stands, and its ticks. */
function axisOf(values, from, to, { log = false, zero = false, share: shares = false, most = 5 } = {}) {
  let low = Math.min(...values), high = Math.max(...values);
  if (log && low > 0) {
    const a = Math.log(low / 1.15), b = Math.log(high * 1.25);
    return { at: (v) => from + ((Math.log(v) - a) / (b - a)) * (to - from), ticks: decades(Math.exp(a), Math.exp(b)) };
  }
  if (zero) [low, high] = [Math.min(0, low), Math.max(0, high)];
  const room = 0.06 * (high - low) || 0.05 * Math.abs(high) || 0.5, whole = shares && low >= 0 && high <= 1;
  low = zero && low === 0 ? 0 : low - room;
  high += room;
  if (whole) [low, high] = [Math.max(0, low), Math.min(1, high)];
  return { at: (v) => from + ((v - low) / (high - low)) * (to - from), ticks: ticksOf(low, high, most) };
}

function words(parent, text, x, y, attributes = {}) {
  const made = svg("text", { x, y, ...attributes }, parent);
  made.textContent = text;
  return made;
}

/** Names beside points: the first ones first, and only where they meet nothing. */
function named(root, spots, width) {
  const taken = spots.map(({ x, y }) => [x - 6, y - 6, x + 6, y + 6]);
  for (const { x, y, label } of spots) {
    const wide = textWidth(label, "12px system-ui, sans-serif");
    for (const [dx, dy] of [[9, 4], [7, -8], [7, 17], [-wide - 9, 4], [-wide - 7, -8], [-wide / 2, -11], [-wide / 2, 20]]) {
      const box = [x + dx, y + dy - 10, x + dx + wide, y + dy + 3];
      if (box[0] < PLANE.left || box[2] > width || box[1] < PLANE.top - 12 || taken.some((t) => box[0] < t[2] && t[0] < box[2] && box[1] < t[3] && t[1] < box[3])) continue;
      taken.push(box);
      words(root, label, x + dx, y + dy, { class: "mk-name", "aria-hidden": "true" });
      break;
    }
  }
}

/** Draw the points of a chart into a box; `make` turns a group into what can be pressed. */
function plane(chart, box, make, all) {
  const width = box.clientWidth, { height, left, right, top, bottom } = PLANE;
  if (!width) return;
  const known = chart.marks.map((m, i) => ({ ...m, i })).filter((m) => m.x !== null && m.value !== null && (all || m.near));
  const root = svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, class: "mk-plane", role: "group" });
  const x = axisOf(known.map((m) => m.x), left, width - right, { log: chart.log, most: Math.max(2, width / 110) });
  const y = axisOf(known.flatMap((m) => [m.value, m.low ?? m.value, m.high ?? m.value]), height - bottom, top, { zero: chart.zero, share: chart.share });
  const say = chart.share ? (v) => share(Math.round(v * 1e6) / 1e6) : amount, dear = Math.max(...known.map((m) => Math.abs(m.x)));
  for (const v of y.ticks) {
    svg("line", { x1: left, x2: width - right, y1: y.at(v), y2: y.at(v), class: "mk-grid" }, root);
    words(root, say(v), left - 8, y.at(v) + 4, { class: "mk-tick", "text-anchor": "end" });
  }
  for (const v of x.ticks) words(root, tick(v, dear), x.at(v), height - bottom + 16, { class: "mk-tick", "text-anchor": "middle" });
  words(root, chart.up, 0, 12, { class: "mk-tick" });
  words(root, chart.across, (left + width - right) / 2, height - 6, { class: "mk-tick", "text-anchor": "middle" });
  for (const m of known.reverse()) {
    const group = Math.max(0, chart.groups.findIndex((g) => g.name === m.group));
    const at = svg("g", { class: "mk-point", "data-group": hue(chart, m.group), transform: `translate(${x.at(m.x)} ${y.at(m.value)})` }, root);
    svg("title", {}, at).textContent = `${m.label}${m.group && ` (${m.group})`}: ${chart.up} ${m.said}, ${chart.across} ${m.x_said}`;
    if (m.low !== null && m.high !== null) svg("line", { y1: y.at(m.low) - y.at(m.value), y2: y.at(m.high) - y.at(m.value), class: "mk-ends" }, at);
    svg("circle", { r: 12, class: "mk-hit" }, at);
    svg("path", { d: SHAPES[chart.groups[group]?.mark] || SHAPES.o }, at);
    make(at, m.i);
  }
  box.replaceChildren(root);
  named(root, known.reverse().map((m) => ({ x: x.at(m.x), y: y.at(m.value), label: m.label })), width);
}
