"""Which nonlinearities does a network have, and what does theory need to know about each?"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lazyscope._checks import InputError, check_choice
from lazyscope._entry import check_fields

_NODES, _SHORT = 6, 0.5

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

    def difference(
        self, u: Float[Array, "*shape"], du: Float[Array, "*shape"]
    ) -> Float[Array, "*shape"]:
        """sigma(u + du) - sigma(u), entry by entry, to rounding relative to itself."""
        end = u + du
        apart = self(end) - self(u)
        if self.homogeneous:
            # On one side of zero sigma is linear; across it nothing cancels.
            return jnp.where((u > 0) == (end > 0), self.slope(u) * du, apart)
        near = jnp.where(jnp.abs(du) <= _SHORT, du, 0.0)
        nodes, weights = (part.tolist() for part in gauss_legendre())
        mean = sum(w * self.slope(u + t * near) for t, w in zip(nodes, weights, strict=True))
        straight = (jnp.abs(du) <= _SHORT) & (self.kinks is not None)
        for kink in self.kinks or ():
            straight &= (u > kink) == (end > kink)
        return jnp.where(straight, mean * near, apart)

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Activations of the library travel by their names: functions of JAX do not pickle."""
        if _BY_NAME.get(self.name) == self:
            return activation, (self.name,)
        return super().__reduce_ex__(protocol)


def gauss_legendre() -> tuple[np.ndarray, np.ndarray]:
    """Six nodes and weights on [0, 1]: to rounding for smooth activations over a length of one half."""
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    return (nodes + 1.0) / 2.0, weights / 2.0


def activation(name: str) -> Activation:
    """The nonlinearity called `name`.

    Raises:
        InputError: `name` is not one of `activation_names`.

    Example:
        >>> activation("tanh").slope_at_zero
        1.0
    """
    return _BY_NAME[check_choice("activation", name, _BY_NAME)]


def activation_of(function: Any) -> Activation | None:
    """The activation of the library with this function; None for any other.

    Example:
        >>> activation_of(jnp.tanh).name
        'tanh'
    """
    return next((entry for entry in _BY_NAME.values() if entry.function is function), None)


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
