"""How far did every layer move, relative to where it started?"""

from typing import final

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lazyscope._checks import InputError, check_alike, check_array, check_tree
from lazyscope._entry import checked
from lazyscope._jax import is_double, own_settings, pinned_random, random_key
from lazyscope._types import Params, Scalar
from lazyscope.model import group_norms

SMALL_SIDE = 64
"""Matrices with a side no longer than this have their norms from the Gram matrix, exactly."""

LANCZOS_STEPS, LANCZOS_AT_ONCE = 40, 8
LANCZOS_CONVERGED = 1e-9
"""Of what a Ritz vector leaves, relative to its value, which is then off by about the square of this."""


@final
class Displacement(eqx.Module):
    """Relative displacements of a run.

    Attributes:
        operator: |W_l(T) - W_l(0)| / |W_l(0)| in operator norm, one per layer, of its `group_matrix`;
            biases not included.
        frobenius: the same in Frobenius norm, over all parameters of the layer.
        total: |theta(T) - theta(0)| / |theta(0)| over all parameters.
    """

    operator: Float[Array, " layers"]
    frobenius: Float[Array, " layers"]
    total: Float[Array, ""]


def displacement(
    initial: Params, final: Params, initial_norms: Float[Array, " layers"] | None = None
) -> Displacement:
    """Relative displacement of every layer, in operator and Frobenius norm, and of all parameters.

    A layer that starts at zero has an infinite relative displacement. Pure; works under ``vmap``.

    Args:
        initial: parameters at the start, a tuple of groups of arrays.
        final: parameters at the end.
        initial_norms: `operator_norms` of the start, where they are known.

    Cost: operator norms by Lanczos, about 80 products of a vector with every matrix.
    Trust: operator norms to about 1e-8 relative for widths up to 1024 (random matrices), never above
    the true value; Frobenius norms to rounding.
    """
    _check_alike(check_tree("initial", initial), check_tree("final", final))
    with own_settings(double=is_double((initial, final))):
        initial, final = (jax.tree.map(jnp.asarray, tree) for tree in (initial, final))
        change = jax.tree.map(jnp.subtract, final, initial)
    return relative_change(initial, change, initial_norms)


def relative_change(
    initial: Params, change: Params, initial_norms: Float[Array, " layers"] | None = None
) -> Displacement:
    """`displacement` where the change itself is known, as of a flow; then however small it is. Pure."""
    with own_settings(double=is_double((initial, change))):
        before = operator_norms(initial) if initial_norms is None else initial_norms
        moved, start = _norms_of_any_size(change), _norms_of_any_size(initial)
        largest = jnp.max(moved)
        relative = moved / jnp.where(largest > 0, largest, 1.0)
        total = largest * jnp.sqrt(jnp.sum(relative**2)) / jnp.sqrt(jnp.sum(start**2))
        return Displacement(operator_norms(change) / before, moved / start, total)


def _norms_of_any_size(params: Params) -> Float[Array, " layers"]:
    """`group_norms` of parameters whose squares may leave the range of numbers."""
    sizes = [
        _scale(jnp.stack([jnp.max(jnp.abs(leaf)) for leaf in jax.tree.leaves(group)]))
        for group in params
    ]
    scaled = tuple(
        jax.tree.map(lambda leaf, s=size: leaf / s, group)
        for group, size in zip(params, sizes, strict=True)
    )
    return jnp.stack(sizes) * group_norms(scaled)


def operator_norms(params: Params) -> Float[Array, " layers"]:
    """Operator norm of the `group_matrix` of every group; pure."""
    return jnp.stack([operator_norm(group_matrix(group)) for group in params])


def _check_alike(initial: Params, final: Params) -> None:
    """Refuse parameters of two networks."""
    trees = [jax.tree.structure(tree) for tree in (initial, final)]
    shapes = [[np.shape(leaf) for leaf in jax.tree.leaves(tree)] for tree in (initial, final)]
    if trees[0] != trees[1] or shapes[0] != shapes[1] or not isinstance(initial, tuple | list):
        raise InputError(
            "initial and final parameters must be tuples of groups with the same shapes",
            received=f"shapes {shapes[0]} and {shapes[1]}, structures {trees[0]} and {trees[1]}",
            cause="parameters of two networks, or a tree that is not a tuple of groups",
            fix="give the parameters of one network; a dict as tuple(params.values())",
        )


def group_matrix(group: Params) -> Float[Array, "..."]:
    """The array of a group whose operator norm stands for the group.

    It is the first one with the most axes: the weight of a layer, the scale of a normalisation. More
    than two axes are a matrix of the first axis against the others, so that a convolution (fan_out,
    channels, height, width) acts on its patches.

    Example:
        >>> group_matrix((jnp.zeros(4), jnp.ones((4, 3, 2, 2)))).shape
        (4, 12)
    """
    largest = max(jax.tree.leaves(group), key=jnp.ndim)
    return largest.reshape(largest.shape[0], -1) if jnp.ndim(largest) > 2 else largest


@checked()
def operator_norm(matrix: Float[Array, "..."]) -> Scalar:
    """Largest singular value of a matrix; of a vector, that of the diagonal matrix it stands for.

    By the smaller Gram matrix where one side is at most 64, else by up to 40 Lanczos steps with full
    reorthogonalisation, from a fixed random vector.

    Example:
        >>> float(operator_norm(jnp.diag(jnp.array([3.0, -5.0]))))
        5.0
    """
    matrix = check_array("matrix", matrix, ndim=(0, 1, 2))
    check_alike(matrix=matrix)
    with own_settings(double=is_double(matrix)):
        if matrix.ndim < 2:
            return jnp.max(jnp.abs(jnp.asarray(matrix)))
        matrix = jnp.asarray(matrix)
        if matrix.dtype.itemsize < 4 or not jnp.issubdtype(matrix.dtype, jnp.floating):
            matrix = matrix.astype(jnp.float32)  # in half precision there are no decompositions
        scale = jax.lax.stop_gradient(_scale(matrix))
        return scale * _norm_of_scaled(matrix / scale)


def _scale(matrix: Float[Array, "..."]) -> Scalar:
    """The largest entry, as far as its inverse is a normal number."""
    smallest = 4 * jnp.finfo(matrix.dtype).tiny
    return jnp.clip(jnp.max(jnp.abs(matrix)), smallest, 1 / smallest)


def _norm_of_scaled(matrix: Float[Array, "rows columns"]) -> Scalar:
    """Of a matrix whose largest entry is about one, so that no square leaves the range of numbers."""
    if matrix.shape[0] < matrix.shape[1]:
        matrix = matrix.T
    if matrix.shape[1] <= SMALL_SIDE:
        largest = jnp.linalg.eigvalsh(matrix.T @ matrix)[-1]
        return jnp.sqrt(jnp.maximum(largest, 0.0))
    return _lanczos_norm(matrix)


def _lanczos_norm(matrix: Float[Array, "rows columns"]) -> Scalar:
    """Steps of which some are done at a time, until the largest Ritz value has converged."""
    size, dtype = matrix.shape[1], matrix.dtype
    with pinned_random():
        start = jax.random.normal(random_key(0), (size,), dtype)
    basis = jnp.zeros((LANCZOS_STEPS + 1, size), dtype).at[0].set(start / jnp.linalg.norm(start))
    chain = jnp.zeros((2, LANCZOS_STEPS), dtype)

    def some(carry: tuple[Array, ...], first: Array) -> tuple[Array, ...]:
        basis, chain, _, _ = carry
        places = first + jnp.arange(LANCZOS_AT_ONCE)
        (basis, _), found = jax.lax.scan(step, (basis, jnp.max(chain[0])), places)
        chain = jax.lax.dynamic_update_slice(chain, jnp.stack(found), (0, first))
        value, left = _ritz(chain, first + LANCZOS_AT_ONCE - 1)
        return basis, chain, value, left <= LANCZOS_CONVERGED * value

    def step(
        carry: tuple[Array, Array], i: Array
    ) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
        basis, largest = carry
        image = matrix.T @ (matrix @ basis[i])
        diagonal = image @ basis[i]
        largest = jnp.maximum(largest, jnp.abs(diagonal))
        for _ in range(2):
            image = image - basis.T @ (basis @ image)
        length = jnp.linalg.norm(image)
        # In an invariant subspace the rest is rounding: the chain ends with a zero vector.
        alive = length > 1e-11 * largest
        following = jnp.where(alive, image / jnp.where(alive, length, 1.0), 0.0)
        carry = basis.at[i + 1].set(following), largest
        return carry, (diagonal, jnp.where(alive, length, 0.0))

    def unless_done(carry: tuple[Array, ...], first: Array) -> tuple[tuple[Array, ...], None]:
        return jax.lax.cond(carry[-1], lambda c, _: c, some, carry, first), None

    begin = basis, chain, jnp.zeros((), dtype), jnp.asarray(False)
    end, _ = jax.lax.scan(unless_done, begin, jnp.arange(0, LANCZOS_STEPS, LANCZOS_AT_ONCE))
    return jnp.sqrt(jnp.maximum(end[2], 0.0))


def _ritz(chain: Float[Array, "2 steps"], last: Array) -> tuple[Scalar, Scalar]:
    """The largest Ritz value of a chain up to this step, and how far its vector is from an eigenvector.

    What is still to come is zero: it adds no value above zero, and nothing to the vector.
    """
    diagonal, beside = chain
    inner = jnp.where(jnp.arange(LANCZOS_STEPS) < last, beside, 0.0)[:-1]
    values, vectors = jnp.linalg.eigh(jnp.diag(diagonal) + jnp.diag(inner, 1) + jnp.diag(inner, -1))
    return values[-1], beside[last] * jnp.abs(vectors[last, -1])
