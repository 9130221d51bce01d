"""How does a run become its record: one that settings describe, or that of any network?"""

import time
from collections.abc import Callable, Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from lazyscope._checks import InputError, check_choice, check_count, check_fraction
from lazyscope._entry import checked
from lazyscope._jax import own_settings
from lazyscope._loss import loss_name
from lazyscope._outcome import Outcome
from lazyscope._provenance import versions
from lazyscope.data import Dataset
from lazyscope.experiment._data import data_digest, run_data
from lazyscope.experiment._experiment import Experiment
from lazyscope.experiment._measurements import without_gaps
from lazyscope.experiment._method import check_record, method_record, optimizer_name, trainer_name
from lazyscope.experiment._parametrisation import scaled_network
from lazyscope.experiment._quantities import DEFAULT_RECORD, OF_START, record_names
from lazyscope.experiment._record import RunRecord
from lazyscope.experiment._settings import FINE_RECORDS, LARGEST_COUNT, Value
from lazyscope.experiment.run._program import (
    Use,
    as_double,
    compiled_program,
    run_inputs,
    trace_experiment,
)
from lazyscope.flow import (
    DEFAULT_MAX_STEPS,
    DEFAULT_STOP,
    AbstractMethod,
    ExponentialFlow,
    check_trainable,
    in_double,
    one_lapack_thread,
)
from lazyscope.model import Dense
from lazyscope.scaling import Scheme


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
        criterion=inputs["loss"],
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
    check_record(kept, loss_name(problem.criterion), trainer_name(method))
    check_trainable(problem, method)
    with own_settings(), one_lapack_thread():
        widened: Any = in_double(experiment)
        traced = jax.tree.map(as_double, method)
        ends = jnp.asarray(stop, jnp.float64), jnp.asarray(min(steps, LARGEST_COUNT), jnp.int32)
        ended = _ended(lambda: _run_experiment(widened, traced, *ends, kept, FINE_RECORDS))
    told: dict[str, Value] = {"stop": float(stop), "max_steps": steps}
    return RunRecord(
        settings=told,
        method=method_record(method),
        optimizer=optimizer_name(method),
        criterion=loss_name(problem.criterion),
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
