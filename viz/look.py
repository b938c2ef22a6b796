"""The colours, sizes and words that pictures and page share.

Push is blue and pull is orange (a colour-blind safe pair), disruptions are amber, everything else
is ink and grey. Colour never stands alone: push rims are solid, pull rims dashed, and both are
named.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

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

LIGHT = {
    "ink": INK, "grey": GREY, "hair": HAIR, "edge": EDGE, "page": "#f5f6f8", "card": "#ffffff",
    "push": BLUE, "pull": ORANGE, "push-text": "#2b6cb0", "pull-text": ORANGE_TEXT,
    "push-ground": BLUE_GROUND, "pull-ground": ORANGE_GROUND, "mixed-ground": MIXED_GROUND,
    "own": MARK["own"], "amber": AMBER, "amber-text": AMBER_TEXT, "good": "#276749",
    "bad": "#b42318", "focus": "#1a56db", "base": "#7b8698",
    "group-0": "#0f766e", "group-1": "#8a5a9e", "group-2": INK, "group-3": AMBER_TEXT,
    "group-4": "#5c7a1f", "group-5": "#b0456a", "bar": "#5f7a9c", "deep": "#4f6788",
    "faint": "#dce4ee", "on-pale": "#10151d", "on-strong": "#fefefe",
}  # fmt: skip
DARK = {
    "ink": "#eef1f5", "grey": "#a9b4c4", "hair": "#333d4b", "edge": "#5d6b7e", "page": "#11161d",
    "card": "#1a212b", "push": "#63a4e6", "pull": "#f0934a", "push-text": "#8cbdf0",
    "pull-text": "#f5ae76", "push-ground": "#182536", "pull-ground": "#2e2219",
    "mixed-ground": "#232428", "own": "#8d99aa", "amber": "#e0a62b", "amber-text": "#f0c46a",
    "good": "#6fcf97", "bad": "#ff8f80", "focus": "#82b1ff", "base": "#8b97a8",
    "group-0": "#4fb8ae", "group-1": "#c39bd6", "group-2": "#eef1f5", "group-3": "#e0b060",
    "group-4": "#a9c46c", "group-5": "#ec8fb0", "bar": "#7f9abd", "deep": "#8fb0d6",
    "faint": "#2b3a4d", "on-pale": "#fefefe", "on-strong": "#05070a",
}  # fmt: skip
"""Colours by role, the same roles light and dark: of the page, of reports and of figures.

``group-0`` and so on are groups that are neither push nor pull; ``bar``, ``deep`` and ``faint`` are
bars of no group and both ends of a tornado; ``on-pale`` and ``on-strong`` are letters on shades.
"""

GROUPS = tuple(role for role in LIGHT if role.startswith("group-"))
"""Roles of groups, in the order in which they are given out."""

SOFT = (0.25, 0.6)
"""Parts of the ground with which bars are softened: of full groups, of hollow ones."""

SHADES = {
    "push": (("#2b6cb0", "#a9c8e8"), ("#63a4e6", "#2a4561")),
    "pull": (("#dd6b20", "#f8c9a2"), ("#f0934a", "#5a3a22")),
    "own": (("#6b7686", "#cfd5dd"), ("#8d99aa", "#3a4452")),
}
"""First and last shade of the stages of a mode, light and dark."""

STEPS = 24
"""Shades of a mode between its first and its last, so that each has its like in the dark."""

RAMPS = {
    "most": (("#eef3f8", "#6681a3", "#5a7599", "#1f3a5f"), ("#202c3b", "#56759d", "#6584ad", "#d9e6f5")),
    "above": (("#f4f6f6", "#3f8f85", "#2f7f75", "#0b4f48"), ("#232d31", "#2b7f75", "#3a8d83", "#c3efe8")),
    "under": (("#f5f4f6", "#8f76a6", "#83689b", "#4a2f63"), ("#2a2731", "#84699b", "#8d73a5", "#e9dbf5")),
}  # fmt: skip
"""Shades of amounts from none to most, above and under zero: from the first colour to the second,
and from the third to the last. Dark letters are read on the first half by day and light ones by
night; between the second and the third neither would be, so that there are none."""

PER_HALF = 8
"""Shades of each half of a ramp."""


def mixed(colour: str, other: str, part: float) -> str:
    """Return a colour with a part of another, ``#rrggbb``."""
    a, b = (tuple(int(c[k : k + 2], 16) for k in (1, 3, 5)) for c in (colour, other))
    return "#" + "".join(f"{round(u + (v - u) * part):02x}" for u, v in zip(a, b, strict=True))


def softened(colour: str, part: float) -> str:
    """Return a colour with a part of the ground of cards, through which nothing shines.

    Parameters
    ----------
    colour
        One of :data:`LIGHT`.
    part
        One of :data:`SOFT`.
    """
    return mixed(colour, LIGHT["card"], part)


def ramp(name: str, theme: int = 0) -> list[str]:
    """Return the shades of a ramp of :data:`RAMPS` from none to most, light (0) or dark (1)."""
    a, b, c, d = RAMPS[name][theme]
    parts = [i / (PER_HALF - 1) for i in range(PER_HALF)]
    return [mixed(a, b, p) for p in parts] + [mixed(c, d, p) for p in parts]


def pairs() -> dict[str, str]:
    """Return every colour that pictures are drawn with, and what it is in the dark."""
    found: dict[str, str] = {}
    for name in RAMPS:
        found |= zip(ramp(name), ramp(name, 1), strict=True)
    for (a, b), (c, d) in SHADES.values():
        parts = [i / STEPS for i in range(STEPS + 1)]
        found |= {mixed(a, b, p): mixed(c, d, p) for p in parts}
    for role in ("push", "pull", "base", "bar", *GROUPS):
        for part in SOFT:
            found[softened(LIGHT[role], part)] = mixed(DARK[role], DARK["card"], part)
    return found | {LIGHT[role]: DARK[role] for role in reversed(LIGHT)}


def css() -> str:
    """Return the app's colours as CSS variables, ``--ink`` and so on, as its theme is chosen."""
    return (
        f":root{{color-scheme:light;{_variables(LIGHT)}}}\n"
        f":root[data-theme=dark]{{color-scheme:dark;{_variables(DARK)}}}\n"
    )


def css_as_preferred() -> str:
    """Return the colours of a page as its reader prefers them on a screen; printed it is light."""
    return (
        f":root{{color-scheme:light dark;{_variables(LIGHT)}}}\n"
        f"@media screen and (prefers-color-scheme:dark){{:root{{{_variables(DARK)}}}}}\n"
        "@media print{:root{color-scheme:light}}\n"
    )


def _variables(theme: Mapping[str, str]) -> str:
    return "".join(f"--{role}:{colour};" for role, colour in theme.items())


def svg_as_preferred(svg: str) -> str:
    """Return an SVG picture that is dark where what shows it is: the page, or the reader's choice.

    Every colour of :func:`pairs` has its like in the dark, anything else stays. The colours written
    in the picture are the light ones, for programs that know no preference; its ground follows
    too, so that it can be read wherever it is shown.
    """
    dark, used = pairs(), sorted({c.lower() for c in _COLOUR.findall(svg)})
    rules = "".join(
        f'[style*="{paint}: {colour}"]{{{paint}:{dark[colour]}!important}}'
        for colour in used
        if colour in dark
        for paint in ("fill", "stroke")
    )
    style = f"<style>@media screen and (prefers-color-scheme:dark){{{rules}}}</style>"
    return _ROOT.sub(lambda tag: f"{tag[0]}\n {style}", svg, count=1) if rules else svg


_COLOUR = re.compile(r"(?:fill|stroke): (#[0-9a-fA-F]{6})")
_ROOT = re.compile(r"<svg\b[^>]*>")


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
    if abs(x) < 0.005:  # less than half of the last of two decimals
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
    first, last = SHADES[mode][0]
    part = i / max(1, n - 1) if n > 1 else 0.35
    return mixed(first, last, round(part * STEPS) / STEPS)
