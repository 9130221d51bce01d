import jax
import numpy as np
import pytest

from lazyscope.kernel import tangent_kernel, tangent_kernel_by_parameter
from naive.jacobian_kernel import kernel, kernels_by_leaf
from naive.networks import ACTIVATIONS, NETWORKS, dense


def assert_same(found, expected):
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10 * np.abs(expected).max())


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_every_leaf_has_its_own_share_of_the_dense_jacobian(name, double):
    apply, params, x1, x2 = NETWORKS[name]()
    shares = tangent_kernel_by_parameter(apply, params, x1, x2)
    assert jax.tree.structure(shares) == jax.tree.structure(params)
    expected = kernels_by_leaf(apply, params, x1, x2)
    for share, alone in zip(jax.tree.leaves(shares), expected, strict=True):
        assert_same(share, alone)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["embedding_bag", "mixed_lookups", "scan_in_scan", "branches"])
def test_kernel_of_a_set_with_itself_equals_the_dense_jacobian(name, double):
    apply, params, x1, _ = NETWORKS[name]()
    assert_same(tangent_kernel(apply, params, x1), kernel(apply, params, x1))


@pytest.mark.slow
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_kernel_is_exact_for_every_activation(name, double):
    apply, params, x1, x2 = dense(ACTIVATIONS[name])
    assert_same(tangent_kernel(apply, params, x1, x2), kernel(apply, params, x1, x2))
