"""Are mean and covariance of the trained ensemble those of networks that were drawn and trained?"""

import numpy as np
import pytest

from lazyscope._checks import InputError
from lazyscope.kernel import (
    GaussianProcess,
    GradientFlow,
    HeavyBallFlow,
    HeavyBallSteps,
    TrainedEnsemble,
    limit_covariance_kernel,
    limit_tangent_kernel,
    predict_flow,
)

NETWORK = {"depth": 2, "activation": "erf", "weight_std": 1.4, "bias_std": 0.2}
N = 6


@pytest.fixture(scope="module")
def kernels():
    x = np.random.default_rng(2).standard_normal((N + 3, 3))
    return limit_tangent_kernel(x, **NETWORK), limit_covariance_kernel(x, **NETWORK)


@pytest.fixture(scope="module")
def y():
    return np.random.default_rng(4).standard_normal((N, 2))


def predictions(ensemble, t, tangent, covariance):
    test = {"tangent_test": tangent[N:, :N]}
    mean = ensemble.mean(t, **test)
    test |= {"covariance_test": covariance[N:, :N]}
    whole = ensemble.covariance(t, **test, covariance_test_test=covariance[N:, N:])
    return (
        mean,
        whole,
        ensemble.variance(t, **test, covariance_diagonal=np.diag(covariance[N:, N:])),
    )


def exponential(matrix, t):
    from scipy.linalg import expm

    return expm(-matrix * t)


@pytest.mark.parametrize("t", [0.0, 0.7, 30.0, None])
def test_it_is_the_formula_of_the_paper(kernels, y, t):
    """Equations 14 to 16 of Lee et al. 2019 as written, with the inverse and the matrix exponential."""
    tangent, covariance = kernels
    theta, k = tangent[:N, :N], covariance[:N, :N]
    left = exponential(theta / N, t) if t is not None else np.zeros((N, N))
    a = tangent[N:, :N] @ np.linalg.inv(theta) @ (np.eye(N) - left)
    cross = a @ covariance[:N, N:]
    mean, whole, variance = predictions(TrainedEnsemble(theta, k, y), t, tangent, covariance)
    np.testing.assert_allclose(mean, a @ y, atol=1e-10)
    expected = covariance[N:, N:] - cross - cross.T + a @ k @ a.T
    np.testing.assert_allclose(whole, expected, atol=1e-10)
    np.testing.assert_allclose(variance, np.diag(expected), atol=1e-10)
    ensemble = TrainedEnsemble(theta, k, y)
    np.testing.assert_allclose(ensemble.covariance(t), left @ k @ left.T, atol=1e-10)
    np.testing.assert_allclose(ensemble.variance(t), np.diag(left @ k @ left.T), atol=1e-10)
    np.testing.assert_allclose(ensemble.mean(t), predict_flow(theta, y, t), atol=1e-12)


def test_with_one_kernel_for_both_the_limit_is_the_posterior(kernels, y):
    """Training the last layer alone: T = K, and the ensemble is the Gaussian process without noise."""
    _, covariance = kernels
    k = covariance[:N, :N]
    mean, whole, _ = predictions(TrainedEnsemble(k, k, y), None, covariance, covariance)
    process = GaussianProcess(k, y)
    np.testing.assert_allclose(mean, process.mean(covariance[N:, :N]), atol=1e-9)
    expected = process.covariance(covariance[N:, :N], covariance[N:, N:])
    np.testing.assert_allclose(whole, expected, atol=1e-9)


DYNAMICS = [
    (GradientFlow(), 3.0, 0.0),
    (GradientFlow(), 3.0, 0.5),
    (GradientFlow(), None, 0.5),
    (HeavyBallFlow(0.8), 3.0, 0.0),
    (HeavyBallFlow(0.8), 3.0, 0.4),
    (HeavyBallSteps(0.3, 0.8), 25, 0.0),
    (HeavyBallSteps(0.3, 0.8), 25, 0.4),
    (HeavyBallSteps(0.3, 0.0), 40, 0.1),
]


@pytest.mark.parametrize(("dynamics", "t", "ridge"), DYNAMICS)
def test_linear_networks_drawn_and_trained_are_the_ensemble(dynamics, t, ridge):
    """A linearised network f_0 + J theta, trained step by step in its parameters, many draws of f_0."""
    from scipy.integrate import solve_ivp

    rng = np.random.default_rng(7)
    features, start_features = rng.standard_normal((2, N + 3, 12)) / 12**0.5
    draws = 3 if t is None else 4
    y, starts = rng.standard_normal(N), start_features @ rng.standard_normal((12, draws))
    j = features[:N]
    gradient = lambda theta: (j.T @ (starts[:N] + j @ theta - y[:, None]) + ridge * theta) / N  # noqa: E731
    zero = np.zeros((12, draws))
    if isinstance(dynamics, HeavyBallSteps):
        before = theta = zero
        for _ in range(t):
            moved = theta - dynamics.rate * gradient(theta) + dynamics.momentum * (theta - before)
            before, theta = theta, moved
    elif t is None:
        theta = np.linalg.solve(j.T @ j + ridge * np.eye(12), j.T @ (y[:, None] - starts[:N]))
    elif isinstance(dynamics, GradientFlow):
        slopes = lambda _, flat: -gradient(flat.reshape(12, draws)).ravel()  # noqa: E731
        theta = solve_ivp(slopes, (0, t), zero.ravel(), rtol=1e-10, atol=1e-12).y[:, -1]
    else:

        def slopes(_, flat):
            place, speed = flat.reshape(2, 12, draws)
            return np.stack([speed, -dynamics.friction * speed - gradient(place)]).ravel()

        flat = np.concatenate([zero.ravel()] * 2)
        theta = solve_ivp(slopes, (0, t), flat, rtol=1e-10, atol=1e-12).y[: zero.size, -1]
    trained = starts + features @ theta.reshape(12, draws)
    tangent, covariance = features @ features.T, start_features @ start_features.T
    ensemble = TrainedEnsemble(
        tangent[:N, :N], covariance[:N, :N], y, dynamics=dynamics, ridge=ridge
    )
    for draw in range(draws):
        ends = {"f0_train": starts[:N, draw]}
        np.testing.assert_allclose(ensemble.member(t, **ends), trained[:N, draw], atol=1e-7)
        ends |= {"f0_test": starts[N:, draw], "tangent_test": tangent[N:, :N]}
        np.testing.assert_allclose(ensemble.member(t, **ends), trained[N:, draw], atol=1e-7)
    # members are linear in their start, so that the covariance is that of the map from it
    many = start_features @ np.eye(12)
    ends = [
        ensemble.member(t, tangent_test=tangent[N:, :N], f0_train=many[:N, i], f0_test=many[N:, i])
        for i in range(12)
    ]
    centred = np.stack(ends, axis=1) - ensemble.mean(t, tangent_test=tangent[N:, :N])[:, None]
    _, whole, variance = predictions(ensemble, t, tangent, covariance)
    np.testing.assert_allclose(whole, centred @ centred.T, atol=1e-10)
    np.testing.assert_allclose(variance, np.diag(whole), atol=1e-12)
    inner = np.stack([ensemble.member(t, f0_train=many[:N, i]) for i in range(12)], axis=1)
    inner -= ensemble.mean(t)[:, None]
    np.testing.assert_allclose(ensemble.covariance(t), inner @ inner.T, atol=1e-10)


def test_covariances_are_positive_and_shrink_on_the_training_points(kernels, y):
    tangent, covariance = kernels
    ensemble = TrainedEnsemble(tangent[:N, :N], covariance[:N, :N], y)
    traces = []
    for t in (0.0, 1.0, 10.0, 100.0, None):
        _, whole, _ = predictions(ensemble, t, tangent, covariance)
        assert np.linalg.eigvalsh(whole)[0] > -1e-10
        traces.append(np.trace(ensemble.covariance(t)))
    assert np.all(np.diff(traces) < 0)
    assert traces[-1] == 0.0


def test_duplicate_points_go_to_the_mean_of_their_targets(kernels, y):
    tangent, covariance = kernels
    twice = np.ix_([*range(N), 2], [*range(N), 2])
    targets = np.append(y[:, 0], y[2, 0] + 1.0)
    ensemble = TrainedEnsemble(tangent[:N, :N][twice], covariance[:N, :N][twice], targets)
    np.testing.assert_allclose(ensemble.mean()[[2, -1]], y[2, 0] + 0.5, atol=1e-8)
    np.testing.assert_allclose(ensemble.variance(), 0.0, atol=1e-12)


@pytest.mark.slow
def test_wide_networks_that_are_trained_have_this_mean_and_this_covariance():
    """Finite networks, drawn and trained by gradient descent in NTK parametrisation, 400 draws."""
    import jax
    import jax.numpy as jnp

    rng = np.random.default_rng(11)
    x, y = rng.standard_normal((N + 2, 3)), rng.standard_normal(N)
    width, draws, rate, steps = 512, 400, 0.5, 60
    network = {"depth": 1, "activation": "erf", "weight_std": 1.3, "bias_std": 0.1}
    tangent, covariance = limit_tangent_kernel(x, **network), limit_covariance_kernel(x, **network)

    def outputs(params, inputs):
        w, b, v, c = params
        hidden = jax.scipy.special.erf(1.3 * inputs @ w / 3**0.5 + 0.1 * b)
        return 1.3 * hidden @ v / width**0.5 + 0.1 * c

    @jax.jit
    @jax.vmap
    def trained(key):
        parts = jax.random.split(key, 4)
        shapes = (3, width), (width,), (width,), ()
        params = [jax.random.normal(k, s) for k, s in zip(parts, shapes, strict=True)]

        def loss(p):
            gap = outputs(p, x[:N].astype(np.float32)) - y.astype(np.float32)
            return jnp.sum(gap**2) / (2 * N)

        step = lambda _, p: jax.tree.map(lambda a, g: a - rate * g, p, jax.grad(loss)(p))  # noqa: E731
        return outputs(jax.lax.fori_loop(0, steps, step, params), x.astype(np.float32))

    found = np.asarray(trained(jax.random.split(jax.random.key(0), draws)), np.float64)
    ensemble = TrainedEnsemble(
        tangent[:N, :N], covariance[:N, :N], y, dynamics=HeavyBallSteps(rate, 0.0)
    )
    mean, whole, _ = predictions(ensemble, steps, tangent, covariance)
    se = np.sqrt(np.diag(whole) / draws)
    assert np.all(np.abs(found[:, N:].mean(0) - mean) < 4 * se + 0.02)
    spread = 4 * np.max(np.diag(whole)) * (2 / draws) ** 0.5
    np.testing.assert_allclose(np.cov(found[:, N:].T), whole, atol=spread)
    np.testing.assert_allclose(found[:, :N].mean(0), ensemble.mean(steps), atol=0.1)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda t, k, y: TrainedEnsemble(t, k[:3, :3], y), "kernels of the same points"),
        (lambda t, k, y: TrainedEnsemble(t, k, y, ridge=-1.0), "ridge must not be below zero"),
        (lambda t, k, y: TrainedEnsemble(t, k, y, dynamics="flow"), "dynamics must be of the kind"),
        (lambda t, k, y: TrainedEnsemble(t, k, y).mean(-1.0), "t must be a time of at least 0"),
        (lambda t, k, y: TrainedEnsemble(t, k, y[:2]), "y must have shape"),
        (
            lambda t, k, y: TrainedEnsemble(t, k, y).variance(
                tangent_test=t, covariance_test=k[:2]
            ),
            "kernels of the same test points",
        ),
        (
            lambda t, k, y: TrainedEnsemble(t, k, y, dynamics=HeavyBallSteps(1e3)).mean(),
            r"steps below 2 \(1 \+ momentum\) n / lambda_max only",
        ),
    ],
)
def test_what_does_not_fit_is_refused(kernels, y, call, words):
    tangent, covariance = kernels
    with pytest.raises(InputError, match=f"(?i){words}"):
        call(tangent[:N, :N], covariance[:N, :N], y)
