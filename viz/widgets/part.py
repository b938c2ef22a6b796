"""Widgets whose payloads travel to the browser as they are."""

from __future__ import annotations

from typing import Any

import anywidget
import traitlets


class Sealed:
    """Plain data that nobody looks into on its way.

    Reacton searches lists and dictionaries that an element is given for elements in them, at every
    rendering: half a million steps for the charts of one answer.
    """

    __slots__ = ("data",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, data: Any) -> None:
        self.data = data

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sealed) and (self.data is other.data or self.data == other.data)


class Payload(traitlets.TraitType[Any, Any]):
    """A trait of plain data: sealed here, plain in the browser."""

    info_text = "plain data"

    def __init__(self, default: Any) -> None:
        super().__init__(default_value=Sealed(default))
        self.tag(sync=True, to_json=lambda value, widget: value.data)

    def validate(self, obj: Any, value: Any) -> Any:
        """Seal what is set."""
        return value if isinstance(value, Sealed) else Sealed(value)


class Told(traitlets.Dict):  # type: ignore[type-arg]
    """A trait that the browser sets by telling: ``{..., n}``, the number makes a repetition new."""


class Part(anywidget.AnyWidget):
    """A widget of the page.

    What its elements are given for a :class:`Payload` is sealed. What the browser tells comes in
    ``outbox`` (``tell.js``) and is set on its :class:`Told` traits one by one: messages are joined
    on their way while Python is at work, and nothing that was pressed may get lost.
    """

    outbox: Any = traitlets.List().tag(sync=True)
    _heard = 0

    @classmethod
    def element(cls, **given: Any) -> Any:
        """Return an element of this widget, as every widget does under Solara."""
        sealed = {name for name, trait in cls.class_traits().items() if isinstance(trait, Payload)}
        return super().element(
            **{name: Sealed(x) if name in sealed else x for name, x in given.items()}
        )

    @traitlets.observe("outbox")
    def _hear(self, change: Any) -> None:
        told = {name for name, trait in self.traits().items() if isinstance(trait, Told)}
        for one in change["new"]:
            if one["n"] > self._heard and one["name"] in told:
                self._heard = one["n"]
                setattr(self, one["name"], {**one["what"], "n": one["n"]})
