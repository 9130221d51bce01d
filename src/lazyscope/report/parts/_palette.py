"""Which colour and which marker stand for what, on the page and on paper?

The categorical colours are Okabe and Ito's, which readers with any common colour blindness can tell
apart, and after them those of Tol that are far from these; beyond all of them, darker and lighter ones.
The ordered ones run through the middle of viridis, whose lightness carries the order. The page's script
lightens them on a dark background.

References: Okabe & Ito 2008, *Color universal design*; Tol 2021, *Colour schemes* (SRON/EPS/TN/09-002);
Smith & van der Walt 2015 (viridis).
"""

from collections.abc import Sequence
from typing import Any

import matplotlib
from matplotlib.colors import to_hex

_OKABE_ITO = (
    "#0072b2",
    "#d55e00",
    "#009e73",
    "#cc79a7",
    "#e69f00",
    "#56b4e9",
    "#7f7f7f",
)
_FURTHER = (
    "#332288",
    "#882255",
    "#999933",
    "#661100",
    "#117733",
    "#aa4499",
    "#ddcc77",
)
_SHADES = (1.0, 0.55, 1.55)
"""Factors of the lightness of the colours beyond the first fourteen."""
_MARKERS = {
    "circle": "o",
    "square": "s",
    "diamond": "D",
    "triangle-up": "^",
    "triangle-down": "v",
    "cross": "P",
}
NEUTRAL = "#7f8792"
"""Grey for references, failed runs and everything that is not data."""


def category_colors(names: Sequence[Any]) -> dict[Any, str]:
    """One colour per name, in order; all of up to 42 names differ, the first fourteen for every reader."""
    base = (*_OKABE_ITO, *_FURTHER)
    return {
        name: _shaded(base[i % len(base)], _SHADES[i // len(base) % len(_SHADES)])
        for i, name in enumerate(names)
    }


def _shaded(color: str, factor: float) -> str:
    """A colour darker (below one) or lighter."""
    if factor == 1:
        return color
    parts = [int(color[k : k + 2], 16) for k in (1, 3, 5)]
    if factor < 1:
        return "#" + "".join(f"{round(c * factor):02x}" for c in parts)
    return "#" + "".join(f"{round(c + (255 - c) * (factor - 1)):02x}" for c in parts)


def ordered_colors(values: Sequence[Any]) -> dict[Any, str]:
    """One colour per value of an ordered quantity, dark for the first and light for the last."""
    ramp = matplotlib.colormaps["viridis"]
    last = max(len(values) - 1, 1)
    return {value: to_hex(ramp(0.08 + 0.74 * i / last)) for i, value in enumerate(values)}


def category_markers(names: Sequence[Any]) -> dict[Any, str]:
    """One Plotly marker per name, in order; markers repeat after six names."""
    markers = tuple(_MARKERS)
    return {name: markers[i % len(markers)] for i, name in enumerate(names)}


def matplotlib_marker(marker: str) -> str:
    """Matplotlib's letter for a marker of `category_markers`."""
    return _MARKERS[marker]
