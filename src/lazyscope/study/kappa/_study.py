"""Does kappa alone decide how far the layers move, however it is spread over them?"""

import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from lazyscope._checks import InputError
from lazyscope._entry import checked
from lazyscope._jax import own_settings, random_key
from lazyscope._provenance import versions
from lazyscope._types import Params
from lazyscope.data import Dataset, load_dataset
from lazyscope.experiment import (
    Experiment,
    Observation,
    dense_experiment,
    network_experiment,
    observe_compiled,
    shape,
    study_network,
    with_scores_of_size_one,
)
from lazyscope.flow import ExponentialFlow, Problem, one_lapack_thread
from lazyscope.forecast import Forecast, forecast, guaranteed_rate, limit_lambda_min
from lazyscope.measure import Displacement, displacement
from lazyscope.model import AbstractNetwork, Dense
from lazyscope.scaling import Scheme
from lazyscope.study._hopeless import HopelessWarning, hopeless_shapes
from lazyscope.study.kappa._records import (
    GroupScales,
    curve_record,
    forecast_record,
    run_record,
    test_record,
)
from lazyscope.study.kappa._settings import KappaSettings
from lazyscope.study.kappa._verdict import judge

FORMAT = 1

DISPLACEMENT_ACCURACY = 0.2
"""Relative error of displacements over the solver's tolerance: one per cent at the default of 0.05."""


@checked()
def run_kappa_study(
    settings: KappaSettings, *, progress: Callable[[int, int], None] = lambda done, total: None
) -> dict[str, Any]:
    """Predict, train and measure every (shape, kappa, width, seed), and judge the law.

    Args:
        settings: what to run.
        progress: called with (runs done, runs in all) after every run.

    Returns:
        A dict ready for JSON: settings, runs, curves, test outputs, fits with intervals, collapse over
        widths, schemes with regimes, the verdict and the time it took. `lazyscope.report` draws it.
        Where groups differ in leverage, ``weighed`` judges displacements times leverage the same way.

    Raises:
        InputError: data that cannot be read, or kappas at which every shape is expected to move by half
            of its size and more, so that no slope could be judged; before any run.

    Warns:
        HopelessWarning: shapes of which this is true while others can be judged; before any run.

    Cost: one compilation per width, then one run per cell; two cells at a time.
    """
    started = time.perf_counter()
    data = load_dataset(
        settings.data,
        num_points=settings.num_points,
        num_test=settings.num_test,
        target=settings.target,  # pyright: ignore[reportArgumentType]
        seed=settings.data_seed,
    )
    bounds = _Bounds(settings, data)
    cells = list(settings.cells())
    with one_lapack_thread():
        _warn_of_hopeless(settings, data)
        records, compile_seconds = _run_all(settings, data, bounds, cells, progress)
    records.sort(key=lambda r: _order(settings, r["run"]))
    runs = [record["run"] for record in records]
    shown = [r for r in records if r["run"]["seed"] == 0]
    return {
        "study": "kappa",
        "format": FORMAT,
        "lazyscope": versions()["lazyscope"],
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "settings": _settings_record(settings, data),
        "runs": runs,
        "curves": [r["curve"] for r in shown],
        "test_outputs": [r["test_outputs"] for r in shown],
        **judge(
            runs,
            settings.shapes,
            _num_layers(settings, data) - 1,
            homogeneous=study_network(settings.model).homogeneous,
            accuracy=DISPLACEMENT_ACCURACY * settings.tolerance,
        ),
        "timing": {
            "compile_seconds": compile_seconds,
            "run_seconds": time.perf_counter() - started - compile_seconds,
            "total_seconds": time.perf_counter() - started,
        },
    }


def _warn_of_hopeless(settings: KappaSettings, data: Dataset) -> None:
    """Say before the runs which shapes they cannot decide, and refuse a study where it is all."""
    needed = hopeless_shapes(settings, lambda cell: _foresee_cell(settings, data, cell))
    if needed:
        told = ", ".join(f"{name} (kappa {kappa:.3g})" for name, kappa in needed.items())
        warnings.warn(
            f"the slopes of these shapes will stay undecided, since a slope is fitted to the largest four "
            f"kappas, which begin below the kappa where they train lazily: {told}",
            HopelessWarning,
            stacklevel=4,
        )


def _foresee_cell(
    settings: KappaSettings, data: Dataset, cell: tuple[int, str, float, int]
) -> dict[str, Any]:
    """The forecasts of a cell, as its run will have them."""
    with own_settings():
        model, scheme, experiment = _experiment(settings, data, cell)
        foreseen = _foresee(experiment.problem, settings.stop)
    groups = GroupScales.of(model, scheme.alpha(cell[0]), experiment.problem.speeds)
    return forecast_record(foreseen, groups.leverage)


class _Bounds:
    """The theorem's rate for every run; limit kernels are computed once where scales do not matter."""

    def __init__(self, settings: KappaSettings, data: Dataset) -> None:
        self._settings, self._data = settings, data
        self._shared: np.ndarray | None = None

    def rate(self, model: AbstractNetwork, scheme: Any) -> float | None:
        """(2/n) sum_l s_l (kappa^2/alpha_l^2) lambda_min(Kbar_l), None where the theorem does not speak."""
        if not isinstance(model, Dense):
            return None
        homogeneous = model.activation.homogeneous
        try:
            smallest = self._shared
            if smallest is None:
                smallest = limit_lambda_min(scheme, model, self._data.x_train)
        except InputError:
            return None
        self._shared = smallest if homogeneous else None
        alpha, speed = scheme.alpha(model.width), scheme.speed(model.width)
        return guaranteed_rate(alpha, speed, smallest, len(self._data.x_train))


def _run_all(
    settings: KappaSettings,
    data: Dataset,
    bounds: _Bounds,
    cells: list[tuple[int, str, float, int]],
    progress: Callable[[int, int], None],
) -> tuple[list[dict[str, Any]], float]:
    """All runs, two at a time, beginning with one of each width, whose time is mostly compilation."""
    records: list[dict[str, Any]] = []
    firsts = list({cell[0]: cell for cell in reversed(cells)}.values())
    rest = [cell for cell in cells if cell not in firsts]
    compile_seconds = 0.0
    pool = ThreadPoolExecutor(max_workers=2)
    try:
        begun = time.perf_counter()
        for group in (firsts, rest):
            for record in pool.map(lambda cell: _run(settings, data, bounds, cell), group):
                records.append(record)
                progress(len(records), len(cells))
            compile_seconds = compile_seconds or time.perf_counter() - begun
    finally:
        pool.shutdown(
            cancel_futures=True
        )  # an interruption waits for two runs, not for all of them
    return records, compile_seconds


def _run(
    settings: KappaSettings, data: Dataset, bounds: _Bounds, cell: tuple[int, str, float, int]
) -> dict[str, Any]:
    width, name, kappa, seed = cell
    begun = time.perf_counter()
    with own_settings():
        model, scheme, experiment = _experiment(settings, data, cell)
        problem = experiment.problem
        foreseen = _foresee(problem, settings.stop)
        observed: Observation = jax.block_until_ready(
            observe_compiled(
                experiment,
                ExponentialFlow(settings.tolerance),
                stop_fraction=jnp.asarray(settings.stop),
                max_steps=settings.max_steps,
            )
        )
    seconds = time.perf_counter() - begun
    where = {"shape": name, "width": width, "kappa": kappa, "seed": seed}
    bound = bounds.rate(model, scheme)
    groups = GroupScales.of(model, scheme.alpha(width), problem.speeds)
    return {
        "run": where | run_record(groups, kappa, foreseen, bound, observed, seconds),
        "curve": where | curve_record(bound, observed),
        "test_outputs": where | test_record(observed, data),
    }


def _experiment(
    settings: KappaSettings, data: Dataset, cell: tuple[int, str, float, int]
) -> tuple[AbstractNetwork, Scheme, Experiment]:
    """The network of a cell with its scales, and what to train."""
    width, name, kappa, seed = cell
    model = _network(settings, data, width)
    if isinstance(model, Dense):
        scheme = shape(name).scheme(kappa, width, settings.depth)
        params = model.init(random_key(seed), scheme)
        return (
            model,
            scheme,
            dense_experiment(model, params, data, scheme.speed(width), centred=settings.centred),
        )
    scheme = Scheme.at_width(width, alpha=shape(name).alpha_of(model, kappa).tolist())
    model = with_scores_of_size_one(model, scheme.alpha(width))
    params = model.init(random_key(seed), scheme)
    speeds = np.ones(len(params))
    return model, scheme, network_experiment(model, params, data, speeds, centred=settings.centred)


def _network(settings: KappaSettings, data: Dataset, width: int) -> AbstractNetwork:
    features, outputs = data.x_train.shape[1], data.y_train.shape[1]
    build = study_network(settings.model).build
    return build(features, outputs, width, settings.depth, settings.activation)


def _num_layers(settings: KappaSettings, data: Dataset) -> int:
    return len(_network(settings, data, settings.widths[0]).shapes)


def _foresee(problem: Problem, stop: float) -> tuple[Forecast, Displacement] | None:
    """The forecast and its displacements; None for a network without gradient, whose run stalls."""
    params = problem.params
    try:
        seen = forecast(
            problem.kernel, params, problem.x, problem.y, speeds=problem.speeds, at_fraction=stop
        )
    except InputError:
        return None
    return seen, _forecast_displacement(params, seen.change)


@eqx.filter_jit
def _forecast_displacement(params: Params, change: Params) -> Displacement:
    return displacement(params, jax.tree.map(jnp.add, params, change))


def _settings_record(settings: KappaSettings, data: Dataset) -> dict[str, Any]:
    plain = {f.name: getattr(settings, f.name) for f in fields(settings)}
    return plain | {
        "shapes": list(settings.shapes),
        "kappas": list(settings.kappas),
        "widths": list(settings.widths),
        "seeds": list(range(settings.seeds)),
        "num_outputs": data.y_train.shape[1],
        "network": study_network(settings.model).words.format(
            depth=settings.depth, activation=settings.activation
        ),
        "groups": list(_network(settings, data, settings.widths[0]).group_names),
        "description": list(data.description),
        "digest": data.summary()["digest"],
        "method": "exponential flow",
        "versions": versions(),
    }


def _order(settings: KappaSettings, run: dict[str, Any]) -> tuple[int, int, float, int]:
    return settings.shapes.index(run["shape"]), run["width"], run["kappa"], run["seed"]
