"""Quantities below zero: the one rule of what may have one, for files and for messages alike.

What came, went, was made or ordered may be below zero: it takes back what was told before (a
cancelled order, a receipt booked by mistake), and systems export it so. The books may be below zero
as well, where an issue is booked before its receipt. What a device or a person counted may not:
there is no such stock, and an estimate that believed it would be wrong by all of it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from calibration.balance import BOOKS

NEGATIVE = "negative"
"""Mark of an event whose quantity is below zero."""

IMPOSSIBLE = (
    f"qty: a count below zero; what is there is 0 or more (only the device '{BOOKS}' may say less)"
)
"""Why such an event is not taken."""


def impossible(kind: Any, device: Any, qty: Any) -> Any:
    """Return whether there is no such quantity.

    Parameters
    ----------
    kind, device, qty
        Of one event; or of many, arrays of one shape. A missing quantity is NaN.
    """
    return (kind == "count") & (device != BOOKS) & (qty < 0)


def taken_back(series: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return what stands of quantities by period, ``(n,)``, NaN where nothing was told.

    Periods below zero take back what was told before them, the newest first; what they take back
    from before the first period is not seen. The sum stays the same but for that.
    """
    if not (series < 0).any():
        return series
    total = np.cumsum(np.nan_to_num(series))
    total -= np.minimum(np.minimum.accumulate(total), 0.0)  # what nothing told before explains
    stands = np.minimum.accumulate(total[::-1])[::-1]
    return np.where(np.isnan(series), np.nan, np.diff(stands, prepend=0.0))
