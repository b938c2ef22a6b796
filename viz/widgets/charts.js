// The charts side by side: which are shown, in whose colours, under one pointer and one zoom.

const TOLD = 100; // milliseconds between two places of the cursor that Python hears of
const REST = 400; // milliseconds for which an echo of an earlier place is not listened to

/** Where a file of the server is, also if the page lies under a path of its own. */
function address(file) {
  const root = window.solara?.rootPath || "";
  return new URL(file.startsWith("/") ? root + file : file, location.href);
}

class Charts {
  constructor(model, element) {
    this.model = model;
    this.group = `charts-${Math.random()}`; // each widget is a module of its own: nothing counts them
    this.panels = new Map();
    this.tell = teller(model);
    const box = html("div", { class: "ch-box" }, element); // whose width decides how many stand in a row
    this.root = html("div", { class: "ch-root", "data-charts": "" }, box);
    this.load();
  }

  async load() {
    try {
      const library = await import(address(this.model.get("library")));
      library.connect(this.group);
      this.library = library;
    } catch (problem) {
      mark(this.root, "data-failed", "");
      console.warn("charts: the library did not load", problem);
      this.failed = "The charts could not be loaded. Reload the page.";
    }
    if (!this.gone) this.redraw();
  }

  get height() {
    return this.model.get("height");
  }

  get cursor() {
    return this.held ?? this.model.get("cursor");
  }

  /** Show the chosen charts, in their order; a chart that stays keeps its zoom. */
  redraw() {
    this.look = readLook(this.root);
    const shown = [...new Set(this.model.get("shown"))], charts = this.model.get("charts");
    for (const [name, panel] of this.panels)
      if (!shown.includes(name)) {
        panel.remove();
        this.panels.delete(name);
      }
    this.root.style.setProperty("--most", Math.min(3, shown.length) || 1);
    for (const [i, name] of shown.entries()) {
      if (!this.panels.has(name)) this.panels.set(name, new Panel(this, name));
      const panel = this.panels.get(name);
      if (this.root.children[i] !== panel.root) this.root.insertBefore(panel.root, this.root.children[i] || null);
    }
    this.waiting = [...shown];
    this.next(charts);
  }

  /** Draw one chart a frame, so that the page stays quick. */
  next(charts) {
    cancelAnimationFrame(this.frame);
    const name = this.waiting.shift();
    if (name === undefined || this.gone) return;
    this.panels.get(name).show(charts[name]);
    this.frame = requestAnimationFrame(() => this.next(charts));
  }

  pick(chart, index) {
    this.tell("picked", { chart, index });
  }

  point() {
    for (const panel of this.panels.values()) panel.point();
  }

  /** Show a period (-1: none) in all charts at once; Python hears of it now and then. */
  seek(i) {
    this.held = i;
    this.point();
    this.writing ||= setTimeout(() => this.write(), TOLD);
  }

  write() {
    clearTimeout(this.writing);
    clearTimeout(this.resting);
    this.writing = 0;
    this.model.set("cursor", this.held);
    this.model.save_changes();
    this.resting = setTimeout(() => this.rest(), REST);
  }

  rest() {
    if (this.writing) return;
    this.held = undefined;
    this.point();
  }

  stop() {
    this.gone = true;
    if (this.writing) this.write();
    clearTimeout(this.resting);
    cancelAnimationFrame(this.frame);
    for (const panel of this.panels.values()) panel.remove();
    if (this.library) this.library.disconnect(this.group);
  }
}

export default {
  render({ model, el }) {
    const view = new Charts(model, el);
    let frame = 0;
    const later = () => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(() => view.redraw());
    };
    const watched = {
      charts: later,
      shown: later,
      height: later,
      cursor: () => view.point(),
      stale: () => mark(view.root, "data-stale", model.get("stale") ? "" : null),
    };
    for (const [name, act] of Object.entries(watched)) model.on(`change:${name}`, act);
    window.addEventListener("twin-theme", later);
    let width = 0;
    const observer = new ResizeObserver(() => {
      if (view.root.clientWidth === width) return;
      width = view.root.clientWidth;
      later();
    });
    observer.observe(view.root);
    view.redraw();
    watched.stale();
    return () => {
      cancelAnimationFrame(frame);
      observer.disconnect();
      window.removeEventListener("twin-theme", later);
      for (const [name, act] of Object.entries(watched)) model.off(`change:${name}`, act);
      view.stop();
    };
  },
};
