// What hands do to a bar: drag, resize, keys.

const SLOP = 3; // pixels before a press becomes a drag
const PAUSE = 220; // milliseconds without a key that end an edit

class Hand {
  constructor(view) {
    this.view = view;
  }

  get bars() {
    return this.view.bars;
  }

  hold(part, i) {
    const { root } = part;
    root.addEventListener("pointerdown", (e) => this.grab(e, i));
    root.addEventListener("pointermove", (e) => this.drag(e, i));
    root.addEventListener("pointerup", (e) => this.drop(e, i));
    root.addEventListener("pointercancel", () => this.cancel());
    root.addEventListener("pointerenter", () => this.hint(i));
    root.addEventListener("pointerleave", () => this.unhint());
    root.addEventListener("keydown", (e) => this.key(e, i));
    root.addEventListener("focus", () => this.focused(i));
    root.addEventListener("blur", () => this.left());
  }

  // ---------------------------------------------------------------------------------- pointer
  grab(event, i) {
    if (event.button || this.from) return;
    event.preventDefault();
    event.stopPropagation();
    this.flush();
    const { root } = this.bars.parts[i];
    root.setPointerCapture(event.pointerId);
    root.focus({ preventScroll: true, focusVisible: false });
    const grip = event.target.closest("[data-grip]");
    this.from = { i, x: event.clientX, what: grip ? grip.dataset.grip : "move", own: { ...this.bars.own(i) } };
  }

  drag(event, i) {
    const { from } = this;
    if (!from || from.i !== i) return;
    const dx = event.clientX - from.x;
    if (!from.moved && Math.abs(dx) < SLOP) return;
    from.moved = true;
    this.bars.live = this.edited(i, from.own, from.what, Math.round(dx / this.view.scale));
    this.bars.draw();
    this.tell(i);
  }

  drop(event, i) {
    const { from } = this;
    if (!from || from.i !== i) return;
    this.from = null;
    this.view.tip.hide();
    if (!from.moved) {
      this.bars.live = null;
      this.choose(i);
    } else if (this.bars.live) this.finish(from.own);
  }

  /** Keep what is under way, if it changed anything. */
  finish(before) {
    const { live } = this.bars;
    const same = live.start === before.start && live.duration === before.duration && live.ramp === before.ramp;
    if (same) {
      this.bars.live = null;
      this.bars.draw();
    } else this.bars.commit(live);
  }

  cancel() {
    this.from = this.before = null;
    clearTimeout(this.timer);
    this.bars.live = null;
    this.view.tip.hide();
    this.bars.draw();
  }

  /** Start, duration and ramp after a step of some periods, kept within what makes sense. */
  edited(i, own, what, step) {
    const bar = this.bars.bars[i], most = this.view.horizon - 1 - (this.bars.start(i) - this.bars.own(i).start);
    const found = { index: i, start: own.start, duration: own.duration, ramp: own.ramp };
    const last = Math.max(own.start, most);
    if (what === "move") found.start = clamp(own.start + step, 0, last);
    if (what === "start") {
      found.start = clamp(own.start + step, 0, own.start + Math.max(own.duration, 1) - 1);
      found.duration = own.duration + own.start - found.start;
    }
    if (what === "end") found.duration = clamp(own.duration + step, 1, this.view.model.get("limits").duration);
    if (what === "ramp") found.ramp = clamp(own.ramp + step, 0, this.view.model.get("limits").ramp);
    if (bar.once) found.duration = own.duration;
    return found;
  }

  // ------------------------------------------------------------------------------------- keys
  key(event, i) {
    const act = this.meaning(event, i);
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  }

  meaning(event, i) {
    const { key, shiftKey, altKey, ctrlKey, metaKey } = event, bar = this.bars.bars[i];
    if (ctrlKey || metaKey) return null;
    const far = shiftKey ? (this.view.dates.days === 7 ? 4 : 7) : 1;
    const resize = (step) => () => !bar.once && this.nudge(i, "end", step);
    const ramp = (step) => () => bar.ramps && this.nudge(i, "ramp", step);
    const move = (step) => (altKey ? resize(step) : () => this.nudge(i, "move", step));
    const go = (to) => () => this.go(to);
    const meanings = {
      ArrowLeft: move(-far), ArrowRight: move(far), "+": resize(1), "=": resize(1), "-": resize(-1), _: resize(-1),
      "[": ramp(-1), "]": ramp(1), "{": ramp(-far), "}": ramp(far),
      ArrowUp: go(i - 1), ArrowDown: go(i + 1), Home: go(0), End: go(this.bars.bars.length - 1),
      Enter: () => this.choose(i), " ": () => this.choose(i), Delete: () => this.away(i), Backspace: () => this.away(i),
      Escape: () => this.escape(),
    };
    return meanings[key] || null;
  }

  nudge(i, what, step) {
    if (this.from) return;
    const { bars } = this;
    if (!bars.live) this.before = { ...bars.own(i) };
    bars.live = this.edited(i, bars.own(i), what, step);
    bars.draw();
    this.tell(i);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.flush(), PAUSE);
  }

  /** End an edit by keys. */
  flush() {
    clearTimeout(this.timer);
    const { before } = this;
    this.before = null;
    if (before && this.bars.live) this.finish(before);
  }

  escape() {
    if (this.bars.live) this.cancel();
    else this.choose(-1);
  }

  away(i) {
    this.flush();
    this.view.tip.hide();
    this.bars.remove(i);
  }

  choose(i) {
    this.flush();
    this.view.model.set("selected", i);
    this.view.model.save_changes();
  }

  go(i) {
    const part = this.bars.parts[i];
    if (part) part.root.focus();
  }

  // ------------------------------------------------------------------------------ focus, tips
  focused(i) {
    this.bars.at = i;
    this.bars.parts.forEach((p, n) => mark(p.root, "tabindex", n === i ? 0 : -1));
    this.view.reveal(this.bars.parts[i].row);
    if (this.bars.parts[i].root.matches(":focus-visible") && !this.from) this.tell(i);
  }

  left() {
    this.flush();
    if (!this.from) this.view.tip.hide();
  }

  hint(i) {
    if (!this.from) this.tell(i);
  }

  unhint() {
    if (!this.from) this.view.tip.hide();
  }

  tell(i) {
    this.view.tip.show(this.bars.lines(this.bars.placed[i]), this.bars.parts[i].root);
  }
}

function clamp(x, low, high) {
  return Math.max(low, Math.min(x, high));
}
