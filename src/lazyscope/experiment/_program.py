"""Through which compiled program does a run go?"""

import os
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

from lazyscope._checks import InputError, check_choice, check_count, check_fraction
from lazyscope._entry import checked
from lazyscope._jax import left_program, own_settings, random_key
from lazyscope._loss import LOSSES, check_targets, loss_name, named_loss
from lazyscope._outcome import Outcome
from lazyscope._provenance import versions
from lazyscope.data import Dataset
from lazyscope.experiment._data import data_digest, run_data
from lazyscope.experiment._experiment import Experiment, Points, drawn_experiment
from lazyscope.experiment._measurements import run_quantities, without_gaps
from lazyscope.experiment._method import (
    check_record,
    method_record,
    optimizer_name,
    run_method,
    scheme_for,
)
from lazyscope.experiment._parametrisation import scaled_network
from lazyscope.experiment._quantities import DEFAULT_RECORD, OF_START, record_names
from lazyscope.experiment._record import RunRecord
from lazyscope.experiment._settings import FINE_RECORDS, LARGEST_COUNT, NUM_RECORDS, Value
from lazyscope.experiment._virtual import drawn_method, drawn_scheme, start_share
from lazyscope.flow import (
    DEFAULT_MAX_STEPS,
    DEFAULT_STOP,
    AbstractMethod,
    ExponentialFlow,
    check_trainable,
    in_double,
    one_lapack_thread,
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
    "loss",
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

Use: TypeAlias = Literal["many", "one", "start"]
"""What a program is for: many runs, one, or what the start of a run says."""

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
    method = run_method(settings) if method is None else method
    loss = str(settings.get("loss", LOSSES[0]))
    scheme = scheme_for(scheme, method)
    check_targets(named_loss(loss), data.y_train)
    width, numbers_of = int(settings["width"]), drawn_scheme(settings, scheme)  # type: ignore[arg-type]
    method = drawn_method(settings, scheme, method)
    groups = len(network.group_names)
    numbers = {
        "network": network,
        "weight_std": network.weight_std(numbers_of.alpha(width)),
        "speeds": numbers_of.speed(width) if isinstance(network, Dense) else np.ones(groups),
        "start_share": start_share(settings),
        "stop": settings["stop"],
        "method": method,
        "loss": loss,
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


def run_settings(
    settings: Mapping[str, Value],
    record: tuple[str, ...] = DEFAULT_RECORD,
    *,
    data: Dataset | None = None,
    scheme: Scheme | None = None,
    method: AbstractMethod | None = None,
    use: Use = "many",
) -> RunRecord:
    """One run as its settings, without gaps, describe it; within `own_settings`.

    Args:
        settings: see `setting_names`.
        record: what to keep, see `record_names`.
        data: points and targets, in place of those that the settings mean.
        scheme: scales and speeds, in place of those that the settings mean.
        method: how to train, in place of what the settings mean.
        use: whether ``many`` runs of this shape are to come, or this is the ``one``.

    Cost: one compilation per shape, and the run.
    """
    data = run_data(settings) if data is None else data
    scheme = scaled_network(settings, data, scheme)[1]
    inputs = run_inputs(settings, data, scheme, method)
    program = compiled_program(settings, record, inputs, use=use)
    ended = _ended(lambda: program(inputs))
    return RunRecord(
        settings=settings,
        method=method_record(inputs["method"]),
        optimizer=optimizer_name(inputs["method"]),
        loss=inputs["loss"],
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
    method: AbstractMethod | None = None,
) -> dict[str, np.ndarray]:
    """What the start of the run with these settings says, without its training, by quantity."""
    data = run_data(settings) if data is None else data
    with own_settings():
        inputs = run_inputs(settings, data, scheme, method)
        program = compiled_program(settings, record, inputs, use="start")
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
        InputError: what `lazyscope.flow.check_trainable` refuses, or a stop outside (0, 1).

    Cost: one compilation per shape of the problem and kind of method, and the run.

    Example:
        >>> from lazyscope.flow import function_problem
        >>> problem = function_problem(lambda p, x: x * p, np.zeros(1), np.ones((1, 1)), np.ones(1))
        >>> run = run_experiment(Experiment.of(problem), stop=0.25, record=("displacement", "kernel"))
        >>> float(run["kernel_change"]), round(float(run["loss_final"]), 3)
        (0.0, 0.125)
    """
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
    check_record(kept, loss_name(problem.criterion), optimizer_name(method))
    check_trainable(problem, method)
    with own_settings(), one_lapack_thread():
        widened: Any = in_double(experiment)
        traced = jax.tree.map(_as_double, method)
        ends = jnp.asarray(stop, jnp.float64), jnp.asarray(min(steps, LARGEST_COUNT), jnp.int32)
        ended = _ended(lambda: _run_experiment(widened, traced, *ends, kept, FINE_RECORDS))
    told: dict[str, Value] = {"stop": float(stop), "max_steps": steps}
    return RunRecord(
        settings=told,
        method=method_record(method),
        optimizer=optimizer_name(method),
        loss=loss_name(problem.criterion),
        width=getattr(problem.model, "width", None),
        data=experiment.digest,
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
