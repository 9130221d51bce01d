"""What is a function near given parameters, to first or to any order?"""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lazyscope._checks import InputError
from lazyscope._entry import checked
from lazyscope._trace import taken_apart
from lazyscope._types import Apply, Params


@checked(own=("params",))
def linearise(apply: Apply, params: Params) -> Apply:
    """The function linearised in its parameters, as a plain function of (parameters, inputs).

    Definition, with the derivative at the given parameters theta_0::

        f_lin(theta, x) = f(theta_0, x) + d f(theta_0, x) / d theta . (theta - theta_0)

    Its tangent kernel is that of f at theta_0, whatever theta.

    Args:
        apply: any JAX function of parameters and inputs; its result may be a tree of arrays.
        params: theta_0, a tree of real arrays. Changing NumPy arrays later changes nothing.

    Returns:
        A function to which everything of JAX applies (``jit``, ``grad`` in both arguments, ``vmap``), and
        which goes wherever a network goes here. It computes in the precision of the session.

    Raises:
        InputError: `apply` is no function, `params` no tree of real arrays; when it is called,
            parameters of another structure or other shapes.

    Cost: that of a forward derivative, about two to three forward passes; of functions that have a
    derivative in reverse only (`jax.custom_vjp`), two backward passes.
    Trust: exact to rounding. At a kink JAX's own one-sided derivative is taken.
    Reference: Lee et al. 2019 (arXiv 1902.06720), eq. 5.

    Example:
        >>> import jax.numpy as jnp
        >>> f = linearise(lambda w, x: x * w**3, jnp.asarray(1.0))
        >>> float(f(jnp.asarray(1.5), 2.0))  # 2 + 6 * 0.5
        5.0
    """
    start = _kept(params)

    def linearised(moved: Params, x: Any) -> Any:
        def outputs(at: Params) -> Any:
            return apply(at, x)

        first, direction = _direction(start, moved)
        try:
            value, change = jax.jvp(outputs, (first,), (direction,))
        except (TypeError, NotImplementedError) as error:
            if not _only_in_reverse(error):
                raise
            value, pull = jax.vjp(outputs, first)
            (change,) = jax.linear_transpose(lambda signal: pull(signal)[0], value)(direction)
        return jax.tree.map(jnp.add, value, change)

    return linearised


@checked(own=("params",))
def taylor(apply: Apply, params: Params, degree: int) -> Apply:
    """The Taylor polynomial of a function in its parameters, as a plain function.

    Definition, with all derivatives at the given parameters theta_0 in the direction
    ``d = theta - theta_0``::

        f_p(theta, x) = sum_{k = 0}^{p} (1 / k!) d^k/ds^k f(theta_0 + s d, x) at s = 0

    Args:
        apply: any JAX function of parameters and inputs; its result may be a tree of arrays.
        params: theta_0, a tree of real arrays.
        degree: p; 0 is the function at theta_0, 1 is `linearise`, 2 adds the curvature.

    Returns:
        A function as `linearise` returns it.

    Raises:
        InputError: as `linearise`; a function that has a derivative in reverse only where `degree` is at
            least 2.

    Cost: forward derivatives nested `degree` times, up to 2^degree forward passes.
    Trust: exact to rounding. Functions with kinks have no more derivatives than kinks leave: of ReLU the
    second one is zero, so that f_2 knows nothing of units that switch.

    Example:
        >>> import jax.numpy as jnp
        >>> f = taylor(lambda w, x: x * w**3, jnp.asarray(1.0), 2)
        >>> float(f(jnp.asarray(1.5), 2.0))  # 2 + 6 * 0.5 + 6 * 0.5**2
        6.5
    """
    if degree == 1:
        return linearise(apply, params)
    start = _kept(params)

    def polynomial(moved: Params, x: Any) -> Any:
        first, direction = _direction(start, moved)

        def along(s: Any) -> list[Any]:
            at = jax.tree.map(lambda a, d: a + s.astype(a.dtype) * d, first, direction)
            return [apply(at, x)]

        derivatives = along
        for _ in range(degree):
            derivatives = _with_next(derivatives)
        try:
            terms = derivatives(jnp.zeros(()))
        except (TypeError, NotImplementedError) as error:
            if not _only_in_reverse(error):
                raise
            raise InputError(
                "a Taylor polynomial needs derivatives in forward direction",
                received="a function with a derivative rule in reverse only (jax.custom_vjp)",
                cause="fused attention, or a rule of one's own",
                fix="write the rule with jax.custom_jvp, or take linearise, which does without",
            ) from error
        factors = [1.0 / math.factorial(k) for k in range(degree + 1)]
        return jax.tree.map(
            lambda *parts: sum(
                jnp.asarray(c, p.dtype) * p for c, p in zip(factors, parts, strict=True)
            ),
            *terms,
        )

    return polynomial


def _only_in_reverse(error: Exception) -> bool:
    """Whether JAX says that a function has a derivative rule of its own in reverse alone."""
    return "custom_vjp" in str(error) or "custom_lin" in str(error)


def _with_next(derivatives: Any) -> Any:
    """From (g, .., g^(k)) of s to (g, .., g^(k + 1))."""

    def longer(s: Any) -> list[Any]:
        values, changes = jax.jvp(derivatives, (s,), (jnp.ones_like(s),))
        return [*values, changes[-1]]

    return longer


def _kept(params: Params) -> Params:
    """The parameters, with copies of arrays that could be written into; or a refusal."""
    taken_apart(params)
    return jax.tree.map(lambda a: a if isinstance(a, jax.Array) else np.array(a), params)


def _direction(start: Params, moved: Params) -> tuple[Params, Params]:
    """Where to start and how far to go, of one structure, shapes and types; or a refusal."""
    first = jax.tree.map(jnp.asarray, start)
    structures = jax.tree.structure(first), jax.tree.structure(moved)
    shapes = [[np.shape(a) for a in jax.tree.leaves(tree)] for tree in (first, moved)]
    if structures[0] != structures[1] or shapes[0] != shapes[1]:
        raise InputError(
            "parameters must have the structure and shapes of those at the expansion point",
            received=f"{structures[1]} with shapes {shapes[1]} for {structures[0]} with {shapes[0]}",
            cause="parameters of another network or width, or arguments in another order",
            fix="call it with (params, x), params a tree like the one it was made with",
        )
    change = jax.tree.map(lambda a, b: jnp.asarray(b).astype(a.dtype) - a, first, moved)
    return first, change
