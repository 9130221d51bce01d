"""Trace and diagonal over outputs are those of the kernel of all pairs."""

import jax
import numpy as np
import pytest

from lazyscope.kernel import tangent_kernel_diagonal, tangent_kernel_trace
from naive.jacobian_kernel import kernel
from naive.networks import NETWORKS

FEW = ("tied_weights", "convolution")


def both(name, symmetric, memory):
    apply, params, x1, x2 = NETWORKS[name]()
    x2 = None if symmetric else x2
    expected = np.einsum("ijcc->ijc", kernel(apply, params, x1, x2))
    asked = apply, params, x1, x2
    return (
        tangent_kernel_diagonal(*asked, memory=memory),
        tangent_kernel_trace(*asked, memory=memory),
        expected,
    )


def assert_same(name, symmetric, memory):
    diagonal, trace, expected = both(name, symmetric, memory)
    size = np.abs(expected).max()
    np.testing.assert_allclose(diagonal, expected, rtol=1e-10, atol=1e-11 * size)
    np.testing.assert_allclose(trace, expected.sum(-1), rtol=1e-10, atol=1e-11 * size)


@pytest.mark.parametrize(("name", "symmetric"), [(FEW[0], True), (FEW[1], False)])
def test_diagonal_and_trace_are_those_of_the_whole_kernel(name, symmetric, double):
    assert_same(name, symmetric, 2**30)


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("memory", [2**30, 1e4])
@pytest.mark.parametrize("symmetric", [True, False])
def test_every_network_has_the_diagonal_and_trace_of_its_jacobian(name, memory, symmetric, double):
    assert_same(name, symmetric, memory)


@pytest.mark.slow
@pytest.mark.parametrize("function", [tangent_kernel_trace, tangent_kernel_diagonal])
def test_no_array_of_all_pairs_of_outputs_is_made(function):
    """Of 40 outputs 1600 pairs would be held: the largest array of the program is smaller by far."""
    params = {"w": np.ones((5, 7), np.float32), "v": np.ones((7, 40), np.float32)}
    x = np.ones((30, 5), np.float32)

    def network(p, x):
        return jax.numpy.tanh(x @ p["w"]) @ p["v"]

    closed = jax.make_jaxpr(lambda p, x: function(network, p, x))(params, jax.numpy.asarray(x))
    assert _largest(closed.jaxpr) < 30 * 30 * 40 * 40 / 4


def _largest(jaxpr):
    found = [int(np.prod(v.aval.shape)) for eqn in jaxpr.eqns for v in eqn.outvars]
    inner = [
        _largest(getattr(value, "jaxpr", value))
        for eqn in jaxpr.eqns
        for value in jax.tree.leaves(
            list(eqn.params.values()), is_leaf=lambda v: hasattr(v, "jaxpr") or hasattr(v, "eqns")
        )
        if hasattr(value, "jaxpr") or hasattr(value, "eqns")
    ]
    return max([*found, *inner], default=0)
