// Fields of native controls. Text only by textContent: names come from files.
let ids = 0;

function make(tag, name, text) {
  const made = document.createElement(tag);
  if (name) made.className = `twin-${name}`;
  if (text !== undefined) made.textContent = text;
  return made;
}

function bounded(input, f) {
  if (f.low !== null && f.low !== undefined) input.min = f.low;
  if (f.high !== null && f.high !== undefined) input.max = f.high;
  input.step = f.step || "any";
}

function numberBox(f, send) {
  const input = make("input", "number");
  input.type = "number";
  bounded(input, f);
  input.value = f.value ?? "";
  if (f.value === null && f.effective !== null && f.effective !== undefined) input.placeholder = f.effective;
  input.addEventListener("change", () => {
    if (!input.checkValidity()) { input.reportValidity(); return; }
    send(input.value === "" ? null : Number(input.value));
  });
  return input;
}

function slider(f, send) {
  const box = make("div", "slide");
  const range = make("input", "range");
  range.type = "range";
  [range.min, range.max] = f.slider;
  range.step = f.step || "any";
  range.value = f.value ?? f.effective ?? f.slider[0];
  const number = numberBox(f, send);
  number.setAttribute("aria-label", `${f.label}, as a number`);
  range.addEventListener("input", () => { number.value = Number(Number(range.value).toPrecision(6)); });
  range.addEventListener("change", () => send(Number(range.value)));
  box.append(range, number);
  return [box, range];
}

function choice(f, send) {
  const select = make("select", "select");
  f.choices.forEach(([value, words], i) => {
    const option = make("option", "", words);
    option.value = i;
    option.selected = value === f.value;
    select.append(option);
  });
  if (!f.choices.some(([value]) => value === f.value)) select.selectedIndex = -1;
  const resting = select.selectedIndex;
  select.addEventListener("change", () => {
    send(f.choices[select.selectedIndex][0]);
    if (f.action) select.selectedIndex = resting; // the same can be chosen again
  });
  return select;
}

function tabs(f, send) {
  const list = make("div", "tabs");
  list.setAttribute("role", "group");
  list.setAttribute("aria-label", f.label);
  for (const [value, words] of f.choices) {
    const tab = make("button", "tab", words);
    tab.type = "button";
    tab.setAttribute("aria-pressed", value === f.value);
    tab.dataset.tab = value;
    tab.addEventListener("click", () => send(value));
    list.append(tab);
  }
  return list;
}

function button(f, send) {
  const made = make("button", "button", f.label);
  made.type = "button";
  made.disabled = Boolean(f.disabled);
  made.title = f.hint || "";
  if (f.icon) { made.textContent = f.icon; made.setAttribute("aria-label", f.label); made.title = f.hint || f.label; }
  if (f.value === true || f.value === false) made.setAttribute("aria-pressed", f.value);
  if (f.small) made.className = "twin-icon";
  if (f.main) made.dataset.main = "";
  made.addEventListener("click", () => send(true));
  return made;
}

function gone(f, send) {
  const line = make("div", "gone");
  line.append(make("span", "gone-text", f.label), make("span", "gone-was", f.value || ""));
  const back = make("button", "icon", "×");
  back.type = "button";
  back.setAttribute("aria-label", `Take back: ${f.label}`);
  back.addEventListener("click", () => send(true));
  line.append(back);
  return line;
}

function entered(f, send) {
  const input = make("input", f.kind === "switch" ? "check" : "text");
  input.type = f.kind === "switch" ? "checkbox" : "text";
  if (f.kind === "switch") input.checked = Boolean(f.value ?? f.effective);
  else input.value = f.value ?? "";
  input.addEventListener("change", () => send(f.kind === "switch" ? input.checked : input.value || null));
  if (f.kind === "search") input.addEventListener("input", () => send(input.value));
  return input;
}

/** Boxes of which some are ticked. */
function some(f, send) {
  const made = make("fieldset", "some"), chosen = new Set(f.value || []);
  made.append(make("legend", "label", f.label));
  for (const [value, words] of f.choices) {
    const label = make("label", "one"), box = make("input", "check");
    box.type = "checkbox";
    box.checked = chosen.has(value);
    box.dataset.tab = value;
    box.addEventListener("change", () => {
      chosen[box.checked ? "add" : "delete"](value);
      send(f.choices.map(([each]) => each).filter((each) => chosen.has(each)));
    });
    label.append(box, words);
    made.append(label);
  }
  if (f.below) made.append(make("p", "note", f.below));
  return made;
}

const WHOLE = { tabs, button, gone, some, note: (f) => make("p", f.strong ? "note-strong" : "note", f.label) };

function control(f, send) {
  if (f.kind === "slider" && f.slider) return slider(f, send);
  const made = f.kind === "choice" ? choice(f, send)
    : f.kind === "number" || f.kind === "slider" ? numberBox(f, send) : entered(f, send);
  return [made, made];
}

function field(f, send) {
  const box = make("div", "field");
  box.dataset.field = f.key;
  box.dataset.kind = f.kind;
  if (WHOLE[f.kind]) { box.append(WHOLE[f.kind](f, send)); return box; }
  const [made, focus] = control(f, send);
  focus.id = `twin-field-${(ids += 1)}`;
  focus.disabled = Boolean(f.disabled);
  const label = make("label", "label", f.label);
  label.htmlFor = focus.id;
  if (f.hidden) { label.className = "twin-hidden"; }
  if (f.unit) label.append(make("span", "unit", ` ${f.unit}`));
  if (f.hint) { box.title = f.hint; }
  box.append(label, made);
  if (f.below) {
    const told = make("p", "note", f.below);
    told.id = `${focus.id}-told`;
    focus.setAttribute("aria-describedby", told.id);
    box.append(told);
  }
  return box;
}

function render({ model, el }) {
  const root = make("div", "form");
  el.append(root);
  const tell = teller(model);
  const send = (key) => (value) => tell("change", { key, value });
  // Nothing is redrawn under a pointer that is down: the click would get lost. Only buttons and
  // sliders: a select that opens its list keeps the end of the press to itself.
  let held = false, waiting = false;
  const hold = (event) => { held = Boolean(event.target.closest("button, [type=range]")); };
  const release = () => setTimeout(() => {
    held = false;
    if (waiting) draw();
  }, 0);
  const draw = () => {
    waiting = held;
    if (held) return;
    const focused = root.contains(document.activeElement) && document.activeElement.closest("[data-field]");
    const key = focused && focused.dataset.field;
    const tag = focused && document.activeElement.tagName + (document.activeElement.type || "") + (document.activeElement.dataset.tab || "");
    // What is being typed is newer than what the page was told of it.
    const typed = focused && ["text", "search"].includes(document.activeElement.type) ? document.activeElement : null;
    let group = "";
    const parts = [];
    for (const f of model.get("fields")) {
      if (f.group && f.group !== group) parts.push(make("h4", "group", f.group));
      group = f.group || group;
      parts.push(field(f, send(f.key)));
    }
    root.replaceChildren(...parts);
    if (!key) return;
    const again = [...root.querySelectorAll("[data-field]")].find((x) => x.dataset.field === key);
    const all = again ? [...again.querySelectorAll("input,select,button")] : [];
    const same = all.find((x) => x.tagName + (x.type || "") + (x.dataset.tab || "") === tag);
    if (same && typed) same.value = typed.value;
    same?.focus({ preventScroll: true });
    if (same && typed) same.setSelectionRange(typed.selectionStart, typed.selectionEnd);
  };
  const frame = () => {
    root.dataset.form = model.get("label");
    root.dataset.inline = model.get("inline");
    root.setAttribute("role", "group");
    root.setAttribute("aria-label", model.get("label"));
  };
  model.on("change:fields", draw);
  model.on("change:label change:inline", frame);
  root.addEventListener("pointerdown", hold);
  for (const name of ["pointerup", "pointercancel"]) addEventListener(name, release);
  frame();
  draw();
  return () => {
    for (const name of ["pointerup", "pointercancel"]) removeEventListener(name, release);
  };
}

export default { render };
