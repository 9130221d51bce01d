"""What is one valid call of every public function and class, and which are not called by users?"""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np

from lazyscope import (
    claims,
    data,
    flow,
    kernel,
    measure,
    model,
    observe,
    scaling,
    study,
    sweep,
)
from report.synthetic_kappa import synthetic_result
from report.synthetic_map import synthetic_map
from report.synthetic_studies import synthetic_condensation, synthetic_output_scale

RECORD = "a result that the library makes: it holds whatever runs gave, and computes nothing"
TREE = "a plain tuple that JAX takes apart and puts together with anything inside"
TRACED = "runs inside compiled programs, where values are not known; its callers check"
ABSTRACT = "an interface"
NOT_CALLED = {
    "scaling.AbcForm": TREE,
    "scaling.PhasePoint": TREE,
    "model.Layer": TREE,
    "model.Norm": TREE,
    "model.ParameterGroups": TREE,
    "model.AbstractModel": ABSTRACT,
    "model.AbstractNetwork": ABSTRACT,
    "model.affine": TRACED,
    "model.rows_times": TRACED,
    "model.sum_of_outer_products": TRACED,
    "model.group_norms": TRACED,
    "kernel.AbstractExpansion": ABSTRACT,
    "kernel.AbstractGradient": ABSTRACT,
    "kernel.AbstractTangentKernel": ABSTRACT,
    "kernel.CheckedFunction": RECORD,
    "kernel.FunctionExpansion": RECORD,
    "kernel.FunctionGradient": RECORD,
    "kernel.KernelExplanation": RECORD,
    "kernel.LayerwiseExpansion": RECORD,
    "kernel.LayerwiseGradient": RECORD,
    "kernel.LeafHandling": RECORD,
    "kernel.as_matrix": TRACED,
    "flow.AbstractMethod": ABSTRACT,
    "flow.FlowResult": RECORD,
    "flow.FlowState": RECORD,
    "flow.History": RECORD,
    "flow.LinearisedFlow": RECORD,
    "flow.Problem": TRACED,
    "flow.Stop": TRACED,
    "flow.advance": TRACED,
    "flow.finish": TRACED,
    "flow.in_double": TRACED,
    "flow.largest_stable_step": TRACED,
    "flow.linearise": TRACED,
    "flow.start_run": TRACED,
    "flow.trace_flow": TRACED,
    "measure.AgainstNull": RECORD,
    "measure.Condensation": RECORD,
    "measure.DecayRate": RECORD,
    "measure.Displacement": RECORD,
    "measure.ExponentEstimate": RECORD,
    "measure.ExponentMap": RECORD,
    "measure.ModelFit": RECORD,
    "measure.OrientationScatter": RECORD,
    "measure.PowerLawFit": RECORD,
    "measure.ThresholdEstimate": RECORD,
    "measure.ThresholdLimit": RECORD,
    "forecast.Forecast": RECORD,
    "forecast.StartingPoint": ABSTRACT,
    "observe.AbstractObserver": ABSTRACT,
    "observe.Look": RECORD,
    "observe.Measurement": RECORD,
    "observe.Observations": RECORD,
    "observe.Subject": RECORD,
    "observe.Function": RECORD,
    "sweep.Cell": RECORD,
    "sweep.CostEstimate": RECORD,
    "sweep.RunResult": RECORD,
    "sweep.SweepSummary": RECORD,
    "sweep.SweepStore": RECORD,
    "sweep.SchedulerLostError": "an exception",
    "sweep.StoreError": "an exception",
    "study.CoordinateCheck": RECORD,
    "study.Experiment": TRACED,
    "study.LayerEstimate": RECORD,
    "study.MapResult": RECORD,
    "study.Observation": RECORD,
    "study.OutputScaleResult": RECORD,
    "study.Described": RECORD,
    "study.observe": TRACED,
}


def apply(params, x):
    """A network with one hidden layer of four units."""
    return jnp.tanh(x @ params["a"]) @ params["b"]


@cache
def numbers(*shape):
    """Numbers of this shape, drawn once."""
    return np.random.default_rng(shape).normal(size=shape)


@cache
def tree():
    return {"a": numbers(3, 4), "b": numbers(4, 1)}


@cache
def dense():
    return model.Dense(3, 1, 4, 1, "tanh")


@cache
def scheme():
    return scaling.named_scheme("ntk", depth=1, input_dim=3)


@cache
def layers():
    with jax.enable_x64(True):
        return dense().init(jax.random.key(0), scheme())


@cache
def problem():
    with jax.enable_x64(True):
        return flow.dense_problem(dense(), layers(), numbers(5, 3), numbers(5, 1))


@cache
def run():
    return study.SingleRun(data.four_points(), scaling.Scheme.from_exponents((0.5, 0.5)), width=8)


@cache
def experiment():
    with jax.enable_x64(True):
        return run().experiment()


@cache
def record():
    observer = observe.Observer(apply, tree(), numbers(5, 3))
    observer.observe({"a": 1.1 * tree()["a"], "b": tree()["b"]}, step=1)
    return observer.record


@cache
def planes():
    return synthetic_map(num_cells=3, num_records=8, num_neurons=8, num_failed=0)


@cache
def claim():
    return claims.Claim("named", "a paper", "a statement", lambda effort: ())


@cache
def claim_record():
    """A claim as it was checked."""
    row = claims.Finding("row", "1 < 2", 1.0, 1.0, 0.9, 1.1, "agrees", "nothing")
    one = claims.Claim("named", "a paper", "a statement", lambda effort: (row,))
    return claims.check_claim(one, claims.RunSettings("quick", None, "0"))


@cache
def checked_claims():
    return claims.validation([claim()], {"named": claim_record()}, effort="quick")


@cache
def thresholds():
    kappa = np.geomspace(0.1, 10, 9)
    table = np.repeat((kappa > 1.1)[:, None], 4, axis=1).astype(float)
    return tuple([measure.estimate_threshold(kappa, table)] * 3)


@cache
def design():
    return sweep.SweepDesign(
        axes={"gamma": [0.5, 1.0], "width": [4, 8], "seed": [0]}, fixed={"gamma_prime": 0.0}
    )


def calls(folder):
    """Keyword arguments of one valid call, by ``room.name``; `folder` is empty and can be written."""
    x, y = numbers(5, 3), numbers(5, 1)
    widths, decays = [64.0, 256.0, 1024.0, 4096.0], numbers(4, 3)
    values = np.exp(0.01 * decays) * np.array(widths)[:, None] ** -0.5
    runs, estimates = planes()
    record_path = folder / "record.json"
    observe.save_observations(record(), record_path)
    page = folder / "page.html"
    limit = {"x1": x, "depth": 1, "activation": "erf"}
    net = {"apply": apply, "params": tree(), "x1": x}
    return {
        "scaling.FanAverageLaw": {"fixed_fan": 3},
        "scaling.PowerLaw": {"constant": 1.0, "exponent": 0.5},
        "scaling.ValueAtWidth": {"value": 1.0, "width": 4},
        "scaling.Scheme": {
            "name": "mine",
            "scales": (scaling.PowerLaw(1.0),) * 2,
            "speeds": (scaling.PowerLaw(1.0),) * 2,
            "source": "",
            "description": "",
        },
        "scaling.displacement_exponents": {
            "scale_exponents": (0.5, 0.0),
            "speed_exponents": (0.0, 0.0),
        },
        "scaling.displacements_at_width": {
            "alpha": (2.0, 3.0),
            "speed": (1.0, 1.0),
            "gap": 1.0,
            "kernel_weights": (1.0, 1.0),
        },
        "scaling.frobenius_displacement_exponents": {
            "scale_exponents": (0.5, 0.0),
            "speed_exponents": (0.0, 0.0),
        },
        "scaling.from_abc": {"a": (0.0, 0.5), "b": (0.0, 0.0), "c": 0.0, "name": "abc"},
        "scaling.initial_operator_norms": {
            "width": 16,
            "depth": 2,
            "input_dim": 3,
            "output_dim": 1,
        },
        "scaling.layer_regimes": {"scale_exponents": (0.5, 0.0), "speed_exponents": (0.0, 0.0)},
        "scaling.named_scheme": {
            "name": "he",
            "depth": 2,
            "input_dim": 3,
            "output_dim": 1,
            "activation": "relu",
        },
        "scaling.needs_input_dim": {"name": "ntk"},
        "scaling.network_regime": {"scale_exponents": (0.5, 0.0), "speed_exponents": (0.0, 0.0)},
        "scaling.phase_point": {"scheme": scheme()},
        "scaling.regime_report": {"scheme": scheme(), "width": 16},
        "scaling.relative_speed_exponents": {
            "scale_exponents": (0.5, 0.0),
            "speed_exponents": (0.0, 0.0),
        },
        "scaling.scheme_names": {},
        "scaling.scheme_parameters": {"name": "luo"},
        "scaling.slowest_correction": {
            "scale_exponents": (0.5, 0.0),
            "speed_exponents": (0.0, 0.0),
        },
        "scaling.to_abc": {"scheme": scheme(), "fix": "inits"},
        "model.Activation": {
            "name": "mine",
            "function": jnp.tanh,
            "homogeneous": False,
            "smooth": True,
            "slope_at_zero": 1.0,
        },
        "model.Attention": {
            "input_shape": (4, 3),
            "output_dim": 1,
            "width": 8,
            "num_heads": 2,
            "activation": "tanh",
            "score_scale": 0.5,
            "branch_scale": 1.0,
        },
        "model.Centred": {"inner": dense(), "initial": layers()},
        "model.Convolution": {
            "input_shape": (6, 6, 1),
            "output_dim": 1,
            "width": 4,
            "depth": 1,
            "activation": "relu",
            "kernel_size": 3,
            "stride": 1,
            "padding": "same",
        },
        "model.Dense": {
            "input_dim": 3,
            "output_dim": 1,
            "width": 4,
            "depth": 1,
            "activation": "relu",
            "use_bias": False,
            "output_scale": 1.0,
        },
        "model.FunctionModel": {"apply": apply, "groups": model.parameter_groups(tree())},
        "model.LayerNorm": {
            "input_dim": 3,
            "output_dim": 1,
            "width": 4,
            "depth": 1,
            "activation": "relu",
            "epsilon": 1e-12,
        },
        "model.Residual": {
            "input_dim": 3,
            "output_dim": 1,
            "width": 4,
            "depth": 2,
            "activation": "relu",
            "branch_scale": 1.0,
        },
        "model.ResidualConvolution": {
            "input_shape": (6, 6, 1),
            "output_dim": 1,
            "width": 4,
            "depth": 2,
            "activation": "relu",
            "kernel_size": 3,
            "stride": 1,
            "branch_scale": 1.0,
        },
        "model.activation": {"name": "relu"},
        "model.activation_names": {},
        "model.check_memory": {"num_parameters": 10, "what": "a network", "bytes_per_number": 8},
        "model.parameter_groups": {"params": tree(), "groups": None},
        "model.physical_memory": {},
        "model.speeds_by_name": {"speeds": {"a": 1.0}, "names": ("a", "b")},
        "kernel.FunctionKernel": {
            "model": model.FunctionModel(apply, model.parameter_groups(tree())),
            "memory": 2**30,
        },
        "kernel.LayerwiseKernel": {"model": dense()},
        "kernel.PiecewiseSmooth": {"function": jnp.abs, "kinks": (0.0,)},
        "kernel.check_function": {"apply": apply, "params": tree(), "x": x, "memory": 2**30},
        "kernel.explain_tangent_kernel": dict(**net, x2=x, memory=2**30),
        "kernel.limit_covariance_kernel": dict(
            **limit,
            x2=x,
            weight_std=1.0,
            bias_std=0.0,
            readout_weight_std=1.0,
            readout_bias_std=0.0,
            tile=64,
        ),
        "kernel.limit_tangent_kernel": dict(**limit, x2=x, weight_std=1.0, bias_std=0.0, tile=64),
        "kernel.limit_tangent_kernel_by_layer": dict(
            **limit, x2=x, weight_std=1.0, bias_std=0.0, tile=64
        ),
        "kernel.normalised_limit_kernels": {
            "x1": x / np.linalg.norm(x, axis=1, keepdims=True),
            "depth": 1,
            "activation": "erf",
            "weight_std": 1.0,
            "tile": 64,
        },
        "kernel.predict_flow": {
            "k_train_train": x @ x.T + np.eye(5),
            "y": y,
            "t": 1.0,
            "k_test_train": x[:2] @ x.T,
            "f0_train": 0.0,
            "f0_test": 0.0,
        },
        "kernel.tangent_kernel": dict(**net, x2=x, memory=2**30),
        "kernel.tangent_kernel_by_leaf": dict(**net, x2=x, memory=2**30),
        "kernel.tangent_kernel_product": dict(**net, vector=y, x2=x, memory=2**30),
        "flow.ExponentialFlow": {"tolerance": 0.05, "frozen": "mean", "fixed_step": 0.1},
        "flow.GradientDescent": {"step_size": 0.1},
        "flow.check_numbers": {"problem": problem()},
        "flow.dense_problem": {
            "model": dense(),
            "params": layers(),
            "x": x,
            "y": y,
            "speeds": (1.0, 1.0),
        },
        "flow.function_problem": {
            "apply": apply,
            "params": tree(),
            "x": x,
            "y": y,
            "groups": None,
            "speeds": (1.0, 1.0),
            "centred": False,
        },
        "flow.one_lapack_thread": {},
        "flow.solve_flow": {
            "problem": problem(),
            "method": flow.ExponentialFlow(),
            "stop_fraction": 0.5,
            "stop_time": 9.0,
            "max_steps": 5,
            "num_records": 8,
            "on_failure": "return",
        },
        "flow.solve_linearised": {"problem": problem(), "x_other": x},
        "measure.agreement": {"low": 0.1, "high": 0.2, "prediction": 0.15, "resolution": 0.125},
        "measure.condensation": {
            "weights": numbers(6, 3),
            "amplitude": numbers(6),
            "symmetry": "none",
            "angle": 0.1,
            "num_directions": 2,
            "num_null": 8,
            "seed": 0,
        },
        "measure.cosine_similarity": {"weights": numbers(6, 3), "symmetry": "none"},
        "measure.decay_rate": {"time": np.arange(6.0), "loss": 2.0 ** -np.arange(6.0)},
        "measure.displacement": {
            "initial": (tree()["a"], tree()["b"]),
            "final": (x[:3] @ numbers(3, 4), tree()["b"]),
        },
        "measure.error_rate": {"outputs": y, "targets": -y},
        "measure.estimate_exponent": {
            "widths": widths,
            "values": values,
            "level": 0.95,
            "accuracy": 1e-3,
            "missing": "failed",
        },
        "measure.estimate_exponents": {
            "widths": widths,
            "values": values[None],
            "level": 0.95,
            "accuracy": 1e-3,
            "missing": "failed",
        },
        "measure.estimate_threshold": {
            "kappa": np.geomspace(0.1, 10, 5),
            "converged": np.repeat([[0], [0], [1], [1], [1]], 4, 1),
            "tolerated": 0.05,
            "level": 0.95,
        },
        "measure.fit_power_law": {
            "x": np.arange(1.0, 6),
            "y": np.exp(numbers(5)),
            "groups": np.array([0, 0, 1, 1, 2]),
            "intercepts": "common",
            "level": 0.95,
        },
        "measure.kernel_alignment": {"first": x @ x.T, "second": x @ x.T},
        "measure.kernel_change": {"initial": x @ x.T, "final": x @ x.T},
        "measure.linearisation_gap": {"network": y, "linearised": y, "targets": y},
        "measure.mean_squared_error": {"outputs": y, "targets": y},
        "measure.operator_norm": {"matrix": x},
        "measure.orientation_scatter": {
            "weights": numbers(6, 2),
            "amplitude": numbers(6),
            "symmetry": "none",
            "num_bins": 4,
            "num_null": 100,
            "seed": 0,
        },
        "measure.threshold_limit": {
            "widths": [64.0, 256.0, 1024.0],
            "thresholds": thresholds(),
            "level": 0.95,
        },
        "forecast.forecast": {
            "kernel": kernel.LayerwiseKernel(dense()),
            "params": layers(),
            "x": x,
            "y": y,
            "speeds": (1.0, 1.0),
            "at_fraction": 0.0,
        },
        "forecast.forecast_problem": {"problem": problem(), "at_fraction": 0.0},
        "forecast.guaranteed_rate": {
            "alpha": np.ones(2),
            "speed": np.ones(2),
            "smallest": np.ones(2),
            "num_points": 4,
        },
        "forecast.limit_lambda_min": {
            "scheme": scheme(),
            "model": dense(),
            "x": x / np.linalg.norm(x, axis=1, keepdims=True),
        },
        "observe.Cadence": {"per_decade": 12, "share": 0.05},
        "observe.Observer": {
            "apply": apply,
            "params_0": tree(),
            "x_probe": x,
            "y_probe": y,
            "groups": None,
            "cadence": observe.Cadence(),
        },
        "observe.as_function": None,
        "observe.displacement_fields": None,
        "observe.from_json": {"stored": observe.to_json(record())},
        "observe.group_leaves": {"leaves": ("a", "b"), "groups": {"a": "one", "b": "two"}},
        "observe.open_observations": {"path": record_path},
        "observe.provenance": None,
        "observe.relative_changes": {"moved": np.ones(3), "start": np.ones(3)},
        "observe.save_observations": {"record": record(), "path": folder / "again.json"},
        "observe.to_dataset": {"record": record()},
        "observe.to_json": {"record": record()},
        "data.Dataset": {
            "x_train": x,
            "y_train": y,
            "x_test": x,
            "y_test": y,
            "labels": (),
            "name": "mine",
            "description": ("drawn",),
        },
        "data.duplicate_groups": {"x": x},
        "data.four_points": {},
        "data.load_dataset": {
            "source": "digits",
            "num_points": 4,
            "num_test": 2,
            "target": "parity",
            "normalise": True,
            "seed": 0,
        },
        "data.sphere_teacher": {
            "num_points": 4,
            "input_dim": 3,
            "num_test": 2,
            "teacher_width": 4,
            "seed": 0,
        },
        "sweep.SweepDesign": {
            "name": "mine",
            "axes": {"gamma": [0.5], "width": [4], "seed": [0]},
            "points": {},
            "fixed": {"gamma_prime": 0.0},
            "record": ("displacement",),
        },
        "sweep.estimate_cost": {"design": design(), "num_workers": 1},
        "sweep.finished_cells": None,
        "sweep.open_store": None,
        "sweep.record_names": {},
        "sweep.run_sweep": None,
        "sweep.setting_names": {},
        "sweep.writing_store": None,
        "study.CondensationSettings": {
            "gamma": (0.5, 1.0),
            "gamma_prime": (0.0, 0.5),
            "widths": (4, 8, 16),
            "seeds": 2,
            "data": "four-points",
            "early_stop": 0.9,
            "stop": 0.1,
            "num_directions": 2,
            "tolerance": 0.2,
            "max_steps": 10,
        },
        "study.KappaSettings": {
            "model": "dense",
            "data": "digits",
            "num_points": 4,
            "num_test": 2,
            "target": "parity",
            "shapes": ("balanced",),
            "kappas": (8.0, 16.0),
            "widths": (4, 8),
            "seeds": 2,
            "depth": 1,
            "activation": "relu",
            "stop": 0.1,
            "tolerance": 0.2,
            "centred": True,
            "max_steps": 10,
            "data_seed": 0,
        },
        "study.OutputScaleSettings": {
            "output_scale": (0.5, 1.0),
            "widths": (4, 8, 16),
            "seeds": 2,
            "scheme": "ntk",
            "depth": 1,
            "activation": "softplus",
            "data": "digits",
            "target": "parity",
            "num_points": 4,
            "input_dim": 4,
            "num_test": 2,
            "stop": 0.1,
            "tolerance": 0.2,
            "max_steps": 10,
        },
        "study.RandomSchemesSettings": {
            "counts": (1,),
            "widths": ((4, 8, 16),),
            "replicates": 2,
            "draw_seed": 1,
            "tolerance": 0.2,
            "stop": 0.1,
        },
        "study.Shape": {
            "name": "mine",
            "description": "",
            "powers": lambda depth: (0.0,) * (depth + 1),
            "factors": lambda depth: (1.0,) * (depth + 1),
        },
        "study.SingleRun": {
            "data": data.four_points(),
            "scheme": scaling.Scheme.from_exponents((0.5, 0.5)),
            "width": 8,
            "activation": "relu",
            "use_bias": False,
            "output_scale": 1.0,
            "centred": False,
            "seed": 0,
        },
        "study.StudyNetwork": {
            "name": "mine",
            "words": "",
            "build": lambda *sizes: dense(),
            "defaults": {},
            "homogeneous": False,
            "most_depth": 2,
        },
        "study.TheoremSettings": {
            "data": "digits",
            "num_points": 4,
            "target": "parity",
            "schemes": ("ntk",),
            "widths": (4, 8, 16),
            "spreads": ("balanced",),
            "kappas": (1.0, 2.0, 4.0, 8.0),
            "threshold_widths": (4,),
            "seeds": 2,
            "kernel_seeds": 6,
            "depth": 1,
            "activation": "relu",
            "stop": 0.1,
            "kept": 0.5,
            "tolerated": 0.2,
            "tolerance": 0.2,
            "max_steps": 10,
            "data_seed": 0,
        },
        "study.ThreeLayerSettings": {
            "scale_exponent_1": (0.0, 0.5),
            "scale_exponent_2": (0.0, 0.5),
            "scale_exponent_3": 0.25,
            "widths": (4, 8, 16),
            "seeds": 2,
            "data": "four-points",
            "stop": 0.1,
            "tolerance": 0.2,
            "max_steps": 10,
        },
        "study.TwoLayerSettings": {
            "gamma": (0.5, 1.0),
            "gamma_prime": (0.0, 0.5),
            "widths": (4, 8, 16),
            "seeds": 2,
            "data": "four-points",
            "stop": 0.1,
            "tolerance": 0.2,
            "max_steps": 10,
        },
        "study.coordinate_check": None,
        "study.dense_experiment": {
            "model": model.Dense(2, 1, 4, 1),
            "params": model.Dense(2, 1, 4, 1).init(
                jax.random.key(0), scaling.Scheme.from_exponents((0.5, 0.5))
            ),
            "data": data.four_points(),
            "speeds": np.ones(2),
            "centred": False,
        },
        "study.forecast_run": {"run": run(), "stop": 0.1},
        "study.judge_output_scale": None,
        "study.kappa_settings": {"model": "dense"},
        "study.law_at_widths": {
            "scheme": scaling.Scheme.from_exponents((0.5, 0.5)),
            "widths": np.array([16.0, 64.0]),
            "data": data.sphere_teacher(num_points=4, input_dim=4),
        },
        "study.map_estimates": None,
        "study.network_experiment": None,
        "study.observe_compiled": None,
        "study.run_condensation_study": None,
        "study.run_kappa_study": None,
        "study.run_output_scale_study": None,
        "study.run_random_schemes": None,
        "study.run_theorem_study": None,
        "study.run_three_layer_study": None,
        "study.run_two_layer_study": None,
        "study.shape": {"name": "balanced"},
        "study.shape_names": {},
        "study.study_network": {"name": "dense"},
        "study.study_network_names": {},
        "study.sweep_exponents": None,
        "study.train_run": {
            "run": run(),
            "method": flow.ExponentialFlow(),
            "stop": 0.5,
            "max_steps": 10,
        },
        "claims.Claim": {
            "name": "named",
            "source": "a paper",
            "statement": "this",
            "check": lambda effort: (),
            "section": "results",
            "check_on": None,
        },
        "claims.Finding": {
            "name": "row",
            "claim": "1 < 2",
            "prediction": 1.0,
            "measured": 1.0,
            "low": 0.9,
            "high": 1.1,
            "verdict": "agrees",
            "basis": "nothing",
            "expected": "agrees",
            "note": "",
            "details": {},
            "command": "",
        },
        "claims.RunSettings": {"effort": "quick", "data": None, "code": "0"},
        "claims.all_of": {"verdicts": ("agrees", "outside")},
        "claims.at_least": {"low": 0.1, "high": 0.2, "bound": 0.1, "accuracy": 0.0},
        "claims.at_most": {"low": 0.1, "high": 0.2, "bound": 0.1, "accuracy": 0.0},
        "claims.between": {"low": 0.1, "high": 0.2, "floor": 0.0, "ceiling": 1.0, "accuracy": 0.0},
        "claims.check_claim": {
            "claim": claim(),
            "settings": claims.RunSettings("quick", None, "0"),
        },
        "claims.check_claims": {
            "claims": (claim(),),
            "folder": folder,
            "effort": "quick",
            "data": None,
            "fresh": False,
        },
        "claims.counts": {"records": (claim_record(),)},
        "claims.is_sound": {"records": (claim_record(),)},
        "claims.number_verdict": {
            "low": 0.1,
            "high": 0.2,
            "prediction": 0.15,
            "resolution": 0.125,
            "accuracy": 0.0,
        },
        "claims.read_records": {"folder": folder, "effort": "quick"},
        "claims.select_claims": {"claims": (claim(),), "names": ("named",)},
        "claims.share_interval": {"successes": 3, "trials": 10, "level": 0.95},
        "claims.under_assumptions": {"verdict": "agrees", "assumptions": {"rho > 0": True}},
        "claims.validation": {
            "claims": (claim(),),
            "records": {"named": claim_record()},
            "effort": "quick",
        },
        "report.draw_coordinate_check": None,
        "report.draw_crossover": {
            "record": synthetic_output_scale(),
            "quantity": "displacement",
            "against": "kappa",
        },
        "report.draw_displacement": {"result": kappa_result()},
        "report.draw_forecast": {"result": kappa_result()},
        "report.draw_loss": {"result": kappa_result(), "shape": "balanced", "width": 128},
        "report.draw_map": {"estimates": estimates, "layer": 1},
        "report.draw_order_parameter": {"estimates": condensed()[1], "stage": "final"},
        "report.draw_scaling": {"runs": runs, "estimates": estimates, "cell": (0.25, -0.5)},
        "report.kappa_summary": {"result": kappa_result()},
        "report.summary_sentence": {"summary": checked_claims()["summary"]},
        "report.validation_page": {"validation": checked_claims()},
        "report.write_condensation_page": {
            "runs": condensed()[0],
            "estimates": condensed()[1],
            "path": page,
        },
        "report.write_kappa_page": {"result": kappa_result(), "path": page},
        "report.write_map_page": {"runs": runs, "estimates": estimates, "path": page},
        "report.write_observation_page": {
            "stored": observe.to_json(record()),
            "path": page,
            "title": "Observed",
        },
        "report.write_output_scale_page": {"result": synthetic_output_scale(), "path": page},
        "report.write_theorem_page": None,
        "report.write_validation_page": {"validation": checked_claims(), "path": page},
        **_torch_calls(x, y),
        **_only_refused(folder, runs),
    }


def _torch_calls(x, y):
    try:
        import torch
    except ImportError:
        return {}
    torch.manual_seed(0)
    layers = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.Tanh(), torch.nn.Linear(2, 1))
    x, y = x.astype(np.float32), y.astype(np.float32)
    net = {"module": layers, "x1": x, "x2": x, "memory": 2**30}
    return {
        "torch.Observer": {
            "module": layers,
            "x_probe": x,
            "y_probe": y,
            "cadence": observe.Cadence(),
        },
        "torch.explain_tangent_kernel": net,
        "torch.forecast": {"module": layers, "x": x, "y": y, "at_fraction": 0.0, "memory": 2**30},
        "torch.parameter_groups": {"module": layers, "x": x},
        "torch.tangent_kernel": net,
        "torch.tangent_kernel_by_parameter": net,
        "torch.tangent_kernel_product": {**net, "vector": y},
    }


@cache
def kappa_result():
    return synthetic_result(seeds=(0,), num_failed=0)


@cache
def condensed():
    return synthetic_condensation()


HEAVY = {
    "observe.as_function",
    "observe.displacement_fields",
    "observe.provenance",
    "sweep.finished_cells",
    "sweep.open_store",
    "sweep.run_sweep",
    "sweep.writing_store",
    "study.coordinate_check",
    "study.judge_output_scale",
    "study.map_estimates",
    "study.network_experiment",
    "study.observe_compiled",
    "study.run_condensation_study",
    "study.run_kappa_study",
    "study.run_output_scale_study",
    "study.run_random_schemes",
    "study.run_theorem_study",
    "study.run_three_layer_study",
    "study.run_two_layer_study",
    "study.sweep_exponents",
    "report.draw_coordinate_check",
    "report.write_theorem_page",
    "claims.check_claims",
}
"""Bad values are tried, and have to be refused before any work; the valid call takes seconds, or needs
what another test has."""


def _only_refused(folder, runs):
    store = folder / "store"
    small = {"show_progress": False}
    return {
        "observe.as_function": {},
        "observe.displacement_fields": {},
        "observe.provenance": {},
        "sweep.finished_cells": {"path": store},
        "sweep.open_store": {"path": store},
        "sweep.run_sweep": {
            "design": design(),
            "path": store,
            "scheduler": None,
            "num_workers": 1,
            "show_progress": False,
        },
        "sweep.writing_store": {"path": store, "design": design()},
        "study.coordinate_check": {
            "build": lambda width, seed: (apply, tree()),
            "data": (numbers(5, 3), numbers(5, 1)),
            "widths": (4, 8, 16),
            "seeds": 2,
            "steps": 2,
            "progress": None,
        },
        "study.judge_output_scale": {"runs": runs},
        "study.map_estimates": {
            "runs": runs,
            "quantity": "displacement_operator",
            "level": 0.95,
            "title": "",
        },
        "study.network_experiment": {
            "network": dense(),
            "params": layers(),
            "data": data.four_points(),
            "speeds": np.ones(2),
            "centred": False,
        },
        "study.observe_compiled": {
            "experiment": experiment(),
            "method": flow.ExponentialFlow(),
            "stop_fraction": 0.5,
            "max_steps": 5,
        },
        "study.run_condensation_study": dict(
            settings=study.CondensationSettings(), store=store, **small
        ),
        "study.run_kappa_study": {"settings": study.KappaSettings(), "progress": print},
        "study.run_output_scale_study": dict(
            settings=study.OutputScaleSettings(), store=store, **small
        ),
        "study.run_random_schemes": dict(
            settings=study.RandomSchemesSettings(), folder=store, **small
        ),
        "study.run_theorem_study": {"settings": study.TheoremSettings(), "progress": print},
        "study.run_three_layer_study": dict(
            settings=study.ThreeLayerSettings(), store=store, **small
        ),
        "study.run_two_layer_study": dict(settings=study.TwoLayerSettings(), store=store, **small),
        "study.sweep_exponents": {"runs": runs, "quantity": "displacement_operator", "level": 0.95},
        "report.draw_coordinate_check": {"result": {}},
        "report.write_theorem_page": {"result": {}, "path": folder / "theorem.html"},
    }
