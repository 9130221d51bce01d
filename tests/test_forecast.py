"""Forecasts from initialization, against dense linear algebra and against trained networks."""

import equinox as eqx
import jax
import numpy as np
import pytest
from scipy.linalg import expm

from cases import dense_case, unit_points, weights_of
from lazyscope._checks import InputError
from lazyscope.flow import ExponentialFlow, GradientDescent, function_problem, solve_flow
from lazyscope.forecast import forecast, forecast_problem, guaranteed_rate, limit_lambda_min
from lazyscope.kernel import LayerwiseKernel
from lazyscope.model import Dense
from lazyscope.scaling import Scheme
from naive.dense import jacobian

SPEEDS = (1.0, 0.5, 2.0)


@pytest.fixture
def case(double):
    return dense_case("tanh", num_points=5, output_dim=2, width=20, depth=2, speeds=SPEEDS)


def seen_from(case, **options):
    problem = case.problem
    return forecast(
        problem.kernel, problem.params, case.x, case.y, speeds=problem.speeds, **options
    )


def dense_answer(case, time):
    """Eigenvalues, residual and displacement per layer from the dense Jacobian."""
    layers = [(w, None) for w in case.weights]
    parts = [j.reshape(-1, j.shape[-1]) for j in jacobian(layers, case.x, case.activation)]
    kernel = sum(s * j @ j.T for s, j in zip(SPEEDS, parts, strict=True))
    residual = np.asarray(case.problem.residual(case.problem.params)).ravel()
    decayed = np.eye(len(kernel)) - (expm(-kernel * time / len(case.x)) if time < np.inf else 0.0)
    c = np.linalg.solve(kernel, decayed @ residual)
    moved = [
        s * np.linalg.norm(j.T @ c) / np.linalg.norm(w)
        for s, j, w in zip(SPEEDS, parts, case.weights, strict=True)
    ]
    return np.linalg.eigvalsh(kernel), residual, moved, kernel


@pytest.mark.slow
def test_displacement_and_spectrum_equal_those_of_the_dense_jacobian(case):
    values, _, moved, _ = dense_answer(case, np.inf)
    seen = seen_from(case)
    np.testing.assert_allclose(seen.eigenvalues, values, atol=1e-10)
    np.testing.assert_allclose(seen.displacement, moved, rtol=1e-6)
    assert seen.max_stable_step == pytest.approx(2 * 5 / values[-1])
    assert seen.rate == pytest.approx(2 * values[0] / 5, rel=1e-6)


def test_time_to_a_loss_is_when_the_linearised_loss_gets_there(case):
    seen = seen_from(case)
    _, residual, _, kernel = dense_answer(case, np.inf)
    for fraction in (0.5, 1e-2, 1e-6):
        left = expm(-kernel * seen.time_to(fraction) / 5) @ residual
        assert left @ left == pytest.approx(fraction * (residual @ residual), rel=1e-7)


def test_displacement_at_a_loss_is_that_at_the_time_when_it_is_reached(case):
    moved = dense_answer(case, seen_from(case).time_to(0.1))[2]
    np.testing.assert_allclose(seen_from(case, stop=0.1).displacement, moved, rtol=1e-6)


@pytest.mark.slow
def test_forecast_meets_the_trained_network_as_the_outputs_are_scaled_up(double):
    """Chizat's limit: the error of the forecast falls in proportion to 1/scale (slope -1 within 0.15)."""
    scales, errors = np.array([3.0, 10.0, 30.0, 100.0]), []
    case = dense_case("tanh", num_points=4, width=40, gain=1.0)
    for scale in scales:
        problem = eqx.tree_at(lambda p: p.model.output_scale, case.problem, float(scale))
        problem = eqx.tree_at(lambda p: p.kernel, problem, LayerwiseKernel(problem.model))
        offset = problem.model.apply(problem.params, problem.x)
        problem = eqx.tree_at(lambda p: p.y, problem, problem.y + offset)
        run = solve_flow(problem, ExponentialFlow(1e-4), stop=1e-8)
        seen = forecast(problem.kernel, problem.params, problem.x, problem.y, stop=1e-8)
        moved = [
            np.linalg.norm(a - b) / np.linalg.norm(b)
            for a, b in zip(weights_of(run.params), weights_of(problem.params), strict=True)
        ]
        errors.append(np.max(np.abs(np.asarray(seen.displacement) / moved - 1)))
    slope = np.polyfit(np.log(scales), np.log(errors), 1)[0]
    assert abs(slope + 1) <= 0.15


def test_duplicates_make_the_kernel_singular_and_a_conflicting_loss_unreachable(double):
    case = dense_case("tanh", num_points=4, width=30)
    x, y = case.x.copy(), case.y.copy()
    x[1], y[0], y[1] = x[0], 1.0, -1.0
    seen = forecast(case.problem.kernel, case.problem.params, x, y)
    assert seen.is_singular
    assert seen.time_to(1e-6) == np.inf
    assert np.all(np.isfinite(seen.displacement))


def test_a_network_without_gradient_has_no_forecast(double):
    case = dense_case("relu", num_points=4, width=8)
    with pytest.raises(InputError, match="kernel that is not zero"):
        forecast(case.problem.kernel, case.problem.params, case.x, case.y, speeds=[0.0, 0.0])


def test_a_loss_fraction_outside_zero_and_one_is_refused(case):
    with pytest.raises(InputError, match="strictly between 0 and 1"):
        seen_from(case).time_to(2.0)


@pytest.mark.slow
def test_guaranteed_rate_stays_below_the_slowest_rate_of_a_wide_network():
    """Sum of smallest eigenvalues <= smallest eigenvalue of the sum, up to m^-1/2."""
    width, depth = 20_000, 1
    x = unit_points(6, 3)
    model = Dense(3, 1, width, depth, "relu")
    scheme = Scheme.at_width(width, alpha=[3.0, 0.5], speed=[1.0, 2.0])
    smallest = limit_lambda_min(scheme, model, x)
    bound = guaranteed_rate(scheme.alpha(width), scheme.speed(width), smallest, len(x))

    with jax.enable_x64(True):
        params = model.init(jax.random.key(0), scheme)
    seen = forecast(LayerwiseKernel(model), params, x, np.ones((6, 1)), speeds=scheme.speed(width))
    assert 0 < bound <= seen.rate * 1.1


def test_the_published_bound_is_the_derived_one_with_the_smallest_eigenvalue_for_all_layers():
    alpha, speed, smallest = np.array([2.0, 3.0, 0.5]), np.array([1.0, 4.0, 2.0]), [0.3, 0.1, 0.2]
    given = alpha, speed, np.array(smallest), 5
    weights = speed * np.array([1.5**2, 1.0, 6.0**2])
    assert guaranteed_rate(*given) == pytest.approx(2 / 5 * weights @ smallest)
    published = guaranteed_rate(*given, form="published")
    assert published == pytest.approx(2 / 5 * 0.1 * weights.sum())
    same = guaranteed_rate(alpha, speed, np.full(3, 0.1), 5)
    assert same == pytest.approx(published)
    with pytest.raises(InputError, match="Form must be one of derived, published"):
        guaranteed_rate(*given, form="theirs")  # type: ignore[arg-type]


def test_descent_in_the_second_interval_ends_where_the_flow_does_and_overshoots_on_the_way():
    """A model linear in its parameters, of two modes."""
    x = np.diag([3.0, 1.0])
    problem = function_problem(lambda p, x: x @ p["w"], {"w": np.ones((2, 1))}, x, np.full(2, 5.0))
    steps = forecast_problem(problem).descent_steps
    assert (steps.monotone, steps.lazy) == pytest.approx((2 / 9, 4 / 9))
    step = 0.9 * steps.lazy
    assert steps.kind(step) == "lazy-not-monotone"
    first, last = (
        solve_flow(problem, GradientDescent(step_size=step), stop=fraction, stop_time=time)
        for fraction, time in ((None, step), (1e-12, None))
    )
    (once,), (ended,) = (
        problem.model.tree_of(run.displacement)["w"][:1, 0] for run in (first, last)
    )
    assert once / ended == pytest.approx(steps.overshoot(step), rel=1e-5)
    assert ended == pytest.approx(5 / 3 - 1, rel=1e-5)
    assert np.all(np.diff(last.curve()[1]) < 0)


def test_bound_refuses_networks_with_bias():
    model = Dense(3, 1, 8, 1, "relu", use_bias=True)
    with pytest.raises(InputError, match="biases that start at zero"):
        limit_lambda_min(Scheme.from_exponents((0.5, 0.0)), model, unit_points(4, 3))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"y": [1.0, 2.0]}, "Targets must be one row for each point"),
        ({"y": [[1.0, 2.0]] * 2}, "Targets must be one row for each point"),
        ({"y": [[np.nan], [1.0]]}, "Y must be finite"),
        ({"x": np.ones((2, 1, 1, 3))}, "or points of other axes"),
        ({"x": np.ones((2, 4))}, "Parameters and points must be those"),
        ({"params": {"a": np.ones(3)}}, "Parameters and points must be those"),
        ({"speeds": [1.0]}, "one speed for every layer or group"),
        ({"speeds": [1.0, -1.0]}, "Speeds must not be below zero"),
    ],
)
def test_what_does_not_fit_the_network_is_refused(changed, words):
    model = Dense(3, 1, 4, 1, "tanh")
    params = model.init(jax.random.key(0), Scheme.from_exponents((0.5, 0.5)))
    given = {"params": params, "x": np.eye(3)[:2], "y": [[1.0], [2.0]]} | changed
    with pytest.raises(InputError, match=words):
        forecast(LayerwiseKernel(model), **given)


def test_a_guaranteed_rate_needs_one_number_of_each_kind_for_each_layer():
    for alpha, smallest in (([1.0, 2.0], [1.0]), ([1.0, 0.0], [1.0, 1.0])):
        with pytest.raises(InputError, match="must"):
            guaranteed_rate(np.array(alpha), np.ones(len(alpha)), np.array(smallest), 4)


def test_groups_of_a_forecast_have_the_names_of_its_problem_and_label_its_data():
    params = {"readout": np.full((3, 1), 0.2), "first": np.full((2, 3), 0.1)}
    names = {"readout": "readout", "first": "first"}
    problem = function_problem(
        lambda p, x: x @ p["first"] @ p["readout"], params, np.eye(2), [[1.0], [2.0]], groups=names
    )
    seen = forecast_problem(problem)
    assert seen.groups == tuple(problem.model.group_names)
    assert set(seen.groups) == {"readout", "first"}
    labelled = seen.to_dataset()["displacement"].sel(groups="first")
    assert float(labelled) == float(seen.displacement[seen.groups.index("first")])
    assert repr(seen).startswith(f"Forecast(groups=[{', '.join(seen.groups)}], displacement=[")
