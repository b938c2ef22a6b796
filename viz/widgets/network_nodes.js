// Sites and groups as buttons: looks, keyboard, and the lines between them.

const DOTS = [[0.999, "all"], [0.001, "some"], [-1, "none"]];

class Nodes {
  constructor(view, edges, nodes) {
    this.view = view;
    this.edgeLayer = edges;
    this.layer = nodes;
    this.items = [];
    this.current = ""; // the one that Tab reaches
  }

  /** Make everything anew for another drawing. */
  build() {
    const { drawing } = this.view;
    const inside = this.layer.contains(document.activeElement);
    this.layer.replaceChildren();
    this.edgeLayer.replaceChildren();
    this.edges = drawing.edges.map((edge) => this.edge(edge));
    this.items = drawing.nodes.map((node, i) => this.node(node, i));
    this.index = new Map(drawing.nodes.map((node, i) => [node.id, i]));
    const kept = this.index.has(this.current);
    const fresh = this.known ? drawing.nodes.find((node) => !this.known.has(node.id)) : null;
    if (!kept) this.current = (fresh || drawing.nodes[0] || { id: "" }).id;
    this.known = new Set(this.index.keys());
    this.rove();
    if (inside && this.item()) this.item().g.focus();
  }

  edge(edge) {
    const hit = svg("path", { class: "tn-edge-hit" }, this.edgeLayer);
    const line = svg("path", { class: "tn-edge", "data-edge": `${edge.source}→${edge.to}` }, this.edgeLayer);
    const show = () => this.view.tip.show(line.tip || [], line.middle[0], line.middle[1]);
    line.addEventListener("pointerenter", show);
    line.addEventListener("pointerleave", () => this.view.tip.hide());
    return { hit, line };
  }

  node(node, i) {
    const g = svg("g", { class: "tn-node", role: "button", tabindex: "-1", "data-node": node.id }, this.layer);
    if (node.group) g.setAttribute("aria-expanded", "false");
    const item = { g, node, hit: svg("rect", { class: "tn-hit" }, g) };
    item.ring = svg("circle", { class: "tn-ring" }, g);
    item.rim = svg("circle", { class: "tn-rim" }, g);
    item.halves = ["push", "pull"].map((mode) => svg("path", { class: "tn-rim tn-half", "data-mode": mode }, g));
    item.dot = svg("g", { class: "tn-dot" }, g);
    svg("circle", { r: 3.2 }, item.dot);
    svg("path", { d: "M0,-3.2A3.2,3.2 0 0 0 0,3.2Z" }, item.dot);
    item.alarm = svg("g", { class: "tn-alarm" }, g);
    svg("circle", { r: 6 }, item.alarm);
    svg("path", { d: "M0,-3.4V0.8M0,2.6V3.2" }, item.alarm);
    item.label = svg("text", { class: "tn-label" }, g);
    item.text = document.createTextNode("");
    item.label.appendChild(item.text);
    svg("title", {}, item.label).textContent = node.label;
    this.listen(item, i);
    return item;
  }

  listen(item, i) {
    const { g, node } = item;
    let held = 0, opened = false; // a long press opens the menu and is no click
    const drop = () => clearTimeout(held);
    g.addEventListener("click", () => this.choose(i));
    g.addEventListener("contextmenu", (event) => {
      event.preventDefault();
      drop();
      this.view.menu.open(i);
    });
    g.addEventListener("pointerdown", (event) => {
      if (event.pointerType !== "touch") return;
      opened = false;
      held = setTimeout(() => {
        opened = true;
        this.view.menu.open(i);
      }, 550);
    });
    g.addEventListener("touchend", (event) => opened && event.preventDefault(), { passive: false });
    for (const name of ["pointerup", "pointercancel", "pointerleave"]) g.addEventListener(name, drop);
    g.addEventListener("keydown", (event) => this.key(event, i));
    g.addEventListener("pointerenter", () => this.tell(i));
    g.addEventListener("pointerleave", () => this.view.tip.hide());
    g.addEventListener("focus", () => {
      this.current = node.id;
      this.rove();
      if (g.matches(":focus-visible")) this.tell(i);
    });
    g.addEventListener("blur", () => this.view.tip.hide());
  }

  tell(i) {
    const { x, y, r } = this.view.geo.nodes[i];
    this.view.tip.show(this.words(i), x, y - r - 6, y + r + 22);
  }

  /** What is to be said of a node: its name, then its state. */
  words(i) {
    const node = this.view.drawing.nodes[i], state = this.view.nodeState(i);
    const names = node.group ? `${node.n} sites, opens on click` : "";
    return [node.label, names, ...(state ? state.tip : []), ...this.view.struck(i)].filter(Boolean);
  }

  choose(i) {
    const node = this.view.drawing.nodes[i];
    if (node.group) this.view.send("expand", { group: node.id });
    else {
      this.view.model.set("selected", node.id);
      this.view.model.save_changes();
    }
    this.current = node.id;
    this.rove();
  }

  key(event, i) {
    const moves = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };
    if (event.key === "Enter" || event.key === " ") this.choose(i);
    else if (event.key === "ContextMenu" || (event.key === "F10" && event.shiftKey)) this.view.menu.open(i);
    else if (moves[event.key]) this.step(i, ...moves[event.key]);
    else if (event.key === "Escape" && this.view.model.get("selected")) {
      this.view.model.set("selected", "");
      this.view.model.save_changes();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** Move the focus to the next node in a direction. */
  step(i, dx, dy) {
    const nodes = this.view.drawing.nodes, here = nodes[i];
    const ahead = nodes.filter((n) => (dx ? (n.x - here.x) * dx > 0 : n.x === here.x && (n.y - here.y) * dy > 0));
    const far = (n) => (dx ? 100 * Math.abs(n.x - here.x) : 0) + Math.abs(n.y - here.y);
    const next = ahead.sort((a, b) => far(a) - far(b))[0];
    if (next) this.items[this.index.get(next.id)].g.focus();
  }

  rove() {
    for (const { g, node } of this.items) mark(g, "tabindex", node.id === this.current ? 0 : -1);
  }

  item() {
    return this.items[this.index.get(this.current)];
  }

  /** Put everything where the geometry says. */
  place() {
    const { geo, drawing } = this.view;
    const font = `12px ${this.view.font}`;
    geo.nodes.forEach((at, i) => {
      const item = this.items[i], { r } = at;
      item.g.setAttribute("transform", `translate(${at.x.toFixed(1)},${at.y.toFixed(1)})`);
      item.rim.setAttribute("r", r);
      item.halves.forEach((half, way) => half.setAttribute("d", `M0,${-r}A${r},${r} 0 0 ${way} 0,${r}`));
      item.ring.setAttribute("r", r + 5);
      const small = r < 6;
      mark(item.dot, "transform", `translate(${(0.78 * r + 1).toFixed(1)},${(-0.78 * r - 1).toFixed(1)})${small ? " scale(.6)" : ""}`);
      mark(item.alarm, "transform", `translate(${(-0.78 * r - 2).toFixed(1)},${(-0.78 * r - 2).toFixed(1)})${small ? " scale(.6)" : ""}`);
      this.label(item, at, font, drawing.nodes[i].label);
    });
    this.view.root.classList.toggle("tn-dense", geo.nodes.some((n) => n.label === "none"));
    geo.edges.forEach((edge, e) => {
      const { hit, line } = this.edges[e];
      for (const path of [hit, line]) path.setAttribute("d", edge.d);
      line.style.strokeWidth = edge.width.toFixed(2);
      hit.style.strokeWidth = (edge.width + 6).toFixed(2);
      const n = edge.dots.length >> 2;
      line.middle = edge.dots.length ? [edge.dots[2 * n], edge.dots[2 * n + 1]] : [0, 0];
    });
  }

  label(item, at, font, text) {
    const { r, label, gap } = at;
    const beside = label === "left" || label === "right" || label === "none";
    const side = label === "right" || (label === "none" && at.x < this.view.geo.width / 2) ? 1 : -1;
    const shown = label === "none" ? text : fitted(text, at.room, font);
    item.text.data = shown;
    mark(item.label, "data-at", label);
    mark(item.label, "text-anchor", beside ? (side > 0 ? "start" : "end") : "middle");
    mark(item.label, "x", beside ? side * (r + 8) : 0);
    mark(item.label, "y", beside ? 4 : r + 13);
    const wide = label === "none" ? 0 : textWidth(shown, font), tall = Math.min(gap, 2 * r + 18);
    const box = label === "below"
      ? [-Math.max(wide / 2, r) - 4, -r - 3, 2 * Math.max(wide / 2, r) + 8, 2 * r + 21]
      : [side > 0 ? -r - 5 : -r - 12 - wide, -tall / 2, 2 * r + wide + 17, tall];
    ["x", "y", "width", "height"].forEach((name, k) => item.hit.setAttribute(name, box[k].toFixed(1)));
  }

  /** Show modes, devices, alarms, selection and search matches. */
  look() {
    const { view } = this, chosen = view.model.get("selected");
    const wanted = view.model.get("search").trim().toLowerCase().replaceAll("_", " ");
    mark(view.root, "data-searching", wanted ? "" : null);
    view.looks = view.drawing.nodes.map((node, i) => {
      const item = this.items[i], state = view.nodeState(i);
      const match = wanted && [node.label, ...node.sites].some((s) => s.toLowerCase().replaceAll("_", " ").includes(wanted));
      const selected = node.id === chosen || (node.group && node.sites.includes(chosen));
      const hit = view.active.nodes.has(i), dot = view.dot(i), mode = state ? state.mode : "own";
      mark(item.g, "data-mode", mode);
      mark(item.g, "data-fill", state && state.fill !== null ? state.fill.toFixed(2) : "none");
      mark(item.g, "data-match", match ? "" : null);
      mark(item.g, "data-selected", selected ? "" : null);
      mark(item.g, "data-disrupted", hit ? "" : null);
      mark(item.g, "data-devices", dot === null ? null : DOTS.find(([least]) => dot >= least)[1]);
      if (!node.group) mark(item.g, "aria-pressed", selected);
      mark(item.g, "aria-label", this.words(i).join(". "));
      mark(item.rim, "data-mode", mode);
      return { mode, group: node.group, hit, faint: Boolean(wanted) && !match };
    });
    this.edges.forEach(({ hit, line }, e) => {
      const state = view.edgeState(e);
      mark(hit, "data-disrupted", view.active.edges.has(e) ? "" : null);
      mark(line, "data-backup", state && !state.flow ? "" : null);
      line.tip = state ? state.tip : [];
    });
  }
}
