// The timeline of disruptions: an axis of dates with the cursor, below it the bars.

const PAD = 8; // pixels left and right of the axis
const TOLD = 100; // milliseconds between two places of a dragged cursor that Python hears of

class Timeline {
  constructor(model, element) {
    this.model = model;
    this.send = teller(model);
    this.root = html("div", { class: "tl-root", "data-timeline": "" }, element);
    this.axis = html("div", { class: "tl-axis", "data-axis": "" }, this.root);
    this.thumb = html("div", { class: "tl-thumb", "data-cursor": "", role: "slider", tabindex: 0, "aria-label": "Date shown" }, this.root);
    this.scroll = html("div", { class: "tl-scroll" }, this.root);
    this.track = html("div", { class: "tl-track", role: "group",
      "aria-label": "Disruptions. Left and right move one, with Alt resize it, brackets change its recovery, up and down go to the next, Enter opens, Delete removes" }, this.scroll);
    this.ground = html("div", { class: "tl-ground", "aria-hidden": "true" }, this.track);
    this.empty = html("div", { class: "tl-empty", "data-empty": "" }, this.track, "Nothing goes wrong yet. Add an outage, a surge, a closed lane …");
    this.line = html("div", { class: "tl-line", "aria-hidden": "true" }, this.root);
    this.tip = new Hint(this.root);
    this.hand = new Hand(this);
    this.bars = new Bars(this);
    this.track.addEventListener("pointerdown", (e) => e.button || this.model.get("selected") < 0 || this.hand.choose(-1));
    for (const part of [this.axis, this.thumb]) {
      part.addEventListener("pointerdown", (e) => this.scrub(e, part));
      part.addEventListener("pointermove", (e) => this.scrubbing && this.seek(this.under(e)));
      part.addEventListener("pointerup", () => this.rest());
      part.addEventListener("pointercancel", () => this.rest());
    }
    this.thumb.addEventListener("keydown", (e) => this.key(e));
    this.thumb.addEventListener("focus", () => this.thumb.matches(":focus-visible") && this.told());
    this.thumb.addEventListener("blur", () => this.tip.hide());
  }

  // ------------------------------------------------------------------------------------ places
  get horizon() {
    return Math.max(1, this.model.get("horizon"));
  }

  get warmup() {
    return this.model.get("warmup");
  }

  get scale() {
    return (this.width - 2 * PAD) / this.horizon;
  }

  px(t) {
    return PAD + t * this.scale;
  }

  font(weight) {
    return `${weight} 12px ${this.family}`;
  }

  /** Draw everything anew: another width, other dates. */
  layout() {
    this.width = this.root.clientWidth;
    if (!this.width) return;
    this.family = getComputedStyle(this.root).fontFamily;
    const { start, period } = this.model.get("dates");
    this.dates = new Dates(start, period, this.horizon);
    this.grounds();
    this.bars.parts.forEach((p) => (p.key = null));
    this.bars.draw();
    this.point();
  }

  grounds() {
    const ticks = this.dates.ticks(this.width - 2 * PAD);
    this.axis.replaceChildren();
    this.ground.replaceChildren();
    for (const part of [this.axis, this.ground]) {
      if (!this.warmup) break;
      const shade = html("div", { class: "tl-warmup", "data-warmup": this.warmup }, part);
      shade.style.width = `${this.px(this.warmup)}px`;
      if (part === this.ground && this.px(this.warmup) > 64) html("span", {}, shade, "warm-up");
    }
    let free = 0;
    for (const { t, label, year } of ticks) {
      const x = this.px(t), end = x + 7 + textWidth(`${label} ${year}`.trim(), this.font(600));
      html("i", {}, this.ground).style.left = `${x.toFixed(1)}px`;
      if (x < free || end > this.width) continue;
      free = end;
      const tick = html("span", { class: "tl-tick" }, this.axis, label);
      if (year) html("b", {}, tick, label ? ` ${year}` : year);
      tick.style.left = `${x.toFixed(1)}px`;
    }
  }

  /** Make room for some rows; more than a few scroll. */
  tall(rows) {
    this.track.style.height = `${rows * ROW}px`;
    this.scroll.style.height = `${(rows > MOST_ROWS ? MOST_ROWS + 0.4 : rows) * ROW}px`; // part of a row says that more follow
    mark(this.scroll, "data-scrolls", rows > MOST_ROWS ? "" : null);
    mark(this.root, "data-rows", rows);
    this.empty.hidden = this.bars.bars.length > 0;
  }

  reveal(row) {
    const { scroll } = this, top = row * ROW;
    if (top < scroll.scrollTop) scroll.scrollTop = top;
    if (top + ROW > scroll.scrollTop + scroll.clientHeight) scroll.scrollTop = top + ROW - scroll.clientHeight;
  }

  // ------------------------------------------------------------------------------------ cursor
  get last() {
    return Math.max(0, this.horizon - this.warmup - 1);
  }

  under(event) {
    const x = event.clientX - this.root.getBoundingClientRect().left;
    return clamp(Math.floor((x - PAD) / this.scale) - this.warmup, 0, this.last);
  }

  scrub(event, part) {
    if (event.button) return;
    event.preventDefault();
    part.setPointerCapture(event.pointerId);
    this.thumb.focus({ preventScroll: true, focusVisible: false });
    this.scrubbing = true;
    this.seek(this.under(event));
  }

  rest() {
    if (!this.scrubbing) return;
    this.scrubbing = false;
    this.tip.hide();
    this.write();
    this.point();
  }

  key(event) {
    const now = this.at, far = this.dates.days === 7 ? 4 : 7, step = event.shiftKey ? far : 1;
    const to = { ArrowLeft: now - step, ArrowDown: now - step, ArrowRight: now + step, ArrowUp: now + step,
      PageDown: now - 30, PageUp: now + 30, Home: 0, End: this.last };
    if (event.key === "Escape") this.set(-1);
    else if (event.key in to && !event.ctrlKey && !event.metaKey && !event.altKey) this.seek(clamp(to[event.key], 0, this.last));
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  get at() {
    return this.held ?? this.model.get("cursor");
  }

  /** Show the cursor somewhere at once; Python hears of it now and then. */
  seek(at) {
    this.set(at);
    this.told();
  }

  set(at) {
    this.held = at;
    this.point();
    if (!this.writing) this.writing = setTimeout(() => this.write(), TOLD);
  }

  write() {
    clearTimeout(this.writing);
    this.writing = 0;
    if (this.held === undefined) return;
    this.model.set("cursor", this.held);
    this.model.save_changes();
    if (!this.scrubbing) this.held = undefined;
  }

  told() {
    if (this.at < 0) return this.tip.hide();
    this.tip.show([this.dates.said(this.warmup + this.at, true)], this.thumb);
  }

  point() {
    const { at, line, thumb } = this, on = at >= 0;
    const x = this.px(this.warmup + Math.max(0, Math.min(at, this.last)) + 0.5);
    for (const part of [line, thumb]) {
      part.style.transform = `translateX(${x.toFixed(1)}px)`;
      mark(part, "data-on", on ? "" : null);
    }
    mark(this.root, "data-scrubbing", this.scrubbing ? "" : null);
    mark(thumb, "data-cursor", at);
    mark(thumb, "aria-valuemin", -1);
    mark(thumb, "aria-valuemax", this.last);
    mark(thumb, "aria-valuenow", at);
    mark(thumb, "aria-valuetext", on ? this.dates.said(this.warmup + at, true) : "the whole run");
  }
}

/** A few lines above (or below) something, over everything else on the page. */
class Hint {
  constructor(root) {
    this.box = html("div", { class: "tl-tip", "data-tip": "", popover: "manual", "aria-hidden": "true" }, root);
  }

  show(lines, near) {
    const { box } = this;
    while (box.childElementCount > lines.length) box.lastChild.remove();
    while (box.childElementCount < lines.length) html("div", {}, box);
    lines.forEach((line, i) => box.children[i].textContent !== line && (box.children[i].textContent = line));
    if (box.showPopover && !box.matches(":popover-open")) box.showPopover();
    mark(box, "data-on", "");
    const spot = near.getBoundingClientRect(), size = box.getBoundingClientRect();
    const x = clamp(spot.left + Math.min(spot.width, 400) / 2 - size.width / 2, 8, innerWidth - size.width - 8);
    const above = spot.top - size.height - 8;
    box.style.transform = `translate(${Math.round(x)}px, ${Math.round(above > 4 ? above : spot.bottom + 8)}px)`;
  }

  hide() {
    if (this.box.hidePopover && this.box.matches(":popover-open")) this.box.hidePopover();
    mark(this.box, "data-on", null);
  }
}

export default {
  render({ model, el }) {
    const view = new Timeline(model, el);
    const watched = {
      bars: () => view.bars.heard(),
      horizon: () => view.layout(),
      warmup: () => view.layout(),
      dates: () => view.layout(),
      selected: () => view.bars.draw(),
      cursor: () => view.width && view.point(),
      stale: () => {
        mark(view.root, "data-stale", model.get("stale") ? "" : null);
        view.bars.settle();
      },
    };
    for (const [name, act] of Object.entries(watched)) model.on(`change:${name}`, act);
    const observer = new ResizeObserver(() => view.root.clientWidth !== view.width && view.layout());
    observer.observe(view.root);
    watched.stale();
    view.layout();
    return () => {
      view.hand.flush();
      observer.disconnect();
      for (const [name, act] of Object.entries(watched)) model.off(`change:${name}`, act);
    };
  },
};
