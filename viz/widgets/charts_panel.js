// One chart: a figure with heading, small buttons, plot, cursor, and positions as buttons.

const OPTIONS = { time: timeOption, waterfall: waterfallOption, frontier: frontierOption };
const POINTS = { time: "n", waterfall: "bars", frontier: "points" };
const TOOLS = {
  all: ["Show the whole run", "M3 8a5 5 0 1 0 1.7-3.8M3 2.5v3h3"],
  table: ["Copy data", "M2.5 3.5h11v9h-11zM2.5 6.5h11M6.5 3.5v9"],
  image: ["Copy image", "M2.5 3.5h11v9h-11zM3 11l3-3 2.5 2.5L11 8l2.5 2.5"],
};
const SLOP = 4; // pixels that a press may move and still be a click
const KEYS = "Left and right move the date and read values, Escape lets go of it, plus and minus zoom, 0 shows the whole run";

class Panel {
  constructor(owner, name) {
    this.owner = owner;
    this.name = name;
    this.root = html("figure", { class: "ch-panel", "data-chart": name }, owner.root);
    const head = html("div", { class: "ch-head" }, this.root);
    this.title = html("h3", {}, head);
    this.unit = html("span", { class: "ch-unit" }, head);
    const tools = html("div", { class: "ch-tools" }, head);
    this.status = html("output", { class: "ch-status" }, tools);
    this.buttons = Object.fromEntries(Object.entries(TOOLS).map(([kind, [label, d]]) => [kind, this.tool(tools, kind, label, d)]));
    this.note = html("p", { class: "ch-note" }, this.root);
    this.plot = html("div", { class: "ch-plot" }, this.root);
    this.canvas = html("div", { class: "ch-canvas" }, this.plot);
    this.labels = html("div", { class: "ch-ends", "aria-hidden": "true" }, this.plot);
    this.line = html("div", { class: "ch-cursor", "data-cursor": "", "aria-hidden": "true" }, this.plot);
    this.empty = html("p", { class: "ch-empty", "data-empty": "" }, this.plot);
    this.said = html("output", { class: "ch-said" }, this.root);
    this.list = html("div", { class: "ch-points", role: "group", "aria-label": "Positions" }, this.root);
    this.plot.addEventListener("pointerenter", () => (this.reading = true));
    this.plot.addEventListener("pointerleave", () => (this.reading = false));
    this.plot.addEventListener("keydown", (e) => this.key(e));
    this.plot.addEventListener("blur", () => this.put());
    this.plot.addEventListener("pointerdown", (e) => (this.pressed = e.clientX));
    this.plot.addEventListener("click", (e) => Math.abs(e.clientX - this.pressed) < SLOP && this.choose(e));
    this.plot.addEventListener("dblclick", () => this.zoom(0, 100));
  }

  tool(parent, kind, label, d) {
    const made = html("button", { type: "button", class: "ch-tool", "data-tool": kind, title: label }, parent);
    svg("path", { d }, svg("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" }, made));
    made.addEventListener("click", () => (kind === "all" ? this.zoom(0, 100) : this.copy(kind)));
    return made;
  }

  async copy(kind) {
    this.status.textContent = await copied(kind, this).catch(() => "Could not be copied");
    clearTimeout(this.clearing);
    this.clearing = setTimeout(() => (this.status.textContent = ""), 2000);
  }

  // ------------------------------------------------------------------------------------ drawing
  fontOf(weight = 400) {
    return `${weight} 12px ${this.look.font}`;
  }

  /** Show a payload; the zoom stays unless the dates are others. */
  show(payload) {
    this.payload = payload || { title: "", empty: "Nothing to show yet." };
    if (this.owner.failed) this.payload = { ...this.payload, empty: this.owner.failed };
    this.look = this.owner.look;
    const { title, unit, note, said, empty } = this.payload, kind = OPTIONS[this.payload.kind] && !empty ? this.payload.kind : null;
    this.title.textContent = title;
    this.unit.textContent = kind === "frontier" ? "" : unit || "";
    this.note.textContent = note || "";
    this.note.hidden = !note;
    this.note.title = note || "";
    mark(this.root, "aria-label", [title, said].filter(Boolean).join(". ") || null);
    mark(this.root, "data-kind", kind);
    const points = kind ? this.payload[POINTS[kind]] : 0;
    mark(this.root, "data-points", Array.isArray(points) ? points.length : points);
    this.empty.textContent = empty || "";
    this.empty.hidden = Boolean(kind);
    this.plot.style.height = `${this.owner.height}px`;
    for (const name of ["image", "table"]) this.buttons[name].hidden = !kind;
    if (kind === "time") mark(this.plot, "tabindex", 0), mark(this.plot, "role", "group"), mark(this.plot, "aria-label", `${title}: ${KEYS}`);
    else for (const name of ["tabindex", "role", "aria-label"]) mark(this.plot, name, null);
    this.picks(kind === "frontier" ? this.payload.points : []);
    if (kind) this.draw(kind);
    else this.stop();
  }

  draw(kind) {
    const { payload } = this, library = this.owner.library;
    this.width = this.canvas.clientWidth;
    this.height = this.owner.height;
    if (!library || !this.width) return;
    if (this.kind !== kind) this.stop();
    const fresh = !this.chart;
    if (fresh) this.start(library, kind);
    else if (this.chart.getWidth() !== this.width || this.chart.getHeight() !== this.height) this.chart.resize({ width: this.width, height: this.height, silent: true });
    if (kind === "time") {
      this.dates = payload.dates ? new Dates(payload.dates.start, payload.dates.period, payload.dates.horizon) : null;
      this.names = endWords(payload, MOST_RIGHT * this.width, this.fontOf(600));
      this.right = rightRoom(this);
    }
    this.chart.setOption(OPTIONS[kind](this), { replaceMerge: ["series"] });
    const dates = kind === "time" && JSON.stringify([payload.dates, payload.first, payload.n]);
    if (dates && this.shownDates && dates !== this.shownDates) this.zoom(0, 100);
    this.shownDates = dates;
    if (kind === "time") this.settle();
    if (fresh && kind === "time" && !window.matchMedia("(pointer: coarse)").matches) // a finger scrolls the page
      this.chart.dispatchAction({ type: "takeGlobalCursor", key: "dataZoomSelect", dataZoomSelectActive: true });
    mark(this.root, "data-ready", "");
  }

  start(library, kind) {
    this.kind = kind;
    this.chart = library.init(this.canvas, null, { renderer: "canvas", width: this.width, height: this.height });
    this.root.__chart = this.chart;
    if (kind === "time") {
      this.chart.group = this.owner.group;
      this.chart.on("datazoom", () => this.settle());
    }
    if (kind === "frontier") this.chart.on("click", (e) => e.data && this.owner.pick(this.name, e.data.index));
  }

  /** What depends on the zoom: names at line ends, the cursor, the button that takes it back. */
  settle() {
    const [{ start, end }] = this.chart.getOption().dataZoom, zoomed = start > 0.01 || end < 99.99;
    this.range = [start, end];
    mark(this.root, "data-zoomed", zoomed ? "" : null);
    this.buttons.all.hidden = !zoomed;
    this.label();
    this.point();
  }

  /** Names at line ends, over the canvas: zooming moves them without drawing the chart anew. */
  label() {
    this.ends = endNames(this);
    this.labels.replaceChildren(...this.ends.map(({ text, at, weight, colour, spot, thin }) => {
      const made = html("span", {}, null);
      if (spot) html("i", thin ? { class: "ch-thin" } : {}, made).style.background = spot;
      made.append(text);
      Object.assign(made.style, { top: `${(at - 8).toFixed(1)}px`, left: `${this.width - this.right + 6}px`, color: colour, fontWeight: weight });
      return made;
    }));
  }

  stop() {
    this.labels.replaceChildren();
    this.ends = [];
    if (this.chart) this.chart.dispose();
    this.chart = this.kind = this.shownDates = this.root.__chart = null;
    this.buttons.all.hidden = true;
    this.line.hidden = true;
    mark(this.root, "data-ready", null);
  }

  remove() {
    this.stop();
    clearTimeout(this.clearing);
    this.root.remove();
  }

  place() {
    return this.plot.getBoundingClientRect();
  }

  // -------------------------------------------------------------------------------------- dates
  /** Place of a value on the axis. */
  at(i) {
    const t = this.payload.first + i;
    return this.dates ? this.dates.at(t).getTime() : t;
  }

  when(i) {
    const t = this.payload.first + i;
    return this.dates ? (this.dates.period === "week" ? "week of " : "") + this.dates.said(t, true) : `period ${t}`;
  }

  stamp(i) {
    const t = this.payload.first + i;
    return this.dates ? this.dates.at(t).toISOString().slice(0, 10) : t;
  }

  /** First and last value that the zoom shows. */
  window() {
    const last = this.payload.n - 1, [start, end] = this.range;
    return [Math.ceil((start / 100) * last), Math.floor((end / 100) * last)];
  }

  zoom(start, end) {
    if (this.kind === "time") this.chart.dispatchAction({ type: "dataZoom", dataZoomIndex: 0, start, end });
  }

  /** The vertical line of the period that the page shows. */
  point() {
    const i = this.owner.cursor, shown = this.kind === "time" && this.chart && i >= 0 && i < this.payload.n;
    const x = shown ? this.chart.convertToPixel({ xAxisIndex: 0 }, this.at(i)) : -1;
    const [low, high] = shown ? this.window() : [0, 0];
    this.line.hidden = !shown || i < low || i > high;
    if (this.line.hidden) return;
    this.line.style.transform = `translateX(${x.toFixed(1)}px)`;
    mark(this.line, "data-cursor", i);
  }

  /** Move the cursor to where the plot was clicked; a drag zooms. */
  choose(event) {
    if (this.kind !== "time" || !this.chart) return;
    const box = this.canvas.getBoundingClientRect(), spot = [event.clientX - box.left, event.clientY - box.top];
    if (!this.chart.containPixel("grid", spot)) return;
    const [low, high] = this.window(), step = this.at(1) - this.at(0);
    const i = Math.round((this.chart.convertFromPixel({ xAxisIndex: 0 }, spot[0]) - this.at(0)) / step);
    this.owner.seek(Math.min(high, Math.max(low, i)));
  }

  // --------------------------------------------------------------------------------------- keys
  key(event) {
    if (this.kind !== "time" || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = event.shiftKey ? 10 : 1, [low, high] = this.window();
    const { cursor } = this.owner, now = this.index ?? (cursor >= low && cursor <= high ? cursor : undefined);
    const act = {
      ArrowLeft: () => this.read(Math.max(low, (now ?? high + 1) - step)),
      ArrowRight: () => this.read(Math.min(high, (now ?? low - 1) + step)),
      Home: () => this.read(low), End: () => this.read(high), Escape: () => this.release(),
      "+": () => this.closer(0.5), "=": () => this.closer(0.5), "-": () => this.closer(2), 0: () => this.zoom(0, 100),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  }

  read(i) {
    this.index = i;
    this.reading = true;
    this.chart.dispatchAction({ type: "showTip", seriesIndex: 0, dataIndex: i });
    this.said.textContent = tipWords(this, i);
    this.owner.seek(i);
  }

  release() {
    this.put();
    this.owner.seek(-1);
  }

  put() {
    this.index = undefined;
    this.reading = false;
    this.said.textContent = "";
    if (this.chart) this.chart.dispatchAction({ type: "hideTip" });
  }

  closer(factor) {
    const [start, end] = this.range, last = this.payload.n - 1;
    const middle = this.index === undefined ? (start + end) / 2 : (100 * this.index) / last;
    const wide = Math.min(100, Math.max(4, (end - start) * factor));
    const from = Math.min(100 - wide, Math.max(0, middle - wide / 2));
    this.zoom(from, from + wide);
  }

  /** Positions as buttons, for the keyboard and for those that hide behind others. */
  picks(points) {
    const focused = this.list.contains(document.activeElement) ? document.activeElement.dataset.point : null;
    this.list.hidden = !points.length;
    this.list.replaceChildren(...points.map((p, i) => {
      const made = html("button", { type: "button", class: "ch-pick", "data-point": i }, null, p.label);
      if (p.current) made.setAttribute("aria-current", "true");
      for (const word of [p.current && "now", p.suggested && "suggested"].filter(Boolean)) html("small", {}, made, word);
      made.title = `${amount(p.cost)} ${this.payload.unit}, ${share(p.on_time)} on time`;
      made.addEventListener("click", () => this.owner.pick(this.name, i));
      const lit = (type) => this.chart?.dispatchAction({ type, ...spotOf(points, i) });
      for (const [event, type] of [["focus", "highlight"], ["pointerenter", "highlight"], ["blur", "downplay"], ["pointerleave", "downplay"]]) made.addEventListener(event, () => lit(type));
      return made;
    }));
    if (focused !== null) this.list.querySelector(`[data-point="${focused}"]`)?.focus();
  }
}
