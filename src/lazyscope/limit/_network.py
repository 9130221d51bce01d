"""Which infinitely wide network is meant?

Pre-activations are z[l] = weight_std_l W[l] x[l-1] / sqrt(fan_in) + bias_std_l b[l] with standard
normal W and b (the NTK parametrisation), l = 1..L+1; the last layer is the readout.
"""

import inspect
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Required, TypeAlias, TypedDict, TypeVar, final

import numpy as np
from jaxtyping import Array, ArrayLike, Real

from lazyscope._checks import InputError, check_choice, check_count, check_finite, shown
from lazyscope._entry import checked
from lazyscope._jax import known_array
from lazyscope.limit.dual._closed_forms import CLOSED
from lazyscope.limit.dual._dual import AbstractDual
from lazyscope.limit.dual._piecewise_smooth import PiecewiseSmooth
from lazyscope.limit.dual._quadrature import FunctionDual
from lazyscope.model import Activation, activation_names, activation_of
from lazyscope.model import activation as named_activation

Stds: TypeAlias = float | Sequence[float] | Real[ArrayLike, "_"]
"""Standard deviations: one for all layers, or one for each."""

Nonlinearity: TypeAlias = str | Activation | PiecewiseSmooth | Callable[[Array], Array]
"""A name, an `Activation`, a function of one JAX array, or a function with its kinks."""

Asking = TypeVar("Asking", bound=Callable[..., Any])


@final
class NetworkArguments(TypedDict, total=False):
    """By what users say which network they mean; defaults are those of `limit_network`."""

    depth: Required[int]
    activation: Required[Nonlinearity]
    weight_std: Stds
    bias_std: Stds
    readout_weight_std: float | None
    readout_bias_std: float | None


class LimitNetwork(NamedTuple):
    """Depth, nonlinearity and the L+1 standard deviations of weights and biases."""

    dual: AbstractDual
    weight_stds: np.ndarray
    bias_stds: np.ndarray

    @property
    def depth(self) -> int:
        """Number of hidden layers L."""
        return len(self.weight_stds) - 1


@checked(
    own=(
        "depth",
        "activation",
        *(f"{r}{n}" for r in ("", "readout_") for n in ("weight_std", "bias_std")),
    ),
    instead="for example limit_tangent_kernel(x, depth=3, activation='relu', weight_std=2**0.5)",
)
def limit_network(
    *,
    depth: int,
    activation: Nonlinearity,
    weight_std: Stds = 1.0,
    bias_std: Stds = 0.0,
    readout_weight_std: float | None = None,
    readout_bias_std: float | None = None,
) -> LimitNetwork:
    """The network described by the `NetworkArguments` of the public functions, or a refusal."""
    depth = check_count(
        "depth",
        depth,
        cause="a linear model, or layers counted without the hidden ones",
        fix="give the number of hidden layers, at least 1",
    )
    return LimitNetwork(
        limit_dual(activation),
        _layer_stds("weight_std", depth, weight_std, readout_weight_std),
        _layer_stds("bias_std", depth, bias_std, readout_bias_std),
    )


def showing_network(function: Asking) -> Asking:
    """The function, whose signature says the arguments of `limit_network` in place of ``**network``."""
    shown = inspect.signature(function)
    own = list(shown.parameters.values())[:-1]
    described = inspect.signature(limit_network).parameters.values()
    parameters = sorted([*own, *described], key=lambda parameter: parameter.kind)
    names = [parameter.name for parameter in parameters]
    annotated = limit_network.__annotations__ | function.__annotations__
    function.__annotations__ = {name: annotated[name] for name in (*names, "return")}
    function.__signature__ = shown.replace(parameters=parameters)  # pyright: ignore[reportFunctionMemberAccess]
    return function


def limit_dual(activation: Nonlinearity) -> AbstractDual:
    """Gaussian averages of `activation`: in closed form where known, else by quadrature."""
    if isinstance(activation, str):
        check_choice("activation", activation, {*CLOSED, *activation_names()})
        if activation in CLOSED:
            return CLOSED[activation]
        activation = named_activation(activation)
    if isinstance(activation, Activation):
        if activation.name in CLOSED and activation == _library_activation(activation.name):
            return CLOSED[activation.name]
        activation = PiecewiseSmooth(activation.function, activation.kinks)
    if isinstance(activation, PiecewiseSmooth):
        return FunctionDual(activation)
    if callable(activation):
        known = activation_of(activation)
        return FunctionDual(PiecewiseSmooth(activation)) if known is None else limit_dual(known)
    raise InputError(
        "activation must be a name, an Activation or a function",
        received=shown(activation),
        cause="the value of a function instead of the function",
        fix="give a name such as 'relu' or a function of one JAX array such as jax.nn.elu",
    )


def _library_activation(name: str) -> Any:
    return named_activation(name) if name in activation_names() else None


def _layer_stds(name: str, depth: int, hidden: Stds, readout: float | None) -> np.ndarray:
    """L+1 standard deviations from one number or one number for each layer."""
    given = {name: hidden} if readout is None else {name: hidden, f"readout_{name}": readout}
    for which, value in given.items():
        if known_array(which, value, finite=False).dtype.kind == "b":
            raise InputError(
                f"{which} must be a number",
                received=repr(value),
                cause="a switch where a standard deviation belongs",
                fix="give a number, 0.0 for none",
            )
    if np.ndim(hidden) == 0:
        values = [hidden] * (depth + 1)
    else:
        values = list(np.asarray(hidden).tolist())
        expected = depth + (readout is None)
        if len(values) != expected:
            raise InputError(
                f"{name} as a sequence must have one number for each of {expected} layers",
                received=f"{len(values)} numbers",
                cause=f"the readout counted {'out' if readout is None else 'twice'}",
                fix=f"give {depth} numbers and readout_{name}, or {depth + 1} numbers without it",
            )
        values = [*values[:depth], values[-1]]
    if readout is not None:
        values[depth] = readout
    for value in values:
        if check_finite(name, value) < 0:
            raise InputError(
                f"{name} must not be negative",
                received=repr(value),
                cause="a logarithm or a sign passed instead of the standard deviation",
                fix="give standard deviations of zero or more",
            )
    return np.asarray(values, dtype=np.float64)
