// The bars: where they stand, what they say, on which row.

const ROW = 32, BAR = 24, LEAST = 8, ICON_ROOM = 24, GAP = 6, KNOB = 12, LONG = 260;
const FEWEST_ROWS = 2, MOST_ROWS = 5;
const PATIENCE = 1500; // milliseconds until an edit that nothing came of is taken back

class Bars {
  constructor(view) {
    this.view = view;
    this.parts = [];
    this.mine = new Map(); // what was dropped here and not yet heard back, by index
    this.live = null; // {index, start, duration, ramp} under the pointer or the keys
    this.at = 0; // the bar that Tab reaches
    this.leaving = -1;
  }

  get bars() {
    return this.view.model.get("bars");
  }

  /** Start (as in the entry), duration and ramp of a bar, as last moved here. */
  own(i) {
    const bar = this.bars[i];
    if (this.live && this.live.index === i) return this.live;
    return this.mine.get(i) || { start: bar.start - bar.base, duration: bar.duration, ramp: bar.ramp };
  }

  /** Period in which a bar starts: what comes after another one follows it. */
  start(i, depth = 0) {
    const { after, base } = this.bars[i], own = this.own(i);
    const before = after && depth < this.bars.length ? this.bars.findIndex((b) => b.name === after) : -1;
    const from = before < 0 ? base : this.start(before, depth + 1) + this.length(before);
    return from + own.start;
  }

  /** Periods until what follows a bar may begin. */
  length(i) {
    return this.bars[i].once ? this.bars[i].lasts : this.own(i).duration;
  }

  place(i) {
    const bar = this.bars[i], { duration, ramp } = this.own(i), start = this.start(i);
    return { i, bar, start, duration, ramp, end: start + duration };
  }

  // ------------------------------------------------------------------------------------- news
  /** New bars came: forget what they say too, and what belongs to others. */
  heard() {
    const told = this.bars.map((b) => `${b.kind} ${b.name} ${b.target}`);
    const others = !this.known || told.length !== this.known.length;
    for (const [i, own] of this.mine) {
      const bar = this.bars[i];
      const same = bar && bar.start - bar.base === own.start && bar.duration === own.duration && bar.ramp === own.ramp;
      if (others || same || told[i] !== this.known[i]) this.mine.delete(i);
    }
    if (others && this.live) this.view.hand.cancel();
    this.known = told;
    this.leaving = -1;
    this.draw();
  }

  settle() {
    const late = performance.now() - (this.edited || 0) > PATIENCE;
    if (!late || this.view.model.get("stale") || !this.mine.size) return;
    this.mine.clear();
    this.draw();
  }

  /** Keep what was done here and tell Python. */
  commit(own) {
    const bar = this.bars[own.index];
    this.mine.set(own.index, own);
    this.edited = performance.now();
    this.live = null;
    this.draw();
    if (!bar) return;
    this.view.send("edit", { index: own.index, start: own.start, duration: own.duration, ramp: own.ramp });
    setTimeout(() => this.settle(), PATIENCE + 50);
  }

  remove(i) {
    const { model } = this.view, chosen = model.get("selected");
    this.leaving = i;
    this.mine.delete(i);
    if (chosen >= i) model.set("selected", chosen === i ? -1 : chosen - 1);
    mark(this.parts[i].root, "data-leaving", "");
    this.view.send("remove", { index: i });
  }

  // ------------------------------------------------------------------------------------ words
  /** The lines of the tip, the first of them the name. */
  lines(p) {
    const { dates } = this.view, { bar } = p;
    if (bar.once) return [bar.label, dates.said(p.start, true), ...this.more(p)];
    return [bar.label, dates.span(p.start, p.end), dates.length(p.duration), ...this.more(p)];
  }

  more({ bar, ramp }) {
    const { dates } = this.view, found = [];
    if (ramp) found.push(`recovery over ${dates.length(ramp)}`);
    if (bar.spoken) found.push(bar.spoken);
    if (bar.probability < 1 && bar.probability > 0) found.push(`chance ${this.chance(bar)}`);
    if (bar.after) found.push(`only after ${bar.after.replaceAll("_", " ")}`);
    if (bar.note) found.push(bar.note);
    return found;
  }

  chance(bar) {
    return `${Number((100 * bar.probability).toPrecision(3))}\u00a0%`;
  }

  short(bar) {
    const odds = bar.probability < 1 && bar.probability > 0 ? `chance ${this.chance(bar)}` : "";
    return [bar.strength, odds].filter(Boolean).join(", ");
  }

  look(bar) {
    if (!bar.valid) return "wrong";
    if (bar.note) return "off";
    return bar.probability < 1 ? "chance" : "sure";
  }

  // ---------------------------------------------------------------------------------- drawing
  draw() {
    const { view } = this, n = this.bars.length;
    if (!view.width) return;
    const held = document.activeElement, had = this.parts.findIndex((p) => p.root === held);
    while (this.parts.length > n) this.parts.pop().root.remove();
    while (this.parts.length < n) this.parts.push(this.make(this.parts.length));
    this.at = Math.max(0, Math.min(this.at, n - 1));
    this.placed = this.bars.map((_, i) => this.measured(this.place(i)));
    if (!this.live) this.rows();
    for (const p of this.placed) this.show(p);
    if (had >= n) (n ? this.parts[n - 1].root : view.axis).focus({ preventScroll: true });
    view.tall(Math.max(FEWEST_ROWS, ...this.placed.map((p) => this.parts[p.i].row + 1)));
  }

  make(i) {
    const root = html("div", { class: "tl-bar", "data-bar": i, role: "slider" }, this.view.track);
    const body = html("div", { class: "tl-body" }, root);
    const part = {
      root, body, row: 0,
      ramp: html("div", { class: "tl-ramp" }, root),
      say: html("div", { class: "tl-say" }, root),
    };
    part.grips = ["start", "end", "ramp"].map((at) => html("div", { class: "tl-grip", "data-grip": at }, root));
    this.view.hand.hold(part, i);
    return part;
  }

  /** Pixels of a bar and of its words, which stand inside, behind or before it. */
  measured(p) {
    const { view } = this, { bar } = p;
    const x = view.px(p.start), least = bar.once ? ICON_ROOM : LEAST;
    const wide = Math.max(least, view.px(p.end) - x), tail = p.ramp * view.scale;
    const more = this.short(bar);
    const name = Math.min(textWidth(bar.label, view.font(600)), LONG);
    const full = name + (more ? textWidth(more, view.font(400)) + 4 : 0) + 2;
    const inside = wide >= ICON_ROOM + full + 6;
    const gap = bar.ramps && tail < KNOB ? 2 * GAP : GAP; // the knob stands between
    const room = full + (wide < ICON_ROOM ? 20 : 0) + gap;
    const right = x + wide + tail, left = x - room;
    const side = inside ? "in" : right + room <= view.width - 4 ? "right" : left >= 4 ? "left" : "in";
    const from = side === "left" ? left : x, to = side === "right" ? right + room : right;
    return { ...p, x, wide, tail, gap, side, from, to, more };
  }

  /** Give each bar the first row where neither it nor its words meet another. */
  rows() {
    const ends = [];
    for (const p of [...this.placed].sort((a, b) => a.from - b.from || a.i - b.i)) {
      let row = ends.findIndex((end) => end + GAP <= p.from);
      if (row < 0) row = ends.length;
      ends[row] = p.to;
      this.parts[p.i].row = row;
    }
  }

  show(p) {
    const { root, body, ramp, say, grips, row } = this.parts[p.i], { bar, i } = p;
    root.style.transform = `translate(${p.x.toFixed(1)}px, ${row * ROW + (ROW - BAR) / 2}px)`;
    root.style.width = `${(p.wide + p.tail).toFixed(1)}px`;
    body.style.width = `${p.wide.toFixed(1)}px`;
    ramp.style.width = `${p.tail.toFixed(1)}px`;
    this.write(p, body, say);
    grips[0].hidden = grips[1].hidden = bar.once;
    grips[2].hidden = !bar.ramps;
    grips[1].style.left = `${p.wide.toFixed(1)}px`;
    grips[2].style.left = `${(p.wide + p.tail).toFixed(1)}px`;
    mark(grips[2], "data-flat", p.tail < KNOB ? "" : null);
    const chosen = this.view.model.get("selected") === i;
    const data = { kind: bar.kind, start: p.start, duration: p.duration, ramp: p.ramp, row, look: this.look(bar),
      selected: chosen ? "" : null, dragging: this.live?.index === i ? "" : null,
      leaving: this.leaving === i ? "" : null, once: bar.once ? "" : null };
    for (const [name, value] of Object.entries(data)) mark(root, `data-${name}`, value);
    mark(root, "tabindex", i === this.at ? 0 : -1);
    mark(root, "aria-label", bar.label);
    mark(root, "aria-valuemin", bar.base);
    mark(root, "aria-valuemax", Math.max(this.view.horizon - 1, p.start));
    mark(root, "aria-valuenow", p.start);
    mark(root, "aria-valuetext", this.lines(p).join(", "));
  }

  /** Write the words where there is room for them, anew only if they differ. */
  write(p, body, say) {
    const { bar, side, wide, more } = p, { view } = this;
    const room = side === "in" ? wide - ICON_ROOM - 8 : LONG;
    const words = side === "in" && room < 12 ? "" : fitted(bar.label, room, view.font(600));
    const key = [bar.kind, side, words, more, wide < ICON_ROOM].join("|");
    const part = this.parts[p.i];
    say.style.left = side === "left" ? "" : `${(p.wide + p.tail + p.gap).toFixed(1)}px`;
    if (part.key === key) return;
    part.key = key;
    body.replaceChildren();
    say.replaceChildren();
    mark(say, "data-side", side);
    if (wide >= 20) icon(bar.kind, body);
    else if (side !== "in") icon(bar.kind, say);
    const home = side === "in" ? body : say;
    html("b", {}, home, words);
    if (more && (side !== "in" || words === bar.label)) html("span", {}, home, more);
  }
}
