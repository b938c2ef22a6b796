"""Plain data into a scenario; what the schema refuses is said in the user's words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from twin.names import nearest
from twin.problems import Path, Places, Problem, report, show
from twin.schema import LeadTime, Model, Scenario
from twin.schema_walk import declared, keys_of, takes

M = TypeVar("M", bound=Model)

_ALLOWED = {
    "float_type": "a number",
    "float_parsing": "a number",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number of at most 18 digits",
    "int_from_float": "a whole number",
    "finite_number": "a finite number",
    "string_type": "text (put numbers in quotes)",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping of names to numbers",
    "model_type": "a mapping of keys to values",
    "model_attributes_type": "a mapping of keys to values",
    "string_pattern_mismatch": (
        "a name: it starts with a letter or digit and has none of / * ? [ ] , ; { }"
    ),
    "string_too_short": "a name of at least one character",
    "string_too_long": "a name of at most 80 characters",
}


def validate(data: object, places: Places | None = None) -> Scenario:
    """Return the scenario that plain data describe.

    Parameters
    ----------
    data
        Mappings, lists and values as in a scenario file.
    places
        Where each value was written, for messages.

    Raises
    ------
    ScenarioError
        If the schema does not allow the data; lists all problems.
    """
    if not isinstance(data, Mapping):
        text = (
            f"the content is {show(data)}; a scenario is a mapping with the keys sites, items, "
            "demand, ... (`twin new` writes one to start from)"
        )
        report([Problem((), text)], places)
    problems = list(switches(data, ()))
    scenario = None
    try:
        scenario = Scenario.model_validate(data)
    except ValidationError as error:
        problems += translate(error, data)
    report(problems, places)
    assert scenario is not None
    return scenario


def checked(model: type[M], given: Mapping[str, Any], name: str) -> M:
    """Return options as their model has them.

    Parameters
    ----------
    model
        Declares them.
    given
        Value by name.
    name
        Whose options they are, for messages.

    Raises
    ------
    ScenarioError
        If the model does not allow them; lists all problems.
    """
    try:
        return model.model_validate(dict(given))
    except ValidationError as error:
        report(translate(error, given, model), Places(f"options of {name}"))
        raise


def translate(error: ValidationError, data: object, model: type[Model] = Scenario) -> list[Problem]:
    """Return the problems that pydantic found, one for each value.

    Parameters
    ----------
    error
        What pydantic raised.
    data
        The data it was given.
    model
        The model it was asked for.
    """
    by_path: dict[Path, list[Any]] = {}
    tagged: set[Path] = set()
    for one in error.errors(include_url=False):
        path = _real_path(one["loc"], data)
        by_path.setdefault(path, []).append(one)
        if len(path) < len(one["loc"]) and one["type"] != "missing":
            tagged.add(path)
    for path in list(by_path):  # of the alternatives of one value the one that came furthest
        deeper = any(p != path and p[: len(path)] == path for p in by_path)
        if path in tagged and deeper and by_path[path][0]["type"].endswith("_type"):
            del by_path[path]
    return [
        _at_its_key(path, text, model)
        for path, errors in by_path.items()
        for text in _texts(path, errors, model)
    ]


def _at_its_key(path: Path, text: str, model: type[Model]) -> Problem:
    """Return a problem; one that a whole model has with ``key = value`` belongs to that key."""
    found = re.match(r"(\w+)(?:\[(\d+)\])?(?= = )", text)
    if found is None:
        return Problem(path, text)
    key, entry = found.groups()
    path = path[:-1] if path and path[-1] == key else path
    if declared((*path, key), model)[1] is None:
        return Problem(path, text)
    steps: Path = (*path, key) if entry is None else (*path, key, int(entry))
    return Problem(steps, text[found.end() + 1 :])


def _real_path(loc: tuple[str | int, ...], data: object) -> Path:
    """Leave out the steps that are not in the data: names of alternatives, missing keys."""
    path: list[str | int] = []
    for step in loc:
        listed = isinstance(data, list | tuple) and isinstance(step, int) and step < len(data)
        if listed or (isinstance(data, Mapping) and step in data):
            data = data[step]  # type: ignore[index]
            path.append(step)
    return tuple(path)


def _texts(path: Path, errors: list[Any], model: type[Model]) -> Iterator[str]:
    kinds = {one["type"] for one in errors}
    inner, field = declared(path, model)
    if kinds <= set(_ALLOWED):
        allowed = dict.fromkeys(_ALLOWED[one["type"]] for one in errors)
        if inner is LeadTime:
            allowed = {"a whole number of periods or a mapping (kind, mean, ...)": None}
        unit = _unit(field, errors[0]["input"])
        value = errors[0]["input"]
        yield f"= {show(value)}{unit}; must be {' or '.join(allowed)}{_hint(value)}"
        return
    for one in errors:
        yield _text(path, one, inner, field, model)


def _text(path: Path, one: Any, inner: Any, field: Any, model: type[Model]) -> str:
    kind, value, ctx = one["type"], one["input"], one.get("ctx", {})
    if kind == "missing":
        key = str(one["loc"][-1])
        _, wanted = declared((*path, key), model)
        meaning = f" ({wanted.description})" if wanted is not None else ""
        return f"'{key}' is missing{meaning}; add it"
    if kind == "extra_forbidden":
        holder, _ = declared(path[:-1], model)
        known = [] if holder is None else list(keys_of(holder))
        return f"unknown key '{path[-1]}'; {nearest(str(path[-1]), known)}"
    if kind == "literal_error":
        words = re.findall(r"'([^']*)'", str(ctx.get("expected", "")))
        return f"= {show(value)}; {nearest(str(value), words)} (one of {', '.join(words)})"
    if kind == "value_error":
        return str(ctx["error"])
    if kind.startswith("date"):
        return f"= {show(value)}; must be a date such as 2026-01-31"
    limit = _limits(field, ctx)
    if limit:
        return f"= {show(value)}{_unit(field, value)}; must be {limit}"
    if kind in _ALLOWED:
        return f"= {show(value)}; must be {_ALLOWED[kind]}"
    return f"= {show(value)}; {one['msg'][0].lower()}{one['msg'][1:]}"


def _limits(field: Any, ctx: Mapping[str, Any]) -> str:
    """Return ``from 0 to 1``, ``0 or more`` ... of a declared number."""
    bounds = {
        name: getattr(m, name)
        for m in getattr(field, "metadata", ())
        for name in ("ge", "gt", "le", "lt")
        if hasattr(m, name)
    }
    bounds = bounds if set(ctx) & set(bounds) else {k: ctx[k] for k in ctx if k in _BOUNDS}
    if "ge" in bounds and "le" in bounds:
        return f"from {bounds['ge']:,} to {bounds['le']:,}"
    return " and ".join(_BOUNDS[k].format(v) for k, v in bounds.items() if k in _BOUNDS)


_BOUNDS = {"ge": "{} or more", "gt": "above {}", "le": "at most {:,}", "lt": "below {:,}"}


def _unit(field: Any, value: object) -> str:
    if field is None or isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    extra = field.json_schema_extra or {}
    unit = extra.get("unit", "") if isinstance(extra, dict) else ""
    return f" {unit}" if unit and unit != "share" else ""


def _hint(value: object) -> str:
    """Say what went wrong where a decimal comma or a thousands mark was written."""
    if isinstance(value, str) and re.fullmatch(r"[-+]?[0-9.,' ]*[,'][0-9.,' ]+", value):
        return "; write it with a decimal point and no thousands marks"
    return ""


def switches(data: object, path: Path) -> Iterator[Problem]:
    """Yield every switch where a number or a text is wanted; Python takes them as 1 and 0."""
    if isinstance(data, bool):
        inner, field = declared(path)
        if inner is None and field is not None and not takes(field.annotation, bool):
            yield Problem(path, f"= {show(data)}; must be a number or a text, not a switch")
    elif isinstance(data, Mapping):
        for key, value in data.items():
            yield from switches(value, (*path, key))
    elif isinstance(data, list | tuple):
        for n, value in enumerate(data):
            yield from switches(value, (*path, n))
