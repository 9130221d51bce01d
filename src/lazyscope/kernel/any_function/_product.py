"""What does the tangent kernel do to a vector, without being formed?"""

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Real

from lazyscope._checks import InputError, check_array
from lazyscope._trace import (
    Example,
    Question,
    asking,
    over_examples,
    pose,
    reverse_only,
    run_tapped,
)
from lazyscope._types import Apply, Params
from lazyscope.kernel.any_function._blocks import MEMORY, arrays_of, checked
from lazyscope.kernel.any_function._factors import Arrays
from lazyscope.kernel.any_function._plan import Plan, forward_sizes


def tangent_kernel_product(
    apply: Apply,
    params: Params,
    x1: Real[Array, "n1 ..."],
    vector: Float[Array, "n2 C"],
    x2: Real[Array, "n2 ..."] | None = None,
    *,
    memory: float = MEMORY,
) -> Float[Array, "n1 C"]:
    """Tangent kernel times vector, from one backward and one forward derivative.

    Definition, a plain sum over points and outputs::

        out[i, c] = sum_{j, k} K(x1_i, x2_j)[c, k] vector[j, k]

    which is ``J(x1) (J(x2)^T vector)``: a pull-back to the parameters, then a push-forward.

    Args:
        apply: as for `tangent_kernel`.
        params: as for `tangent_kernel`.
        x1: points at which the product is wanted.
        vector: one number for each of the points x2 and outputs, in the precision of the parameters.
        x2: points that the vector belongs to; None means x1.
        memory: bytes allowed for intermediates; the points are taken in blocks that fit.

    Returns:
        The product (n1, C).

    Raises:
        InputError: as for `tangent_kernel`, and a vector that does not fit x2 and the outputs.

    Cost: about three forward passes for each point of x2 and two for each point of x1; memory for one
    block of activations and two copies of the parameters.
    Trust: exact to rounding.

    Example:
        >>> import jax.numpy as jnp
        >>> x = jnp.asarray([[1.0, 2.0], [0.0, 1.0]])
        >>> v = jnp.asarray([[1.0], [10.0]])
        >>> tangent_kernel_product(lambda w, x: x @ w, jnp.ones((2, 1)), x, v).ravel().tolist()
        [25.0, 12.0]
    """
    with asking(params):
        question = pose(apply, params, x1, x2)
        program = checked(question, memory, _build)
        others = question.x1 if question.x2 is None else question.x2
        vector = _check_vector(question, others, vector)
        if not question.example.num_outputs:
            return jnp.zeros((len(question.x1), 0), question.example.dtype)
        return program(arrays_of(question), question.x1, others, vector, _block(question, memory))


def _check_vector(question: Question, others: Any, vector: Any) -> jax.Array:
    vector = check_array("vector", vector)
    wanted = (len(others), question.example.num_outputs)
    if vector.shape != wanted:
        raise InputError(
            "the vector must hold one real number for every point and output",
            received=f"shape {np.shape(vector)} for {wanted[0]} points and {wanted[1]} outputs",
            cause="a flattened vector, or one that belongs to other points",
            fix=f"reshape it to {wanted}",
        )
    return jnp.asarray(vector, question.example.dtype)


def _block(question: Question, memory: float) -> int:
    """How many points fit, counting every intermediate as value, tangent and cotangent."""
    sizes, itemsize = forward_sizes(question.example), question.example.dtype.itemsize
    return max(1, int((memory / itemsize - sizes.shared) / max(1, 3 * sizes.total)))


def _build(plan: Plan) -> Any:
    return jax.jit(functools.partial(_product, plan.example), static_argnums=4)


def _product(
    example: Example, arrays: Arrays, x1: Any, x2: Any, vector: Any, block: int
) -> jax.Array:
    """Pull the vector back to the parameters block by block, then push it forward."""

    def outputs(leaves: Sequence[Any], x: Any) -> jax.Array:
        inputs = [*arrays.context, *leaves, x]
        return run_tapped(example.closed.jaxpr, arrays.consts, inputs, {}, {})[0][0][0]

    def batch(leaves: Sequence[Any], xs: Any) -> jax.Array:
        return over_examples(lambda x: outputs(leaves, x))(xs)

    leaves = arrays.leaves

    def pull(total: Any, part: tuple[Any, Any]) -> tuple[Any, None]:
        x, v = part
        return jax.tree.map(jnp.add, total, jax.vjp(lambda w: batch(w, x), leaves)[1](v)[0]), None

    size = min(block, len(x2))
    zero = jax.tree.map(jnp.zeros_like, leaves)
    direction, _ = lax.scan(pull, zero, (_stacked(x2, size, "edge"), _stacked(vector, size)))

    def push(x: Any) -> jax.Array:
        def single(leaves: Any) -> jax.Array:
            return outputs(leaves, x)

        if not reverse_only(example.closed.jaxpr):
            return jax.jvp(single, (leaves,), (direction,))[1]
        out, pull_one = jax.vjp(single, leaves)
        try:
            return jax.linear_transpose(lambda g: pull_one(g)[0], out)(direction)[0]
        except (ValueError, NotImplementedError):  # a backward pass that has no transpose
            rows = over_examples(lambda g: pull_one(g)[0])(jnp.eye(len(out), dtype=out.dtype))
            parts = jax.tree.map(lambda row, d: jnp.tensordot(row, d, d.ndim), rows, direction)
            return functools.reduce(jnp.add, parts)

    try:
        return lax.map(push, x1, batch_size=min(block, len(x1)))
    except NotImplementedError:
        return lax.map(push, x1)


def _stacked(array: jax.Array, size: int, fill: str = "constant") -> jax.Array:
    """Blocks of `size` along a new first axis, the last one filled up with zeros or its edge."""
    missing = -len(array) % size
    padded = jnp.pad(array, [(0, missing), *[(0, 0)] * (array.ndim - 1)], mode=fill)
    return padded.reshape(-1, size, *array.shape[1:])
