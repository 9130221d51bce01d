"""Does kappa alone decide how far the layers move, however it is spread over them?"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from itertools import product
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from lazyscope._checks import InputError, check_choice, check_count, check_fraction, check_positive
from lazyscope._types import Params
from lazyscope.data import Dataset, load_dataset
from lazyscope.flow import ExponentialFlow
from lazyscope.forecast import Forecast, forecast, guaranteed_rate, limit_lambda_min
from lazyscope.measure import Displacement, displacement
from lazyscope.model import Dense, activation_names
from lazyscope.study._experiment import Observation, dense_experiment, observe_compiled
from lazyscope.study._kappa_verdict import judge
from lazyscope.study._provenance import versions
from lazyscope.study._shapes import shape, shape_names

FORMAT = 1
_MAX_TEST_POINTS_SHOWN = 64

DISPLACEMENT_ACCURACY = 0.1
"""Relative error of displacements over the solver's tolerance, as measured in the solver's tests."""


@dataclass(frozen=True)
class KappaSettings:
    """What `run_kappa_study` runs.

    Attributes:
        data: source of the points, see `lazyscope.data.load_dataset`.
        num_points, num_test: training and test points.
        target: kind of target; ``parity`` has one output.
        shapes: how kappa is spread over the layers.
        kappas: initial scales.
        widths: widths of the hidden layers.
        seeds: number of seeds of each run.
        depth: hidden layers.
        activation: nonlinearity.
        stop: fraction of the initial loss at which training ends.
        tolerance: of the exponential flow.
        centred: train f - f_0, so that the residual starts as the targets at every kappa. Without it
            displacements level off at 1/sqrt(m) where kappa exceeds sqrt(m).
        max_steps: steps tried at most in a run.
        data_seed: chooses the points.
    """

    data: str = "digits"
    num_points: int = 32
    num_test: int = 200
    target: str = "parity"
    shapes: tuple[str, ...] = field(default_factory=shape_names)
    kappas: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0)
    widths: tuple[int, ...] = (128, 256, 512)
    seeds: int = 3
    depth: int = 2
    activation: str = "relu"
    stop: float = 1e-4
    tolerance: float = 0.1
    centred: bool = True
    max_steps: int = 5000
    data_seed: int = 0

    def __post_init__(self) -> None:
        for name in self.shapes:
            shape(name)
        check_choice("activation", self.activation, activation_names())
        for width in self.widths:
            check_count("width", width)
        for kappa in self.kappas:
            check_positive("kappa", kappa)
        check_count("seeds", self.seeds)
        check_count("depth", self.depth)
        check_fraction("stop fraction", self.stop)
        check_positive("tolerance", self.tolerance)
        for what, values in (
            ("kappa", self.kappas),
            ("width", self.widths),
            ("shape", self.shapes),
        ):
            if len(set(values)) != len(values) or not values:
                raise InputError(
                    f"every {what} must be given once, and at least one of them",
                    received=list(values),
                    cause="an empty list, or a value that was typed twice",
                    fix=f"list each {what} once",
                )

    def cells(self) -> Iterator[tuple[int, str, float, int]]:
        """(width, shape, kappa, seed) of every run, widest first."""
        widths = sorted(self.widths, reverse=True)
        return product(widths, self.shapes, self.kappas, range(self.seeds))


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
            settings.depth,
            accuracy=DISPLACEMENT_ACCURACY * settings.tolerance,
        ),
        "timing": {
            "compile_seconds": compile_seconds,
            "run_seconds": time.perf_counter() - started - compile_seconds,
            "total_seconds": time.perf_counter() - started,
        },
    }


class _Bounds:
    """The theorem's rate for every run; limit kernels are computed once where scales do not matter."""

    def __init__(self, settings: KappaSettings, data: Dataset) -> None:
        self._settings, self._data = settings, data
        self._shared: np.ndarray | None = None

    def rate(self, model: Dense, scheme: Any) -> float | None:
        """(2/n) sum_l s_l (kappa^2/alpha_l^2) lambda_min(Kbar_l), None where the theorem does not speak."""
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
    """All runs; the first of each width is timed against its repetition to tell compilation apart."""
    records: list[dict[str, Any]] = []
    compile_seconds = 0.0
    with ThreadPoolExecutor(max_workers=2) as pool:
        firsts = {cell[0]: cell for cell in reversed(cells)}
        begun = time.perf_counter()
        list(pool.map(lambda cell: _run(settings, data, bounds, cell), firsts.values()))
        compile_seconds = time.perf_counter() - begun
        for record in pool.map(lambda cell: _run(settings, data, bounds, cell), cells):
            records.append(record)
            progress(len(records), len(cells))
    return records, compile_seconds


def _run(
    settings: KappaSettings, data: Dataset, bounds: _Bounds, cell: tuple[int, str, float, int]
) -> dict[str, Any]:
    width, name, kappa, seed = cell
    begun = time.perf_counter()
    with jax.enable_x64(True):
        model = Dense(
            data.x_train.shape[1], data.y_train.shape[1], width, settings.depth, settings.activation
        )
        scheme = shape(name).scheme(kappa, width, settings.depth)
        params = model.init(jax.random.key(seed), scheme)
        experiment = dense_experiment(
            model, params, data, scheme.speed(width), centred=settings.centred
        )
        problem = experiment.problem
        seen = forecast(
            problem.kernel,
            params,
            problem.x,
            problem.y,
            speeds=problem.speeds,
            at_fraction=settings.stop,
        )
        forecast_moved = _forecast_displacement(params, seen.change)
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
    return {
        "run": where | _run_record(scheme, width, seen, forecast_moved, bound, observed, seconds),
        "curve": where | _curve_record(bound, observed),
        "test_outputs": where | _test_record(observed, data),
    }


@eqx.filter_jit
def _forecast_displacement(params: Params, change: Params) -> Displacement:
    return displacement(params, jax.tree.map(jnp.add, params, change))


def _run_record(
    scheme: Any,
    width: int,
    seen: Forecast,
    forecast_moved: Displacement,
    bound: float | None,
    observed: Observation,
    seconds: float,
) -> dict[str, Any]:
    result = observed.result
    ended = result.outcome.ok
    moved = np.asarray(observed.displacement.operator)
    initial, final = float(result.initial_loss), float(result.loss)
    elapsed = float(result.time)
    return {
        "alpha": scheme.alpha(width).tolist(),
        "speed": scheme.speed(width).tolist(),
        "outcome": result.outcome.label,
        "steps": int(result.num_steps),
        "time": elapsed,
        "loss_initial": initial,
        "loss_final": final,
        "displacement": {
            "operator": _numbers(moved, ended),
            "frobenius": _numbers(observed.displacement.frobenius, ended),
        },
        "forecast": {
            "operator": _numbers(forecast_moved.operator),
            "frobenius": _numbers(seen.displacement),
        },
        "largest_displacement": _number(moved.max(), ended),
        "largest_forecast": float(np.max(np.asarray(forecast_moved.operator))),
        "kernel_change": _number(observed.kernel_change, ended),
        "linearisation_gap": {
            "train": _number(observed.gap_train, ended),
            "test": _number(observed.gap_test, ended),
        },
        "decay_rate": {
            "measured": _number(np.log(initial / final) / elapsed, ended) if elapsed > 0 else None,
            "bound": bound,
            "kernel": seen.rate,
        },
        "lambda_min": seen.lambda_min,
        "lambda_max": seen.lambda_max,
        "test_error": {
            "network": _number(observed.error, ended),
            "kernel": _number(observed.linearised_error, ended),
        },
        "wall_seconds": seconds,
    }


def _curve_record(bound: float | None, observed: Observation) -> dict[str, Any]:
    result = observed.result
    times, losses = result.curve()
    all_times = np.asarray(result.curve_time).ravel()
    inside = all_times < float(result.time)
    linear = np.asarray(observed.linearised_curve).ravel()[inside]
    start = float(result.initial_loss)
    return {
        "time": times.tolist(),
        "loss": losses.tolist(),
        "bound": None if bound is None else (start * np.exp(-bound * times)).tolist(),
        "linearised": _numbers(np.concatenate([[start], linear, [np.nan]])),
    }


def _test_record(observed: Observation, data: Dataset) -> dict[str, Any]:
    first = slice(0, _MAX_TEST_POINTS_SHOWN)
    return {
        "network": np.asarray(observed.test_outputs)[first, 0].tolist(),
        "kernel": np.asarray(observed.linearised_test_outputs)[first, 0].tolist(),
        "target": data.y_test[first, 0].tolist(),
    }


def _settings_record(settings: KappaSettings, data: Dataset) -> dict[str, Any]:
    plain = {f.name: getattr(settings, f.name) for f in fields(settings)}
    return plain | {
        "shapes": list(settings.shapes),
        "kappas": list(settings.kappas),
        "widths": list(settings.widths),
        "seeds": list(range(settings.seeds)),
        "num_outputs": data.y_train.shape[1],
        "description": list(data.description),
        "digest": data.summary()["digest"],
        "method": "exponential flow",
        "versions": versions(),
    }


def _order(settings: KappaSettings, run: dict[str, Any]) -> tuple[int, int, float, int]:
    return settings.shapes.index(run["shape"]), run["width"], run["kappa"], run["seed"]


def _number(value: Any, known: bool = True) -> float | None:
    number = float(value)
    return number if known and np.isfinite(number) else None


def _numbers(values: Any, known: bool = True) -> list[float | None]:
    return [_number(v, known) for v in np.asarray(values)]
