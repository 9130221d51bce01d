"""What do networks share that are drawn at a width from a scheme, whatever their architecture?"""

import abc
import functools
import math
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from lazyscope._checks import (
    InputError,
    check_array,
    check_count,
    check_instance,
)
from lazyscope._jax import own_settings, pinned_random
from lazyscope._types import Key, Params
from lazyscope.model._activation import Activation
from lazyscope.model._layer import Layer
from lazyscope.model._protocol import AbstractModel
from lazyscope.scaling import Scheme

_NODES = 80
_DEEPEST = 10**5


class AbstractNetwork(AbstractModel):
    """A network with a width m, whose layers are drawn with the scales of a scheme.

    A *layer* is a weight array that is drawn; a *group* is what moves and is measured together. Groups
    are the layers in order, then what is not drawn (the scale and shift of normalisations).

    Every layer has a scale ``alpha_l = layer_sizes[l] * std(entries of its weight)``, its gain as an
    operator on signals of the network. The initial scale kappa is a function of them such that outputs
    at the start have size ``kappa / sqrt(m)``, times a factor that depends on neither scales nor width.
    Group g has a leverage phi_g: a relative change of the group changes f by phi_g times itself, so that
    its share of the tangent kernel is of size ``(kappa phi_g / alpha_g)^2``. `docs/networks.md` derives
    all three for every architecture.
    """

    width: eqx.AbstractVar[int]

    @property
    @abc.abstractmethod
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shape of every drawn weight, (fan_out, fan_in) or (fan_out, channels, height, width)."""

    @property
    @abc.abstractmethod
    def layer_sizes(self) -> tuple[float, ...]:
        """alpha_l / std(entries of layer l), for every drawn layer."""

    @abc.abstractmethod
    def kappa(self, alpha: Float[ArrayLike, " layers"]) -> Any:
        """Initial scale, from the scales of the drawn layers."""

    @abc.abstractmethod
    def leverage(self, alpha: Float[ArrayLike, " layers"]) -> Float[np.ndarray, " groups"]:
        """phi_g of every group: relative change of f per relative change of the group."""

    def per_layer(self, name: str, values: Any) -> Any:
        """Return one real number for every drawn layer, or refuse them; they may be traced."""
        numbers = check_array(name, values, ndim=1)
        if len(numbers) != len(self.shapes):
            raise InputError(
                f"{name} must have one entry for each of the {len(self.shapes)} layers",
                received=f"{len(numbers)} entries",
                cause="numbers for a network of another depth or architecture",
                fix=f"give {len(self.shapes)} numbers",
            )
        return numbers

    def group_alpha(self, alpha: Float[ArrayLike, " layers"]) -> Float[np.ndarray, " groups"]:
        """Scales of all groups, those that are not drawn included."""
        return np.asarray(alpha, np.float64)

    @property
    def num_parameters(self) -> int:
        """Number of weights."""
        return sum(math.prod(shape) for shape in self.shapes)

    def alpha(self, weight_std: Float[ArrayLike, " layers"]) -> Float[np.ndarray, " layers"]:
        """Scales alpha_l of layers with these standard deviations."""
        return np.asarray(self.per_layer("weight_std", weight_std), np.float64) * self.layer_sizes

    def weight_std(self, alpha: Float[ArrayLike, " layers"]) -> Float[np.ndarray, " layers"]:
        """Standard deviations of the entries of layers with these scales."""
        return np.asarray(self.per_layer("alpha", alpha), np.float64) / self.layer_sizes

    def init(self, key: Key, scheme: Scheme, *, dtype: np.dtype | type = np.float64) -> Params:
        """Draw Gaussian weights at this width with the scales alpha_l of `scheme`.

        Args:
            key: random key. Every layer uses its own key.
            scheme: gives the scale of every layer; of the depth that has as many layers as the network.
            dtype: of the weights; without double precision enabled JAX turns float64 into float32.

        Raises:
            InputError: a scheme with another number of layers.
        """
        check_instance("scheme", scheme, Scheme)
        needed = len(self.shapes) - 1
        if scheme.depth != needed:
            raise InputError(
                "scheme and network must have the same number of layers",
                received=f"a scheme for {scheme.depth} hidden layers, a network with {needed}",
                cause="the scheme was made for another depth",
                fix=f"make the scheme with depth={needed}",
            )
        return self.init_from_std(key, self.weight_std(scheme.alpha(self.width)), dtype=dtype)

    def init_from_std(
        self,
        key: Key,
        weight_std: Sequence[float] | Float[ArrayLike, " layers"],
        *,
        dtype: np.dtype | type = np.float64,
    ) -> Params:
        """Draw Gaussian weights with the given standard deviation per layer (may be traced)."""
        dtype = jax.dtypes.canonicalize_dtype(dtype)
        stds = jnp.asarray(self.per_layer("weight_std", weight_std), dtype)
        with pinned_random():
            keys = jax.random.split(key, len(self.shapes))
            return tuple(
                Layer(stds[i] * jax.random.normal(keys[i], shape, dtype), None)
                for i, shape in enumerate(self.shapes)
            )


@functools.cache
def mean_square(sigma: Activation) -> float:
    """E sigma(z)^2 for a standard normal z: what an activation leaves of a squared norm.

    Exact for homogeneous activations, whatever the size of pre-activations; for others it is the value
    at pre-activations of size one.

    Example:
        >>> from lazyscope.model import activation
        >>> round(mean_square(activation("relu")), 12)
        0.5
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
    with own_settings():
        values = np.asarray(sigma(jnp.asarray(nodes)), np.float64)
    return float(weights @ values**2 / weights.sum())


def check_depth(depth: Any) -> int:
    """Return a number of hidden layers as an int, or refuse it."""
    return check_count("depth", depth, maximum=_DEEPEST)


def pooled(x: Float[Array, "n ... m"]) -> Float[Array, "n m"]:
    """Mean over all positions between the first and the last axis."""
    return x.reshape(x.shape[0], -1, x.shape[-1]).mean(axis=1)
