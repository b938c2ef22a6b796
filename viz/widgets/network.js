// The network widget: traits in, choices out; plays the run without asking the server.

const NOTHING = { nodes: new Set(), edges: new Set(), stops: new Set(), names: [], dots: new Map() };

class View {
  constructor(model, element) {
    this.model = model;
    this.root = html("div", { class: "tn-root", "data-network": "" }, element);
    const layer = (name, more = {}) => svg("svg", { class: `tn-layer ${name}`, ...more }, this.root);
    const ground = layer("tn-ground", { "aria-hidden": "true" });
    const edges = layer("tn-edges", { "aria-hidden": "true" });
    this.canvas = html("canvas", { class: "tn-layer tn-canvas", "aria-hidden": "true" }, this.root);
    const front = layer("tn-front", { role: "group", "aria-label": "Supply network: arrow keys move between sites" });
    this.heads = html("div", { class: "tn-heads" }, this.root);
    this.tip = new Tip(this.root);
    this.nodes = new Nodes(this, edges, svg("g", {}, front));
    this.handles = new Handles(this, ground, svg("g", {}, front));
    this.menu = new Menu(this);
    this.active = NOTHING;
    this.looks = [];
    this.levels = [];
    this.send = teller(model);
    this.position = model.get("cursor");
    this.at = [];
    this.written = [];
  }

  // --------------------------------------------------------------------------------- what it shows
  get drawing() {
    return this.model.get("drawing");
  }

  get ready() {
    return Boolean(this.drawing.nodes && this.drawing.nodes.length);
  }

  /** The state, if it belongs to the drawing. */
  get state() {
    const state = this.model.get("state");
    return state.shape === this.drawing.shape ? state : null;
  }

  nodeState(i) {
    return this.state ? this.state.nodes[i] : null;
  }

  edgeState(e) {
    return this.state ? this.state.edges[e] : null;
  }

  /** Share of a node's devices that report now, of the whole run the least. */
  dot(i) {
    const state = this.nodeState(i);
    if (!state || state.dot === null) return null;
    return Math.min(state.dot, this.active.dots.get(i) ?? 1);
  }

  /** What strikes a node now. */
  struck(i) {
    return this.active.names.filter((e) => e.nodes.includes(i)).map((e) => `Hit by ${e.name}`);
  }

  get periods() {
    const n = this.drawing.nodes.length, bytes = this.model.get("frames").byteLength;
    if (bytes && bytes % n === 0) return bytes / n;
    return this.state ? this.state.periods : 0;
  }

  /** Stock of every node at a place in time, between periods in between. */
  fills() {
    const n = this.drawing.nodes.length, view = this.model.get("frames");
    if (this.position < 0 || !view.byteLength || view.byteLength % n) {
      return this.drawing.nodes.map((_, i) => this.nodeState(i)?.fill ?? null);
    }
    const data = new Uint8Array(view.buffer, view.byteOffset, view.byteLength), T = data.length / n;
    const t = Math.min(T - 1, Math.floor(this.position)), next = Math.min(T - 1, t + 1), f = Math.min(1, this.position - t);
    return this.drawing.nodes.map((_, i) => {
      if ((this.nodeState(i)?.fill ?? null) === null) return null;
      const a = data[t * n + i], b = data[next * n + i];
      return (a + (b - a) * f) / 255;
    });
  }

  /** Disruptions that act at a place in time; over the whole run, all of them. */
  actives() {
    const state = this.state;
    if (!state || !state.events.length) return NOTHING;
    const now = this.position < 0 ? null : state.first + Math.floor(this.position);
    const names = state.events.filter((e) => now === null || (e.start <= now && now < e.end));
    const all = (key) => new Set(names.flatMap((e) => e[key]));
    const dots = new Map();
    for (const event of names) for (const [i, dot] of event.dots) dots.set(i, Math.min(dot, dots.get(i) ?? 1));
    return { nodes: all("nodes"), edges: all("edges"), stops: all("stops"), names, dots };
  }

  // ------------------------------------------------------------------------------------- rebuilding
  /** A new drawing: build if its shape is new, let the handles follow in any case. */
  drawn() {
    if (!this.ready) return;
    if (this.shape !== this.drawing.shape) {
      this.shape = this.drawing.shape;
      this.nodes.build();
      this.stages();
      this.resize();
    } else this.handles.settle();
  }

  resize() {
    this.root.style.height = `${this.model.get("height")}px`;
    const { clientWidth: width, clientHeight: height } = this.root;
    if (!this.ready || width < 50) return;
    this.font = getComputedStyle(this.root).fontFamily;
    this.colours = readColours(this.root);
    for (const layer of this.root.querySelectorAll("svg.tn-layer")) {
      layer.setAttribute("viewBox", `0 0 ${width} ${height}`);
    }
    this.pen = fitCanvas(this.canvas, width, height);
    this.size = [width, height];
    this.geometry();
    this.handles.update();
    if (this.model.get("playing")) this.play(); // asked for before there was a size
  }

  geometry() {
    const flows = this.drawing.edges.map((_, e) => this.edgeState(e)?.flow ?? 0);
    this.geo = measure(this.drawing, flows, ...this.size, `12px ${this.font}`);
    this.most = Math.max(...flows, 1e-9);
    mark(this.root, "data-crowded", flows.length > 80 ? "" : null);
    this.at = this.drawing.edges.map((_, e) => this.at[e] ?? (7 * e) % (SAMPLE * SPACING));
    this.nodes.place();
    this.headings();
    this.refresh();
  }

  /** A new state: lines, looks, and the levels slide to their new height. */
  stated() {
    if (!this.geo) return;
    const before = this.levels;
    this.colours = readColours(this.root);
    this.geometry();
    this.handles.settle();
    if (this.slide) this.slide();
    this.slide = tween((t) => {
      const now = this.fills();
      this.levels = now.map((v, i) => (v === null || before[i] == null ? v : before[i] + (v - before[i]) * t));
      this.paint();
    }, () => (this.slide = null));
  }

  /** Looks, alarms and stock at the cursor. */
  refresh() {
    if (!this.geo) return;
    this.active = this.actives();
    this.shownPeriod = Math.floor(this.position);
    mark(this.root, "data-cursor", this.shownPeriod);
    this.nodes.look();
    this.levels = this.fills();
    this.paint();
  }

  paint() {
    this.looks.forEach((look, i) => (look.level = this.levels[i] ?? null));
    const moves = this.drawing.edges.map((_, e) => this.edgeState(e)?.flow > 0 && !this.active.stops.has(e));
    paint(this.pen, this.geo, this.looks, this.colours, this.playing ? { at: this.at, moves } : null);
  }

  stages() {
    this.heads.replaceChildren();
    this.headed = this.drawing.stages.map((stage) => {
      const box = html("div", { class: "tn-stage", "data-stage": stage.name }, this.heads);
      html("span", { title: stage.label }, box, stage.label);
      if (stage.open) {
        const chip = html("button", { type: "button", class: "tn-chip", "data-close": stage.open.id }, box, `× ${stage.open.label}`);
        chip.setAttribute("aria-label", `Close the group ${stage.open.label}`);
        chip.addEventListener("click", () => this.send("expand", { group: stage.open.id }));
      } else if (this.drawing.nodes.some((n) => n.group && n.stage === stage.name)) {
        html("small", {}, box, `${stage.sites} sites`);
      }
      return box;
    });
  }

  headings() {
    this.drawing.stages.forEach((stage, i) => {
      const { style } = this.headed[i];
      style.left = `${this.geo.px(stage.first - 0.5) + 2}px`;
      style.width = `${(stage.last - stage.first + 1) * this.geo.step - 4}px`;
    });
  }

  // ---------------------------------------------------------------------------------------- playing
  play() {
    if (this.playing || !this.geo || !this.periods) return;
    this.playing = true;
    this.wrote = this.before = performance.now();
    if (this.position < 0 || this.position >= this.periods - 1) this.position = 0;
    this.frame = requestAnimationFrame((now) => this.tick(now));
  }

  tick(now) {
    if (!this.playing) return;
    const dt = Math.min(0.1, Math.max(0, (now - this.before) / 1000));
    this.before = now;
    this.position = Math.min(this.periods - 1, this.position + dt * this.model.get("speed"));
    if (!still()) {
      this.drawing.edges.forEach((_, e) => {
        const flow = this.edgeState(e)?.flow ?? 0;
        this.at[e] = (this.at[e] + dt * (12 + 60 * (flow / this.most))) % (SAMPLE * SPACING);
      });
    }
    if (Math.floor(this.position) !== this.shownPeriod) this.turn();
    if (!this.slide) this.levels = this.fills();
    this.paint();
    if (this.position >= this.periods - 1) {
      this.model.set("playing", false);
      this.pause();
    } else {
      if (now - this.wrote > 250) this.write(now);
      this.frame = requestAnimationFrame((later) => this.tick(later));
    }
  }

  /** A period is over: look anew only if another disruption acts now. */
  turn() {
    this.shownPeriod = Math.floor(this.position);
    mark(this.root, "data-cursor", this.shownPeriod);
    const active = this.actives(), told = (a) => a.names.map((e) => `${e.name}@${e.start}`).join();
    if (told(active) === told(this.active)) return;
    this.active = active;
    this.nodes.look();
  }

  write(now) {
    this.wrote = now;
    const cursor = Math.floor(this.position);
    this.written = [cursor, ...this.written].slice(0, 8);
    this.model.set("cursor", cursor);
    this.model.save_changes();
  }

  pause() {
    if (!this.playing) return;
    this.playing = false;
    cancelAnimationFrame(this.frame);
    this.write(performance.now());
    this.refresh();
  }

  /** The cursor was set from outside; the page may also repeat, late, what was written here. */
  seek() {
    const cursor = this.model.get("cursor");
    if (this.playing ? this.written.includes(cursor) : cursor === Math.floor(this.position)) return;
    this.position = cursor;
    if (!this.playing) this.refresh();
  }
}

export default {
  render({ model, el }) {
    const view = new View(model, el);
    const watched = {
      drawing: () => view.drawn(),
      state: () => view.stated(),
      frames: () => view.refresh(),
      cursor: () => view.seek(),
      playing: () => (model.get("playing") ? view.play() : view.pause()),
      selected: () => view.refresh(),
      search: () => view.refresh(),
      family: () => view.geo && view.handles.update(),
      height: () => view.resize(),
      stale: () => {
        mark(view.root, "data-stale", model.get("stale") ? "" : null);
        if (view.geo) view.handles.settle();
      },
    };
    for (const [name, act] of Object.entries(watched)) {
      watched[name] = () => {
        // several traits may come in one message: whichever is told first, the drawing goes first
        if (name !== "drawing" && view.ready && view.shape !== view.drawing.shape) view.drawn();
        act();
      };
      model.on(`change:${name}`, watched[name]);
    }
    const themed = () => {
      view.colours = readColours(view.root);
      if (view.geo) view.paint();
    };
    window.addEventListener("twin-theme", themed);
    let width = 0;
    const observer = new ResizeObserver(() => {
      if (view.root.clientWidth !== width) {
        width = view.root.clientWidth;
        view.resize();
      }
    });
    view.drawn();
    watched.stale();
    observer.observe(view.root);
    if (model.get("playing")) view.play();
    return () => {
      view.playing = false;
      observer.disconnect();
      window.removeEventListener("twin-theme", themed);
      for (const [name, act] of Object.entries(watched)) model.off(`change:${name}`, act);
    };
  },
};
