"""Through which compiled program does a run go?"""

import os
import threading
import time
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from lazyscope._checks import InputError, check_choice, check_count, check_fraction
from lazyscope._entry import checked
from lazyscope._jax import own_settings, random_key
from lazyscope._loss import loss_name
from lazyscope._outcome import Outcome
from lazyscope._provenance import versions
from lazyscope.data import Dataset
from lazyscope.experiment._data import data_digest, run_data
from lazyscope.experiment._experiment import Experiment, Points, drawn_experiment
from lazyscope.experiment._measurements import run_quantities, without_gaps
from lazyscope.experiment._parametrisation import scaled_network
from lazyscope.experiment._quantities import DEFAULT_RECORD, OF_START, record_names
from lazyscope.experiment._record import RunRecord
from lazyscope.experiment._settings import FINE_RECORDS, LARGEST_COUNT, NUM_RECORDS, Value
from lazyscope.experiment._virtual import drawn_scheme, start_share
from lazyscope.flow import (
    DEFAULT_MAX_STEPS,
    DEFAULT_STOP,
    AbstractMethod,
    ExponentialFlow,
    GradientDescent,
    check_numbers,
    in_double,
    trace_flow,
)
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
    "num_records",
)

SHAPES_TOGETHER = 8
"""Shapes whose units are done side by side, where there are not more workers than that."""


def usable_cores() -> int:
    """Cores that this process may run on."""
    return len(os.sched_getaffinity(0))


Inputs = dict[str, Any]
"""What differs between runs of one shape, as a tree of arrays."""

Program = Callable[[Inputs], dict[str, jax.Array]]

MOST_PROGRAMS = max(2 * SHAPES_TOGETHER, 2 * usable_cores())
"""Programs that this process keeps; each holds about 15 MB."""


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
    width, numbers_of = int(settings["width"]), drawn_scheme(settings, scheme)  # type: ignore[arg-type]
    groups = len(network.group_names)
    numbers = {
        "network": network,
        "weight_std": network.weight_std(numbers_of.alpha(width)),
        "speeds": numbers_of.speed(width) if isinstance(network, Dense) else np.ones(groups),
        "start_share": start_share(settings),
        "stop": settings["stop"],
        "method": _method(settings) if method is None else method,
        "x": data.x_train,
        "y": data.y_train,
        "x_test": data.x_test,
        "y_test": data.y_test,
    }
    inputs: Inputs = jax.tree.map(_as_double, numbers)
    inputs["seed"] = np.asarray(settings["seed"], np.int64)
    inputs["max_steps"] = np.asarray(min(settings["max_steps"], LARGEST_COUNT), np.int32)  # type: ignore[type-var]
    return inputs


def compiled_program(
    settings: Mapping[str, Value], record: tuple[str, ...], inputs: Inputs, *, train: bool = True
) -> Program:
    """The program for runs of this shape, compiled once in this process whoever asks first.

    Where there are many shapes, the program that was not asked for for the longest time is let go.

    Args:
        settings: of the run.
        record: what to keep.
        inputs: see `run_inputs`; programs are shared where these have the same structure and shapes.
        train: whether to train, or only to tell what the start says.
    """
    dynamic, static = eqx.partition(inputs, eqx.is_array)
    arrays = tuple((leaf.shape, str(leaf.dtype)) for leaf in jax.tree.leaves(dynamic))
    words = tuple(jax.tree.leaves(static))
    key = (jax.tree.structure(inputs), arrays, words, settings.get("num_records"), record, train)
    with _locks[key]:
        program = _programs.pop(key, None)
        if program is None:
            trace = trace_run if train else trace_start
            traced = jax.jit(lambda part: trace(settings, record, eqx.combine(part, static)))
            began = time.perf_counter()
            made = traced.lower(dynamic).compile(compiler_options=COMPILER_OPTIONS)
            _compiling.append(time.perf_counter() - began)
            program = partial(_called, made)
        _programs[key] = program
    while len(_programs) > MOST_PROGRAMS:
        _programs.popitem(last=False)
    return program


def _called(program: Any, inputs: Inputs) -> dict[str, jax.Array]:
    return program(eqx.filter(inputs, eqx.is_array))


def _as_double(leaf: Any) -> Any:
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
    return drawn_experiment(network, params, points, numbers["speeds"], numbers["start_share"])


def trace_start(
    settings: Mapping[str, Value], record: tuple[str, ...], numbers: Inputs
) -> dict[str, Any]:
    """What the start of a run says, without its training."""
    del settings
    return run_quantities(record, draw(numbers), numbers["stop"])


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
        **run_quantities(record, experiment, stop, result),
    }


def run_settings(
    settings: Mapping[str, Value],
    record: tuple[str, ...] = DEFAULT_RECORD,
    *,
    data: Dataset | None = None,
    scheme: Scheme | None = None,
    method: AbstractMethod | None = None,
) -> RunRecord:
    """One run as its settings, without gaps, describe it; within `own_settings`.

    Args:
        settings: see `setting_names`.
        record: what to keep, see `record_names`.
        data: points and targets, in place of those that the settings mean.
        scheme: scales and speeds, in place of those that the settings mean.
        method: how to train, in place of what the settings mean.

    Cost: one compilation per shape, and the run.
    """
    data = run_data(settings) if data is None else data
    scheme = scaled_network(settings, data, scheme)[1]
    inputs = run_inputs(settings, data, scheme, method)
    program = compiled_program(settings, record, inputs)
    ended = _ended(lambda: program(inputs))
    return RunRecord(
        settings=settings,
        method=method_record(inputs["method"]),
        width=int(settings["width"]),  # type: ignore[arg-type]
        virtual_width=settings.get("virtual_width"),  # type: ignore[arg-type]
        scheme=scheme,
        data=data_digest(data),
        seed=int(settings["seed"]),  # type: ignore[arg-type]
        versions=versions(),
        **ended,
    )


def look_ahead(
    settings: Mapping[str, Value],
    record: tuple[str, ...] = OF_START,
    *,
    data: Dataset | None = None,
    scheme: Scheme | None = None,
) -> dict[str, np.ndarray]:
    """What the start of the run with these settings says, without its training, by quantity."""
    data = run_data(settings) if data is None else data
    with own_settings():
        inputs = run_inputs(settings, data, scheme)
        program = compiled_program(settings, record, inputs, train=False)
        return {name: np.asarray(value) for name, value in program(inputs).items()}


@checked(own=("stop",))
def run_experiment(
    experiment: Experiment,
    method: AbstractMethod | None = None,
    *,
    stop: float = DEFAULT_STOP,
    max_steps: int = DEFAULT_MAX_STEPS,
    record: tuple[str, ...] = DEFAULT_RECORD,
) -> RunRecord:
    """Train and measure any network in double precision, by the function that sweeps and studies use.

    Args:
        experiment: from `network_experiment`, `function_experiment` or ``Experiment.of(problem)``.
        method: how to train; `ExponentialFlow` unless given.
        stop: fraction of the initial loss at which training ends.
        max_steps: steps tried at most.
        record: what to keep, see `record_names`; ``neurons`` belongs to dense networks.

    Returns:
        The run, with its quantities by name. One that diverges, stalls or runs out of steps is a result
        like any other.

    Raises:
        InputError: numbers that are not finite, or a stop outside (0, 1).

    Cost: one compilation per shape of the problem and kind of method, and the run.

    Example:
        >>> from lazyscope.flow import function_problem
        >>> problem = function_problem(lambda p, x: x * p, np.zeros(1), np.ones((1, 1)), np.ones(1))
        >>> run = run_experiment(Experiment.of(problem), stop=0.25, record=("displacement", "kernel"))
        >>> float(run["kernel_change"]), round(float(run["loss_final"]), 3)
        (0.0, 0.125)
    """
    check_numbers(experiment.problem)
    check_fraction("stop fraction", stop)
    kept = tuple(check_choice("every entry of record", name, record_names()) for name in record)
    steps = check_count("max_steps", max_steps)
    problem = experiment.problem
    if "neurons" in kept and not isinstance(problem.model, Dense):
        raise InputError(
            "the record of neurons needs a dense network",
            received=type(problem.model).__name__,
            cause="a network whose first and last array are no neurons' weights",
            fix="leave neurons out of record",
        )
    method = ExponentialFlow() if method is None else method
    with own_settings():
        widened: Any = in_double(experiment)
        traced = jax.tree.map(_as_double, method)
        ends = jnp.asarray(stop, jnp.float64), jnp.asarray(min(steps, LARGEST_COUNT), jnp.int32)
        ended = _ended(lambda: _run_experiment(widened, traced, *ends, kept, FINE_RECORDS))
    told: dict[str, Value] = {"stop": float(stop), "max_steps": steps}
    return RunRecord(
        settings=told,
        method=method_record(method),
        loss=loss_name(problem.criterion),
        versions=versions(),
        **ended,
    )


_run_experiment = eqx.filter_jit(trace_experiment)


def _ended(run: Callable[[], dict[str, jax.Array]]) -> dict[str, Any]:
    """The fields of a record that the end of a run decides."""
    began = time.perf_counter()
    values = {name: np.asarray(value) for name, value in run().items()}
    seconds = time.perf_counter() - began
    return {
        "outcome": Outcome(int(values.pop("outcome"))),
        "num_steps": int(values["steps"]),
        "seconds": seconds,
        "measurements": without_gaps(values),
    }


def method_record(method: AbstractMethod) -> dict[str, Any]:
    """The name and the numbers of a method."""
    numbers = {name: value for name, value in vars(method).items() if value is not None}
    return {"name": type(method).__name__, **{name: _told(v) for name, v in numbers.items()}}


def _told(value: Any) -> Any:
    """A field of a method for people: numbers as they are, what is none by its words."""
    try:
        return value if isinstance(value, str) else np.asarray(value, np.float64).tolist()
    except (TypeError, ValueError):
        return repr(value)


def _method(settings: Mapping[str, Value]) -> AbstractMethod:
    """The method that settings mean; its numbers are traced, so that runs which differ in them share."""
    if settings["method"] == "descent":
        return GradientDescent(stability_fraction=settings.get("step") or 0.5)  # type: ignore[arg-type]
    return ExponentialFlow(tolerance=settings["tolerance"])  # type: ignore[arg-type]


COMPILER_OPTIONS: dict[str, str | bool] = {"xla_cpu_multi_thread_eigen": False}
"""Runs share the cores, so none of them should spread over all."""
