// Keys, theme, address and clipboard of the page.
const WORDS = new Set(["INPUT", "TEXTAREA", "SELECT"]);

function named(event) {
  const command = event.ctrlKey || event.metaKey;
  const key = event.key.toLowerCase();
  if (command && key === "z") return event.shiftKey ? "redo" : "undo";
  if (command && key === "y") return "redo";
  if (command || event.altKey) return "";
  return { " ": "play", "/": "search", "?": "help" }[event.key] || "";
}

// Space presses what has the focus; only elsewhere it plays.
const pressed = (event) =>
  event.key === " " && event.target.closest("button, a, [role=button], [role=option], [role=tab], summary");

function render({ model, el }) {
  el.style.display = "none";
  const theme = () => {
    document.documentElement.dataset.theme = model.get("dark") ? "dark" : "light";
    dispatchEvent(new Event("twin-theme"));
  };
  const address = () => {
    const query = model.get("query");
    history.replaceState(history.state, "", location.pathname + (query ? `?${query}` : ""));
  };
  const title = () => { if (model.get("title")) document.title = model.get("title"); };
  const copy = () => {
    const { text, link } = model.get("copy");
    navigator.clipboard?.writeText(link ? location.href : text).catch(() => {});
  };
  const tell = teller(model);
  const keys = (event) => {
    const typing = WORDS.has(event.target.tagName) && event.target.type !== "checkbox" && event.target.type !== "range";
    const name = named(event);
    // Undo inside a field is the field's own.
    // What plays is the what-if, which the live tab hides.
    const hidden = name === "play" && document.querySelector(".twin-live");
    if (!name || hidden || event.defaultPrevented || pressed(event) || typing) return;
    event.preventDefault();
    if (name === "search") document.querySelector("[data-search] input")?.focus();
    tell("key", { name });
  };
  model.on("change:dark", theme);
  model.on("change:query", address);
  model.on("change:title", title);
  model.on("change:copy", copy);
  // A widget that is taken off the page while its module loads is no error, though anywidget
  // (0.11) reports one two seconds later; a module that fails is reported by its view as well.
  const gone = (event) => {
    if (/Failed to initialize model/.test(event.reason?.message)) event.preventDefault();
  };
  addEventListener("unhandledrejection", gone);
  addEventListener("keydown", keys);
  theme();
  address();
  title();
  const scheme = matchMedia("(prefers-color-scheme: dark)");
  const switched = () => tell("prefers", { dark: scheme.matches, switched: true });
  tell("prefers", { dark: scheme.matches });
  scheme.addEventListener("change", switched);
  return () => {
    scheme.removeEventListener("change", switched);
    removeEventListener("keydown", keys);
    removeEventListener("unhandledrejection", gone);
  };
}

export default { render };
