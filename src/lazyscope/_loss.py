"""What does it cost that outputs are not the targets?"""

import abc
from typing import Any, final

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lazyscope._checks import InputError, check_choice
from lazyscope._types import Scalar

LOSSES = ("squared", "cross-entropy")
"""Losses that have a name."""

_WHOLE = 1e-9
"""Difference of a probability from zero or one that is rounding."""


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


@final
class CrossEntropy(AbstractLoss):
    """R = 1/n sum_i -sum_c p_ic log softmax(f_i)_c, or the logistic loss where there is one output.

    Targets of C > 1 outputs are probabilities p_i, such as one-hot rows, or those minus 1/C as data of
    classes have them. With one output p is the probability of the one class and 1 - p of the other,
    R = 1/n sum_i p_i log(1 + exp(-f_i)) + (1 - p_i) log(1 + exp(f_i)); targets -1 and 1 stand for 0
    and 1. Sums over further axes of outputs, means over n.

    Trust: to full relative precision in double precision, however small the loss. With targets that
    are not one class R stays above their entropy, and a fraction of the initial loss may not be reached.

    Example:
        >>> targets = jnp.asarray([[1.0, 0.0], [0.0, 1.0]])
        >>> round(CrossEntropy().value(jnp.zeros((2, 2)), targets).item(), 4)
        0.6931
    """

    def value(self, outputs: Float[Array, "n ... C"], targets: Float[Array, "n ... C"]) -> Scalar:
        """R, without the difference of two large numbers where the right class is sure."""
        wanted = _probabilities(targets)
        if outputs.shape[-1] == 1:
            right, wrong = jax.nn.softplus(-outputs), jax.nn.softplus(outputs)
            return jnp.sum(wanted * right + (1.0 - wanted) * wrong) / outputs.shape[0]
        ahead, _, rest = _softmax(outputs)
        return jnp.sum(wanted * (ahead + jnp.log1p(rest))) / outputs.shape[0]

    def gradient(
        self, outputs: Float[Array, "n ... C"], targets: Float[Array, "n ... C"]
    ) -> Float[Array, "n ... C"]:
        """(softmax(f) - p) / n."""
        wanted = _probabilities(targets)
        if outputs.shape[-1] == 1:
            right, wrong = jax.nn.sigmoid(-outputs), jax.nn.sigmoid(outputs)
            return ((1.0 - wanted) * wrong - wanted * right) / outputs.shape[0]
        ahead, is_first, rest = _softmax(outputs)
        others = jnp.exp(-ahead) / (1.0 + rest) - wanted
        first = (1.0 - wanted) - rest / (1.0 + rest)
        return jnp.where(is_first, first, others) / outputs.shape[0]

    def curvature(
        self,
        outputs: Float[Array, "n ... C"],
        targets: Float[Array, "n ... C"],
        direction: Float[Array, "n ... C"],
    ) -> Float[Array, "n ... C"]:
        """(diag(q) - q q^T) / n applied to a direction, q = softmax(f)."""
        if outputs.shape[-1] == 1:
            spread = jax.nn.sigmoid(outputs) * jax.nn.sigmoid(-outputs)
            return spread * direction / outputs.shape[0]
        ahead, is_first, rest = _softmax(outputs)
        q = jnp.exp(-ahead) / (1.0 + rest)
        apart = direction - jnp.sum(jnp.where(is_first, direction, 0.0), axis=-1, keepdims=True)
        return q * (apart - jnp.sum(q * apart, axis=-1, keepdims=True)) / outputs.shape[0]


def _probabilities(targets: Float[Array, "n ... C"]) -> Float[Array, "n ... C"]:
    """Targets as probabilities, in whichever of the forms that `check_targets` takes they came."""
    if targets.shape[-1] == 1:
        return jnp.maximum(targets, 0.0)
    given = targets + (1.0 - jnp.sum(targets, axis=-1, keepdims=True)) / targets.shape[-1]
    whole = jnp.round(given)
    return jnp.where(jnp.abs(given - whole) < _WHOLE, whole, given)


def _softmax(outputs: Float[Array, "n ... C"]) -> tuple[Array, Array, Array]:
    """How far the largest output is ahead of each, which one it is, and sum exp(-ahead) of the others."""
    classes = jnp.arange(outputs.shape[-1])
    is_first = classes == jnp.argmax(outputs, axis=-1, keepdims=True)
    first = jnp.sum(jnp.where(is_first, outputs, 0.0), axis=-1, keepdims=True)
    ahead = first - outputs
    rest = jnp.sum(jnp.where(is_first, 0.0, jnp.exp(-ahead)), axis=-1, keepdims=True)
    return ahead, is_first, rest


def are_probabilities(rows: np.ndarray, rounding: float = _WHOLE) -> bool:
    """Whether rows of several numbers are probabilities."""
    sums = rows.sum(axis=-1)
    return bool((np.abs(sums - 1) < rounding).all() and (rows > -rounding).all())


def no_classes(targets: np.ndarray, forms: str) -> InputError:
    """The refusal of targets that cross-entropy cannot be asked for, with the forms that they may have."""
    return InputError(
        f"targets of cross-entropy must be {forms}",
        received=f"numbers from {targets.min():g} to {targets.max():g}, shape {targets.shape}",
        cause="values of a regression, or classes written as other numbers",
        fix="choose targets that are classes, or the squared loss",
    )


def check_targets(loss: AbstractLoss, targets: Any) -> None:
    """Refuse known targets that a loss cannot be asked for."""
    if not isinstance(loss, CrossEntropy):
        return
    y = np.asarray(targets, np.float64)
    outputs = y.shape[-1]
    if outputs == 1:
        is_probability = ((y >= 0) & (y <= 1)).all()
        fits, forms = is_probability or (np.abs(y) == 1).all(), "-1 and 1, or probabilities"
    else:
        fits = are_probabilities(y) or are_probabilities(y + 1 / outputs)
        forms = f"probabilities of {outputs} classes, or those minus 1/{outputs}"
    if not fits:
        raise no_classes(y, forms)


def check_rows(
    name: str, targets: Any, wanted: tuple[int, ...], one_hot: str = "jax.nn.one_hot"
) -> None:
    """Refuse targets that are not one row for each point; labels of classes are told how to become rows.

    Args:
        name: of the argument.
        targets: anything with a shape and a type of numbers.
        wanted: shape of the outputs, (n, C).
        one_hot: the function of the user's library that makes rows of labels.
    """
    shape, points, outputs = tuple(targets.shape), wanted[0], wanted[-1]
    if shape == wanted and points:
        return
    is_whole = np.dtype(targets.dtype).kind in "biu"
    are_labels = is_whole and shape in ((points,), (points, 1)) and outputs > 1
    labels = name if len(shape) == 1 else f"{name}[:, 0]"
    raise InputError(
        f"{name} must be one row for each point and one column for each output",
        received=f"{'labels' if are_labels else 'targets'} of shape {shape} for {points} points and "
        f"{outputs} outputs",
        cause="labels of classes, as losses of classification take them"
        if are_labels
        else "a missing last axis, labels of classes, targets of other points, or points of other axes",
        fix=f"give the rows {one_hot}({labels}, {outputs})"
        if are_labels
        else f"give targets of shape {wanted}"
        + (f"; of labels, {one_hot}(labels, {outputs})" if outputs > 1 else ""),
    )


def check_squared(what: str, loss: AbstractLoss) -> None:
    """Refuse a loss under which residuals do not decay by the kernel alone."""
    if not isinstance(loss, SquaredLoss):
        raise InputError(
            f"{what} needs the squared loss",
            received=type(loss).__name__,
            cause="a problem with another loss, whose residuals do not decay by the tangent kernel alone",
            fix="train with GradientDescent(step_size=...) or OptimiserSteps(...), or with the squared loss",
        )


def named_loss(name: str) -> AbstractLoss:
    """The loss of a name.

    Example:
        >>> type(named_loss("cross-entropy")).__name__
        'CrossEntropy'
    """
    check_choice("loss", name, LOSSES)
    return SquaredLoss() if name == LOSSES[0] else CrossEntropy()


def loss_name(loss: AbstractLoss) -> str:
    """How records call a loss: by its name, or by the class of another."""
    names = {SquaredLoss: "squared", CrossEntropy: "cross-entropy"}
    return names.get(type(loss), type(loss).__name__)
