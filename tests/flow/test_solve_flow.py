"""Does a run end where it was asked to, and does its outcome say why it ended?"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cases import Case, as_layers, dense_case, unit_points
from lazyscope._checks import InputError
from lazyscope._outcome import Outcome, RunError
from lazyscope.flow import ExponentialFlow, GradientDescent, Problem, dense_problem, solve_flow
from lazyscope.model import Centred, Dense
from lazyscope.scaling import Scheme

FLOW = ExponentialFlow()


@pytest.fixture(scope="module")
def case():
    with jax.enable_x64(True):
        return dense_case("tanh")


@pytest.fixture(scope="module")
def relu_case():
    with jax.enable_x64(True):
        return dense_case("relu")


def replace(problem, **fields):
    names = ("model", "kernel", "params", "x", "y", "speeds")
    return Problem(**({name: getattr(problem, name) for name in names} | fields))


@pytest.mark.slow
@pytest.mark.parametrize("stop", [0.5, 1e-2, 1e-4, 1e-8])
def test_the_final_loss_lies_just_below_the_asked_one(case, stop):
    result = solve_flow(case.problem, FLOW, stop=stop)
    assert result.outcome is Outcome.CONVERGED
    assert 0.999 * stop <= float(result.loss / result.initial_loss) <= stop


@pytest.mark.parametrize("time", [1e-3, 0.7, 25.0])
def test_a_stop_time_is_met_exactly(case, time):
    result = solve_flow(case.problem, FLOW, stop=None, stop_time=time)
    assert result.outcome is Outcome.CONVERGED
    assert float(result.time) == pytest.approx(time, rel=1e-12)


def test_the_first_of_loss_and_time_ends_a_run(case):
    by_loss = solve_flow(case.problem, FLOW, stop=0.1)
    late = solve_flow(case.problem, FLOW, stop=0.1, stop_time=10 * float(by_loss.time))
    early = solve_flow(case.problem, FLOW, stop=0.1, stop_time=0.5 * float(by_loss.time))
    assert float(late.time) == pytest.approx(float(by_loss.time))
    assert float(early.time) == pytest.approx(0.5 * float(by_loss.time))
    assert float(early.loss) > float(late.loss)


def test_the_loss_curve_falls_from_the_initial_to_the_final_loss(case):
    result = solve_flow(case.problem, FLOW)
    time, loss = result.curve()
    assert (time[0], loss[0]) == (0.0, float(result.initial_loss))
    assert (time[-1], loss[-1]) == (float(result.time), float(result.loss))
    assert np.all(np.diff(time) > 0)
    assert np.all(np.diff(loss) < 0)


def test_too_few_steps_are_an_outcome(case):
    result = solve_flow(case.problem, FLOW, max_steps=6)
    assert result.outcome is Outcome.OUT_OF_STEPS
    assert int(result.num_tried) == 6
    assert float(result.loss) < float(result.initial_loss)


def test_descent_far_above_the_stability_limit_diverges(relu_case):
    result = solve_flow(relu_case.problem, GradientDescent(stability_fraction=3.0))
    assert result.outcome is Outcome.DIVERGED


def test_descent_at_half_the_stability_limit_converges(relu_case):
    result = solve_flow(relu_case.problem, GradientDescent(stability_fraction=0.5))
    assert result.outcome is Outcome.CONVERGED


@pytest.mark.slow
def test_an_overflowing_start_is_divergence_and_not_a_crash(relu_case):
    with jax.enable_x64(True):
        params = as_layers([1e160 * w for w in relu_case.weights])
    result = solve_flow(replace(relu_case.problem, params=params), FLOW)
    assert result.outcome is Outcome.DIVERGED


def test_duplicate_inputs_with_different_targets_stall_at_their_mean(case):
    with jax.enable_x64(True):
        x = jnp.concatenate([case.problem.x[:3], case.problem.x[:3]])
        problem = replace(case.problem, x=x)
    result = solve_flow(problem, FLOW)
    assert result.outcome is Outcome.STALLED
    floor = np.sum((case.y[:3] - case.y[3:]) ** 2) / 2 / (2 * 6)
    assert float(result.loss) == pytest.approx(floor, rel=1e-4)


@pytest.mark.parametrize("method", [FLOW, GradientDescent(stability_fraction=0.5)])
def test_a_network_whose_units_are_all_dead_stalls(relu_case, method):
    with jax.enable_x64(True):
        problem = replace(
            relu_case.problem,
            params=as_layers([-np.abs(w) for w in relu_case.weights]),
            x=jnp.abs(relu_case.problem.x),
        )
    result = solve_flow(problem, method)
    assert result.outcome is Outcome.STALLED
    assert float(result.loss) == float(result.initial_loss)


def test_a_failure_can_be_raised_with_its_sentence(case):
    with pytest.raises(RunError, match="steps ran out before the loss reached") as caught:
        solve_flow(case.problem, FLOW, max_steps=2, on_failure="raise")
    assert caught.value.outcome is Outcome.OUT_OF_STEPS


def test_a_session_without_double_precision_gets_double_results():
    assert not jax.config.jax_enable_x64
    model = Dense(3, 1, 16, 1, "tanh")
    params = model.init_from_std(jax.random.key(0), [1.0, 0.25])
    x = np.random.default_rng(0).normal(size=(6, 3))
    result = solve_flow(dense_problem(model, params, x, np.sin(x[:, 0]), speeds=[1.0, 0.5]))
    assert {leaf.dtype for leaf in jax.tree.leaves(result.params)} == {np.dtype("float64")}
    assert result.loss.dtype == np.float64
    assert float(result.loss / result.initial_loss) <= 1e-4


def test_speeds_keep_their_digits_and_do_not_take_the_type_of_the_points():
    model = Dense(2, 1, 4, 1)
    params = model.init_from_std(jax.random.key(0), [1.0, 1.0])
    x = np.array([[0, 255], [128, 3]], np.uint8)
    assert dense_problem(model, params, x, [1, -1], speeds=[0.5, 0.25]).speeds.tolist() == [
        0.5,
        0.25,
    ]
    third = dense_problem(model, params, x / 255, [1, -1], speeds=[1 / 3, 1.0]).speeds[0]
    assert third == 1 / 3


def test_a_centred_network_starts_from_the_negative_targets(case):
    start = case.problem.params
    with jax.enable_x64(True):
        problem = dense_problem(Centred(case.problem.model, start), start, case.x, case.y)
        residual = problem.residual(problem.params)
    np.testing.assert_allclose(residual, -case.y, rtol=1e-12)


@pytest.mark.parametrize("what", ["x", "y", "params", "speeds"])
def test_numbers_that_are_not_finite_are_refused_by_name(case, what):
    names = {"x": "Points", "y": "Targets", "params": "Parameters", "speeds": "Speeds"}
    broken = jax.tree.map(lambda leaf: np.full(leaf.shape, np.nan), getattr(case.problem, what))
    with pytest.raises(InputError, match=rf"{names[what]} must be finite. Received: \d+ numbers"):
        solve_flow(replace(case.problem, **{what: broken}), FLOW)


@pytest.mark.parametrize("stop", [0.0, 1.0, 2.0, -0.1, float("nan"), "1e-4"])
def test_a_stop_fraction_outside_zero_to_one_is_refused(case, stop):
    with pytest.raises(InputError, match=r"Stop fraction must .*Received: "):
        solve_flow(case.problem, stop=stop)


def test_a_run_without_an_end_is_refused(case):
    with pytest.raises(InputError, match="A run needs an end"):
        solve_flow(case.problem, stop=None)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"stop_time": 0.0}, "Stop time must be above zero"),
        ({"max_steps": 0}, "Max_steps must be a whole number of at least 1"),
        ({"num_records": 2}, "Num_records must be a whole number of at least 4"),
    ],
)
def test_limits_below_their_minimum_are_refused(case, arguments, message):
    with pytest.raises(InputError, match=message):
        solve_flow(case.problem, **arguments)


def test_targets_that_are_met_at_the_start_are_refused(case):
    with jax.enable_x64(True):
        met = case.problem.model.apply(case.problem.params, case.problem.x)
    with pytest.raises(InputError, match="Training needs a residual to remove"):
        solve_flow(replace(case.problem, y=met))


def shapes_refused(case: Case, x, y):
    with pytest.raises(
        InputError, match=r"points must be \(n, 3\) and targets \(n, 1\)".capitalize()
    ):
        dense_problem(case.problem.model, case.problem.params, x, y)


def test_data_of_another_shape_is_refused(case):
    shapes_refused(case, case.x[:, :2], case.y)
    shapes_refused(case, case.x, case.y[:4])
    shapes_refused(case, case.x[:0], case.y[:0])
    shapes_refused(case, case.x, np.hstack([case.y, case.y]))
    shapes_refused(case, case.x[0], case.y)


def test_text_among_the_points_is_refused(case):
    with pytest.raises(InputError, match=r"Points must be numbers. Received: entries of type <U"):
        dense_problem(case.problem.model, case.problem.params, case.x.astype(str), case.y)


def test_speeds_for_another_depth_are_refused(case):
    with pytest.raises(InputError, match=r"one speed for every layer.*give 2 speeds"):
        dense_problem(case.problem.model, case.problem.params, case.x, case.y, speeds=[1.0] * 3)


def test_a_network_of_another_kind_is_refused(case):
    with pytest.raises(InputError, match="a dense problem needs a dense network".capitalize()):
        dense_problem(object(), case.problem.params, case.x, case.y)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ExponentialFlow(tolerance=0.0), "Tolerance must be above zero"),
        (lambda: ExponentialFlow(fixed_step=-1.0), "Fixed_step must be above zero"),
        (lambda: ExponentialFlow(frozen="diagonal"), "Frozen must be one of full, mean"),
        (lambda: GradientDescent(), "either a step size or a fraction"),
        (lambda: GradientDescent(0.1, 0.5), "either a step size or a fraction"),
        (lambda: GradientDescent(step_size=-0.1), "Step_size must be above zero"),
        (lambda: GradientDescent(stability_fraction=0.0), "Stability_fraction must be above zero"),
    ],
)
def test_settings_without_meaning_are_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()


@pytest.mark.slow
def test_a_start_so_small_that_its_kernel_is_below_rounding_still_trains(double):
    """Condensed: kappa = m^-4 = 1e-12. Time passes in units of one, far longer than 1/lambda_max says."""
    model = Dense(2, 1, 1024, 1, "relu")
    scheme = Scheme.from_exponents((-2.0, -2.0))
    x, y = unit_points(8, 2), np.sign(unit_points(8, 1, seed=3))
    params = model.init(jax.random.key(0), scheme)
    run = solve_flow(dense_problem(model, params, jnp.asarray(x), jnp.asarray(y)), stop=0.5)
    assert run.outcome is Outcome.CONVERGED
