"""Which compiled program does a run go through?"""

import os
import threading
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from lazyscope._jax import random_key
from lazyscope.data import Dataset
from lazyscope.experiment._measurements import Judge, run_quantities
from lazyscope.experiment._parametrisation import run_scheme
from lazyscope.experiment._settings import Value
from lazyscope.flow import ExponentialFlow, GradientDescent, dense_problem, trace_flow
from lazyscope.model import Centred, Dense

_SHAPE = (
    "width",
    "depth",
    "activation",
    "use_bias",
    "centred",
    "data",
    "num_points",
    "num_test",
    "input_dim",
    "target",
    "method",
)
SHAPES_TOGETHER = 8
"""Shapes whose units are done side by side, where there are not more workers than that."""


def usable_cores() -> int:
    """Cores that this process may run on."""
    return len(os.sched_getaffinity(0))


NUM_RECORDS = 32
"""Steps kept of every loss curve; a long step is shown by several points."""

Inputs = dict[str, np.ndarray]
"""What differs between runs of one shape."""

MOST_PROGRAMS = max(2 * SHAPES_TOGETHER, 2 * usable_cores())
"""Programs that this process keeps; each holds about 15 MB."""

_programs: OrderedDict[Any, Callable[[Inputs], dict[str, jax.Array]]] = OrderedDict()
_locks: defaultdict[Any, threading.Lock] = defaultdict(threading.Lock)


def shape_of(settings: Mapping[str, Value]) -> tuple[Any, ...]:
    """What decides the compiled program of a run; equal for runs that share one.

    Example:
        >>> shape_of({"width": 8, "seed": 0}) == shape_of({"width": 8, "seed": 1})
        True
    """
    return tuple(settings.get(name) for name in _SHAPE)


def run_inputs(settings: Mapping[str, Value], data: Dataset) -> Inputs:
    """The numbers of a run that its program takes as arguments."""
    told = {name: value for name, value in settings.items() if value is not None}
    width = int(settings["width"])  # type: ignore[arg-type]
    scheme = run_scheme(told, input_dim=data.x_train.shape[1], output_dim=data.y_train.shape[1])
    numbers = {
        "weight_std": scheme.weight_std(width),
        "speeds": scheme.speed(width),
        "output_scale": settings["output_scale"],
        "stop": settings["stop"],
        "control": told.get("step", 0.5) if told["method"] == "descent" else told["tolerance"],
        "x": data.x_train,
        "y": data.y_train,
        "x_test": data.x_test,
        "y_test": data.y_test,
    }
    inputs: Inputs = {name: np.asarray(value, np.float64) for name, value in numbers.items()}
    inputs["seed"] = np.asarray(settings["seed"], np.int64)
    inputs["max_steps"] = np.asarray(settings["max_steps"], np.int32)
    return inputs


def compiled_program(
    settings: Mapping[str, Value], record: tuple[str, ...], inputs: Inputs
) -> Callable[[Inputs], dict[str, jax.Array]]:
    """The program for runs of this shape, compiled once in this process whoever asks first.

    Where there are many shapes, the program that was not asked for for the longest time is let go.
    """
    key = (shape_of(settings), record)
    with _locks[key]:
        program = _programs.pop(key, None)
        if program is None:
            traced = jax.jit(lambda numbers: trace_run(settings, record, numbers))
            program = traced.lower(inputs).compile(compiler_options=COMPILER_OPTIONS)
        _programs[key] = program
    while len(_programs) > MOST_PROGRAMS:
        _programs.popitem(last=False)
    return program


def trace_run(
    settings: Mapping[str, Value], record: tuple[str, ...], numbers: dict[str, Any]
) -> dict[str, Any]:
    """One run from its seed to its recorded quantities."""
    model = Dense(
        numbers["x"].shape[1],
        numbers["y"].shape[1],
        int(settings["width"]),  # type: ignore[arg-type]
        int(settings["depth"]),  # type: ignore[arg-type]
        str(settings["activation"]),
        use_bias=bool(settings["use_bias"]),
        output_scale=numbers["output_scale"],
    )
    params = model.init_from_std(random_key(numbers["seed"]), numbers["weight_std"])
    network = Centred(model, params) if settings["centred"] else model
    problem = dense_problem(network, params, numbers["x"], numbers["y"], speeds=numbers["speeds"])
    result = trace_flow(
        problem,
        _method(settings, numbers["control"]),
        numbers["stop"],
        jnp.inf,
        max_steps=numbers["max_steps"],
        num_records=NUM_RECORDS,
    )
    offset = model.apply(params, numbers["x_test"]) if settings["centred"] else 0.0
    judge = Judge(numbers["x_test"], numbers["y_test"], numbers["y"], offset)
    return {"outcome": result.outcome_code, **run_quantities(record, problem, result, judge)}


def _method(settings: Mapping[str, Value], control: Any):
    """The method with its one number traced, so that runs which differ in it share a program."""
    if settings["method"] == "descent":
        descent = GradientDescent(stability_fraction=0.5)
        return eqx.tree_at(lambda method: method.stability_fraction, descent, control)
    return ExponentialFlow(tolerance=control)


COMPILER_OPTIONS: dict[str, str | bool] = {"xla_cpu_multi_thread_eigen": False}
"""Runs share the cores, so none of them should spread over all."""
