"""Broken scenarios by name: what is wrong with each, and what its message must say.

``BAD`` is used by the tests of the reader and of the command line.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import openpyxl

BASE = """\
name: small
horizon: 30
stages: [maker, dc, shop]
sites:
- {name: maker, kind: plant, stage: maker}
- {name: dc, stage: dc}
- {name: shop, kind: store, stage: shop}
items:
- {name: wood, unit: kg}
- {name: chair, family: seats}
families:
- {name: seats, decoupling_point: dc, tolerance: 5}
purchases:
- {site: maker, item: wood, lead_time: 3}
production:
- {site: maker, item: chair, lead_time: 1, inputs: [{item: wood, usage: 2, unit: kg}]}
lanes:
- {from: maker, to: dc, items: chair, lead_time: 2}
- {from: dc, to: shop, lead_time: 1}
stock:
- where: {stage: dc}
  policy: {kind: base_stock, level: 40}
demand:
- {site: shop, item: chair, kind: poisson, mean: 4}
disruptions:
- {kind: outage, name: fire, where: {site: maker}, start: 5}
"""


@dataclass(frozen=True)
class Bad:
    """Files of a broken scenario (``None``: a folder), and words that its message must have."""

    name: str
    files: dict[str, bytes | None]
    says: tuple[str, ...]
    target: str = "bad.yaml"

    def write(self, folder: Path) -> Path:
        """Write the files and return the one to load."""
        for name, content in self.files.items():
            path = folder / name
            if content is None:
                path.mkdir()
            else:
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(content)
        return folder / self.target


def edit(name: str, old: str, new: str, *says: str) -> Bad:
    """Break the base scenario by replacing one text."""
    assert BASE.count(old) == 1, (name, old)
    return Bad(name, {"bad.yaml": BASE.replace(old, new).encode()}, says)


def text(name: str, content: str | bytes, *says: str) -> Bad:
    """Give the whole content of the file."""
    raw = content.encode() if isinstance(content, str) else content
    return Bad(name, {"bad.yaml": raw}, says)


def tables(name: str, old: str, new: str, files: Iterable[tuple[str, bytes]], *says: str) -> Bad:
    """Break the base scenario by a table."""
    assert BASE.count(old) == 1, (name, old)
    return Bad(name, {"bad.yaml": BASE.replace(old, new).encode(), **dict(files)}, says)


def book(**sheets: list[list[object]]) -> bytes:
    """Return an Excel workbook of these sheets."""
    made = openpyxl.Workbook()
    made.remove(made.active)
    for name, rows in sheets.items():
        sheet = made.create_sheet(name)
        for row in rows:
            sheet.append(row)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


LANES = BASE[BASE.index("lanes:") : BASE.index("stock:")]
DEMAND = BASE[BASE.index("demand:") : BASE.index("disruptions:")]
SHIP = "{from: dc, to: shop, lead_time: 1}"
SALE = "{site: shop, item: chair, kind: poisson, mean: 4}"
MAKE = "{site: maker, item: chair, lead_time: 1, inputs: [{item: wood, usage: 2, unit: kg}]}"
FIRE = "{kind: outage, name: fire, where: {site: maker}, start: 5}"
FAMILY = "{name: seats, decoupling_point: dc, tolerance: 5}"
POLICY = "{kind: base_stock, level: 40}"


def demand(name: str, new: str, *says: str) -> Bad:
    return edit(name, SALE, f"{{site: shop, item: chair, {new}}}", "demand[0]", *says)


def lane(name: str, new: str, *says: str) -> Bad:
    return edit(name, SHIP, f"{{from: dc, to: shop, {new}}}", "line 19", "lanes[1]", *says)


FILES = [
    text("empty", "", "bad.yaml", "empty", "twin new"),
    text("only_spaces", " \n\n", "empty"),
    text("only_comments", "# nothing\n", "content is nothing", "mapping", "sites"),
    text("a_list", "- 1\n- 2\n", "[1, 2]", "mapping"),
    text("a_word", "hello\n", "'hello'", "mapping"),
    text("binary", b"\x89PNG\r\n\x1a\n\x00\x00\x01", "NUL byte at position 8", "UTF-8 text"),
    text("nul_byte", BASE.encode() + b"\x00", "NUL byte", "UTF-8 text"),
    text("latin_1", "name: caf\xe9\n".encode("latin-1"), "line 1", "0xe9", "save it as UTF-8"),
    text("utf_16", BASE.encode("utf-16"), "UTF-16", "save it as UTF-8"),
    text("control_character", "name: a\x07\n", "line 1", "U+0007", "take it out"),
    text("too_large", b"#" * (16 * 2**20 + 1), "16,777,217 bytes", "at most", "tables"),
    Bad("a_directory", {"bad.yaml": None}, ("directory", "give the file")),
    Bad("a_missing_file", {}, ("no such file", "check the name")),
    Bad("unknown_ending", {"bad.txt": b"a: 1"}, ("'.txt'", ".yaml, .yml, .json"), "bad.txt"),
    Bad("json_syntax", {"bad.json": b'{"name": "a",}}'}, ("bad.json, line 1", "not valid JSON"),
        "bad.json"),
]  # fmt: skip

YAML = [
    edit("tag", "name: small", "name: !!python/name:os.system small", "line 1",
         "tag '!!python/name:os.system'", "leave it out"),
    edit("own_tag", "horizon: 30", "horizon: !env HORIZON", "line 2", "tag '!env'", "leave it out"),
    edit("alias", "horizon: 30", "horizon: *n", "line 2", "alias '*n'", "write the value out"),
    edit("anchor", "horizon: 30", "horizon: &n 30", "line 2", "anchor '&n'", "leave it out"),
    text("alias_bomb", "a: &a [x, x]\nb: &b [*a, *a]\n", "line 1", "anchor '&a'"),
    edit("duplicate_key", "horizon: 30", "horizon: 30\nname: other", "line 3", "'name'",
         "first in line 1", "remove or rename"),
    edit("tab", "- {name: dc, stage: dc}", "\t- {name: dc, stage: dc}", "line 6", "no tabs"),
    edit("open_bracket", "stages: [maker, dc, shop]", "stages: [maker, dc", "not valid YAML",
         "brackets"),
    edit("two_documents", "stages: [", "---\nstages: [", "line 3", "second document",
         "one scenario"),
    text("nesting_bomb", "[" * 100_000, "line 1", "deeper than 32 levels", "flatten"),
    text("block_nesting_bomb", "a:\n" + "- " * 50_000 + "b\n", "deeper than 32 levels"),
    text("list_as_key", "? [a, b]\n: 1\n", "line 1", "key that is a list", "one plain word"),
]  # fmt: skip

VALUES = [
    lane("lead_time_negative", "lead_time: -2", "-2 periods", "0 or more"),
    lane("lead_time_fractional", "lead_time: 1.5", "1.5 periods", "whole number of periods"),
    lane("lead_time_huge", "lead_time: 5000", "5000 periods", "at most 2,000"),
    lane("lead_time_word", "lead_time: soon", "'soon'", "whole number of periods"),
    lane("lead_time_yes", "lead_time: true", "= true; ", "whole number of periods"),
    lane("lead_time_incomplete", "lead_time: {kind: gamma, mean: 3}", "'cv'", "mean and cv"),
    lane("weights_do_not_sum", "lead_time: {kind: discrete, values: [1, 2], weights: [0.5, 0.4]}",
         "0.9", "sum to 1"),
    lane("missing_key", "cost_per_unit: 1", "'lead_time' is missing", "time on the way", "add it"),
    lane("unknown_key", "lead_time: 1, lead_tme: 2", "'lead_tme'", "did you mean 'lead_time'?"),
    demand("negative_mean", "kind: poisson, mean: -4", "line 24", ".mean = -4 units/period",
           "from 0"),
    demand("mean_beyond_counting", "kind: poisson, mean: 1e13", "line 24", "must be from 0 to"),
    demand("nan", "kind: poisson, mean: .nan", ".mean = nan", "finite number"),
    demand("infinite", "kind: poisson, mean: .inf", ".mean = inf", "finite number"),
    demand("too_large_for_a_float", "kind: poisson, mean: 1e999", "inf", "finite number"),
    demand("decimal_comma", "kind: poisson, mean: '1,5'", "'1,5'", "a number", "decimal point"),
    demand("number_as_switch", "kind: poisson, mean: yes", "'yes'", "must be a number"),
    demand("true_as_number", "kind: poisson, mean: true", "true", "not a switch"),
    demand("unknown_distribution", "kind: poison, mean: 4", "'poison'", "did you mean 'poisson'?"),
    demand("parameter_missing", "kind: normal, mean: 4", "'sd'", "mean and sd"),
    demand("parameter_too_many", "kind: poisson, mean: 4, sd: 2", "no use for 'sd'"),
    demand("recorded_negative", "kind: recorded, values: [1, -2]", "[0].values[1] = -2", "0 or more"),
    demand("recorded_too_short", "kind: recorded, values: [1, 2]", "2 numbers", "horizon = 30",
           "shorten the horizon"),
    demand("patience_below_tolerance", "mean: 4, patience: 2, tolerance: 3", "[0].tolerance = 3",
           "patience = 2"),
    demand("season_of_six", "mean: 4, season: {weekly: [1, 1, 1, 1, 1, 1]}", "6 factors",
           "must be 7"),
    edit("variant_shares", SALE, "{site: shop, variants: {chair: 0.7}, mean: 4}", "0.7",
         "sum to 1"),
    edit("bad_date", "horizon: 30", "horizon: 30\ncalendar: {start: 2026-02-30}", "line 3",
         "calendar.start = '2026-02-30'", "such as 2026-01-31"),
    edit("wrong_type", LANES, "lanes: 5\n", "line 17", "lanes = 5", "must be a list"),
    edit("entry_is_a_word", "- {name: dc, stage: dc}", "- dc", "line 6", "sites[1] = 'dc'",
         "mapping of keys"),
    edit("name_is_a_number", "name: dc, stage", "name: 12, stage", "sites[1].name = 12", "quotes"),
    edit("name_with_slash", "name: dc, stage", "name: d/c, stage", "'d/c'", "none of /"),
    edit("unknown_section", "horizon: 30", "horizont: 30", "line 2", "unknown key 'horizont'",
         "did you mean 'horizon'?"),
    edit("horizon_zero", "horizon: 30", "horizon: 0", "line 2", "0 periods", "from 1 to"),
    edit("horizon_huge", "horizon: 30", "horizon: 300000", "300000 periods", "1 to 200,000"),
    edit("horizon_beyond_the_schema", "horizon: 30", "horizon: 99999999999", "200,000"),
    edit("warmup_too_long", "horizon: 30", "horizon: 30\nwarmup: 30", "line 3, warmup = 30 periods", "smaller"),
    edit("adoption_above_one", "horizon: 30", "horizon: 30\nadoption: {dc: 1.5}", "1.5",
         "from 0 to 1"),
    edit("in_transit_negative", "  policy: {kind: base_stock", "  initial_in_transit: [1, -3]\n"
         "  policy: {kind: base_stock", "slot 1 = -3 units", "0 or more"),
]  # fmt: skip

NAMES = [
    edit("unknown_site", SHIP, "{from: dcc, to: shop, lead_time: 1}", "lanes[1].from = 'dcc'",
         "did you mean 'dc'?"),
    edit("unknown_item", SALE, "{site: shop, item: chiar, mean: 4}", "demand[0].item = 'chiar'",
         "did you mean 'chair'?"),
    edit("unknown_input", "[{item: wood, usage", "[{item: woood, usage", "inputs[0].item = 'woood'",
         "did you mean 'wood'?"),
    edit("unknown_family", "family: seats}", "family: seat}", "items[1].family = 'seat'",
         "did you mean 'seats'?"),
    edit("unknown_stage", "{name: dc, stage: dc}", "{name: dc, stage: dcc}",
         "sites[1].stage = 'dcc'", "did you mean 'dc'?"),
    edit("unknown_resource", MAKE, MAKE[:-1] + ", resources: {oven: 1}}",
         "[0].resources.oven: no such resource", "declares none"),
    edit("unknown_owner", "horizon: 30", "horizon: 30\nadoption: {makr: 1}", "adoption.makr: no such owner",
         "did you mean 'maker'?"),
    edit("unknown_site_in_where", "where: {stage: dc}", "where: {site: d_c}",
         "stock[0].where.site = 'd_c'", "did you mean 'dc'?"),
    edit("unknown_policy", POLICY, "{kind: base_stok}", "stock[0].policy.kind = 'base_stok'",
         "did you mean 'base_stock'?"),
    edit("unknown_forecaster", POLICY, POLICY + "\n  forecast: {kind: moving}",
         "stock[0].forecast.kind = 'moving'", "did you mean 'moving_average'?"),
    edit("unknown_device", "disruptions:", "devices:\n- {kind: scales}\ndisruptions:",
         "devices[0].kind = 'scales'", "did you mean 'scale'?"),
    edit("unknown_disruption", "kind: outage", "kind: outrage", "disruptions[0].kind = 'outrage'",
         "did you mean 'outage'?"),
    edit("policy_parameter_unused", POLICY, "{kind: kanban, cards: 3, lot: 5, wip_cap: 9}",
         "stock[0].policy.wip_cap = 9", "'kanban' does not use it", "cards"),
    edit("policy_parameter_missing", POLICY, "{kind: kanban, cards: 3}", "stock[0].policy",
         "needs 'lot'", "add it"),
    edit("duplicate_site", "{name: dc, stage: dc}", "{name: maker, stage: dc}", "sites[1].name",
         "sites[0] has this name", "rename"),
    edit("duplicate_production", MAKE, MAKE + "\n- {site: maker, item: chair}", "production[1]",
         "production[0] already", "one entry"),
    edit("duplicate_lane", SHIP, SHIP + "\n- " + SHIP, "lanes[2]", "as lanes[1] does", "keep one"),
    edit("duplicate_demand", SALE, SALE + "\n- " + SALE, "demand[1].customer = 'customers'",
         "demand[0]", "'customer' name"),
    edit("unit_of_input", "usage: 2, unit: kg", "usage: 2, unit: g", "inputs[0].unit = 'g'", "'kg'",
         "convert"),
    edit("unit_of_demand", "mean: 4}", "mean: 4, unit: pallet}", "demand[0].unit = 'pallet'",
         "'unit'", "convert"),
    edit("weekly_season_of_weeks", SALE, "{site: shop, item: chair, mean: 4, season: {weekly: "
         "[1, 1, 1, 1, 1, 2, 2]}}\ncalendar: {period: week}", "season.weekly", "'week'", "remove"),
]  # fmt: skip

NETWORK = [
    edit("supplier_named_make", "item: wood, lead_time: 3", "item: wood, supplier: make, "
         "lead_time: 3", "purchases[0].supplier = 'make'", "another name"),
    edit("supplier_named_as_a_sender", "lead_time: 3}", "lead_time: 3}\n- {site: dc, item: chair, "
         "supplier: maker, lead_time: 9}", "purchases[1].supplier = 'maker'", "a lane comes from a site"),
    edit("lane_to_itself", SHIP, "{from: shop, to: shop, lead_time: 1}", "lanes[1].to = 'shop'",
         "another site"),
    edit("cycle", SHIP, SHIP + "\n- {from: shop, to: dc, lead_time: 1}\nsourcing: [{site: dc, "
         "shares: {maker: 0.5, shop: 0.5}}]", "cycle", "dc/chair", "shop/chair", "remove one"),
    edit("bom_loop", MAKE, "{site: maker, item: chair, inputs: [{item: wood}]}\n- {site: maker, "
         "item: wood, inputs: [{item: chair}]}\nsourcing: [{site: maker, item: wood, shares: "
         "{make: 0.5, outside: 0.5}}]", "cycle", "maker/wood", "maker/chair", "bill-of-material"),
    edit("unreachable_market", "- " + SHIP + "\n", "", "'shop/chair' has no source",
         "add a lane, a production or a purchase"),
    edit("missing_component", "purchases:\n- {site: maker, item: wood, lead_time: 3}\n", "",
         "'maker/wood' has no source", "add a lane"),
    edit("two_sources_no_rule", SHIP, SHIP + "\n- {from: maker, to: shop, lead_time: 1}",
         "'shop/chair' has 2 sources", "shares"),
    edit("sourcing_shares", "demand:", "sourcing: [{site: shop, shares: {dc: 0.9}}]\ndemand:",
         "sourcing[0]", "0.9", "sum to 1"),
    edit("sourcing_unknown_source", "demand:", "sourcing: [{site: shop, shares: {dcc: 1}}]\n"
         "demand:", "sourcing[0].shares.dcc", "no such source of 'shop'", "did you mean 'dc'?"),
    edit("sourcing_of_nothing", "demand:", "sourcing: [{site: shop, item: wood, shares: {dc: 1}}]\n"
         "demand:", "sourcing[0].item = 'wood'", "holds chair"),
    edit("sourcing_empty", "demand:", "sourcing: [{site: shop, priority: []}]\ndemand:",
         "sourcing[0].priority", "at least one"),
    edit("path_without_a_cut", SHIP, SHIP + "\n- {from: maker, to: shop, lead_time: 1}\nsourcing: "
         "[{site: shop, shares: {dc: 0.5, maker: 0.5}}]", "decoupling_point", "maker/chair",
         "seats"),
    edit("path_cut_twice", FAMILY, "{name: seats, decoupling_point: [maker, dc]}",
         "families[0].decoupling_point", "seats", "dc/chair"),
    edit("cut_at_unknown_stage", FAMILY, "{name: seats, decoupling_point: dcs}",
         "unknown stage 'dcs'", "did you mean 'dc'?"),
    edit("move_twice_at_once", "demand:",
         "moves: [{family: seats, at: 3, to: shop}, {family: seats, at: 3, to: dc}]\ndemand:",
         "moves[1].at", "twice"),
    edit("move_to_nowhere", "demand:", "moves: [{family: seats, at: 3, to: depot}]\ndemand:",
         "moves[0].to", "'depot'"),
    edit("family_without_items", FAMILY, FAMILY + "\n- {name: tables}", "families[1].name",
         "'tables'", "no item"),
    edit("lane_names_what_it_cannot_carry", SHIP, "{from: dc, to: shop, items: [chair, wood], "
         "lead_time: 1}", "lanes[1].items = 'wood'", "'dc' cannot supply it", "remove it"),
    edit("rule_matches_nothing", "where: {stage: dc}", "where: {stage: dc, item: wood}",
         "stock[0].where", "matches no stock point", "correct it or remove"),
    text("components_in_no_time", BASE.replace(
        MAKE, "{site: maker, item: chair, inputs: [{item: wood}, {item: leg}]}\n"
        "- {site: maker, item: leg, inputs: [{item: wood}]}").replace(
        "- {name: wood, unit: kg}", "- {name: wood, unit: kg}\n- {name: leg}"),
        "production[1].lead_time", "'leg' is made from 'wood'", "'chair'", "1 period or more"),
    Bad("history_too_large", {
        "bad.yaml": b"horizon: 200000\nsites: [{name: s}]\nitems: {table: items.csv}\n"
        b"production: {table: at_s.csv}\ndemand: {table: sold.csv}\n",
        "items.csv": "\n".join(["name", *(f"i{n}" for n in range(1001))]).encode(),
        "at_s.csv": "\n".join(["site,item", *(f"s,i{n}" for n in range(1001))]).encode(),
        "sold.csv": "\n".join(["site,item,mean", *(f"s,i{n},1" for n in range(1001))]).encode(),
    }, ("horizon = 200,000 periods x 1,001 stock points", "at most 200,000,000", "199,800")),
]  # fmt: skip


def fire(name: str, new: str, *says: str) -> Bad:
    return edit(name, FIRE, new, "disruptions[0]", *says)


EVENTS = [
    fire("disruption_without_lane", "{kind: lane_closed}", "needs 'lane'", "add it"),
    fire("disruption_without_factor", "{kind: demand_change}", "needs 'factor'", "add it"),
    fire("disruption_key_unused", "{kind: lane_closed, lane: 'dc->shop', where: {site: dc}}",
         ".where", "'lane_closed' does not use it", "it uses lane"),
    fire("disruption_unknown_lane", "{kind: lane_closed, lane: 'dc->shp'}", ".lane = 'dc->shp'",
         "did you mean 'dc->shop'?"),
    fire("disruption_hits_nothing", "{kind: capacity_loss, where: {site: shop}}", ".where",
         "matches no production or resource", "correct it"),
    fire("disruption_lane_pattern", "{kind: lane_closed, lane: 'x*'}", ".lane = 'x*'",
         "matches no lane in use"),
    fire("device_fault_without_devices", "{kind: device_fault}", "matches no device"),
    fire("severity_above_one", "{kind: outage, severity: 2}", ".severity = 2; ", "from 0 to 1"),
    fire("probability_negative", "{kind: outage, probability: -0.5}", "-0.5", "from 0 to 1"),
    fire("start_before_zero", "{kind: outage, start: -1}", ".start = -1 periods",
         "from 0 to 100,000"),
    fire("after_unknown", "{kind: outage, name: a, after: b}", ".after = 'b'",
         "no such disruption name"),
    fire("after_itself", "{kind: outage, name: a, after: b}\n- {kind: outage, name: b, after: a}",
         ".after = 'b'", "loop", "remove one"),
    fire("mix_shares", "{kind: mix_shift, family: seats, shares: {chair: 0.8}}", ".shares", "0.8",
         "sum to 1"),
    fire("mix_of_strangers", "{kind: mix_shift, family: seats, shares: {wood: 1}}",
         ".shares.wood", "no such sold item of family 'seats'"),
]  # fmt: skip

FROM_CSV = "lanes: {table: lanes.csv}\n"


def lanes_csv(name: str, content: str | bytes, *says: str) -> Bad:
    raw = content.encode() if isinstance(content, str) else content
    return tables(name, LANES, FROM_CSV, [("lanes.csv", raw)], *says)


def recorded(name: str, given: str, *says: str) -> Bad:
    new = f"{{site: shop, item: chair, kind: recorded, values: {given}}}"
    return tables(name, SALE, new, [("sales.csv", b"day,units\n1,3\n2,x\n")], "line 24", *says)


TABLES = [
    tables("table_missing", LANES, FROM_CSV, [], "line 17", "lanes.csv", "no such file"),
    tables("table_above_the_folder", LANES, "lanes: {table: ../lanes.csv}\n", [], "line 17",
           "'../lanes.csv' lies outside", "copy it beside"),
    tables("table_with_backslashes", LANES, "lanes: {table: 'a\\..\\..\\lanes.csv'}\n", [],
           "lies outside"),
    tables("table_absolute", LANES, "lanes: {table: /etc/passwd}\n", [], "'/etc/passwd' lies "
           "outside", "leading '/'"),
    tables("table_of_unknown_kind", LANES, "lanes: {table: lanes.txt}\n", [("lanes.txt", b"a")],
           "'.txt'", ".csv or .xlsx"),
    tables("table_key_unknown", LANES, "lanes: {table: lanes.csv, shet: a}\n", [], "'shet'",
           "did you mean 'sheet'?"),
    tables("table_name_is_a_number", LANES, "lanes: {table: 5}\n", [], "table = 5", "file name"),
    lanes_csv("table_empty", "", "lanes.csv", "empty", "names of the columns"),
    lanes_csv("table_binary", b"from,to\x00", "NUL byte"),
    lanes_csv("table_column_unknown", "from,to,leadtime\na,b,1\n", "row 1", "'leadtime'",
              "did you mean 'lead_time'?"),
    lanes_csv("table_column_twice", "from,to,to\n", "row 1", "'to' a second time"),
    lanes_csv("table_column_missing", "from,to\nmaker,dc\ndc,shop\n", "lanes.csv, row 2",
              "'lead_time' is missing", "add it"),
    lanes_csv("table_bad_cell", "from,to,lead_time\nmaker,dc,2\ndc,shop,often\n",
              "lanes.csv, row 3, column 'lead_time'", "'often'", "whole number"),
    lanes_csv("table_bad_nested_cell", "from,to,lead_time.kind,lead_time.mean,lead_time.cv\n"
              "maker,dc,gamma,2,0.5\ndc,shop,gamma,3,nine\n",
              "lanes.csv, row 3, column 'lead_time.cv'", "'nine'", "a number"),
    lanes_csv("table_row_too_long", "from,to,lead_time\nmaker,dc,1,2,5\n", "row 2",
              "5 cells under 3 column names", "quotes"),
    lanes_csv("table_open_quote", 'from,to,lead_time\nmaker,"dc,2\n', "row 2", "not valid CSV",
              "quotes"),
    lanes_csv("table_unknown_site", "from,to,lead_time\nmaker,dc,1\ndc,shp,1\n",
              "lanes.csv, row 3, column 'to'", "'shp'", "did you mean 'shop'?"),
    tables("workbook_not_a_workbook", LANES, "lanes: {table: b.xlsx}\n", [("b.xlsx", b"no zip")],
           "line 17", "not an Excel workbook", "save it as"),
    tables("workbook_sheet_missing", LANES, "lanes: {table: b.xlsx, sheet: lane}\n",
           [("b.xlsx", book(lanes=[["from"]]))], "no sheet 'lane'", "did you mean 'lanes'?"),
    tables("workbook_sheet_not_said", LANES, "lanes: {table: b.xlsx}\n",
           [("b.xlsx", book(a=[["from"]], b=[["to"]]))], "2 sheets (a, b)", "say which"),
    tables("workbook_bad_cell", LANES, "lanes: {table: b.xlsx, sheet: l}\n",
           [("b.xlsx", book(l=[["from", "to", "lead_time"], ["maker", "dc", -1]]))],
           "b.xlsx [l], row 2, column 'lead_time'", "-1 periods", "0 or more"),
    recorded("values_without_column", "{table: sales.csv}", "'column' is missing", "day, units"),
    recorded("values_of_unknown_column", "{table: sales.csv, column: unit}", "no column 'unit'",
             "did you mean 'units'?"),
    recorded("values_not_a_number", "{table: sales.csv, column: units}", "row 3", "'x'",
             "finite number"),
    recorded("values_of_no_row", "{table: sales.csv, column: units, where: {day: 9}}", "no row of",
             "'day': 9", "check the values"),
]  # fmt: skip

BAD = [*FILES, *YAML, *VALUES, *NAMES, *NETWORK, *EVENTS, *TABLES]
