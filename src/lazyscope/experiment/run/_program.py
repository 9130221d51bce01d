"""Through which compiled program does a run go?"""

import threading
import time
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from lazyscope._cores import usable_cores
from lazyscope._jax import left_program, random_key
from lazyscope._loss import LOSSES, check_targets, named_loss
from lazyscope.data import Dataset
from lazyscope.experiment._experiment import Experiment, Points, drawn_experiment
from lazyscope.experiment._measurements import run_quantities
from lazyscope.experiment._method import run_method, scheme_for
from lazyscope.experiment._parametrisation import scaled_network
from lazyscope.experiment._settings import LARGEST_COUNT, NUM_RECORDS, Value
from lazyscope.experiment._virtual import drawn_method, drawn_scheme, start_share
from lazyscope.flow import AbstractMethod, trace_flow
from lazyscope.model import Dense
from lazyscope.scaling import Scheme

_SHAPE = (
    "model",
    "width",
    "depth",
    "activation",
    "use_bias",
    "data",
    "num_points",
    "num_test",
    "input_dim",
    "target",
    "method",
    "loss",
    "num_records",
)

SHAPES_TOGETHER = 8
"""Shapes whose units are done side by side, where there are not more workers than that."""


Inputs = dict[str, Any]
"""What differs between runs of one shape, as a tree of arrays."""

Program = Callable[[Inputs], dict[str, jax.Array]]

Use: TypeAlias = Literal["many", "one", "start"]
"""What a program is for: many runs, one, or what the start of a run says."""

MOST_PROGRAMS = max(2 * SHAPES_TOGETHER, 2 * usable_cores())
"""Programs that this process keeps; each holds about 15 MB."""


COMPILER_OPTIONS: dict[str, Any] = {"xla_cpu_multi_thread_eigen": False}
"""Runs share the cores, so none of them should spread over all."""

QUICKLY_MADE: dict[str, Any] = {
    "xla_backend_optimization_level": 0,
    "xla_cpu_use_fusion_emitters": False,
}
"""For a program that runs once: made in a quarter of the time. Loops take twice as long, matrix products and
decompositions, which are those of libraries, do not; numbers agree to rounding."""

_SHORT = (
    2**15
)  # numbers in the largest array of a step, below which making takes longer than running

_compiling: list[float] = []
_programs: OrderedDict[Any, Program] = OrderedDict()
_locks: defaultdict[Any, threading.Lock] = defaultdict(threading.Lock)


def shape_of(settings: Mapping[str, Value]) -> tuple[Any, ...]:
    """What of the settings decides the compiled program of a run; equal for runs that share one.

    Example:
        >>> shape_of({"width": 8, "seed": 0}) == shape_of({"width": 8, "seed": 1})
        True
    """
    return tuple(settings.get(name) for name in _SHAPE)


def run_inputs(
    settings: Mapping[str, Value],
    data: Dataset,
    scheme: Scheme | None = None,
    method: AbstractMethod | None = None,
) -> Inputs:
    """What the program of a run takes as arguments.

    Args:
        settings: of the run.
        data: points and targets.
        scheme: scales of the drawn layers; those that the settings mean unless given.
        method: how to train; what the settings mean unless given.
    """
    network, scheme = scaled_network(settings, data, scheme)
    method = run_method(settings) if method is None else method
    loss = str(settings.get("loss", LOSSES[0]))
    scheme = scheme_for(scheme, method)
    check_targets(named_loss(loss), data.y_train)
    width, numbers_of = int(settings["width"]), drawn_scheme(settings, scheme)  # type: ignore[arg-type]
    method = drawn_method(settings, scheme, method)
    speeds = np.ones(len(network.group_names))  # of groups at fixed values: their scheme has none
    speeds[: len(network.layers)] = numbers_of.speed(width)
    numbers = {
        "network": network,
        "weight_std": network.weight_std(numbers_of.alpha(width)),
        "speeds": speeds,
        "start_share": start_share(settings),
        "stop": settings["stop"],
        "method": method,
        "loss": loss,
        "x": data.x_train,
        "y": data.y_train,
        "x_test": data.x_test,
        "y_test": data.y_test,
    }
    inputs: Inputs = jax.tree.map(as_double, numbers)
    inputs["seed"] = np.asarray(settings["seed"], np.int64)
    inputs["max_steps"] = np.asarray(min(settings["max_steps"], LARGEST_COUNT), np.int32)  # type: ignore[type-var]
    return inputs


def compiled_program(
    settings: Mapping[str, Value], record: tuple[str, ...], inputs: Inputs, *, use: Use = "many"
) -> Program:
    """The program for runs of this shape, compiled once in this process whoever asks first.

    Where there are many shapes, the program that was not asked for for the longest time is let go.

    Args:
        settings: of the run.
        record: what to keep.
        inputs: see `run_inputs`; programs are shared where these have the same structure and shapes.
        use: for many runs, for one, or only to tell what the ``start`` says.
    """
    dynamic, static = eqx.partition(inputs, eqx.is_array)
    arrays = tuple((leaf.shape, str(leaf.dtype)) for leaf in jax.tree.leaves(dynamic))
    words = tuple(jax.tree.leaves(static))
    key = (jax.tree.structure(inputs), arrays, words, settings.get("num_records"), record, use)
    with _locks[key]:
        program = _programs.pop(key, None)
        if program is None:
            trace = trace_start if use == "start" else trace_run
            began = time.perf_counter()
            made = left_program(
                (inputs, settings.get("num_records"), record, use),
                lambda part: trace(settings, record, eqx.combine(part, static)),
                dynamic,
                _compiler_options(settings, inputs, use),
            )
            _compiling.append(time.perf_counter() - began)
            program = partial(_called, made)
        _programs[key] = program
    while len(_programs) > MOST_PROGRAMS:
        _programs.popitem(last=False)
    return program


def _compiler_options(settings: Mapping[str, Value], inputs: Inputs, use: Use) -> dict[str, Any]:
    if use == "many" or jax.default_backend() != "cpu":
        return COMPILER_OPTIONS
    is_short = (
        isinstance(inputs["network"], Dense) and inputs["y"].size * settings["width"] <= _SHORT
    )
    return COMPILER_OPTIONS | QUICKLY_MADE if use == "start" or is_short else COMPILER_OPTIONS


def _called(program: Any, inputs: Inputs) -> dict[str, jax.Array]:
    return program(eqx.filter(inputs, eqx.is_array))


def as_double(leaf: Any) -> Any:
    """Numbers as arrays of double precision; words and functions as they are."""
    return leaf if isinstance(leaf, str) or callable(leaf) else np.asarray(leaf, np.float64)


def seconds_compiling() -> float:
    """Time that this process has spent on making programs so far, in all of its threads together."""
    return sum(_compiling)


def draw(numbers: Inputs) -> Experiment:
    """The network of a run, drawn from its seed and put before its data."""
    network = numbers["network"]
    params = network.init_from_std(random_key(numbers["seed"]), numbers["weight_std"])
    points = Points(*(numbers[name] for name in Points._fields))
    loss = named_loss(numbers["loss"])
    return drawn_experiment(
        network, params, points, numbers["speeds"], numbers["start_share"], loss
    )


def trace_start(
    settings: Mapping[str, Value], record: tuple[str, ...], numbers: Inputs
) -> dict[str, Any]:
    """What the start of a run says, without its training."""
    del settings
    how = {"method": numbers["method"], "max_steps": numbers["max_steps"]}
    return run_quantities(record, draw(numbers), numbers["stop"], **how)


def trace_run(
    settings: Mapping[str, Value], record: tuple[str, ...], numbers: Inputs
) -> dict[str, Any]:
    """One run from its seed to its recorded quantities."""
    ends = numbers["stop"], numbers["max_steps"]
    num_records = int(settings.get("num_records", NUM_RECORDS))  # type: ignore[arg-type]
    return trace_experiment(draw(numbers), numbers["method"], *ends, record, num_records)


def trace_experiment(
    experiment: Experiment,
    method: AbstractMethod,
    stop: Any,
    max_steps: Any,
    record: tuple[str, ...],
    num_records: int,
) -> dict[str, Any]:
    """Train and measure: the one function that every run of this library goes through; pure.

    Args:
        experiment: what to train, and what to judge it on.
        method: how to train.
        stop: end at this fraction of the initial loss.
        max_steps: steps tried at most.
        record: what to keep, see `record_names`.
        num_records: steps kept of the loss curve.

    Returns:
        The code of the outcome, the steps that were tried, and the quantities by name.
    """
    result = trace_flow(
        experiment.problem, method, stop, jnp.inf, max_steps=max_steps, num_records=num_records
    )
    return {
        "outcome": result.outcome_code,
        "tried": result.num_tried,
        **run_quantities(record, experiment, stop, result, method=method, max_steps=max_steps),
    }
