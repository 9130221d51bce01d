"""Does a run with a loss or a method of one's own say what it is, and refuse what it cannot tell?"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lazyscope import InputError
from lazyscope.data import four_points
from lazyscope.experiment import (
    Experiment,
    function_experiment,
    network_experiment,
    run_experiment,
)
from lazyscope.flow import (
    AbstractLoss,
    AbstractMethod,
    GradientDescent,
    function_problem,
    solve_flow,
)
from lazyscope.model import Dense
from lazyscope.scaling import named_scheme


class Quartic(AbstractLoss):
    """mean of |r|^4 / 4."""

    def value(self, outputs, targets):
        return jnp.sum((outputs - targets) ** 4) / (4 * outputs.shape[0])

    def gradient(self, outputs, targets):
        return (outputs - targets) ** 3 / outputs.shape[0]

    def curvature(self, outputs, targets, direction):
        return 3 * (outputs - targets) ** 2 * direction / outputs.shape[0]


class Rates(AbstractMethod):
    """Descent with an array for a field."""

    rates: jax.Array

    @property
    def points_per_record(self) -> int:
        return 1

    def start(self, problem) -> Any:
        return GradientDescent(step_size=self.rates[0]).start(problem)

    def step(self, problem, stop, state):
        return GradientDescent(step_size=self.rates[0]).step(problem, stop, state)


def linear(params, x):
    return x @ params


def problem(**own):
    return function_problem(linear, np.zeros((2, 1)), np.eye(2), np.ones((2, 1)), **own)


def test_a_record_names_the_loss_that_was_trained():
    method = GradientDescent(step_size=0.1)
    run = run_experiment(Experiment.of(problem(loss=Quartic())), method, stop=0.5)
    assert run.criterion == "Quartic"
    assert run_experiment(Experiment.of(problem()), method, stop=0.5).criterion == "squared"


@pytest.mark.parametrize("name", ["forecast", "spectrum", "rates"])
def test_what_rests_on_the_squared_loss_is_refused_with_another(name):
    with pytest.raises(InputError, match="needs the squared loss"):
        run_experiment(
            Experiment.of(problem(loss=Quartic())), GradientDescent(step_size=0.1), record=(name,)
        )


def test_neurons_of_a_function_are_refused_before_it_is_trained():
    data = (np.eye(2), np.ones((2, 1)), np.eye(2), np.ones((2, 1)))
    with pytest.raises(InputError, match="needs a dense network"):
        run_experiment(function_experiment(linear, np.zeros((2, 1)), data), record=("neurons",))


def test_a_method_with_an_array_for_a_field_is_told_with_its_numbers():
    run = run_experiment(Experiment.of(problem()), Rates(jnp.array([0.5, 0.25])), stop=0.5)
    assert run.method == {"name": "Rates", "rates": [0.5, 0.25]}


def test_more_steps_than_a_program_can_count_are_as_many_as_it_can():
    assert run_experiment(Experiment.of(problem()), max_steps=2**40, stop=0.5).outcome.ok


def embedded(params, tokens):
    return params["embed"][tokens].mean(axis=1)


def test_test_points_of_a_network_of_tokens_are_tokens():
    start, tokens, y = {"embed": np.zeros((5, 1))}, np.array([[0, 1], [2, 3]]), np.ones((2, 1))
    function_experiment(embedded, start, (tokens, y, tokens, y))
    with pytest.raises(InputError, match=r"whole numbers.*Received: 4 fractions"):
        function_experiment(embedded, start, (tokens, y, tokens + 0.5, y))


def test_a_run_begins_under_the_conditions_of_a_flow():
    done = function_problem(linear, np.zeros((2, 1)), np.eye(2), np.zeros((2, 1)))
    with pytest.raises(InputError, match="equal the targets at the start") as flow:
        solve_flow(done)
    with pytest.raises(InputError) as run:
        run_experiment(Experiment.of(done))
    assert str(run.value) == str(flow.value)


def test_a_run_says_which_data_and_width_it_had():
    data = four_points()
    network = Dense(2, 1, width=8, depth=1)
    params = network.init(jax.random.key(0), named_scheme("ntk", depth=1, input_dim=2))
    given = network_experiment(network, params, data, np.ones(2), centred=True)
    run = run_experiment(given, GradientDescent(stability_fraction=0.5), stop=0.9, record=())
    assert run.data == data.summary()["digest"]
    assert given.problem.y.dtype == np.float64
    assert (run.width, run.seed) == (8, None)
    assert run["loss"] == {"initial": run["loss_initial"], "final": run["loss_final"]}
    assert (run["outcome"], run["loss"]["final"] < run["loss"]["initial"]) == ("converged", True)


def test_a_run_of_a_problem_of_ones_own_has_a_verdict_where_it_measured_one():
    run = run_experiment(Experiment.of(problem()), stop=0.5, record=("displacement", "kernel"))
    assert run.displacement.frobenius.shape == (1,)
    assert run.verdict == "not-lazy"
    assert run_experiment(Experiment.of(problem()), stop=0.5, record=("kernel",)).verdict is None
    scaled = function_problem(linear, np.full((2, 1), 10.0), np.eye(2), np.full((2, 1), 10.1))
    kept = run_experiment(Experiment.of(scaled), stop=0.5, record=("displacement", "kernel"))
    assert kept.verdict == "lazy"
