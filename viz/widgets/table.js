// A table of text. Cells only by textContent: names come from files.
// Roles are said aloud: a style sheet that stacks the cells of a narrow table would take them away.
const ROLES = { table: "table", thead: "rowgroup", tbody: "rowgroup", tr: "row", td: "cell" };

function cell(tag, text, number) {
  const made = document.createElement(tag);
  made.textContent = text;
  if (ROLES[tag]) made.setAttribute("role", ROLES[tag]);
  if (number) made.className = "twin-cell-number";
  return made;
}

function render({ model, el }) {
  const scroll = document.createElement("div");
  scroll.className = "twin-table";
  scroll.tabIndex = 0;
  scroll.setAttribute("role", "region");
  el.append(scroll);
  const tell = teller(model);
  const draw = () => {
    const table = cell("table", ""), columns = model.get("columns");
    const caption = cell("caption", model.get("caption"));
    const numbers = new Set(model.get("numbers"));
    const head = cell("tr", "");
    columns.forEach((name, i) => {
      const made = cell("th", name, numbers.has(i));
      made.scope = "col";
      made.setAttribute("role", "columnheader");
      head.append(made);
    });
    const buttons = model.get("buttons");
    if (buttons.length) head.append(cell("td", ""));
    const body = model.get("rows").map((texts, r) => {
      const row = cell("tr", "");
      row.dataset.row = r;
      texts.forEach((text, i) => {
        const made = cell(i ? "td" : "th", text, numbers.has(i));
        made.dataset.label = columns[i] ?? "";
        row.append(made);
      });
      if (row.firstChild) {
        row.firstChild.scope = "row";
        row.firstChild.setAttribute("role", "rowheader");
      }
      if (buttons.length) row.append(pick(buttons[r] ?? buttons[0], r));
      return row;
    });
    const top = cell("thead", ""), rest = cell("tbody", "");
    top.append(head);
    rest.append(...body);
    table.append(caption, top, rest);
    scroll.dataset.table = model.get("caption");
    scroll.setAttribute("aria-label", model.get("caption"));
    scroll.replaceChildren(table);
  };
  const pick = (words, r) => {
    const made = cell("td", "");
    for (const word of [words].flat()) {
      const button = cell("button", word);
      button.type = "button";
      button.addEventListener("click", () => {
        tell("picked", { row: r, button: word });
      });
      made.append(button);
    }
    return made;
  };
  model.on("change:columns change:rows change:caption change:buttons change:numbers", draw);
  draw();
}

export default { render };
