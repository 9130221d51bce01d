"""What is one valid call of everything public of sweeps and studies?"""

import numpy as np

from contract.valid.objects import (
    apply,
    dense,
    design,
    experiment,
    layers,
    numbers,
    planes,
    run,
    tree,
)
from lazyscope import data, flow, scaling, study


def calls(folder):
    """Keyword arguments by ``room.name``; `folder` is empty and can be written."""
    runs = planes()[0]
    store = folder / "store"
    small = {"show_progress": False}
    many = {"scheduler": None, "num_workers": 1}
    return {
        "sweep.SweepDesign": {
            "name": "mine",
            "axes": {"gamma": [0.5], "width": [4], "seed": [0]},
            "points": {},
            "fixed": {"gamma_prime": 0.0},
            "record": ("displacement",),
        },
        "sweep.estimate_cost": {"design": design(), "num_workers": 1},
        "sweep.finished_cells": {"path": store},
        "sweep.open_store": {"path": store},
        "sweep.record_names": {},
        "sweep.run_sweep": {
            "design": design(),
            "path": store,
            "scheduler": None,
            "num_workers": 1,
            "show_progress": False,
        },
        "sweep.setting_names": {},
        "experiment.setting_names": {},
        "experiment.record_names": {},
        "sweep.writing_store": {"path": store, "design": design()},
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
            "spreads": ("balanced",),
            "kappas": (8.0, 16.0, 32.0, 64.0),
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
        "experiment.Spread": {
            "name": "mine",
            "description": "",
            "powers": lambda depth: (0.0,) * (depth + 1),
            "factors": lambda depth: (1.0,) * (depth + 1),
        },
        "experiment.SingleRun": {
            "data": data.four_points(),
            "scheme": scaling.Scheme.from_exponents((0.5, 0.5)),
            "width": 8,
            "activation": "relu",
            "use_bias": False,
            "output_scale": 1.0,
            "centred": False,
            "seed": 0,
            "architecture": "dense",
        },
        "experiment.Architecture": {
            "name": "mine",
            "words": "",
            "build": lambda *sizes: dense(),
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
            "threshold_widths": (4, 8, 16),
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
        "study.coordinate_check": {
            "build": lambda width, seed: (apply, tree()),
            "data": (numbers(5, 3), numbers(5, 1)),
            "widths": (4, 8, 16),
            "seeds": 2,
            "steps": 2,
            "progress": None,
        },
        "experiment.forecast_run": {"run": run(), "stop": 0.1},
        "study.judge_kappa": {"settings": study.KappaSettings(), "runs": runs},
        "study.judge_output_scale": {"runs": runs},
        "study.judge_theorem": {"settings": study.TheoremSettings(), "stores": {}},
        "study.kappa_settings": {"model": "dense"},
        "study.law_at_widths": {
            "scheme": scaling.Scheme.from_exponents((0.5, 0.5)),
            "widths": np.array([16.0, 64.0]),
            "data": data.sphere_teacher(num_points=4, input_dim=4),
        },
        "study.map_estimates": {
            "runs": runs,
            "quantity": "displacement_operator",
            "level": 0.95,
            "title": "",
        },
        "experiment.network_experiment": {
            "network": dense(),
            "params": layers(),
            "data": data.four_points(),
            "speeds": np.ones(2),
            "centred": False,
        },
        "experiment.run_experiment": {
            "experiment": experiment(),
            "method": flow.ExponentialFlow(),
            "stop": 0.5,
            "max_steps": 5,
            "record": ("displacement",),
        },
        "experiment.function_experiment": {
            "apply": apply,
            "params": tree(),
            "data": (numbers(5, 3), numbers(5, 1)),
            "groups": None,
            "speeds": None,
            "centred": False,
        },
        "study.run_condensation_study": dict(
            settings=study.CondensationSettings(), store=store, **small
        ),
        "study.run_kappa_study": dict(
            settings=study.KappaSettings(), store=store, progress=print, **many
        ),
        "study.run_output_scale_study": dict(
            settings=study.OutputScaleSettings(), store=store, **small
        ),
        "study.run_random_schemes": dict(
            settings=study.RandomSchemesSettings(), folder=store, **small
        ),
        "study.run_theorem_study": dict(
            settings=study.TheoremSettings(), store=store, progress=print, **many
        ),
        "study.run_three_layer_study": dict(
            settings=study.ThreeLayerSettings(), store=store, **small
        ),
        "study.run_two_layer_study": dict(settings=study.TwoLayerSettings(), store=store, **small),
        "experiment.spread": {"name": "balanced"},
        "experiment.spread_names": {},
        "experiment.architecture": {"name": "dense"},
        "experiment.architecture_names": {},
        "study.sweep_exponents": {"runs": runs, "quantity": "displacement_operator", "level": 0.95},
        "experiment.train_run": {
            "run": run(),
            "method": flow.ExponentialFlow(),
            "stop": 0.5,
            "max_steps": 10,
        },
    }
