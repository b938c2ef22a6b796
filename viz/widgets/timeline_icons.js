// One small mark for each kind of disruption, so that kinds differ by more than their words.

const ICONS = {
  outage: "M8 2v6M4.4 4.2a5.5 5.5 0 1 0 7.2 0",
  capacity_loss: "M2 13V5l4 3V5l4 3V3h4v10z",
  lane_closed: "M1.5 8h4M10.5 8h4M6.5 4.5l3 7M9.5 4.5l-3 7",
  lead_time_stretch: "M8 2.5a5.5 5.5 0 1 0 .01 0M8 5v3.2l2.4 1.6",
  demand_change: "M2 12.5l4-4 3 2.5 5-7M10 4h4v4",
  mix_shift: "M2 5.5h11M10 2.5l3 3-3 3M14 11H3M6 8l-3 3 3 3",
  stock_destruction: "M2.5 3.5h11v9.5h-11zM5.5 6l5 5M10.5 6l-5 5",
  ordering_down: "M4 1.8h8v12.4H4zM6.3 5h3.4M6.3 8h3.4",
  dispatch_stop: "M5.2 2h5.6L14 5.2v5.6L10.8 14H5.2L2 10.8V5.2zM5 8h6",
  dock_closed: "M2 14V5l6-3 6 3v9M5 8h6M5 11h6",
  device_fault: "M3.5 6a6.5 6.5 0 0 1 9 0M5.7 8.6a3.4 3.4 0 0 1 4.6 0M8 12v.2M2.5 13.5l11-11",
  wrong_upload: "M8 13V5M4.5 8L8 4.5 11.5 8M2.5 2h11",
};
const PLAIN = "M8 3l5.5 10h-11z";

function icon(kind, parent) {
  const drawn = svg("svg", { class: "tl-icon", viewBox: "0 0 16 16", "aria-hidden": "true" }, parent);
  svg("path", { d: ICONS[kind] || PLAIN }, drawn);
  return drawn;
}
