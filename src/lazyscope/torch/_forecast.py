"""What does initialization alone say about training a module: how far, how fast, how stable?"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from lazyscope._checks import InputError, check_fraction
from lazyscope._deprecated import renamed_argument
from lazyscope.forecast import Forecast
from lazyscope.kernel import Spectrum
from lazyscope.torch._question import call
from lazyscope.torch._targets import check_targets
from lazyscope.torch.kernel._kernel import MEMORY, Examples, Prepared, kernel_of, look, prepare
from lazyscope.torch.kernel._vjp import gradients
from lazyscope.torch.state._restore import state_restored
from lazyscope.torch.steps._double import double_inputs, in_double
from lazyscope.torch.steps._parameter_groups import Grouping, in_order_of_use, layer_in_words


@renamed_argument("at_fraction", "stop")
def forecast(
    module: torch.nn.Module,
    x: Examples,
    y: Float[np.ndarray, "n C"] | torch.Tensor,
    *,
    groups: Grouping = None,
    speeds: Mapping[str, float] | None = None,
    stop: float = 0.0,
    memory: float = MEMORY,
) -> Forecast:
    """Predict the training of a module from its initial parameters alone, in double precision.

    For the loss R = |f(x) - y|^2 / (2n) and gradient flow with speeds s_g (learning rate times steps is
    time). A module in single precision is converted in a copy.

    Args:
        module: as for `tangent_kernel`, at its initial parameters.
        x: training points (n, ...).
        y: targets (n, C), one-hot for classes.
        groups: as for `Observer`; see `parameter_groups` for the names they get.
        speeds: s_g by name of the group, 1 where not named.
        stop: predict displacements for training that stops at this fraction of the initial loss; 0
            trains to the end.
        memory: bytes allowed for intermediates of the kernel.

    Returns:
        The same `Forecast` as for networks in JAX: ``displacement`` has one entry for each of ``groups``, in
        the order of `parameter_groups`, ``change`` is a dictionary of arrays by parameter.

    Raises:
        InputError: all that `tangent_kernel` refuses; targets of another shape, a fraction outside [0, 1),
            speeds of unknown groups, a module that cannot be copied, a kernel that is zero.

    Cost: a kernel on n points, an eigendecomposition of n C x n C and one backward pass.
    Trust: exact for the linearised module. For the real one the error is the laziness to be measured.

    Example:
        >>> layer = torch.nn.Linear(1, 1, bias=False).double()
        >>> with torch.no_grad(): _ = layer.weight.fill_(1.0)
        >>> seen = forecast(layer, np.array([[3.0]]), np.array([[6.0]]))
        >>> seen.lambda_min, seen.displacement.tolist(), seen.change["weight"].tolist()
        (9.0, [1.0], [[1.0]])
    """
    if stop != 0.0:
        check_fraction("loss fraction", stop)
    prepared = look(in_double(module), double_inputs(x), None, memory)
    question = prepared.question
    names, numbers = in_order_of_use(question, prepared.sketch, groups)
    by_group = _speeds(speeds, names)
    targets = check_targets("y", y, question, prepared.sketch.num_outputs)
    assert targets is not None
    speed = [by_group[number] for number in numbers]
    kernel = kernel_of(prepared, speed)
    with state_restored(question.module):
        residual = (call(question.module, question.x1) - targets).detach().cpu().numpy()
    precision = prepared.sketch.working_type
    matrix = kernel.transpose(0, 2, 1, 3).reshape(residual.size, residual.size)
    spectrum = Spectrum.of(matrix, len(residual), precision)
    values = spectrum.computed
    if not values[-1] > 0:
        raise InputError(
            "a forecast needs a tangent kernel that is not zero",
            received=f"a largest eigenvalue of {values[-1]}",
            cause="all units are dead, or all speeds are zero",
            fix="use another seed, a larger scale, or speeds above zero",
        )
    coefficients = spectrum.vectors.T @ residual.reshape(-1)
    still = np.zeros(len(names))
    time = spectrum.time_to(coefficients**2, stop) if stop > 0 else np.inf
    pushed = spectrum.vectors @ (spectrum.impulse(time) * coefficients)
    change = _pulled_back(prepared, pushed.reshape(residual.shape), speed)
    start = [p.detach().cpu().numpy() for p in question.parameters]
    moved, size = (_group_norms(arrays, numbers) for arrays in ([*change.values()], start))
    with np.errstate(divide="ignore"):  # a group that starts at zero moves infinitely far
        relative = np.divide(moved, size, where=moved > 0, out=still)
    named = tuple(layer_in_words(question.module, name) for name in names)
    return _record(values, coefficients**2, change, relative, stop, len(residual), precision, named)


def parameter_groups(
    module: torch.nn.Module, x: Examples, groups: Grouping = None
) -> dict[str, tuple[str, ...]]:
    """Groups of parameters in the order in which the module uses them, with the names of their members.

    Args:
        module: as for `tangent_kernel`.
        x: a few examples.
        groups: as for `Observer`.

    Example:
        >>> module = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU(), torch.nn.Linear(3, 1))
        >>> parameter_groups(module, np.ones((2, 2)))
        {'0': ('0.weight', '0.bias'), '2': ('2.weight', '2.bias')}
    """
    prepared = prepare(module, x, None, MEMORY)
    names, numbers = in_order_of_use(prepared.question, prepared.sketch, groups)
    members = zip(prepared.question.names, numbers, strict=True)
    pairs = list(members)
    return {g: tuple(n for n, k in pairs if names[k] == g) for g in names}


def _record(*fields: Any) -> Forecast:
    """The record of the JAX side, filled with NumPy."""
    return Forecast(*fields)


def _group_norms(arrays: Sequence[Any], numbers: tuple[int, ...]) -> np.ndarray:
    squares = [float(np.sum(array**2)) for array in arrays]
    return np.sqrt(np.bincount(numbers, squares))


def _speeds(speeds: Mapping[str, float] | None, names: tuple[str, ...]) -> list[float]:
    given = speeds or {}
    unknown = [name for name in given if name not in names]
    bad = [name for name, s in given.items() if not (np.isfinite(s) and s >= 0)]
    if unknown or bad:
        name = (unknown or bad)[0]
        raise InputError(
            "speeds must be numbers of at least zero for groups that exist",
            received=f"{given[name]!r} for {name!r}",
            cause="a misspelt name, a name from another grouping, or a rate that diverged",
            fix=f"use names among {', '.join(names[:6])}{', ..' * (len(names) > 6)}",
        )
    return [float(given.get(name, 1.0)) for name in names]


def _pulled_back(prepared: Prepared, weights: np.ndarray, speed: list[float]) -> dict[str, Any]:
    """Predicted change of every parameter, -s J^T weights."""
    question = prepared.question
    size = prepared.plan.rows
    total = [np.zeros(tuple(p.shape)) for p in question.parameters]
    with state_restored(question.module):
        for k in range(0, len(weights), size):
            out = call(question.module, question.x1[k : k + size])
            signal = torch.as_tensor(weights[k : k + size], device=out.device)
            found = gradients(out, question.parameters, signal)
            del out  # its graph goes before the next forward pass
            total = [
                a - s * g.detach().cpu().numpy()
                for a, s, g in zip(total, speed, found, strict=True)
            ]
    return dict(zip(question.names, total, strict=True))
