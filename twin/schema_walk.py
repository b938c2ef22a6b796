"""Finding the declaration of a value by its path in a scenario."""

from __future__ import annotations

import typing
from types import UnionType
from typing import Any, Literal

from pydantic.fields import FieldInfo

from twin.problems import Path
from twin.schema import Model, Scenario


def parts(annotation: Any) -> list[Any]:
    """Return the alternatives of a type with ``Annotated`` and unions taken apart."""
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return parts(typing.get_args(annotation)[0])
    if origin in (typing.Union, UnionType):
        return [p for a in typing.get_args(annotation) for p in parts(a)]
    return [annotation]


def model_in(annotation: Any) -> type[Model] | None:
    """Return the model that a type holds (directly or in a list), if any."""
    for part in parts(annotation):
        if isinstance(part, type) and issubclass(part, Model):
            return part
        if typing.get_origin(part) is list:
            return model_in(typing.get_args(part)[0])
    return None


def keys_of(model: type[Model]) -> dict[str, FieldInfo]:
    """Return the fields of a model by the keys used in files."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def declared(path: Path, model: type[Model] = Scenario) -> tuple[type[Model] | None, Any]:
    """Return the model and the field that declare the value at a path.

    Parameters
    ----------
    path
        Keys and positions, from ``model`` down.
    model
        Where the path starts.

    Returns
    -------
    The innermost model that contains the value (the value's own model if it is one; none below
    a plain mapping) and the last field on the way (none for an unknown key).
    """
    here: type[Model] | None = model
    field: FieldInfo | None = None
    for step in path:
        if isinstance(step, int):
            continue
        if here is None:
            return None, field
        field = keys_of(here).get(step)
        if field is None:
            return here, None
        here = model_in(field.annotation)
    return here, field


def is_text(annotation: Any) -> bool:
    """Return whether a type is written as a word: text, one of several words, a date, a switch."""
    return any(
        typing.get_origin(p) is Literal or (isinstance(p, type) and p.__name__ in _WORDS)
        for p in parts(annotation)
    )


_WORDS = ("str", "date", "bool")


def takes(annotation: Any, kind: type) -> bool:
    """Return whether a type allows a ``bool``, ``list``, ``dict``, ``tuple`` ... as given."""
    return any(p is kind or typing.get_origin(p) is kind for p in parts(annotation))


def element(annotation: Any, kind: type) -> Any:
    """Return the type of the elements of the list, tuple or mapping that a type allows."""
    for part in parts(annotation):
        if typing.get_origin(part) is kind:
            return typing.get_args(part)[-1]
    return None
