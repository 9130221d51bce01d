"""Is a Gaussian process the conditioned Gaussian, and its evidence the density?"""

import mpmath
import numpy as np
import pytest

from lazyscope._checks import InputError
from lazyscope.kernel import GaussianProcess, limit_covariance_kernel, predict_flow

NETWORK = {"depth": 2, "activation": "relu", "weight_std": 2**0.5, "bias_std": 0.1}


@pytest.fixture(scope="module")
def drawn():
    rng = np.random.default_rng(3)
    x, x_test = rng.standard_normal((7, 3)), rng.standard_normal((4, 3))
    kernel = limit_covariance_kernel(np.concatenate([x, x_test]), **NETWORK)
    y = rng.standard_normal((7, 2))
    return x, y, kernel[:7, :7], kernel[7:, :7], kernel[7:, 7:]


def conditioned(k, cross, test, y, noise):
    """Mean, covariance and log density by mpmath in 40 digits, from the joint Gaussian."""
    with mpmath.workdps(40):
        k, cross, test = (mpmath.matrix(a.tolist()) for a in (k, cross, test))
        targets = mpmath.matrix(y.tolist())
        n = k.rows
        total = k + noise * mpmath.eye(n)
        inverse = total**-1
        mean, left = cross * inverse * targets, test - cross * inverse * cross.T
        columns = [targets[:, c] for c in range(targets.cols)]
        density = (
            sum(-(c.T * inverse * c)[0] / 2 - mpmath.log(mpmath.det(total)) / 2 for c in columns)
            - len(columns) * n * mpmath.log(2 * mpmath.pi) / 2
        )
        return (
            np.array(mean.tolist(), float),
            np.array(left.tolist(), float),
            float(density),
        )


@pytest.mark.parametrize("noise", [0.0, 1e-3, 2.0])
def test_it_is_the_joint_gaussian_conditioned(drawn, noise):
    _, y, k, cross, test = drawn
    mean, left, density = conditioned(k, cross, test, y, noise)
    process = GaussianProcess(k, y, noise)
    np.testing.assert_allclose(process.mean(cross), mean, rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(process.covariance(cross, test), left, atol=1e-11)
    np.testing.assert_allclose(process.variance(cross, np.diag(test)), np.diag(left), atol=1e-11)
    np.testing.assert_allclose(process.log_marginal_likelihood, density, rtol=1e-10)


def test_training_points_are_test_points_too(drawn):
    _, y, k, _, _ = drawn
    process = GaussianProcess(k, y[:, 0], 0.3)
    np.testing.assert_allclose(process.mean(), process.mean(k), atol=1e-12)
    np.testing.assert_allclose(process.covariance(), process.covariance(k, k), atol=1e-12)
    np.testing.assert_allclose(process.variance(), process.variance(k, np.diag(k)), atol=1e-12)


def test_without_noise_the_mean_is_the_limit_of_the_flow_and_the_data_are_certain(drawn):
    _, y, k, cross, _ = drawn
    process = GaussianProcess(k, y)
    np.testing.assert_allclose(
        process.mean(cross), predict_flow(k, y, None, k_test_train=cross), atol=1e-10
    )
    np.testing.assert_allclose(process.variance(), 0.0, atol=1e-12)


def test_gradients_of_the_evidence_are_its_differences(drawn):
    x, y, k, _, _ = drawn
    process, h = GaussianProcess(k, y, 0.2), 1e-5
    ends = [process.with_noise(0.2 + s * h).log_marginal_likelihood for s in (-1, 1)]
    np.testing.assert_allclose(process.noise_gradient, (ends[1] - ends[0]) / (2 * h), rtol=1e-6)
    kernels = [limit_covariance_kernel(x, **NETWORK | {"bias_std": 0.1 + s * h}) for s in (-1, 1)]
    ends = [GaussianProcess(each, y, 0.2).log_marginal_likelihood for each in kernels]
    found = process.kernel_gradient((kernels[1] - kernels[0]) / (2 * h))
    np.testing.assert_allclose(found, (ends[1] - ends[0]) / (2 * h), rtol=1e-5)


def test_the_likeliest_noise_and_scale_have_no_neighbour_above(drawn):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((60, 3))
    k = limit_covariance_kernel(x, **NETWORK)
    y = np.linalg.cholesky(k + 0.05 * np.eye(60)) @ rng.standard_normal(60)
    best = GaussianProcess(k, y, 1.0).with_likeliest_noise()
    assert abs(best.noise_gradient) * best.noise < 1e-4
    assert 0.005 < best.noise < 0.5
    scale = best.likeliest_scale
    density = lambda s: GaussianProcess(s * k, y, s * best.noise).log_marginal_likelihood  # noqa: E731
    assert density(scale) > max(density(scale * 1.01), density(scale / 1.01))
    np.testing.assert_allclose(best.log_marginal_likelihood, density(1.0), rtol=1e-10)


def test_variances_are_those_of_draws_conditioned_on_data():
    """An ensemble by Matheron's rule: prior draws, corrected by their own residual."""
    rng = np.random.default_rng(1)
    x = rng.standard_normal((8, 2))
    k = limit_covariance_kernel(x, **NETWORK)
    root, noise, y = np.linalg.cholesky(k + 1e-12 * np.eye(8)), 0.1, rng.standard_normal(5)
    draws = root @ rng.standard_normal((8, 40_000))
    seen = draws[:5] + noise**0.5 * rng.standard_normal((5, 40_000))
    gain = k[5:, :5] @ np.linalg.inv(k[:5, :5] + noise * np.eye(5))
    after = draws[5:] + gain @ (y[:, None] - seen)
    process = GaussianProcess(k[:5, :5], y, noise)
    mean, left = process.mean(k[5:, :5]), process.covariance(k[5:, :5], k[5:, 5:])
    se = np.sqrt(np.diag(left) / 40_000)
    assert np.all(np.abs(after.mean(1) - mean) < 5 * se)
    np.testing.assert_allclose(np.cov(after), left, atol=6 * np.max(np.diag(left)) / 40_000**0.5)


def test_duplicates_with_one_target_count_once_and_with_two_need_noise(drawn):
    _, y, k, cross, test = drawn
    twice = np.ix_([*range(7), 2], [*range(7), 2])
    again = GaussianProcess(k[twice], np.append(y[:, 0], y[2, 0]))
    once = GaussianProcess(k, y[:, 0])
    wider = cross[:, [*range(7), 2]]
    assert again.num_unresolved == 1
    np.testing.assert_allclose(again.mean(wider), once.mean(cross), atol=1e-9)
    np.testing.assert_allclose(
        again.variance(wider, np.diag(test)), once.variance(cross, np.diag(test)), atol=1e-9
    )
    with pytest.raises(InputError, match=r"1 of 8 eigenvalues .* Fix: give a noise above zero"):
        _ = again.log_marginal_likelihood
    differing = np.append(y[:, 0], y[2, 0] + 1)
    with pytest.raises(InputError, match="points 2 and 7, which are one to the kernel"):
        GaussianProcess(k[twice], differing)
    averaged = GaussianProcess(k[twice], differing, 1e-9).mean(wider)
    middle = y[:, 0] + 0.5 * (np.arange(7) == 2)
    np.testing.assert_allclose(averaged, GaussianProcess(k, middle).mean(cross), rtol=1e-5)


def test_what_single_precision_does_not_resolve_has_no_weight():
    rng = np.random.default_rng(5)
    x = rng.standard_normal((40, 2))
    k = limit_covariance_kernel(x, depth=1, activation="erf", weight_std=1.5)
    y = np.sin(x[:, 0])
    coarse = GaussianProcess(k.astype(np.float32).astype(float), y, precision=np.float32)
    assert coarse.num_unresolved > GaussianProcess(k, y).num_unresolved
    assert np.max(np.abs(coarse.mean() - y)) < 0.05
    assert np.all(coarse.variance() >= 0)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda k, y: GaussianProcess(k, y, -1.0), "noise must not be below zero"),
        (lambda k, y: GaussianProcess(k, y[:3]), "y must have shape"),
        (lambda k, y: GaussianProcess(-k, y), "positive semidefinite"),
        (lambda k, y: GaussianProcess(k, y).variance(k[:2], k), "one prior variance for each"),
        (lambda k, y: GaussianProcess(k, y).variance(k[:1], [-1.0]), "not be below zero"),
        (lambda k, y: GaussianProcess(k, y).variance(k[:1], [0.0]), "belong together"),
        (lambda k, y: GaussianProcess(k, y).covariance(k[:2], k), "kernel of the 2 test points"),
        (lambda k, y: GaussianProcess(k, y).mean(k[:, :2]), "one column for each"),
        (lambda k, y: GaussianProcess(k, y).kernel_gradient(np.eye(2)), "shape of the kernel"),
        (lambda k, y: GaussianProcess(k, y).with_noise(0.0), "noise must be above zero"),
        (
            lambda k, y: GaussianProcess(k, y).with_likeliest_noise(1.0, 0.1),
            "highest must be above",
        ),
    ],
)
def test_what_does_not_fit_is_refused(drawn, call, words):
    _, y, k, _, _ = drawn
    with pytest.raises(InputError, match=f"(?i){words}"):
        call(k, y)
