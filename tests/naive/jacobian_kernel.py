"""The tangent kernel by its definition: the dense Jacobian of one example after the other."""

import jax
import jax.numpy as jnp
import numpy as np


def jacobians(apply, params, x):
    """For every leaf (n, C, entries of the leaf): the gradient of every output of every example."""

    def outputs(params, example):
        return apply(params, example[None])[0]

    def by_output(params, example):
        out, pull = jax.vjp(lambda params: outputs(params, example), params)
        rows = [pull(row)[0] for row in jnp.eye(len(out), dtype=out.dtype)]
        return jax.tree.map(lambda *each: jnp.stack(each), *rows)

    params, x = jax.tree.map(jnp.asarray, params), jnp.asarray(x)
    single = jax.jit(jax.jacrev(outputs))
    try:
        single(params, x[0])
    except NotImplementedError:  # equations without batches, such as ragged products
        single = jax.jit(by_output)
    rows = [jax.tree.leaves(single(params, example)) for example in x]
    return [
        np.stack([np.reshape(j, (len(j), -1)) for j in leaf]) for leaf in zip(*rows, strict=True)
    ]


def kernels_by_leaf(apply, params, x1, x2=None):
    """For every leaf K[i, j, c, k] = sum_p J1[i, c, p] J2[j, k, p], summed over its entries p."""
    both = x1 if x2 is None else np.concatenate([x1, x2])
    found = jacobians(apply, params, both)
    first = 0 if x2 is None else len(x1)
    return [_products(leaf[: len(x1)], leaf[first:]) for leaf in found]


def kernel(apply, params, x1, x2=None):
    """The same, summed over all leaves."""
    return sum(kernels_by_leaf(apply, params, x1, x2))


def _products(left, right):
    out = np.zeros((len(left), len(right), left.shape[1], right.shape[1]))
    for i in range(len(left)):
        for j in range(len(right)):
            out[i, j] = left[i] @ right[j].T
    return out
