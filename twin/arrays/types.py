"""Kinds of arrays that the kernel knows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int32]
Flags = NDArray[np.int8]
Floats = NDArray[np.float64]
Streams = NDArray[np.uint64]
Table = NDArray[np.float64]
"""Columns side by side, ``(columns, things * K)``; the column numbers are named below."""
