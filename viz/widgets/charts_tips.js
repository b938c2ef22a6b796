// What hovering a chart says, built of elements: names are the user's, never markup.

function tipRow(box, colour, name, value, more = "") {
  const row = html("div", { class: "ch-row" }, box);
  html("i", {}, row).style.background = colour || "transparent";
  html("span", {}, row, name);
  html("b", {}, row, value);
  html("small", {}, row, more);
}

/** A date with every line's value, the difference to the baseline, and what goes wrong then. */
function timeTip(view, i) {
  const { payload, look } = view, say = sayers(payload);
  const box = html("div", { class: "ch-tip" });
  html("strong", {}, box, view.when(i));
  for (const line of spoken(payload)) {
    const value = line.values[i];
    if (value === null || value === undefined || (line.role === "layer" && value === 0)) continue;
    const band = line.bullwhip ? `swing ${swing(line)}` : line.low ? `${say.value(line.low[i])} to ${say.value(line.high[i])}` : "";
    tipRow(box, colourOf(line, look), line.label, say.value(value), band);
  }
  const gap = payload.difference;
  if (gap && gap.mean[i] !== null) {
    const half = gap.half[i], ends = half === null ? "" : `${say.difference(gap.mean[i] - half)} to ${say.difference(gap.mean[i] + half)}`;
    const clear = half === null || Math.abs(gap.mean[i]) > half;
    tipRow(box, "", clear ? "difference" : "no clear difference", `${say.difference(gap.mean[i])}${NB}${say.unit}`, ends);
  }
  const t = payload.first + i;
  for (const e of payload.events)
    if (e.end > e.start && t >= e.start && t < e.end)
      html("em", {}, box, e.probability < 1 ? `${e.name}, ${share(e.probability)} likely` : e.name);
  return box;
}

/** Lines in the order that they are said: totals first, then stages from the top of the stack. */
function spoken(payload) {
  const first = ["now", "base", "other"], rest = payload.lines.filter((x) => !first.includes(x.role));
  const ends = first.flatMap((role) => payload.lines.filter((x) => x.role === role));
  return [...ends, ...(rest.some((x) => x.role === "layer") ? rest.reverse() : rest)];
}

function tipWords(view, i) {
  const say = sayers(view.payload);
  const told = spoken(view.payload).map((x) => `${x.label} ${say.value(x.values[i])}`);
  return `${view.when(i)}: ${told.join(", ")}`;
}

function barTip(view, i) {
  const { payload, look } = view, bar = payload.bars[i];
  const box = html("div", { class: "ch-tip" });
  html("strong", {}, box, bar.label);
  const part = bar.role === "part";
  tipRow(box, barColour(bar, look), part ? "difference" : "cost", `${part ? signed(bar.value) : amount(bar.value)}${NB}${payload.unit}`,
    part && bar.low !== null ? `${signed(bar.low)} to ${signed(bar.high)}` : "");
  if (part && bar.low !== null && !bar.clear) html("em", {}, box, "no clear difference");
  return box;
}

function pointTip(view, i) {
  const { payload } = view, p = payload.points[i];
  const box = html("div", { class: "ch-tip" });
  html("strong", {}, box, p.label);
  const ends = (name, say) => (p[`${name}_low`] === null ? "" : `${say(p[`${name}_low`])} to ${say(p[`${name}_high`])}`);
  tipRow(box, "", `cost per ${payload.period}`, `${amount(p.cost)}${NB}${payload.unit}`, ends("cost", amount));
  tipRow(box, "", "on time", share(p.on_time), ends("on_time", share));
  if (p.loss_area !== null) tipRow(box, "", "lost service", `${amount(p.loss_area)}${NB}${payload.period}s`);
  for (const word of marks(p)) html("em", {}, box, word);
  if (p.tied.length) html("p", {}, box, `No clear difference to: ${p.tied.join("; ")}`);
  return box;
}

function marks(point) {
  return [point.current && "where it is now", point.suggested && "suggested"].filter(Boolean);
}
