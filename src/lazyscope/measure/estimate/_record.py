"""What is known about an exponent after a sweep over widths?"""

from dataclasses import asdict, dataclass
from typing import Any, final

import numpy as np
from jaxtyping import Bool, Float, Int

from lazyscope._estimate import RESOLUTION, Agreement, Estimate, Sign, agreement, sign_of
from lazyscope._result import AbstractResult
from lazyscope.measure.estimate._evidence import BENT, LargestWidth
from lazyscope.measure.estimate._shapes import MODEL_NAMES, ModelName, Shape

_FEW_WIDTHS = 4
_NARROW = 16.0


@final
@dataclass(frozen=True)
class ModelFit:
    """One way of approaching the power law, as it fits a sweep.

    Attributes:
        model: ``power-law``, ``correction``, ``crossover``, ``sum``, ``logarithm``, ``step`` or ``ripple``.
        weight: posterior weight among the seven; they sum to one.
        exponent: the exponent at infinite width if this model were true (posterior mean).
        standard_error: its standard deviation.
        shape, amplitude, constant, shape_exponent: the heaviest member of the model, as a curve
            ``exp(constant + shape_exponent * log m + amplitude * shape(m))``.
    """

    model: ModelName
    weight: float
    exponent: float
    standard_error: float
    shape: Shape
    amplitude: float
    constant: float
    shape_exponent: float

    def curve(self, widths) -> Float[np.ndarray, " n"]:
        """The fitted values at `widths`, for a figure; not an estimate with an error bar."""
        widths = np.asarray(widths, float)
        bent = self.amplitude * self.shape(widths)
        return np.exp(self.constant + self.shape_exponent * np.log(widths) + bent)

    @property
    def sentence(self) -> str:
        """The heaviest member in words."""
        return self.shape.sentence(self.amplitude)


@final
@dataclass(frozen=True, repr=False)
class ExponentEstimate(AbstractResult):
    """The exponent of a quantity at infinite width, with everything its interval rests on.

    Attributes:
        exponent: posterior median of e in value ~ m^e as m -> infinity; no unit.
        standard_error: posterior standard deviation, seeds and finite width together.
        interval: (low, high) at `level`; infinite where nothing could be estimated.
        level: nominal coverage.
        model: the model with the largest weight, or None where nothing could be estimated.
        models: all models with their weights, heaviest first.
        straight_p: probability of means so far from a straight line, were it true (F test); NaN where
            nothing is left to test it with.
        bent_interval: the interval if a bend is taken for granted, seen or not.
        largest: what the other widths expect at the largest; None where they are too few.
        widths: the widths of the sweep.
        runs: number of runs per width, failed ones included.
        failed: number of failed runs per width.
        failure_shift: how far the failed runs could move `exponent`; the interval includes it.
        spread: standard deviation of the log of one run about its width's mean, pooled.
        local_slopes: slope between neighbouring widths with runs, one less than those widths.
        local_slope_errors: their standard errors, from the pooled spread.
        note: what a reader should know, in sentences; empty where there is nothing.
    """

    exponent: float
    standard_error: float
    interval: tuple[float, float]
    level: float
    model: ModelName | None
    models: tuple[ModelFit, ...]
    straight_p: float
    bent_interval: tuple[float, float]
    largest: LargestWidth | None
    widths: tuple[float, ...]
    runs: tuple[int, ...]
    failed: tuple[int, ...]
    failure_shift: float
    spread: float
    local_slopes: tuple[float, ...]
    local_slope_errors: tuple[float, ...]
    note: str

    @property
    def estimate(self) -> Estimate:
        """The exponent with its interval, as the record that is shared from here to the page."""
        return Estimate(self.exponent, *self.interval, self.level, basis=self._basis)

    @property
    def _basis(self) -> str:
        line = "" if np.isnan(self.straight_p) else f", straight with p = {self.straight_p:.2g}"
        return f"{sum(self.runs)} runs at {len(self.widths)} widths{line}"

    @property
    def assumption(self) -> str:
        """What the interval takes for granted beyond the widths, in a sentence; empty without one."""
        if np.isnan(self.straight_p):
            return ""
        told = f"shows (p = {self.straight_p:.2g} for a straight line): the interval rests on"
        if self.straight_p >= BENT:
            low, high = self.bent_interval
            return (
                f"No bend {told} none that begins later; with one that is too slight to show it would be "
                f"[{low:.3f}, {high:.3f}]."
            )
        kind = next(fit.model for fit in self.models if fit.model != "power-law")
        return f"A bend {told} its going on, most likely as a {kind}, beyond {self.widths[-1]:g}."

    def evidence(self) -> dict[str, Any]:
        """What stands beside the interval in records and on pages, ready for JSON."""
        largest = None if self.largest is None else asdict(self.largest)
        return {
            "assumption": self.assumption,
            "straight_p": None if np.isnan(self.straight_p) else self.straight_p,
            "largest": largest and largest | {"expected": list(largest["expected"])},
        }

    def sign_verdict(self) -> Sign:
        """The sign of the exponent: ``undecided`` where the interval contains zero."""
        return self.estimate.sign()

    def agrees_with(self, prediction: float, *, resolution: float = RESOLUTION) -> Agreement:
        """Whether the interval confirms a predicted exponent.

        Args:
            prediction: the exponent to compare with.
            resolution: an interval of larger half-width confirms nothing; 1/8 tells neighbouring
                exponents of familiar schemes (steps of 1/4) apart.

        Returns:
            ``disagrees`` where the prediction lies outside the interval, else ``agrees`` where the
            interval is narrow enough, else ``undecided``.
        """
        return self.estimate.agreement(prediction, resolution=resolution)

    def __str__(self) -> str:
        low, high = self.interval
        text = f"exponent {self.exponent:.3f} [{low:.3f}, {high:.3f}] at {self.level:.0%}"
        weights = ", ".join(f"{fit.model} {fit.weight:.2f}" for fit in self.models)
        return " ".join(
            part
            for part in (text, f"({weights})" if weights else "", self.assumption, self.note)
            if part
        )


@final
@dataclass(frozen=True, repr=False)
class ExponentMap(AbstractResult):
    """Exponents of C cells measured at the same W widths: the numbers behind a phase diagram.

    Attributes:
        exponent, standard_error, low, high: (C,) as in `ExponentEstimate`; NaN and infinite where a
            cell has too few runs.
        level: nominal coverage of [low, high].
        straight_p, bent_low, bent_high: (C,) as in `ExponentEstimate`.
        largest_low, largest_high: (C,) between which the other widths expect the geometric mean at the
            largest; NaN where they are too few.
        weight, model_exponent, model_error: (C, 5) per model, in the order of `model_names`.
        widths: (W,).
        runs, failed: (C, W) number of runs, failed ones included, and of failed runs.
        failure_shift: (C,) how far failed runs could move the exponent; included in [low, high].
        spread: (C,) pooled standard deviation of the log of one run.
        log_mean: (C, W) mean log value of the runs that have one; NaN where none has.
        usable: (C,) whether the cell had enough runs for an estimate.
        curves: (C, 7) shape, amplitude, constant and exponent of each model's heaviest shape.
    """

    exponent: Float[np.ndarray, " C"]
    standard_error: Float[np.ndarray, " C"]
    low: Float[np.ndarray, " C"]
    high: Float[np.ndarray, " C"]
    level: float
    straight_p: Float[np.ndarray, " C"]
    bent_low: Float[np.ndarray, " C"]
    bent_high: Float[np.ndarray, " C"]
    largest_low: Float[np.ndarray, " C"]
    largest_high: Float[np.ndarray, " C"]
    weight: Float[np.ndarray, "C M"]
    model_exponent: Float[np.ndarray, "C M"]
    model_error: Float[np.ndarray, "C M"]
    widths: Float[np.ndarray, " W"]
    runs: Int[np.ndarray, "C W"]
    failed: Int[np.ndarray, "C W"]
    failure_shift: Float[np.ndarray, " C"]
    spread: Float[np.ndarray, " C"]
    log_mean: Float[np.ndarray, "C W"]
    usable: Bool[np.ndarray, " C"]
    curves: tuple[tuple[tuple[Shape, float, float, float], ...], ...]

    model_names = MODEL_NAMES

    def __len__(self) -> int:
        return len(self.exponent)

    def sign_verdicts(self) -> np.ndarray:
        """(C,) ``positive``, ``negative`` or ``undecided`` for every cell."""
        return np.array([sign_of(*pair) for pair in zip(self.low, self.high, strict=True)])

    def agreements(self, predictions, *, resolution: float = RESOLUTION) -> np.ndarray:
        """(C,) ``agrees``, ``disagrees`` or ``undecided`` with one prediction per cell."""
        predictions = np.broadcast_to(np.asarray(predictions, float), self.exponent.shape)
        rows = zip(self.low, self.high, predictions, strict=True)
        return np.array([agreement(low, high, float(p), resolution) for low, high, p in rows])

    def cell(self, index: int) -> ExponentEstimate:
        """Everything about one cell."""
        fits = self._fits(index)
        return ExponentEstimate(
            exponent=float(self.exponent[index]),
            standard_error=float(self.standard_error[index]),
            interval=(float(self.low[index]), float(self.high[index])),
            level=self.level,
            model=fits[0].model if fits else None,
            models=fits,
            straight_p=float(self.straight_p[index]),
            bent_interval=(float(self.bent_low[index]), float(self.bent_high[index])),
            largest=self._largest(index),
            widths=tuple(self.widths.tolist()),
            runs=tuple(self.runs[index].tolist()),
            failed=tuple(self.failed[index].tolist()),
            failure_shift=float(self.failure_shift[index]),
            spread=float(self.spread[index]),
            **self._local_slopes(index),
            note=self._note(index),
        )

    def _largest(self, index: int) -> LargestWidth | None:
        ends = float(self.largest_low[index]), float(self.largest_high[index])
        if np.isnan(ends[0]):
            return None
        measured = float(np.exp(self.log_mean[index, -1]))
        return LargestWidth(float(self.widths[-1]), measured, ends)

    def _fits(self, index: int) -> tuple[ModelFit, ...]:
        if not self.usable[index]:
            return ()
        fits = [
            ModelFit(
                name,
                float(self.weight[index, k]),
                float(self.model_exponent[index, k]),
                float(self.model_error[index, k]),
                *self.curves[index][k],
            )
            for k, name in enumerate(MODEL_NAMES)
        ]
        return tuple(sorted(fits, key=lambda fit: -fit.weight))

    def _local_slopes(self, index: int) -> dict[str, tuple[float, ...]]:
        count = self.runs[index] - self.failed[index]
        used = count > 0
        x, y = np.log(self.widths[used]), self.log_mean[index, used]
        error = self.spread[index] / np.sqrt(count[used])
        slopes = np.diff(y) / np.diff(x)
        errors = np.hypot(error[1:], error[:-1]) / np.diff(x)
        return {
            "local_slopes": tuple(slopes.tolist()),
            "local_slope_errors": tuple(errors.tolist()),
        }

    def _note(self, index: int) -> str:
        failed, runs = int(self.failed[index].sum()), int(self.runs[index].sum())
        parts = []
        if not self.usable[index]:
            parts.append("Too few runs with a value for an estimate.")
        if failed:
            shift = self.failure_shift[index]
            effect = (
                f"placed three spreads above or below the others they move the exponent by up to "
                f"{shift:.2g}, which the interval includes"
                if np.isfinite(shift)
                else "their effect is not known"
            )
            parts.append(f"{failed} of {runs} runs failed; {effect}.")
        lost = self.widths[(self.runs[index] > 0) & (self.failed[index] == self.runs[index])]
        if len(lost):
            parts.append(
                "No run has a value at width " + ", ".join(f"{width:g}" for width in lost) + "."
            )
        used = self.widths[self.runs[index] > self.failed[index]]
        if len(used) < _FEW_WIDTHS:
            parts.append(f"Only {len(used)} widths have a value: a bend can hardly be seen.")
        if len(used) and used[-1] < _NARROW * used[0]:
            parts.append(
                f"The widths span a factor of {used[-1] / used[0]:.3g} only: crossovers beyond "
                f"{used[-1]:g} are likely to be missed."
            )
        largest = self._largest(index)
        if largest is not None and not largest.as_expected:
            low, high = largest.expected
            parts.append(
                f"The mean at width {largest.width:g} is {largest.measured:.3g}, where the other widths "
                f"predict {low:.3g} to {high:.3g}."
            )
        return " ".join(parts)
