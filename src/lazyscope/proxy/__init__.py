"""What will a wide network do, as narrow ones of the same build say?"""

from lazyscope.proxy._answer import ArrayAnswer, NarrowProxy, Verification
from lazyscope.proxy._narrow_proxy import narrow_proxy
from lazyscope.proxy._stability import Stability, predict_stability
from lazyscope.proxy._stable_rate import largest_stable_rate
from lazyscope.proxy._training import Training

__all__ = [
    "ArrayAnswer",
    "NarrowProxy",
    "Stability",
    "Training",
    "Verification",
    "largest_stable_rate",
    "narrow_proxy",
    "predict_stability",
]
