"""What every part of a scenario shares: strict models and self-describing parameters."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Name = Annotated[
    str,
    StringConstraints(
        min_length=1, max_length=80, pattern=r"^[^/*?\[\]\s,;:{}#&!|>'\"%@`][^/*?\[\]\n,;{}]*$"
    ),
]
"""A name of a site, item, lane ...: no ``/`` (it separates site and item) and no wildcards."""

Pattern = str | list[str]
"""One shell-style pattern (``dc_*``) or several; a thing matches when any of them does."""


class Model(BaseModel):
    """Base of all scenario models: frozen, unknown keys and non-finite numbers are errors."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, populate_by_name=True, strict=False
    )


def param(
    default: Any,
    meaning: str,
    *,
    unit: str = "",
    slider: tuple[float, float] | None = None,
    column: str | None = None,
    **limits: Any,
) -> Any:
    """Declare one parameter: its default, meaning, unit, valid range and slider range.

    Everything else (arrays, sliders, docs rows, agent attributes) reads this declaration.

    Parameters
    ----------
    default
        Value when the scenario is silent; ``...`` makes the parameter required.
    meaning
        One sentence in the planner's words.
    unit
        ``units``, ``periods``, ``money/unit`` ...; empty for pure numbers.
    slider
        Range of the control in the app, when the parameter has one.
    column
        Name of the kernel column that holds it, when it is not the field's own name.
    **limits
        ``ge``, ``gt``, ``le``, ``lt`` ... as in :func:`pydantic.Field`.
    """
    extra: dict[str, Any] = {"unit": unit}
    if slider is not None:
        extra["slider"] = list(slider)
    if column is not None:
        extra["column"] = column
    if callable(default) and not isinstance(default, type(...)):
        return Field(
            default_factory=default, description=meaning, json_schema_extra=extra, **limits
        )
    return Field(default, description=meaning, json_schema_extra=extra, **limits)
