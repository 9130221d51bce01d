"""Does a loss of one's own train, and does what needs the squared loss say so?"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cases import dense_case, unit_points
from lazyscope import forecast_problem
from lazyscope._checks import InputError
from lazyscope.flow import (
    AbstractLoss,
    ExponentialFlow,
    GradientDescent,
    SquaredLoss,
    dense_problem,
    function_problem,
    largest_stable_step,
    solve_flow,
    solve_linearised,
)
from lazyscope.model import Centred


class Logistic(AbstractLoss):
    """mean_i sum_c log(1 + exp(-sharpness y_ic f_ic)), the whole of what one writes for a new loss."""

    sharpness: float = 1.0

    def value(self, outputs, targets):
        return jnp.sum(jax.nn.softplus(-self.sharpness * targets * outputs)) / outputs.shape[0]

    def gradient(self, outputs, targets):
        slope = jax.nn.sigmoid(-self.sharpness * targets * outputs)
        return -self.sharpness * targets * slope / outputs.shape[0]

    def curvature(self, outputs, targets, direction):
        slope = jax.nn.sigmoid(-self.sharpness * targets * outputs)
        return direction * (self.sharpness * targets) ** 2 * slope * (1 - slope) / outputs.shape[0]


@pytest.fixture
def case(double):
    return dense_case("tanh")


def with_loss(case, loss, y=None):
    y = np.sign(case.y) if y is None else y
    return dense_problem(case.problem.model, case.problem.params, case.x, y, loss=loss)


@pytest.mark.parametrize("loss", [SquaredLoss(), Logistic(2.0)])
def test_gradient_and_curvature_are_those_of_the_value(double, loss):
    rng = np.random.default_rng(0)
    outputs, direction = jnp.asarray(rng.normal(size=(2, 4, 3, 2)))
    targets = jnp.asarray(np.sign(rng.normal(size=(4, 3, 2))))
    gradient, curvature = jax.jvp(
        jax.grad(lambda f: loss.value(f, targets)), (outputs,), (direction,)
    )
    np.testing.assert_allclose(loss.gradient(outputs, targets), gradient, rtol=1e-12)
    np.testing.assert_allclose(
        loss.curvature(outputs, targets, direction), curvature, rtol=1e-12, atol=1e-16
    )


def test_the_squared_loss_is_half_the_mean_square_summed_over_outputs():
    outputs, targets = np.arange(6.0).reshape(2, 3), np.ones((2, 3))
    expected = 0.5 * np.mean(np.sum((outputs - targets) ** 2, axis=1))
    assert float(SquaredLoss().value(outputs, targets)) == expected


def test_descent_on_a_loss_of_ones_own_takes_its_steps_down_its_gradient(case):
    problem = with_loss(case, Logistic(2.0))
    result = solve_flow(problem, GradientDescent(step_size=0.3), stop=None, stop_time=1.5)
    loss, y = Logistic(2.0), jnp.asarray(np.sign(case.y))
    apply = lambda p: problem.model.apply(p, jnp.asarray(case.x))  # noqa: E731
    params = problem.params
    for _ in range(5):
        slope = jax.grad(lambda p: loss.value(apply(p), y))(params)
        params = jax.tree.map(lambda p, g: p - 0.3 * g, params, slope)
    for found, expected in zip(
        jax.tree.leaves(result.params), jax.tree.leaves(params), strict=True
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert float(result.loss) == pytest.approx(float(loss.value(apply(params), y)), rel=1e-12)


def test_a_function_trains_under_a_loss_of_ones_own_to_a_fraction_of_it():
    x = unit_points(5, 2)
    problem = function_problem(
        lambda p, x: x @ p["w"], {"w": np.zeros((2, 1))}, x, np.sign(x[:, :1]), loss=Logistic()
    )
    result = solve_flow(problem, GradientDescent(step_size=1.0), stop=0.5)
    assert result.outcome.ok
    assert float(result.initial_loss) == pytest.approx(np.log(2.0))


NEEDS_SQUARED = {
    "exponential flow": lambda problem: solve_flow(problem, ExponentialFlow()),
    "largest stable step": largest_stable_step,
    "linearised flow in closed form": solve_linearised,
    "forecast": forecast_problem,
    "loss of a residual": lambda problem: problem.loss(problem.residual(problem.params)),
}


@pytest.mark.parametrize("what", NEEDS_SQUARED)
def test_what_needs_the_squared_loss_says_so(case, what):
    with pytest.raises(
        InputError, match=rf"{what} needs the squared loss. Received: Logistic.*step_size"
    ):
        NEEDS_SQUARED[what](with_loss(case, Logistic()))


def test_a_fraction_of_the_stability_limit_needs_the_squared_loss(case):
    with pytest.raises(InputError, match="needs the squared loss"):
        solve_flow(with_loss(case, Logistic()), GradientDescent(stability_fraction=0.5))


def test_a_centred_network_trains_under_another_loss_as_its_difference_does(case):
    model, start = case.problem.model, case.problem.params
    y, steps = np.sign(case.y), GradientDescent(step_size=0.01)
    by_hand = function_problem(
        lambda p, x: model.apply(p, x) - model.apply(start, x), start, case.x, y, loss=Logistic()
    )
    centred = dense_problem(Centred(model, start), start, case.x, y, loss=Logistic())
    other = function_problem(model.apply, start, case.x, y, centred=True, loss=Logistic())
    ends = [solve_flow(each, steps, stop_time=0.1, stop=None) for each in (by_hand, centred, other)]
    assert ends[0].loss < 0.999 * ends[0].initial_loss
    np.testing.assert_allclose([each.loss for each in ends], float(ends[0].loss), rtol=1e-10)


def test_a_network_centred_at_another_start_needs_shifted_targets(case):
    start = case.problem.params
    elsewhere = jax.tree.map(lambda w: 2 * w, start)
    with pytest.raises(InputError, match="another start needs the squared loss"):
        dense_problem(
            Centred(case.problem.model, elsewhere), start, case.x, case.y, loss=Logistic()
        )


@pytest.mark.parametrize("make", [dense_problem, function_problem])
def test_a_word_is_no_loss(case, make):
    with pytest.raises(InputError, match=r"Loss must be (an instance of|of the kind) AbstractLoss"):
        make(
            case.problem.model if make is dense_problem else lambda p, x: x @ p[0].weight[:1].T,
            case.problem.params,
            case.x,
            case.y,
            loss="logistic",
        )
