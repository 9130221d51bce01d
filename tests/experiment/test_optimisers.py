"""Do runs by optimisers, and runs under cross-entropy, say what they are and refuse what has no meaning?"""

import math

import numpy as np
import optax
import pytest

from lazyscope import InputError
from lazyscope._jax import own_settings
from lazyscope.data import four_points
from lazyscope.experiment import (
    Experiment,
    SingleRun,
    compiled_program,
    default_settings,
    forecast_run,
    run_experiment,
    run_inputs,
    run_settings,
    settings_hash,
    train_run,
)
from lazyscope.flow import OptimiserSteps, function_problem
from lazyscope.scaling import Scheme, displacement_exponents, named_scheme
from lazyscope.sweep import SweepDesign

SMALL = {**default_settings(), "width": 8, "scheme": "lecun", "stop": 0.3}
DIGITS = {"data": "digits", "num_points": 6, "num_test": 4, "target": "classes"}


def design(record=("displacement",), **fixed):
    return SweepDesign(fixed={"width": 8, "scheme": "lecun", **fixed}, record=list(record))


def test_runs_that_differ_in_numbers_of_an_optimiser_share_a_program():
    data = four_points()
    with own_settings():
        first, second = (
            compiled_program(told, ("displacement",), run_inputs(told, data))
            for told in ({**SMALL, "method": "sgd", "share": share} for share in (0.1, 0.05))
        )
    assert first is second


def test_a_run_is_recorded_with_its_optimiser_its_loss_and_their_law():
    told = {**SMALL, **DIGITS, "method": "adam", "loss": "cross-entropy", "centred": True}
    told |= {"epsilon": 1e-12, "weight_decay": 1e-6}
    with own_settings():
        run = run_settings(told, ("displacement", "test_error"))
    assert run.outcome.ok
    assert (run.optimizer, run.criterion, run.scheme.optimiser) == ("adam", "cross-entropy", "adam")
    assert (run.method["share"], run.method["epsilon"]) == (0.02, 1e-12)
    assert run["loss_initial"] == pytest.approx(math.log(10))  # of outputs that start at zero
    assert run["loss_final"] <= 0.3 * math.log(10)
    assert 0 <= run["test_error"] <= 1


@pytest.mark.slow
def test_training_says_why_there_is_no_rate_ahead_and_which_law_holds():
    scheme = named_scheme("mup", depth=1)
    run = SingleRun(four_points(), scheme, width=16, centred=True)
    told = train_run(run, OptimiserSteps("sign", share=0.05), stop=0.3)
    law = displacement_exponents(scheme.scale_exponents, scheme.speed_exponents, optimiser="sign")
    assert told["displacement_exponents"] == list(law)
    assert told["optimizer"] == "sign"
    assert told["forecast"]["steps"] > 1
    assert all(moved > 0 for moved in told["forecast"]["displacement"])
    assert "follows gradient flow" in told["decay_rate"]["bound_reason"]
    assert told["decay_rate"]["average"] > 0
    given = train_run(run, OptimiserSteps(optax.adam(0.05)), stop=0.3)
    assert given["displacement_exponents"] is None
    assert given["optimizer"] == "optax.GradientTransformation"


@pytest.mark.slow
def test_small_steps_of_descent_have_a_forecast():
    run = SingleRun(four_points(), Scheme.from_exponents((0.5, 0.5)), width=256)
    told = train_run(run, OptimiserSteps("sgd", share=0.05), stop=0.1)
    assert told["forecast"]["reason"] is None
    np.testing.assert_allclose(
        told["displacement"]["frobenius"], told["forecast"]["displacement"], rtol=0.1
    )


WRONG = {
    "flow": ({"loss": "cross-entropy"}, "Method flow needs the squared loss. Received: loss cross"),
    "descent": ({"loss": "cross-entropy", "method": "descent"}, "Method descent needs the squared"),
    "both": ({"method": "sgd", "step_size": 0.1, "share": 0.1}, "either a step_size or a share"),
    "step": ({"method": "adam", "step": 0.1}, "write step_size for a rate, or share"),
    "loss": ({"loss": "crossentropy"}, "use 'cross-entropy'"),
    "method": ({"method": "adan"}, "Method must be one of"),
    "share": ({"method": "sgd", "share": 1.0}, "Share must lie strictly between 0 and 1"),
}


@pytest.mark.parametrize("what", WRONG)
def test_settings_without_a_meaning_are_refused_before_anything_runs(what):
    fixed, message = WRONG[what]
    with pytest.raises(InputError, match=message):
        design(**fixed)


@pytest.mark.parametrize(
    ("record", "fixed"),
    [
        ("linearisation", {"method": "adam"}),
        ("forecast", {"method": "momentum"}),
        ("rates", {"method": "sgd", "loss": "cross-entropy"}),
        ("outputs", {"method": "adam", "loss": "cross-entropy"}),
    ],
)
def test_records_without_a_meaning_are_refused(record, fixed):
    with pytest.raises(InputError, match=f"The record {record} needs gradient flow or descent"):
        design((record,), **fixed)
    assert design((record,), method="sgd").record == (record,)


def test_ones_own_problem_refuses_them_too():
    problem = function_problem(lambda p, x: x * p, np.zeros(1), np.ones((1, 1)), np.ones(1))
    with pytest.raises(InputError, match="The record linearisation needs gradient flow"):
        run_experiment(
            Experiment.of(problem), OptimiserSteps("lion", share=0.1), record=("linearisation",)
        )


def test_targets_that_are_no_classes_are_refused_before_a_run():
    told = {**SMALL, "data": "diabetes", "num_points": 4, "method": "sgd", "loss": "cross-entropy"}
    with pytest.raises(InputError, match="Targets of cross-entropy must be -1 and 1"):
        run_settings(told)


def test_rates_of_one_optimiser_are_not_taken_for_those_of_another():
    scheme = Scheme.from_exponents((0.5, 0.0), (0.0, -1.0), optimiser="adam")
    run = SingleRun(four_points(), scheme, width=8)
    with pytest.raises(InputError, match=r"holds rates of adam\. Received: a run by sign"):
        train_run(run, OptimiserSteps("sign", share=0.1))
    for flow in (train_run, forecast_run):
        with pytest.raises(InputError, match="a run by ExponentialFlow"):
            flow(run)


def test_what_no_run_reads_is_no_part_of_its_name():
    plain = {"width": 8, "seed": 0}
    same = [
        ({**plain, "method": "flow"}, {**plain, "method": "flow", "share": 0.1, "loss": "squared"}),
        ({**plain, "method": "sign"}, {**plain, "method": "sign", "share": 0.02, "epsilon": 1e-9}),
    ]
    for one, other in same:
        assert settings_hash(one) == settings_hash(other)
    adam = {**plain, "method": "adam"}
    others = ({"share": 0.1}, {"epsilon": 1e-9}, {"step_size": 0.1}, {"loss": "cross-entropy"})
    assert len({settings_hash({**adam, **more}) for more in ({}, *others)}) == 5
