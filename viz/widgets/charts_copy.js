// Copying a chart: as an image, or as a table that pastes into a spreadsheet.

const HEAD = 32; // pixels for the title above a copied image

/** A cell of a table: one line, and never read as a formula if it is a name. */
function cell(x) {
  if (typeof x === "number") return String(x);
  const text = String(x ?? "").replace(/[\t\r\n]+/g, " ");
  return /^[=+\-@]/.test(text) ? `'${text}` : text;
}

function tableOf(view) {
  const { payload } = view;
  let rows;
  if (payload.kind === "time") {
    const lines = payload.lines, gap = payload.difference;
    rows = [["date", ...lines.flatMap((x) => [x.label, ...(x.low ? [`${x.label} p10`, `${x.label} p90`] : [])]), ...(gap ? ["difference", "half its 95 % interval"] : [])]];
    for (let i = 0; i < payload.n; i++)
      rows.push([view.stamp(i), ...lines.flatMap((x) => [x.values[i], ...(x.low ? [x.low[i], x.high[i]] : [])]), ...(gap ? [gap.mean[i], gap.half[i]] : [])]);
  } else if (payload.kind === "waterfall") {
    rows = [["cost", payload.unit, "low", "high"], ...payload.bars.map((b) => [b.label, b.value, b.low, b.high])];
  } else {
    const keys = ["label", "cost", "cost_low", "cost_high", "on_time", "on_time_low", "on_time_high", "loss_area"];
    rows = [keys, ...payload.points.map((p) => keys.map((k) => p[k]))];
  }
  return rows.map((row) => row.map(cell).join("\t")).join("\n");
}

/** The plot with its title above it, as a PNG. */
async function imageOf(view) {
  const { chart, look, payload } = view, ratio = 2;
  const picture = new Image();
  picture.src = chart.getDataURL({ type: "png", pixelRatio: ratio, backgroundColor: look.card, excludeComponents: ["toolbox"] });
  await picture.decode();
  const canvas = html("canvas", { width: picture.width, height: picture.height + HEAD * ratio });
  const pen = canvas.getContext("2d");
  pen.fillStyle = look.card;
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(picture, 0, HEAD * ratio);
  pen.scale(ratio, ratio);
  for (const end of view.ends) drawEnd(pen, view, end);
  pen.fillStyle = look.ink;
  pen.font = `600 14px ${look.font}`;
  pen.fillText([payload.title, payload.unit].filter(Boolean).join(", "), 8, 21);
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}

/** A name at a line's end, which on the page stands over the plot. */
function drawEnd(pen, view, { text, at, weight, colour, spot, thin }) {
  const x = view.width - view.right + 6, y = at + HEAD;
  pen.fillStyle = spot || colour;
  if (spot) pen.fillRect(x, y - (thin ? 1 : 4), 8, thin ? 2 : 8);
  pen.fillStyle = colour;
  pen.font = view.fontOf(weight);
  pen.fillText(text, x + (spot ? KEY : 0), y + 4);
}

/** Copy, or save where the browser lets no page copy (http from another machine). */
async function copied(kind, view) {
  const name = `${view.payload.title.replace(/[^\w]+/g, "-").toLowerCase()}.${kind === "image" ? "png" : "tsv"}`;
  const type = kind === "image" ? "image/png" : "text/plain";
  const made = kind === "image" ? imageOf(view) : Promise.resolve(new Blob([tableOf(view)], { type }));
  try { // at once, with a promise: after a wait it would not be the user's own act any more
    await navigator.clipboard.write([new ClipboardItem({ [type]: made })]);
    return "Copied";
  } catch {
    const address = URL.createObjectURL(await made), link = html("a", { href: address, download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
    return "Saved as a file";
  }
}
