// The waterfall of cost and the positions by cost and service.

const FEW = 8; // positions that all get a name beside them; of more, the best do

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
    tooltip: tooltip(look, { trigger: "axis", axisPointer: { type: "shadow", shadowStyle: { color: look.hair, opacity: 0.4 } }, formatter: (found) => barTip(view, found[0].dataIndex) }),
    series: [
      { ...bare, id: "below", data: bars.map((b) => Math.min(b.start, b.end)), itemStyle: { opacity: 0 }, tooltip: { show: false } },
      { ...bare, id: "cost", barMinHeight: 2, data: bars.map((b) => ({ value: Math.abs(b.end - b.start), itemStyle: { color: barColour(b, look), borderRadius: 2, opacity: b.role === "part" ? 0.75 : 1 },
        label: { formatter: words(b), fontWeight: b.role === "part" ? 400 : 600 } })),
        label: { show: special || payload.points.length <= FEW || best(p, payload.points), position: "right", distance: 6, color: look.ink, fontSize: 12, fontFamily: look.font } },
    ],
  };
}

/** Positions: cheap is left, good is up, large bubbles lose much service to disruptions. */
function frontierOption(view) {
  const { payload, look } = view, x = axisStyle(look), y = axisStyle(look);
  const known = payload.points.map((p, i) => ({ p, i })).filter(({ p }) => p.cost !== null && p.on_time !== null);
  const most = Math.max(1e-9, ...known.map(({ p }) => p.loss_area ?? 0)), dear = Math.max(0, ...known.map(({ p }) => p.cost));
  x.axisLabel.formatter = (v) => tick(v, dear);
  y.axisLabel.formatter = (v) => share(Math.round(v * 1e6) / 1e6);
  const name = { nameTextStyle: { color: look.grey, fontSize: 12, fontFamily: look.font } };
  return {
    ...motion(), textStyle: { fontFamily: look.font }, grid: { left: 56, right: 24, top: 24, bottom: 40 },
    xAxis: { type: "value", scale: true, boundaryGap: ["8%", "12%"], splitNumber: Math.max(2, Math.round(view.width / 110)), ...x, splitLine: { show: false }, axisLine: { show: true, onZero: false, lineStyle: { color: look.edge } },
      name: `cost per ${payload.period}${payload.unit && `, ${payload.unit}`}`, nameLocation: "middle", nameGap: 24, ...name },
    yAxis: { type: "value", scale: true, min: (v) => Math.max(0, v.min - 0.15 * (v.max - v.min || 0.1)), max: (v) => Math.min(1, v.max + 0.15 * (v.max - v.min || 0.1)), splitNumber: 4, ...y, axisLine: { show: true, onZero: false, lineStyle: { color: look.edge } }, name: "on time", nameGap: 8, ...name, nameTextStyle: { ...name.nameTextStyle, align: "right" } },
    tooltip: tooltip(look, { trigger: "item", formatter: (found) => pointTip(view, found.data.index) }),
    series: [{ id: "positions", type: "scatter", cursor: "pointer", data: known.map(({ p, i }) => ({ index: i, value: [p.cost, p.on_time], ...dot(view, p, most) })),
      labelLayout: { hideOverlap: true }, emphasis: { scale: 1.15, label: { show: true } } }],
  };
}

/** Whether no other position is both cheaper and better on time. */
function best(p, points) {
  return !points.some((q) => q.cost !== null && q.cost < p.cost && q.on_time > p.on_time);
}

function dot(view, p, most) {
  const { look, payload } = view, special = p.current || p.suggested;
  const name = fitted(p.label, 0.3 * view.width, view.fontOf(600));
  return {
    symbol: p.suggested && !p.current ? "diamond" : "circle",
    symbolSize: 10 + 22 * Math.sqrt((p.loss_area ?? 0) / most),
    itemStyle: { color: p.current ? look.ink : p.suggested ? look.push : look.base, opacity: special ? 0.9 : 0.55, borderColor: look.card, borderWidth: 1 },
    z: special ? 4 : 3,
    label: { show: special || payload.points.length <= FEW || best(p, payload.points), position: "right", distance: 4, color: special ? look.ink : look.grey, fontWeight: special ? 600 : 400, fontSize: 12, fontFamily: look.font,
      formatter: `${name}${p.current ? " (now)" : ""}${p.suggested ? " ◆" : ""}` },
  };
}
