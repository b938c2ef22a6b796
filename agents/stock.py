"""One stock point as attributes: a thin window on one row of the kernel's tables.

The attributes are the columns of :mod:`twin.arrays`: state (``Rows``), parameters of the policy
(``Theta``), timing (``RowForm``) and what makes books wrong (``Error``); nothing is listed again here.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from agents.values import Floats, amount, checked
from twin.arrays import ERROR, NET_ROW, ROW, ROW_FORM, THETA, Error, RowForm, Rows, Theta
from twin.compile.rules import FROM_FORECAST
from twin.errors import RunError
from twin.names import nearest
from twin.policies import POLICIES, needs_forecast
from twin.schema import Forecast, Policy

if TYPE_CHECKING:
    from agents.model import TwinModel
    from twin.topology import StockPoint as Declared

SWITCH_OF = {
    "signal": "forecasts", "accepted": "visibility", "wanted": "demand_seen", "need": "need",
    "inbound": "lines", "in_total": "shelf_life", "out_total": "shelf_life",
}  # fmt: skip
"""Columns of the state that are worked out only where a scenario needs them."""


@functools.cache
def parameters_of(policy: Policy) -> tuple[str, ...]:
    """Return the columns of ``Theta`` that a policy reads."""
    names = {*POLICIES[policy.kind].uses}
    if needs_forecast(policy):
        names |= set(FROM_FORECAST)
    if policy.forced_until > 0:
        names.add("forced_order")
    return tuple(n for n in Theta._fields if n in names)


@functools.cache
def limits_of(name: str) -> tuple[float, float]:
    """Return the least and the most that the schema allows for a parameter."""
    field = Policy.model_fields.get(name)
    if field is None and name.startswith(("forecast_", "error_")):
        field = Forecast.model_fields.get(name.removeprefix("forecast_"))
    if field is None:
        return 0.0, np.inf
    given = {k: getattr(m, k) for m in field.metadata for k in ("ge", "gt", "le") if hasattr(m, k)}
    low = np.nextafter(given["gt"], np.inf) if "gt" in given else given.get("ge", -np.inf)
    return float(low), float(given.get("le", np.inf))


class _Column:
    """A column of a table as an attribute of a stock point."""

    def __init__(self, name: str, number: int) -> None:
        self.name, self.number = name, number

    def __get__(self, point: StockPoint | None, owner: type | None = None) -> Any:
        if point is None:
            return self
        return point.shown(self.read(point))

    def __set__(self, point: StockPoint, value: Any) -> None:
        msg = f"'{self.name}' of '{point.name}' {self.why_fixed(point)}"
        raise RunError(msg)

    def read(self, point: StockPoint) -> Any:
        raise NotImplementedError

    def why_fixed(self, point: StockPoint) -> str:
        raise NotImplementedError

    def given(self, point: StockPoint, value: Any, **allowed: Any) -> Floats:
        return checked(value, point.K, lambda: f"{self.name} of '{point.name}'", **allowed)


class _State(_Column):
    """A column of ``Rows``, one value per replication."""

    def read(self, point: StockPoint) -> Floats:
        sim = point.model.sim
        switch = SWITCH_OF.get(self.name)
        if switch is not None and not getattr(sim.switches, switch):
            scenario = sim.plan.topology.scenario.name
            msg = f"'{self.name}' is not worked out: nothing in scenario '{scenario}' needs it"
            raise RunError(msg)
        table = sim.world.rows
        column = sim.world.rules.rec if self.name == "record" else self.number
        if column < table.shape[0]:
            return table[column, point.at]
        first = sim.plan.forecasts  # left out, so it stays as it was at the start
        opening = {"forecast": first.mean, "variance": first.variance}
        start = opening[self.name][point.row] if self.name in opening else 0.0
        return np.full(point.K, start)

    def why_fixed(self, point: StockPoint) -> str:
        names = ", ".join((*SETTABLE, *point.used))
        return f"follows from what happens and cannot be set; can be set: {names}"


class _OnHand(_State):
    """The truth; a change of it by hand is one that the books know of."""

    def __set__(self, point: StockPoint, value: Any) -> None:
        sim = point.model.sim
        rows, on = sim.world.rows, sim.switches
        new = self.given(point, value, whole=on.integer)
        change = new - rows[ROW.on_hand, point.at]
        rows[ROW.on_hand, point.at] = new
        if on.records:
            rows[ROW.record, point.at] = np.maximum(0.0, rows[ROW.record, point.at] + change)
        if on.shelf_life:  # first in, first out: what comes is the newest, what goes the oldest
            rows[ROW.in_total, point.at] += np.maximum(0.0, change)
            rows[ROW.out_total, point.at] += np.maximum(0.0, -change)


class _Record(_State):
    """What the books believe; the truth stays as it is."""

    def __set__(self, point: StockPoint, value: Any) -> None:
        sim = point.model.sim
        if not sim.switches.records:
            msg = (
                f"'record' of '{point.name}': the books are never wrong in this scenario (no "
                "shrink, misplacement, scan error, device or wrong upload); set 'on_hand' instead"
            )
            raise RunError(msg)
        new = self.given(point, value, whole=sim.switches.integer)
        sim.world.rows[ROW.record, point.at] = new


class _Belief(_State):
    """Forecast and its error variance."""

    def __set__(self, point: StockPoint, value: Any) -> None:
        sim = point.model.sim
        if not sim.switches.forecasts:
            msg = f"'{self.name}' of '{point.name}': no policy of this scenario uses a forecast"
            raise RunError(msg)
        sim.world.rows[self.number, point.at] = self.given(point, value)


class _Parameter(_Column):
    """A column of ``Theta``: a parameter of the policy, one value per replication."""

    def theta(self, point: StockPoint, change: bool = False) -> Floats:
        if self.name not in point.used:
            msg = (
                f"policy '{point.policy.kind}' of '{point.name}' has no '{self.name}'; it uses "
                + (", ".join(point.used) or "no parameters")
            )
            raise RunError(msg)
        return point.model.sim.parameters(point.row, change)[self.number]

    def read(self, point: StockPoint) -> Floats:
        return self.theta(point)

    def __set__(self, point: StockPoint, value: Any) -> None:
        low, high = limits_of(self.name)
        new = self.given(point, value, low=low, high=high)
        self.theta(point, change=True)[:] = new


class _Timing(_Column):
    """A column of ``RowForm``: a whole number of the row, as the kernel keeps it."""

    def read(self, point: StockPoint) -> int:
        rules = point.model.sim.world.rules
        return int(rules.form[self.number, rules.row[NET_ROW.row_form, point.row]])

    def why_fixed(self, point: StockPoint) -> str:
        return "is fixed when the model is built; change the scenario: TwinModel(..., set={...})"


class _BookError(_Column):
    """A column of ``Error``: a rate of the row."""

    def read(self, point: StockPoint) -> float:
        error = point.model.sim.world.books.error
        return float(error[self.number, point.row]) if error.size else 0.0

    def __set__(self, point: StockPoint, value: Any) -> None:
        if not point.model.sim.switches.records:
            super().__set__(point, value)
        high = np.inf if self.name == "shrink" else 1.0
        new = checked(value, 1, lambda: f"{self.name} of '{point.name}'", high=high)
        point.model.sim.world.books.error[self.number, point.row] = new.item()

    def why_fixed(self, point: StockPoint) -> str:
        return (
            "cannot be set: the model was built with books that are never wrong; give a stock rule "
            "of the scenario some shrink, misplacement or scan error"
        )


class StockPoint:
    """An item at a site, as attributes.

    State is read by name (``on_hand``, ``record``, ``backlog``, ``on_order``, ``incoming``,
    ``order``, ``forecast`` ...: the columns of :class:`twin.arrays.Rows`), parameters of its policy
    are read and set by name (``level``, ``lot`` ...: :class:`twin.arrays.Theta`; nan: from the
    forecast). ``on_hand`` can be set; the books follow. All in units; a number where the model
    runs one replication, else a copy of the ``(K,)`` values, one per replication.

    Parameters
    ----------
    model
        The model that it belongs to.
    row
        Its row.
    vector
        Always show ``(K,)`` arrays, also of one replication: what policies are given.
    """

    __slots__ = ("K", "at", "declared", "model", "row", "used", "vector")

    model: TwinModel
    row: int
    K: int
    at: slice
    declared: Declared
    used: tuple[str, ...]
    vector: bool

    def __init__(self, model: TwinModel, row: int, vector: bool = False) -> None:
        K = model.replications
        point = model.plan.topology.points[row]
        used = parameters_of(point.settings.policy)
        values = (K, slice(row * K, row * K + K), point, model, row, used, vector or K > 1)
        for name, value in zip(self.__slots__, values, strict=True):
            object.__setattr__(self, name, value)

    def shown(self, value: Any) -> Any:
        """Return a value as users see it: a copy of an array, a number of one replication."""
        if not isinstance(value, np.ndarray):
            return value
        return value.copy() if self.vector else float(value[0])

    @property
    def name(self) -> str:
        """``site/item``."""
        return self.declared.name

    @property
    def policy(self) -> Policy:
        """The policy as the scenario declares it."""
        return self.declared.settings.policy

    @property
    def parameters(self) -> dict[str, Any]:
        """Parameters that its policy uses, with their values now."""
        return {name: getattr(self, name) for name in self.used}

    @property
    def inventory_position(self) -> Any:
        """Record + on order - backlog, in units."""
        sim, at = self.model.sim, self.at
        rows = sim.world.rows
        return self.shown(
            rows[sim.world.rules.rec, at] + rows[ROW.on_order, at] - rows[ROW.backlog, at]
        )

    @property
    def order_driven(self) -> bool:
        """Whether it lies below the decoupling point now: then only customer orders release."""
        driven = self.model.sim.world.rules.driven
        return bool(driven.size and driven[self.row])

    @property
    def period(self) -> int:
        """The period that a policy decides in; between steps the next one."""
        return self.model.sim.t

    def __getattr__(self, name: str) -> Any:
        raise self._unknown(name)

    def __setattr__(self, name: str, value: Any) -> None:
        if not isinstance(getattr(type(self), name, None), _Column):
            raise self._unknown(name)
        object.__setattr__(self, name, value)

    def _unknown(self, name: str) -> AttributeError:
        return AttributeError(f"a stock point has no '{name}'; {nearest(name, COLUMNS)}")

    def __repr__(self) -> str:
        if self.model.closed:
            return f"StockPoint('{self.name}', closed)"
        state = ", ".join(
            f"{label} {amount(getattr(self, name))}"
            for label, name in (("on hand", "on_hand"), ("on order", "on_order"),
                                ("backlog", "backlog"))
        )  # fmt: skip
        many = f"; means of {self.K} replications" if self.K > 1 else ""
        kind = "order_driven" if self.order_driven else self.policy.kind
        return f"StockPoint('{self.name}', {kind}, {state}{many})"


def _columns() -> dict[str, _Column]:
    special = {"on_hand": _OnHand, "record": _Record, "forecast": _Belief, "variance": _Belief}
    found: dict[str, _Column] = {
        name: special.get(name, _State)(name, getattr(ROW, name)) for name in Rows._fields
    }
    found |= {name: _Parameter(name, getattr(THETA, name)) for name in Theta._fields}
    found |= {
        name: _Timing(name, getattr(ROW_FORM, name))
        for name in RowForm._fields[ROW_FORM.review :]
        if not name.endswith("_at")  # places in the kernel's pool mean nothing outside it
    }
    return found | {name: _BookError(name, getattr(ERROR, name)) for name in Error._fields}


COLUMNS = _columns()
SETTABLE = tuple(n for n, c in COLUMNS.items() if isinstance(c, _OnHand | _Record | _Belief))
for _name, _column in COLUMNS.items():
    setattr(StockPoint, _name, _column)
