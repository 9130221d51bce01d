"""Is one run described, forecast and measured as its parts say?"""

import jax
import numpy as np
import pytest

from lazyscope._checks import InputError
from lazyscope._jax import own_settings
from lazyscope._plain import plain
from lazyscope.data import Dataset, four_points
from lazyscope.experiment._forecast import (
    bound_of_displacements,
    forecast_run,
    forecast_verdict,
)
from lazyscope.experiment._single import SingleRun
from lazyscope.experiment._training import train_run
from lazyscope.flow import ExponentialFlow, GradientDescent
from lazyscope.forecast import forecast_problem
from lazyscope.scaling import Scheme, named_scheme


def linear_run(target=6.0, **settings):
    """A linear network of one unit on one point; K = a^2 + b^2 for weights a, b."""
    one, none = np.ones((1, 1)), np.zeros((0, 1))
    data = Dataset(one, target * one, none, none, (), "one point", ())
    scheme = Scheme.at_width(1, alpha=(1.0, 1.0))
    return SingleRun(data, scheme, width=1, activation="linear", **settings)


def weights(run):
    params = run.experiment().problem.params
    return [float(layer.weight[0, 0]) for layer in params]


def test_the_forecast_of_a_scalar_product_is_that_of_the_formula():
    run = linear_run(seed=3)
    a, b = weights(run)
    told = forecast_run(run, stop=0.25)
    kernel, residual = a**2 + b**2, a * b - 6.0
    assert told["lambda_min"] == pytest.approx(kernel)
    assert told["max_stable_step"] == pytest.approx(2 / kernel)
    ends = {"monotone": [0, 1 / kernel], "lazy_not_monotone": [1 / kernel, 2 / kernel]}
    ends["catapult"] = [2 / kernel, 4 / kernel]
    assert {name: pytest.approx(pair) for name, pair in ends.items()} == told["step_intervals"]
    assert told["initial_loss"] == pytest.approx(residual**2 / 2)
    assert told["time_to"]["0.5"] == pytest.approx(np.log(2) / (2 * kernel))
    moved = [abs(b * residual / kernel / a), abs(a * residual / kernel / b)]
    assert told["predicted_displacement"] == pytest.approx(moved)
    assert told["predicted_displacement_at_stop"] == pytest.approx([m / 2 for m in moved])
    assert told["predicted_displacement_bound"] == pytest.approx(
        plain(bound_of_displacements(np.array(moved), told["predicted_kernel_change"]))
    )


@pytest.mark.slow
@pytest.mark.parametrize(("share", "notes"), [(0.9, 0), (1.5, 1)])
def test_a_training_above_the_largest_stable_step_is_told_that_it_cannot_be_lazy(share, notes):
    run = linear_run(seed=3)
    told = train_run(run, method=GradientDescent(stability_fraction=share), stop=0.1)
    assert len(told["forecast"]["notes"]) == notes
    if notes:
        assert "1.5 times the largest stable one" in told["forecast"]["notes"][0]
        assert "no kappa keeps a network lazy" in told["forecast"]["notes"][0]


@pytest.mark.slow
def test_the_output_scale_multiplies_kappa_and_the_rates_by_its_square():
    data = four_points()
    scheme = named_scheme("lecun", depth=1, input_dim=2)
    plain_run, scaled = (forecast_run(SingleRun(data, scheme, 64, output_scale=c)) for c in (1, 3))
    assert scaled["output_kappa"] == pytest.approx(3 * plain_run["output_kappa"])
    assert scaled["kappa"] == plain_run["kappa"]
    for name in ("kernel", "bound", "bound_published"):
        before, after = plain_run["decay_rate"][name], scaled["decay_rate"][name]
        if before is not None:
            assert after == pytest.approx(9 * before)


def test_a_scheme_given_by_numbers_has_a_kappa_but_no_regime():
    told = forecast_run(linear_run(seed=3))
    assert told["kappa"] == 1.0
    assert told["regime"] is None
    assert told["displacement_exponents"] is None


@pytest.mark.slow
def test_training_conserves_what_gradient_flow_conserves():
    run = linear_run(seed=3)
    a, b = weights(run)
    told = train_run(run, ExponentialFlow(tolerance=1e-3), stop=1e-6)
    assert told["outcome"] == "converged"
    moved = told["displacement"]["frobenius"]
    change = moved[0] * abs(a), moved[1] * abs(b)
    ends = [(a + s * change[0], b + t * change[1]) for s in (-1, 1) for t in (-1, 1)]
    end = min(ends, key=lambda w: abs(w[0] * w[1] - 6.0))
    assert end[0] * end[1] == pytest.approx(6.0, rel=2e-3)
    assert end[0] ** 2 - end[1] ** 2 == pytest.approx(a**2 - b**2, rel=0.02)


@pytest.mark.slow
def test_descent_with_tiny_steps_ends_where_the_flow_ends():
    run = SingleRun(four_points(), Scheme.from_exponents((0.75, 0.75)), width=32)
    flow = train_run(run, stop=0.05)
    descent = train_run(run, GradientDescent(stability_fraction=0.01), stop=0.05)
    assert descent["displacement"]["frobenius"] == pytest.approx(
        flow["displacement"]["frobenius"], rel=0.02
    )
    assert descent["steps"] > 10 * flow["steps"]


@pytest.mark.slow
def test_a_larger_kappa_turns_the_verdicts_lazy():
    told = {
        rho: train_run(SingleRun(four_points(), Scheme.from_exponents((rho / 2, rho / 2)), 256))
        for rho in (0.0, 2.0)
    }
    assert told[2.0]["verdict"] == told[2.0]["forecast"]["verdict"] == "lazy"
    assert told[0.0]["verdict"] == told[0.0]["forecast"]["verdict"] == "not-lazy"


@pytest.mark.slow
def test_a_run_that_is_out_of_steps_has_no_verdict():
    run = SingleRun(four_points(), Scheme.from_exponents((0.0, 0.0)), width=16)
    told = train_run(run, GradientDescent(stability_fraction=1e-6), max_steps=5)
    assert told["outcome"] == "out-of-steps"
    assert told["verdict"] is None
    assert told["steps"] == 5


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"width": 0}, "Width must be a whole number"),
        ({"width": 10**8, "activation": "relu"}, "GiB for the 3 copies"),
        ({"width": 8, "seed": 2**80}, "Seed must be at most"),
        ({"width": 8, "seed": -1}, "Seed must be a whole number of at least 0"),
        ({"width": 8, "output_scale": float("nan")}, "Output_scale must be a finite number"),
        ({"width": 8, "activation": "selu"}, "Activation must be one of"),
    ],
)
def test_a_run_that_cannot_be_is_refused_when_it_is_described(settings, words):
    with pytest.raises(InputError, match=words):
        SingleRun(four_points(), Scheme.from_exponents((0.5, 0.0, 0.0)), **settings)


def test_targets_that_the_network_meets_at_its_start_are_refused():
    met = linear_run(target=float(np.prod(weights(linear_run(seed=3)))), seed=3)
    with pytest.raises(InputError, match="Training needs a residual to remove"):
        forecast_run(met)
    with pytest.raises(InputError, match="Training needs a residual to remove"):
        train_run(linear_run(target=0.0, seed=3, centred=True))


def test_plain_values_hold_no_number_that_json_lacks():
    value = {"a": np.array([1.0, np.inf]), "b": (np.float64("nan"), 2, True, None, "x")}
    assert plain(value) == {"a": [1.0, None], "b": [None, 2, True, None, "x"]}


def test_the_bound_of_a_forecast_holds_for_products_of_two_numbers():
    """f = a b moves along a^2 - b^2 = const to a b = y: solved by hand, over drawn starts and targets."""
    source, held = np.random.default_rng(11), 0
    for _ in range(500):
        a, b = source.uniform(0.2, 3.0, 2)
        gap = source.uniform(-1.0, 1.0) * min(a, b) ** 2
        kernel = a**2 + b**2
        bound = bound_of_displacements(np.abs([b * gap / kernel / a, a * gap / kernel / b]), 0.0)
        root = np.sqrt((a**2 - b**2) ** 2 + 4 * (a * b + gap) ** 2)
        ends = np.sqrt([(root + a**2 - b**2) / 2, (root - a**2 + b**2) / 2])
        moved = np.abs(ends - [a, b]) / [a, b]
        if a * b + gap > 0:
            assert (moved <= bound * (1 + 1e-12)).all(), (a, b, gap)
            held += np.isfinite(bound).all()
    assert held > 200


def test_the_predicted_kernel_change_is_that_of_the_kernel_where_the_linearised_network_ends():
    run = SingleRun(
        four_points(), named_scheme("lecun", depth=2, input_dim=2), 16, activation="tanh"
    )
    problem = run.experiment().problem
    change = forecast_problem(problem).change
    with own_settings():
        there = jax.tree.map(np.add, problem.params, tuple(change))
        before, after = (
            np.asarray(problem.kernel.expand(params, problem.x).kernel(problem.speeds))
            for params in (problem.params, there)
        )
    expected = np.linalg.norm(after - before) / np.linalg.norm(before)
    assert forecast_run(run)["predicted_kernel_change"] == pytest.approx(expected, rel=1e-9)


def test_a_forecast_counts_a_kernel_that_changes_against_lazy():
    moved, bent = (
        np.array([0.041, 0.033, 0.049]),
        0.365,
    )  # digits, tanh: the kernel ended 0.348 away
    assert forecast_verdict(moved, 0.01) == "lazy"
    assert forecast_verdict(moved, bent) == "borderline"
    assert forecast_verdict(2 * moved, 0.01) == "borderline"
    assert forecast_verdict(moved, np.nan) == "not-lazy"
    assert forecast_verdict(np.array([0.1, 1.0]), 0.0) == "not-lazy"
