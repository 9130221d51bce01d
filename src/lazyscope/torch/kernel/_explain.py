"""How was each parameter of a module handled, and what fell back?"""

import jax.numpy as jnp
import numpy as np
import torch

from lazyscope.kernel import KernelExplanation, ParameterHandling
from lazyscope.torch.kernel._kernel import MEMORY, Examples, look, settled
from lazyscope.torch.kernel._plan import ParameterPlan
from lazyscope.torch.kernel._probe import Sketch


def explain_tangent_kernel(
    module: torch.nn.Module,
    x1: Examples,
    x2: Examples | None = None,
    *,
    memory: float = MEMORY,
) -> KernelExplanation:
    """Say how `tangent_kernel` with the same arguments handles every parameter.

    Args:
        module: as for `tangent_kernel`.
        x1: as for `tangent_kernel`; the choice depends on how many examples there are.
        x2: as for `tangent_kernel`.
        memory: as for `tangent_kernel`.

    Returns:
        The same record as for JAX functions: one line for each parameter, ``fallbacks``, the blocks.
        ``str()`` is a table.

    Raises:
        InputError: as for `tangent_kernel`.

    Cost: the forward and backward passes of the kernel, over all examples.
    Trust: it reads the very plan that the kernel follows.

    Example:
        >>> import numpy as np, torch
        >>> print(explain_tangent_kernel(torch.nn.Linear(2, 1), np.ones((3, 2))))
        weight  [1, 2]            dense at 1 place, 1 positions, by grams
        bias    [1]               shift: gradients of the array's own size, summed over positions
        blocks of 3 x 3 examples, 1 outputs, at most 0.0 MiB of intermediates, float32
    """
    question, sketch, plan = settled(look(module, x1, x2, memory))
    handled = tuple(
        _handling(name, tuple(p.shape), each, sketch)
        for name, p, each in zip(question.names, question.parameters, plan.parameters, strict=True)
    )
    columns = min(plan.rows, len(question.x1 if question.x2 is None else question.x2))
    rows = min(plan.rows, len(question.x1))
    return KernelExplanation(
        handled,
        sketch.num_outputs,
        rows,
        columns,
        plan.bytes_needed,
        np.dtype(jnp.dtype(sketch.working_type)),
    )


def _handling(
    name: str, shape: tuple[int, ...], plan: ParameterPlan, sketch: Sketch
) -> ParameterHandling:
    kinds = "+".join(sorted({sketch.uses[k].kind for k in plan.uses}))
    positions = sum(sketch.positions[k] for k in plan.uses)

    if plan.method == "unused":
        return ParameterHandling(name, shape, "unused")
    if plan.method == "jacobian":
        return ParameterHandling(name, shape, "jacobian", "jacobian", reasons=plan.reasons)
    orders = "+".join(sorted({order.name for order in plan.orders})) or "jacobian"
    return ParameterHandling(name, shape, kinds, orders, len(plan.uses), positions)
