"""What will a wide network do, as narrow ones of the same build say?"""

from lazyscope.proxy._answer import ArrayAnswer, NarrowProxy, Verification
from lazyscope.proxy._narrow_proxy import narrow_proxy
from lazyscope.proxy._training import Training

__all__ = ["ArrayAnswer", "NarrowProxy", "Training", "Verification", "narrow_proxy"]
