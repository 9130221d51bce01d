"""The memory that the compiler plans for stays below what was allowed."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lazyscope._trace._question import pose
from lazyscope.kernel import explain_tangent_kernel
from lazyscope.kernel.any_function._blocks import arrays_of, checked, summing


def draw(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def dense():
    def apply(params, x):
        h = x
        for w in params[:-1]:
            h = jax.nn.relu(h @ w)
        return h @ params[-1]

    return apply, [draw(40, 200), draw(200, 200), draw(200, 5)], draw(48, 40)


def convolution():
    def apply(params, x):
        h = x
        for w in params[:-1]:
            h = jax.nn.relu(jax.lax.conv_general_dilated(h, w, (1, 1), "SAME"))
        return h.mean((2, 3)) @ params[-1]

    return apply, [draw(24, 8, 3, 3), draw(24, 24, 3, 3), draw(24, 5)], draw(16, 8, 8, 8)


def attention():
    def apply(params, x):
        e = params["table"][x]
        q, k, v = (e @ params[c] for c in "qkv")
        h = e + jax.nn.softmax(q @ jnp.swapaxes(k, 1, 2)) @ v
        return jax.nn.gelu(h @ params["up"]).mean(1) @ params["out"]

    params = {c: draw(32, 32) for c in "qkv"} | {"table": draw(50, 32)}
    tokens = np.random.default_rng(0).integers(0, 50, (16, 12))
    return apply, params | {"up": draw(32, 64), "out": draw(64, 5)}, tokens


@pytest.mark.slow
@pytest.mark.parametrize("build", [dense, convolution, attention])
def test_intermediates_stay_below_the_memory_that_was_allowed(build):
    apply, params, x = build()
    question = pose(apply, params, x, None)
    needed = explain_tangent_kernel(apply, params, x).bytes_needed
    for memory in (1.01 * needed, 0.3 * needed):
        programs = checked(question, memory, summing)
        held = _held(programs, question)
        assert held <= memory
    assert programs.plan.rows < len(x)


def _held(programs, question):
    """Bytes planned by the compiler: beside arguments and the kernel of one pair of blocks."""
    arrays, rows = arrays_of(question), programs.plan.rows
    x = question.x1
    if programs.plan.columns is None:
        return programs.alone.lower(arrays, x).compile().memory_analysis().temp_size_in_bytes
    shape = jax.ShapeDtypeStruct((rows, *x.shape[1:]), x.dtype)
    factors = programs.factors.lower(arrays, shape).compile().memory_analysis()
    one = jax.eval_shape(programs.factors, arrays, shape)
    contract = programs.contract.lower(one, one).compile().memory_analysis()
    left = factors.output_size_in_bytes
    return left + max(factors.temp_size_in_bytes + left, left + contract.temp_size_in_bytes)
