"""What do the first steps of descent do to every parameter of one module?"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from lazyscope._checks import InputError
from lazyscope.torch._question import call
from lazyscope.torch._refusals import check_module
from lazyscope.torch.kernel._kernel import MEMORY, Prepared, kernel_of, prepare, shares_of
from lazyscope.torch.kernel._probe import record
from lazyscope.torch.kernel._vjp import gradients
from lazyscope.torch.state._restore import state_restored
from lazyscope.torch.steps._double import double_copy, double_inputs
from lazyscope.torch.steps._norms import operator_norm
from lazyscope.torch.uses._uses import Use


class ModuleSteps(NamedTuple):
    """What is measured, as in `lazyscope.study`; one entry per parameter.

    Attributes:
        size: rms of the entries at the start.
        share: part of the tangent kernel, averaged over the diagonal (points, outputs).
        displacement: |w(T) - w(0)| / |w(0)|.
        output_change: |h(T) - h(0)| / |h(0)| of what products and lookups with the parameter put out,
            without biases; NaN for parameters without any that is recognised.
        output: rms of the outputs at the start.
        loss: at the start and after each step.
    """

    size: np.ndarray
    share: np.ndarray
    displacement: np.ndarray
    output_change: np.ndarray
    output: float
    loss: np.ndarray


def prepare_copy(module: torch.nn.Module, x: Any) -> Prepared:
    """A copy of the module in double precision, checked; the copy may be moved."""
    check_module(module)
    prepared = prepare(double_copy(module, "a coordinate check"), double_inputs(x), None, MEMORY)
    _check_order(prepared)
    return prepared


def _check_order(prepared: Prepared) -> None:
    """Refuse matrices whose place in the order of use is not known: the last in use is the readout."""
    question, sketch, _ = prepared
    placed = {use.view.parameter for use in sketch.uses}
    for k, (name, p) in enumerate(zip(question.names, question.parameters, strict=True)):
        if p.dim() > 1 and k in sketch.reasons and k not in placed:
            raise InputError(
                "a coordinate check must see where every matrix of a module is used",
                received=f"{name}, used by {', '.join(sketch.reasons[k])}",
                cause="a function in which weights are not recognised, such as einsum or nn.LSTM",
                fix="write it with linear, matmul, convolutions or embedding, or check a JAX version",
            )


def first_steps(
    prepared: Prepared,
    y: np.ndarray,
    axes: Sequence[int | None],
    rates: Sequence[float],
    steps: int,
    push: float,
) -> ModuleSteps:
    """Measure, take `steps` steps of full-batch descent on 1/(2n) sum |f - y|^2, measure again.

    Args:
        prepared: from `prepare_copy`; its module is moved.
        y: targets (n, C).
        axes: the axis of every parameter that counts the rows of it as a matrix; None for no matrix.
        rates: learning rate of every parameter, up to a common factor.
        steps: number of steps.
        push: the step in units of n / largest eigenvalue of the kernel at that moment, which is followed
            by one power iteration per step.

    Cost: `steps` + 2 kernels on n points.
    """
    question = prepared.question
    targets = torch.as_tensor(np.array(y), dtype=torch.float64, device=question.x1.device)
    start = [p.detach().clone() for p in question.parameters]
    shares = [np.einsum("iicc->ic", kernel).mean() for kernel in shares_of(prepared).values()]
    put_out = _put_out(prepared)
    top = np.linalg.eigh(_matrix(prepared, rates))[1][:, -1]
    losses, first = [], torch.zeros(())
    for step in range(steps + 1):
        with state_restored(question.module):
            out = call(question.module, question.x1)
            losses.append(float((out.detach() - targets).square().sum() / (2 * len(targets))))
            first = out.detach() if step == 0 else first
            if step == steps:
                break
            image = _matrix(prepared, rates) @ top
            largest = float(np.linalg.norm(image))
            signal = (out.detach() - targets) * (push / largest)
            found = gradients(out, question.parameters, signal)
            del out  # its graph goes before the next forward pass
        top = image / largest
        with torch.no_grad():
            for p, rate, gradient in zip(question.parameters, rates, found, strict=True):
                p -= rate * gradient
    moved = [p.detach() - p0 for p, p0 in zip(question.parameters, start, strict=True)]
    pairs = zip(put_out, _put_out(prepared), strict=True)
    return ModuleSteps(
        size=np.array([float(p.square().mean().sqrt()) for p in start]),
        share=np.array(shares),
        displacement=np.array([_ratio(*each) for each in zip(moved, start, axes, strict=True)]),
        output_change=np.array([_change(before, after) for before, after in pairs]),
        output=float(first.square().mean().sqrt()),
        loss=np.array(losses),
    )


def _matrix(prepared: Prepared, rates: Sequence[float]) -> np.ndarray:
    """The kernel weighed with the rates, (n C, n C)."""
    kernel = kernel_of(prepared, rates)
    n, _, c, _ = kernel.shape
    return kernel.transpose(0, 2, 1, 3).reshape(n * c, n * c)


def _ratio(moved: torch.Tensor, start: torch.Tensor, axis: int | None) -> float:
    sizes = [_size(tensor, axis) for tensor in (moved, start)]
    return sizes[0] / sizes[1] if sizes[1] > 0 else float("nan")


def _size(tensor: torch.Tensor, axis: int | None) -> float:
    if axis is None:
        return float(torch.linalg.vector_norm(tensor))
    return operator_norm(tensor.movedim(axis, 0).reshape(tensor.shape[axis], -1))


def _put_out(prepared: Prepared) -> list[list[torch.Tensor]]:
    """For every parameter, what the products and lookups with it put out at its present value."""
    question = prepared.question
    with state_restored(question.module):
        recorder, _ = record(question, question.x1, prepared.sketch.fixed)
    found: list[list[torch.Tensor]] = [[] for _ in question.parameters]
    with torch.no_grad():
        for use in (placed.use for placed in recorder.placed):
            number = use.view.parameter
            if not use.direct:
                found[number].append(
                    written(use, question.parameters[number].detach(), use.view.offset)
                )
    return found


def written(use: Use, values: torch.Tensor, offset: float = 0.0) -> torch.Tensor:
    """What a product or a lookup puts out where the parameter has these values."""
    numbers = use.view.numbers().to(values.device)
    entries = values.flatten()[numbers] * use.view.scale + offset
    data = use.data(use.carrier)
    weight = use.arrange(entries)
    if use.lookup:
        return weight[0].T[data.clamp(min=0)] * (data >= 0)[..., None]
    return torch.einsum("...bi,boi->...bo", data, weight)


def _change(before: Sequence[torch.Tensor], after: Sequence[torch.Tensor]) -> float:
    """Relative change, all places of a parameter together."""
    moved = sum(float((b - a).square().sum()) for a, b in zip(before, after, strict=True))
    start = sum(float(a.square().sum()) for a in before)
    return float(np.sqrt(moved / start)) if start > 0 else float("nan")
