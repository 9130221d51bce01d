"""What does a network compute beyond what it computed at its start?"""

from typing import final

from jaxtyping import Array, Float

from lazyscope._checks import check_instance, check_tree
from lazyscope._types import Params
from lazyscope.model._protocol import AbstractModel


@final
class Centred(AbstractModel):
    """The network minus its own initial function: f(params, x) - f(initial, x).

    Training then starts from zero outputs, so that the initial residual is the target whatever the
    initial scale (Chizat, Oyallon & Bach 2019). Tangent kernel and gradients with respect to `params`
    are those of the inner network.

    Args:
        inner: the network.
        initial: the parameters whose function is subtracted; they are not trained.
    """

    inner: AbstractModel
    initial: Params

    def __check_init__(self) -> None:
        check_instance("inner", self.inner, AbstractModel)
        check_tree("initial", self.initial)

    @property
    def group_names(self) -> tuple[str, ...]:
        """Those of the inner network."""
        return self.inner.group_names

    def apply(self, params: Params, x: Float[Array, "n ..."]) -> Float[Array, "n C"]:
        """Outputs f(params, x) - f(initial, x)."""
        return self.inner.apply(params, x) - self.inner.apply(self.initial, x)
