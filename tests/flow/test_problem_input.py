"""Are problems refused whose parameters, targets, speeds or options are not what they must be?"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cases import dense_case
from lazyscope import InputError
from lazyscope.flow import ExponentialFlow, GradientDescent, dense_problem, solve_flow
from lazyscope.model import Dense
from lazyscope.scaling import named_scheme


@pytest.fixture(scope="module")
def case():
    with jax.enable_x64(True):
        return dense_case()


@pytest.mark.slow
@pytest.mark.parametrize(
    "other",
    [Dense(3, 1, 8, 1), Dense(3, 1, 16, 2), Dense(3, 1, 16, 1, use_bias=True), Dense(4, 1, 16, 1)],
)
def test_parameters_of_another_network_are_refused(case, other):
    scheme = named_scheme("ntk", depth=other.depth, input_dim=other.input_dim)
    params = other.init(jax.random.key(0), scheme)
    with pytest.raises(InputError, match=r"shapes of the network's layers.*init of this very"):
        dense_problem(case.problem.model, params, case.x, case.y)


def test_a_parameter_that_is_not_finite_is_refused_with_its_place(case):
    first, last = case.problem.params
    spoiled = (first._replace(weight=np.full(first.weight.shape, np.nan)), last)
    with pytest.raises(InputError, match=r"Params\[0\]\.weight must be finite"):
        dense_problem(case.problem.model, spoiled, case.x, case.y)


@pytest.mark.parametrize(
    ("y", "words"),
    [
        (np.full((6, 1), np.nan), "Targets must be finite"),
        (np.ones((6, 1)) + 1j, "Targets must be real"),
        (
            np.ma.masked_array(np.ones((6, 1)), np.eye(6, 1)),
            "Targets must be an array without a mask",
        ),
    ],
)
def test_targets_that_are_none_are_refused(case, y, words):
    with pytest.raises(InputError, match=words):
        dense_problem(case.problem.model, case.problem.params, case.x, y)


def test_a_negative_speed_is_refused_and_zero_is_not(case):
    network = case.problem.model, case.problem.params, case.x, case.y
    with pytest.raises(InputError, match="Speeds must not be below zero"):
        dense_problem(*network, speeds=[1.0, -1.0])
    assert dense_problem(*network, speeds=[1.0, 0.0]).speeds.tolist() == [1.0, 0.0]


def test_an_unknown_word_for_what_a_failure_does_is_refused(case):
    with pytest.raises(InputError, match=r"On_failure must be one of raise, return.*use 'raise'"):
        solve_flow(case.problem, on_failure="rise")  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    "bad",
    [
        jnp.asarray(-1.0),
        jnp.asarray(jnp.nan),
        jnp.ones(2),
        jnp.asarray(1j),
        jax.random.key(0),
        np.ones(2),
        np.longdouble("1e4000"),
    ],
    ids=["negative", "nan", "row", "complex", "key", "numpy row", "beyond double"],
)
def test_a_number_of_a_method_is_one_number_above_zero_whatever_holds_it(bad):
    for make in (
        lambda: ExponentialFlow(tolerance=bad),
        lambda: ExponentialFlow(fixed_step=bad),
        lambda: GradientDescent(step_size=bad),
    ):
        with pytest.raises(InputError):
            make()
    assert ExponentialFlow(tolerance=jnp.asarray(0.1)).tolerance == 0.1
