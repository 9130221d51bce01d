"""Of which parts are networks composed that have a limit at infinite width?

A part says what it does, not of which size: sizes follow from the input and the width, see
`ComposedNetwork`. Hidden layers have as many units or channels as the network is wide.
"""

import abc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NoReturn, TypeAlias, final

from jaxtyping import Array

from lazyscope._checks import (
    InputError,
    check_callable,
    check_choice,
    check_count,
    check_fraction,
    check_not_negative,
    check_positive,
    shown,
)
from lazyscope._entry import checked
from lazyscope.model._activation import Activation, activation_of
from lazyscope.model._activation import activation as activation_named
from lazyscope.model.composed._window import Window, WindowPadding, window_of

Sizes: TypeAlias = int | Sequence[int]
"""One length, or one for each axis of positions."""


_WIDTH = (
    "hidden layers are as wide as their network, ComposedNetwork(parts, input_shape=(784,), width=512), "
    "and only the readout has a number of its own, dense(outputs=10)"
)
"""What those write who give every layer its size."""


class AbstractPart(abc.ABC):
    """A part of a composed network."""

    @property
    @abc.abstractmethod
    def words(self) -> str:
        """How messages call it."""

    def __iter__(self) -> NoReturn:
        """Refused: a part is one object, which neither holds several nor is taken apart.

        Raises:
            InputError: always, with what to write.
        """
        raise InputError(
            "a composition is one object",
            received=f"{self.words}, which was taken apart or given as a list",
            cause="a triple of functions as in another library, or a star before a part",
            fix="make network = ComposedNetwork(parts, input_shape=(8, 8, 1), width=64), which has "
            "init(key, network.ntk_scheme()) and apply(params, x); its kernel is "
            "network_tangent_kernel(network, x)",
        )


@final
@dataclass(frozen=True)
class Serial(AbstractPart):
    """Parts one after the other."""

    parts: tuple[AbstractPart, ...]

    @property
    def words(self) -> str:
        """Serial."""
        return "serial"


@final
@dataclass(frozen=True)
class FanOut(AbstractPart):
    """Branches that all receive the same signal, and what becomes of them."""

    branches: tuple[AbstractPart, ...]
    combine: Literal["sum", "concatenate"]
    multipliers: tuple[float, ...]

    @property
    def words(self) -> str:
        """By the function that made it."""
        is_residual = self.combine == "sum" and self.branches[0] == Serial(())
        return "residual" if is_residual and len(self.branches) == 2 else "fan_out"


@final
@dataclass(frozen=True)
class DensePart(AbstractPart):
    """W x + b at every position."""

    outputs: int | None
    weight_std: float
    bias_std: float

    @property
    def words(self) -> str:
        """Dense."""
        return "dense"


@final
@dataclass(frozen=True)
class ConvPart(AbstractPart):
    """W patch(x) + b at every position."""

    window: Window
    weight_std: float
    bias_std: float

    @property
    def words(self) -> str:
        """Convolution."""
        return "conv"


@final
@dataclass(frozen=True)
class ActivationPart(AbstractPart):
    """sigma, entry by entry."""

    sigma: Activation

    @property
    def words(self) -> str:
        """Activation."""
        return f"activation {self.sigma.name}"


@final
@dataclass(frozen=True)
class FlattenPart(AbstractPart):
    """Positions become channels."""

    @property
    def words(self) -> str:
        """Flatten."""
        return "flatten"


@final
@dataclass(frozen=True)
class PoolPart(AbstractPart):
    """Sum or mean over windows, or over all positions where there is no window."""

    window: Window | None
    mean: bool

    @property
    def words(self) -> str:
        """Kind of pooling."""
        return "global_avg_pool" if self.window is None else f"{'avg' if self.mean else 'sum'}_pool"


@final
@dataclass(frozen=True)
class LayerNormPart(AbstractPart):
    """Mean removed and divided by the standard deviation, over channels or over all of a point."""

    over: Literal["channels", "all"]
    epsilon: float

    @property
    def words(self) -> str:
        """Layer normalisation."""
        return "layer_norm"


@final
@dataclass(frozen=True)
class DropoutPart(AbstractPart):
    """Entries are kept with a probability, and divided by it; all are kept outside of training."""

    keep: float

    @property
    def words(self) -> str:
        """Dropout."""
        return "dropout"


@final
@dataclass(frozen=True)
class AttentionPart(AbstractPart):
    """Every position gathers the values of all positions."""

    scaling: Literal["linear", "root"]
    query_std: float
    key_std: float
    value_std: float
    output_std: float
    bias_std: float

    @property
    def words(self) -> str:
        """Attention."""
        return "global_self_attention"


def serial(*parts: AbstractPart) -> AbstractPart:
    """Parts one after the other.

    Raises:
        InputError: something that is no part.

    Example:
        >>> len(serial(dense(), activation("relu"), dense(outputs=1)).parts)
        3
    """
    return Serial(tuple(_part(each) for each in parts))


@checked(instead=_WIDTH)
def dense(
    *, outputs: int | None = None, weight_std: float = 1.0, bias_std: float = 0.0
) -> AbstractPart:
    """Z = W x + b at every position: hidden with m units, or the readout with `outputs`.

    Under the NTK parametrisation ``z = weight_std W x / sqrt(fan_in) + bias_std b`` with standard normal W
    and b. The bias is the weight of one more feature, of constant value ``bias_std sqrt(fan_in) /
    weight_std``, so that a scheme moves both alike.

    Args:
        outputs: number C of outputs, for the last part; None for m units.
        weight_std: standard deviation of the weights, times the root of the fan-in.
        bias_std: that of the biases; zero has none.

    Raises:
        InputError: a number of outputs below one, or standard deviations that are not positive.
    """
    count = None if outputs is None else check_count("outputs", outputs)
    return DensePart(count, check_positive("weight_std", weight_std), _bias(bias_std))


@checked(own=("kernel_shape", "strides", "padding"), instead=_WIDTH)
def conv(
    kernel_shape: Sizes,
    *,
    strides: Sizes | None = None,
    padding: WindowPadding = "SAME",
    weight_std: float = 1.0,
    bias_std: float = 0.0,
) -> AbstractPart:
    """z_p = W patch_p(x) + b with m channels, along as many axes as the kernel has.

    Under the NTK parametrisation the weights have the standard deviation ``weight_std / sqrt(fan_in)``
    with fan_in the channels times the positions of the kernel.

    Args:
        kernel_shape: (3, 3) for images, 3 for sequences, (3, 3, 3) for volumes.
        strides: distance of the positions that are left, along every axis or one for all; one unless
            given.
        padding: ``SAME`` (zeros around), ``VALID``, ``CIRCULAR``, or ``EVEN``: size // 2 zeros at either end,
            as in PyTorch.
        weight_std: as in `dense`.
        bias_std: as in `dense`.

    Raises:
        InputError: lengths below one, strides of another number of axes, an unknown padding.
    """
    window = window_of(kernel_shape, strides, padding)
    return ConvPart(window, check_positive("weight_std", weight_std), _bias(bias_std))


def activation(sigma: str | Activation | Callable[[Array], Array]) -> AbstractPart:
    """sigma, entry by entry: a name, an `Activation`, or a function of one JAX array.

    Raises:
        InputError: an unknown name, or something that is no function.
    """
    if isinstance(sigma, str):
        return ActivationPart(activation_named(sigma))
    if isinstance(sigma, Activation):
        return ActivationPart(sigma)
    check_callable("sigma", sigma)
    known = activation_of(sigma)
    if known is not None:
        return ActivationPart(known)
    name = getattr(sigma, "__name__", "given")
    return ActivationPart(
        Activation(name, sigma, homogeneous=False, smooth=False, slope_at_zero=None)
    )


def flatten() -> AbstractPart:
    """All positions side by side as channels: the covariance is the mean over positions."""
    return FlattenPart()


@checked(own=("window_shape", "strides", "padding"))
def avg_pool(
    window_shape: Sizes, *, strides: Sizes | None = None, padding: WindowPadding = "VALID"
) -> AbstractPart:
    """Means over windows; those that reach beyond the ends are divided by the whole window too.

    Args:
        window_shape: one length for each axis of positions.
        strides: distance of the windows; one unless given.
        padding: as in `conv`.

    Raises:
        InputError: as in `conv`.
    """
    return PoolPart(window_of(window_shape, strides, padding), mean=True)


@checked(own=("window_shape", "strides", "padding"))
def sum_pool(
    window_shape: Sizes, *, strides: Sizes | None = None, padding: WindowPadding = "VALID"
) -> AbstractPart:
    """Sums over windows; arguments as in `avg_pool`."""
    return PoolPart(window_of(window_shape, strides, padding), mean=False)


def global_avg_pool() -> AbstractPart:
    """The mean over all positions."""
    return PoolPart(None, mean=True)


@checked(own=("parts",))
def residual(*parts: AbstractPart, multiplier: float = 1.0) -> AbstractPart:
    """X + multiplier * (parts in a row)(x).

    Args:
        parts: the branch, which keeps the shape of what it receives.
        multiplier: of the branch.

    Raises:
        InputError: something that is no part, or a multiplier that is not positive.
    """
    branch = serial(*parts)
    return FanOut((Serial(()), branch), "sum", (1.0, check_positive("multiplier", multiplier)))


@checked(own=("branches",))
def fan_out(
    *branches: AbstractPart, combine: Literal["sum", "concatenate"] = "sum"
) -> AbstractPart:
    """Branches that receive the same signal; their outputs are added, or their channels put side by side.

    Args:
        branches: two or more; ``serial()`` is the signal itself.
        combine: ``sum`` or ``concatenate``.

    Raises:
        InputError: fewer than two branches, or an unknown way to combine them.
    """
    check_choice("combine", combine, ("sum", "concatenate"))
    if len(branches) < 2:
        raise InputError(
            "fan_out needs at least two branches",
            received=f"{len(branches)}",
            cause="branches given as one list",
            fix="give them one by one, fan_out(one, other); serial() is the signal itself",
        )
    return FanOut(tuple(_part(each) for each in branches), combine, (1.0,) * len(branches))


@checked(instead='over="all" normalises over positions as well')
def layer_norm(
    *, over: Literal["channels", "all"] = "channels", epsilon: float = 1e-12
) -> AbstractPart:
    """(x - mean) / sqrt(variance + epsilon), without parameters.

    Args:
        over: the channels of every position, or all channels and positions of a point.
        epsilon: added to the variance.

    Raises:
        InputError: an unknown choice, or a negative epsilon.
    """
    check_choice("over", over, ("channels", "all"))
    return LayerNormPart(over, check_not_negative("epsilon", epsilon))


@checked()
def dropout(keep: float) -> AbstractPart:
    """Entries kept with probability `keep` and divided by it, see `ComposedNetwork.with_dropout`.

    Raises:
        InputError: a probability that is not strictly between 0 and 1.
    """
    return DropoutPart(check_fraction("keep", keep))


@checked()
def global_self_attention(
    scaling: Literal["linear", "root"] = "linear",
    *,
    query_std: float | None = None,
    key_std: float = 1.0,
    value_std: float = 1.0,
    output_std: float = 1.0,
    bias_std: float = 0.0,
) -> AbstractPart:
    """Attention of every position to all of them.

    ``linear``: scores <W_K x_p, W_K x_q> / m (queries are the keys), through a softmax; one head, since
    scores do not fluctuate in the limit. ``root``: scores of independent queries and keys, divided by the
    root of their length, without a softmax, which has no closed limit; m heads of length one.

    Args:
        scaling: with which power of the length of keys scores are divided.
        query_std: for ``root``; as `key_std` unless given.
        key_std: standard deviation of the keys' weights, times the root of the fan-in.
        value_std: that of the values.
        output_std: that of the output.
        bias_std: that of the output's bias.

    Raises:
        InputError: standard deviations that are not positive, or queries beside tied keys.

    Reference: Hron, Bahri, Sohl-Dickstein & Novak 2020 (arXiv 2006.10540), sections 3 and 4.
    """
    check_choice("scaling", scaling, ("linear", "root"))
    if scaling == "linear" and query_std is not None:
        raise InputError(
            "queries are the keys where scores are divided by the length of keys",
            received=f"query_std={query_std!r} with scaling='linear'",
            cause="with independent queries such scores vanish in the limit",
            fix="leave query_std out, or use scaling='root'",
        )
    given = {
        "query_std": key_std if query_std is None else query_std,
        "key_std": key_std,
        "value_std": value_std,
        "output_std": output_std,
    }
    stds = {name: check_positive(name, value) for name, value in given.items()}
    return AttentionPart(scaling, **stds, bias_std=_bias(bias_std))


def max_pool(*sizes: Any, **settings: Any) -> NoReturn:
    """Refused: maxima over positions have no covariance in closed form.

    Raises:
        InputError: always, with the reason.
    """
    raise InputError(
        "max pooling has no limit kernel",
        received=f"max_pool({', '.join(map(shown, (*sizes, *settings)))})",
        cause="the covariance of maxima of correlated Gaussians has no closed form",
        fix="use avg_pool, or estimate the kernel from finite networks of growing width",
    )


def batch_norm(*given: Any, **settings: Any) -> NoReturn:
    """Refused: batch normalisation makes every output depend on all points.

    Raises:
        InputError: always, with the reason.
    """
    raise InputError(
        "batch normalisation has no limit kernel of pairs of points",
        received=f"batch_norm({', '.join(map(shown, (*given, *settings)))})",
        cause="an output depends on all points of its batch, and gradients grow without end in the depth",
        fix="use layer_norm",
    )


def _part(given: Any) -> AbstractPart:
    if not isinstance(given, AbstractPart):
        raise InputError(
            "networks are composed of parts",
            received=shown(given),
            cause="a layer of another library, a list of parts, or a part that was not called",
            fix="give parts one by one, such as serial(dense(), activation('relu'))",
        )
    return given


def _bias(bias_std: float) -> float:
    return check_not_negative("bias_std", bias_std)
