// Where everything of the network stands in pixels: nodes, labels, edges with their ports.

const HEADER = 40; // room for stage names and the chips of open groups
const FOOTER = 44; // room for the head of the handle
const SIDE = 28; // room beside the outermost columns, so that a handle fits there
const THINNEST = 1.2; // width of the smallest flow
const WIDEST = 32; // width of all flows at the busiest node, at most
const BROADEST = 12; // width of one flow, at most
const SAMPLE = 4; // pixels between two points of a sampled edge

/** Pixel places for a drawing in a box; `flows` has one number an edge. */
function measure(drawing, flows, width, height, font) {
  const [left, right] = margins(drawing, width, font);
  const step = (width - left - right) / drawing.columns;
  const tall = Math.max(40, height - HEADER - FOOTER);
  const geo = { width, height, step, tall, left, right, px: (x) => left + (x + 0.5) * step, py: (y) => HEADER + y * tall };
  geo.column = (px) => (px - left) / step - 0.5;
  geo.nodes = placed(drawing, geo);
  geo.edges = routed(drawing, geo, flows);
  return geo;
}

/** Room beside the outer columns: enough for their labels, within reason. */
function margins(drawing, width, font) {
  const last = drawing.columns - 1, half = (width - 2 * SIDE) / drawing.columns / 2;
  return [0, last].map((x) => {
    const widest = Math.max(0, ...drawing.nodes.filter((n) => n.x === x).map((n) => textWidth(n.label, font)));
    return Math.round(Math.max(SIDE, Math.min(widest + 44 - half, 0.13 * width)));
  });
}

/** Nodes with centre, radius and the room of their label. */
function placed(drawing, geo) {
  const last = drawing.columns - 1;
  const columns = new Map();
  for (const node of drawing.nodes) {
    if (!columns.has(node.x)) columns.set(node.x, []);
    columns.get(node.x).push(node.y);
  }
  const look = new Map();
  for (const [x, ys] of columns) {
    ys.sort((a, b) => a - b);
    let gap = 2 * (Math.min(ys[0], 1 - ys[ys.length - 1]) + 10 / geo.tall);
    for (let i = 1; i < ys.length; i++) gap = Math.min(gap, ys[i] - ys[i - 1]);
    gap *= geo.tall;
    const below = x > 0 && x < last && gap >= 34; // the label takes a line of the gap
    look.set(x, { gap, r: Math.max(2.5, Math.min(20, below ? (gap - 15) / 2 : 0.36 * gap, 0.11 * geo.step)) });
  }
  const least = Math.min(...[...look.values()].map((c) => c.r));
  return drawing.nodes.map((node) => {
    const { gap, r: own } = look.get(node.x);
    const r = least >= 7 ? least : own; // one size, unless a crowded column would make it tiny
    const side = last === 0 ? 0 : node.x === 0 ? -1 : node.x === last ? 1 : 0;
    let label = "none";
    if (side && gap >= 13) label = side < 0 ? "left" : "right";
    else if (gap >= 2 * r + 14) label = "below";
    else if (gap >= 13) label = "left";
    const room = label === "below" ? 0.92 * geo.step : side ? geo.step / 2 + (side < 0 ? geo.left : geo.right) - r - 14 : 0.5 * geo.step - r - 8;
    return { x: geo.px(node.x), y: geo.py(node.y), r, gap, label, room };
  });
}

/** Edges with width, path and points every few pixels on the way. */
function routed(drawing, geo, flows) {
  const index = new Map(drawing.nodes.map((node, i) => [node.id, i]));
  const ends = drawing.edges.map((edge) => [index.get(edge.source), index.get(edge.to)]);
  const sides = new Map();
  const side = (i, end) => {
    const key = 2 * i + end;
    if (!sides.has(key)) sides.set(key, { flow: 0, edges: [] });
    return sides.get(key);
  };
  ends.forEach((pair, e) => pair.forEach((i, end) => {
    side(i, end).flow += flows[e] || 0;
    side(i, end).edges.push(e);
  }));
  let scale = BROADEST / Math.max(...flows, 1e-9);
  for (const [key, s] of sides) if (s.flow > 0) scale = Math.min(scale, Math.min(1.9 * geo.nodes[key >> 1].r, WIDEST) / s.flow);
  const width = drawing.edges.map((_, e) => (flows[e] > 0 ? flows[e] * scale : 0));
  const shift = drawing.edges.map(() => [0, 0]);
  for (const [key, s] of sides) {
    const end = key & 1;
    const next = (e) => drawing.edges[e].path.at(end === 0 ? 1 : -2)[1];
    let at = -s.edges.reduce((sum, e) => sum + width[e], 0) / 2;
    for (const e of s.edges.sort((a, b) => next(a) - next(b) || a - b)) {
      shift[e][end] = at + width[e] / 2;
      at += width[e];
    }
  }
  return drawing.edges.map((edge, e) => {
    const points = edge.path.map(([x, y]) => [geo.px(x), geo.py(y)]);
    points[0][1] += shift[e][0];
    points[points.length - 1][1] += shift[e][1];
    const [a, b] = ends[e].map((i) => geo.nodes[i]);
    return { ends: ends[e], width: Math.max(THINNEST, width[e]), d: curve(points), dots: sampled(points, a.r, b.r) };
  });
}

/** An SVG path that leaves and enters every point horizontally. */
function curve(points) {
  let d = `M${points[0][0].toFixed(1)},${points[0][1].toFixed(1)}`;
  for (let i = 1; i < points.length; i++) {
    const [xa, ya] = points[i - 1], [xb, yb] = points[i];
    const m = ((xa + xb) / 2).toFixed(1);
    d += `C${m},${ya.toFixed(1)} ${m},${yb.toFixed(1)} ${xb.toFixed(1)},${yb.toFixed(1)}`;
  }
  return d;
}

/** Points of the same path at equal distances, x and y in turn, clear of the nodes at its ends. */
function sampled(points, before, after) {
  const fine = [];
  for (let i = 1; i < points.length; i++) {
    const [xa, ya] = points[i - 1], [xb, yb] = points[i], m = (xa + xb) / 2;
    for (let k = i === 1 ? 0 : 1; k <= 24; k++) {
      const t = k / 24, u = 1 - t;
      fine.push([
        u * u * u * xa + 3 * u * u * t * m + 3 * u * t * t * m + t * t * t * xb,
        (u * u * u + 3 * u * u * t) * ya + (3 * u * t * t + t * t * t) * yb,
      ]);
    }
  }
  const found = [];
  const first = points[0][0] + before + 2, last = points[points.length - 1][0] - after - 2;
  let left = 0;
  for (let i = 1; i < fine.length; i++) {
    const [xa, ya] = fine[i - 1], [xb, yb] = fine[i];
    const length = Math.hypot(xb - xa, yb - ya);
    let at = left;
    for (; at < length; at += SAMPLE) {
      const x = xa + ((xb - xa) * at) / length;
      if (x > first && x < last) found.push(x, ya + ((yb - ya) * at) / length);
    }
    left = at - length;
  }
  return Float32Array.from(found);
}

/** Points of a handle's line, `path` in columns and heights, moved by some columns. */
function handleLine(geo, path, offset) {
  const low = geo.height;
  const inner = path.slice(1, -1).map(([x, y]) => [geo.px(x + offset), geo.py(y)]);
  return [[geo.px(path[0][0] + offset), 0], ...inner, [geo.px(path[path.length - 1][0] + offset), low]];
}
