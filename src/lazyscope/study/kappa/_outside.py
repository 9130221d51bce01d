"""Which spreads leave the assumptions under which kappa alone decides?"""

from typing import TYPE_CHECKING

import numpy as np

from lazyscope.experiment import spread
from lazyscope.model import activation

if TYPE_CHECKING:
    from lazyscope.study.kappa._settings import KappaSettings

_NO_POWER = 1e-12


def outside(settings: "KappaSettings", name: str) -> str:
    """Why the law does not speak of this spread; empty where it does.

    With a positively homogeneous activation a scale is a factor of the output, whichever layer has it.
    Any other activation sees the size of its pre-activations: where it grows the units saturate, where it
    vanishes they are linear, and the normalised kernel changes with kappa or with the width.
    """
    if activation(settings.activation).homogeneous:
        return ""
    chosen = spread(name)
    if not chosen.at_readout:
        return (
            f"pre-activations grow with kappa, and {settings.activation} is not positively homogeneous, so "
            f"that the normalised kernel changes with kappa"
        )
    powers = np.cumsum(chosen.powers(settings.depth)[:-1])
    if np.abs(powers).max() > _NO_POWER:
        return f"pre-activations change with the width, which {settings.activation} sees"
    return ""
