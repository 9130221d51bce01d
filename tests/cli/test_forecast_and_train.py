"""Do `lazyscope forecast` and `lazyscope train` print what the library computes?"""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from typer.testing import CliRunner

from lazyscope.cli import app

DATA = ("--data", "digits", "--n", "6", "--num-test", "5", "--target", "parity")
LAZY = ("--scale-exponents", "1.2,1.2", "--width", "32", "--centred")


def run(*arguments):
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, (result.output, result.exception)
    assert result.stderr == ""
    return result.stdout


def reject_constant(name):
    raise AssertionError(f"{name} is not JSON")


def answer(*arguments):
    return json.loads(run(*arguments, "--json"), parse_constant=reject_constant)


@pytest.fixture(scope="module")
def trained():
    return answer("train", *DATA, *LAZY)


@pytest.mark.slow
def test_train_promises_its_keys(trained):
    assert trained["outcome"] == "converged"
    assert set(trained["loss"]) == {"initial", "final"}
    assert trained["loss"]["final"] <= 1e-4 * trained["loss"]["initial"]
    assert [len(trained["displacement"][norm]) for norm in ("operator", "frobenius")] == [2, 2]
    assert {"train", "test"} == set(trained["linearisation_gap"])
    assert {"measured", "bound", "kernel"} <= set(trained["decay_rate"])
    assert {"steps", "time", "kernel_change", "kappa", "regime"} <= set(trained)


def test_a_lazy_run_moves_as_forecast(trained):
    assert trained["verdict"] == "lazy"
    assert trained["forecast"]["verdict"] == "lazy"
    measured = trained["displacement"]["frobenius"]
    assert measured == pytest.approx(trained["forecast"]["displacement"], rel=0.02)
    assert trained["time"] == pytest.approx(trained["forecast"]["time"], rel=0.02)
    assert trained["decay_rate"]["average"] >= trained["decay_rate"]["kernel"]


def test_forecast_promises_its_keys_and_agrees_with_a_dense_jacobian():
    seen = answer("forecast", *DATA, *LAZY, "--seed", "3", "--stop", "1e-4")
    from lazyscope.data import load_dataset

    data = load_dataset("digits", num_points=6, num_test=5, target="parity")
    alpha = 32.0**1.2
    with jax.enable_x64(True):
        keys = jax.random.split(jax.random.key(3), 2)
        first = alpha / np.sqrt(32) * np.asarray(jax.random.normal(keys[0], (32, 64)))
        last = alpha / np.sqrt(32) * np.asarray(jax.random.normal(keys[1], (1, 32)))
    u = data.x_train @ first.T
    by_last = np.maximum(u, 0)
    by_first = ((u > 0) * last)[:, :, None] * data.x_train[:, None, :]
    jacobian = np.concatenate([by_first.reshape(6, -1), by_last], axis=1)
    values = np.linalg.eigvalsh(jacobian @ jacobian.T)
    assert seen["lambda_min"] == pytest.approx(values[0], rel=1e-9)
    assert seen["lambda_max"] == pytest.approx(values[-1], rel=1e-9)
    assert seen["max_stable_step"] == pytest.approx(12 / values[-1], rel=1e-9)
    change = np.linalg.lstsq(jacobian, data.y_train[:, 0], rcond=None)[0]
    predicted = [
        np.linalg.norm(change[: first.size]) / np.linalg.norm(first),
        np.linalg.norm(change[first.size :]) / np.linalg.norm(last),
    ]
    assert seen["predicted_displacement"] == pytest.approx(predicted, rel=1e-9)
    assert seen["predicted_displacement_at_stop"] == pytest.approx(predicted, rel=0.05)
    assert list(seen["time_to"]) == ["0.5", "0.1", "0.01", "0.001", "0.0001", "1e-06"]
    assert seen["time_to"]["0.5"] < seen["time_to"]["0.1"] < seen["time_to"]["0.01"]
    assert seen["regime"] == "theta-lazy"


@pytest.mark.slow
def test_a_diverged_run_is_an_outcome_with_exit_code_zero():
    told = answer(
        *("train", *DATA, "--scheme", "ntk", "--depth", "1", "--width", "16"),
        *("--method", "descent", "--stability-fraction", "1e6"),
    )
    assert told["outcome"] == "diverged"
    assert told["verdict"] is None
    assert told["decay_rate"]["measured"] is None
    assert "a loss that falls" in told["decay_rate"]["measured_reason"]


def test_the_rate_of_an_optimiser_is_not_told_per_flow_time():
    words = run(
        *("train", *DATA, "--scheme", "mup", "--depth", "1", "--width", "8", "--stop", "0.1"),
        *("--method", "sign"),
    )
    assert "late, per sum of the steps" in words
    assert "per flow time" not in words


@pytest.mark.slow
def test_an_optimiser_trains_cross_entropy_from_the_command_line():
    told = answer(
        *("train", *DATA, "--scheme", "mup", "--depth", "1", "--width", "16", "--stop", "0.3"),
        *("--method", "adam", "--loss", "cross-entropy", "--share", "0.05"),
    )
    assert told["outcome"] == "converged"
    assert (told["criterion"], told["optimizer"]) == ("cross-entropy", "adam")
    assert told["displacement_exponents"] == [0.0, 0.0]  # by its own rates, not those of descent
    assert told["forecast"]["steps"] > 1
    assert "under the squared loss only" in told["decay_rate"]["bound_reason"]


def test_a_bias_leaves_the_theorem_without_a_bound_and_says_why():
    told = answer("forecast", *DATA, *LAZY, "--bias")
    assert told["decay_rate"]["bound"] is None
    assert "without bias" in told["decay_rate"]["bound_reason"]
    assert told["decay_rate"]["kernel"] > 0


@pytest.mark.slow
def test_duplicates_are_named_with_their_meaning(tmp_path):
    x = np.random.default_rng(1).normal(size=(6, 3))
    x[4] = x[1]
    np.savez(tmp_path / "twice.npz", x=x, y=np.array([0.0, 1.0, 2.0, 3.0, 4.0, 5.0]))
    arguments = ("--data", str(tmp_path / "twice.npz"), "--n", "6", *LAZY)
    told = answer("forecast", *arguments)
    assert told["lambda_min"] == 0.0
    assert len(told["duplicates"]) == 1
    a, b = told["duplicates"][0]
    assert f"points {a} and {b}" in told["notes"][0]
    assert "lambda_min = 0" in told["notes"][0]
    assert told["time_to"]["1e-06"] is None
    assert told["decay_rate"]["kernel"] == told["decay_rate"]["bound"] == 0.0
    assert "Note: 1 training inputs repeat another one" in run("forecast", *arguments)


@pytest.mark.slow
def test_without_test_points_there_is_no_gap_on_them(tmp_path):
    x = np.random.default_rng(1).normal(size=(4, 3))
    np.savez(tmp_path / "few.npz", x=x, y=np.array([0.0, 1.0, 2.0, 3.0]))
    told = answer("train", "--data", str(tmp_path / "few.npz"), "--n", "4", *LAZY, "--stop", "0.1")
    assert told["linearisation_gap"]["test"] is None
    assert told["linearisation_gap"]["train"] < 0.1
    assert told["test_error"] == {"network": None, "linearised": None}


def test_for_reading_train_shows_forecast_beside_measured():
    words = " ".join(run("train", *DATA, *LAZY).split())
    for part in (
        "Regime as the width grows: theta-lazy",
        "Outcome: converged.",
        "It trained lazily",
        "forecast measured measured, operator",
        "layer 2",
        "kernel change",
        "flow time",
    ):
        assert part in words


def test_for_reading_a_forecast_says_whether_it_is_lazy():
    words = " ".join(run("forecast", *DATA, *LAZY).split())
    assert "The forecast says lazy" in words
    words = " ".join(run("forecast", *DATA, "--scale-exponents", "0,0", "--width", "32").split())
    assert "The forecast says not lazy" in words


def test_the_same_options_give_the_same_numbers(trained):
    again = answer("train", *DATA, *LAZY)
    for told in (again, trained):
        told.pop("wall_seconds", None)
    assert again == trained
    assert jnp.float32(trained["kappa"]) > 1000


@pytest.mark.slow
def test_a_forecast_of_adam_has_its_steps_and_what_training_takes():
    how = ("--method", "adam", "--step-size", "0.01", "--stop", "0.1")
    ahead = answer("forecast", *DATA, *LAZY, *how)
    trained = answer("train", *DATA, *LAZY, *how)
    assert list(ahead["steps_to"]) == ["0.5", "0.1"]
    assert ahead["steps_to"]["0.1"] == trained["forecast"]["steps"]
    assert trained["steps"] == pytest.approx(ahead["steps_to"]["0.1"], rel=0.1)
    shown = run("forecast", *DATA, *LAZY, *how)
    assert "steps to 0.5 of the loss" in shown
    assert "Trained by adam, to 0.1 of the loss" in shown


@pytest.mark.parametrize(
    ("how", "words"),
    [
        (("--method", "descent"), "gradient flow, or of the steps of an optimiser"),
        (("--max-steps", "10"), "gradient flow, or of the steps of an optimiser"),
        (("--step-size", "0.1"), "--step-size belongs to --method"),
        (("--method", "adam", "--step-size", "0.1", "--share", "0.1"), "a step size or a share"),
        (("--method", "rmsprop"), "Method must be one of"),
        (("--method", "sgd", "--max-steps", "5"), "closed form for sgd"),
        (("--method", "sgd", "--step-size", "0.1"), "closed form for sgd"),
        (("--method", "sgd", "--share", "0.1"), "closed form for sgd"),
    ],
)
def test_a_forecast_refuses_ways_of_training_that_it_cannot_foresee(how, words):
    result = CliRunner().invoke(app, ("forecast", *DATA, *LAZY, *how))
    assert result.exit_code == 2
    assert words in " ".join(result.stderr.split())
