"""The options of a study as fields of a form, made from their schema, and what is typed read back.

What is typed is read as `twin study NAME --with KEY=VALUE` reads it, but lists and mappings need no
brackets: ``0.5, 1`` and ``chip_foundry: 60``. It is checked where the study is asked.
"""

from __future__ import annotations

import typing
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic.fields import FieldInfo

from twin.result import words
from twin.schema import Model, Scenario
from twin.schema_walk import element, is_text, parts, takes
from twin.study.ready.base import Options
from twin.yaml_text import parse, scalar
from viz import look
from viz.control_values import extra

FIRST = 4
"""Options of a study that stand in its form at once; the others are folded away."""

PAGE = ("scenario", "set")
"""What the page says itself: a study of the app runs on the what-if."""

Choices = Mapping[str, Sequence[tuple[Any, str]]]


def names(model: type[Model]) -> list[str]:
    """Return the options of a study in the order of its form: its own, then those of all studies."""
    own = [name for name in model.model_fields if name not in Options.model_fields]
    common = [name for name in Options.model_fields if name in model.model_fields]
    return own + [name for name in common if name not in PAGE]


def fields(
    model: type[Model], given: Mapping[str, Any], scenario: Scenario, choices: Choices
) -> list[dict[str, Any]]:
    """Return the fields of all options, as the widget of forms takes them.

    Parameters
    ----------
    model
        Declares the options.
    given
        What was typed so far, by option.
    scenario
        Whose words units are said in.
    choices
        (value, words) of options that the schema takes any text for.
    """
    return [
        _field(name, model.model_fields[name], given.get(name), scenario, choices.get(name, ()))
        for name in names(model)
    ]


def _field(
    name: str, field: FieldInfo, typed: Any, scenario: Scenario, choices: Sequence[tuple[Any, str]]
) -> dict[str, Any]:
    choices = choices or _choices(field)
    default = field.get_default(call_default_factory=True)
    kind = _kind(field, default, choices)
    value = default if typed is None else typed
    unit = words(extra(field).get("unit", ""), scenario)
    meaning = field.description or ""
    return {
        "key": name, "kind": kind, "label": look.said(name).capitalize(),
        "below": meaning[:1].upper() + meaning[1:],
        "unit": f"({unit})" if unit else "",
        "value": written(value) if kind == "text" else value,
        "choices": [list(each) for each in choices],
    }  # fmt: skip


def _kind(field: FieldInfo, default: Any, choices: Sequence[Any]) -> str:
    """Return which control fits an option."""
    if choices:
        return "some" if takes(field.annotation, list) else "choice"
    if takes(field.annotation, bool):
        return "switch"
    number = not is_text(field.annotation) and not any(
        takes(field.annotation, each) for each in (list, dict)
    )
    # where nothing is a value of its own, it must be possible to type it: null
    silent = takes(field.annotation, type(None)) and default is not None
    return "number" if number and not silent else "text"


def _choices(field: FieldInfo) -> list[tuple[Any, str]]:
    """Return what an option, or each entry of it, is chosen from; nothing if it is no choice."""
    inside = element(field.annotation, list)
    for part in [*parts(field.annotation), *parts(inside)]:
        if typing.get_origin(part) is Literal:
            return [(value, look.said(str(value))) for value in typing.get_args(part)]
    return []


def written(value: Any) -> str:
    """Return a value as it is typed."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {written(x)}" for key, x in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(written(x) for x in value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:.15g}"
    return "" if value is None else str(value)


def read(model: type[Model], typed: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was typed as values of options; they are not checked.

    Raises
    ------
    ScenarioError
        If a mapping is no plain YAML.
    """
    return {name: _read(name, model.model_fields[name], x) for name, x in typed.items()}


def _read(name: str, field: FieldInfo, typed: Any) -> Any:
    if not isinstance(typed, str):
        return typed
    text, wanted = typed.strip(), field.annotation
    if text.startswith(("[", "{")):
        return parse(text, name)[0]
    if takes(wanted, dict):
        return parse(f"{{{text}}}", name)[0]
    if takes(wanted, list):
        plain = is_text(element(wanted, list))
        pieces = [piece.strip() for piece in text.split(",") if piece.strip()]
        values = [piece if plain else scalar(piece) for piece in pieces]
        return values[0] if len(values) == 1 and takes(wanted, str) else values
    return text if is_text(wanted) else scalar(text)
