"""At which settings is the law of kappa seen, for each architecture?"""

from collections.abc import Mapping
from typing import Any

_FEW: Mapping[str, Any] = {
    "num_points": 24,
    "seeds": 2,
    "kappas": (32.0, 64.0, 128.0, 256.0, 512.0, 1024.0),
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
    # Up to kappa = m the weights move most, beyond it the scales of the norms: both are shown, and
    # slopes, fitted at the largest kappas, are those of the norms.
    "layer-norm": {
        **_FEW,
        "widths": (16, 32, 64),
        "kappas": (8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 1024.0, 2048.0, 4096.0, 8192.0),
    },
    "attention": {
        **_BRANCHED,
        "depth": 1,
        "widths": (32, 64, 128),
        "kappas": (32.0, 128.0, 256.0, 512.0, 1024.0, 2048.0),
    },
}
"""Settings of a kappa study that differ from those of dense networks, by architecture."""
