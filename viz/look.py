"""The colours, sizes and words that pictures and page share.

Push is blue and pull is orange (a colour-blind safe pair), disruptions are amber, everything else
is ink and grey. Colour never stands alone: push rims are solid, pull rims dashed, and both are
named.
"""

from __future__ import annotations

import math

INK, GREY, HAIR, EDGE = "#1a202c", "#566173", "#d9dee6", "#a3afbf"
BLUE, ORANGE = "#2b6cb0", "#dd6b20"
ORANGE_TEXT = "#b3470c"  # 4.5:1 on the orange ground, which the orange of the marks is not
BLUE_GROUND, ORANGE_GROUND, PLAIN_GROUND = "#edf3fa", "#fdf2e8", "#f5f6f8"
MIXED_GROUND = "#f4f2f0"
AMBER, AMBER_TEXT = "#f2b632", "#85560a"

MARK = {"push": BLUE, "pull": ORANGE, "own": "#6b7686", "mixed": INK}
"""Colour of marks and lines."""

TEXT = {"push": BLUE, "pull": ORANGE_TEXT, "own": GREY, "mixed": INK}
"""Colour of words."""

SHADES = {
    "push": ("#2b6cb0", "#a9c8e8"),
    "pull": ("#dd6b20", "#f8c9a2"),
    "own": ("#6b7686", "#cfd5dd"),
}
"""First and last shade of the stages of a mode."""


LIGHT = {
    "ink": INK, "grey": GREY, "hair": HAIR, "edge": EDGE, "page": "#f5f6f8", "card": "#ffffff",
    "push": BLUE, "pull": ORANGE, "push-text": "#2b6cb0", "pull-text": ORANGE_TEXT,
    "push-ground": BLUE_GROUND, "pull-ground": ORANGE_GROUND, "own": MARK["own"],
    "amber": AMBER, "amber-text": AMBER_TEXT, "good": "#276749", "bad": "#b42318",
    "focus": "#1a56db", "base": "#7b8698",
}  # fmt: skip
DARK = {
    "ink": "#eef1f5", "grey": "#a9b4c4", "hair": "#333d4b", "edge": "#5d6b7e", "page": "#11161d",
    "card": "#1a212b", "push": "#63a4e6", "pull": "#f0934a", "push-text": "#8cbdf0",
    "pull-text": "#f5ae76", "push-ground": "#182536", "pull-ground": "#2e2219", "own": "#8d99aa",
    "amber": "#e0a62b", "amber-text": "#f0c46a", "good": "#6fcf97", "bad": "#ff8f80",
    "focus": "#82b1ff", "base": "#8b97a8",
}  # fmt: skip
"""Colours of the page by role, the same roles light and dark."""


def css() -> str:
    """Return the page's colours as CSS variables, ``--ink`` and so on, light and dark."""
    light, dark = (
        "".join(f"--{role}:{colour};" for role, colour in theme.items()) for theme in (LIGHT, DARK)
    )
    return (
        f":root{{color-scheme:light;{light}}}\n:root[data-theme=dark]{{color-scheme:dark;{dark}}}\n"
    )


def number(x: float) -> str:
    """Return a number with 3 digits that count, thousands apart: ``1,230``, ``22.7 M``."""
    if math.isnan(x):
        return "–"
    for size, letter in ((1e9, "\N{NO-BREAK SPACE}bn"), (1e6, "\N{NO-BREAK SPACE}M")):
        if abs(x) >= 0.9995 * size:
            return _three(x / size) + letter
    return _three(x)


def tick(x: float, most: float) -> str:
    """Return a number as short as an axis that ends at ``most`` wants it: ``50 k``."""
    if 1e4 <= most < 1e6 and x:
        return f"{_three(x / 1e3)}\N{NO-BREAK SPACE}k"
    return number(x)


def times(x: float) -> str:
    """Return a ratio: ``1.10×``, ``12.5×``, ``103×``."""
    return f"{x:,.{2 if x < 9.995 else 1 if x < 99.95 else 0}f}×"


def _three(x: float) -> str:
    if x == 0 or abs(x) < 0.0005:
        return "0"
    places = max(0, min(2, 2 - math.floor(math.log10(abs(x) * 1.0000001))))
    rounded = round(x, places) if abs(x) < 1000 else round(x, 2 - math.floor(math.log10(abs(x))))
    text = f"{rounded:,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def share(x: float) -> str:
    """Return a share as per cent with at most one decimal: ``97.6 %``."""
    if math.isnan(x):
        return "–"
    text = f"{100 * x:.1f}".removesuffix(".0")
    text = "0" if text == "-0" else text
    if text == "100" and x < 1:  # 99.96 % is not all
        text = "> 99.9"
    return f"{text}\N{NO-BREAK SPACE}%"


def plural(n: float, unit: str) -> str:
    """Return a number with its unit: ``1 day``, ``12.5 days``, ``340 USD``."""
    money = unit.isupper()
    return f"{number(n)}\N{NO-BREAK SPACE}{unit if money or number(n) == '1' else unit + 's'}"


def listed(names: tuple[str, ...] | list[str], most: int = 3) -> str:
    """Return names as words: ``a, b and c``, more than ``most`` counted: ``a, b and 4 more``."""
    words = [said(n) for n in names]
    if len(words) > most:
        words = [*words[: most - 1], f"{len(words) - most + 1} more"]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def said(name: str) -> str:
    """Return a name from a file as words."""
    return name.replace("_", " ")


def shade(mode: str, i: int, n: int) -> str:
    """Return the shade of the ``i``-th of ``n`` stages of a mode, dark to light."""
    a, b = (tuple(int(c[k : k + 2], 16) for k in (1, 3, 5)) for c in SHADES[mode])
    part = i / max(1, n - 1) if n > 1 else 0.35
    return "#" + "".join(f"{round(u + (v - u) * part):02x}" for u, v in zip(a, b, strict=True))
