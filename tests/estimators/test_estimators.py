"""Do the estimators keep scikit-learn's contract, and say what the kernels say?"""

import subprocess
import sys

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits, make_regression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from lazyscope._checks import InputError
from lazyscope.estimators import TangentKernelClassifier, TangentKernelRegressor
from lazyscope.estimators._classifier import vote_shares
from lazyscope.kernel import (
    GaussianProcess,
    HeavyBallFlow,
    TrainedEnsemble,
    limit_covariance_kernel,
    limit_tangent_kernel,
)

NETWORK = {"depth": 2, "activation": "erf", "weight_std": 1.3, "bias_std": 0.2}
ALL = [
    TangentKernelRegressor(),
    TangentKernelClassifier(),
    TangentKernelRegressor(**NETWORK, kernel="nngp"),
    TangentKernelClassifier(**NETWORK, kernel="nngp", time=50.0),
]
QUICK = {
    "check_no_attributes_set_in_init",
    "check_do_not_raise_errors_in_init_or_set_params",
    "check_estimators_pickle",
    "check_dict_unchanged",
    "check_fit2d_1sample",
    "check_estimators_nan_inf",
    "check_n_features_in_after_fitting",
    "check_regressors_int",
    "check_supervised_y_2d",
}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # some checks are about warnings, and skip with one
@parametrize_with_checks(ALL)
def test_every_check_of_scikit_learn_passes(estimator, check):
    check(estimator)


def quick_checks():
    """Pairs of an estimator and a check of `QUICK`."""
    for case in parametrize_with_checks(ALL[:2]).args[1]:
        estimator, check = getattr(case, "values", case)
        if getattr(check, "func", check).__name__ in QUICK:
            yield estimator, check


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("estimator", "check"), list(quick_checks()))
def test_quick_checks_of_scikit_learn_pass(estimator, check):
    check(estimator)


def test_names_of_quick_checks_are_names_of_checks():
    found = {getattr(check, "func", check).__name__ for _, check in quick_checks()}
    assert found >= QUICK - {"check_do_not_raise_errors_in_init_or_set_params"}  # from 1.6


@pytest.fixture(scope="module")
def points():
    x, y = make_regression(40, 3, noise=5.0, random_state=0)
    return x, y


def test_regression_is_the_ensemble_of_the_kernels(points):
    x, y = points
    for t in (None, 20.0):
        model = TangentKernelRegressor(**NETWORK, ridge=0.1, time=t, normalize_y=False)
        mean, std = model.fit(x[:30], y[:30]).predict(x[30:], return_std=True)
        theta, k = limit_tangent_kernel(x, **NETWORK), limit_covariance_kernel(x, **NETWORK)
        ridge = 0.1 * np.mean(np.diag(theta[:30, :30]))
        ensemble = TrainedEnsemble(theta[:30, :30], k[:30, :30], y[:30], ridge=ridge)
        np.testing.assert_allclose(mean, ensemble.mean(t, tangent_test=theta[30:, :30]), rtol=1e-8)
        variance = ensemble.variance(
            t,
            tangent_test=theta[30:, :30],
            covariance_test=k[30:, :30],
            covariance_diagonal=np.diag(k)[30:],
        )
        np.testing.assert_allclose(std**2, variance, rtol=1e-6)


def test_momentum_trains_like_its_flow_and_ends_where_gradient_flow_does(points):
    x, y = points
    theta, k = limit_tangent_kernel(x, **NETWORK), limit_covariance_kernel(x, **NETWORK)
    settings = {**NETWORK, "ridge": 0.1, "normalize_y": False, "friction": 0.3}
    mean, std = (
        TangentKernelRegressor(**settings, time=4.0)
        .fit(x[:30], y[:30])
        .predict(x[30:], return_std=True)
    )
    ridge = 0.1 * np.mean(np.diag(theta[:30, :30]))
    given = theta[:30, :30], k[:30, :30], y[:30]
    ensemble = TrainedEnsemble(*given, dynamics=HeavyBallFlow(0.3), ridge=ridge)
    np.testing.assert_allclose(mean, ensemble.mean(4.0, tangent_test=theta[30:, :30]), rtol=1e-8)
    variance = ensemble.variance(
        4.0,
        tangent_test=theta[30:, :30],
        covariance_test=k[30:, :30],
        covariance_diagonal=np.diag(k)[30:],
    )
    np.testing.assert_allclose(std**2, variance, rtol=1e-6)
    plain = TrainedEnsemble(*given, ridge=ridge).mean(4.0, tangent_test=theta[30:, :30])
    assert np.abs(mean - plain).max() > 0.01 * np.abs(plain).max()
    ends = [
        TangentKernelRegressor(**{**settings, "friction": f}).fit(x[:30], y[:30]).predict(x[30:])
        for f in (0.3, None)
    ]
    np.testing.assert_allclose(*ends, rtol=1e-8)


def test_regression_by_the_covariance_is_the_posterior_in_units_of_the_targets(points):
    x, y = points
    both = np.stack([y, 3 * y + 100], axis=1)
    model = TangentKernelRegressor(**NETWORK, ridge=0.1, kernel="nngp").fit(x[:30], both[:30])
    mean, std = model.predict(x[30:], return_std=True)
    k = limit_covariance_kernel(x, **NETWORK)
    shift, scale = y[:30].mean(), y[:30].std()
    noise = 0.1 * np.mean(np.diag(k)[:30])
    process = GaussianProcess(k[:30, :30], (y[:30] - shift) / scale, noise)
    np.testing.assert_allclose(mean[:, 0], scale * process.mean(k[30:, :30]) + shift, rtol=1e-8)
    np.testing.assert_allclose(mean[:, 1], 3 * mean[:, 0] + 100, rtol=1e-8)
    expected = scale * np.sqrt(process.variance(k[30:, :30], np.diag(k)[30:]))
    np.testing.assert_allclose(std, np.stack([expected, 3 * expected], axis=1), rtol=1e-6)


def test_scikit_learns_own_process_says_the_same(points):
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import Kernel

    class Covariance(Kernel):
        def __init__(self):
            pass

        def __call__(self, X, Y=None, eval_gradient=False):
            return limit_covariance_kernel(X, Y, **NETWORK)

        def diag(self, X):
            return np.diag(self(X)).copy()

        def is_stationary(self):
            return False

    x, y = points
    model = TangentKernelRegressor(**NETWORK, ridge=0.1, kernel="nngp").fit(x[:30], y[:30])
    peer = GaussianProcessRegressor(
        Covariance(), alpha=model.ridge_, optimizer=None, normalize_y=True
    )
    mean, std = peer.fit(x[:30], y[:30]).predict(x[30:], return_std=True)
    found = model.predict(x[30:], return_std=True)
    np.testing.assert_allclose(found[0], mean, rtol=1e-8)
    np.testing.assert_allclose(found[1], std, rtol=1e-6)
    np.testing.assert_allclose(
        model.trained_.log_marginal_likelihood, peer.log_marginal_likelihood_value_, rtol=1e-8
    )


def test_votes_are_those_of_drawn_outputs():
    rng = np.random.default_rng(0)
    mean, variance = rng.standard_normal((5, 4)), np.array([1e-30, 0.01, 0.3, 1.0, 30.0])
    draws = mean + np.sqrt(variance)[:, None] * rng.standard_normal((100_000, 5, 4))
    counted = np.stack([np.mean(draws.argmax(2) == c, axis=0) for c in range(4)], axis=1)
    shares = vote_shares(mean, variance)
    np.testing.assert_allclose(shares, counted, atol=5 * 0.5 / 100_000**0.5)
    np.testing.assert_array_equal(shares.argmax(1), mean.argmax(1))
    np.testing.assert_allclose(vote_shares(np.ones((2, 3)), np.zeros(2)), 1 / 3)


@pytest.mark.parametrize(
    ("estimator", "least"),
    [
        (TangentKernelClassifier(), 0.88),
        (TangentKernelClassifier(kernel="nngp", activation="erf"), 0.88),
        (TangentKernelClassifier(time=1000.0), 0.85),
    ],
)
def test_digits_are_told_apart(estimator, least):
    digits = load_digits()
    x, y = digits.data / 8 - 1, digits.target
    model = estimator.fit(x[:400], y[:400])
    assert model.score(x[400:800], y[400:800]) > least
    shares = model.predict_proba(x[400:450])
    np.testing.assert_array_equal(model.classes_[shares.argmax(1)], model.predict(x[400:450]))


def test_they_stand_in_pipelines_and_searches(points):
    x, y = points
    pipe = make_pipeline(StandardScaler(), TangentKernelRegressor(depth=1))
    grid = {
        "tangentkernelregressor__ridge": [1e-3, 1.0],
        "tangentkernelregressor__kernel": ["ntk", "nngp"],
    }
    search = GridSearchCV(pipe, grid, cv=2).fit(x, y)
    assert search.best_score_ > 0.5
    assert clone(search.best_estimator_).get_params()["tangentkernelregressor__depth"] == 1
    labels = np.where(y > 0, "up", "down")
    found = GridSearchCV(TangentKernelClassifier(), {"depth": [1, 2]}, cv=2).fit(x, labels)
    assert found.best_score_ > 0.7


class Linear:
    """A network of one layer, by its kernels."""

    def tangent_kernel(self, x1, x2=None):
        return x1 @ (x1 if x2 is None else x2).T

    covariance_kernel = tangent_kernel


def test_a_network_is_anything_with_two_kernels(points):
    from sklearn.linear_model import Ridge

    x, y = points
    model = TangentKernelRegressor(network=Linear(), ridge=0.1, normalize_y=False).fit(x, y)
    peer = Ridge(model.ridge_, fit_intercept=False).fit(x, y)
    np.testing.assert_allclose(model.predict(x), peer.predict(x), rtol=1e-8)
    assert isinstance(clone(model).network, Linear)


def test_duplicates_need_a_ridge_only_where_their_targets_differ():
    x, y = np.repeat(np.eye(3), 2, axis=0), np.arange(6.0)
    bare = TangentKernelRegressor(ridge=0.0, kernel="nngp")
    with pytest.raises(InputError, match="points 0 and 1, which are one to the kernel"):
        bare.fit(x, y)
    bare.fit(x, np.repeat([1.0, 2.0, 3.0], 2))
    trained = TangentKernelRegressor(ridge=0.0).fit(x, y).predict(x)
    np.testing.assert_allclose(trained, np.repeat([0.5, 2.5, 4.5], 2), atol=1e-8)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"kernel": "rbf"}, "kernel must be one of"),
        ({"ridge": -1.0}, "ridge must not be below zero"),
        ({"depth": 0}, "depth must be a whole number"),
        ({"time": -1.0}, "t must be a time"),
        ({"friction": 0.0}, "friction must be"),
        ({"kernel": "nngp", "friction": -1.0}, "friction must be"),
        ({"kernel": "nngp", "time": "late"}, "t must be a time"),
        ({"network": "resnet"}, "network must have the methods"),
        ({"activation": "rleu"}, "activation must be one of"),
        ({"normalize_y": "no"}, "normalize_y must be True or False"),
    ],
)
def test_parameters_that_are_none_are_refused_by_fit(points, parameters, words):
    with pytest.raises(InputError, match=f"(?i){words}"):
        TangentKernelRegressor().set_params(**parameters).fit(*points)


@pytest.mark.parametrize(
    "change", [{"depth": 1}, {"kernel": "nngp"}, {"time": 1.0}, {"network": Linear()}, None]
)
@pytest.mark.parametrize("estimator", [TangentKernelRegressor, TangentKernelClassifier])
def test_what_was_fitted_predicts_whatever_becomes_of_points_and_parameters(
    points, estimator, change
):
    x, y = points[0].copy(), points[1]
    model = estimator(depth=2, activation="erf").fit(x, y > 0 if "Class" in repr(estimator) else y)
    before = model._predicted(points[0][:3], spread=True)
    if change is None:
        x[:] = 0.0
    else:
        model.set_params(**change)
    for one, other in zip(before, model._predicted(points[0][:3], spread=True), strict=True):
        np.testing.assert_array_equal(one, other)


def test_importing_the_package_loads_no_scikit_learn():
    code = "import sys, lazyscope; assert not {'jax', 'sklearn'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
