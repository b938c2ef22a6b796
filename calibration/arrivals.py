"""When events came in, as far as that is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd


def live(events: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Return which events were taken in while they happened, so that their delay is known.

    A file is taken in far faster than it came about: of its events no one knows when they came.

    Parameters
    ----------
    events
        Columns ``source``, ``event_time`` and ``ingest_time`` (0: not known).
    """
    by: Any = events.groupby("source", observed=True)
    took, lasted = (by[name].max() - by[name].min() for name in ("ingest_time", "event_time"))
    known = (took > 0) & (2 * took >= lasted)
    return (events["source"].isin(known.index[known]) & (events["ingest_time"] > 0)).to_numpy(bool)


def arrival(events: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Return when each event came in; where that is not known, when it happened.

    Returns
    -------
    numpy.ndarray
        ``(n,)``, microseconds since 1970.
    """
    return np.where(live(events), events["ingest_time"], events["event_time"]).astype(np.int64)
