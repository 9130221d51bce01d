"""What is the tangent kernel of any network, whole or parameter by parameter?"""

import jax
from jaxtyping import Array, Float, Real

from lazyscope._trace import asking, pose
from lazyscope._types import Apply, Params
from lazyscope.kernel.any_function._blocks import MEMORY, shares_by_parameter, sum_of_shares


def tangent_kernel(
    apply: Apply,
    params: Params,
    x1: Real[Array, "n1 ..."],
    x2: Real[Array, "n2 ..."] | None = None,
    *,
    memory: float = MEMORY,
) -> Float[Array, "n1 n2 C C"]:
    """Tangent kernel of any network, exact, without a Jacobian wherever its structure allows.

    Definition, a plain sum over all parameters (no mean, no factor)::

        K[i, j, c, k] = sum_p  d f_c(x1_i) / d theta_p  *  d f_k(x2_j) / d theta_p

    Speeds are not in it: weigh `tangent_kernel_by_parameter` with them.

    Args:
        apply: ``apply(params, x) -> (n, C)`` in JAX, each example on its own. An Equinox module or a
            bound method works; arrays it carries are held fixed.
        params: any tree of real arrays of one precision, which is also the kernel's. Double precision
            NumPy arrays are computed in double precision whatever the session's setting.
        x1: examples along the first axis, of any trailing shape; real, or integers such as tokens.
        x2: other examples; None means x1 with itself, at half the cost.
        memory: bytes allowed for intermediates (beside arguments and result). Smaller means more and
            smaller blocks, hence slower; one pair of examples is always computed whole.

    Returns:
        The kernel. `explain_tangent_kernel` says how each parameter was handled.

    Raises:
        InputError: outputs not (n, C), examples mixed within the batch, randomness or state, and
            parameters that cannot be differentiated or are ignored; the message says the cause.
            While tracing (inside `jit`) there are no values, so mixing cannot be noticed.

    Cost: one forward and C backward passes per example, plus for a weight (i, o) used at s positions
    per pair of examples the smaller of ``s^2 (i + C^2 o)`` and ``C^2 i o`` multiply-adds.
    Trust: exact to rounding. The first call compiles; `apply` is traced again on every call, so what
    it closes over may change. Source: the definition is Jacot, Gabriel & Hongler 2018 (eq. 4);
    structured contraction goes back to Novak, Sohl-Dickstein & Schoenholz 2022.

    Example:
        >>> import jax.numpy as jnp
        >>> x = jnp.asarray([[1.0, 2.0], [0.0, 1.0]])
        >>> tangent_kernel(lambda w, x: x @ w, jnp.ones((2, 1)), x)[:, :, 0, 0].tolist()
        [[5.0, 2.0], [2.0, 1.0]]
    """
    with asking(params):
        return sum_of_shares(pose(apply, params, x1, x2), memory)


def tangent_kernel_by_parameter(
    apply: Apply,
    params: Params,
    x1: Real[Array, "n1 ..."],
    x2: Real[Array, "n2 ..."] | None = None,
    *,
    memory: float = MEMORY,
) -> Params:
    """Every parameter's own share of the tangent kernel, a tree like `params`.

    Definition: the sum of `tangent_kernel` restricted to the entries of one array. The shares add up
    to the whole; with speeds s the kernel that drives training is ``sum_p s_p K_p``.

    Args:
        apply: as for `tangent_kernel`.
        params: as for `tangent_kernel`.
        x1: as for `tangent_kernel`.
        x2: as for `tangent_kernel`.
        memory: as for `tangent_kernel`; the result is as many kernels as there are arrays.

    Returns:
        The tree of `params` with a kernel (n1, n2, C, C) for every array, zero for unused ones.

    Raises:
        InputError: as for `tangent_kernel`.

    Cost and trust: as for `tangent_kernel`.

    Example:
        >>> import jax.numpy as jnp
        >>> network = lambda p, x: x @ p["w"] + p["b"]
        >>> params = {"w": jnp.ones((2, 1)), "b": jnp.ones(1)}
        >>> shares = tangent_kernel_by_parameter(network, params, jnp.asarray([[1.0, 2.0]]))
        >>> float(shares["w"].sum()), float(shares["b"].sum())
        (5.0, 1.0)
    """
    with asking(params):
        question = pose(apply, params, x1, x2)
        return jax.tree.unflatten(question.treedef, shares_by_parameter(question, memory))
