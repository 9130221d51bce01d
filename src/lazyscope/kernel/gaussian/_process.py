"""What does a Gaussian process predict, and how likely does it hold the data?"""

from typing import Any, final

import numpy as np
from jaxtyping import ArrayLike, Float

from lazyscope._checks import InputError, check_not_negative
from lazyscope._checks import check_positive as check_above_zero
from lazyscope._jax import coarser, unit_rounding
from lazyscope.kernel._predict import as_cross, as_outputs
from lazyscope.kernel._spectrum import (
    Spectrum,
    check_positive,
    kernel_precision,
    symmetric_kernel,
)
from lazyscope.kernel.gaussian._test_points import as_diagonal, as_test_kernel, known_variances

_GRID = 61
_SAME = 16


@final
class GaussianProcess:
    """A Gaussian process f of covariance K, conditioned on y = f(X) + N(0, noise).

    With the NNGP kernel (`limit_covariance_kernel`) as K it is the random network of infinite width,
    all layers but the last frozen and the last trained by Bayes' rule. Columns of y are independent.

        mean      k_test (K + noise)^{-1} y,
        covariance k_test_test - k_test (K + noise)^{-1} k_test^T   (of f, without the noise),
        evidence  log p(y) = -1/2 y^T (K + noise)^{-1} y - 1/2 log det(K + noise) - n/2 log(2 pi).

    Directions in which K is zero to rounding get no weight in predictions, by the rule of
    `predict_flow`; in the evidence they have the variance `noise`, and without noise there is no
    density to be had.

    Args:
        k_train_train: covariance (n, n) of the training points, symmetric, the same for all outputs.
        y: targets, (n,) or (n, C).
        noise: variance of the noise of y, at least 0, in the units of the kernel.
        precision: in which the kernel was computed, such as ``np.float32``; ``None`` means its type.

    Attributes:
        spectrum: the kernel by its eigenvectors.
        y: the targets in double precision.
        noise: as given.
        num_unresolved: directions in which K is zero to rounding.

    Raises:
        InputError: shapes that do not fit, a kernel that is not symmetric or not positive, numbers that
            are not finite, a noise below zero, equal points with different targets without noise.

    Cost: one symmetric eigendecomposition, about 10 n^3 operations; each noise after that 2 n^2 C.

    Trust: means to rounding times the condition of K + noise; variances to n eps of the largest.

    Reference: Rasmussen & Williams 2006, equations 2.23 to 2.30 and 5.9; Lee et al. 2018.

    Example:
        >>> process = GaussianProcess(np.array([[3.0]]), np.array([2.0]), noise=1.0)
        >>> process.mean(np.array([[1.5]])).tolist(), process.variance([[1.5]], [3.0]).tolist()
        ([0.75], [2.4375])
    """

    def __init__(
        self,
        k_train_train: Float[ArrayLike, "n n"],
        y: Float[ArrayLike, "n *outputs"],
        noise: float = 0.0,
        *,
        precision: Any = None,
    ) -> None:
        kernel = symmetric_kernel("k_train_train", k_train_train)
        dtype = kernel_precision(k_train_train, precision)
        targets = as_outputs("y", y, len(kernel), None)
        noise = check_not_negative("noise", noise)
        spectrum = Spectrum.of(kernel, len(kernel), dtype)
        check_positive(spectrum.computed, dtype)
        if not noise:
            _check_equal_points(kernel, targets, unit_rounding(dtype))
        self._set(spectrum, targets, noise, float(np.mean(np.diag(kernel))))

    def _set(self, spectrum: Spectrum, y: np.ndarray, noise: float, mean_diagonal: float) -> None:
        self.spectrum, self.y, self.noise = spectrum, y, noise
        self._mean_diagonal = mean_diagonal
        self.num_unresolved = int(np.sum(spectrum.values == 0))
        self._energies = np.sum(spectrum.coefficients(y) ** 2, axis=1)
        self._outputs = int(np.prod(y.shape[1:]))

    def with_noise(self, noise: float) -> "GaussianProcess":
        """The same process under another noise above zero, without another eigendecomposition."""
        other = object.__new__(GaussianProcess)
        other._set(self.spectrum, self.y, check_above_zero("noise", noise), self._mean_diagonal)
        return other

    def with_likeliest_noise(self, lowest: float = 1e-8, highest: float = 1e2) -> "GaussianProcess":
        """The same process under the noise of the largest evidence, between two ends.

        Args:
            lowest: of the noise, in units of the mean diagonal of the kernel.
            highest: the same.

        Cost: about a hundred sums over n. Trust: the best of 61 places on a logarithmic grid, and what
        Brent's method finds beside it; where it is an end, the data ask for less or more.
        """
        from scipy.optimize import minimize_scalar

        low = check_above_zero("lowest", lowest)
        high = check_above_zero("highest", highest)
        if high <= low:
            raise InputError(
                "highest must be above lowest",
                received=f"{low:g} and {high:g}",
                cause="ends in the wrong order",
                fix="give lowest=1e-8, highest=1e2, in units of the mean diagonal",
            )
        scale = self._mean_diagonal or 1.0
        grid = np.linspace(np.log(low * scale), np.log(high * scale), _GRID)
        cost = lambda logarithm: -self._evidence(float(np.exp(logarithm)))  # noqa: E731
        values = [cost(each) for each in grid]
        best = int(np.argmin(values))
        ends = grid[max(best - 1, 0)], grid[min(best + 1, _GRID - 1)]
        found: Any = minimize_scalar(cost, bounds=ends, method="bounded", options={"xatol": 1e-10})
        return self.with_noise(float(np.exp(found.x if found.fun < values[best] else grid[best])))

    def mean(
        self, k_test_train: Float[ArrayLike, "n_test n"] | None = None
    ) -> Float[np.ndarray, "n_test *outputs"]:
        """Posterior mean (n_test, ..) at test points, or at the training points without an argument."""
        coefficients = self.spectrum.coefficients(self.y)
        shares = self._weights()[:, None] * coefficients
        if k_test_train is None:
            found = self.spectrum.vectors @ (self.spectrum.values[:, None] * shares)
            return found.reshape(self.y.shape)
        cross = as_cross("k_test_train", k_test_train, len(self.y))
        found = cross @ (self.spectrum.vectors @ shares)
        return found.reshape(len(cross), *self.y.shape[1:])

    def variance(
        self,
        k_test_train: Float[ArrayLike, "n_test n"] | None = None,
        k_test_diagonal: Float[ArrayLike, " n_test"] | None = None,
    ) -> Float[np.ndarray, " n_test"]:
        """Posterior variance (n_test,) of f, the same for all outputs.

        Args:
            k_test_train: kernel between test and training points; ``None`` for the training points.
            k_test_diagonal: prior variances of the test points.
        """
        if k_test_train is None:
            share = self.spectrum.values * (1 - self.spectrum.values * self._weights())
            return self.spectrum.vectors**2 @ share
        cross = as_cross("k_test_train", k_test_train, len(self.y))
        prior = as_diagonal("k_test_diagonal", k_test_diagonal, len(cross))
        known = (cross @ self.spectrum.vectors) ** 2 @ self._weights()
        return known_variances(prior - known, prior, self._rounding(k_test_train))

    def covariance(
        self,
        k_test_train: Float[ArrayLike, "n_test n"] | None = None,
        k_test_test: Float[ArrayLike, "n_test n_test"] | None = None,
    ) -> Float[np.ndarray, "n_test n_test"]:
        """Posterior covariance of f between test points, or training points without arguments."""
        if k_test_train is None:
            share = self.spectrum.values * (1 - self.spectrum.values * self._weights())
            return (self.spectrum.vectors * share) @ self.spectrum.vectors.T
        cross = as_cross("k_test_train", k_test_train, len(self.y))
        prior = as_test_kernel("k_test_test", k_test_test, len(cross))
        half = (cross @ self.spectrum.vectors) * np.sqrt(self._weights())
        found = prior - half @ half.T
        known = known_variances(np.diag(found), np.diag(prior), self._rounding(k_test_train))
        found[np.diag_indices(len(found))] = known
        return found

    @property
    def log_marginal_likelihood(self) -> float:
        """The log evidence, log p(y), summed over outputs.

        Raises:
            InputError: no noise, and directions in which the kernel is zero to rounding.
        """
        self._check_density()
        return self._evidence(self.noise)

    @property
    def noise_gradient(self) -> float:
        """Derivative of the log evidence by the noise."""
        self._check_density()
        total = self.spectrum.values + self.noise
        return float(np.sum(self._energies / total**2 - self._outputs / total) / 2)

    def kernel_gradient(self, derivative: Float[ArrayLike, "n n"]) -> float:
        """Derivative of the log evidence by any parameter theta of the kernel.

        Args:
            derivative: dK / d theta (n, n), symmetric.

        Reference: Rasmussen & Williams 2006, equation 5.9.
        """
        self._check_density()
        change = symmetric_kernel("derivative", derivative)
        if len(change) != len(self.y):
            raise InputError(
                "derivative must have the shape of the kernel",
                received=f"shape {change.shape} beside {len(self.y)} points",
                cause="another set of points",
                fix="differentiate the kernel of the training points",
            )
        inverse = 1.0 / (self.spectrum.values + self.noise)
        turned = self.spectrum.vectors.T @ change @ self.spectrum.vectors
        alpha = inverse[:, None] * self.spectrum.coefficients(self.y)
        fit = np.einsum("ic,ij,jc->", alpha, turned, alpha)
        return float(fit - self._outputs * np.sum(inverse * np.diag(turned))) / 2

    @property
    def likeliest_scale(self) -> float:
        """The factor on kernel and noise together of the largest evidence, y^T (K + noise)^{-1} y / (n C).

        Means do not depend on it; variances are multiplied by it.
        """
        self._check_density()
        total = self.spectrum.values + self.noise
        return float(np.sum(self._energies / total)) / self.y.size

    def _weights(self) -> np.ndarray:
        """1 / (lambda + noise) along what the kernel resolves, else 0."""
        values = self.spectrum.values
        return np.where(values > 0, 1.0 / np.where(values > 0, values + self.noise, 1.0), 0.0)

    def _evidence(self, noise: float) -> float:
        total = self.spectrum.values + noise
        each = self._energies / total + self._outputs * np.log(2 * np.pi * total)
        return -float(np.sum(each)) / 2

    def _check_density(self) -> None:
        if not self.noise and self.num_unresolved:
            raise InputError(
                "without noise, data have a density only where the kernel resolves every direction",
                received=f"{self.num_unresolved} of {len(self.y)} eigenvalues that are zero to rounding",
                cause="duplicate points, more points than dimensions of the kernel, or single precision",
                fix="give a noise above zero, or drop duplicate points",
            )

    def _rounding(self, cross: Any) -> float:
        dtype = coarser(np.dtype(self.spectrum.precision), kernel_precision(cross))
        return len(self.y) * unit_rounding(dtype)


def _check_equal_points(kernel: np.ndarray, targets: np.ndarray, rounding: float) -> None:
    """Refuse points that are the same to the kernel and differ in their targets."""
    diagonal = np.diag(kernel)
    total = diagonal[:, None] + diagonal
    same = total - 2 * kernel <= _SAME * rounding * total
    if np.count_nonzero(same) == len(kernel):
        return
    rows, columns = np.nonzero(np.triu(same, 1))
    gaps = np.max(np.abs(targets[rows] - targets[columns]).reshape(len(rows), -1), axis=1)
    wrong = np.flatnonzero(gaps > _SAME * rounding * np.max(np.abs(targets), initial=0.0))
    if wrong.size:
        first = wrong[0]
        raise InputError(
            "without noise, equal points must have equal targets",
            received=f"points {rows[first]} and {columns[first]}, which are one to the kernel, with "
            f"targets {gaps[first]:.3g} apart ({wrong.size} such pairs)",
            cause="duplicate points with labels that disagree, or inputs that differ in their norm only "
            "before a normalisation",
            fix="give a noise above zero, or average the targets of duplicates",
        )
