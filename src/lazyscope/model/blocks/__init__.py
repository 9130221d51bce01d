"""What are networks made of? Each part knows what it draws, what it computes, and what it does to scales."""

from lazyscope.model.blocks._attend import Attend, Places
from lazyscope.model.blocks._block import AbstractBlock, AbstractFixedLinear, Drawn, mean_square
from lazyscope.model.blocks._convolve import Convolve, Pool, Reshape
from lazyscope.model.blocks._dense import Activate, Linear, Scale
from lazyscope.model.blocks._layer import Layer, affine
from lazyscope.model.blocks._norm import Norm, Normalise
from lazyscope.model.blocks._skip import Skip

__all__ = [
    "AbstractBlock",
    "AbstractFixedLinear",
    "Activate",
    "Attend",
    "Convolve",
    "Drawn",
    "Layer",
    "Linear",
    "Norm",
    "Normalise",
    "Places",
    "Pool",
    "Reshape",
    "Scale",
    "Skip",
    "affine",
    "mean_square",
]
