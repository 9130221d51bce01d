"""Is the cost of a sweep known, within a factor, before it runs?"""

import numpy as np
import pytest

from lazyscope._checks import InputError
from lazyscope.sweep import SweepDesign, estimate_cost, open_store, run_sweep
from lazyscope.sweep.design._cost import expected_steps, run_bytes, run_seconds, step_seconds


def settings(**fixed):
    return next(SweepDesign(fixed={"scheme": "lecun", "width": 64, **fixed}).cells()).settings


@pytest.mark.slow
def test_expected_steps_are_right_within_a_factor_of_three_in_total(tmp_path):
    sweep = SweepDesign(
        axes={"gamma": [0.25, 0.75, 1.25, 1.75], "gamma_prime": [-0.5, 0.0, 0.5, 1.0]},
        fixed={"width": 300},
    )
    run_sweep(sweep, tmp_path)
    taken = float(open_store(tmp_path)["steps"].sum())
    expected = sum(expected_steps(cell.settings) for cell in sweep.cells())
    assert 1 / 3 < expected / taken < 3


@pytest.mark.parametrize(
    "more", [{"width": 4096}, {"depth": 3, "scheme": "ntk"}, {"data": "digits", "num_points": 256}]
)
def test_more_work_is_expected_to_take_longer(more):
    assert step_seconds(settings(**more)) > step_seconds(settings())
    assert run_bytes(settings(**more)) > run_bytes(settings())


def test_a_network_that_grows_is_expected_to_take_more_steps():
    steps = [expected_steps(settings(rho=rho)) for rho in (0.5, 0.0, -0.5)]
    assert steps[0] < steps[1] < steps[2]


@pytest.mark.slow
@pytest.mark.parametrize(("activation", "order"), [("relu", 1.0), ("tanh", 0.5)])
def test_steps_follow_the_tolerance_as_expected(tmp_path, activation, order):
    """Neurons of a ReLU network come to lie on data points, where its flow has a kink."""
    sweep = SweepDesign(
        axes={"tolerance": [0.2, 0.05, 0.0125]},
        fixed={
            "width": 100,
            "gamma": 1.3,
            "gamma_prime": -0.2,
            "stop": 1e-2,
            "activation": activation,
        },
    )
    run_sweep(sweep, tmp_path)
    steps = open_store(tmp_path)["steps"].values
    slope = np.polyfit(np.log(sweep.axes["tolerance"]), np.log(steps), 1)[0]
    assert abs(slope + order) < 0.15
    expected = [expected_steps(cell.settings) for cell in sweep.cells()]
    np.testing.assert_allclose(expected[2] / expected[0], 16**order)


def test_descent_is_counted_with_all_its_steps():
    assert expected_steps(settings(method="descent", max_steps=777)) == 777


def test_the_memory_of_a_run_counts_parameters_and_kernel():
    plain = settings(data="digits", num_points=128)
    kernel = (128 * 10) ** 2
    parameters = 64 * 64 + 64 * 10
    assert run_bytes(plain) == 8 * 6 * (parameters + 64 * 128 * 10 + kernel)


def test_an_estimate_says_runs_shapes_time_memory_and_how():
    sweep = SweepDesign(axes={"width": [8, 16], "seed": [0, 1, 2]}, fixed={"scheme": "ntk"})
    estimate = estimate_cost(sweep, num_workers=2)
    assert (estimate.num_cells, estimate.num_shapes) == (6, 2)
    work = sum(run_seconds(cell.settings) for cell in sweep.cells())
    np.testing.assert_allclose(estimate.seconds, (work + 2 * 3.0) / 2)
    assert estimate.sentence.startswith("6 runs in 2 shapes, about 3 s on 2 workers")
    assert "displacement law" in estimate.sentence


def test_runs_that_cannot_fit_into_memory_are_refused():
    sweep = SweepDesign(axes={"width": [10**6]}, fixed={"scheme": "ntk", "depth": 2})
    with pytest.raises(InputError, match="must fit into memory"):
        estimate_cost(sweep, num_workers=1)
