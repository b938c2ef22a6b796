"""Write electronics-full.yaml and its tables from electronics.yaml: 10 options per laptop group.

Run it after a change of electronics.yaml: ``python configs/derive_electronics_full.py``.
"""

from __future__ import annotations

import csv
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
OPTIONS = 10
HEAD = """\
# The flagship in full size: 60 laptop configurations (ten in each group) and 6 printer options.
# Written by derive_electronics_full.py from electronics.yaml; change that file, not this one.
name: electronics-full
title: Configure-to-order electronics, all configurations
"""
SMALL = "6 laptop groups (of 60 configurations) and 6 printer options."
FULL = """\
60 laptop configurations and 6 printer options. Within a laptop group the shares of the
  ten configurations fall in a straight line (assumed)."""


def derive(source: str) -> dict[str, str]:
    """Return the text of each file of the full scenario by name.

    Parameters
    ----------
    source
        Text of ``electronics.yaml``.
    """
    data = yaml.safe_load(source)
    tables = {
        "items": list(_items(data["items"])),
        "production": list(_production(data["production"])),
        "demand": list(_demand(data["demand"])),
    }
    text = HEAD + source[source.index("description:") :]
    if SMALL not in text:
        msg = f"electronics.yaml no longer says '{SMALL}'; adapt {Path(__file__).name}"
        raise SystemExit(msg)
    text = text.replace(SMALL, FULL)
    files = {}
    for section, rows in tables.items():
        file = f"electronics-full-{section}.csv"
        entries = rf"(?m)^{section}:\n(?:(?:[ ].*)?\n)+"
        text = re.sub(entries, f"{section}: {{table: {file}}}\n\n", text, count=1)
        files[file] = _csv(rows)
    return {"electronics-full.yaml": text, **files}


def _options(item: str) -> list[tuple[str, float]]:
    """Names of the configurations of an item and their shares of it."""
    if not item.startswith("laptop"):
        return [(item, 1.0)]
    total = OPTIONS * (OPTIONS + 1) / 2
    return [(f"{item}_{k:02d}", (OPTIONS + 1 - k) / total) for k in range(1, OPTIONS + 1)]


def _items(items: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for item in items:
        for name, _ in _options(item["name"]):
            yield {**item, "name": name}


def _production(made: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for one in made:
        inputs = "|".join(f"{i['item']}:{i.get('usage', 1)}" for i in one["inputs"])
        for name, _ in _options(one["item"]):
            yield {**one, "item": name, "inputs": inputs}


def _demand(demand: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for one in demand:
        rest = {k: v for k, v in one.items() if k not in ("mean", "variants", "season", "site")}
        for group, share in one["variants"].items():
            for item, part in _options(group):
                yield {
                    "site": one["site"],
                    "item": item,
                    "mean": round(one["mean"] * share * part, 6),
                    **rest,
                    "season.weekly": "|".join(f"{w:g}" for w in one["season"]["weekly"]),
                }


def _csv(rows: list[dict[str, Any]]) -> str:
    columns = list(dict.fromkeys(key for row in rows for key in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def main(folder: Path = HERE) -> None:
    """Write the files into a folder."""
    source = (HERE / "electronics.yaml").read_text(encoding="utf-8")
    for name, text in derive(source).items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
