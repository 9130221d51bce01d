"""Drawn functions: their kernel is that of one example at a time, or they mix and are refused."""

import os

import jax
import numpy as np
import pytest

from kernel.random_functions import draw_function
from lazyscope._checks import InputError
from lazyscope.kernel import tangent_kernel
from naive.jacobian_kernel import kernel

COUNT = int(os.environ.get("LAZYSCOPE_FUZZ_JAX", "30"))


@pytest.mark.parametrize("seed", range(COUNT))
def test_drawn_functions_have_the_kernel_of_single_examples_or_are_refused_for_mixing(seed, double):
    drawn = draw_function(seed)
    before = [np.array(leaf) for leaf in jax.tree.leaves(drawn.params)]
    if drawn.mixes:
        with pytest.raises(InputError, match="each example on its own"):
            tangent_kernel(drawn.apply, drawn.params, drawn.x1, drawn.x2)
    else:
        found = tangent_kernel(drawn.apply, drawn.params, drawn.x1, drawn.x2)
        expected = kernel(drawn.apply, drawn.params, drawn.x1, drawn.x2)
        tolerance = (3e-5 if drawn.coarse else 1e-9) * np.abs(expected).max()
        np.testing.assert_allclose(
            found, expected, rtol=0, atol=tolerance, err_msg=str(drawn.names)
        )
    after = jax.tree.leaves(drawn.params)
    assert all(np.array_equal(one, other) for one, other in zip(before, after, strict=True))
