// The waterfall of cost and the positions by cost and service.

const FEW = 8; // positions that all get a name beside them; of more, those that are marked

function barColour(bar, look) {
  if (bar.role === "base") return look.base;
  if (bar.role === "now") return look.ink;
  return bar.value > 0 ? look.bad : look.good;
}

/** Costs from the baseline's through the differences to the what-if's. */
function waterfallOption(view) {
  const { payload, look } = view, bars = payload.bars, most = Math.max(...bars.flatMap((b) => [b.start, b.end]));
  const words = (b) => (b.role === "part" ? `${b.value > 0 ? "▲" : "▼"} ${signed(b.value)}` : amount(b.value));
  const left = Math.min(0.34 * view.width, 12 + Math.max(...bars.map((b) => textWidth(b.label, view.fontOf()))));
  const right = 12 + Math.max(...bars.map((b) => textWidth(words(b), view.fontOf(600))));
  const x = axisStyle(look), y = axisStyle(look);
  x.axisLabel.formatter = (v) => tick(v, most);
  y.axisLabel.formatter = (name) => fitted(name, left - 10, view.fontOf());
  y.axisLabel.color = look.ink;
  const bare = { type: "bar", stack: "cost", barWidth: "62%", silent: true, emphasis: { disabled: true } };
  return {
    ...motion(), textStyle: { fontFamily: look.font }, grid: { left, right, top: 8, bottom: BOTTOM },
    xAxis: { type: "value", min: 0, splitNumber: 3, ...x },
    yAxis: { type: "category", inverse: true, data: bars.map((b) => b.label), ...y, axisLabel: { ...y.axisLabel, interval: 0 }, splitLine: { show: false } },
    tooltip: tooltip(view, { trigger: "axis", axisPointer: { type: "shadow", z: 0, shadowStyle: { color: look.hair, opacity: 0.4 } }, formatter: (found) => barTip(view, found[0].dataIndex) }),
    series: [
      { ...bare, id: "below", data: bars.map((b) => Math.min(b.start, b.end)), itemStyle: { opacity: 0 }, tooltip: { show: false } },
      { ...bare, id: "cost", barMinHeight: 2, data: bars.map((b) => ({ value: Math.abs(b.end - b.start), itemStyle: { color: barColour(b, look), borderRadius: 2, opacity: b.role === "part" ? 0.75 : 1 },
        label: { formatter: words(b), fontWeight: b.role === "part" ? 400 : 600 } })),
        label: { show: true, position: "right", distance: 6, color: look.ink, fontSize: 12, fontFamily: look.font } },
    ],
  };
}

/** Positions: cheap is left, good is up, large bubbles lose much service to disruptions. */
function frontierOption(view) {
  const { payload, look } = view, x = axisStyle(look), y = axisStyle(look), known = payload.points.filter(isKnown);
  const dear = Math.max(0, ...known.map((p) => p.cost));
  x.axisLabel.formatter = (v) => tick(v, dear);
  y.axisLabel.formatter = (v) => share(Math.round(v * 1e6) / 1e6);
  const name = { nameTextStyle: { color: look.grey, fontSize: 12, fontFamily: look.font } }, line = { show: true, onZero: false, lineStyle: { color: look.edge } };
  const series = (id, marked) => ({ id, type: "scatter", cursor: "pointer", z: marked ? 4 : 3, emphasis: { scale: 1.15, label: { show: true } }, labelLayout: { hideOverlap: true },
    data: payload.points.flatMap((p, i) => (isKnown(p) && isMarked(p) === marked ? [{ index: i, value: [p.cost, p.on_time], ...dot(view, p) }] : [])) });
  return {
    ...motion(), textStyle: { fontFamily: look.font }, grid: { left: 56, right: 24, top: 32, bottom: 40 },
    xAxis: { type: "value", scale: true, boundaryGap: ["8%", "12%"], splitNumber: Math.max(2, Math.round(view.width / 110)), ...x, splitLine: { show: false }, axisLine: line,
      name: `cost per ${payload.period}${payload.unit && `, ${payload.unit}`}`, nameLocation: "middle", nameGap: 24, ...name },
    yAxis: { type: "value", ...shareRange(known.map((p) => p.on_time)), ...y, axisLine: line, name: "on time", nameGap: 14, ...name, nameTextStyle: { ...name.nameTextStyle, align: "right", padding: [0, 8, 0, 0] } },
    tooltip: tooltip(view, { trigger: "item", formatter: (found) => pointTip(view, found.data.index) }),
    series: [series("positions", false), series("marked", true)],
  };
}

function isKnown(p) {
  return p.cost !== null && p.on_time !== null;
}

function isMarked(p) {
  return p.current || p.suggested;
}

/** Series and place in it of a position. */
function spotOf(points, i) {
  const mates = points.slice(0, i).filter((p) => isKnown(p) && isMarked(p) === isMarked(points[i]));
  return { seriesIndex: isMarked(points[i]) ? 1 : 0, dataIndex: mates.length };
}

/** An axis of shares around some, in steps that read well. */
function shareRange(shares) {
  const low = Math.min(...shares, 1), high = Math.max(...shares, 0), span = Math.max(high - low, 0.002);
  const interval = [0.25, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002].find((s) => span / s >= 2) || 0.001;
  return { interval, min: Math.max(0, (Math.ceil(low / interval - 0.3) - 1) * interval), max: Math.min(1, (Math.floor(high / interval + 0.3) + 1) * interval) };
}

function dot(view, p) {
  const { look, payload } = view, special = isMarked(p), most = Math.max(1e-9, ...payload.points.map((q) => q.loss_area ?? 0));
  const words = [p.current && "now", p.suggested && "suggested"].filter(Boolean).join(", ");
  return {
    symbol: p.suggested && !p.current ? "diamond" : "circle",
    symbolSize: 10 + 22 * Math.sqrt((p.loss_area ?? 0) / most),
    itemStyle: { color: p.current ? look.ink : p.suggested ? look.push : look.base, opacity: special ? 0.9 : 0.55, borderColor: look.card, borderWidth: 1 },
    label: { show: special || payload.points.length <= FEW, position: "right", distance: 4, color: special ? look.ink : look.grey, fontWeight: special ? 600 : 400, fontSize: 12, fontFamily: look.font,
      textBorderColor: look.card, textBorderWidth: 3, formatter: () => fitted(p.label, 0.4 * view.width, view.fontOf(600)) + (words && ` (${words})`) },
  };
}
