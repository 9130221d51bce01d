"""Which nonlinearities does a network have, and what does theory need to know about each?"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from lazyscope._checks import InputError, check_choice
from lazyscope._entry import check_fields

LEAKY_SLOPE = 0.01
"""Slope of ``leaky_relu`` below zero (PyTorch's and JAX's default)."""


@final
@dataclass(frozen=True)
class Activation:
    """A nonlinearity sigma, applied entry by entry.

    Attributes:
        name: how schemes, sweeps and the command line call it.
        function: sigma itself.
        homogeneous: sigma(c u) = c sigma(u) for c > 0, so that layer scales only multiply outputs.
        smooth: infinitely differentiable, so that the exponential flow keeps its full order.
        slope_at_zero: sigma'(0), the slope of the linear network that vanishing pre-activations see;
            ``None`` where the derivative jumps at zero.
        kinks: where sigma or one of its first derivatives jumps, so that averages over it are taken piece
            by piece; ``None`` has them looked for. A smooth sigma has none.
        formula: sigma in words or symbols, for tables.
    """

    name: str
    function: Callable[[Array], Array]
    homogeneous: bool
    smooth: bool
    slope_at_zero: float | None
    kinks: tuple[float, ...] | None = None
    formula: str = ""

    def __post_init__(self) -> None:
        check_fields(self)
        if self.smooth and self.kinks:
            raise InputError(
                "a smooth activation has no kinks",
                received=f"kinks {self.kinks}",
                cause="smooth=True for a piecewise smooth function, or kinks of a derivative of high order",
                fix="give smooth=False, or leave kinks out",
            )
        if self.smooth:
            object.__setattr__(self, "kinks", ())

    def __call__(self, u: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        return self.function(u)

    def slope(self, u: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """sigma'(u), entry by entry; at a kink, the value that JAX's derivative takes."""
        return jax.jvp(self.function, (u,), (jnp.ones_like(u),))[1]


def activation(name: str) -> Activation:
    """The nonlinearity called `name`.

    Raises:
        InputError: `name` is not one of `activation_names`.

    Example:
        >>> activation("tanh").slope_at_zero
        1.0
    """
    return _BY_NAME[check_choice("activation", name, _BY_NAME)]


def activation_names() -> tuple[str, ...]:
    """Names that `activation` knows."""
    return tuple(_BY_NAME)


def _leaky_relu(u: Array) -> Array:
    return jnp.where(u > 0, u, LEAKY_SLOPE * u)


def _gelu(u: Array) -> Array:
    return jax.nn.gelu(u, approximate=False)


_BY_NAME = {
    entry.name: entry
    for entry in (
        Activation(
            "relu",
            jax.nn.relu,
            homogeneous=True,
            smooth=False,
            slope_at_zero=None,
            kinks=(0.0,),
            formula="max(u, 0)",
        ),
        Activation(
            "leaky_relu",
            _leaky_relu,
            homogeneous=True,
            smooth=False,
            slope_at_zero=None,
            kinks=(0.0,),
            formula="max(u, 0) + 0.01 min(u, 0)",
        ),
        Activation(
            "linear", lambda u: u, homogeneous=True, smooth=True, slope_at_zero=1.0, formula="u"
        ),
        Activation(
            "tanh", jnp.tanh, homogeneous=False, smooth=True, slope_at_zero=1.0, formula="tanh u"
        ),
        Activation(
            "erf",
            jax.scipy.special.erf,
            homogeneous=False,
            smooth=True,
            slope_at_zero=1.1283791670955126,
            formula="erf u",
        ),
        Activation(
            "gelu",
            _gelu,
            homogeneous=False,
            smooth=True,
            slope_at_zero=0.5,
            formula="u Phi(u), Phi the Gaussian distribution function",
        ),
        Activation(
            "softplus",
            jax.nn.softplus,
            homogeneous=False,
            smooth=True,
            slope_at_zero=0.5,
            formula="log(1 + e^u)",
        ),
        Activation(
            "sine", jnp.sin, homogeneous=False, smooth=True, slope_at_zero=1.0, formula="sin u"
        ),
        Activation(
            "xtanh",
            lambda u: u * jnp.tanh(u),
            homogeneous=False,
            smooth=True,
            slope_at_zero=0.0,
            formula="u tanh u",
        ),
    )
}
