"""At which settings is the law of kappa seen, for each architecture?"""

from collections.abc import Mapping
from typing import Any

_FEW: Mapping[str, Any] = {
    "num_points": 24,
    "seeds": 2,
}
_BRANCHED: Mapping[str, Any] = {
    **_FEW,
    "spreads": ("balanced", "ntk-like", "small-readout", "small-input", "small-hidden"),
}

DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "dense": {},
    "convolution": {**_FEW, "widths": (16, 32, 64)},
    "residual": {**_BRANCHED, "depth": 4, "widths": (64, 128, 256)},
    "residual-convolution": {**_BRANCHED, "depth": 3, "widths": (16, 32, 64)},
    "layer-norm": {**_FEW, "widths": (16, 32, 64)},
    "attention": {**_BRANCHED, "depth": 1, "widths": (32, 64, 128)},
}
"""Settings of a kappa study that differ from those of dense networks, by architecture; for its kappas
see `ladder_of`."""

HOMOGENEOUS = ("balanced", "ntk-like", "small-readout", "small-input", "random")
"""Spreads where the scale of a layer is a factor of the output."""

AT_READOUT = ("readout", "readout-small", "readout-large", "readout-random", "readout-random-2")
"""Spreads for activations that see the size of their pre-activations."""

_LADDERS: Mapping[str, tuple[float, ...]] = {
    "dense": (8.0, 32.0, 128.0, 256.0, 512.0, 1024.0),
    # Up to kappa = m the weights move most, beyond it the scales of the norms: both are shown, and
    # slopes, fitted at the largest kappas, are those of the norms.
    "layer-norm": (8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 1024.0, 2048.0, 4096.0, 8192.0),
    "attention": (32.0, 128.0, 256.0, 512.0, 1024.0, 2048.0),
}


def ladder_of(model: str) -> tuple[float, ...]:
    """Kappas of a study of this architecture up to one factor, which is chosen by forecasts."""
    return _LADDERS.get(model, (32.0, 64.0, 128.0, 256.0, 512.0, 1024.0))
