"""Which power of the width does a measured quantity follow as the width grows?"""

from typing import Any, Literal

import numpy as np
from jaxtyping import Float, Real

from lazyscope._checks import InputError, check_choice, check_fraction, check_positive, shown
from lazyscope._entry import checked
from lazyscope.measure.estimate._evidence import (
    MIN_SPARE,
    MIN_WIDTHS,
    expected_largest,
    line_probability,
)
from lazyscope.measure.estimate._posterior import Runs, Summary, summarise
from lazyscope.measure.estimate._record import ExponentEstimate, ExponentMap
from lazyscope.measure.estimate._shapes import MODEL_NAMES, WANDERING, Catalogue, catalogue

_FAILED_SPREADS = 3.0  # a failed run is imagined this many spreads away from the others
_LEAST_VARIANCE = 1e-8  # of the means that a process is drawn through
_RULE = (
    f"an interval needs at least {MIN_WIDTHS} widths and at least {MIN_SPARE} runs beyond one per "
    "width"
)


@checked(unbounded=("widths", "values"), any_axes=("widths", "values"))
def estimate_exponent(
    widths: Real[Any, " W"],
    values: Float[Any, "W S"],
    *,
    level: float = 0.95,
    accuracy: float = 1e-3,
    missing: Literal["failed", "absent"] = "failed",
) -> ExponentEstimate:
    """Exponent e in ``value ~ A m^e`` as m -> infinity, with an honest interval.

    The interval covers the scatter of seeds and what finite width hides.

    The posterior of e is averaged over seven ways of approaching the power law: none, corrections in powers
    of m^-delta, a crossover between two slopes (at most twelve times beyond the largest width), a sum of
    two powers (at most twenty times), a power of log(m / m0), a step, and a factor that wanders about a
    power law. Within each, the rates and crossing widths are averaged over a grid and amplitudes over a
    normal prior; the noise (pooled over widths, its
    size falling with an unknown power of m) is averaged too. `models` of the result shows what the data
    say about each, `assumption` what the interval rests on, and `largest` whether the other widths
    predict the largest.

    Args:
        widths: the W widths, increasing, above 1.
        values: positive values, e.g. relative displacements, one row per width and one column per
            seed; NaN marks a run without a value. Seeds at different widths are independent.
        level: nominal coverage of the interval.
        accuracy: relative error of the values that all seeds of a width share, such as the
            tolerance of the solver; it does not average out over seeds.
        missing: what NaN means. ``failed``: the run was made and gave no value; its value could be
            unusual, so the interval is widened by what values three spreads above or below the
            others would do. ``absent``: the run was never made; nothing is assumed.

    Returns:
        An `ExponentEstimate`.

    Raises:
        InputError: fewer than 3 widths with a value, fewer than 3 runs beyond one per width, widths
            not increasing, values not positive, shapes that do not fit.

    Cost: about 50 milliseconds alone, six per cell of a map.

    Trust: coverage of nominal 95 % intervals is measured on synthetic departures, those of families that
    the estimator was not adjusted on apart, in ``docs/estimates.md``. A bend that leaves no trace within
    the sweep cannot be seen by any method: where none shows, the interval is hardly wider than a straight
    line's, and `assumption` says so.

    Example:
        >>> import numpy as np
        >>> widths = np.array([64, 256, 1024, 4096])
        >>> noise = np.array([[1.01, 0.99, 1.0], [0.99, 1.0, 1.01]] * 2)
        >>> found = estimate_exponent(widths, widths[:, None] ** -0.5 * noise)
        >>> round(found.exponent, 1), found.sign_verdict(), found.agrees_with(-0.5)
        (-0.5, 'negative', 'agrees')
    """
    values = np.asarray(values, float)
    if values.ndim != 2:
        raise InputError(
            "values must have one row per width and one column per seed",
            received=f"an array of shape {values.shape}",
            cause="seeds averaged beforehand, or several cells at once",
            fix="keep the seeds; for many cells use estimate_exponents",
        )
    settings = {"level": level, "accuracy": accuracy, "missing": missing}
    return estimate_exponents(widths, values[None], **settings).cell(0)


@checked(unbounded=("widths", "values"), any_axes=("widths", "values"))
def estimate_exponents(
    widths: Real[Any, " W"],
    values: Float[Any, "C W S"],
    *,
    level: float = 0.95,
    accuracy: float = 1e-3,
    missing: Literal["failed", "absent"] = "failed",
) -> ExponentMap:
    """`estimate_exponent` for C cells at once; every cell is estimated from its own runs only.

    A cell with too few runs does not stop the others: it comes out with an infinite interval and
    ``usable`` False, hence ``undecided``.

    Args:
        widths: the W widths, increasing, above 1.
        values: positive values; NaN marks a run without a value.
        level: as in `estimate_exponent`.
        accuracy: as in `estimate_exponent`.
        missing: as in `estimate_exponent`.

    Returns:
        An `ExponentMap`; ``.cell(i)`` gives the full record of one cell.

    Raises:
        InputError: as in `estimate_exponent`; too few runs only where no cell has enough.

    Cost: about six milliseconds per cell, four times that where runs failed; memory 100 MB.

    Example:
        >>> import numpy as np
        >>> widths = np.array([64, 256, 1024, 4096])
        >>> noise = np.array([[1.01, 0.99, 1.0], [0.99, 1.0, 1.01]] * 2)
        >>> values = np.stack([widths[:, None] ** e * noise for e in (-0.5, 0.25)])
        >>> estimate_exponents(widths, values).sign_verdicts().tolist()
        ['negative', 'positive']
    """
    level = check_fraction("level", level)
    accuracy = check_positive("accuracy", accuracy)
    check_choice("missing", missing, ("failed", "absent"))
    widths, values = _checked(widths, values)
    runs = Runs.of(np.log(widths), np.log(values))
    usable = (np.count_nonzero(runs.count, axis=-1) >= MIN_WIDTHS) & (runs.spare >= MIN_SPARE)
    if not usable.any():
        raise InputError(
            _RULE,
            received=f"at most {runs.count.max(0).astype(int).tolist()} runs with a value "
            f"at widths {widths.tolist()}",
            cause="one seed per width, or too many failed runs",
            fix="run more seeds (3 to 5 per width) or more widths (4 to 7)",
        )
    shapes = catalogue(float(widths[0]), float(widths[-1]))
    settings = {"level": level, "accuracy": accuracy}
    summary = summarise(runs.cells(usable), shapes, **settings)
    low, high = summary.low.copy(), summary.high.copy()
    shift = np.zeros(usable.sum())
    failed = np.isnan(values).sum(-1) if missing == "failed" else np.zeros(runs.count.shape, int)
    hurt = np.flatnonzero((failed[usable] > 0).any(-1))
    if len(hurt):
        for other in _imagined(runs.log_width, np.log(values[usable][hurt]), shapes, settings):
            shift[hurt] = np.maximum(shift[hurt], np.abs(other.centre - summary.centre[hurt]))
            low[hurt] = np.minimum(low[hurt], other.low)
            high[hurt] = np.maximum(high[hurt], other.high)
    shown = runs.cells(usable)
    evidence = (line_probability(shown, accuracy), *expected_largest(shown, **settings))
    ends = (low, high, shift, *evidence)
    return _assemble(widths, runs, failed, usable, summary, ends, shapes, level)


def _checked(widths: Any, values: Any) -> tuple[np.ndarray, np.ndarray]:
    """The widths and values as float arrays, or an `InputError`."""
    widths, values = np.asarray(widths, float), np.asarray(values, float)
    if widths.ndim != 1 or not np.all(np.diff(widths) > 0) or not np.all(widths > 1):
        raise InputError(
            "widths must be distinct, increasing and above 1",
            received=shown(widths.tolist()),
            cause="an unsorted sweep, or seeds listed as repeated widths",
            fix="sort by width and put the seeds of a width in one row",
        )
    if len(widths) < MIN_WIDTHS:
        raise InputError(
            _RULE,
            received=f"{len(widths)} widths",
            cause="a sweep that has just begun",
            fix=f"add {MIN_WIDTHS - len(widths)} or more widths; 4 to 7 are better",
        )
    if values.ndim != 3 or values.shape[1] != len(widths) or not values.size:
        raise InputError(
            "values must have the axes (cells, widths, seeds)",
            received=f"shape {values.shape} with {len(widths)} widths",
            cause="axes in another order",
            fix="move the axes so that the second one runs over widths",
        )
    if not np.all(np.isnan(values) | ((values > 0) & np.isfinite(values))):
        wrong = values[~(np.isnan(values) | ((values > 0) & np.isfinite(values)))]
        raise InputError(
            "values must be positive and finite, or NaN where a run gave none",
            received=f"{len(wrong)} values such as {wrong.flat[0]:g}",
            cause="a run that did not move or diverged, or logs in place of values",
            fix="give NaN for a run without a value; do not take logs beforehand",
        )
    return widths, values


def _imagined(log_width, log_value, shapes: Catalogue, settings) -> list[Summary]:
    """The posteriors with every failed run placed far from the others, in four patterns."""
    runs = Runs.of(log_width, log_value)
    sides = np.sign(log_width - log_width.mean() + 1e-12)
    patterns = (sides, -sides, np.ones_like(sides), -np.ones_like(sides))
    summaries = []
    for pattern in patterns:
        place = runs.mean + _FAILED_SPREADS * runs.pooled_sd()[:, None] * pattern
        known = (runs.count > 0)[..., None]
        filled = np.where(np.isnan(log_value) & known, place[..., None], log_value)
        imagined = Runs.of(log_width, filled)
        noise = Runs(
            log_width,
            imagined.mean,
            imagined.count,
            runs.scatter * imagined.spare[:, None] / runs.spare[:, None],
        )
        summaries.append(summarise(noise, shapes, **settings))
    return summaries


def _curve(shapes: Catalogue, summary: Summary, row: int, kind: int, runs: Runs):
    """Shape, amplitude, constant and exponent of the heaviest member of a kind, for one cell."""
    shape = shapes.shapes[summary.best[row, kind]]
    exponent = float(summary.exponent[row, kind])
    if shape.model not in WANDERING:
        size, constant = summary.amplitude[row, kind], summary.constant[row, kind]
        return shape, float(size), float(constant), exponent
    used = runs.count[0] > 0
    x = runs.log_width[used]
    noise = float(runs.pooled_sd()[0] ** 2 / runs.count[0, used].mean()) + _LEAST_VARIANCE
    shape, constant = shape.given(x, runs.mean[0, used] - exponent * x, noise)
    return shape, 1.0, constant, exponent


def _assemble(widths, runs: Runs, failed, usable, summary: Summary, bounds, shapes, level):
    """Put the cells that were estimated back among those that could not be."""
    cells = len(usable)

    def spread_out(part, empty):
        whole = np.full((cells, *part.shape[1:]), empty)
        whole[usable] = part
        return whole

    low, high, shift, straight, *expected = bounds
    curves: list[tuple] = [()] * cells
    for row, index in enumerate(np.flatnonzero(usable)):
        curves[index] = tuple(
            _curve(shapes, summary, row, k, runs.cells([index])) for k in range(len(MODEL_NAMES))
        )
    shift = spread_out(shift, np.inf)
    return ExponentMap(
        exponent=spread_out(summary.centre, np.nan),
        standard_error=spread_out(summary.standard_error, np.inf),
        low=spread_out(low, -np.inf),
        high=spread_out(high, np.inf),
        level=level,
        straight_p=spread_out(straight, np.nan),
        bent_low=spread_out(summary.bent_low, -np.inf),
        bent_high=spread_out(summary.bent_high, np.inf),
        largest_low=spread_out(np.exp(expected[0]), np.nan),
        largest_high=spread_out(np.exp(expected[1]), np.nan),
        weight=spread_out(summary.weight, np.nan),
        model_exponent=spread_out(summary.model_exponent, np.nan),
        model_error=spread_out(summary.model_error, np.nan),
        widths=widths,
        runs=runs.count.astype(int) + failed,
        failed=failed,
        failure_shift=np.where(failed.any(-1), shift, 0.0),
        spread=np.where(runs.spare > 0, runs.pooled_sd(), np.nan),
        log_mean=np.where(runs.count > 0, runs.mean, np.nan),
        usable=usable,
        curves=tuple(curves),
    )
