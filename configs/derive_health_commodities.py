"""Write health-commodities.yaml and its tables from the SCMS delivery history of USAID.

``python configs/derive_health_commodities.py SCMS_Delivery_History_Dataset.tsv`` reads the
tab-separated file (US Government work, public domain) and writes beside itself, or into the
folder given as second argument, the same bytes for the same file.
"""

from __future__ import annotations

import sys
from pathlib import Path
from string import Template

import pandas as pd

HERE = Path(__file__).parent
YEARS = [2012, 2013, 2014]
LEAST = 50  # packs a week: smaller markets are left out
LEAST_SHARE = 0.1  # of a manufacturer in the warehouses' supply of a product

SHIPMENT = ["PO / SO #", "ASN/DN #", "Delivered to Client Date"]
"""Columns that lines of one shipment share."""

ARVS = {
    "lamivudine_nevirapine_zidovudine": "Lamivudine/Nevirapine/Zidovudine",
    "efavirenz_lamivudine_tenofovir": "Efavirenz/Lamivudine/Tenofovir Disoproxil Fumarate",
    "nevirapine": "Nevirapine",
    "lamivudine_tenofovir": "Lamivudine/Tenofovir Disoproxil Fumarate",
}
TESTS = {
    "determine_test": ("HIV 1/2, Determine Complete HIV Kit", "orgenics"),
    "uni_gold_test": ("HIV 1/2, Uni-Gold HIV Kit", "trinity"),
}
VENDORS = {
    "aurobindo": "Aurobindo Pharma Limited",
    "cipla": "CIPLA LIMITED",
    "hetero": "HETERO LABS LIMITED",
    "mylan": "MYLAN LABORATORIES LTD (FORMERLY MATRIX LABORATORIES)",
    "strides": "STRIDES ARCOLAB LIMITED",
    "orgenics": "Orgenics, Ltd",
    "trinity": "Trinity Biotech, Plc",
}
# The file does not say which warehouse served a country; we assume the nearest of three.
WAREHOUSES = {
    "rdc_west": {"nigeria": "Nigeria", "cote_divoire": "Côte d'Ivoire"},
    "rdc_east": {"uganda": "Uganda", "tanzania": "Tanzania", "rwanda": "Rwanda"},
    "rdc_south": {
        "zambia": "Zambia", "mozambique": "Mozambique", "zimbabwe": "Zimbabwe",
        "congo_drc": "Congo, DRC",
    },
}  # fmt: skip
COUNTRIES = {name: full for served in WAREHOUSES.values() for name, full in served.items()}
FILES = {
    "items": "health-commodities-items.csv",
    "lead_times": "health-commodities-lead-times.csv",
    "demand": "health-commodities-demand.csv",
}


TEXT = Template("""\
# HIV medicines and test kits for nine African countries, from recorded deliveries: which products
# should wait in regional warehouses, which in the countries, which be made to order?
# Written by derive_health_commodities.py; change that file, not this one.
name: health-commodities
title: Health commodities, recorded lead times
description: >
  Built from the delivery history 2006-2015 of the Supply Chain Management System (SCMS) of USAID
  (data.gov, Supply Chain Shipment Pricing Data; US Government work, public domain; we thank USAID
  for publishing it). Periods are weeks, quantities packs, money US dollars.
  Recorded: lead times, one observation per shipment, drawn with equal chance. From a manufacturer:
  vendor order sent to delivered, direct drops of all countries. From a regional warehouse to a
  country: price quote sent to delivered, so approval and agreed dates are in it. The publisher
  warns that lead times are indicative. Mean demand is what was delivered in 2012-2014; tolerance
  is the mean time from quote to the agreed delivery date in the country; values are median pack
  prices; manufacturers' shares are those of the warehouses' deliveries, those below 10 % left out.
  Assumed: three warehouses, each serving the countries next to it (the file names none);
  warehouses are supplied with the manufacturers' direct-drop lead times; weekly use varies with a
  coefficient of 0.3 (the file shows deliveries, not use) and waits as long as it must; monthly
  orders of warehouses, quarterly ones of countries; receipts miscounted by 3 % in the countries and
  counted again every quarter; no capacity limits; capital rate and device cost; the outage.
calendar: {start: 2026-01-05, period: week, currency: USD}
horizon: 364  # five years after the warm-up
warmup: 104
replications: 16

stages: [vendor, rdc, country]
sites:
$sites
items: {table: $items}

# Medicines go through the regional warehouses, tests from the maker to the country. A position
# at a stage upstream of another pools stock; the customers then wait the lead time below it.
families:
  - {name: arv, decoupling_point: rdc, ramp: 26, notice: 13}
  - {name: hiv_test, decoupling_point: country, ramp: 26, notice: 13}

# Making is part of the recorded lead time, which stands on the lane; shipments may overtake.
production:
$production

lanes:
$lanes

sourcing:
$sourcing

stock:
  # Manufacturers make what is ordered and keep no stock for the programme.
  - where: {stage: vendor}
    policy: {kind: base_stock, level: 0}
  # Orders are split over several manufacturers whose delays even out, so the warehouses need
  # less than the safety stock of one late lane.
  - where: {stage: rdc}
    policy: {kind: base_stock, review: 4, safety_factor: 0.5}
    forecast: {kind: exponential_smoothing, smoothing: 0.05}
  - where: {stage: country}
    policy: {kind: base_stock, review: 13, safety_factor: 1.645}
    forecast: {kind: exponential_smoothing, smoothing: 0.05}
    scan_error: 0.03

demand: {table: $demand}

devices:
  - {kind: cycle_count, where: {stage: country}, period: 13, cost: 5}

# A year without the largest manufacturer of the warehouses' medicines; shares stay fixed by
# contract (add fallback: true to the sourcing entries to see what a second contract is worth).
disruptions:
  - {kind: outage, name: vendor_outage, where: {site: hetero}, start: 156, duration: 52}

costs: {capital_rate: 0.1}
""")


def read(path: Path) -> pd.DataFrame:
    """Return the delivery lines with dates, weeks and our names of countries and vendors."""
    lines = pd.read_csv(path, sep="\t", encoding="utf-8", dtype=str)
    for column, form in {
        "Delivered to Client Date": "%d-%b-%y",
        "Scheduled Delivery Date": "%d-%b-%y",
        "PO Sent to Vendor Date": "%m/%d/%y",
        "PQ First Sent to Client Date": "%m/%d/%y",
    }.items():
        lines[column] = pd.to_datetime(lines[column], format=form, errors="coerce")
    lines["packs"] = pd.to_numeric(lines["Line Item Quantity"])
    lines["price"] = pd.to_numeric(lines["Pack Price"])
    lines["direct"] = lines["Fulfill Via"] == "Direct Drop"
    lines["country"] = lines["Country"].map({full: name for name, full in COUNTRIES.items()})
    lines["vendor"] = lines["Vendor"].map({full: name for name, full in VENDORS.items()})
    maker = lines["Manufacturing Site"].str.split(r"[ ,]", regex=True).str[0].str.lower()
    lines["maker"] = maker.where(maker.isin(list(VENDORS)))
    delivered = lines["Delivered to Client Date"]
    lines["ordered"] = _weeks(delivered - lines["PO Sent to Vendor Date"])
    lines["quoted"] = _weeks(delivered - lines["PQ First Sent to Client Date"])
    lines["agreed"] = _weeks(
        lines["Scheduled Delivery Date"] - lines["PQ First Sent to Client Date"]
    )
    names = {full: name for name, full in ARVS.items()}
    names |= {full: name for name, (full, _) in TESTS.items()}
    lines["item"] = lines["Molecule/Test Type"].map(names)
    solid = lines["Dosage Form"].isin(["Tablet", "Tablet - FDC"])
    lines["item"] = lines["item"].where(solid | lines["item"].isin(list(TESTS)))
    return lines


def _weeks(time: pd.Series) -> pd.Series:
    """Whole weeks, at least one; impossible (negative) times are left out."""
    days = time.dt.days
    return (days / 7).round().clip(lower=1).where(days >= 0)


def lead_times(lines: pd.DataFrame) -> pd.DataFrame:
    """Return one row per observed shipment: lane and weeks."""
    once = lines.drop_duplicates(SHIPMENT)
    direct = once[once["direct"]].dropna(subset=["vendor", "ordered"])
    stocked = once[~once["direct"]].dropna(subset=["country", "quoted"])
    found = []
    arv_vendors = [v for v in VENDORS if v not in {vendor for _, vendor in TESTS.values()}]
    for vendor in arv_vendors:
        weeks = direct.loc[direct["vendor"] == vendor, "ordered"]
        found.append(pd.DataFrame({"lane": vendor, "weeks": weeks}))
    for country in COUNTRIES:
        weeks = stocked.loc[stocked["country"] == country, "quoted"]
        found.append(pd.DataFrame({"lane": f"rdc->{country}", "weeks": weeks}))
    for _, vendor in TESTS.values():
        weeks = direct.loc[direct["vendor"] == vendor, "ordered"]
        found.append(pd.DataFrame({"lane": vendor, "weeks": weeks}))
    return pd.concat(found).astype({"weeks": int}).sort_values(["lane", "weeks"])


def demand(lines: pd.DataFrame) -> pd.DataFrame:
    """Return mean packs a week and tolerated weeks by country and item."""
    years = lines["Delivered to Client Date"].dt.year
    recent = lines[years.isin(YEARS)].dropna(subset=["country", "item"])
    weeks = 52 * len(YEARS)
    packs = recent.groupby(["country", "item"])["packs"].sum() / weeks
    packs = packs[packs >= LEAST].round(0).rename("mean").reset_index()
    once = lines.drop_duplicates(SHIPMENT)
    stocked = once[~once["direct"]].groupby("country")["agreed"].mean()
    direct = once[once["direct"]].groupby("country")["agreed"].mean()
    is_test = packs["item"].isin(list(TESTS))
    agreed = packs["country"].map(direct).where(is_test, packs["country"].map(stocked))
    packs["tolerance"] = agreed.round(0).astype(int)
    packs = packs.rename(columns={"country": "site"})
    return packs.assign(kind="gamma", cv=0.3, mean=packs["mean"].astype(int))


def items(lines: pd.DataFrame) -> pd.DataFrame:
    """Return family and median pack price of each item, the tests' with 100 or 20 tests."""
    recent = lines[lines["Delivered to Client Date"].dt.year.isin(YEARS)]
    price = recent.groupby("item")["price"].median().round(2)
    names = [*ARVS, *TESTS]
    return pd.DataFrame(
        {
            "name": names,
            "family": ["arv"] * len(ARVS) + ["hiv_test"] * len(TESTS),
            "unit": "pack",
            "value": [price[n] for n in names],
        }
    )


def shares(lines: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Return each manufacturer's share of what the warehouses delivered, by item."""
    years = lines["Delivered to Client Date"].dt.year
    stocked = lines[years.isin(YEARS) & ~lines["direct"]].dropna(subset=["maker"])
    found = {}
    for item in ARVS:
        packs = stocked[stocked["item"] == item].groupby("maker")["packs"].sum()
        part = packs[packs / packs.sum() >= LEAST_SHARE]
        part = (part / part.sum()).round(2).sort_values(ascending=False)
        part.iloc[0] += 1 - part.sum()
        found[item] = {str(k): round(float(v), 2) for k, v in part.items()}
    return found


def scenario(lines: pd.DataFrame) -> str:
    """Return the text of the scenario file."""
    split = shares(lines)
    vendors = sorted({v for part in split.values() for v in part})
    makes = sorted((v, item) for item, part in split.items() for v in part)
    sites = [f"  - {{name: {v}, kind: supplier, stage: vendor}}" for v in [*vendors, *_testers()]]
    sites += [
        f"  - {{name: {w}, kind: warehouse, stage: rdc, owner: programme}}" for w in WAREHOUSES
    ]
    sites += [f"  - {{name: {c}, kind: market, stage: country}}" for c in COUNTRIES]
    lanes = [_lane(v, w, "arv", v) for v in vendors for w in WAREHOUSES]
    lanes += [_lane(w, c, "arv", f"rdc->{c}") for w, served in WAREHOUSES.items() for c in served]
    wanted = set(demand(lines)[["site", "item"]].itertuples(index=False, name=None))
    lanes += [
        _lane(v, c, item, v)
        for item, (_, v) in TESTS.items()
        for c in COUNTRIES
        if (c, item) in wanted
    ]
    makes += [(vendor, item) for item, (_, vendor) in TESTS.items()]
    return TEXT.substitute(
        sites="\n".join(sites),
        lanes="\n".join(lanes),
        production="\n".join(f"  - {{site: {v}, item: {item}}}" for v, item in makes),
        sourcing="\n".join(
            f"  - {{site: {w}, item: {item},\n     shares: {_mapping(part)}}}"
            for w in WAREHOUSES
            for item, part in split.items()
            if len(part) > 1
        ),
        **FILES,
    )


def _testers() -> list[str]:
    return [vendor for _, vendor in TESTS.values()]


def _lane(source: str, to: str, carried: str, label: str) -> str:
    return (
        f"  - {{from: {source}, to: {to}, items: {carried}, overtaking: true,\n"
        f"     lead_time: {{kind: empirical, values: {{table: {FILES['lead_times']},\n"
        f"                 column: weeks, where: {{lane: {label}}}}}}}}}"
    )


def _mapping(part: dict[str, float]) -> str:
    return "{" + ", ".join(f"{k}: {v:g}" for k, v in part.items()) + "}"


def main(source: Path, folder: Path = HERE) -> None:
    """Write the scenario and its tables into a folder."""
    lines = read(source)
    tables = {"items": items(lines), "lead_times": lead_times(lines), "demand": demand(lines)}
    for name, table in tables.items():
        table.to_csv(folder / FILES[name], index=False, lineterminator="\n")
    (folder / "health-commodities.yaml").write_text(scenario(lines), encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    main(*[Path(a) for a in sys.argv[1:3]])
