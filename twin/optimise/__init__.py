"""Choosing decoupling points, buffers and sources: a search, a selection, an honest comparison.

::

    found = twin.optimise.optimise("electronics", require={"on_time": 0.95})
    print(found.summary())
    found.save("better.yaml")
"""

from twin.optimise.optimise import optimise
from twin.optimise.result import Optimised
from twin.optimise.tune import Tuned, tune

__all__ = ["Optimised", "Tuned", "optimise", "tune"]
