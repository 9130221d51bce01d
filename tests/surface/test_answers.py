"""Do messages and verdicts send a newcomer the right way?"""

import re

import numpy as np
import pytest
import xarray as xr

import lazyscope
from lazyscope._checks import InputError
from lazyscope.data import four_points
from lazyscope.study.kappa._settings import kappa_settings
from lazyscope.study.kappa._verdict import judge
from lazyscope.sweep import SweepDesign

SCHEME = lazyscope.named_scheme("lecun", depth=1, input_dim=2)
RUN = lazyscope.SingleRun(four_points(), SCHEME, width=4)


def advice(call, *args, **kwargs):
    with pytest.raises(InputError) as caught:
        call(*args, **kwargs)
    return caught.value.fix


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        (lambda: lazyscope.SingleRun(four_points(), "mup", width=4), "Scheme"),
        (lambda: lazyscope.regime_report("mup"), "Scheme"),
        (lambda: lazyscope.train_run(RUN, "descent"), "GradientDescent"),
        (lambda: lazyscope.train_run(RUN, "flow"), "ExponentialFlow"),
        (lambda: lazyscope.train_run(RUN, "adam"), "OptimiserSteps"),
        (lambda: lazyscope.train_run(RUN, "adamw"), "OptimiserSteps"),
        (lambda: lazyscope.train_run(RUN, "something"), "ExponentialFlow"),
    ],
)
def test_a_name_in_place_of_an_object_is_answered_by_code_that_makes_the_object(call, kind):
    code = re.search(r"give (lazyscope\..*?\))(,| |$)", advice(call))[1]
    made = eval(code, {"lazyscope": lazyscope})
    assert type(made).__name__ == kind


def test_a_class_in_place_of_an_object_is_named_as_one():
    told = advice(lazyscope.train_run, RUN, lazyscope.ExponentialFlow)
    assert told == "give an object of it, ExponentialFlow(..), not the class"


@pytest.mark.parametrize(
    ("table", "home"),
    [
        ({"width": [8, 16]}, "[axes]"),
        ({"width": 8}, "[fixed]"),
        ({"widht": 8}, "[fixed]"),
        ({"points": {"gamma": [0.5, 1.0]}}, "[points.columns]"),
    ],
)
def test_a_setting_in_the_wrong_place_of_a_sweep_file_is_told_its_place(table, home):
    told = advice(lambda: SweepDesign(**table))
    assert told.startswith(f"write {home} on a line of its own")
    assert ("gamma" if "points" in table else "width") in told


def test_a_key_that_is_no_setting_at_the_top_is_refused_by_the_keys_that_may_stand_there():
    with pytest.raises(InputError, match="name, axes, points, fixed, record") as caught:
        SweepDesign(zzz=1)
    assert "width" not in str(caught.value)


def kappa_runs(spread, slope):
    rng = np.random.default_rng(0)
    return [
        {
            "spread": spread,
            "width": width,
            "seed": seed,
            "kappa": kappa,
            "outcome": "converged",
            "largest_displacement": kappa**slope * np.exp(0.001 * rng.normal()),
            "largest_forecast": 0.1 / kappa,
            "largest_by_law": 1 / kappa,
            "leverage": [1.0],
        }
        for width in (64, 128)
        for seed in (0, 1)
        for kappa in (8.0, 16.0, 32.0, 64.0)
    ]


@pytest.mark.parametrize(("why", "answer"), [("", "contradicted"), ("no law", "outside")])
def test_where_the_assumptions_fail_the_verdict_is_outside(why, answer):
    runs = kappa_runs("balanced", -0.5)
    found = judge(runs, ["balanced"], 2, accuracy=0.01, outside={"balanced": why})
    assert found["verdict"]["answer"] == answer
    assert found["verdict"]["supported"] is ({"outside": None}.get(answer, False))


def test_spreads_that_saturate_a_network_are_outside_by_themselves():
    from lazyscope.study.kappa._outside import outside

    settings = kappa_settings(activation="tanh", spreads=("balanced",))
    assert "not positively homogeneous" in outside(settings, "balanced")
    assert not outside(kappa_settings(spreads=("balanced",)), "balanced")
    chosen = kappa_settings(activation="tanh")
    assert not any(outside(chosen, name) for name in chosen.spreads)


def test_an_optimiser_of_optax_beside_a_function_is_told_where_it_goes():
    import optax

    def build(width, seed):
        return (lambda params, x: x @ params["w"]), {"w": np.ones((2, 1))}, optax.adam(1e-3)

    told = advice(
        lazyscope.coordinate_check, build, (np.ones((3, 2)), np.ones((3, 1))), (2, 4, 8), 2
    )
    assert told.startswith("return (apply, params)")
    assert "optax" in told


def test_arrays_of_a_list_are_called_layers_in_the_record_of_an_observer():
    params = [{"w": np.ones((2, 2), "f")}, {"w": np.ones((2, 1), "f")}]
    observer = lazyscope.Observer(
        lambda p, x: x @ p[0]["w"] @ p[1]["w"], params, np.ones((3, 2), "f")
    )
    assert observer.record.subject.groups == ("layer 0", "layer 1")


def test_runs_of_a_shell_are_selected_by_an_option(tmp_path):
    from lazyscope.cli.commands._report import _check_two_axes

    runs = xr.Dataset({"outcome": (("gamma", "depth", "rho", "width", "seed"), np.ones([2] * 5))})
    runs = runs.assign_coords({name: [1, 2] for name in runs.dims})
    told = advice(_check_two_axes, runs)
    assert "--select rho=1" in told
    assert ".sel(" not in told
    _check_two_axes(runs.isel(rho=0))


@pytest.mark.parametrize("function", ["tangent_kernel", "tangent_kernel_trace", "linearise"])
def test_a_network_in_place_of_its_function_is_told_its_method_and_its_kernel(function):
    network = lazyscope.Dense(2, 1, 4, 1)
    call, points = getattr(lazyscope, function), () if function == "linearise" else (np.eye(2),)
    told = advice(call, network, {"w": np.ones(2)}, *points)
    assert "apply" in told
    if points:
        assert "drawn_tangent_kernel(network, params, x, scheme=scheme)" in told


def test_inputs_of_another_size_than_kappa_is_defined_for_are_told_of():
    from lazyscope.experiment._forecast import _notes_of_sizes

    assert _notes_of_sizes(np.eye(3)) == []
    (told,) = _notes_of_sizes(40.0 * np.eye(3))
    assert "norm 40 " in told
    assert "kappa" in told


def test_arrays_in_place_of_the_name_of_data_are_told_how_to_get_one(tmp_path):
    told = advice(lazyscope.run_kappa_study, {"data": (np.eye(2), np.ones(2))}, tmp_path)
    assert "numpy.savez(PATH, x=x, y=y)" in told


def test_a_number_in_place_of_the_name_of_data_is_not_told_of_arrays(tmp_path):
    assert advice(lazyscope.run_kappa_study, {"data": 3}, tmp_path) == "give a str"
