"""What do draws at several widths say of the kernel of infinite width?"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, final

import numpy as np
from jaxtyping import Float

from lazyscope._checks import InputError, check_array, check_callable
from lazyscope._entry import checked
from lazyscope._estimate import Estimate, Verdict
from lazyscope._result import AbstractResult
from lazyscope.measure import estimate_exponent
from lazyscope.monte_carlo._extrapolation import interval_over_corrections, wider

_NEGLIGIBLE = 1e-3
"""Share of the largest weight below which a correction is left out of functionals."""

Convergence: TypeAlias = Literal["converges", "grows", "vanishes", "undecided"]


@final
@dataclass(frozen=True)
class Bounds:
    """Numbers of one shape, each with its interval; NaN where there is no limit.

    Attributes:
        value: best values.
        low: lower ends.
        high: upper ends.
        level: probability that one interval covers.
    """

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    level: float


@final
@dataclass(frozen=True, repr=False)
class LimitKernelEstimate(AbstractResult):
    """A kernel in the limit of infinite width with an interval for every entry.

    Attributes:
        entries: the kernel (n, n) with its intervals; NaN where it does not converge.
        convergence: ``converges``; ``grows`` or ``vanishes`` like a power of the width; ``undecided``: the
            widths are too few, or too close, to tell.
        exponent: that power, of the norm of the kernel, as `estimate_exponent` has it.
        corrections: weight of every way to approach the limit, by name.
        widths: of the draws.
        draws: at every width.
        kernel: which one, ``tangent`` or ``covariance``.
        groups: means of equally many draws, (widths, groups, n, n).
        combinations: weights of the widths in the limit, a row for every correction.
    """

    entries: Bounds
    convergence: Convergence
    exponent: Estimate
    corrections: Mapping[str, float]
    widths: tuple[int, ...]
    draws: int
    kernel: str
    groups: np.ndarray
    combinations: np.ndarray

    @property
    def verdict(self) -> Verdict:
        """Whether there is a limit, in words."""
        low, high = (f"{end:.2f}" if end is not None else "open" for end in self.exponent.interval)
        power = f"m^{self.exponent.value:.2f} [{low}, {high}]"
        if self.convergence == "converges":
            best = max(self.corrections, key=lambda name: self.corrections[name])
            share = self.corrections[best]
            return Verdict(
                "supported", f"The kernel converges; corrections: {best} (weight {share:.2f})."
            )
        if self.convergence == "undecided":
            return Verdict(
                "undecided",
                f"The widths are too few or too close to tell whether the kernel converges: {power}. "
                "Add wider networks, or draws.",
            )
        return Verdict(
            "contradicted",
            f"The kernel {self.convergence} like {power}: there is no limit but after division by that "
            "power.",
        )

    @checked()
    def entry(self, row: int, column: int) -> Estimate:
        """One entry as a record.

        Raises:
            InputError: a row or column that is not there.
        """
        if max(row, column) >= len(self.entries.value):
            raise InputError(
                "an entry must be one of the kernel",
                received=f"({row}, {column}) of {self.entries.value.shape}",
                cause="counting from one, or another set of points",
                fix=f"give numbers up to {len(self.entries.value) - 1}",
            )
        value, low, high = (
            _known(a[row, column])
            for a in (self.entries.value, self.entries.low, self.entries.high)
        )
        return Estimate(value, low, high, self.entries.level, basis=self._basis)

    def functional(self, function: Callable[[np.ndarray], Any]) -> Bounds:
        """Any function of the limit kernel, with intervals.

        The function is that of the extrapolated kernel, not the limit of its means over draws: smallest
        eigenvalues of single draws are off by their noise. Intervals are from the jackknife over draws, its
        correction of the bias included, and from the corrections that are not told apart (Efron & Stein 1981,
        Annals of Statistics 9(3)).

        Args:
            function: of the kernel (n, n), to a number or an array; smooth where it counts.

        Cost: `function` once for each group of draws at each width (at most 32 a width) and correction.
        """
        function_of: Any = check_callable("function", function)
        return self._jackknifed(lambda kernel: np.asarray(function_of(kernel), float))

    def lambda_min(self) -> Estimate:
        """Smallest eigenvalue."""
        return self._number(lambda kernel: np.linalg.eigvalsh(kernel)[0])

    def trace(self) -> Estimate:
        """Sum of the diagonal."""
        return self._number(np.trace)

    @checked(any_axes=("targets",))
    def prediction(self, targets: Float[Any, "k ..."], *, ridge: float = 0.0) -> Bounds:
        """Outputs at the last n - k points of a network trained to the end on the first k.

        ``k(X*, X) (K + ridge I)^-1 y``: the mean of the trained ensemble for the tangent kernel (Lee et al.
        2019, eq. 11), the posterior mean for the covariance.

        Args:
            targets: y of the first k points, (k,) or (k, C).
            ridge: added to the diagonal.

        Raises:
            InputError: as many targets as points, or none.
        """
        y = np.asarray(check_array("targets", targets), float)
        k, n = (len(y) if y.ndim else 0), len(self.entries.value)
        if not 0 < k < n:
            raise InputError(
                "there must be targets for the first points, and points left to predict",
                received=f"{k} targets for {n} points",
                cause="an estimate of the training points alone",
                fix="give x with training points first and test points behind them",
            )
        eye = ridge * np.eye(k)
        return self._jackknifed(
            lambda kernel: kernel[k:, :k] @ np.linalg.solve(kernel[:k, :k] + eye, y)
        )

    @checked(any_axes=("kernel",))
    def deviation_exponent(self, kernel: Float[Any, "n n"]) -> Estimate:
        """Exponent of the width in the distance of draws from a kernel: -1/2 if it is their limit.

        Args:
            kernel: what draws should tend to, (n, n).
        """
        kernel = np.asarray(check_array("kernel", kernel, ndim=2), float)
        if kernel.shape != self.entries.value.shape:
            raise InputError(
                "a kernel to compare with must have the shape of the estimate",
                received=f"{kernel.shape} for {self.entries.value.shape}",
                cause="another set of points, or outputs that were not averaged over",
                fix="give the kernel (n, n) of the same points",
            )
        gaps = np.linalg.norm(self.groups - kernel, axis=(2, 3))
        found = estimate_exponent(np.array(self.widths), gaps, level=self.entries.level)
        return found.estimate

    @property
    def _basis(self) -> str:
        return f"{self.draws} draws at widths {', '.join(map(str, self.widths))}"

    def _number(self, function: Callable[[np.ndarray], Any]) -> Estimate:
        found = self._jackknifed(lambda kernel: np.asarray(function(kernel), float))
        value, low, high = (_known(float(a)) for a in (found.value, found.low, found.high))
        return Estimate(value, low, high, found.level, basis=self._basis)

    def _jackknifed(self, function: Callable[[np.ndarray], np.ndarray]) -> Bounds:
        level = self.entries.level
        if self.convergence in ("grows", "vanishes"):
            none = np.full(function(self.groups.mean((0, 1))).shape, np.nan)
            return Bounds(none, none, none, level)
        weights = np.array(list(self.corrections.values()))
        told = weights >= _NEGLIGIBLE * weights.max()
        found = [self._of_correction(function, row) for row in self.combinations[told]]
        value, spread = (np.stack(part, -1) for part in zip(*found, strict=True))
        shape = value.shape[:-1]
        share = weights[told] / weights[told].sum()
        flat = value.reshape(-1, len(share)), spread.reshape(-1, len(share)), share
        low, high = interval_over_corrections(*flat, level)
        return Bounds(value @ share, low.reshape(shape), high.reshape(shape), level)

    def _of_correction(
        self, function: Callable[[np.ndarray], np.ndarray], combination: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Value without bias and standard error, as wide as Student's for its draws, for one correction."""
        means, count = self.groups.mean(1), self.groups.shape[1]
        limit = np.tensordot(combination, means, 1)
        whole, value, parts = function(limit), function(limit), []
        for share, mean, drawn in zip(combination, means, self.groups, strict=True):
            left_out = [function(limit + share * (mean - one) / (count - 1)) for one in drawn]
            centre = np.mean(left_out, axis=0)
            value = value - (count - 1) * (centre - whole)
            parts.append((count - 1) / count * ((np.array(left_out) - centre) ** 2).sum(0))
        total, squares = np.sum(parts, axis=0), np.sum(np.square(parts), axis=0)
        freedom = (count - 1) * total**2 / np.where(squares > 0, squares, 1.0)
        spread = np.sqrt(total) * wider(np.maximum(freedom, 1.0), self.entries.level)
        return np.asarray(value), np.asarray(spread)


def _known(number: float) -> float | None:
    return float(number) if math.isfinite(number) else None
