"""How bright colours are, and how well one is read on another (WCAG 2.2, relative luminance)."""

from __future__ import annotations


def brightness(colour: str) -> float:
    """Return the relative luminance of ``#rrggbb``, from 0 to 1."""
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(colour: str, other: str) -> float:
    """Return the contrast of two colours, from 1 to 21."""
    dark, light = sorted((brightness(colour), brightness(other)))
    return (light + 0.05) / (dark + 0.05)
