"""What is the tangent kernel of a PyTorch module, whole or parameter by parameter?"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float

from lazyscope._checks import check_positive
from lazyscope.kernel.any_function import MEMORY as MEMORY
from lazyscope.kernel.any_function import TOGETHER, Outputs
from lazyscope.model import check_kernel_memory
from lazyscope.torch._question import Question, call, pose
from lazyscope.torch._refusals import independent
from lazyscope.torch._values import check_parameter_values
from lazyscope.torch.kernel._example_of_row import Owners
from lazyscope.torch.kernel._factors import ParameterFactors, block_factors, check_block
from lazyscope.torch.kernel._per_example import everyone_alone, expected
from lazyscope.torch.kernel._plan import Plan, make_plan
from lazyscope.torch.kernel._plan_check import UnforeseenError, learned
from lazyscope.torch.kernel._probe import Sketch, probe
from lazyscope.torch.kernel._shares import share
from lazyscope.torch.state._restore import state_restored
from lazyscope.torch.state._write_guard import check_writes_nothing

_ATTEMPTS = 16
"""Plans that are made before every parameter in doubt is left to its Jacobian."""

Examples = Any
"""NumPy arrays or tensors (n, ...)."""


class Prepared(NamedTuple):
    """A question that passed the checks, with how it will be answered."""

    question: Question
    sketch: Sketch
    plan: Plan


def prepare(module: Any, x1: Any, x2: Any | None, memory: float) -> Prepared:
    """Check, probe, plan, and compare all outputs with those of examples alone."""
    prepared = look(module, x1, x2, memory)
    if prepared.plan.rows >= _longest(prepared.question):
        _compare(prepared)
    return prepared._replace(sketch=prepared.sketch._replace(alone=(None, None)))


def look(
    module: Any, x1: Any, x2: Any | None, memory: float, outputs: Outputs = "pairs"
) -> Prepared:
    """Check, probe and plan, for a kernel that follows at once and compares the outputs of its blocks.

    Blocks of a few examples would not show what mixes in larger batches, so these are compared here.
    """
    question = pose(module, x1, x2)
    memory = check_positive("memory", memory)
    check_parameter_values(question)
    with state_restored(question.module):
        check_writes_nothing(question.module, question.x1[:1])
        sketch = everyone_alone(question, probe(question), memory)
    prepared = Prepared(question, sketch, _planned(question, sketch, memory, outputs))
    if prepared.plan.rows < _longest(question):
        _compare(prepared)
    return prepared


def _longest(question: Question) -> int:
    return max(len(x) for x in (question.x1, question.x2) if x is not None)


def _compare(prepared: Prepared) -> None:
    """Refuse outputs in batches that are not those of the examples alone."""
    question, sketch, plan = prepared
    size = max(plan.rows, TOGETHER)
    with state_restored(question.module):
        for side, x in enumerate((question.x1, question.x2)):
            for start in range(0, 0 if x is None else len(x), size):
                rows = slice(start, start + size)
                alone = expected(sketch, side, rows)
                if x is not None and alone is not None:
                    alone.check(question, x[rows], call(question.module, x[rows]).detach())


def _planned(question: Question, sketch: Sketch, memory: float, outputs: Outputs) -> Plan:
    shapes = [tuple(p.shape) for p in question.parameters]
    sizes = len(question.x1), None if question.x2 is None else len(question.x2)
    itemsize = question.parameters[0].element_size()
    plan = make_plan(sketch, shapes, itemsize, sizes, memory, outputs)
    if all(each.method == "unused" for each in plan.parameters):
        raise independent()
    return plan


def settled(prepared: Prepared) -> Prepared:
    """The plan that the kernel follows in the end, when all examples were looked at.

    Some may use parameters in ways that were not known before, or have rows that cannot be told apart.
    """
    question, attempt = prepared.question, 0
    waiting = [(side, 0) for side, x in enumerate((question.x1, question.x2)) if x is not None]
    while waiting:
        side, start = waiting.pop()
        x = question.x1 if side == 0 or question.x2 is None else question.x2
        rows = slice(start, start + prepared.plan.rows)
        alone = expected(prepared.sketch, side, rows)
        try:
            with state_restored(question.module):
                check_block(question, prepared.sketch, prepared.plan, x[rows], alone)
        except UnforeseenError as found:
            prepared = _learned(prepared, found, attempt)
            attempt += 1
            waiting.append((side, start))
        else:
            if rows.stop < len(x):
                waiting.append((side, rows.stop))
    return prepared


def _learned(prepared: Prepared, found: UnforeseenError, attempt: int) -> Prepared:
    """Planned anew with what was found; at the last attempt without trusting any use of its kind."""
    if attempt >= _ATTEMPTS // 2:
        found = found.distrusted()
    sketch = learned(prepared.sketch, found)
    before = prepared.plan
    plan = _planned(prepared.question, sketch, before.memory, before.outputs)
    return prepared._replace(sketch=sketch, plan=plan)


def tangent_kernel(
    module: torch.nn.Module,
    x1: Examples,
    x2: Examples | None = None,
    *,
    memory: float = MEMORY,
) -> Float[np.ndarray, "n1 n2 C C"]:
    """Tangent kernel of a PyTorch module as it is, exact, without a Jacobian wherever it is avoidable.

    Definition, a plain sum over all parameters with ``requires_grad`` (no mean, no factor)::

        K[i, j, c, k] = sum_p  d f_c(x1_i) / d theta_p  *  d f_k(x2_j) / d theta_p

    Buffers and frozen parameters are held fixed: in evaluation mode the running mean and variance of
    batch norm are numbers, not functions of the parameters. In training mode batch norm mixes the
    examples and there is no kernel; dropout is random. Both are refused. Hooks on the gradients of
    parameters belong to the steps of training: they are off.

    Args:
        module: maps a batch (n, ...) to outputs (n, C), each example on its own; in either mode.
        x1: examples along the first axis, NumPy (converted) or tensors (of the parameters' type);
            whole numbers such as tokens stay whole.
        x2: other examples; None means x1 with itself, at half the cost.
        memory: bytes allowed for intermediates beside module and result. Smaller means more and
            smaller blocks, hence slower; a single pair of examples is always computed whole.

    Returns:
        The kernel, in the precision of the parameters. `explain_tangent_kernel` says how each parameter
        was handled.

    Raises:
        InputError: outputs not (n, C), examples mixed within the batch, randomness or state, nothing
            to train, several precisions or devices; the message says the cause.

    Cost: one forward and C backward passes per example, plus for a weight (o, i) used at s positions
    per pair of examples the smaller of ``s^2 (i + C^2 o)`` and ``C^2 i o`` multiply-adds.
    Trust: exact to rounding. The module is left as it was, object by object: parameters, gradients, buffers,
    attributes, mode, hooks, random state. Threads that look at modules with common parts take turns.
    Source: the definition is Jacot, Gabriel & Hongler 2018 (eq. 4).

    Example:
        >>> import numpy as np, torch
        >>> layer = torch.nn.Linear(2, 1, bias=False)
        >>> tangent_kernel(layer, np.array([[1.0, 2.0], [0.0, 1.0]]))[:, :, 0, 0].tolist()
        [[5.0, 2.0], [2.0, 1.0]]
    """
    return kernel_of(look(module, x1, x2, memory))


def tangent_kernel_by_parameter(
    module: torch.nn.Module,
    x1: Examples,
    x2: Examples | None = None,
    *,
    memory: float = MEMORY,
) -> dict[str, Float[np.ndarray, "n1 n2 C C"]]:
    """Every parameter's own share of the tangent kernel, by the names of ``named_parameters()``.

    Definition: the sum of `tangent_kernel` restricted to the entries of one parameter. The shares add
    up to the whole; with learning rates s per parameter the kernel that drives training is
    ``sum_p s_p K_p``. A parameter that two modules share has one share, under its first name.

    Args:
        module: as for `tangent_kernel`.
        x1: as for `tangent_kernel`.
        x2: as for `tangent_kernel`.
        memory: as for `tangent_kernel`; the result is as many kernels as there are parameters.

    Returns:
        Kernels (n1, n2, C, C), zero for parameters that do not reach the outputs.

    Raises:
        InputError: as for `tangent_kernel`.

    Cost and trust: as for `tangent_kernel`.

    Example:
        >>> import numpy as np, torch
        >>> shares = tangent_kernel_by_parameter(torch.nn.Linear(2, 1), np.array([[1.0, 2.0]]))
        >>> {name: float(kernel.sum()) for name, kernel in shares.items()}
        {'weight': 5.0, 'bias': 1.0}
    """
    return shares_of(look(module, x1, x2, memory))


def kernel_of(
    prepared: Prepared, speeds: Sequence[float] | None = None
) -> Float[np.ndarray, "n1 n2 C D"]:
    """The kernel of a prepared question at the present parameters, each weighed by its speed.

    Of pairs of outputs (C, C), of each (C, 1), or summed over them (1, 1), as it was prepared.
    """
    weights = [1.0] * len(prepared.question.names) if speeds is None else speeds
    return _assemble(prepared, [0] * len(weights), weights)[0]


def shares_of(prepared: Prepared) -> dict[str, Float[np.ndarray, "n1 n2 C C"]]:
    """The shares of a prepared question by name."""
    names = prepared.question.names
    found = _assemble(prepared, list(range(len(names))), [1.0] * len(names))
    return dict(zip(names, found, strict=True))


def _assemble(
    prepared: Prepared, targets: Sequence[int], weights: Sequence[float]
) -> list[np.ndarray]:
    """Kernels of the plan that all examples fit; parameter k goes to ``targets[k]``."""
    attempt = 0
    while True:
        try:
            return _filled(prepared, targets, weights)
        except UnforeseenError as found:
            prepared = _learned(prepared, found, attempt)
            attempt += 1


def _filled(
    prepared: Prepared, targets: Sequence[int], weights: Sequence[float]
) -> list[np.ndarray]:
    """Kernels filled block by block, mirrored where symmetric."""
    question, sketch, plan = prepared
    x1, x2 = question.x1, question.x2
    c = sketch.num_outputs
    dtype = np.dtype(str(question.parameters[0].dtype).removeprefix("torch."))
    n2 = len(x1) if x2 is None else len(x2)
    count = max(targets) + 1
    kept = {"pairs": (c, c), "each": (c, 1)}.get(plan.outputs, (1, 1))
    swap = (1, 0, 2, 3) if plan.outputs == "each" else (1, 0, 3, 2)
    check_kernel_memory(
        count * len(x1) * n2 * kept[0] * kept[1] * dtype.itemsize,
        what=f"{count} kernel{'s' if count > 1 else ''} of {len(x1)} x {n2} examples and "
        f"{kept[0]} x {kept[1]} outputs",
        copies=1,
    )
    kernels = [np.zeros((len(x1), n2, *kept), dtype) for _ in range(count)]
    with state_restored(question.module):
        for rows, columns, left, right in _blocks(prepared):
            for k, each in enumerate(plan.parameters):
                with torch.no_grad():
                    symmetric = x2 is None and rows == columns
                    part = share(each, left[k], right[k], symmetric, plan.outputs)
                if part is None or weights[k] == 0.0:
                    continue
                part = part if weights[k] == 1.0 else part * weights[k]
                whole = part.permute(0, 2, 1, 3).cpu().numpy()
                kernel = kernels[targets[k]]
                kernel[rows, columns] += whole
                if x2 is None and rows != columns:
                    kernel[columns, rows] += whole.transpose(swap)
    return kernels


def _blocks(
    prepared: Prepared,
) -> Iterator[tuple[slice, slice, list[ParameterFactors], list[ParameterFactors]]]:
    """Pairs of blocks with their factors; only one triangle of a symmetric kernel."""
    question, sketch, plan = prepared
    x1, x2 = question.x1, question.x2
    others = x1 if x2 is None else x2
    known: dict[tuple[int, int], dict[int, Owners]] = {}

    def factors(side: int, rows: slice) -> list[ParameterFactors]:
        place, first = (side, rows.start), (side, rows.start) not in known
        alone = expected(sketch, side, rows) if first else None
        return block_factors(
            question, sketch, plan, (x1, others)[side][rows],
            alone, known.setdefault(place, {}),
        )  # fmt: skip

    for start in range(0, len(x1), plan.rows):
        rows = slice(start, min(start + plan.rows, len(x1)))
        left = factors(0, rows)
        for begin in range(0 if x2 is not None else start, len(others), plan.rows):
            columns = slice(begin, min(begin + plan.rows, len(others)))
            same = x2 is None and rows == columns
            right = left if same else factors(0 if x2 is None else 1, columns)
            yield rows, columns, left, right
