"""How is a kernel put together from blocks of examples that fit the memory?"""

import functools
import hashlib
import math
import operator
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from typing import Any, TypeVar, final

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.core import Tracer
from jax.extend.core import ClosedJaxpr

from lazyscope._checks import InputError, check_positive
from lazyscope._trace import Question, inner_constants
from lazyscope.kernel.any_function._factors import (
    Arrays,
    BatchFactors,
    batch_factors,
    of_output,
)
from lazyscope.kernel.any_function._jacobian import from_jacobian
from lazyscope.kernel.any_function._plan import GroupPlan, Outputs, Plan, make_plan
from lazyscope.kernel.any_function._probe import (
    arrays_in,
    check_derivative,
    check_repeatable,
    check_separate,
    plain,
)
from lazyscope.kernel.orders._rows import (
    GroupFactors,
    Pair,
    Rows,
    add_rows,
    assemble,
    of_one_output,
    side_by_side,
    sum_of_rows,
)
from lazyscope.model import check_kernel_memory

MEMORY = 2**30
"""Bytes of intermediates that are allowed unless said otherwise: a gibibyte."""

Finish = Callable[[Sequence[Rows | None], Sequence[int], bool], Any]
Built = TypeVar("Built")


def sum_of_shares(question: Question, memory: float) -> jax.Array:
    """The kernel (n1, n2, C, C)."""
    check_result(question, 1)
    return in_blocks(checked(question, memory, summing), question)


def shares_by_parameter(question: Question, memory: float) -> list[jax.Array]:
    """The shares of all parameters, each (n1, n2, C, C)."""
    check_result(question, len(question.leaves))
    return in_blocks(checked(question, memory, _listing), question)


def trace_of_shares(question: Question, memory: float) -> jax.Array:
    """The kernel summed over equal outputs, (n1, n2)."""
    return _without_pairs(question, memory, "sum")[:, :, 0, 0]


def diagonal_of_shares(question: Question, memory: float) -> jax.Array:
    """The kernel of every output with itself, (n1, n2, C)."""
    return _without_pairs(question, memory, "each")[:, :, :, 0]


def _without_pairs(question: Question, memory: float, outputs: Outputs) -> jax.Array:
    check_result(question, 1, outputs)
    programs = checked(question, memory, summing, outputs)
    if question.example.num_outputs:
        return in_blocks(programs, question)
    others = question.x1 if question.x2 is None else question.x2
    count = 0 if outputs == "each" else 1
    return jnp.zeros((len(question.x1), len(others), count, 1), question.example.dtype)


@final
class Programs:
    """The compiled programs of one plan: for a block of examples, or for two blocks."""

    def __init__(self, finish: Finish, plan: Plan) -> None:
        self.plan = plan
        self.finish = finish
        self.alone = jax.jit(functools.partial(_alone, plan, finish))
        self.both = jax.jit(functools.partial(_both, plan, finish))
        self.factors = jax.jit(functools.partial(batch_factors, plan))
        self.contract = jax.jit(functools.partial(_contract, plan, finish))

    def empty(self, n1: int, n2: int) -> Any:
        """Kernels of a network without outputs."""
        rows = (jnp.zeros((n1, 0, n2, 0), self.plan.example.dtype),)
        return self.finish([rows] * len(self.plan.parameters), (0, n1), False)


_built: OrderedDict[Hashable, Any] = OrderedDict()
"""What was built for recent questions, and which networks passed the checks."""
_KEPT = 128


def checked(
    question: Question,
    memory: float,
    build: Callable[[Plan], Built],
    outputs: Outputs = "pairs",
) -> Built:
    """Check the network and return ``build(plan)``, kept by what the network computes.

    The key holds the equations, not only the function, so that a change is never missed.
    """
    memory = check_positive("memory", memory)
    n1, n2 = len(question.x1), None if question.x2 is None else len(question.x2)
    network = (question.network, fingerprint(question))
    key = (network, n1, n2, memory, build, outputs)
    seen = _recent(network) if network in _built else None
    if seen is None:
        check_repeatable(question)
        check_derivative(question)
    if seen is None or not seen.holds(arrays_in(question)):
        kept = functools.partial(_checking_program, network)
        passed = check_separate(question, memory, kept, nearby=seen is None)
        if passed is not None:
            _keep(network, passed)
    if key in _built:
        return _recent(key)
    plan = make_plan(question.example, n1, n2, memory, outputs=outputs)
    unused = all(parameter.method == "unused" for parameter in plan.parameters)
    if unused and question.example.num_outputs:
        raise InputError(
            "apply must depend on its parameters",
            received=f"a network whose outputs use none of {len(question.names)} parameter arrays",
            cause="apply uses weights it closes over, or the arguments are in another order",
            fix="make apply use its first argument",
        )
    return _keep(key, build(plan))


def _checking_program(network: Hashable, batch: ClosedJaxpr, make: Callable[[], Any]) -> Any:
    """The compiled comparison for a batch of this size."""
    key = (network, _digest(batch, [c for c in batch.consts if np.size(c) == 1]))
    return _recent(key) if key in _built else _keep(key, make())


def _recent(key: Hashable) -> Any:
    _built.move_to_end(key)
    return _built[key]


def _keep(key: Hashable, value: Built) -> Built:
    _built[key] = value
    if len(_built) > _KEPT:
        _built.popitem(last=False)
    return value


def check_result(question: Question, count: int, outputs: Outputs = "pairs") -> None:
    """Refuse kernels that would not fit into the memory at hand."""
    n1, c = len(question.x1), question.example.num_outputs
    n2 = n1 if question.x2 is None else len(question.x2)
    each = {"pairs": c * c, "each": c}.get(outputs, 1)
    held = {"pairs": f" and {c} x {c} outputs", "each": f" and {c} outputs"}.get(outputs, "")
    check_kernel_memory(
        count * n1 * n2 * each * question.example.dtype.itemsize,
        what=f"{count} kernel{'s' if count > 1 else ''} of {n1} x {n2} examples{held}",
    )


def check_network(question: Question, memory: float) -> Hashable:
    """Check the network, and return what tells it from any other: equations and all constants."""
    checked(question, memory, _planned)
    return _digest(question.example.closed, question.example.closed.consts)


def _planned(plan: Plan) -> Plan:
    return plan


def fingerprint(question: Question) -> Hashable:
    """The equations with those constants that are part of a program: numbers and inner arrays."""
    closed = question.example.closed
    return _digest(closed, [c for c in closed.consts if np.size(c) == 1])


def _digest(closed: ClosedJaxpr, constants: Sequence[Any]) -> Hashable:
    """Equations with the arrays inside them and some of those that they close over."""
    parts: list[Hashable] = [str(closed)]
    for constant in [*constants, *inner_constants(closed.jaxpr)]:
        if isinstance(constant, Tracer):
            parts.append(None if np.size(constant) == 1 else object())
        else:
            array = plain(constant)
            parts.append((array.shape, hashlib.sha256(array.tobytes()).digest()))
    return tuple(parts)


def arrays_of(question: Question) -> Arrays:
    """The arrays that programs take as arguments."""
    return Arrays(tuple(question.example.closed.consts), question.context, question.leaves)


def in_blocks(programs: Programs, question: Question) -> Any:
    """In one piece if it fits, else block by block, mirrored where symmetric."""
    plan = programs.plan
    arrays = arrays_of(question)
    x1, x2 = question.x1, question.x2
    if not question.example.num_outputs:
        return programs.empty(len(x1), len(x1 if x2 is None else x2))
    if x2 is None and plan.columns is None:
        return programs.alone(arrays, x1)
    assert plan.columns is not None
    if x2 is not None and plan.rows == len(x1) and plan.columns == len(x2):
        return programs.both(arrays, x1, x2)
    return _tiled(programs, arrays, x1, x2)


def _tiled(programs: Programs, arrays: Arrays, x1: Any, x2: Any | None) -> Any:
    """Rows of tiles; the last tile of each side is filled up with its last example, and cut."""
    rows, columns = programs.plan.rows, programs.plan.columns
    assert columns is not None
    others = x1 if x2 is None else x2
    swap = (1, 0, 2, 3) if programs.plan.outputs == "each" else (1, 0, 3, 2)
    mirrored = operator.methodcaller("transpose", swap)
    tiles: list[list[Any]] = []
    for i, slab1 in enumerate(_slabs(x1, rows)):
        left = programs.factors(arrays, slab1)
        line = []
        for j, slab2 in enumerate(_slabs(others, columns)):
            if x2 is None and j < i:
                line.append(jax.tree.map(mirrored, tiles[j][i]))
            elif x2 is None and j == i:
                line.append(programs.contract(left, None))
            else:
                line.append(programs.contract(left, programs.factors(arrays, slab2)))
        tiles.append(line)
    joined = [jax.tree.map(lambda *k: jnp.concatenate(k, axis=1), *line) for line in tiles]
    whole = jax.tree.map(lambda *k: jnp.concatenate(k, axis=0), *joined)
    return jax.tree.map(lambda k: k[: len(x1), : len(others)], whole)


def _slabs(x: Any, size: int) -> list[jax.Array]:
    """Blocks of the examples, the last one filled up with the last example."""
    missing = -len(x) % size
    filled = jnp.concatenate([x, jnp.repeat(x[-1:], missing, axis=0)]) if missing else x
    return [lax.slice_in_dim(filled, k, k + size) for k in range(0, len(filled), size)]


def _alone(plan: Plan, finish: Finish, arrays: Arrays, x: Any) -> Any:
    return _contract(plan, finish, batch_factors(plan, arrays, x), None)


def _both(plan: Plan, finish: Finish, arrays: Arrays, x1: Any, x2: Any) -> Any:
    return _contract(plan, finish, batch_factors(plan, arrays, x1), batch_factors(plan, arrays, x2))


def _contract(plan: Plan, finish: Finish, left: BatchFactors, right: BatchFactors | None) -> Any:
    """The kernel of two blocks of examples from their factors, output by output if that is asked."""
    if plan.outputs != "each":
        return _contracted(plan, finish, left, right)

    def single(number: jax.Array) -> Any:
        other = None if right is None else of_output(right, number)
        return _contracted(plan, finish, of_output(left, number), other)

    numbers = jnp.arange(plan.example.num_outputs)
    found = lax.map(single, numbers, batch_size=plan.together)
    return jax.tree.map(lambda k: jnp.moveaxis(k[..., 0], 0, 2), found)


def _contracted(plan: Plan, finish: Finish, left: BatchFactors, right: BatchFactors | None) -> Any:
    """The kernel from the shares of all parameters."""
    n = jax.tree.leaves(left)[0].shape[0]
    edges = _edges(n, plan.num_outputs) if right is None else (0, n)
    shares = [
        _share(plan, parameter, left, right, edges) for parameter in range(len(plan.parameters))
    ]
    return finish(shares, edges, right is None)


def _edges(n: int, num_outputs: int) -> tuple[int, ...]:
    """Rows of a symmetric kernel in up to four blocks, none too thin for a fast product."""
    blocks = max(1, min(4, n, n * num_outputs // 64))
    return tuple(math.ceil(n * k / blocks) for k in range(blocks + 1))


def _share(
    plan: Plan, parameter: int, left: BatchFactors, right: BatchFactors | None, edges: Sequence[int]
) -> Rows | None:
    """The share of one parameter, None if it is zero."""
    mine, other = left.leaves[parameter], None if right is None else right.leaves[parameter]
    if plan.parameters[parameter].method == "jacobian":
        if plan.summed:
            mine, other = mine[:, None], None if other is None else other[:, None]
        return _scaled(plan, from_jacobian(mine, other, edges))
    parts = []
    for number, group in enumerate(plan.parameters[parameter].groups):
        pair = mine[number], None if other is None else other[number]
        parts.append(_group_share(plan, group, *pair, edges))
    return _scaled(plan, add_rows(parts)) if parts else None


def _group_share(
    plan: Plan,
    group: GroupPlan,
    left: GroupFactors,
    right: GroupFactors | None,
    edges: Sequence[int],
) -> Rows:
    """The share of a group of uses, or its sum over outputs: one by one where some are transposed."""
    if plan.summed and group.group.transposed:

        def rows(number: jax.Array) -> Rows:
            other = None if right is None else of_one_output(right, number)
            return group.order.contract(Pair(of_one_output(left, number), other, edges))

        return sum_of_rows(rows, jnp.arange(plan.example.num_outputs))
    if plan.summed:
        left, right = side_by_side(left), None if right is None else side_by_side(right)
    return group.order.contract(Pair(left, right, edges))


def _scaled(plan: Plan, rows: Rows) -> Rows:
    """A sum over outputs as their mean, if that is what is asked."""
    if plan.outputs != "mean":
        return rows
    return tuple(row / plan.example.num_outputs for row in rows)


def _summed(shares: Sequence[Rows | None], edges: Sequence[int], symmetric: bool) -> Any:
    return assemble(add_rows([s for s in shares if s is not None]), edges, symmetric)


def _listed(shares: Sequence[Rows | None], edges: Sequence[int], symmetric: bool) -> Any:
    kernels = [None if s is None else assemble(s, edges, symmetric) for s in shares]
    some = next(k for k in kernels if k is not None)
    return [jnp.zeros_like(some) if k is None else k for k in kernels]


summing = functools.partial(Programs, _summed)
_listing = functools.partial(Programs, _listed)
