"""What is the tangent kernel of a dense network, layer by layer, from Gram matrices alone?"""

from collections.abc import Callable, Iterator
from typing import Any, final

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lazyscope._checks import check_instance
from lazyscope._jax import is_double, own_settings
from lazyscope.kernel._protocol import AbstractExpansion, AbstractGradient, AbstractTangentKernel
from lazyscope.model import Dense, Layer, affine, check_kernel_memory, sum_of_outer_products


@final
class LayerwiseKernel(AbstractTangentKernel):
    """Tangent kernel of a `Dense` network: a Gram matrix of signals times one of activations.

    Definition, with x[l-1] the input of layer l and delta[l] = d f / d(pre-activation of layer l)::

        K_l(x, x') = <delta[l](x), delta[l](x')> * (<x[l-1](x), x[l-1](x')> + [bias])

    No Jacobian is formed. All parameters count with unit weight; speeds are applied on summing.

    Args:
        model: the network.

    Cost: per layer two Gram products, n1 n2 m (1 + C^2) multiply-adds, and n C L m numbers of memory.
    Trust: exact to rounding. Source: Jacot, Gabriel & Hongler 2018; the split by layers is elementary.

    Example:
        >>> model = Dense(1, 1, width=1, depth=1, activation="linear")
        >>> layers = (Layer(jnp.full((1, 1), 2.0), None), Layer(jnp.full((1, 1), 3.0), None))
        >>> LayerwiseKernel(model).by_group(layers, jnp.ones((1, 1))).ravel().tolist()
        [9.0, 4.0]
    """

    model: Dense

    def __check_init__(self) -> None:
        check_instance("model", self.model, Dense)

    def by_group(
        self,
        params: tuple[Layer, ...],
        x1: Float[Array, "n1 d"],
        x2: Float[Array, "n2 d"] | None = None,
    ) -> Float[Array, "layers n1 n2 C C"]:
        """K_l for every layer l = 1..L+1."""
        self._check_result(x1, x2, self.model.depth + 1)
        with own_settings(double=is_double((params, x1, x2))):
            return jnp.stack(list(self._shares(params, x1, x2)))

    def summed(
        self,
        params: tuple[Layer, ...],
        x1: Float[Array, "n1 d"],
        x2: Float[Array, "n2 d"] | None = None,
        *,
        speeds: Float[Array, " layers"],
    ) -> Float[Array, "n1 n2 C C"]:
        """sum_l s_l K_l, added up layer by layer so that only one share is held at a time."""
        self._check_result(x1, x2, 1)
        with own_settings(double=is_double((params, x1, x2))):
            return _weighted_sum(speeds, self._shares(params, x1, x2))

    def expand(self, params: tuple[Layer, ...], x: Float[Array, "n ..."]) -> "LayerwiseExpansion":
        """The network to first order around `params`, on the points `x`."""
        values, inputs, slopes = self._forward(params, x)
        outputs = jnp.eye(values.shape[1], dtype=x.dtype)[:, None, :]
        readout = self._scale(x) * jnp.broadcast_to(outputs, (values.shape[1], *values.shape))
        signals = _signals(params, slopes, readout)
        return LayerwiseExpansion(values, inputs, signals, self.model.use_bias)

    def gradient_at(
        self,
        params: tuple[Layer, ...],
        x: Float[Array, "n ..."],
        cotangent_of: Callable[[Float[Array, "n C"]], Float[Array, "n C"]],
    ) -> "LayerwiseGradient":
        """One forward and one backward pass, whatever the number of outputs."""
        values, inputs, slopes = self._forward(params, x)
        signals = _signals(params, slopes, self._scale(x) * cotangent_of(values))
        return LayerwiseGradient(inputs, signals, self.model.use_bias)

    def _check_result(self, x1: Array, x2: Array | None, count: int) -> None:
        n1, n2, c = len(x1), len(x1 if x2 is None else x2), self.model.output_dim
        check_kernel_memory(
            count * n1 * n2 * c * c * np.dtype(x1.dtype).itemsize,
            what=f"{count} kernels of {n1} x {n2} points and {c} x {c} outputs",
        )

    def _scale(self, x: Array) -> Float[Array, ""]:
        return jnp.asarray(self.model.output_scale, x.dtype)

    def _forward(
        self, params: tuple[Layer, ...], x: Float[Array, "n ..."]
    ) -> tuple[Array, tuple[Any, ...], list[Array]]:
        """Outputs, inputs of every layer, the points as given first, and slopes of every hidden layer."""
        sigma = self.model.activation
        inputs, slopes = [x], []
        for layer in params[:-1]:
            pre = affine(layer, inputs[-1])
            inputs.append(sigma(pre))
            slopes.append(sigma.slope(pre))
        return self._scale(x) * affine(params[-1], inputs[-1]), tuple(inputs), slopes

    def _shares(
        self, params: tuple[Layer, ...], x1: Array, x2: Array | None
    ) -> Iterator[Float[Array, "n1 n2 C C"]]:
        left = self.expand(params, x1)
        return _shares(left, left if x2 is None else self.expand(params, x2))


@final
class LayerwiseExpansion(AbstractExpansion):
    """Inputs x[l-1] and signals delta[l] of every layer of a dense network.

    Attributes:
        values: outputs f(x).
        inputs: x[l-1] for every layer.
        signals: delta[l] for every layer, one per output; the readout's is output_scale times the
            identity over outputs.
        use_bias: whether layers have a bias, which adds one to the inputs' Gram matrix.
    """

    values: Float[Array, "n C"]
    inputs: tuple[Float[Array, "n fan_in"], ...]
    signals: tuple[Float[Array, "C n fan_out"], ...]
    use_bias: bool = eqx.field(static=True)

    @property
    def outputs(self) -> Float[Array, "n ... C"]:
        """f(x) at the parameters."""
        return self.values

    def kernel(self, speeds: Float[Array, " layers"]) -> Float[Array, "n n C C"]:
        """sum_l s_l K_l."""
        return _weighted_sum(speeds, _shares(self, self))

    def mean_kernel(self, speeds: Float[Array, " layers"]) -> Float[Array, "n n"]:
        """(1/C) sum_c sum_l s_l K_l[:, :, c, c], without the blocks between different outputs."""
        return _weighted_sum(speeds, _mean_shares(self))

    def gradient(self, cotangent: Float[Array, "n C"]) -> "LayerwiseGradient":
        """sum_ic cotangent_ic d f_c(x_i) / d theta, as signals and inputs."""
        signals = (jnp.sum(cotangent.T[:, :, None] * each, axis=0) for each in self.signals)
        return LayerwiseGradient(self.inputs, tuple(signals), self.use_bias)


@final
class LayerwiseGradient(AbstractGradient):
    """A gradient as a sum of outer products, sum_k signal_k input_k^T for every layer.

    Attributes:
        inputs: one row per product, for every layer.
        signals: one row per product, for every layer.
        use_bias: whether layers have a bias, whose gradient is the sum of the signals.
    """

    inputs: tuple[Float[Array, "k fan_in"], ...]
    signals: tuple[Float[Array, "k fan_out"], ...]
    use_bias: bool = eqx.field(static=True)

    def plus(self, other: "LayerwiseGradient") -> "LayerwiseGradient":
        """The products of both."""
        return LayerwiseGradient(
            _stacked(self.inputs, other.inputs),
            _stacked(self.signals, other.signals),
            self.use_bias,
        )

    @property
    def is_small(self) -> bool:
        """Whether no layer is larger than its rows."""
        return all(self._is_small(layer) for layer in range(len(self.inputs)))

    def norms(self) -> Float[Array, " layers"]:
        """Frobenius norms; from Gram matrices where a layer is larger than its rows.

        Then |sum_k signal_k input_k^T|^2 = sum_kj <signal_k, signal_j> <input_k, input_j>, which loses
        what cancels: the norm is exact to the square root of rounding, relative to its largest part.
        """
        return jnp.stack([self._norm(layer) for layer in range(len(self.inputs))])

    def as_params(self) -> tuple[Layer, ...]:
        """The gradient as layers."""
        return tuple(
            Layer(sum_of_outer_products(signal, rows), signal.sum(0) if self.use_bias else None)
            for signal, rows in zip(self.signals, self.inputs, strict=True)
        )

    def _norm(self, layer: int) -> Float[Array, ""]:
        rows, signal = self.inputs[layer], self.signals[layer]
        if self._is_small(layer):
            squares = jnp.sum(sum_of_outer_products(signal, rows) ** 2)
        else:
            squares = jnp.maximum(jnp.sum((signal @ signal.T) * (rows @ rows.T)), 0.0)
        if self.use_bias:
            squares = squares + jnp.sum(signal.sum(0) ** 2)
        return jnp.sqrt(squares)

    def _is_small(self, layer: int) -> bool:
        num, fan_in, fan_out = *self.inputs[layer].shape, self.signals[layer].shape[1]
        return fan_in * fan_out <= num * (fan_in + fan_out)


def _stacked(left: tuple[Array, ...], right: tuple[Array, ...]) -> tuple[Array, ...]:
    return tuple(jnp.concatenate(pair) for pair in zip(left, right, strict=True))


def _signals(
    params: tuple[Layer, ...],
    slopes: list[Float[Array, "... n m"]],
    signal: Float[Array, "... n C"],
) -> tuple[Float[Array, "... n fan_out"], ...]:
    """delta[L+1] = `signal`, delta[l] = (W[l+1]^T delta[l+1]) * sigma'(pre-activation of l)."""
    signals = [signal]
    for layer, slope in zip(reversed(params[1:]), reversed(slopes), strict=True):
        signal = (signal @ layer.weight) * slope
        signals.append(signal)
    return tuple(reversed(signals))


def _shares(
    left: LayerwiseExpansion, right: LayerwiseExpansion
) -> Iterator[Float[Array, "n1 n2 C C"]]:
    for layer in range(len(left.inputs)):
        num_out, n1, fan_out = left.signals[layer].shape
        n2 = right.signals[layer].shape[1]
        flat1 = left.signals[layer].reshape(num_out * n1, fan_out)
        flat2 = right.signals[layer].reshape(num_out * n2, fan_out)
        signal_gram = (flat1 @ flat2.T).reshape(num_out, n1, num_out, n2).transpose(1, 3, 0, 2)
        yield _input_gram(left, right, layer)[:, :, None, None] * signal_gram


def _mean_shares(expansion: LayerwiseExpansion) -> Iterator[Float[Array, "n n"]]:
    for layer, signal in enumerate(expansion.signals):
        # One product over outputs and units: a program of one per output takes C times as long to make.
        mean_gram = jnp.einsum("cik,cjk->ij", signal, signal) / signal.shape[0]
        yield _input_gram(expansion, expansion, layer) * mean_gram


def _input_gram(
    left: LayerwiseExpansion, right: LayerwiseExpansion, layer: int
) -> Float[Array, "n1 n2"]:
    gram = left.inputs[layer] @ right.inputs[layer].T
    return gram + 1.0 if left.use_bias else gram


def _weighted_sum(speeds: Float[Array, " layers"], shares: Iterator[Array]) -> Array:
    total = speeds[0] * next(shares)
    for speed, share in zip(speeds[1:], shares, strict=True):
        total = total + speed * share
    return total
