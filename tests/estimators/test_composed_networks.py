"""Do estimators take composed networks, pooling and residuals included?"""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV

from lazyscope import composed
from lazyscope._checks import InputError
from lazyscope.estimators import TangentKernelClassifier, TangentKernelRegressor
from lazyscope.kernel import GaussianProcess, TrainedEnsemble
from lazyscope.model import Residual


def network(*parts, input_shape=(8, 8, 1)):
    row = composed.serial(*parts, composed.dense(outputs=1))
    return composed.ComposedNetwork(row, input_shape, 16)


def conv():
    return composed.conv((3, 3), weight_std=2**0.5, bias_std=0.1), composed.activation("relu")


@pytest.fixture(scope="module")
def digits():
    x, y = load_digits(return_X_y=True)
    return x[:160] / 16, y[:160]


def test_convolutions_on_rows_of_pixels_are_the_ensemble_of_their_kernels(digits):
    x, _ = digits
    x, y = x[:12], np.sin(np.arange(8.0))
    net = network(*conv(), composed.flatten())
    model = TangentKernelRegressor(network=net, ridge=0.01, normalize_y=False).fit(x[:8], y)
    mean, std = model.predict(x[8:], return_std=True)
    images = x.reshape(-1, 8, 8, 1)
    theta = composed.network_tangent_kernel(net, images)
    k = composed.network_covariance_kernel(net, images)
    ridge = 0.01 * np.mean(np.diag(theta)[:8])
    ensemble = TrainedEnsemble(theta[:8, :8], k[:8, :8], y, ridge=ridge)
    np.testing.assert_allclose(mean, ensemble.mean(tangent_test=theta[8:, :8]), atol=1e-6)
    variance = ensemble.variance(
        tangent_test=theta[8:, :8],
        covariance_test=k[8:, :8],
        covariance_diagonal=np.diag(k)[8:],
    )
    np.testing.assert_allclose(std**2, variance, atol=1e-6)
    posterior = clone(model).set_params(kernel="nngp").fit(x[:8], y)
    noise = 0.01 * np.mean(np.diag(k)[:8])
    expected = GaussianProcess(k[:8, :8], y, noise).mean(k[8:, :8])
    np.testing.assert_allclose(posterior.predict(x[8:]), expected, atol=1e-6)


def test_networks_of_the_library_are_their_compositions(digits):
    x, y = digits[0][:8], np.sin(np.arange(8.0))
    net = Residual(64, 1, 4, 2)
    model = TangentKernelRegressor(network=net).fit(x, y)
    same = TangentKernelRegressor(network=composed.composition_of(net)).fit(x, y)
    np.testing.assert_array_equal(model.predict(x), same.predict(x))


@pytest.mark.slow
def test_a_search_chooses_between_networks(digits):
    x, y = digits
    dense = network(composed.flatten(), composed.dense(), composed.activation("erf"))
    nets = [dense, network(*conv(), composed.flatten())]
    search = GridSearchCV(TangentKernelClassifier(), {"network": nets}, cv=2).fit(x, y)
    assert search.best_score_ > 0.8
    shares = search.predict_proba(x[:5])
    np.testing.assert_allclose(shares.sum(1), 1.0)


@pytest.mark.slow
def test_pooling_and_residuals_are_learned_from(digits):
    x, y = digits
    block = composed.residual(composed.serial(*conv(), composed.conv((3, 3))))
    for net in (
        network(*conv(), composed.global_avg_pool()),
        network(*conv(), block, composed.flatten()),
    ):
        model = TangentKernelClassifier(network=net).fit(x[:100], y[:100])
        assert model.score(x[100:], y[100:]) > 0.7


def test_points_of_another_shape_are_refused_by_the_network(digits):
    x, y = digits
    net = network(*conv(), composed.flatten())
    with pytest.raises(InputError, match=r"(?i)shape"):
        TangentKernelClassifier(network=net).fit(x[:8, :60], y[:8])
