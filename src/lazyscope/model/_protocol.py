"""What must a network offer so that every other room can work with it?"""

import abc

import equinox as eqx
from jaxtyping import Array, Float

from lazyscope._types import Params


class AbstractModel(eqx.Module):
    """A network as a pure function of its parameters.

    The top level of the parameter pytree is a sequence of *groups* (the layers of a dense net). Each
    group has one speed, one displacement and one share of the tangent kernel.
    """

    @abc.abstractmethod
    def apply(self, params: Params, x: Float[Array, "n ..."]) -> Float[Array, "n C"]:
        """Outputs f(x) at `params`, one row per point; rows do not depend on each other."""

    @property
    @abc.abstractmethod
    def group_names(self) -> tuple[str, ...]:
        """One name for each group of parameters, in the order of the parameter tuple."""
