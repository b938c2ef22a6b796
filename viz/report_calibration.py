"""The report of a calibration: what it changed, how sure that is, what fits and what does not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from calibration.check import ALONE, Known
from twin.files import make_folder, write_text
from twin.schema import Scenario
from viz import look
from viz import report_calibration_pictures as pictures
from viz import report_calibration_tables as tables
from viz.report import Block, Note, Page, Paragraph, Tile, Tiles, render
from viz.report_calibration_changes import changes

Found = Mapping[str, Any]


class Report(NamedTuple):
    """A page, and the numbers of its figures and tables by the names of their files."""

    page: Page
    data: dict[str, pd.DataFrame]


def calibration_report(found: Found, scenario: Scenario, given: Known = ALONE) -> Report:
    """Return the report of a calibration.

    Parameters
    ----------
    found
        Of :meth:`calibration.calibrate.Calibration.to_dict`.
    scenario
        Calibrated.
    given
        What else it may be drawn from (:func:`calibration.check.gather`).
    """
    data = _data(found, scenario, given)
    unit = scenario.calendar.period
    places = pictures.places(found, data["points"], given.checked, unit)
    data["histograms"] = tables.histograms_data([(p.title, p.counted) for p in places])
    words = [*verdict(found, data["points"]), *pictures.outside(places, given.evidence)]
    blocks: list[Block] = [
        *_strange(found, given),
        Paragraph(_sentence(found), lead=True),
        Paragraph(" ".join(words)),
        _tiles(found, data),
        *tables.changed(data["changes"]),
        *pictures.evidence(given.evidence, unit),
        *pictures.shares(data.get("shares"), found, scenario),
        *pictures.known(data["inferred"]),
        tables.fit(data["points"]),
        *pictures.histograms(places),
    ]
    if given.checked is not None:
        blocks += [tables.scores(given.checked), *pictures.fans(given.checked, unit)]
    blocks += [*tables.unidentified(found), *tables.decoupling(found), *tables.estimates(found),
               *tables.inferred(found), *_notes(found, given)]  # fmt: skip
    return Report(Page(f"Calibration of {look.said(scenario.name)}", "", blocks), data)


def save(report: Report, path: Path) -> Path:
    """Write the page, and its numbers as CSV into the folder beside it, which is returned.

    Raises
    ------
    OutputError
        If anything cannot be written.
    """
    folder = beside(path)
    make_folder(folder)
    for name, frame in report.data.items():
        write_text(folder / f"{name}.csv", frame.to_csv(index=False, lineterminator="\n"))
    write_text(path, render(report.page))
    return folder


def beside(path: Path) -> Path:
    """Return where the numbers of a report go."""
    return path.with_name(f"{path.stem}-data")


def _data(found: Found, scenario: Scenario, given: Known) -> dict[str, pd.DataFrame]:
    orders = None if given.evidence is None else given.evidence.orders
    start = given.start or scenario
    data = {
        "changes": changes(found, start, scenario, orders) if given.start else pd.DataFrame(
            {"kept": pd.Series(dtype=str), "size": pd.Series(dtype=float)}),
        "estimates": tables.estimates_data(found),
        "inferred": tables.inferred_data(found),
        "points": tables.points(found, scenario),
        "decoupling": tables.decoupling_data(found),
    }  # fmt: skip
    if given.evidence is not None:
        data["curves"] = tables.curves_data(given.evidence.curves)
    if given.checked is not None:
        names = dict(enumerate(given.checked.names))
        data["scores"] = given.checked.backtest.summary().reset_index(names="model")
        for name, table in (
            ("forecasts", given.checked.backtest.table),
            ("places", given.checked.places),
        ):
            data[name] = table.assign(series=table["series"].map(names))
    if given.shares is not None:
        data["shares"] = given.shares
    return data


# ----------------------------------------------------------------------------------------- words
def _sentence(found: Found) -> str:
    points = [p for p in found["points"] if not p["reason"]]
    left = len(found["not_identified"])
    text = f"{_direct(found)} values were estimated directly and {_hidden(points)} inferred by simulation"
    if left:
        text += f"; {left} {'are' if left > 1 else 'is'} not identified: there the prior is kept."
    else:
        text += "; none that was looked for is left unidentified."
    put_in = ", ".join(f"{n} of kind {kind}" for kind, n in found.get("mended", {}).items())
    return f"{text} Events that must be missing were put in: {put_in}." if put_in else text


def _direct(found: Found) -> int:
    return sum(map(tables.tells, found["estimates"]))


def _hidden(points: Sequence[Found]) -> int:
    return sum(row["identified"] for p in points for row in p["identified"])


def verdict(found: Found, points: pd.DataFrame) -> Iterator[str]:
    """Yield in sentences whether the model fits: the misfit check, then the held-out check."""
    tested = points[points["p_value"].notna()]
    if tested.empty:
        yield "No stock point could be checked."
        return
    flagged = list(found["flagged"])
    if flagged:
        yield (f"The model does not fit {look.listed(flagged)} (p 0.01 or less, or what was held out lay "
               "outside what was predicted): no way of ordering that was tried explains the orders, so "
               "the scenario's own rule stays there; look there first.")  # fmt: skip
    else:
        worst = tested.iloc[0]
        yield (f"At a level of 1 % the orders of no stock point contradict the model (smallest p "
               f"{worst['p_value']:.3f}, {look.said(worst['point'])}).")  # fmt: skip
    moving = points[points["varies"]]
    still = int((points["periods"] > 0).sum()) - len(moving)
    if len(moving):
        worse = moving[moving["crps"] >= moving["guess"]]["point"].tolist()
        won = len(moving) - len(worse)
        rest = f", that of {look.listed(worse)} is not" if worse else ""
        yield (
            f"Held out, where stock varies, that of {won} of {len(moving)} stock points is predicted "
            f"better than by a guess from its past{rest}."
        )
    if still:
        yield f"At {still} the stock by the books does not vary: nothing to predict there."


def _tiles(found: Found, data: Mapping[str, pd.DataFrame]) -> Tiles:
    points = [p for p in found["points"] if not p["reason"]]
    fit, flagged = data["points"], len(found["flagged"])
    where = sum(any(row["identified"] for row in p["identified"]) for p in points)
    moving = fit[fit["varies"]]
    won = int((moving["crps"] < moving["guess"]).sum())
    cover = float(moving["coverage"].mean()) if len(moving) else float("nan")
    tiles = [
        Tile("Estimated directly", str(_direct(found))),
        Tile("Inferred", str(_hidden(points)), change=f"at {where} of {look.plural(len(points), 'stock point')}"),
        Tile("Not identified", str(len(found["not_identified"])), change="of what was looked for: the prior is kept"),
        Tile("Do not fit", str(flagged), change=f"of {look.plural(len(points), 'stock point')}, at a level of 1 %",
             tone="bad" if flagged else ""),
        Tile("Held-out coverage", look.share(cover), change="of 90 % bands of stock, where it varies"),
        Tile("Better than a guess", f"{won} of {len(moving)}", change="stock points whose stock varies, held out",
             tone="bad" if won < len(moving) else ""),
    ]  # fmt: skip
    if "scores" in data:
        crps = data["scores"].set_index("model")["scaled_crps"]
        least = float(crps.drop("chosen").min())
        tiles.append(Tile("Demand forecasts", f"{crps['chosen'] / least:.2f}", unit="×",
                          change="error over that of the better naive forecast"))  # fmt: skip
    if len(data["changes"]):
        table = data["changes"]
        n = int(((table["size"] > 0) & (table["kept"] == "")).sum())
        tiles.append(Tile("Changed", str(n), change=f"of {len(table)} values of the start"))
    return Tiles(tiles)


def _strange(found: Found, given: Known) -> Iterator[Block]:
    """Yield what is wrong with the events; findings of an older version say nothing of theirs."""
    for text in (found.get("strange"), given.strange):
        if text:
            yield Note(f"{text[0].upper()}{text[1:]}.", "To be careful about")


def _notes(found: Found, given: Known) -> Iterator[Block]:
    missing = []
    if given.evidence is None:
        missing.append("estimates against data, the back-test of demand: --store STORE")
    if given.shares is None:
        missing.append("what the bands of KPIs come from: --shares")
    if given.start is None:
        missing.append("what changed: calibrate again, this one was kept without its start")
    if missing:
        yield Note(f"Not on this page, and how to get it: {'; '.join(missing)}.")
    yield Note(
        f"Data {found['data'][:16]}, seed {found['seed']}, {found['simulations']:,} simulations for each "
        f"stock point, version {found['version']}. Intervals are central 90 % intervals."
    )
