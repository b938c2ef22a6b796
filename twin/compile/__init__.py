"""From a scenario to the arrays of the kernel: once per scenario a plan, per block a world."""

from twin.compile.plan import Plan

__all__ = ["Plan"]
