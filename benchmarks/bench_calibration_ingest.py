"""Ten million events from a CSV file into the store, beside a pandas read of the same file.

``--events N`` measures fewer; only the full size is written into the results.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import harness
import numpy as np

CLONE = Path(__file__).parents[1]
FULL = 10_000_000
START = 1_767_225_600  # 2026-01-01 00:00 UTC, in seconds
YEAR = 365 * 86_400
CHUNK = 500_000
KINDS = np.array(["order", "ship", "receive", "count"])

INGEST = """
import json, resource, sys, time
from pathlib import Path
from calibration.ingest import ingest
from calibration.store import Store
begun = time.perf_counter()
with Store(sys.argv[2]) as store:
    report = ingest(sys.argv[1], store)
    taken = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    from calibration.quality import report as quality
    told = quality(store).text()
print(json.dumps({
    "seconds": taken, "report": time.perf_counter() - begun - taken, "rss": peak,
    "rss_all": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    "accepted": report.accepted, "rows": report.rows,
    "size": Path(sys.argv[2]).stat().st_size / 2**30,
}))
"""
PANDAS = """
import json, resource, sys, time
begun = time.perf_counter()
import pandas
frame = pandas.read_csv(sys.argv[1], parse_dates=["event_time"])
print(json.dumps({
    "seconds": time.perf_counter() - begun, "rows": len(frame),
    "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
}))
"""


def write_csv(file: Path, events: int) -> None:
    """Write a year of orders, shipments, receipts and counts of 50 sites and 97 items."""
    rng = np.random.Generator(np.random.PCG64(1))
    with file.open("w") as out:
        out.write("event_time,kind,site,item,device,seq,partner,qty\n")
        for first in range(0, events, CHUNK):
            n = np.arange(first, min(first + CHUNK, events))
            micro = (START * 10**6 + n * (YEAR * 10**6 // events)).astype("datetime64[us]")
            times = np.datetime_as_string(micro, "us")
            site, item = n // 10 % 50, rng.integers(0, 97, n.size)
            kind, qty = KINDS[rng.integers(0, 4, n.size)], rng.poisson(20, n.size)
            out.writelines(
                f"{t}Z,{k},site {s},item {i},reader {m % 500},{m // 500},site {(s + 1) % 50},{q}\n"
                for t, k, s, i, m, q in zip(times, kind, site, item, n, qty, strict=True)
            )


def measured(program: str, *words: str) -> dict[str, float]:
    """Return what a new process says of itself."""
    done = subprocess.run(
        [sys.executable, "-c", program, *words], cwd=CLONE, check=True, capture_output=True
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=FULL)
    events = parser.parse_args().events
    table = harness.Table("Ingest of telemetry")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "events.csv"
        write_csv(file, events)
        triad = [harness.triad()]
        beside = measured(PANDAS, str(file))
        found = measured(INGEST, str(file), str(Path(folder) / "store.db"))
        triad.append(harness.triad())
        size = file.stat().st_size / 2**30
    assert found["accepted"] == found["rows"] == events
    limit = 300 * events / FULL
    ratio = found["seconds"] / beside["seconds"]
    seconds = np.array(triad)
    table.add(
        f"{events:,} events from a CSV file of {size:.2f} GiB into the store",
        f"{found['seconds']:.0f} s", f"≤ {limit:.0f} s",
        f"pandas.read_csv with its times: {beside['seconds']:.0f} s ({ratio:.1f} times it)",
        seconds, found["seconds"] <= limit,
    )  # fmt: skip
    table.add(
        "most memory of that process", f"{found['rss']:.2f} GiB", "≤ 2 GiB",
        f"pandas.read_csv: {beside['rss']:.2f} GiB", seconds, found["rss"] <= 2,
    )  # fmt: skip
    table.add(
        "data-quality report of it afterwards", f"{found['report']:.0f} s", f"≤ {limit:.0f} s",
        f"most memory {found['rss_all']:.2f} GiB; store {found['size']:.2f} GiB", seconds,
        found["report"] <= limit,
    )  # fmt: skip
    if events == FULL:
        table.write()


if __name__ == "__main__":
    main()
