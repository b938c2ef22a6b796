// A table of text. Cells only by textContent: names come from files.
function cell(tag, text, number) {
  const made = document.createElement(tag);
  made.textContent = text;
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
    const table = document.createElement("table");
    const caption = cell("caption", model.get("caption"));
    const numbers = new Set(model.get("numbers"));
    const head = document.createElement("tr");
    model.get("columns").forEach((name, i) => {
      const made = cell("th", name, numbers.has(i));
      made.scope = "col";
      head.append(made);
    });
    const buttons = model.get("buttons");
    if (buttons.length) head.append(cell("td", ""));
    const body = model.get("rows").map((texts, r) => {
      const row = document.createElement("tr");
      row.dataset.row = r;
      row.append(...texts.map((text, i) => cell(i ? "td" : "th", text, numbers.has(i))));
      if (row.firstChild) row.firstChild.scope = "row";
      if (buttons.length) row.append(pick(buttons[r] ?? buttons[0], r));
      return row;
    });
    const top = document.createElement("thead"), rest = document.createElement("tbody");
    top.append(head);
    rest.append(...body);
    table.append(caption, top, rest);
    scroll.dataset.table = model.get("caption");
    scroll.setAttribute("aria-label", model.get("caption"));
    scroll.replaceChildren(table);
  };
  const pick = (words, r) => {
    const made = document.createElement("td");
    const button = cell("button", words);
    button.type = "button";
    button.addEventListener("click", () => {
      tell("picked", { row: r });
    });
    made.append(button);
    return made;
  };
  model.on("change:columns change:rows change:caption change:buttons change:numbers", draw);
  draw();
}

export default { render };
