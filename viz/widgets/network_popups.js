// The tip beside what the pointer is on, and the small menu of a site.

const ACTIONS = [["break", "Break this"], ["backup", "Add backup"], ["why", "Why is it low?"]];

class Tip {
  constructor(root) {
    this.box = html("div", { class: "tn-tip", role: "tooltip", hidden: "" }, root);
    this.root = root;
  }

  /** Show lines above a point, or below `under` where there is no room. */
  show(lines, x, y, under = y + 16) {
    if (!lines.length) return;
    this.box.replaceChildren(...lines.map((line, i) => html(i ? "div" : "strong", {}, null, line)));
    this.box.hidden = false;
    const { offsetWidth: wide, offsetHeight: tall } = this.box;
    const left = Math.max(4, Math.min(x - wide / 2, this.root.clientWidth - wide - 4));
    const top = y - tall - 4 >= 0 ? y - tall - 4 : Math.min(under, this.root.clientHeight - tall);
    this.box.style.transform = `translate(${Math.round(left)}px,${Math.round(top)}px)`;
  }

  hide() {
    this.box.hidden = true;
  }
}

class Menu {
  constructor(view) {
    this.view = view;
    this.box = html("div", { class: "tn-menu", role: "menu", hidden: "" }, view.root);
    this.buttons = ACTIONS.map(([action, words]) => {
      const made = html("button", { type: "button", role: "menuitem", tabindex: "-1", "data-action": action }, this.box, words);
      made.addEventListener("click", () => this.pick(action));
      return made;
    });
    this.box.addEventListener("keydown", (event) => this.key(event));
    this.box.addEventListener("focusout", (event) => {
      if (!this.box.contains(event.relatedTarget)) this.box.hidden = true;
    });
  }

  open(i) {
    const { view } = this, node = view.drawing.nodes[i], at = view.geo.nodes[i];
    if (node.group) {
      view.nodes.choose(i);
      return;
    }
    this.node = node;
    view.tip.hide();
    this.box.setAttribute("aria-label", node.label);
    this.box.hidden = false;
    const { offsetWidth: wide, offsetHeight: tall } = this.box;
    const left = at.x + at.r + 6 + wide < view.geo.width ? at.x + at.r + 6 : at.x - at.r - 6 - wide;
    const top = Math.max(4, Math.min(at.y - 12, view.geo.height - tall - 4));
    this.box.style.transform = `translate(${Math.round(left)}px,${Math.round(top)}px)`;
    this.buttons[0].focus();
  }

  pick(action) {
    this.close();
    this.view.send("menu", { site: this.node.id, action });
  }

  close() {
    this.box.hidden = true;
    const item = this.view.nodes.items[this.view.nodes.index.get(this.node.id)];
    if (item) item.g.focus({ focusVisible: false });
  }

  key(event) {
    const at = this.buttons.indexOf(document.activeElement), n = this.buttons.length;
    const to = { ArrowDown: at + 1, ArrowUp: at - 1 + n, Home: 0, End: n - 1 }[event.key];
    if (to !== undefined) this.buttons[to % n].focus();
    else if (event.key === "Escape" || event.key === "Tab") this.close();
    else if (event.key !== " ") return;
    else document.activeElement.click();
    event.preventDefault();
    event.stopPropagation();
  }
}
