"""Changes of a scenario by dotted key: ``families.laptop.decoupling_point``, ``demand[0].mean``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from twin.check import check
from twin.memory import remembered
from twin.problems import Path
from twin.schema import Model, Scenario
from twin.schema_walk import keys_of, model_in
from twin.validate import switches, validate
from twin.walk import APPEND, Walk

__all__ = ["APPEND", "apply", "edited"]


def apply(scenario: Scenario, changes: Mapping[str, Any]) -> Scenario:
    """Return a checked copy of a scenario with some values replaced.

    Parameters
    ----------
    scenario
        Stays as it is.
    changes
        New value by dotted key, as in a scenario file: ``{"horizon": 200, "stock[2].policy.level":
        50, "sites.dc_1.owner": "maker"}``. Entries of lists are named by their position or by what
        the file calls them: a name; ``from->to`` for a lane; ``site/item`` for a production, a
        purchase or a customer (``site/item/customer`` where there are several; ``site/item`` is
        the one whose class has no name of its own). ``lanes[+]`` adds
        a list of entries at the end. Several changes are made one after the other and checked
        together. Draws of a posterior sample for what is changed are forgotten.

    Raises
    ------
    ScenarioError
        If a key leads nowhere or the changed scenario is wrong.
    """
    if not changes:
        return scenario
    changed = edited(scenario, changes)
    check(changed)
    return changed


def edited(scenario: Scenario, changes: Mapping[str, Any]) -> Scenario:
    """Return :func:`apply`'s copy as far as the schema goes: its parts fit, the whole is unchecked.

    Entries that no change leads into are shared with the scenario, not copied: whatever is made
    of them need not be made again (:func:`twin.topology.build`, :meth:`twin.compile.Plan.of`).

    Parameters
    ----------
    scenario, changes
        As for :func:`apply`.

    Raises
    ------
    ScenarioError
        If a key leads nowhere or the schema does not allow a value.
    """
    if not changes:
        return scenario
    data = dict(_plain_of(scenario))
    given = [Walk(key).replace(data, _plain(value)) for key, value in changes.items()]
    if "posterior" in data:
        given += _decide(data, given)
    fresh = {path[0]: _fresh(scenario, data, str(path[0]), given) for path in given}
    if any(True for section in fresh for _ in switches(fresh[section], (section,))):
        return validate(data)  # which says so
    kept = {key: getattr(scenario, key) for key in scenario.model_fields_set}
    try:
        return Scenario.model_validate({**kept, **fresh})
    except ValidationError:
        return validate(data)


@remembered(4)
def _plain_of(scenario: Scenario) -> dict[str, Any]:
    return scenario.to_dict()


def _fresh(scenario: Scenario, data: Mapping[str, Any], section: str, given: Iterable[Path]) -> Any:
    """Return a changed section: its entries that no change leads into as they are, else data."""
    now, before = data[section], getattr(scenario, section)
    inside = [path[1] for path in given if path[0] == section and len(path) > 1]
    whole = any(path == (section,) for path in given)
    if whole or not isinstance(before, list) or not model_in(keys_of(Scenario)[section].annotation):
        return now
    changed = {n for n in inside if isinstance(n, int)} | set(range(len(before), len(now)))
    return [now[n] if n in changed else before[n] for n in range(len(now))]


def _plain(value: Any) -> Any:
    """Return models and what holds them as plain data."""
    if isinstance(value, Model):
        return value.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return value.item() if hasattr(value, "item") and getattr(value, "ndim", 1) == 0 else value


def _decide(data: dict[str, Any], given: Iterable[Path]) -> list[Path]:
    """Forget the draws of what was given a value: whoever changes it is sure of it."""
    posterior, scratch = data["posterior"], dict(data)
    sure = set()
    for key in posterior.get("draws", {}):
        place = Walk(key).replace(scratch, None)
        if any(place[: len(path)] == path or path[: len(place)] == place for path in given):
            sure.add(key)
    if not sure:
        return []
    data["posterior"] = posterior | {
        part: {key: x for key, x in posterior[part].items() if key not in sure}
        for part in ("draws", "prior")
        if part in posterior
    }
    return [("posterior",)]
