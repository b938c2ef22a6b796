"""Write the pages that come from the registries and the schema: kpis.md and parameters.md.

``python docs/make_tables.py`` writes them; a test holds the committed pages to what this makes.
"""

from __future__ import annotations

import json
import typing
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Any, Literal

import numpy as np
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from twin.devices import DEVICES
from twin.disruptions import DISRUPTIONS
from twin.forecasters import FORECASTERS
from twin.kpis import GROUPS, KPIS
from twin.policies import POLICIES
from twin.registry import Registry
from twin.schema import Model, Scenario
from twin.schema_walk import keys_of, model_in
from twin.statistics import FEWEST_APART, Range

HERE = Path(__file__).parent
MADE = "<!-- made by docs/make_tables.py: change the docstrings and the schema, not this page -->"
REGISTRIES = {
    "Policies": ("How a stock point decides (`policy.kind`)", POLICIES),
    "Forecasters": ("How a stock point foresees demand (`forecast.kind`)", FORECASTERS),
    "Devices": ("What reports (`devices[].kind`)", DEVICES),
    "Disruptions": ("What goes wrong (`disruptions[].kind`)", DISRUPTIONS),
}
_TYPES = {"float": "number", "int": "whole number", "str": "text", "bool": "true or false"}
_INTERVALS = (
    "Intervals are Student's t, cut off at the ends of the KPI's range: a mean cannot lie beyond, "
    "so nothing is lost by it. Where a replication only answers yes or no (*share of "
    "replications*), they are Wilson's score intervals, which stay inside by themselves. "
    "Differences of a comparison are t-intervals of the paired differences, cut off where no "
    "difference can be; of answers they are those of Agresti and Min. A KPI that is the same in all "
    "replications has no spread, which does not prove that it always is; one replication has no "
    "interval. Numbers of *whole periods* have none "
    f"either where fewer than {FEWEST_APART} replications differ from the commonest number: what is "
    "rare and far away was then hardly seen, or not at all."
)
_BOUNDS = {"ge": "≥ {:,}", "gt": "> {:,}", "le": "≤ {:,}", "lt": "< {:,}"}


def kpis_page() -> str:
    """Return the page of KPIs, group by group."""
    parts = [
        "# KPIs",
        MADE,
        "One number per replication over the evaluation window (warm-up left out); a result shows "
        "the mean with its 95 % interval over the replications in which it is defined. *T* is the "
        "number of periods of the window.",
        _INTERVALS,
    ]
    for group in GROUPS:
        parts.append(f"## {group.capitalize()}")
        for name, entry in KPIS.items():
            if entry.extra["group"] == group:
                better = {"zero": "best at 0"}.get(
                    entry.extra["better"], f"{entry.extra['better']} is better"
                )
                unit = f"{entry.extra['unit']}{_range(entry.extra['within'])}"
                head = f"### `{name}`\n*{unit}, {better}*"
                parts.append(f"{head}\n\n{_markdown(entry.text)}")
    return "\n\n".join(parts) + "\n"


def _range(within: Range) -> str:
    """Return the words for what a replication's number can be; none if it can be anything."""
    if within.yes_no:
        return " of replications"
    if within.whole:
        return ", whole"
    if np.isfinite(within.low) and np.isfinite(within.high):
        return f" from {within.low} to {within.high}"
    if np.isfinite(within.low):
        return f", {within.low} or more"
    return f", at most {within.high}" if np.isfinite(within.high) else ""


def parameters_page() -> str:
    """Return the page of everything a scenario file may say."""
    parts = [
        "# Parameters",
        MADE,
        "Everything a scenario file may say. A parameter without a default must be given.",
    ]
    for title, (meaning, registry) in REGISTRIES.items():
        parts += [f"## {title}", meaning + ".", _registry_table(registry)]
    for path, model in _models():
        name = path or "scenario"
        text = _markdown((model.__doc__ or "").strip())
        parts += [f"## `{name}`", text, _model_table(model)]
    return "\n\n".join(parts) + "\n"


def _registry_table(registry: Registry) -> str:
    rows = [
        (f"`{name}`", entry.title, ", ".join(f"`{x}`" for x in entry.uses) or "-")
        for name, entry in registry.items()
    ]
    return _table(("kind", "what it does", "parameters it uses"), rows)


def _models() -> Iterator[tuple[str, type[Model]]]:
    """Yield every model of a scenario with the first path that leads to it."""
    seen: set[type[Model]] = set()
    todo: list[tuple[str, type[Model]]] = [("", Scenario)]
    while todo:
        path, model = todo.pop(0)
        if model in seen:
            continue
        seen.add(model)
        yield path, model
        for key, field in keys_of(model).items():
            inner = model_in(field.annotation)
            if inner is not None:
                mark = "[]" if _is_list(field.annotation) else ""
                todo.append((f"{path}.{key}{mark}".lstrip("."), inner))


def _model_table(model: type[Model]) -> str:
    rows = [
        (f"`{key}`", field.description or "", _unit(field), _allowed(field), _default(field))
        for key, field in keys_of(model).items()
    ]
    return _table(("key", "meaning", "unit", "allowed", "default"), rows)


def _unit(field: FieldInfo) -> str:
    extra = field.json_schema_extra
    unit = extra.get("unit", "") if isinstance(extra, dict) else ""
    return str(unit) or "-"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    default = field.get_default(call_default_factory=True)  # type: ignore[call-arg]
    if default is None or default is PydanticUndefined:
        return "-"
    if isinstance(default, Model):
        default = default.model_dump(mode="json", exclude_defaults=True) or None
        return "-" if default is None else f"`{json.dumps(default)}`"
    if isinstance(default, list | dict) and not default:
        return "none"
    if isinstance(default, str) and not default:
        return "-"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def _allowed(field: FieldInfo) -> str:
    bounds = [
        text.format(getattr(m, name))
        for m in field.metadata
        for name, text in _BOUNDS.items()
        if hasattr(m, name)
    ]
    words = list(dict.fromkeys(_type_words(field.annotation)))
    return "; ".join([" or ".join(words), *bounds])


def _type_words(annotation: Any) -> Iterator[str]:
    origin, inside = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        yield from _type_words(inside[0])
    elif origin in (typing.Union, UnionType):
        for part in inside:
            if part is not type(None):
                yield from _type_words(part)
    elif origin is Literal:
        yield ", ".join(f"`{word}`" for word in inside)
    elif origin is list:
        words = " or ".join(dict.fromkeys(_type_words(inside[0])))
        yield f"list of {words}{'' if words == 'text' else 's'}"
    elif origin is tuple:
        yield f"{len(inside)} numbers"
    elif origin is dict:
        yield f"names to {' or '.join(_type_words(inside[1])).removesuffix('s')}s"
    elif isinstance(annotation, type) and issubclass(annotation, Model):
        yield "mapping"
    else:
        yield _TYPES.get(annotation.__name__, annotation.__name__)


def _is_list(annotation: Any) -> bool:
    return "list" in str(annotation)


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, tuple("-" for _ in head), *rows]
    return "\n".join("| " + " | ".join(_cell(x) for x in line) + " |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace("``", "`")


def _markdown(text: str) -> str:
    """Return a docstring as Markdown: its double back quotes are single ones there."""
    return "\n".join(line.strip() for line in text.replace("``", "`").splitlines())


PAGES = {"kpis.md": kpis_page, "parameters.md": parameters_page}

if __name__ == "__main__":
    for file, page in PAGES.items():
        (HERE / file).write_text(page(), encoding="utf-8")
        print(f"docs/{file}")
