"""Forecasts by the steps of an optimiser: exact where the network is linear, near where it is lazy."""

from functools import cache

import jax.numpy as jnp
import numpy as np
import pytest

from lazyscope import InputError
from lazyscope.data import load_dataset
from lazyscope.experiment import Experiment, SingleRun, forecast_run, run_experiment, train_run
from lazyscope.experiment._forecast import bound_of_displacements, forecast_verdict
from lazyscope.flow import ExponentialFlow, OptimiserSteps, function_problem
from lazyscope.scaling import Scheme

RECORD = ("displacement", "forecast_steps")
SLOW = pytest.mark.slow
RNG = np.random.default_rng(5)


def linear_problem():
    x, y = RNG.standard_normal((3, 6)), RNG.standard_normal((3, 2))
    start = {"a": RNG.standard_normal((6, 2)), "b": RNG.standard_normal((6, 2))}
    return function_problem(lambda p, x: x @ p["a"] - jnp.sin(x) @ p["b"], start, x, y)


@cache
def drawn(kappa, seed=0):
    """A dense network on digits whose initial scale is kappa, in three equal parts."""
    data = load_dataset("digits", num_points=6, num_test=2, seed=seed, target="parity")
    scheme = Scheme.at_width(32, alpha=[kappa ** (1 / 3)] * 3)
    return SingleRun(data, scheme, width=32, centred=True, seed=seed)


@pytest.mark.parametrize(
    "optimiser",
    [pytest.param("sign", marks=SLOW), "adam", pytest.param("muon", marks=SLOW)],
)
def test_a_network_that_is_linear_takes_the_steps_foreseen(optimiser):
    method = OptimiserSteps(optimiser, share=0.05)
    run = run_experiment(Experiment.of(linear_problem()), method, stop=0.1, record=RECORD)
    assert run.outcome.label == "converged"
    assert run["forecast_num_steps"] == run.num_steps
    assert run["forecast_time"] == pytest.approx(float(run["time"]))
    assert run["forecast_frobenius"] == pytest.approx(run["displacement_frobenius"])
    assert float(run["forecast_kernel_change"]) == 0.0


def test_descent_with_a_decay_is_foreseen_by_its_steps_and_never_by_the_flow():
    method = OptimiserSteps("sgd", share=0.05, weight_decay=0.02)
    run = run_experiment(Experiment.of(linear_problem()), method, stop=0.5, record=RECORD)
    assert run.outcome.label == "converged"
    assert run["forecast_num_steps"] == run.num_steps
    assert run["forecast_frobenius"] == pytest.approx(run["displacement_frobenius"])
    for name in ("forecast", "linearisation"):
        with pytest.raises(InputError, match="decays do not keep"):
            run_experiment(Experiment.of(linear_problem()), method, record=(name,))
    with pytest.raises(InputError, match="closed form"):
        run_experiment(
            Experiment.of(linear_problem()), OptimiserSteps("sgd", share=0.05), record=RECORD
        )


def test_signs_of_a_linearised_network_are_those_of_its_explicit_jacobian():
    problem = function_problem(
        lambda p, x: jnp.tanh(x @ p["w"]) @ p["v"],
        {"v": np.array([[0.5], [-0.3]]), "w": np.array([[0.4, -0.2], [0.1, 0.3]])},
        x := np.array([[1.0, 0.5], [-0.4, 0.8]]),
        y := np.array([[0.6], [-0.5]]),
    )
    v, w = (np.asarray(group[0]) for group in problem.params)
    hidden = np.tanh(x @ w)
    slope = (1 - hidden**2) * v.ravel()
    jacobian = np.hstack([hidden, (x[:, :, None] * slope[:, None, :]).reshape(2, -1)])
    moved, rate, steps = np.zeros(6), 0.01, 0
    residual = first = (hidden @ v - y).ravel()
    while np.sum(residual**2) > 0.3 * np.sum(first**2):
        moved, steps = moved - rate * np.sign(jacobian.T @ residual), steps + 1
        residual = first + jacobian @ moved
    method = OptimiserSteps("sign", step_size=rate)
    run = run_experiment(Experiment.of(problem), method, stop=0.3, record=RECORD)
    sizes = (
        np.linalg.norm(moved[:2]) / np.linalg.norm(v),
        np.linalg.norm(moved[2:]) / np.linalg.norm(w),
    )
    assert run["forecast_num_steps"] == steps
    assert run["forecast_frobenius"] == pytest.approx(sizes)


@SLOW
def test_a_lazy_network_does_under_adam_what_was_foreseen_and_another_one_does_not():
    method = OptimiserSteps("adam", share=0.05)
    lazy, bent = (train_run(drawn(kappa), method, stop=0.05) for kappa in (300.0, 1.0))
    for run, near in ((lazy, True), (bent, False)):
        ahead, moved = run["forecast"], np.array(run["displacement"]["frobenius"])
        ratio = moved / np.array(ahead["displacement"])
        assert bool(abs(ratio - 1).max() < 0.05) is near
        assert run["outcome"] == "converged"
    assert lazy["forecast"]["steps"] == pytest.approx(lazy["steps"], rel=0.05)
    assert (lazy["verdict"], lazy["forecast"]["verdict"]) == ("lazy", "lazy")
    assert bent["forecast"]["verdict"] == "not-lazy"
    assert lazy["forecast"]["reason"] is None


@SLOW
def test_a_forecast_of_steps_is_what_training_finds_beside_it():
    method = OptimiserSteps("adam", share=0.05)
    ahead = forecast_run(drawn(300.0), method, stop=0.05)
    beside = train_run(drawn(300.0), method, stop=0.05)["forecast"]
    assert ahead["steps_to"]["0.05"] == beside["steps"]
    assert ahead["predicted_displacement"] == pytest.approx(beside["displacement"])
    counts = list(ahead["steps_to"].values())
    assert list(ahead["steps_to"]) == ["0.5", "0.1", "0.05"]
    assert counts == sorted(counts)
    assert ahead["optimizer"] == "adam"


@SLOW
def test_a_loss_that_is_not_reached_has_no_forecast_and_says_so():
    method = OptimiserSteps("adam", share=0.05)
    run = train_run(drawn(300.0), method, stop=0.05, max_steps=3)
    assert run["forecast"]["steps"] is None
    assert run["forecast"]["displacement"] == [None] * 3
    assert run["forecast"]["verdict"] is None
    assert "does not come to this loss" in run["forecast"]["reason"]


def test_a_bound_for_bounded_updates_has_gradients_once():
    moved = np.array([0.1, 0.2])
    squared, once = (bound_of_displacements(moved, 0.05, power) / moved for power in (2, 1))
    assert squared == pytest.approx(once**2)
    assert forecast_verdict(np.array([0.06, 0.0]), 0.05, 1) == "lazy"
    assert forecast_verdict(np.array([0.09, 0.0]), 0.05, 1) == "borderline"


def test_a_kernel_near_a_tenth_is_not_called_lazy_where_layers_may_move_farther():
    moved = np.array([0.0641, 0.0731, 0.0143])
    assert forecast_verdict(moved, 0.083, 1) == "borderline"  # Adam took the kernel 0.106 away
    assert forecast_verdict(moved, 0.083 / 2, 1) == "lazy"
    assert forecast_verdict(moved / 10, 0.083, 1) == "lazy"


def test_the_record_of_steps_is_for_optimisers():
    flow = ExponentialFlow()
    with pytest.raises(InputError, match="closed form"):
        run_experiment(Experiment.of(linear_problem()), flow, stop=0.1, record=RECORD)
