"""What is one valid call of everything public of training, measuring, watching and data?"""

import numpy as np

from contract.valid.objects import apply, dense, layers, numbers, problem, record, thresholds, tree
from lazyscope import flow, observe


def calls(folder):
    """Keyword arguments by ``room.name``; `folder` is empty and can be written."""
    x, y = numbers(5, 3), numbers(5, 1)
    widths = [64.0, 256.0, 1024.0, 4096.0]
    values = np.exp(0.01 * numbers(4, 3)) * np.array(widths)[:, None] ** -0.5
    record_path = folder / "record.json"
    observe.save_observations(record(), record_path)
    return {
        "flow.ExponentialFlow": {"tolerance": 0.05, "frozen": "mean", "fixed_step": 0.1},
        "flow.GradientDescent": {"step_size": 0.1},
        "flow.check_numbers": {"problem": problem()},
        "flow.dense_problem": {
            "model": dense(),
            "params": layers(),
            "x": x,
            "y": y,
            "speeds": (1.0, 1.0),
            "loss": flow.SquaredLoss(),
        },
        "flow.function_problem": {
            "apply": apply,
            "params": tree(),
            "x": x,
            "y": y,
            "groups": None,
            "speeds": (1.0, 1.0),
            "centred": False,
            "loss": flow.SquaredLoss(),
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
        "measure.Estimate": {
            "value": 1.0,
            "low": 0.9,
            "high": 1.1,
            "level": 0.95,
            "units": "1",
            "basis": "three runs",
            "verdict": None,
        },
        "measure.Verdict": {"answer": "supported", "sentence": "It is so.", "remarks": ()},
        "measure.mean_estimate": {"values": numbers(5), "level": 0.95},
        "measure.student_reach": {"level": 0.95, "dof": 3.0},
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
        "observe.Cadence": {"per_decade": 12, "share": 0.05},
        "observe.Observer": {
            "apply": apply,
            "params_0": tree(),
            "x_probe": x,
            "y_probe": y,
            "groups": None,
            "cadence": observe.Cadence(),
        },
        "observe.as_function": {},
        "observe.displacement_fields": {},
        "observe.from_json": {"stored": observe.to_json(record())},
        "observe.group_parameters": {"names": ("a", "b"), "groups": {"a": "one", "b": "two"}},
        "observe.roles_of": {
            "build": lambda width, seed: (lambda w, x: x @ w, np.ones((3, width))),
            "x": x,
            "widths": (4, 8),
            "seed": 0,
        },
        "observe.open_observations": {"path": record_path},
        "observe.provenance": {},
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
    }
