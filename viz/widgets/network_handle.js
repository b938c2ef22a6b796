// The decoupling handle and the tinted grounds on its two sides.

const PILL = 26, THIN_PILL = 20;
const PATIENCE = 1500; // milliseconds until a move that nothing came of is taken back

class Handles {
  constructor(view, ground, layer) {
    this.view = view;
    this.ground = ground;
    this.layer = layer;
    this.guides = svg("g", { class: "tn-guides" }, layer);
    this.groups = [];
    this.chosen = {}; // places that were chosen here and not yet heard back, by family
    this.shown = {}; // column where each family's handle was drawn last
  }

  /** Take the places of the drawing again, with those just chosen on top. */
  update() {
    const { drawing, model } = this.view;
    const one = model.get("family");
    const families = drawing.families.filter((f) => f.positions.length).map((f) => {
      const stop = f.positions.find((p) => p.stage === this.chosen[f.name]);
      return stop ? { ...f, stage: stop.stage, place: stop.label, path: stop.path } : f;
    });
    const found = new Map();
    for (const f of families) {
      const key = f.name === one ? "" : JSON.stringify(f.path);
      if (!found.has(key)) found.set(key, []);
      found.get(key).push(f);
    }
    const groups = [...found.values()].map((members) => this.group(members, families, one))
      .filter((g) => g.path || g.main).sort((a, b) => a.main - b.main || a.x - b.x);
    const told = JSON.stringify(groups.map((g) => [g.names, g.main, g.who]));
    const moved = groups.some((g, i) => JSON.stringify(g.path) !== JSON.stringify(this.groups[i]?.path));
    if (told === this.told) groups.forEach((g, i) => Object.assign(this.groups[i], g));
    else this.make(groups);
    this.told = told;
    for (const group of this.groups) if (group.main) this.tell(group);
    if (moved) this.sweep();
    else this.draw();
  }

  group(members, families, one) {
    const [first] = members;
    const main = !one || first.name === one;
    const stops = new Map();
    for (const f of one ? members : families) for (const p of f.positions) {
      const known = stops.get(p.stage);
      if (!known || p.lead > known.lead) stops.set(p.stage, { ...p, families: known ? known.families : [] });
      stops.get(p.stage).families.push(f.name);
    }
    const path = first.path;
    const x = path ? path.reduce((sum, p) => sum + p[0], 0) / path.length : -0.5;
    const several = this.view.drawing.families.length > 1 && (one || apart(families));
    return {
      names: members.map((f) => f.name), who: several ? members.map((f) => f.label).join(", ") : "",
      main, path, x, stage: first.stage, place: first.place,
      stops: [...stops.values()].sort((a, b) => a.x - b.x),
    };
  }

  /** Make the elements of other handles than before; the focus stays with its family. */
  make(groups) {
    const focus = this.groups.find((g) => g.g === document.activeElement);
    this.groups.forEach((old) => old.g.remove());
    this.groups = groups;
    groups.forEach((group) => this.element(group));
    if (!focus) return;
    const next = groups.find((g) => g.main && g.names.includes(focus.names[0])) || groups.find((g) => g.main);
    if (next) next.g.focus();
  }

  element(group) {
    group.offset = 0;
    const g = svg("g", { class: "tn-handle", "data-handle": group.names.join(" ") }, this.layer);
    group.g = g;
    group.hit = svg("path", { class: "tn-handle-hit" }, g);
    group.line = svg("path", { class: "tn-handle-line" }, g);
    group.pill = svg("g", { class: "tn-pill" }, g);
    group.box = svg("rect", { rx: (group.main ? PILL : THIN_PILL) / 2 }, group.pill);
    group.text = svg("text", { "text-anchor": "middle" }, group.pill);
    if (!group.main) {
      g.addEventListener("click", () => {
        this.view.model.set("family", group.names[0]);
        this.view.model.save_changes();
      });
      mark(g, "aria-hidden", "true");
      return;
    }
    group.push = svg("text", { class: "tn-side", "data-mode": "push", "text-anchor": "end" }, group.pill);
    group.pull = svg("text", { class: "tn-side", "data-mode": "pull", "text-anchor": "start" }, group.pill);
    mark(g, "data-main", "");
    mark(g, "role", "slider");
    mark(g, "tabindex", "0");
    mark(g, "aria-orientation", "horizontal");
    mark(g, "aria-label", `Decoupling point${group.who ? " of " + group.who : ""}`);
    g.addEventListener("keydown", (event) => this.key(event, group));
    g.addEventListener("pointerdown", (event) => this.grab(event, group));
    g.addEventListener("pointermove", (event) => this.drag(event, group));
    g.addEventListener("pointerup", () => this.drop(group));
    g.addEventListener("pointercancel", () => this.cancel(group));
  }

  tell(group) {
    const at = group.stops.findIndex((s) => s.stage === group.stage);
    mark(group.g, "data-stage", group.stage || "");
    mark(group.g, "aria-valuemin", 0);
    mark(group.g, "aria-valuemax", Math.max(0, group.stops.length - 1));
    mark(group.g, "aria-valuenow", Math.max(0, at));
    mark(group.g, "aria-valuetext", at >= 0 ? group.stops[at].words : group.place || "no decoupling point");
  }

  // ------------------------------------------------------------------------------------- moving
  grab(event, group) {
    if (event.button) return;
    group.g.setPointerCapture(event.pointerId);
    group.g.focus({ preventScroll: true, focusVisible: false });
    group.from = event.clientX;
    group.start = group.path ? this.view.geo.px(group.x + group.offset) : SIDE / 2;
    event.preventDefault();
  }

  drag(event, group) {
    if (group.from === undefined) return;
    const { geo } = this.view;
    const px = group.start + event.clientX - group.from;
    if (group.live === undefined && Math.abs(event.clientX - group.from) < 3) return;
    if (this.stop) this.stop();
    group.live = Math.max(geo.px(-0.5), Math.min(px, geo.width - geo.right));
    group.near = nearest(group.stops, geo.column(group.live));
    mark(group.g, "data-dragging", "");
    this.guide(group);
    this.draw();
    const y = geo.height - FOOTER;
    this.view.tip.show([group.near.label, wordsBelow(group.near)], group.live, y, y);
  }

  drop(group) {
    const { near, live } = group;
    this.cancel(group, false);
    if (live === undefined) return;
    for (const name of group.names) this.shown[name] = this.view.geo.column(live);
    if (near.stage === group.stage) this.sweep();
    else this.go(group, near);
  }

  cancel(group, draw = true) {
    group.from = group.live = undefined;
    mark(group.g, "data-dragging", null);
    this.guides.replaceChildren();
    this.view.tip.hide();
    if (draw) this.draw();
  }

  key(event, group) {
    const { stops } = group, at = stops.findIndex((s) => s.stage === group.stage);
    const before = stops.filter((s) => s.x < group.x - 0.01), after = stops.filter((s) => s.x > group.x + 0.01);
    const back = at >= 0 ? stops[at - 1] : before.at(-1), forth = at >= 0 ? stops[at + 1] : after[0];
    const to = { ArrowLeft: back, ArrowDown: back, ArrowRight: forth, ArrowUp: forth, Home: stops[0], End: stops.at(-1) };
    if (event.key === "Escape" && group.live !== undefined) this.cancel(group);
    else if (!(event.key in to)) return;
    else if (to[event.key] && to[event.key].stage !== group.stage) this.go(group, to[event.key]);
    event.preventDefault();
    event.stopPropagation();
  }

  /** Move a handle to a stage, here at once, and tell Python. */
  go(group, stop) {
    const one = this.view.model.get("family");
    for (const name of stop.families) this.chosen[name] = stop.stage;
    this.moved = performance.now();
    this.update();
    setTimeout(() => this.settle(), PATIENCE + 50);
    this.view.send("move", { family: one, stage: stop.stage, families: stop.families });
  }

  /** Forget what was chosen here once the drawing says the same, or nothing comes of it. */
  settle() {
    const late = performance.now() - (this.moved || 0) > PATIENCE && !this.view.model.get("stale");
    for (const f of this.view.drawing.families) if (late || f.stage === this.chosen[f.name]) delete this.chosen[f.name];
    this.update();
  }

  /** Let handles that stand elsewhere than they were drawn slide to their place. */
  sweep() {
    if (this.stop) this.stop();
    const starts = this.groups.map((g) => (this.shown[g.names[0]] ?? g.x) - g.x);
    this.stop = tween((t) => {
      this.groups.forEach((g, i) => (g.offset = starts[i] * (1 - t)));
      this.draw();
    });
  }

  // ------------------------------------------------------------------------------------ drawing
  draw() {
    const { geo } = this.view;
    const lines = [];
    const rows = [];
    for (const group of [...this.groups].sort((a, b) => b.main - a.main)) {
      const straight = group.live !== undefined ? geo.column(group.live) : group.path ? null : geo.column(SIDE / 2);
      const path = straight === null ? group.path : [[straight, 0], [straight, 1]];
      const line = handleLine(geo, path, straight === null || !group.path ? group.offset : 0);
      if (group.live === undefined) for (const name of group.names) this.shown[name] = group.x + group.offset;
      const d = "M" + line.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join("L");
      group.line.setAttribute("d", d);
      group.hit.setAttribute("d", d);
      if (group.main && (group.path || group.live !== undefined)) lines.push(line);
      this.pill(group, line[line.length - 1][0], rows);
    }
    this.grounds(lines);
  }

  pill(group, x, rows) {
    const { geo, font } = this.view;
    const place = group.live !== undefined ? group.near.label : group.place;
    const at = place ? `${group.who || "Decoupling point"}: ${place}` : "No decoupling point";
    const words = group.main ? `◂  ${at}  ▸` : `${group.who}: ${place}`;
    const size = group.main ? `600 14px ${font}` : `12px ${font}`, tall = group.main ? PILL : THIN_PILL;
    const shown = fitted(words, geo.width - 40, size);
    const wide = textWidth(shown, size) + 24;
    const centre = Math.max(wide / 2 + 6, Math.min(x, geo.width - wide / 2 - 6));
    let row = 0;
    while (rows.some((r) => r.row === row && Math.abs(r.x - centre) < (r.wide + wide) / 2 + 6)) row++;
    rows.push({ row, x: centre, wide });
    const y = geo.height - 22 - 28 * row;
    group.text.textContent = shown;
    mark(group.text, "x", centre.toFixed(1));
    mark(group.text, "y", y + (group.main ? 5 : 4));
    for (const [name, value] of [["x", centre - wide / 2], ["y", y - tall / 2], ["width", wide], ["height", tall]]) mark(group.box, name, value.toFixed(1));
    if (group.main) this.sides(group, centre, wide, y, place, rows);
  }

  sides(group, centre, wide, y, place, rows) {
    const { geo, font } = this.view;
    const alone = place && this.groups.filter((g) => g.main).length === 1;
    const said = [[group.push, "push, to forecast", centre - wide / 2 - 10, centre - wide / 2 - 10],
      [group.pull, "pull, to order", centre + wide / 2 + 10, geo.width - centre - wide / 2 - 10]];
    for (const [text, words, x, room] of said) {
      const long = textWidth(words, `14px ${font}`), fits = alone && long < room - 8;
      text.textContent = fits ? words : "";
      if (fits) rows.push({ row: 0, x: text === group.push ? x - long / 2 : x + long / 2, wide: long });
      mark(text, "x", x.toFixed(1));
      mark(text, "y", y + 5);
    }
  }

  grounds(lines) {
    const { width: w, height: h } = this.view.geo;
    while (this.ground.childElementCount < 2 * lines.length) svg("polygon", {}, this.ground);
    [...this.ground.children].forEach((polygon, i) => {
      const line = lines[i >> 1], left = i % 2 === 0;
      if (!line) return polygon.remove();
      mark(polygon, "class", left ? "tn-push" : "tn-pull");
      mark(polygon, "opacity", 1 / ((i >> 1) + 1));
      const corners = left ? [[0, 0], ...line, [0, h]] : [[w, 0], ...line, [w, h]];
      mark(polygon, "points", corners.map((p) => p.map((v) => v.toFixed(1)).join(",")).join(" "));
    });
  }

  /** Show where a dragged handle can stand. */
  guide(group) {
    const { geo } = this.view;
    this.guides.replaceChildren();
    for (const stop of group.stops) {
      const d = "M" + handleLine(geo, stop.path, 0).map((p) => p.map((v) => v.toFixed(1)).join(",")).join("L");
      svg("path", { d, class: stop === group.near ? "tn-near" : "" }, this.guides);
    }
  }
}

function apart(families) {
  return new Set(families.map((f) => JSON.stringify(f.path))).size > 1;
}

function nearest(stops, x) {
  return stops.reduce((best, s) => (Math.abs(s.x - x) < Math.abs(best.x - x) ? s : best));
}

/** The part of a position's words that follows its name. */
function wordsBelow(stop) {
  return stop.words.slice(stop.label.length + 2);
}
