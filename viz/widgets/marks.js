// A chart of a study: bars as rows of text, points in a plane; what leads somewhere is a button.
// Text only by textContent: names come from files.

const GLYPHS = { o: "●", s: "■", "^": "▲", D: "◆", v: "▼", P: "✚" };

/** The colour of a group: its place among them, or that of what others are compared with. */
function hue(chart, name) {
  const at = Math.max(0, chart.groups.findIndex((g) => g.name === name));
  return chart.groups[at]?.quiet ? "quiet" : at;
}

function rows(chart, box, pick) {
  const ends = chart.marks.flatMap((m) => [m.value, m.low, m.high]).filter((v) => v !== null);
  const low = Math.min(0, ...ends), high = Math.max(0, ...ends), wide = high - low || 1;
  const at = (v) => (100 * (v - low)) / wide;
  const list = html("ol", { class: "mk-rows" });
  for (const [i, m] of chart.marks.entries()) {
    const row = html(m.moves ? "button" : "div", { class: "mk-row", "data-mark": i, "data-group": hue(chart, m.group) }, html("li", {}, list));
    const glyph = chart.groups.length > 1 ? `${GLYPHS[chart.groups.find((g) => g.name === m.group)?.mark] || "●"} ` : "";
    html("span", { class: "mk-glyph", "aria-hidden": "true" }, html("span", { class: "mk-label" }, row)).textContent = glyph;
    row.firstChild.append(m.label);
    const track = html("span", { class: "mk-track", "aria-hidden": "true" }, row);
    if (m.value !== null) Object.assign(html("i", { class: "mk-bar" }, track).style, { left: `${at(Math.min(0, m.value))}%`, width: `${(100 * Math.abs(m.value)) / wide}%` });
    if (m.low !== null && m.high !== null) Object.assign(html("i", { class: "mk-range" }, track).style, { left: `${at(m.low)}%`, width: `${at(m.high) - at(m.low)}%` });
    html("span", { class: "mk-said" }, row, m.said);
    if (!m.moves) continue;
    row.type = "button";
    row.title = chart.action;
    row.addEventListener("click", () => pick(i));
  }
  box.replaceChildren(list);
}

function pressable(chart, pick) {
  return (element, i) => {
    element.dataset.mark = i;
    if (!chart.marks[i].moves) return;
    mark(element, "role", "button");
    mark(element, "tabindex", 0);
    mark(element, "aria-label", `${chart.action}: ${chart.marks[i].label}${chart.marks[i].group && `, ${chart.marks[i].group}`}, ${chart.marks[i].said}`);
    element.addEventListener("click", () => pick(i));
    element.addEventListener("keydown", (e) => {
      if (e.key !== "Enter" && e.key !== " ") return;
      e.preventDefault();
      pick(i);
    });
  };
}

function render({ model, el }) {
  const root = html("figure", { class: "mk-root" }, el);
  const title = html("h3", {}, root), key = html("p", { class: "mk-key" }, root), note = html("p", { class: "mk-note" }, root);
  const more = html("button", { class: "mk-more", type: "button" }, root), box = html("div", { class: "mk-box" }, root);
  let all = false;
  const tell = teller(model), pick = (index) => tell("picked", { index });
  let width = 0;
  const draw = () => {
    const chart = model.get("chart");
    if (!chart.marks) return;
    root.dataset.marks = model.get("name");
    root.dataset.kind = chart.kind;
    title.textContent = chart.title;
    note.textContent = [chart.kind === "bars" ? `${chart.up}.` : "", chart.caption, `${chart.action} with a press on it; Ctrl-Z takes it back.`].filter(Boolean).join(" ");
    key.hidden = chart.groups.length < 2;
    key.replaceChildren(...chart.groups.map((g) => {
      const made = html("span", { "data-group": hue(chart, g.name) });
      html("i", { "aria-hidden": "true" }, made, GLYPHS[g.mark] || "●");
      made.append(` ${g.name}`);
      return made;
    }));
    width = box.clientWidth;
    const far = chart.kind === "points" ? chart.marks.filter((m) => !m.near).length : 0;
    more.hidden = !far;
    more.textContent = all ? "Show those that lie together" : `Show all ${chart.marks.length}: ${far} lie far off`;
    if (chart.kind === "points") plane(chart, box, pressable(chart, pick), all);
    else rows(chart, box, pick);
  };
  more.addEventListener("click", () => {
    all = !all;
    draw();
  });
  const observer = new ResizeObserver(() => box.clientWidth !== width && draw());
  observer.observe(box);
  model.on("change:chart change:name", draw);
  draw();
  return () => observer.disconnect();
}

export default { render };
