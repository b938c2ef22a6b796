// Charts over time: what ECharts is told, and the names at the ends of lines.

const TOP = 20, BOTTOM = 24; // pixels above and below the plot: names of disruptions, dates
const LINE = 15; // pixels that a name at a line's end takes
const KEY = 14; // pixels of the spot of colour before a name
const MOST_RIGHT = 0.4; // share of the width that such names may take

function colourOf(line, look) {
  if (line.shade) return line.shade;
  return line.role === "base" ? look.base : line.role === "other" ? look.grey : look.ink;
}

function textOf(line, look) {
  if (line.role === "base") return look.grey;
  return look[`${line.mode}-text`] || (line.role === "other" || line.mode === "own" ? look.grey : look.ink);
}

/** How much the orders of a stage swing: `6.69×`, or `1.86→6.69×` from the baseline's. */
function swing(line, brief = false) {
  const { bullwhip: now, bullwhip_before: before } = line;
  if (now === null || now === undefined) return "";
  return brief || before === null || times(before) === times(now) ? times(now) : `${times(before).slice(0, -1)}→${times(now)}`;
}

/** What stands at the ends of lines: all with the baseline's swing, or all without. */
function endWords(payload, room, font) {
  const words = (brief) => payload.lines.map((x) => `${x.label} ${swing(x, brief)}`.trim());
  return words(false).every((x) => textWidth(x, font) + 12 + (isKeyed(payload) ? KEY : 0) <= room) ? words(false) : words(true);
}

function motion() {
  return { animation: !still(), animationDuration: 200, animationDurationUpdate: 200, animationEasing: "cubicOut", animationEasingUpdate: "cubicOut" };
}

function tooltip(view, more) {
  const { look } = view;
  return { appendToBody: true, position: beside.bind(view), backgroundColor: look.card, borderColor: look.edge, borderWidth: 1, padding: [6, 10], transitionDuration: 0,
    extraCssText: "box-shadow:none;border-radius:8px;z-index:5", textStyle: { color: look.ink, fontSize: 12, fontFamily: look.font }, ...more };
}

/** Beside the pointer, where it hides as little as may be, inside the window. */
function beside([x, y], _, tip, __, { contentSize: [wide, tall], viewSize }) {
  const plot = this.place(), gap = 16, edge = 8;
  const right = plot.left + x + gap + wide < window.innerWidth - edge;
  const left = right ? x + gap : Math.max(edge - plot.left, x - gap - wide);
  const top = Math.min(window.innerHeight - edge - tall, Math.max(edge, plot.top + (viewSize[1] - tall) / 2));
  return [left, top - plot.top];
}

function axisStyle(look) {
  return { axisLabel: { color: look.grey, fontSize: 12, fontFamily: look.font, hideOverlap: true }, axisTick: { show: false },
    axisLine: { show: false }, splitLine: { lineStyle: { color: look.hair, width: 1 } } };
}

function timeOption(view) {
  const { payload, look } = view, say = sayers(payload), most = mostOf(payload);
  const x = axisStyle(look), y = axisStyle(look);
  y.axisLabel.formatter = (v) => (payload.format === "share" ? `${Math.round(100 * v)}${NB}%` : tick(v, most));
  const left = 8 + Math.max(...[0, most].map((v) => textWidth(y.axisLabel.formatter(payload.top ?? v * 1.2), view.fontOf())));
  x.axisLabel.formatter = payload.dates ? { year: "{yyyy}", month: "{MMM}", day: "{d} {MMM}" } : undefined;
  x.axisLabel.showMinLabel = x.axisLabel.showMaxLabel = false;
  return {
    ...motion(), useUTC: true, textStyle: { fontFamily: look.font },
    grid: { left, right: view.right, top: TOP, bottom: BOTTOM },
    xAxis: { type: payload.dates ? "time" : "value", min: view.at(0), max: view.at(payload.n - 1), ...x, splitLine: { show: false },
      axisLine: { show: true, onZero: false, lineStyle: { color: look.edge } }, splitNumber: Math.max(2, Math.round((view.width - left - view.right) / 70)),
      axisPointer: { show: true, snap: true, lineStyle: { color: look.grey, width: 1, type: "solid" }, label: { show: false }, triggerTooltip: true } },
    yAxis: { type: "value", min: 0, max: payload.top ?? null, splitNumber: Math.max(2, Math.round((view.height - TOP - BOTTOM) / 42)), ...(payload.top === 1 ? { interval: 0.25 } : {}), ...y },
    tooltip: tooltip(view, { trigger: "axis", formatter: (found) => (view.reading ? timeTip(view, found[0]?.dataIndex ?? 0) : "") }),
    dataZoom: [{ id: "zoom", type: "inside", filterMode: "none", zoomOnMouseWheel: "ctrl", moveOnMouseMove: false, moveOnMouseWheel: false, preventDefaultMouseMove: false, minSpan: 2 }],
    toolbox: { show: true, itemSize: 0, top: -40, feature: { dataZoom: { yAxisIndex: "none", filterMode: "none", brushStyle: { color: look.grey, opacity: 0.2, borderWidth: 0 } } } },
    series: [...payload.lines.flatMap((line, k) => lineSeries(view, line, `${line.role} ${k}`)), eventSeries(view)],
  };
}

function mostOf(payload) {
  const each = payload.lines.map((x) => Math.max(...(x.high || x.values).map((v) => v ?? 0)));
  const stack = payload.lines.filter((x) => x.role === "layer").map((x) => Math.max(...x.values));
  return Math.max(1e-9, ...each, stack.reduce((a, b) => a + b, 0));
}

/** A line; with its band, two stacked lines without ink; a layer is filled. */
function lineSeries(view, line, id) {
  const { payload, look } = view, colour = colourOf(line, look), layer = line.role === "layer";
  const last = payload.lines.filter((x) => x.mode === "push").at(-1), cut = layer && line === last && payload.lines.some((x) => x.role === "layer" && x.mode === "pull");
  const points = (values) => values.map((v, i) => [view.at(i), v]);
  const bare = { type: "line", showSymbol: payload.n < 3, symbolSize: 5, symbol: "circle", silent: true, emphasis: { disabled: true }, color: colour };
  const z = { base: 4, now: 6, layer: 2, other: 7 }[line.role] || 5;
  const made = [{ ...bare, id, name: line.label, data: points(line.values), z,
    lineStyle: { color: layer ? (cut ? look.ink : look.card) : colour, width: layer ? (cut ? 1.5 : 0.5) : line.role === "base" ? 1.5 : 2, type: line.role === "other" ? [4, 3] : "solid" },
    ...(layer ? { stack: "layers", areaStyle: { color: colour, opacity: 1 }, step: false } : {}) }];
  if (!line.low) return made;
  const band = { ...bare, showSymbol: false, stack: `band ${id}`, stackStrategy: "all", lineStyle: { opacity: 0 }, z: z - 1, tooltip: { show: false } };
  const wide = line.low.map((v, i) => (v === null || line.high[i] === null ? null : line.high[i] - v));
  return [...made, { ...band, id: `${id} low`, data: points(line.low) },
    { ...band, id: `${id} band`, data: points(wide), areaStyle: { color: colour, opacity: line.role === "base" ? 0.15 : 0.18 } }];
}

/** Amber bands of what goes wrong, dashed lines of moves; names where they fit. */
function eventSeries(view) {
  const { payload, look } = view, areas = [], lines = [];
  const scale = (view.width - 48 - view.right) / Math.max(1, payload.n - 1);
  const end = view.width - 48 - view.right;
  let free = 0;
  for (const e of payload.events) {
    const a = (e.start - payload.first) * scale, b = (e.end - payload.first) * scale;
    const wide = textWidth(e.name, view.fontOf()), from = (a + b - wide) / 2;
    const fits = from >= free && from + wide <= end + view.right / 2;
    if (fits) free = from + wide + 8;
    const label = { show: fits, position: "top", distance: 3, color: look["amber-text"], fontSize: 12, fontFamily: look.font };
    const name = e.name;
    const from_ = view.at(e.start - payload.first), to = view.at(Math.min(payload.n - 1, e.end - payload.first));
    if (e.end > e.start) areas.push([{ name, xAxis: from_, label, itemStyle: { color: look.amber, opacity: e.probability < 1 ? 0.16 : 0.3 } }, { xAxis: to }]);
    else lines.push({ name, xAxis: from_, label: { ...label, position: "end", color: look.ink, formatter: () => name }, lineStyle: { color: look.ink, type: [4, 3], width: 1 } });
  }
  return { id: "events", type: "line", data: [], silent: true, z: 1, tooltip: { show: false },
    markArea: { silent: true, animation: false, data: areas }, markLine: { silent: true, symbol: "none", animation: false, data: lines } };
}

/** Whether names need a spot of their line's colour, because several share a hue. */
function isKeyed(payload) {
  return payload.lines.some((x) => x.shade);
}

/** Pixels that the names at line ends need, as far as there is room. */
function rightRoom(view) {
  const wide = Math.max(0, ...view.names.map((x) => textWidth(x, view.fontOf(600))));
  return Math.round(Math.min(wide + 12 + (isKeyed(view.payload) ? KEY : 0), MOST_RIGHT * view.width));
}

/** Names right of the lines' last visible values, moved apart; the least ones give way. */
function endNames(view) {
  const { payload, look, chart } = view, [low, high] = view.window();
  const bottom = view.height - BOTTOM, most = Math.floor((bottom - TOP + LINE) / LINE);
  const y = (v) => chart.convertToPixel({ yAxisIndex: 0 }, v);
  let found = [], below = 0;
  for (const [k, line] of payload.lines.entries()) {
    let i = high;
    while (i > low && (line.values[i] === null || line.values[i] === undefined)) i--;
    const value = line.values[i];
    if (value === null || value === undefined) continue;
    const layer = line.role === "layer";
    found.push({ line, name: view.names[k], at: y(layer ? below + value / 2 : value), weight: layer ? y(0) - y(value) : 1e6 });
    if (layer) below += value;
  }
  found = found.filter((x) => x.weight > 2).sort((a, b) => b.weight - a.weight).slice(0, most).sort((a, b) => a.at - b.at);
  spread(found, TOP, bottom);
  const keyed = isKeyed(payload), room = view.right - 8 - (keyed ? KEY : 0);
  return found.map(({ line, name, at }) => {
    const weight = line.role === "now" ? 600 : 400;
    return { text: fitted(name, room, view.fontOf(weight)), at, weight, colour: textOf(line, look), spot: keyed ? colourOf(line, look) : null, thin: !line.shade };
  });
}

/** Move places in rising order apart by a line each, within bounds. */
function spread(found, low, high) {
  for (let round = 0; round < 40; round++) {
    let moved = false;
    for (let i = 0; i + 1 < found.length; i++) {
      const lack = LINE - (found[i + 1].at - found[i].at);
      if (lack <= 0.1) continue;
      found[i].at -= lack / 2;
      found[i + 1].at += lack / 2;
      moved = true;
    }
    for (const x of found) x.at = Math.min(high, Math.max(low, x.at));
    if (!moved) return;
  }
}
