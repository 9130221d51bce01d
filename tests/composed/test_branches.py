"""Is a sum of branches in the limit the sum of their covariances, whatever comes after it?"""

import numpy as np
import pytest

from lazyscope import composed


def conv():
    return composed.conv((3, 3), weight_std=2**0.5, bias_std=0.1)


def net(*parts):
    return composed.ComposedNetwork(
        composed.serial(*parts, composed.dense(outputs=1)), (4, 4, 2), 8
    )


@pytest.mark.parametrize("end", [composed.flatten(), composed.global_avg_pool()])
@pytest.mark.parametrize("before", [(conv(), composed.activation("relu")), (conv(),)])
def test_a_residual_that_nothing_bent_follows_is_a_sum(before, end):
    x = np.random.default_rng(0).normal(size=(3, 4, 4, 2))
    branch = conv(), composed.activation("relu"), conv()
    block = composed.residual(composed.serial(*branch))
    whole = composed.network_covariance_kernel(net(*before, block, end), x)
    skip = composed.network_covariance_kernel(net(*before, end), x)
    other = composed.network_covariance_kernel(net(*before, *branch, end), x)
    np.testing.assert_allclose(whole, skip + other, rtol=1e-12)
