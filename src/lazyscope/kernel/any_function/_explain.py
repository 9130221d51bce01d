"""How was each parameter handled in the tangent kernel of a network, and what fell back?"""

import math
from typing import final

import equinox as eqx
import numpy as np
from jaxtyping import Array, Real

from lazyscope._deprecated import warn_renamed
from lazyscope._trace import SCALE, SHIFT, asking, coarsest, pose
from lazyscope._types import Apply, Params
from lazyscope.kernel.any_function._blocks import MEMORY, checked
from lazyscope.kernel.any_function._plan import ParameterPlan, Plan


@final
class ParameterHandling(eqx.Module):
    """How one parameter array was handled.

    `rule` is what its uses were recognised as: ``dense``, ``convolution``, ``embedding`` (joined by +
    where there are several), ``shift`` and ``scale`` of data, ``jacobian`` for a fall-back, ``unused``.
    `contraction` is ``grams``, ``gradients`` or ``carried`` where there is a choice, else ``jacobian`` or
    ``none``.
    """

    name: str
    shape: tuple[int, ...]
    rule: str
    contraction: str = "none"
    places: int = 0
    positions: int = 0
    reasons: tuple[str, ...] = ()

    @property
    def fell_back(self) -> bool:
        """Whether a Jacobian block of the size of a matrix had to be formed."""
        return self.rule == "jacobian"

    @property
    def sentence(self) -> str:
        """The same in words."""
        if self.rule == "unused":
            return "does not reach the outputs; its share is zero"
        if self.fell_back:
            return f"Jacobian block, because of: {', '.join(self.reasons)}"
        if self.contraction == "jacobian":
            return f"{self.rule}: gradients of the array's own size, summed over positions"
        where = f"{self.places} place{'s' if self.places > 1 else ''}"
        return f"{self.rule} at {where}, {self.positions} positions, by {self.contraction}"


@final
class KernelExplanation(eqx.Module):
    """What `tangent_kernel` does with each parameter, in which blocks and precision. Print it.

    `precision` is the coarsest type that a value passes through between parameters, data and outputs;
    the kernel is no more accurate than that, whatever type its numbers have.
    """

    parameters: tuple[ParameterHandling, ...]
    num_outputs: int
    rows: int
    columns: int
    bytes_needed: int
    precision: np.dtype = eqx.field(static=True)

    @property
    def leaves(self) -> tuple[ParameterHandling, ...]:
        """Old name of `parameters`."""
        warn_renamed("KernelExplanation.leaves", "parameters")
        return self.parameters

    @property
    def fallbacks(self) -> tuple[ParameterHandling, ...]:
        """The parameters whose use was not recognised."""
        return tuple(parameter for parameter in self.parameters if parameter.fell_back)

    def __str__(self) -> str:
        width = max(len(parameter.name) for parameter in self.parameters)
        lines = [
            f"{parameter.name:<{width}}  {list(parameter.shape)!s:<16}  {parameter.sentence}"
            for parameter in self.parameters
        ]
        lines.append(
            f"blocks of {self.rows} x {self.columns} examples, {self.num_outputs} outputs, "
            f"at most {self.bytes_needed / 2**20:.1f} MiB of intermediates, {self.precision}"
        )
        return "\n".join(lines)


def explain_tangent_kernel(
    apply: Apply,
    params: Params,
    x1: Real[Array, "n1 ..."],
    x2: Real[Array, "n2 ..."] | None = None,
    *,
    memory: float = MEMORY,
) -> KernelExplanation:
    """Say how `tangent_kernel` with the same arguments handles every parameter.

    Args:
        apply: as for `tangent_kernel`.
        params: as for `tangent_kernel`.
        x1: as for `tangent_kernel`; the choice depends on how many examples there are.
        x2: as for `tangent_kernel`.
        memory: as for `tangent_kernel`.

    Returns:
        An `KernelExplanation`: one `ParameterHandling` per parameter in the order of the flattened tree, its
        ``fallbacks``, and the blocks. ``str()`` is a table.

    Raises:
        InputError: as for `tangent_kernel`.

    Cost: tracing; nothing of the kernel is computed.
    Trust: it reads the very plan that the kernel follows.

    Example:
        >>> import jax.numpy as jnp
        >>> network = lambda p, x: jnp.tanh(x @ p["w"]) @ (p["v"] / jnp.linalg.norm(p["v"]))
        >>> params = {"v": jnp.ones((3, 1)), "w": jnp.ones((2, 3))}
        >>> how = explain_tangent_kernel(network, params, jnp.ones((4, 2)))
        >>> [parameter.rule for parameter in how.parameters], how.parameters[1].contraction
        (['jacobian', 'dense'], 'grams')
    """
    with asking(params):
        question = pose(apply, params, x1, x2)
        plan = checked(question, memory, _identity)
    shapes = plan.example.leaf_shapes
    parameters = [
        _handling(name, shape, parameter)
        for name, shape, parameter in zip(question.names, shapes, plan.parameters, strict=True)
    ]
    columns = plan.rows if plan.columns is None else plan.columns
    return KernelExplanation(
        tuple(parameters),
        plan.example.num_outputs,
        plan.rows,
        columns,
        plan.bytes_needed,
        coarsest(plan.example),
    )


def working_precision(apply: Apply, params: Params, x: Real[Array, "n ..."]) -> np.dtype:
    """The coarsest type that a network computes in, which its kernel is accurate to.

    A model in double precision with a normalisation in single precision answers float32; one whose
    weights are cast to bfloat16 answers bfloat16.

    Args:
        apply: as for `tangent_kernel`.
        params: as for `tangent_kernel`.
        x: examples.

    Returns:
        The type, such as ``dtype('float32')``; what depends on neither parameters nor data does not count.

    Raises:
        InputError: what `tangent_kernel` refuses without comparing numbers.

    Cost: one trace.

    Example:
        >>> import jax.numpy as jnp
        >>> half = lambda w, x: x.astype("bfloat16") @ w.astype("bfloat16")
        >>> working_precision(half, jnp.ones((2, 1)), jnp.ones((3, 2))).name
        'bfloat16'
    """
    with asking(params):
        return coarsest(pose(apply, params, x, None).example)


def _identity(plan: Plan) -> Plan:
    return plan


def _handling(name: str, shape: tuple[int, ...], plan: ParameterPlan) -> ParameterHandling:
    if plan.method == "unused":
        return ParameterHandling(name, shape, "unused")
    if plan.method == "jacobian":
        rule = _rule(plan.reasons)
        return ParameterHandling(name, shape, rule, "jacobian", reasons=plan.reasons)
    uses = [use for group in plan.groups for use in group.group.uses]
    kinds = "+".join(sorted({use.product.kind for use in uses}))
    orders = "+".join(sorted({group.order.name for group in plan.groups}))
    places = sum(math.prod(use.loops) for use in uses)
    positions = sum(use.positions for use in uses)
    return ParameterHandling(name, shape, kinds, orders, places, positions)


def _rule(reasons: tuple[str, ...]) -> str:
    """Shift and scale of data have gradients as small as the array; all else is a fall-back."""
    words = {SHIFT: "shift", SCALE: "scale"}
    if all(reason in words for reason in reasons):
        return "+".join(sorted(words[reason] for reason in reasons))
    return "jacobian"
