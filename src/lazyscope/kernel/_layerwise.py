"""What is the tangent kernel of a dense network, layer by layer, from Gram matrices alone?"""

from collections.abc import Iterator

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from lazyscope.kernel._protocol import AbstractExpansion, AbstractTangentKernel
from lazyscope.model import Dense, Layer, affine


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

    def by_group(
        self,
        params: tuple[Layer, ...],
        x1: Float[Array, "n1 d"],
        x2: Float[Array, "n2 d"] | None = None,
    ) -> Float[Array, "layers n1 n2 C C"]:
        """K_l for every layer l = 1..L+1."""
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
        return _weighted_sum(speeds, self._shares(params, x1, x2))

    def expand(self, params: tuple[Layer, ...], x: Float[Array, "n d"]) -> "LayerwiseExpansion":
        """The network to first order around `params`, on the points `x`."""
        sigma = self.model.activation
        scale = jnp.asarray(self.model.output_scale, x.dtype)
        inputs, slopes = [x], []
        for layer in params[:-1]:
            pre = affine(layer, inputs[-1])
            inputs.append(sigma(pre))
            slopes.append(sigma.slope(pre))
        values = scale * affine(params[-1], inputs[-1])
        signals = _signals(params, slopes, scale * jnp.eye(self.model.output_dim, dtype=x.dtype))
        return LayerwiseExpansion(values, tuple(inputs), signals, self.model.use_bias)

    def _shares(
        self, params: tuple[Layer, ...], x1: Array, x2: Array | None
    ) -> Iterator[Float[Array, "n1 n2 C C"]]:
        left = self.expand(params, x1)
        return _shares(left, left if x2 is None else self.expand(params, x2))


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
    def outputs(self) -> Float[Array, "n C"]:
        """f(x) at the parameters."""
        return self.values

    def kernel(self, speeds: Float[Array, " layers"]) -> Float[Array, "n n C C"]:
        """sum_l s_l K_l."""
        return _weighted_sum(speeds, _shares(self, self))

    def mean_kernel(self, speeds: Float[Array, " layers"]) -> Float[Array, "n n"]:
        """(1/C) sum_c sum_l s_l K_l[:, :, c, c], without the blocks between different outputs."""
        return _weighted_sum(speeds, _mean_shares(self))

    def pull_back(self, cotangent: Float[Array, "n C"]) -> tuple[Layer, ...]:
        """sum_ic cotangent_ic d f_c(x_i) / d theta as layers."""
        return tuple(self._pull_back_layer(cotangent, layer) for layer in range(len(self.inputs)))

    def _pull_back_layer(self, cotangent: Float[Array, "n C"], layer: int) -> Layer:
        signal = jnp.sum(cotangent.T[:, :, None] * self.signals[layer], axis=0)
        return Layer(signal.T @ self.inputs[layer], signal.sum(0) if self.use_bias else None)


def _signals(
    params: tuple[Layer, ...], slopes: list[Float[Array, "n m"]], readout: Float[Array, "C C"]
) -> tuple[Float[Array, "C n fan_out"], ...]:
    """delta[L+1] = `readout`, delta[l] = (W[l+1]^T delta[l+1]) * sigma'(pre-activation of l)."""
    num_points = slopes[0].shape[0]
    signal = jnp.broadcast_to(readout[:, None, :], (readout.shape[0], num_points, readout.shape[1]))
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
        mean_gram = sum(each @ each.T for each in signal) / signal.shape[0]
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
