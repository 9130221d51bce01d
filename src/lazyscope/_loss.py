"""What does it cost that outputs are not the targets?"""

import abc
from typing import final

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from lazyscope._checks import InputError
from lazyscope._types import Scalar


class AbstractLoss(eqx.Module):
    """A loss R as a function of the outputs f of a network on n points, for given targets.

    Everything else about training follows from it and from the tangent kernel K: gradient flow moves
    outputs by f' = -K dR/df. A loss of your own is one subclass; numbers in it are fields. All three
    are traced, and take outputs of any shape (n, ..., C) with n points in front, over which R is a mean.

    Example:
        >>> SquaredLoss().value(jnp.ones((4, 1)), jnp.zeros((4, 1))).item()
        0.5
    """

    @abc.abstractmethod
    def value(self, outputs: Float[Array, "n ... C"], targets: Float[Array, "n ... C"]) -> Scalar:
        """R."""

    @abc.abstractmethod
    def gradient(
        self, outputs: Float[Array, "n ... C"], targets: Float[Array, "n ... C"]
    ) -> Float[Array, "n ... C"]:
        """dR/df, the mean over points included."""

    @abc.abstractmethod
    def curvature(
        self,
        outputs: Float[Array, "n ... C"],
        targets: Float[Array, "n ... C"],
        direction: Float[Array, "n ... C"],
    ) -> Float[Array, "n ... C"]:
        """d^2R/df^2 applied to a direction, the mean over points included."""


@final
class SquaredLoss(AbstractLoss):
    """R = 1/(2n) sum_i |f(x_i) - y_i|^2, summed over outputs, so that r = f - y follows r' = -(1/n) K r."""

    def value(self, outputs: Float[Array, "n ... C"], targets: Float[Array, "n ... C"]) -> Scalar:
        """|r|^2 / (2n)."""
        return jnp.sum((outputs - targets) ** 2) / (2 * outputs.shape[0])

    def gradient(
        self, outputs: Float[Array, "n ... C"], targets: Float[Array, "n ... C"]
    ) -> Float[Array, "n ... C"]:
        """The residual r / n."""
        return (outputs - targets) / outputs.shape[0]

    def curvature(
        self,
        outputs: Float[Array, "n ... C"],
        targets: Float[Array, "n ... C"],
        direction: Float[Array, "n ... C"],
    ) -> Float[Array, "n ... C"]:
        """The direction / n, whatever outputs and targets."""
        return direction / outputs.shape[0]


def check_squared(what: str, loss: AbstractLoss) -> None:
    """Refuse a loss under which residuals do not decay by the kernel alone."""
    if not isinstance(loss, SquaredLoss):
        raise InputError(
            f"{what} needs the squared loss",
            received=type(loss).__name__,
            cause="a problem with another loss, whose residuals do not decay by the tangent kernel alone",
            fix="train with GradientDescent(step_size=...), or make the problem without a loss of its own",
        )


def loss_name(loss: AbstractLoss) -> str:
    """How records call a loss: ``squared``, or the class of another."""
    return "squared" if isinstance(loss, SquaredLoss) else type(loss).__name__
