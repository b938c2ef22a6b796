// The canvas between the lines and the labels: stock in the nodes, goods on their way.

const ROLES = ["ink", "grey", "edge", "card", "push", "pull", "own", "amber"];
const SPACING = 6; // samples from one dash to the next
const MODES = { push: "push", pull: "pull", own: "own", mixed: "own" };

/** The theme's colours, read anew when the theme changes. */
function readColours(element) {
  const style = getComputedStyle(element);
  return Object.fromEntries(ROLES.map((role) => [role, style.getPropertyValue(`--${role}`).trim() || "#888"]));
}

/** Fit a canvas to a box and to the screen's pixels. */
function fitCanvas(canvas, width, height) {
  const dense = Math.min(2, window.devicePixelRatio || 1);
  canvas.width = Math.round(width * dense);
  canvas.height = Math.round(height * dense);
  const pen = canvas.getContext("2d");
  pen.setTransform(dense, 0, 0, dense, 0, 0);
  return pen;
}

/** Draw one frame: `looks` has mode, level (or null), faint, group and hit of every node. */
function paint(pen, geo, looks, colours, goods) {
  pen.clearRect(0, 0, geo.width, geo.height);
  if (goods) paintGoods(pen, geo, colours, goods);
  paintNodes(pen, geo, looks, colours);
}

/** Dashes on the edges that flow; `goods` has at (pixels gone) and flow (share of the widest). */
function paintGoods(pen, geo, colours, goods) {
  pen.strokeStyle = colours.ink;
  pen.lineCap = "round";
  pen.globalAlpha = geo.edges.length > 200 ? 0.4 : 0.62;
  for (const [low, high, thick] of [[0, 3, 1.6], [3, 8, 2.4], [8, 99, 3.4]]) {
    pen.lineWidth = thick;
    pen.beginPath();
    geo.edges.forEach((edge, e) => {
      if (!goods.moves[e] || edge.width < low || edge.width >= high) return;
      const dots = edge.dots, n = dots.length / 2 - 1;
      const gone = (goods.at[e] / SAMPLE) % SPACING;
      for (let s = gone; s + 1 < n; s += SPACING) {
        const i = 2 * Math.floor(s), f = s % 1;
        const x = dots[i] + (dots[i + 2] - dots[i]) * f, y = dots[i + 1] + (dots[i + 3] - dots[i + 1]) * f;
        pen.moveTo(x, y);
        pen.lineTo(x + dots[i + 2] - dots[i], y + dots[i + 3] - dots[i + 1]);
      }
    });
    pen.stroke();
  }
  pen.globalAlpha = 1;
}

function paintNodes(pen, geo, looks, colours) {
  geo.nodes.forEach((node, i) => {
    const look = looks[i], colour = colours[MODES[look.mode]];
    pen.globalAlpha = look.faint ? 0.25 : 1;
    if (look.hit) disc(pen, node.x, node.y, node.r + 5, colours.amber);
    if (look.group) {
      disc(pen, node.x + 0.3 * node.r, node.y - 0.3 * node.r, node.r, colours.card);
      pen.strokeStyle = colour;
      pen.lineWidth = 1;
      pen.stroke();
    }
    disc(pen, node.x, node.y, node.r, colours.card);
    if (look.level === null) return;
    if (look.level > 0.004) liquid(pen, node, look.level, colour, look.faint ? 0.15 : 0.55);
    if (node.r >= 6) tick(pen, node, colours.ink);
  });
  pen.globalAlpha = 1;
}

function disc(pen, x, y, r, colour) {
  pen.fillStyle = colour;
  pen.beginPath();
  pen.arc(x, y, r, 0, 2 * Math.PI);
  pen.fill();
}

function liquid(pen, node, level, colour, alpha) {
  const angle = Math.asin(Math.max(-1, Math.min(1, 1 - 2 * level)));
  const before = pen.globalAlpha;
  pen.globalAlpha = alpha;
  pen.fillStyle = colour;
  pen.beginPath();
  pen.arc(node.x, node.y, node.r, angle, Math.PI - angle);
  pen.closePath();
  pen.fill();
  pen.globalAlpha = before;
}

/** The target's mark at half height. */
function tick(pen, node, colour) {
  pen.strokeStyle = colour;
  pen.lineWidth = 1;
  pen.beginPath();
  for (const side of [-1, 1]) {
    pen.moveTo(node.x + side * node.r, node.y);
    pen.lineTo(node.x + side * 0.5 * node.r, node.y);
  }
  pen.stroke();
}
