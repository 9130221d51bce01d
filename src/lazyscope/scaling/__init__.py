"""What does a parametrisation say before any network is drawn?

A `Scheme` holds the scale and the speed of every layer as functions of the width. From its
exponents alone follow kappa, the displacement of every layer and the regime.
"""

from lazyscope.scaling._catalogue import named_scheme, scheme_names, scheme_parameters
from lazyscope.scaling._law import FanAverageLaw, Law, PowerLaw, ValueAtWidth
from lazyscope.scaling._scheme import Scheme

__all__ = [
    "FanAverageLaw",
    "Law",
    "PowerLaw",
    "Scheme",
    "ValueAtWidth",
    "named_scheme",
    "scheme_names",
    "scheme_parameters",
]
